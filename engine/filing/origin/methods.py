"""The test of value content: every method of the scheme that can be worked out, each against its limit.

The methods, their formulas and limits are the scheme's data; the arithmetic is `engine.filing.origin.content`'s.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from engine.application import Item
from engine.contracts.origin import Outcome, Step
from engine.errors import PluginError
from engine.filing.origin.cases import Case, Tried, said
from engine.filing.origin.content import FORMULAS, Missing, Share, Worked, limit

__all__ = ["value_content"]


def value_content(case: Case) -> Tried:
    """Tries every method of the scheme whose figures are there. Where two disagree, `either = true` lets the better one decide;
    without it the line is undecided, for a Party that keeps to one method may not choose line by line."""
    methods = case.table.get("methods")
    if not isinstance(methods, Mapping) or not methods:
        raise PluginError(f"origin.toml must give [general.tests.{case.test}.methods] at least one method.")
    steps: list[Step] = []
    tried: list[tuple[Outcome, Worked]] = []
    missing: list[str] = []
    for name, method in methods.items():
        result = _formula(case, method)(case.item)
        if isinstance(result, Missing):
            missing += result.keys
            continue
        outcome, limits = _compare(case, method, result.share)
        steps.append(case.step(f"{case.test}: {name} method", f"{result.working}; {limits}", outcome))
        tried.append((outcome, result))
    return _content_outcome(case, steps, tried, missing)


def _formula(case: Case, method: object) -> Callable[[Item], Worked | Missing]:
    name = method.get("formula") if isinstance(method, Mapping) else None
    if name not in FORMULAS:
        raise PluginError(
            f"origin.toml names the formula {name!r} in [general.tests.{case.test}.methods]; known are {', '.join(FORMULAS)}."
        )
    return FORMULAS[str(name)]


def _compare(case: Case, method: Mapping[str, object], share: Share) -> tuple[Outcome, str]:
    least, most = limit(method, "min_pct"), limit(method, "max_pct")
    if least is not None and most is None:
        return _passes(share.at_least(least)), f"at least {least:f} %"
    if most is not None and least is None:
        return _passes(share.at_most(most)), f"at most {most:f} %"
    raise PluginError(f"origin.toml must give each method of [general.tests.{case.test}] either min_pct or max_pct.")


def _content_outcome(case: Case, steps: list[Step], tried: list[tuple[Outcome, Worked]], missing: list[str]) -> Tried:
    if not tried:
        return said(case, Outcome.UNDECIDED, "No method can be worked out.", *dict.fromkeys(missing))
    outcomes = {outcome for outcome, _ in tried}
    # Of the methods that speak for the goods the lowest content is printed: a box never claims more than was shown.
    speaking = [worked for outcome, worked in tried if outcome is Outcome.PASSES] or [worked for _, worked in tried]
    content = min((worked.content for worked in speaking), key=lambda share: Decimal(share.percent_down))
    if len(outcomes) == 1:
        return Tried(outcomes.pop(), tuple(steps), (), content)
    if case.table.get("either") is True:
        return Tried(Outcome.PASSES, tuple(steps), (), content)
    say = "The methods disagree; the officer decides which one applies."
    return Tried(Outcome.UNDECIDED, (*steps, case.step(case.test, say, Outcome.UNDECIDED)), (), content)


def _passes(true: bool) -> Outcome:
    return Outcome.PASSES if true else Outcome.FAILS
