"""The test of the product specific rule: the rule that is loaded for the code of the goods on the day, way by way.

Nothing is assumed where no rule is loaded, where a code is too short to tell, or where two rules say different things. A
specific operation is never judged here: it goes to the officer in the rule's own words.
"""

from decimal import Decimal

import msgspec

from engine.contracts.origin import Outcome
from engine.contracts.rules import Condition, ProductRule, ProductRuleTest, Require
from engine.filing.origin.cases import JUDGEMENT, Case, Tried, choose, said, together, unset
from engine.filing.origin.grounds.shifts import foreign_inputs, shift
from engine.filing.origin.grounds.values import content

__all__ = ["product_rule"]


def product_rule(case: Case[ProductRuleTest]) -> Tried:
    """Whether one way of the goods' product rule is met."""
    goods = case.goods
    sure, doubtful = case.scheme.rules.products_for(goods.hs, goods.on)
    wordings = {rule.ways: rule for rule in sure}
    if doubtful and {rule.ways for rule in doubtful} - set(wordings):
        say = f"The HS code {goods.hs} is too short to tell its product rule."
        return said(case, Outcome.UNDECIDED, say, goods.where("hs"))
    if not sure:
        what = f"a product rule for HS {goods.hs}" + (f" on {goods.on.isoformat()}" if goods.on else "")
        missing = [f"not loaded: {what}", *([f"not sourced: {case.test.unset}"] if case.test.unset else [])]
        return said(case, Outcome.UNDECIDED, f"No product rule is loaded for HS {goods.hs}.", *missing)
    if len(wordings) > 1:
        texts = "; ".join(rule.text for rule in wordings.values())
        say = f"Rules that are loaded for HS {goods.hs} differ: {texts}."
        return said(case, Outcome.UNDECIDED, say, f"one product rule for HS {goods.hs}")
    return _ways(case, sure[0])


def _ways(case: Case[ProductRuleTest], rule: ProductRule) -> Tried:
    """The alternatives of a rule, quoted with the rule itself."""
    quoted = msgspec.structs.replace(case.test, rule=f"{case.test.rule}: HS {rule.codes}: {rule.text}", source=rule.source)
    under = case.under(case.name, quoted)
    return choose([together(_condition(under, condition) for condition in way) for way in rule.ways])


def _condition(case: Case[ProductRuleTest], condition: Condition) -> Tried:
    name = f"{case.name}: {condition.require.value}"
    match condition.require:
        case Require.WO:
            return _wholly_obtained(case, name)
        case Require.VA:
            return _value(case, name, Decimal(condition.pct or "0"))
        case Require.SO:
            say = f"The officer judges whether the goods were {condition.operation}."
            return said(case.under(name, case.test), Outcome.UNDECIDED, say, f"{JUDGEMENT}: {condition.operation}")
        case _:
            return shift(case, name, condition.require.value, condition.but_not)


def _wholly_obtained(case: Case[ProductRuleTest], name: str) -> Tried:
    """Nothing foreign in it, and a document that shows so."""
    foreign = {key: lot for key, lot in case.goods.lots.items() if key[0] != "IN" or not key[1]}
    found = foreign_inputs(case, name, foreign)
    if case.goods.evidence:
        return found
    say = "No document is named that shows the goods to be wholly obtained."
    return together([found, said(case.under(name, case.test), Outcome.UNDECIDED, say, case.goods.where("evidence"))])


def _value(case: Case[ProductRuleTest], name: str, least: Decimal) -> Tried:
    if case.test.methods:
        found = content(case, name, least)
        return unset(case, found) if found.outcome is Outcome.FAILS else found
    what = case.test.unset or "how the value content of a product rule is worked out"
    return said(case.under(name, case.test), Outcome.UNDECIDED, f"Not sourced: {what}.", f"not sourced: {what}")
