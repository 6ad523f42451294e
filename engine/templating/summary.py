"""What a pack knows, in one row of a table: its sheet, how far boxes and rules are sourced, and what its example finds.

All of it is read from the form, so the README's table is made, not written.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.contracts.form import Form
from engine.contracts.origin import Outcome
from engine.contracts.rules import Combined, Criterion, ProductRuleTest, SufficientOperations, TariffShift, Test, ValueContent
from engine.filing import find_origin, read

__all__ = ["Summary", "markdown", "summary"]

# How `unconfirmed` begins where the printed boxes could not be sourced.
_UNSOURCED_BOXES = ("box headings", "boxes of", "form layout")
_GENERAL = (Combined, SufficientOperations, TariffShift, ValueContent)
_HEAD = ("scheme", "sheet", "boxes", "rules", "its example")


@dataclass(frozen=True, slots=True)
class Summary:
    """One row: `boxes`, `rules` and `example` in words."""

    scheme: str
    sheet: str
    boxes: str
    rules: str
    example: str


def summary(form: Form) -> Summary:
    """The row of a form version."""
    return Summary(form.scheme, form.sheet.name.partition(":")[2], _boxes(form), "; ".join(_rules(form)), _example(form))


def markdown(forms: Iterable[Form]) -> str:
    """The table of these forms, in their order."""
    rows = [_HEAD, ("---",) * len(_HEAD)]
    for row in map(summary, forms):
        rows.append((f"`{row.scheme}`", f"`{row.sheet}`", row.boxes, row.rules, row.example))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _boxes(form: Form) -> str:
    return "plain, not sourced" if any(item.startswith(_UNSOURCED_BOXES) for item in form.unconfirmed) else "sourced"


def _rules(form: Form) -> Iterator[str]:
    """What is known of the general rule and of product rules; goods that are wholly obtained are decided everywhere."""
    general = [say for criterion in form.origin.criteria if (say := _general(form, criterion))]
    if general:
        yield min(general, key=_GENERAL_SAYS.index)
    if any(isinstance(test, ProductRuleTest) for test in form.origin.tests.values()):
        loaded = len(form.origin.products) or "none"
        yield f"product rules: {loaded} loaded" if general else f"product rules alone: {loaded} loaded"
    elif not general:
        yield "documents alone"


_GENERAL_SAYS = ["general rule sourced", "general rule sourced in part", "general rule without its limit"]


def _general(form: Form, criterion: Criterion) -> str:
    """How far the general rule of a criterion is sourced; nothing if the criterion has none."""
    tests = [test for test in _all(form, criterion.tests) if isinstance(test, _GENERAL)]
    if not tests:
        return ""
    methods = [method for test in tests if isinstance(test, ValueContent) for method in test.methods.values()]
    if any(method.min_pct is None and method.max_pct is None for method in methods):
        return _GENERAL_SAYS[2]
    return _GENERAL_SAYS[1] if any(test.unset for test in tests) else _GENERAL_SAYS[0]


def _all(form: Form, names: Iterable[str]) -> Iterator[Test]:
    for name in names:
        test = form.origin.tests[name]
        yield test
        if isinstance(test, Combined):
            yield from _all(form, test.of)


def _example(form: Form) -> str:
    """The finding of the pack's example, and of how many lines."""
    lines = find_origin(read(form.example), form).lines
    counts = {outcome: sum(line.outcome is outcome for line in lines) for outcome in Outcome}
    return ", ".join(f"{count} of {len(lines)} lines {_SAID[outcome]}" for outcome, count in counts.items() if count)


_SAID = {Outcome.PASSES: "pass", Outcome.FAILS: "fail", Outcome.UNDECIDED: "undecided"}
