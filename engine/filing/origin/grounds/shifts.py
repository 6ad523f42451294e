"""Tests of the materials: none from elsewhere, and a change of tariff classification in every one that does not originate."""

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.contracts.origin import Outcome, Step
from engine.contracts.rules import NoForeignInputs, TariffShift
from engine.filing.origin.cases import Case, Tried, names, paths, said, unset
from engine.filing.origin.grounds.tolerances import tolerated
from engine.filing.origin.materials import MOST_NAMED, Lots, counted, first_of

__all__ = ["LEVELS", "foreign_inputs", "no_foreign_inputs", "shift", "tariff_shift"]

# Chapter, heading and sub-heading are the first 2, 4 and 6 digits of a code.
LEVELS = {"CC": 2, "CTH": 4, "CTSH": 6}
_WORDS = {Outcome.PASSES: "is met", Outcome.FAILS: "is not met", Outcome.UNDECIDED: "needs more digits"}
Span = tuple[str, str]


def no_foreign_inputs(case: Case[NoForeignInputs]) -> Tried:
    """Whether no material is listed that the test counts as foreign, or few enough of them.

    An empty list that nothing backs says nothing: neither that it is whole, nor a document.
    """
    goods, test = case.goods, case.test
    if not (goods.materials or goods.complete or goods.evidence):
        say = "No material is listed, and no document is named that shows that there is none."
        return said(case, Outcome.UNDECIDED, say, goods.where("inputs"), goods.where("evidence"))
    if test.counts == "imported":
        foreign: Lots = {key: lot for key, lot in goods.lots.items() if key[0] != "IN"}
    elif test.cumulates:
        foreign = case.account.not_originating(goods.lots)
    else:
        foreign = {key: lot for key, lot in goods.lots.items() if key[0] != "IN" or not key[1]}
    return unset(case, foreign_inputs(case, case.name, foreign))


def foreign_inputs(case: Case[Any], name: str, foreign: Lots) -> Tried:
    """What is said of materials that ought not to be there."""
    if not foreign:
        return said(case.under(name, case.test), Outcome.PASSES, "No such material is listed.")
    step = case.step(name, f"The line lists {counted(foreign)} such material(s): {names(foreign)}.", Outcome.FAILS)
    return _relaxed(case, "no_foreign_inputs", [step], foreign, {}, ())


def tariff_shift(case: Case[TariffShift]) -> Tried:
    """Whether every material that does not originate changes its classification at the level of the test."""
    return unset(case, shift(case, case.name, case.test.level))


def shift(case: Case[Any], name: str, level: str, but_not: tuple[Span, ...] = ()) -> Tried:
    """The change at a level; a change from one of the codes of `but_not` does not count."""
    goods, digits = case.goods, LEVELS[level]
    if not goods.materials:
        return said(case.under(name, case.test), Outcome.UNDECIDED, "The materials are not listed.", goods.where("inputs"))
    found = {outcome: case.account.not_originating(lots) for outcome, lots in goods.shifts(digits, but_not).items()}
    changed, kept, doubtful = (found.get(outcome, {}) for outcome in (Outcome.PASSES, Outcome.FAILS, Outcome.UNDECIDED))
    if not (changed or kept or doubtful):
        return said(case.under(name, case.test), Outcome.PASSES, "No listed material is non-originating.")
    rule = level + (f" but not from {_spans(but_not)}" if but_not else "")
    steps = [
        *_changed(case, name, rule, changed),
        *_one_by_one(case, name, rule, kept, Outcome.FAILS),
        *_one_by_one(case, name, rule, doubtful, Outcome.UNDECIDED),
    ]
    short = (goods.where("hs"),) if len(goods.hs) < digits else paths(doubtful, "hs")
    return _relaxed(case, "tariff_shift", steps, kept, doubtful, short if doubtful else ())


def _changed(case: Case[Any], name: str, rule: str, lots: Lots) -> Sequence[Step]:
    """One step for all materials that change."""
    count = counted(lots)
    if count < 2:
        return _one_by_one(case, name, rule, lots, Outcome.PASSES)
    return [case.step(name, f"{count} materials to {case.goods.hs}, {rule} is met: {names(lots)}", Outcome.PASSES)]


def _one_by_one(case: Case[Any], name: str, rule: str, lots: Lots, outcome: Outcome) -> Sequence[Step]:
    """A step for each of the first materials, and how many more there are."""
    steps = [
        case.step(name, f"{part.description}: {part.hs} to {case.goods.hs}, {rule} {_WORDS[outcome]}", outcome) for part in first_of(lots)
    ]
    if (count := counted(lots)) > MOST_NAMED:
        steps.append(case.step(name, f"and {count - MOST_NAMED} more, {rule} {_WORDS[outcome]}", outcome))
    return steps


def _relaxed(case: Case[Any], test: str, steps: Sequence[Step], kept: Lots, doubtful: Lots, doubts: tuple[str, ...]) -> Tried:
    """The answer with the tolerance of the scheme, where materials miss the test or may."""
    by_itself = Outcome.FAILS if kept else Outcome.UNDECIDED if doubtful else Outcome.PASSES
    few = tolerated(case, test, kept, doubtful, doubts) if kept or doubtful else None
    if few is None or (few.outcome is Outcome.FAILS and by_itself is Outcome.UNDECIDED):
        return Tried(by_itself, (*steps, *(few.steps if few else ())), doubts if by_itself is Outcome.UNDECIDED else ())
    decides = few.outcome is Outcome.FAILS
    shown = tuple(step if decides or step.outcome is Outcome.PASSES else msgspec.structs.replace(step, decides=False) for step in steps)
    return Tried(few.outcome, (*shown, *few.steps), few.missing)


def _spans(spans: tuple[Span, ...]) -> str:
    return ", ".join(first if first == last else f"{first}-{last}" for first, last in spans)
