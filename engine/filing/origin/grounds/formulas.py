"""Value content: the formulas of the agreements over one line of goods.

Every formula is worked out on a base, the FOB value or the ex-works price, and answers with exact shares or with what it
misses. Limits are the scheme's data; comparing is `values`'.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.filing.origin.goods import Goods
from engine.filing.origin.materials import Account
from engine.filing.origin.shares import Share, shown_amount, total

__all__ = ["BASES", "FORMULAS", "Missing", "Worked"]

BASES: Mapping[str, str] = {"FOB": "fob", "EXW": "ex_works"}


@dataclass(frozen=True, slots=True)
class Worked:
    """A formula carried out: the share that is compared, the originating content, and the working up to the equals sign."""

    share: Share
    content: Share
    working: str
    foreign: bool = False
    """Whether the share is one of non-originating material, which a limit holds down."""
    floor: tuple[str, ...] = ()
    """Keys of the goods without which the share is the least that it can be: enough to pass, never to fail."""

    @property
    def figure(self) -> str:
        """The share in percent, rounded so that it never claims more than is true."""
        return self.share.percent_up if self.foreign else self.share.percent_down


@dataclass(frozen=True, slots=True)
class Missing:
    """What the formula needs and nobody says, as keys of the goods; `why`, if one is said and cannot be used."""

    keys: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Sum:
    """What a formula is carried out on."""

    goods: Goods
    account: Account
    whole: Decimal

    def shown(self, amount: Decimal) -> str:
        return shown_amount(amount, self.goods.scale)

    def of(self, working: str, part: Decimal, floor: tuple[str, ...] = ()) -> Worked:
        """An originating share."""
        share = Share(part, self.whole)
        return Worked(share, share, f"{working} / {self.shown(self.whole)} * 100", floor=floor)

    @property
    def materials(self) -> Decimal | None:
        """The originating materials: the head of cost, or else the sum of the listed ones.

        A stated head that may hold materials which this scheme does not count is no figure; and a list that names none is one
        only where it names all.
        """
        if self.is_stated:
            return self.goods.costs.originating_materials
        return self.account.originating if self.account.originating or self.goods.complete else None

    @property
    def is_stated(self) -> bool:
        """Whether the head of cost says what the originating materials are worth."""
        return self.goods.costs.originating_materials is not None and not self.account.uncounted

    @property
    def floor(self) -> tuple[str, ...]:
        """What would tell of originating materials beside the listed ones: the list of an application need not name them all."""
        whole_list = self.goods.complete and self.goods.costs.originating_materials is None
        return () if self.is_stated or whole_list else ("costs.originating_materials",)


def _build_up(*heads: str) -> Callable[[_Sum], Worked | Missing]:
    """Originating materials and the named heads of cost, over the base."""

    def formula(case: _Sum) -> Worked | Missing:
        amounts = {"originating_materials": case.materials, **{head: getattr(case.goods.costs, head) for head in heads}}
        if missing := tuple(f"costs.{head}" for head, amount in amounts.items() if amount is None):
            return Missing(missing)
        return case.of(f"({' + '.join(case.shown(amount) for amount in amounts.values())})", total(amounts.values()), case.floor)

    return formula


def _max_nom(case: _Sum) -> Worked | Missing:
    """Non-originating material over the base; the content is what remains."""
    if not case.goods.materials:
        return Missing(("inputs",))
    share = Share(case.account.non_originating, case.whole)
    working = f"{case.shown(share.part)} / {case.shown(case.whole)} * 100"
    return Worked(share, share.rest, working, foreign=True)


def _build_down(case: _Sum) -> Worked | Missing:
    """The base less non-originating material, over the base."""
    return _less(case, case.account.non_originating)


def _own_content(case: _Sum) -> Worked | Missing:
    """The base less every material that is imported, a partner's too, or of undetermined origin, over the base."""
    return _less(case, case.account.not_our_own)


def _less(case: _Sum, foreign: Decimal) -> Worked | Missing:
    if not case.goods.materials:
        return Missing(("inputs",))
    return case.of(f"({case.shown(case.whole)} - {case.shown(foreign)})", total([case.whole, -foreign]))


def _apta_cumulation(case: _Sum) -> Worked | Missing:
    """Originating materials of the partners, and the value that is added in India, over the base."""
    heads = ("direct_labour", "direct_overhead", "freight_to_port", "profit")
    amounts = {head: getattr(case.goods.costs, head) for head in heads}
    missing = tuple(f"costs.{head}" for head, amount in amounts.items() if amount is None)
    if missing or not case.goods.materials:
        return Missing(missing if case.goods.materials else ("inputs", *missing))
    parts = [case.account.of_partners, *amounts.values()]
    return case.of(f"({' + '.join(map(case.shown, parts))})", total(parts))


# Profit counts in one build-up by cost and not in the other; one agreement adds up partners' materials with the value added here.
_FORMULAS: Mapping[str, Callable[[_Sum], Worked | Missing]] = {
    "build_down": _build_down,
    "build_up_materials": _build_up(),
    "build_up_cost_with_profit": _build_up("direct_labour", "direct_overhead", "profit"),
    "build_up_cost_without_profit": _build_up("direct_labour", "direct_overhead"),
    "max_nom": _max_nom,
    "apta_cumulation": _apta_cumulation,
    "own_content": _own_content,
}


def _on_base(formula: Callable[[_Sum], Worked | Missing]) -> Callable[[Goods, Account, str], Worked | Missing]:
    def worked(goods: Goods, account: Account, base: str) -> Worked | Missing:
        whole = goods.fob if base == "FOB" else goods.ex_works
        if whole is None or whole <= 0:
            return Missing((BASES[base],))
        if whole > goods.fob:
            return Missing((BASES[base],), "The ex-works price is above the FOB value, which includes it.")
        return formula(_Sum(goods, account, whole))

    return worked


FORMULAS: Mapping[str, Callable[[Goods, Account, str], Worked | Missing]] = {name: _on_base(formula) for name, formula in _FORMULAS.items()}
