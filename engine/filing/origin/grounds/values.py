"""The test of value content: every method that can be worked out, on every base that is allowed, each against its limit.

The methods, their formulas and limits are the scheme's data or the product rule's; the arithmetic is `formulas`'.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from engine.contracts.origin import Outcome, Step
from engine.contracts.rules import Method, ValueContent, in_chapters, percent
from engine.filing.origin.cases import Case, Tried, best, choose, passes, said, unneeded
from engine.filing.origin.grounds.formulas import FORMULAS, Missing, Worked
from engine.filing.origin.shares import Share

__all__ = ["content", "value_content"]

_HUNDRED = Decimal(100)
_Values = Case[Any]  # of a ValueContent or of a ProductRuleTest, which both have methods


def value_content(case: Case[ValueContent]) -> Tried:
    """Whether a method reaches its limit."""
    return content(case, case.name)


def content(case: _Values, name: str, least: Decimal | None = None) -> Tried:
    """Tries every method whose figures are there; `least` is the content that a product rule asks for.

    Where two disagree, `either = true` lets the better one decide; without it the line is undecided, for a Party that keeps
    to one method may not choose line by line. Where the better one would decide and fails, one that cannot be worked out
    leaves the line undecided.
    """
    tried = [_method(case, f"{name}: {label} method", method, least) for label, method in case.test.methods.items()]
    worked = [one for one in tried if one.worked]
    if not worked:
        missing = dict.fromkeys(key for one in tried for key in one.tried.missing)
        return said(case.under(name, case.test), Outcome.UNDECIDED, "No method can be worked out.", *missing)
    kept = _printed(worked)
    outcomes = {one.tried.outcome for one in worked}
    if case.test.either:
        found = choose(one.tried for one in (worked if best(outcomes) is not Outcome.FAILS else tried))
    elif len(outcomes) == 1:
        found = _alike(one.tried for one in worked)
    else:
        found = _disagree(case, name, worked)
    return Tried(found.outcome, found.steps, found.missing, kept)


@dataclass(frozen=True, slots=True)
class _Method:
    """A method tried: what it said, and the shares it worked out with their outcomes."""

    tried: Tried
    worked: tuple[tuple[Outcome, Worked], ...]


def _method(case: _Values, name: str, method: Method, least: Decimal | None) -> _Method:
    """One method on its base, and on the ex-works price where the scheme allows that too; the better base decides."""
    bases = [(method.base, Decimal(0))]
    points = case.test.exworks_points
    if points is not None and method.base == "FOB" and not in_chapters(case.goods.hs, case.test.exworks_not_chapters):
        bases.append(("EXW", percent(points)))
    tried: list[Tried] = []
    worked: list[tuple[Outcome, Worked]] = []
    for base, lower in bases:
        result = FORMULAS[method.formula](case.goods, case.account, base)
        label = f"{name}, ex-works" if base == "EXW" else name
        if isinstance(result, Missing):
            keys = tuple(map(case.goods.where, result.keys))
            say = f"It cannot be worked out without {', '.join(keys)}."
            tried.append(Tried(Outcome.UNDECIDED, (case.step(label, say, Outcome.UNDECIDED),), keys))
        else:
            one = _compared(case, label, result, _limits(method, least, lower))
            tried.append(one)
            worked.append((one.outcome, result))
    return _Method(choose(tried) if len(tried) > 1 else tried[0], tuple(worked))


def _limits(method: Method, least: Decimal | None, lower: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """At least, at most: the method's own limits or the product rule's, so many points easier."""
    low = None if method.min_pct is None else percent(method.min_pct)
    high = None if method.max_pct is None else percent(method.max_pct)
    if least is not None:
        low, high = (None, _HUNDRED - least) if method.formula == "max_nom" else (least, None)
    return (None if low is None else low - lower), (None if high is None else high + lower)


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
    step = case.step(name, f"{working}; {words} {limit:f} %", outcome)
    return Tried(outcome, (msgspec.structs.replace(step, figure=worked.figure, limit=f"{limit:f}", points=points),))


def _printed(tried: Iterable[_Method]) -> Share:
    """Of the methods that speak for the goods the lowest content: a box never claims more than was shown."""
    worked = [one for method in tried for one in method.worked]
    speaking = [one for outcome, one in worked if outcome is Outcome.PASSES] or [one for _, one in worked]
    lowest = speaking[0].content
    for one in speaking[1:]:
        lowest = one.content if one.content.below(lowest) else lowest
    return lowest


def _alike(tried: Iterable[Tried]) -> Tried:
    """Methods of one mind."""
    found = list(tried)
    missing = tuple(dict.fromkeys(key for one in found for key in one.missing))
    return Tried(found[0].outcome, tuple(step for one in found for step in one.steps), missing)


def _disagree(case: _Values, name: str, worked: Iterable[_Method]) -> Tried:
    steps: list[Step] = []
    missing: list[str] = []
    for one in worked:
        steps += unneeded(one.tried.steps)
        missing += one.tried.missing
    steps.append(case.step(name, "The methods disagree; the officer decides which one applies.", Outcome.UNDECIDED))
    missing.append(f"not sourced: {case.test.unset or 'which of the methods applies: ' + ', '.join(case.test.methods)}")
    return Tried(Outcome.UNDECIDED, tuple(steps), tuple(dict.fromkeys(missing)))
