"""Time as an argument: aware UTC for moments (`_at`), Indian Standard Time for paper dates (`_on`).

India has had one zone and no daylight saving since 1945, so IST is a fixed offset and needs no zone database.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

__all__ = ["IST", "Clock", "SystemClock", "ist_day", "utc_text"]

IST = timezone(timedelta(hours=5, minutes=30), "IST")


class Clock(Protocol):
    """Whatever tells the time; tests hand in one that they move."""

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        return datetime.now(UTC)


def ist_day(moment: datetime) -> date:
    """The date on paper in India at that moment, whatever TZ the machine is set to."""
    return moment.astimezone(IST).date()


def utc_text(moment: datetime) -> str:
    """The moment as the API writes it: UTC to the second, ending in Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
