"""What every origin test takes and gives: a case, and what was said about it."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.application import Item
from engine.contracts.origin import Outcome, Step
from engine.errors import PluginError
from engine.filing.origin.content import Share

__all__ = ["Case", "Tried", "said", "worst"]


@dataclass(frozen=True, slots=True)
class Case:
    """One line under one test: the line, its place in the file, and the test's table in origin.toml."""

    item: Item
    path: str
    test: str
    table: Mapping[str, object]

    @property
    def rule(self) -> str:
        """The rule that the test quotes."""
        return self.word("rule")

    def word(self, key: str) -> str:
        """A text of the table. Raises PluginError if origin.toml does not give it."""
        value = self.table.get(key)
        if not isinstance(value, str) or not value:
            raise PluginError(f"origin.toml must give [general.tests.{self.test}] a text for {key}.")
        return value

    def step(self, name: str, working: str, outcome: Outcome) -> Step:
        """A step of this test, with its rule and source."""
        source = self.table.get("source")
        return Step(name, working, outcome, self.rule, source if isinstance(source, str) else None)


@dataclass(frozen=True, slots=True)
class Tried:
    """What one test said: its outcome, its steps, the keys it misses, and the content if it is a test of value."""

    outcome: Outcome
    steps: tuple[Step, ...]
    missing: tuple[str, ...] = ()
    content: Share | None = None


def said(case: Case, outcome: Outcome, working: str, *missing: str) -> Tried:
    """The answer of a test of one step; `missing` are keys below the line."""
    return Tried(outcome, (case.step(case.test, working, outcome),), tuple(f"{case.path}.{key}" for key in missing))


def worst(outcomes: list[Outcome]) -> Outcome:
    """Fails if one fails, else undecided if one is, else passes."""
    if Outcome.FAILS in outcomes:
        return Outcome.FAILS
    return Outcome.UNDECIDED if Outcome.UNDECIDED in outcomes else Outcome.PASSES
