"""The tests that goods take, by the kinds that origin.toml names.

Each test takes its limits, rule and source from the scheme's data and answers with steps that show the numbers. None of
them decides what the facts leave open: it says undecided and names what is missing.
"""

from collections.abc import Callable, Mapping
from typing import Any

from engine.contracts.origin import Outcome
from engine.contracts.rules import Combined, Test
from engine.filing.origin.cases import Case, Tried, choose, together
from engine.filing.origin.grounds import plain, travel
from engine.filing.origin.grounds.formulas import FORMULAS
from engine.filing.origin.grounds.shifts import no_foreign_inputs, tariff_shift
from engine.filing.origin.grounds.specific import product_rule
from engine.filing.origin.grounds.values import value_content

__all__ = ["FORMULAS", "TESTS", "attempt"]


def combined(case: Case[Combined]) -> Tried:
    """Several tests as one. Where nobody could source whether all or any of them are needed, only one mind decides."""
    tests = case.scheme.rules.tests
    found = [attempt(case.under(name, tests[name])) for name in case.test.of]  # type: ignore[arg-type]  # another kind of test
    if case.test.join is not None:
        return together(found) if case.test.join == "all" else choose(found)
    outcomes = {one.outcome for one in found}
    if len(outcomes) == 1:
        return together(found)
    what = case.test.unset or f"whether all or any of {', '.join(case.test.of)} are needed"
    both = choose([*found, Tried(Outcome.PASSES, ())])
    missing = tuple(dict.fromkeys([f"not sourced: {what}", *(key for one in found for key in one.missing)]))
    step = case.step(case.name, f"The tests differ. Not sourced: {what}.", Outcome.UNDECIDED)
    return Tried(Outcome.UNDECIDED, (*both.steps, step), missing, both.content)


TESTS: Mapping[str, Callable[[Case[Any]], Tried]] = {
    "country": plain.country,
    "evidence": plain.evidence,
    "no_foreign_inputs": no_foreign_inputs,
    "manufactured_by_exporter": plain.manufactured_by_exporter,
    "final_process": plain.final_process,
    "sufficient_operations": plain.sufficient_operations,
    "minimal_operations": plain.minimal_operations,
    "tariff_shift": tariff_shift,
    "value_content": value_content,
    "product_rule": product_rule,
    "combined": combined,
    "direct_consignment": travel.direct_consignment,
    "third_party_invoicing": travel.third_party_invoicing,
    "back_to_back": travel.back_to_back,
}


def attempt(case: Case[Any]) -> Tried:
    """What a test says about its goods."""
    return TESTS[kind(case.test)](case)


def kind(test: Test) -> str:
    """The kind of a test, as origin.toml names it."""
    return str(type(test).__struct_config__.tag)
