"""Value content, exactly: the formulas of the agreements over one line of the goods.

Promises that nothing is rounded before it is compared (an inexact step would raise, not round), and that a share is
shown rounded away from its limit: a content down, a non-originating share up. The limits are the scheme's data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext

from engine.application import Costs, Item
from engine.errors import PluginError

__all__ = ["FORMULAS", "Missing", "Share", "Worked", "cost_total", "limit", "listed_originating"]

# Amounts have 19 digits, lines at most 200 inputs: 80 digits hold every product exactly.
EXACT = Context(prec=80, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, never divided until it is shown; the whole is above zero."""

    part: Decimal
    whole: Decimal

    def at_least(self, percent: Decimal) -> bool:
        """Whether the share reaches the limit."""
        with localcontext(EXACT):
            return self.part * HUNDRED >= percent * self.whole

    def at_most(self, percent: Decimal) -> bool:
        """Whether the share keeps within the limit."""
        with localcontext(EXACT):
            return self.part * HUNDRED <= percent * self.whole

    @property
    def percent_down(self) -> str:
        """Two decimals, rounded down: 34.9999 shows as 34.99."""
        return f"{self._hundredths():f}"

    @property
    def percent_up(self) -> str:
        """Two decimals, rounded up: 65.0001 shows as 65.01."""
        with localcontext(EXACT):
            exact = self._hundredths() * self.whole == self.part * HUNDRED
            return f"{self._hundredths() + (Decimal(0) if exact else Decimal('0.01')):f}"

    def _hundredths(self) -> Decimal:
        """The percentage cut to two decimals, towards minus infinity."""
        with localcontext(EXACT):
            units, rest = divmod(self.part * 10_000, self.whole)
            return (units - 1 if rest < 0 else units).scaleb(-2)


@dataclass(frozen=True, slots=True)
class Worked:
    """A formula carried out: the share that is compared, the originating content, and the working in words."""

    share: Share
    content: Share
    working: str


@dataclass(frozen=True, slots=True)
class Missing:
    """What the formula needs and the line does not say, as paths below the line."""

    keys: tuple[str, ...]


Formula = Callable[[Item], Worked | Missing]


def _build_up(*heads: str) -> Formula:
    """Originating materials and the named heads of cost, over FOB."""

    def formula(item: Item) -> Worked | Missing:
        amounts = {"originating_materials": _materials(item), **{head: _cost(item.origin.costs, head) for head in heads}}
        keys = tuple(f"origin.costs.{head}" for head, amount in amounts.items() if amount is None)
        if keys or item.fob <= 0:
            return Missing(keys or ("value",))
        known = [amount for amount in amounts.values() if amount is not None]
        share = Share(_total(known), item.fob)
        return Worked(share, share, f"({' + '.join(map(_plain, known))}) / {_plain(item.fob)} * 100 = {share.percent_down} %")

    return formula


def _max_nom(item: Item) -> Worked | Missing:
    """Non-originating material over FOB; the content is what remains."""
    if not item.origin.inputs or item.fob <= 0:
        return Missing(("origin.inputs",) if not item.origin.inputs else ("value",))
    nom = _non_originating(item)
    share = Share(nom, item.fob)
    return Worked(share, Share(_total([item.fob, -nom]), item.fob), f"{_plain(nom)} / {_plain(item.fob)} * 100 = {share.percent_up} %")


def _build_down(item: Item) -> Worked | Missing:
    """FOB less non-originating material, over FOB."""
    worked = _max_nom(item)
    if isinstance(worked, Missing):
        return worked
    nom, content = worked.share.part, worked.content
    return Worked(content, content, f"({_plain(item.fob)} - {_plain(nom)}) / {_plain(item.fob)} * 100 = {content.percent_down} %")


# formulas.* of the scheme facts; profit counts in one build-up by cost and not in the other.
FORMULAS: Mapping[str, Formula] = {
    "build_down": _build_down,
    "build_up_materials": _build_up(),
    "build_up_cost_with_profit": _build_up("direct_labour", "direct_overhead", "profit"),
    "build_up_cost_without_profit": _build_up("direct_labour", "direct_overhead"),
    "max_nom": _max_nom,
}


def limit(table: Mapping[str, object], key: str) -> Decimal | None:
    """A percentage of the scheme's data as an exact decimal; None if it is not set. A float has lost digits: PluginError."""
    value = table.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise PluginError(f"origin.toml gives {key} = {value!r}; write a whole number, or a decimal in quotes.")
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise PluginError(f"origin.toml gives {key} = {value!r}, which is no number.") from error


def cost_total(item: Item) -> Decimal:
    """All that the line's cost sheet adds up to: the heads of cost and the non-originating materials."""
    heads = [_cost(item.origin.costs, head) for head in ("direct_labour", "direct_overhead", "profit")]
    return _total([amount for amount in (_materials(item), *heads, _non_originating(item)) if amount is not None])


def listed_originating(item: Item) -> Decimal:
    """The originating materials among the listed inputs."""
    return _total([Decimal(part.value) for part in item.origin.inputs if part.originating])


def _non_originating(item: Item) -> Decimal:
    return _total([Decimal(part.value) for part in item.origin.inputs if not part.originating])


def _materials(item: Item) -> Decimal | None:
    """The originating materials: the head of the cost sheet, or else the sum of the listed ones."""
    stated = _cost(item.origin.costs, "originating_materials")
    listed = any(part.originating for part in item.origin.inputs)
    return stated if stated is not None or not listed else listed_originating(item)


def _cost(costs: Costs | None, head: str) -> Decimal | None:
    amount = getattr(costs, head, None)
    return None if amount is None else Decimal(amount)


def _total(amounts: list[Decimal]) -> Decimal:
    with localcontext(EXACT):
        return sum(amounts, Decimal(0))


def _plain(amount: Decimal) -> str:
    return f"{amount:f}"
