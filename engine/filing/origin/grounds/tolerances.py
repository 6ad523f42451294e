"""De minimis: how much non-originating material may miss a test. It relaxes that test alone, never a value content."""

from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import msgspec

from engine.contracts.origin import Outcome, Step
from engine.contracts.rules import DeMinimis, Test, in_chapters, percent
from engine.filing.origin.cases import Case, Tried, at_every_price, choose, paths
from engine.filing.origin.grounds.formulas import BASES
from engine.filing.origin.materials import Lots, union
from engine.filing.origin.shares import Share, shown_amount, total

__all__ = ["tolerated"]


@dataclass(frozen=True, slots=True)
class _Open:
    """A share that cannot be worked out, with the paths that it misses."""

    missing: tuple[str, ...]


def tolerated(case: Case[Test], test: str, missing: Lots, doubtful: Lots, doubts: tuple[str, ...]) -> Tried | None:
    """Whether materials that miss a test are few enough, by the best of the scheme's rules; None if no rule is for these goods.

    `doubtful` are those whose outcome nobody knows yet: they are no hindrance if they fit in as well, and otherwise leave the
    answer open for the `doubts` that stand behind them.
    """
    rules = [rule for rule in case.scheme.rules.de_minimis if rule.test == test and _is_for(rule, case)]
    if not rules:
        return None
    found = []
    for rule in rules:
        attempt = partial(_tried, rule=rule, missing=missing, doubtful=doubtful, doubts=doubts)
        found.append(at_every_price(case, attempt) if (rule.of, rule.base) == ("value", "FOB") else attempt(case))
    return choose(found)


def _is_for(rule: DeMinimis, case: Case[Test]) -> bool:
    return not rule.chapters or in_chapters(case.goods.hs, rule.chapters)


def _tried(case: Case[Test], *, rule: DeMinimis, missing: Lots, doubtful: Lots, doubts: tuple[str, ...]) -> Tried:
    if rule.pct is None:
        return _undecided(rule, f"Not sourced: {rule.unset}.", (f"not sourced: {rule.unset}",))
    limit = percent(rule.pct)
    whole = _share(case, rule, union(missing, doubtful))
    if isinstance(whole, _Open):
        return _undecided(rule, f"The share cannot be worked out without {', '.join(whole.missing)}.", whole.missing)
    if _within(rule, whole, limit):
        tried = _step(case, rule, whole, limit, Outcome.PASSES)
        return _unset(rule, tried)
    sure = _share(case, rule, missing) if doubtful else whole
    if isinstance(sure, Share) and _within(rule, sure, limit):
        return Tried(Outcome.UNDECIDED, _step(case, rule, whole, limit, Outcome.UNDECIDED).steps, doubts)
    return _step(case, rule, sure if isinstance(sure, Share) else whole, limit, Outcome.FAILS)


def _share(case: Case[Test], rule: DeMinimis, lots: Lots) -> Share | _Open:
    """The materials in question in the whole that the rule names."""
    goods = case.goods
    if rule.of == "value":
        base = goods.fob if rule.base == "FOB" else goods.ex_works
        if base is None or base <= 0 or base > goods.fob:
            return _Open((goods.where(BASES[rule.base]),))
        return Share(total(lot.value for lot in lots.values()), base)
    part = _weight(lots)
    whole = goods.net_weight_kg if rule.of == "goods_weight" else _weight(goods.lots)
    if part is None or whole is None or whole <= 0:
        unweighed = lots if rule.of == "goods_weight" else goods.lots
        keys = paths(unweighed, "weight_kg", lambda material: material.weight_kg is None)
        needs_net = rule.of == "goods_weight" and (whole is None or whole <= 0)
        return _Open((*keys, goods.where("net_weight_kg")) if needs_net else keys or paths(unweighed, "weight_kg"))
    return Share(part, whole)


def _weight(lots: Lots) -> Decimal | None:
    weights = [lot.weight_kg for lot in lots.values()]
    known = [weight for weight in weights if weight is not None]
    return total(known) if len(known) == len(weights) else None


def _within(rule: DeMinimis, share: Share, limit: Decimal) -> bool:
    """Whether the share is allowed: it may equal the limit where it must not exceed it, and not where it must be less."""
    margin = share.margin(limit)
    return margin < 0 or (margin == 0 and rule.within == "does not exceed")


def _step(case: Case[Test], rule: DeMinimis, share: Share, limit: Decimal, outcome: Outcome) -> Tried:
    scale = case.goods.scale
    of = {"value": rule.base, "goods_weight": "net weight", "materials_weight": "weight of all materials"}[rule.of]
    must = "must not exceed" if rule.within == "does not exceed" else "must be less than"
    working = (
        f"{shown_amount(share.part, scale)} / {shown_amount(share.whole, scale)} ({of}) * 100 = {share.percent_up} %; {must} {limit:f} %"
    )
    step = Step("de_minimis", working, outcome, rule.rule, rule.source)
    return Tried(outcome, (msgspec.structs.replace(step, figure=share.percent_up, limit=f"{limit:f}", points=share.points_under(limit)),))


def _unset(rule: DeMinimis, tried: Tried) -> Tried:
    """Relying on a rule of which a part is not sourced decides nothing."""
    if rule.unset is None:
        return tried
    steps = tuple(msgspec.structs.replace(step, outcome=Outcome.UNDECIDED) for step in tried.steps)
    return Tried(Outcome.UNDECIDED, steps, (f"not sourced: {rule.unset}",))


def _undecided(rule: DeMinimis, working: str, missing: tuple[str, ...]) -> Tried:
    return Tried(Outcome.UNDECIDED, (Step("de_minimis", working, Outcome.UNDECIDED, rule.rule, rule.source),), missing)
