"""The origin door: the ground that each line claims, tried against the scheme's rules, with its arithmetic.

Every line must qualify by itself. A finding that fails refuses filing (`refuse_failing`); one that is undecided names
what is missing and goes to the officer, who decides. Limits and rules are origin.toml's; the tests are `grounds`'.
"""

from collections.abc import Mapping

from engine.application import Application
from engine.contracts.form import Form
from engine.contracts.origin import Finding, Line, Outcome, Step
from engine.errors import OriginRefused, Problem
from engine.filing.origin.cases import Scheme, worst
from engine.filing.origin.cited import Cited
from engine.filing.origin.lines import goods_of_item
from engine.filing.origin.trial import find_line

__all__ = ["find_origin", "refuse_failing"]


def find_origin(application: Application, form: Form, sheets: Mapping[str, Cited] | None = None) -> Finding:
    """What the rules of origin of the form say about every line. Pure; the same file, form and sheets give the same finding.

    `sheets` are the approved cost sheets that lines cite, by reference; a line whose sheet is not among them is undecided.
    Raises Refused where a cited sheet cannot be scaled to its line (`citing_problems` names them all).
    """
    scheme, known = Scheme.of(form), sheets or {}
    lines = tuple(_line(application, index, scheme, known) for index in range(len(application.items)))
    return Finding(form.scheme, form.version, worst(line.outcome for line in lines), lines, form.origin.products_sha256)


def refuse_failing(finding: Finding) -> None:
    """Raises OriginRefused with every failed step and its arithmetic if the finding fails; does nothing otherwise."""
    problems = [
        Problem(f"items[{line.item}].origin", step.rule, f"Item {line.item + 1}, {line.criterion}: {step.working} ({step.rule})")
        for line in finding.lines
        if line.outcome is Outcome.FAILS
        for step in line.steps
        if step.outcome is Outcome.FAILS and step.decides
    ]
    if problems:
        raise OriginRefused.because(problems)


def _line(application: Application, index: int, scheme: Scheme, sheets: Mapping[str, Cited]) -> Line:
    item = application.items[index]
    reference = item.origin.cost_sheet
    if reference is not None and reference not in sheets:
        say = f"The cost sheet {reference} that the line cites is not at hand."
        step = Step("cost_sheet", say, Outcome.UNDECIDED, "an approved cost sheet stands for inputs and costs")
        return Line(index, item.origin.criterion, Outcome.UNDECIDED, "", (step,), (f"items[{index}].origin.cost_sheet",))
    return find_line(goods_of_item(application, index, sheets), scheme, item.origin.criterion, index=index)
