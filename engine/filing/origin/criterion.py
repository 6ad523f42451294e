"""One ground of a scheme, tried on goods as they stand: the tests that it needs, and what its box prints."""

from collections.abc import Iterable, Mapping

import msgspec

from engine.application import Kind
from engine.contracts.origin import Line, Outcome, Step
from engine.contracts.rules import Combined, Criterion, DirectConsignment, ProductRuleTest, Test, ThirdPartyInvoicing, ValueContent
from engine.filing.origin.cases import Case, Scheme, Tried, together
from engine.filing.origin.goods import Goods
from engine.filing.origin.grounds import attempt
from engine.filing.origin.materials import Account

__all__ = ["try_criterion"]


def try_criterion(goods: Goods, scheme: Scheme, code: str, *, account: Account, index: int = 0) -> Line:
    """What one ground of a scheme says about goods as they stand; `account` is that of their lots under the scheme."""
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
    if not criterion.cumulates:
        account = Account(goods.lots, _nobody)
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
