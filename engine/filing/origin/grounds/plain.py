"""The tests that ask one thing each: where the goods originate, who made them, what was done to them, and what shows it."""

from collections.abc import Iterable

from engine.contracts.origin import Outcome
from engine.contracts.rules import Country, Evidence, FinalProcess, ManufacturedByExporter, MinimalOperations, SufficientOperations
from engine.filing.origin.cases import Case, Tried, names, passes, said, unset

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
        return unset(case, said(case, Outcome.PASSES, "No listed input is imported."))
    if not goods.operations:
        say = f"What is done to {names(imported)} is not listed."
        return said(case, Outcome.UNDECIDED, say, goods.where("operations"))
    beyond = _beyond(goods.operations, case.test.insufficient)
    if beyond:
        return unset(case, said(case, Outcome.PASSES, f"{names(imported)} undergo more than the list: {_some(beyond)}."))
    return unset(case, said(case, Outcome.FAILS, f"{names(imported)} undergo only operations of the list: {_some(goods.operations)}."))


def minimal_operations(case: Case[MinimalOperations]) -> Tried:
    """What is done to the goods as a whole exceeds the list. Operations of a list that is not whole fail for certain, others do not pass."""
    goods, listed = case.goods, case.test.operations
    if not goods.operations:
        return said(case, Outcome.UNDECIDED, "What is done to the goods is not listed.", goods.where("operations"))
    beyond = _beyond(goods.operations, listed)
    if not beyond:
        return said(case, Outcome.FAILS, f"The goods undergo only minimal operations: {_some(goods.operations)}.")
    return unset(case, said(case, Outcome.PASSES, f"The goods undergo more than minimal operations: {_some(beyond)}."))


def _beyond(operations: Iterable[str], listed: Iterable[str]) -> list[str]:
    """The operations that are none of the list."""
    known = frozenset(map(_bare, listed))
    return [operation for operation in operations if not _is_listed(operation, known)]


def _is_listed(operation: str, known: frozenset[str]) -> bool:
    """Whether every part of the line, split at commas and "and", is an operation of the list."""
    whole = _bare(operation)
    if whole in known:
        return True
    parts = [part.strip() for part in whole.replace(" and ", ",").replace("&", ",").replace(";", ",").replace("/", ",").split(",")]
    return all(part in known for part in parts if part)


def _bare(operation: str) -> str:
    return " ".join(operation.casefold().replace("-", " ").strip(" .").split())


def _some(operations: Iterable[str]) -> str:
    return "; ".join(list(operations)[:5])
