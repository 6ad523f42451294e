"""The rules of origin of a scheme as data, and the finding of a check against them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

__all__ = ["Criterion", "Finding", "Line", "OriginRules", "Outcome", "Step"]


class Outcome(StrEnum):
    """What a check found; undecided never counts as either and goes to the officer with what is missing."""

    PASSES = "passes"
    FAILS = "fails"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A ground that may be claimed: its code in the application, and how the box prints it.

    `as_printed` may hold `{content}`: the actual content in percent, two decimals.
    """

    code: str
    meaning: str
    as_printed: str


@dataclass(frozen=True, slots=True)
class OriginRules:
    """origin.toml as data: the criteria, and the general rule as the scheme facts word it, with its sources."""

    criteria: tuple[Criterion, ...]
    general: Mapping[str, object] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def criterion(self, code: str) -> Criterion | None:
        """The criterion of that code, or None."""
        return next((c for c in self.criteria if c.code == code), None)


class Step(msgspec.Struct, frozen=True):
    """One step of the arithmetic: what it is, the numbers, the limit, and where the rule stands."""

    name: str
    working: str
    outcome: Outcome
    rule: str
    source: str | None = None


class Line(msgspec.Struct, frozen=True):
    """The finding for one line of the goods; every line must qualify by itself."""

    item: int
    criterion: str
    outcome: Outcome
    printed: str
    steps: tuple[Step, ...]
    missing: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """What the origin check found for the whole application: fails if a line fails, else undecided if one is."""

    scheme: str
    form_version: str
    outcome: Outcome
    lines: tuple[Line, ...]
