"""The origin door: the ground that each line claims, tried against the scheme's rules, with its arithmetic.

Every line must qualify by itself. A finding that fails refuses filing (`refuse_failing`); one that is undecided names
what is missing and goes to the officer, who decides. Limits and rules are origin.toml's; the tests are `grounds`'.
"""

from collections.abc import Mapping

from engine.application import Application, Item, Kind
from engine.contracts.form import Form
from engine.contracts.origin import Criterion, Finding, Line, Outcome, Step
from engine.errors import OriginRefused, PluginError, Problem
from engine.filing.origin.cases import Case, Tried, said, worst
from engine.filing.origin.grounds import TESTS

__all__ = ["find_origin", "refuse_failing"]


def find_origin(application: Application, form: Form) -> Finding:
    """What the rules of origin of the form say about every line. Pure; the same file and form give the same finding.

    Raises PluginError only, for an origin.toml that names a test or formula nobody knows or leaves out a limit.
    """
    lines = tuple(_line(application, form, index, item) for index, item in enumerate(application.items))
    return Finding(form.scheme, form.version, worst([line.outcome for line in lines]), lines)


def refuse_failing(finding: Finding) -> None:
    """Raises OriginRefused with every failed step and its arithmetic if the finding fails; does nothing otherwise."""
    problems = [
        Problem(f"items[{line.item}].origin", step.rule, f"Item {line.item + 1}, {line.criterion}: {step.working} ({step.rule})")
        for line in finding.lines
        if line.outcome is Outcome.FAILS
        for step in line.steps
        if step.outcome is Outcome.FAILS
    ]
    if problems:
        raise OriginRefused.because(problems)


def _line(application: Application, form: Form, index: int, item: Item) -> Line:
    criterion = form.origin.criterion(item.origin.criterion)
    if criterion is None:
        known = ", ".join(known.code for known in form.origin.criteria)
        return _refused(
            index, item, f"{item.origin.criterion} is no criterion of {form.scheme}; known are {known}.", "criterion of the scheme"
        )
    if application.kind is Kind.BACK_TO_BACK and "back_to_back" not in _tables(form):
        return _refused(index, item, f"{form.scheme} knows no back-to-back certificate.", "kinds of the scheme")
    tried = [_try(form, name, item, f"items[{index}]") for name in _tests(application.kind, criterion)]
    return Line(
        index,
        criterion.code,
        worst([one.outcome for one in tried]),
        _printed(criterion, tried),
        tuple(step for one in tried for step in one.steps),
        tuple(dict.fromkeys(key for one in tried for key in one.missing)),
    )


def _refused(index: int, item: Item, working: str, rule: str) -> Line:
    """A line that no rule of the scheme can be tried on."""
    return Line(index, item.origin.criterion, Outcome.FAILS, "", (Step("criterion", working, Outcome.FAILS, rule),))


def _tests(kind: Kind, criterion: Criterion) -> tuple[str, ...]:
    """The tests of the ground; back-to-back goods stand on the first certificate, and on their content where it is printed."""
    if kind is not Kind.BACK_TO_BACK:
        return criterion.tests
    return ("back_to_back", *(name for name in criterion.tests if name == "value_content" and criterion.prints_content))


def _tables(form: Form) -> Mapping[str, object]:
    tables = form.origin.general.get("tests")
    return tables if isinstance(tables, Mapping) else {}


def _try(form: Form, name: str, item: Item, path: str) -> Tried:
    table = _tables(form).get(name)
    test = _back_to_back if name == "back_to_back" else TESTS.get(name)
    if test is None:
        raise PluginError(f"origin.toml of {form.scheme} names the unknown test {name!r}; known are {', '.join(TESTS)}.")
    if not isinstance(table, Mapping):
        raise PluginError(f"origin.toml of {form.scheme} has no [general.tests.{name}] table.")
    return test(Case(item, path, name, table))


def _back_to_back(case: Case) -> Tried:
    """The goods stand on a first certificate that only a person can compare."""
    evidence = case.item.origin.evidence
    if not evidence:
        return said(case, Outcome.UNDECIDED, "The certificate of the first exporting country is not named.", "origin.evidence")
    return said(case, Outcome.UNDECIDED, f"The officer compares with the first certificate: {evidence}.")


def _printed(criterion: Criterion, tried: list[Tried]) -> str:
    """The criterion as the box shows it; without a content that it would show, nothing: a form is never half true."""
    if not criterion.prints_content:
        return criterion.as_printed
    content = next((one.content for one in tried if one.content is not None), None)
    return criterion.as_printed.replace("{content}", content.percent_down) if content else ""
