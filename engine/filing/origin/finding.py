"""The origin door: the ground that each line claims, tried against the scheme's rules, with its arithmetic.

Every line must qualify by itself. A finding that fails refuses filing (`refuse_failing`); one that is undecided names
what is missing and goes to the officer, who decides. Limits and rules are origin.toml's; the tests are `grounds`'.
"""

from collections.abc import Iterable, Mapping

import msgspec

from engine.application import Application, Kind
from engine.contracts.form import Form
from engine.contracts.origin import Finding, Line, Outcome, Step
from engine.contracts.rules import (
    Combined,
    Country,
    Criterion,
    DirectConsignment,
    ManufacturedByExporter,
    ProductRuleTest,
    Test,
    ThirdPartyInvoicing,
    ValueContent,
)
from engine.errors import OriginRefused, Problem
from engine.filing.origin.cases import Case, Scheme, Tried, together, worst
from engine.filing.origin.goods import Cited, Goods, goods_of_item
from engine.filing.origin.grounds import attempt
from engine.filing.origin.materials import Account

__all__ = ["find_line", "find_origin", "refuse_failing"]

# Tests that ask the application alone, so that nothing of a cited sheet stands in their words.
_OF_THE_LINE = (Country, ManufacturedByExporter, DirectConsignment, ThirdPartyInvoicing)


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


def find_line(goods: Goods, scheme: Scheme, code: str, *, index: int = 0, account: Account | None = None) -> Line:
    """What one ground of a scheme says about goods."""
    criterion = scheme.rules.criterion(code)
    if criterion is None:
        known = ", ".join(known.code for known in scheme.rules.criteria)
        return _refused(index, code, f"{code} is no criterion of {scheme.code}; known are {known}.", "criterion of the scheme")
    if goods.kind is Kind.BACK_TO_BACK and scheme.rules.back_to_back is None:
        return _refused(index, code, f"{scheme.code} knows no back-to-back certificate.", "kinds of the scheme")
    if criterion.destinations and goods.destination is not None and goods.destination not in criterion.destinations:
        say = f"{code} is a ground for goods to {', '.join(criterion.destinations)}; these go to {goods.destination}."
        return _refused(index, code, say, "destinations of the criterion")
    sure, doubtful = scheme.rules.products_for(goods.hs, goods.on) if criterion.unless_product_rule else ([], [])
    if sure:
        say = f"{code} is not open to goods of HS {goods.hs}, which have a product rule: {sure[0].text}. Claim that rule."
        return _refused(index, code, say, "the product rule replaces the general one")
    if account is None or not criterion.cumulates:
        account = Account(goods.lots, scheme.cumulates if criterion.cumulates else _nobody)
    tests = scheme.rules.tests
    tried = together(attempt(Case(goods, scheme, account, name, tests[name])) for name in _tests(goods.kind, scheme, criterion))
    line = Line(index, code, tried.outcome, _printed(criterion, tried), tried.steps, tried.missing, account.cumulated)
    if not criterion.unless_product_rule or line.outcome is Outcome.FAILS:
        return line
    return _perhaps_closed(line, goods) if doubtful else _not_loaded(line, scheme)


def _nobody(country: str) -> bool:
    """No partner's materials count, under a ground without cumulation."""
    return False


def _perhaps_closed(line: Line, goods: Goods) -> Line:
    """The line of a general rule that a product rule may replace for these goods, as far as their code tells."""
    say = f"The HS code {goods.hs} is too short to tell whether the goods have a product rule, which would replace {line.criterion}."
    step = Step("criterion", say, Outcome.UNDECIDED, "the product rule replaces the general one")
    missing = tuple(dict.fromkeys((*line.missing, goods.where("hs"))))
    return msgspec.structs.replace(line, outcome=Outcome.UNDECIDED, steps=(*line.steps, step), missing=missing)


def _not_loaded(line: Line, scheme: Scheme) -> Line:
    """The line of a general rule while the scheme's product rules are not loaded: they may replace it, so it does not pass yet."""
    if scheme.rules.products or line.outcome is not Outcome.PASSES:
        return line
    say = f"The product rules of {scheme.code} are not loaded; one of them may replace {line.criterion} for these goods."
    step = Step("criterion", say, Outcome.UNDECIDED, "the product rule replaces the general one")
    return msgspec.structs.replace(
        line, outcome=Outcome.UNDECIDED, steps=(*line.steps, step), missing=(*line.missing, f"not loaded: product rules of {scheme.code}")
    )


def _line(application: Application, index: int, scheme: Scheme, sheets: Mapping[str, Cited]) -> Line:
    item = application.items[index]
    reference = item.origin.cost_sheet
    cited = sheets.get(reference or "")
    if reference is not None and cited is None:
        say = f"The cost sheet {reference} that the line cites is not at hand."
        step = Step("cost_sheet", say, Outcome.UNDECIDED, "an approved cost sheet stands for inputs and costs")
        return Line(index, item.origin.criterion, Outcome.UNDECIDED, "", (step,), (f"items[{index}].origin.cost_sheet",))
    line = find_line(goods_of_item(application, index, sheets), scheme, item.origin.criterion, index=index)
    return line if cited is None else _citing(line, cited, scheme)


def _citing(line: Line, cited: Cited, scheme: Scheme) -> Line:
    """The line with the sheet that it rests on; for whoever does not own the sheet, without anything that it says."""
    line = msgspec.structs.replace(line, sheet=cited.pinned)
    return line if cited.own else _withheld(line, cited.reference, scheme)


def _withheld(line: Line, reference: str, scheme: Scheme) -> Line:
    """One step for each test and outcome, without figures, descriptions and paths of the sheet."""
    steps: dict[tuple[str, Outcome, str], Step] = {}
    working = f"Worked out from the cost sheet {reference}; its figures are its owner's."
    for step in line.steps:
        name = step.name.partition(":")[0]
        if name == "criterion" or isinstance(scheme.rules.tests.get(name), _OF_THE_LINE):
            steps[name, step.outcome, step.working] = step
        else:
            steps[name, step.outcome, step.rule] = Step(name, working, step.outcome, step.rule, step.source, decides=step.decides)
    home = f"items[{line.item}].origin.cost_sheet"
    missing = dict.fromkeys(home if key.startswith((home, "and ")) else key for key in line.missing)
    return msgspec.structs.replace(line, steps=tuple(steps.values()), missing=tuple(missing), withheld=True)


def _refused(index: int, code: str, working: str, rule: str) -> Line:
    """A line that no rule of the scheme can be tried on."""
    return Line(index, code, Outcome.FAILS, "", (Step("criterion", working, Outcome.FAILS, rule),))


def _tests(kind: Kind, scheme: Scheme, criterion: Criterion) -> Iterable[str]:
    """The tests of the ground, with those of every ground first.

    Back-to-back goods stand on the first certificate: beside it count the consignment, and the content where it is printed.
    """
    rules = scheme.rules
    names = list(dict.fromkeys((*rules.always, *criterion.tests)))
    if kind is not Kind.BACK_TO_BACK or rules.back_to_back is None:
        return names
    kept = [name for name in names if isinstance(rules.tests[name], DirectConsignment | ThirdPartyInvoicing)]
    values = [name for name in names if criterion.prints_content and _gives_content(rules.tests[name], rules.tests)]
    return dict.fromkeys((rules.back_to_back, *values, *kept))


def _gives_content(test: Test, tests: Mapping[str, Test]) -> bool:
    if isinstance(test, Combined):
        return any(_gives_content(tests[name], tests) for name in test.of)
    return isinstance(test, ValueContent | ProductRuleTest)


def _printed(criterion: Criterion, tried: Tried) -> str:
    """The criterion as the box shows it; without a content that it would show, nothing: a form is never half true."""
    if not criterion.prints_content:
        return criterion.as_printed
    if tried.content is None:
        return ""
    return criterion.as_printed.replace("{content}", tried.content.percent_down).replace("{nom}", tried.content.rest.percent_up)
