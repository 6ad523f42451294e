"""A clock for tests that decide themselves how late it is."""

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["StillClock"]


@dataclass
class StillClock:
    """Stands still until a test moves it."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)
