"""Clocks for tests that decide themselves how late it is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.clock import IST

__all__ = ["MovableClock", "StillClock", "to_the_morning"]


@dataclass
class StillClock:
    """Stands still until a test moves it."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class MovableClock:
    """The machine's clock, shifted by what a test says, or standing still at a moment."""

    shift: timedelta = timedelta(0)
    still: datetime | None = None

    def now(self) -> datetime:
        return (self.still or datetime.now(UTC)) + self.shift


def to_the_morning() -> timedelta:
    """How far it is to six o'clock in India: for tests that take minutes and must not see the date on paper change."""
    now = datetime.now(IST)
    six = now.replace(hour=6, minute=0, second=0, microsecond=0)
    return six - now if now < six else six + timedelta(days=1) - now
