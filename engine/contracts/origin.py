"""The rules of origin of a scheme as data, and the finding of a check against them.

`OriginRules.from_toml` is the one reader of origin.toml. Limits, wording and sources come from the file; the engine
knows only the tests and formulas by name (`engine.filing.origin` lists them) and refuses a name it does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

import msgspec

from engine.errors import PluginError

__all__ = ["Criterion", "Finding", "Line", "OriginRules", "Outcome", "Step"]


class Outcome(StrEnum):
    """What a check found; undecided never counts as either and goes to the officer with what is missing."""

    PASSES = "passes"
    FAILS = "fails"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Criterion:
    """A ground that may be claimed: its code in the application, and how the box prints it.

    `as_printed` may hold `{content}`: the actual content in percent, two decimals. `tests` names the tests a line of
    the goods must pass under this ground, in the order in which the finding shows them.
    """

    code: str
    meaning: str
    as_printed: str
    tests: tuple[str, ...] = ()

    @property
    def prints_content(self) -> bool:
        """Whether the box shows the actual content, so that the form cannot be drawn without it."""
        return "{content}" in self.as_printed


@dataclass(frozen=True, slots=True)
class OriginRules:
    """origin.toml as data: the criteria, and the general rule as the scheme facts word it, with its sources."""

    criteria: tuple[Criterion, ...]
    general: Mapping[str, object] = field(default_factory=dict)
    sources: tuple[str, ...] = ()

    def criterion(self, code: str) -> Criterion | None:
        """The criterion of that code, or None."""
        return next((c for c in self.criteria if c.code == code), None)

    @classmethod
    def from_toml(cls, table: Mapping[str, object], where: str = "origin.toml") -> "OriginRules":
        """The rules in a parsed origin.toml: `[general]`, `[[criteria]]`, `sources`; `weak` and `unknown` are notes.

        Raises PluginError naming the file and the key if a table is missing, misspelt or of another type.
        """
        try:
            raw = msgspec.convert(dict(table), _File)
        except msgspec.ValidationError as error:
            raise PluginError(f"{where} cannot be used: {error}.") from error
        codes = [criterion.code for criterion in raw.criteria]
        if not codes or len(set(codes)) != len(codes):
            raise PluginError(f"{where} needs at least one [[criteria]] table, each with a code of its own.")
        return cls(tuple(Criterion(c.code, c.meaning, c.as_printed, c.tests) for c in raw.criteria), raw.general, raw.sources)


class _Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A [[criteria]] table as it may be written; a ground without a test would pass unexamined, so one at least."""

    code: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    meaning: str
    as_printed: str
    tests: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """origin.toml as it may be written; an unknown key is refused."""

    criteria: tuple[_Criterion, ...]
    general: dict[str, object]
    sources: tuple[str, ...]
    contract: int = 1
    weak: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


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
