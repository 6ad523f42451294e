"""The tests that ask one thing each: where the goods originate, who made them, what was done to them, and what shows it."""

from collections.abc import Iterable
from typing import Any

from engine.contracts.origin import Outcome
from engine.contracts.rules import Country, Evidence, FinalProcess, ManufacturedByExporter, MinimalOperations, SufficientOperations
from engine.filing.origin.cases import JUDGEMENT, Case, Tried, names, passes, said, unset
from engine.filing.origin.grounds.operations import Operations

__all__ = ["country", "evidence", "final_process", "manufactured_by_exporter", "minimal_operations", "sufficient_operations"]


def country(case: Case[Country]) -> Tried:
    """The goods are declared to be Indian, or of another country where the test is for such."""
    declared, foreign = case.goods.country, case.test.foreign
    if declared == "IN":
        return unset(case, said(case, passes(not foreign), "The goods are declared to originate in India."))
    not_india = "" if foreign else ", not in India"
    return unset(case, said(case, passes(foreign), f"The goods are declared to originate in {declared}{not_india}."))


def evidence(case: Case[Evidence]) -> Tried:
    """A document is named that shows the ground."""
    named = case.goods.evidence
    if named:
        return unset(case, said(case, Outcome.PASSES, f"Shown by: {named}."))
    return said(case, Outcome.UNDECIDED, "No document is named that shows it.", case.goods.where("evidence"))


def manufactured_by_exporter(case: Case[ManufacturedByExporter]) -> Tried:
    """The exporting entity made the goods."""
    match case.goods.manufactured_by_exporter:
        case True:
            return unset(case, said(case, Outcome.PASSES, "The exporter declares to have manufactured the goods."))
        case False:
            return unset(case, said(case, Outcome.FAILS, "The exporter declares not to have manufactured the goods."))
        case _:
            path = case.goods.where("manufactured_by_exporter")
            return said(case, Outcome.UNDECIDED, "The file does not say who manufactured the goods.", path)


def final_process(case: Case[FinalProcess]) -> Tried:
    """The last process of manufacture was in India."""
    inside = case.goods.final_process_in_india
    where = "in India" if inside else "outside India"
    return unset(case, said(case, passes(inside), f"The final process of manufacture is declared to be {where}."))


def sufficient_operations(case: Case[SufficientOperations]) -> Tried:
    """What is done to imported inputs exceeds the list."""
    goods = case.goods
    imported = {key: lot for key, lot in goods.lots.items() if key[0] != "IN"}
    if not goods.materials:
        return said(case, Outcome.UNDECIDED, "The imported inputs are not listed.", goods.where("inputs"))
    if not imported:
        return said(case, Outcome.PASSES, "No listed input is imported.")
    if not goods.operations:
        say = f"What is done to {names(imported)} is not listed."
        return said(case, Outcome.UNDECIDED, say, goods.where("operations"))
    return _more_than(case, names(imported), case.test.insufficient, "operations of the list")


def minimal_operations(case: Case[MinimalOperations]) -> Tried:
    """What is done to the goods as a whole exceeds the list."""
    goods = case.goods
    if not goods.operations:
        return said(case, Outcome.UNDECIDED, "What is done to the goods is not listed.", goods.where("operations"))
    return _more_than(case, "The goods", case.test.operations, "minimal operations")


def _more_than(case: Case[Any], what: str, listed: tuple[str, ...], those: str) -> Tried:
    """Operations of the list alone fail; one that is clearly beyond it passes, as far as the list is whole; others the officer judges."""
    done = case.goods.operations
    operations = Operations(listed)
    if all(map(operations.are_listed, done)):
        return said(case, Outcome.FAILS, f"{what} undergo only {those}: {_some(done)}.")
    if beyond := [each for each in done if operations.are_exceeded(each)]:
        return unset(case, said(case, Outcome.PASSES, f"{what} undergo more than {those}: {_some(beyond)}."))
    doubtful = _some(each for each in done if not operations.are_listed(each))
    say = f"{what} undergo more than {those} only if the officer judges so: {doubtful}."
    return said(case, Outcome.UNDECIDED, say, f"{JUDGEMENT}: {doubtful}")


def _some(operations: Iterable[str]) -> str:
    return "; ".join(list(operations)[:5])
