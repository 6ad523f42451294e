"""The test of value content: every method that can be worked out, on every base that is allowed, each against its limit.

The methods, their formulas and limits are the scheme's data or the product rule's; the arithmetic is `formulas`'.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import partial
from typing import Any

import msgspec

from engine.contracts.origin import Outcome
from engine.contracts.rules import Method, ValueContent, in_chapters, percent
from engine.filing.origin.cases import Case, Tried, at_every_price, best, choose, passes, said, unneeded
from engine.filing.origin.grounds.formulas import FORMULAS, Missing, Worked
from engine.filing.origin.shares import EXACT, Share

__all__ = ["content", "value_content"]

_HUNDRED = Decimal(100)
_UP = frozenset({"build_up_materials", "build_up_cost_with_profit", "build_up_cost_without_profit"})
_DOWN = frozenset({"build_down", "max_nom"})
_Values = Case[Any]  # of a ValueContent or of a ProductRuleTest, which both have methods


def value_content(case: Case[ValueContent]) -> Tried:
    """Whether a method reaches its limit; for goods without a partner's materials not under a ground that is for such."""
    goods = case.goods
    if case.test.partner_materials and goods.materials and not case.account.cumulated:
        return said(case, Outcome.FAILS, "No originating material of a partner is listed; claim the general ground.")
    return content(case, case.name)


def content(case: _Values, name: str, least: Decimal | None = None) -> Tried:
    """Tries every method; `least` is the content that a product rule asks for.

    With `either = true` the better one decides, and one that cannot be worked out keeps a failure open. Without it a Party
    that keeps to one method may not choose line by line: where two disagree the line is undecided, and where one cannot be
    worked out too, unless the others decide it for certain (`_follows`).
    """
    tried = [_method(case, f"{name}: {label} method", method, least) for label, method in case.test.methods.items()]
    worked = [one for one in tried if one.worked]
    if not worked:
        missing = dict.fromkeys(key for one in tried for key in one.tried.missing)
        whys = " ".join(dict.fromkeys(["No method can be worked out.", *(why for one in tried for why in one.whys)]))
        return said(case.under(name, case.test), Outcome.UNDECIDED, whys, *missing)
    if case.test.either:
        decides = best(one.tried.outcome for one in worked) is not Outcome.FAILS
        found = choose(one.tried for one in (worked if decides else tried))
    else:
        # At several prices none of them need lie above the costs, so that nothing follows from one method for another.
        found = _all(case, name, [one.tried if case.goods.band else _settled(case, one, tried) for one in tried])
    return Tried(found.outcome, found.steps, found.missing, _printed(worked))


@dataclass(frozen=True, slots=True)
class _Method:
    """A method tried: what it said, the shares it worked out with their outcomes, and why a base that is given was not used.

    `least` is the content that it asks for on its base, None where that is not sourced.
    """

    name: str
    method: Method
    least: Decimal | None
    tried: Tried
    worked: tuple[tuple[Outcome, Worked], ...]
    whys: tuple[str, ...]


def _method(case: _Values, name: str, method: Method, least: Decimal | None) -> _Method:
    """One method on its base, and on the ex-works price where the scheme allows that too; the better base decides."""
    bases = [(method.base, Decimal(0))]
    points = case.test.exworks_points
    if points is not None and method.base == "FOB" and not in_chapters(case.goods.hs, case.test.exworks_not_chapters):
        bases.append(("EXW", percent(points)))
    tried: list[Tried] = []
    worked: list[tuple[Outcome, Worked]] = []
    whys: list[str] = []
    for base, lower in bases:
        label = f"{name}, ex-works" if base == "EXW" else name
        result = FORMULAS[method.formula](case.goods, case.account, base)
        if isinstance(result, Missing):
            keys = tuple(map(case.goods.where, result.keys))
            say = result.why or f"It cannot be worked out without {', '.join(keys)}."
            whys += [result.why] if result.why else []
            tried.append(Tried(Outcome.UNDECIDED, (case.step(label, say, Outcome.UNDECIDED),), keys))
        else:
            attempt = partial(_on_base, label=label, method=method, base=base, limits=_limits(method, least, lower))
            one = at_every_price(case, attempt) if base == "FOB" else attempt(case)
            tried.append(one)
            worked.append((one.outcome, result))
    low, high = _limits(method, least, Decimal(0))
    asked = low if high is None else _HUNDRED - high
    return _Method(name, method, asked, choose(tried) if len(tried) > 1 else tried[0], tuple(worked), tuple(whys))


def _on_base(case: _Values, *, label: str, method: Method, base: str, limits: tuple[Decimal | None, Decimal | None]) -> Tried:
    """A method that can be worked out, against its limits; at a price at which it cannot, undecided."""
    result = FORMULAS[method.formula](case.goods, case.account, base)
    if isinstance(result, Missing):
        return said(case, Outcome.UNDECIDED, "It cannot be worked out at every price.", *map(case.goods.where, result.keys))
    return _compared(case, label, result, limits)


def _settled(case: _Values, one: _Method, others: Iterable[_Method]) -> Tried:
    """What a method says, or what must be true of it by what another one says."""
    if one.tried.outcome is not Outcome.UNDECIDED:
        return one.tried
    for other in others:
        if (outcome := _follows(one, other)) is not None:
            say = f"It {'reaches' if outcome is Outcome.PASSES else 'misses'} its limit for certain, as {other.name} does."
            step = msgspec.structs.replace(case.step(one.name, say, outcome), decides=False)
            return Tried(outcome, (step,))
    return one.tried


def _follows(one: _Method, other: _Method) -> Outcome | None:
    """The outcome of a method that follows from another one's on the same base.

    What is built up of originating materials, labour, overhead and profit is never more than the base less the foreign
    materials. So where that is too little the build-up is too, and where the build-up is enough that is enough.
    """
    if one.method.base != other.method.base or one.least is None or other.least is None:
        return None
    here, there = one.method.formula, other.method.formula
    if other.tried.outcome is Outcome.FAILS and there in _DOWN and here in _UP and one.least >= other.least:
        return Outcome.FAILS
    if other.tried.outcome is Outcome.PASSES and there in _UP and here in _DOWN and one.least <= other.least:
        return Outcome.PASSES
    return None


def _limits(method: Method, least: Decimal | None, lower: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """At least, at most: the method's own limits or the product rule's, so many points easier."""
    low = None if method.min_pct is None else percent(method.min_pct)
    high = None if method.max_pct is None else percent(method.max_pct)
    with localcontext(EXACT):
        if least is not None:
            low, high = (None, _HUNDRED - least) if method.formula == "max_nom" else (least, None)
        easier = None if low is None else max(low - lower, Decimal(0))
        return easier, (None if high is None else min(high + lower, _HUNDRED))


def _compared(case: _Values, name: str, worked: Worked, limits: tuple[Decimal | None, Decimal | None]) -> Tried:
    low, high = limits
    working = f"{worked.working} = {worked.figure} %"
    if low is not None:
        outcome, words, limit, points = passes(worked.share.margin(low) >= 0), "at least", low, worked.share.points_over(low)
    elif high is not None:
        outcome, words, limit, points = passes(worked.share.margin(high) <= 0), "at most", high, worked.share.points_under(high)
    else:
        step = case.step(name, f"{working}; the limit is not sourced", Outcome.UNDECIDED)
        step = msgspec.structs.replace(step, figure=worked.figure)
        return Tried(Outcome.UNDECIDED, (step,), (f"not sourced: {case.test.unset or f'the limit of {name}'}",))
    missing: tuple[str, ...] = ()
    if outcome is Outcome.FAILS and worked.floor:
        outcome, missing = Outcome.UNDECIDED, tuple(map(case.goods.where, worked.floor))
        words = f"or more, as not every originating material need be listed; {words}"
    step = case.step(name, f"{working}; {words} {limit:f} %", outcome)
    step = msgspec.structs.replace(step, figure=worked.figure, limit=f"{limit:f}", points=points)
    return Tried(outcome, (step,), missing)


def _printed(tried: Iterable[_Method]) -> Share:
    """Of the methods that speak for the goods the lowest content: a box never claims more than was shown."""
    worked = [one for method in tried for one in method.worked]
    speaking = [one for outcome, one in worked if outcome is Outcome.PASSES] or [one for _, one in worked]
    lowest = speaking[0].content
    for one in speaking[1:]:
        lowest = one.content if one.content.below(lowest) else lowest
    return lowest


def _all(case: _Values, name: str, found: list[Tried]) -> Tried:
    """Methods of one mind decide; where they disagree, or one of them is open, the officer does."""
    outcomes = {one.outcome for one in found}
    missing = [key for one in found for key in one.missing]
    if len(outcomes) == 1:
        return Tried(outcomes.pop(), tuple(step for one in found for step in one.steps), tuple(dict.fromkeys(missing)))
    steps = [step for one in found for step in unneeded(one.steps)]
    if {Outcome.PASSES, Outcome.FAILS} <= outcomes:
        steps.append(case.step(name, "The methods disagree; the officer decides which one applies.", Outcome.UNDECIDED))
        missing.append(f"not sourced: {case.test.unset or 'which of the methods applies: ' + ', '.join(case.test.methods)}")
    return Tried(Outcome.UNDECIDED, tuple(steps), tuple(dict.fromkeys(missing)))
