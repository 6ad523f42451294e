"""The tests that a line of the goods takes under the ground it claims, by the names that origin.toml uses.

Each test reads its limits, rule and source from the scheme's data and answers with steps that show the numbers. None
of them decides what the facts leave open: it says undecided and names the key that is missing.
"""

from collections.abc import Callable, Mapping

from engine.application import Input
from engine.contracts.origin import Outcome
from engine.errors import PluginError
from engine.filing.origin.cases import Case, Tried, said, worst
from engine.filing.origin.methods import value_content

__all__ = ["TESTS"]

# identifiers.hs: chapter, heading and sub-heading are the first 2, 4 and 6 digits.
_LEVELS = {"CC": 2, "CTH": 4, "CTSH": 6}


def _country(case: Case) -> Tried:
    country = case.item.origin.country
    if country == "IN":
        return said(case, Outcome.PASSES, "The goods are declared to originate in India.")
    return said(case, Outcome.FAILS, f"The goods are declared to originate in {country}, not in India.")


def _evidence(case: Case) -> Tried:
    evidence = case.item.origin.evidence
    if evidence:
        return said(case, Outcome.PASSES, f"Shown by: {evidence}.")
    return said(case, Outcome.UNDECIDED, "No document is named that shows it.", "origin.evidence")


def _no_foreign_inputs(case: Case) -> Tried:
    imported_only = case.word("counts") == "imported"
    foreign = [part for part in case.item.origin.inputs if part.country != "IN" or not (part.originating or imported_only)]
    if foreign:
        return said(case, Outcome.FAILS, f"The line lists {len(foreign)} such material(s): {_names(foreign)}.")
    return said(case, Outcome.PASSES, "No such material is listed.")


def _manufactured_by_exporter(case: Case) -> Tried:
    match case.item.origin.manufactured_by_exporter:
        case True:
            return said(case, Outcome.PASSES, "The exporter declares to have manufactured the goods.")
        case False:
            return said(case, Outcome.FAILS, "The exporter declares not to have manufactured the goods.")
        case _:
            return said(case, Outcome.UNDECIDED, "The file does not say who manufactured the goods.", "origin.manufactured_by_exporter")


def _final_process(case: Case) -> Tried:
    if case.item.origin.final_process_in_india:
        return said(case, Outcome.PASSES, "The final process of manufacture is declared to be in India.")
    return said(case, Outcome.FAILS, "The final process of manufacture is declared to be outside India.")


def _sufficient_operations(case: Case) -> Tried:
    origin = case.item.origin
    imported = [part for part in origin.inputs if part.country != "IN"]
    if not origin.inputs:
        return said(case, Outcome.UNDECIDED, "The imported inputs are not listed.", "origin.inputs")
    if not imported:
        return said(case, Outcome.PASSES, "No listed input is imported.")
    if not origin.operations:
        return said(case, Outcome.UNDECIDED, f"What is done to {_names(imported)} is not listed.", "origin.operations")
    known = _insufficient(case)
    beyond = [operation for operation in origin.operations if not _insufficient_line(operation, known)]
    if beyond:
        return said(case, Outcome.PASSES, f"{_names(imported)} undergo more than the list: {'; '.join(beyond[:5])}.")
    return said(case, Outcome.FAILS, f"{_names(imported)} undergo only operations of the list: {'; '.join(origin.operations[:5])}.")


def _insufficient(case: Case) -> frozenset[str]:
    listed = case.table.get("insufficient")
    if not isinstance(listed, list | tuple) or not listed:
        raise PluginError(f"origin.toml must list the operations that are insufficient in [general.tests.{case.test}].")
    return frozenset(_bare(str(operation)) for operation in listed)


def _insufficient_line(operation: str, known: frozenset[str]) -> bool:
    """Whether every part of the line, split at commas and "and", is an operation of the list."""
    whole = _bare(operation)
    if whole in known:
        return True
    parts = [part.strip() for part in whole.replace(" and ", ",").replace("&", ",").replace(";", ",").replace("/", ",").split(",")]
    return all(part in known for part in parts if part)


def _bare(operation: str) -> str:
    return " ".join(operation.casefold().replace("-", " ").strip(" .").split())


def _tariff_shift(case: Case) -> Tried:
    level = case.word("level")
    if level not in _LEVELS:
        raise PluginError(f"origin.toml gives level = {level!r} in [general.tests.{case.test}]; known are {', '.join(_LEVELS)}.")
    inputs = [(index, part) for index, part in enumerate(case.item.origin.inputs) if not part.originating]
    if not case.item.origin.inputs:
        return said(case, Outcome.UNDECIDED, "The materials are not listed.", "origin.inputs")
    if not inputs:
        return said(case, Outcome.PASSES, "No listed material is non-originating.")
    steps, missing = [], []
    for index, part in inputs:
        outcome = _shift(part.hs, case.item.hs, _LEVELS[level])
        steps.append(case.step(case.test, f"{part.description}: {part.hs} to {case.item.hs}, {level} {_SHIFT_WORDS[outcome]}", outcome))
        if outcome is Outcome.UNDECIDED:
            short = "hs" if len(case.item.hs) < _LEVELS[level] else f"origin.inputs[{index}].hs"
            missing.append(f"{case.path}.{short}")
    return Tried(worst([step.outcome for step in steps]), tuple(steps), tuple(dict.fromkeys(missing)))


_SHIFT_WORDS = {
    Outcome.PASSES: "is met",
    Outcome.FAILS: "is not met",
    Outcome.UNDECIDED: "needs more digits",
}


def _shift(material: str, goods: str, digits: int) -> Outcome:
    """Codes that differ in the digits they have differ for certain; equal ones must have all the digits to be the same."""
    shared = min(len(material), len(goods), digits)
    if material[:shared] != goods[:shared]:
        return Outcome.PASSES
    return Outcome.FAILS if shared == digits else Outcome.UNDECIDED


def _names(inputs: list[Input]) -> str:
    more = f" and {len(inputs) - 3} more" if len(inputs) > 3 else ""
    return ", ".join(f"{part.description} ({part.country})" for part in inputs[:3]) + more


TESTS: Mapping[str, Callable[[Case], Tried]] = {
    "country": _country,
    "evidence": _evidence,
    "no_foreign_inputs": _no_foreign_inputs,
    "manufactured_by_exporter": _manufactured_by_exporter,
    "final_process": _final_process,
    "sufficient_operations": _sufficient_operations,
    "tariff_shift": _tariff_shift,
    "value_content": value_content,
}
