"""What every origin test takes and gives: a case, and what was said about it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import msgspec

from engine.contracts.form import Form
from engine.contracts.origin import Outcome, Step
from engine.contracts.rules import OriginRules, Test
from engine.filing.origin.goods import Goods
from engine.filing.origin.materials import MOST_NAMED, Account, Lots, Material, counted, first_of
from engine.filing.origin.shares import Share

__all__ = [
    "JUDGEMENT",
    "PRICE",
    "Case",
    "Scheme",
    "Tried",
    "at_every_price",
    "best",
    "choose",
    "names",
    "passes",
    "paths",
    "said",
    "together",
    "unneeded",
    "unset",
    "worst",
]

_T = TypeVar("_T", bound=Test)
PRICE = "price"
"""The name of a step that says that a test turns on the price of goods which are judged at several."""

JUDGEMENT = "the officer's judgement"
"""What is missing where a rule names operations that only a person can judge."""

_OUTCOMES = (Outcome.FAILS, Outcome.UNDECIDED, Outcome.PASSES)


@dataclass(frozen=True, slots=True)
class Scheme:
    """The agreement that goods are tried under: its code, its rules, its partners, and the version of the form that they are from."""

    code: str
    rules: OriginRules
    partners: frozenset[str]
    version: str = ""

    @classmethod
    def of(cls, form: Form) -> "Scheme":
        """The scheme of a form."""
        return cls(form.scheme, form.origin, form.partners, form.version)

    def cumulates(self, country: str) -> bool:
        """Whether originating materials of that country count as originating."""
        cumulation = self.rules.cumulation
        if cumulation is None:
            return False
        return country in (self.partners if cumulation.partners is None else cumulation.partners)


@dataclass(frozen=True, slots=True)
class Case(Generic[_T]):
    """Goods under one test of a scheme."""

    goods: Goods
    scheme: Scheme
    account: Account
    name: str
    test: _T

    def step(self, name: str, working: str, outcome: Outcome) -> Step:
        """A step of this test, with its rule and source."""
        return Step(name, working, outcome, self.test.rule, self.test.source)

    def under(self, name: str, test: _T) -> "Case[_T]":
        """The same goods under another test."""
        return replace(self, name=name, test=test)


@dataclass(frozen=True, slots=True)
class Tried:
    """What one test said: its outcome, its steps, what it misses, and the originating content if it is a test of value."""

    outcome: Outcome
    steps: tuple[Step, ...]
    missing: tuple[str, ...] = ()
    content: Share | None = None


def at_every_price(case: Case[_T], attempt: Callable[[Case[_T]], Tried]) -> Tried:
    """What a test that looks at the FOB value says; undecided where goods that are judged at several prices do not pass or fail
    at all of them. What grows or falls with the price alone is the same between its ends if it is the same at both."""
    tried, goods = attempt(case), case.goods
    if goods.band is None:
        return tried
    if all(attempt(replace(case, goods=goods.at(fob))).outcome is tried.outcome for fob in goods.band):
        return tried
    say = (
        "Not the same at every price by which another firm's sheet is judged; to say at which would tell its costs, so the officer decides."
    )
    return Tried(Outcome.UNDECIDED, (case.step(PRICE, say, Outcome.UNDECIDED),), (goods.where("fob"),))


def said(case: Case[_T], outcome: Outcome, working: str, *missing: str) -> Tried:
    """The answer of a test of one step; `missing` is as a finding shows it."""
    return Tried(outcome, (case.step(case.name, working, outcome),), missing)


def unset(case: Case[_T], tried: Tried) -> Tried:
    """The answer, undecided if the scheme's data leave a part of the test open."""
    if case.test.unset is None or tried.outcome is Outcome.UNDECIDED:
        return tried
    step = case.step(case.name, f"Not sourced: {case.test.unset}.", Outcome.UNDECIDED)
    return Tried(Outcome.UNDECIDED, (*unneeded(tried.steps), step), (f"not sourced: {case.test.unset}",), tried.content)


def together(parts: Iterable[Tried]) -> Tried:
    """Tests that must all be passed, as one."""
    found = list(parts)
    missing = tuple(dict.fromkeys(key for one in found for key in one.missing))
    content = next((one.content for one in found if one.content is not None), None)
    return Tried(worst(one.outcome for one in found), tuple(step for one in found for step in one.steps), missing, content)


def choose(parts: Iterable[Tried]) -> Tried:
    """Tests of which one is enough, as one: what fails beside one that passes, or may pass, did not decide."""
    found = list(parts)
    outcome = best(one.outcome for one in found)
    steps = tuple(step for one in found for step in (one.steps if one.outcome is outcome else unneeded(one.steps)))
    deciding = [one for one in found if one.outcome is outcome]
    missing = () if outcome is Outcome.PASSES else tuple(dict.fromkeys(key for one in deciding for key in one.missing))
    return Tried(outcome, steps, missing, next((one.content for one in [*deciding, *found] if one.content is not None), None))


def unneeded(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, with those that fail marked as not deciding."""
    return tuple(msgspec.structs.replace(step, decides=False) if step.outcome is Outcome.FAILS else step for step in steps)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Fails if one fails, else undecided if one is, else passes."""
    return min(outcomes, key=_OUTCOMES.index, default=Outcome.PASSES)


def best(outcomes: Iterable[Outcome]) -> Outcome:
    """Passes if one passes, else undecided if one is, else fails."""
    return max(outcomes, key=_OUTCOMES.index, default=Outcome.FAILS)


def passes(true: bool) -> Outcome:
    """The outcome of a plain comparison."""
    return Outcome.PASSES if true else Outcome.FAILS


def names(lots: Lots) -> str:
    """The first three materials by description and country, and how many more there are."""
    count = counted(lots)
    more = f" and {count - 3} more" if count > 3 else ""
    return ", ".join(f"{part.description} ({part.country})" for part in first_of(lots)[:3]) + more


def paths(lots: Lots, key: str, wanted: Callable[[Material], bool] = lambda material: True) -> tuple[str, ...]:
    """Where a key of the materials stands, for as many as a finding names, and how many more there are."""
    found = [material for lot in lots.values() for material in lot.materials if wanted(material)]
    named = tuple(f"{material.path}.{key}" for material in found[:MOST_NAMED])
    return named if len(found) <= MOST_NAMED else (*named, f"and {len(found) - MOST_NAMED} more")
