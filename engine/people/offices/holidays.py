"""The days on which an office is closed, one by one or as a list that somebody pastes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from engine.errors import NotFound, Problem, Refused
from engine.people.offices.offices import OfficeHere
from engine.people.plain_text import text_fault, tidy
from engine.people.tables import Holiday
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = ["HolidayHere", "holidays_of", "put_holidays", "read_holidays", "remove_holiday"]

_MOST_LINES = 200
_MOST_NAME = 120
_YEARS = range(2000, 2101)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LINE = re.compile(
    r"(?:(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"
    r"|(?P<d2>\d{1,2})[-./](?P<m2>\d{1,2})[-./](?P<y2>\d{4})"
    r"|(?P<d3>\d{1,2}) (?P<m3>[A-Za-z]{3,9}),? (?P<y3>\d{4}))"
    r"[\s,;:|-]+(?P<name>\S.*)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class HolidayHere:
    """A day on which the office is closed, with its name."""

    id: UUID
    closed_on: date
    name: str


async def holidays_of(scope: Scope, office: UUID, *, since: date) -> Sequence[HolidayHere]:
    """The holidays of an office from a day on, the next first."""
    query = Holiday.select().where(Holiday.office == office, Holiday.closed_on >= since).order_by(Holiday.closed_on)
    return [HolidayHere(row["id"], row["closed_on"], row["name"]) for row in await covering(scope, query, Holiday)]


def read_holidays(pasted: str) -> dict[date, str]:
    """The holidays of a list with one in each line: a date (2027-01-26, 26-01-2027, 26/01/2027 or 26 January 2027), then its name.

    Raises Refused naming every line that cannot be read; then none is taken.
    """
    lines = [(number, line.strip()) for number, line in enumerate(tidy(pasted).split("\n"), 1) if line.strip()]
    if not lines:
        raise Refused("Paste at least one holiday: a date and its name.", box="holidays", rule="holidays")
    if len(lines) > _MOST_LINES:
        raise Refused(f"At most {_MOST_LINES} holidays can be pasted at once; these are {len(lines)}.", box="holidays", rule="holidays")
    found: dict[date, str] = {}
    problems = []
    for number, line in lines:
        day, name = _read(line)
        if day is None:
            problems.append(_wrong(number, "begins with no date such as 2027-01-26 or 26-01-2027 that is followed by a name"))
        elif fault := text_fault(name, most=_MOST_NAME):
            problems.append(_wrong(number, f"has a name that must {fault}"))
        elif day in found:
            problems.append(_wrong(number, f"names {day.isoformat()} a second time"))
        else:
            found[day] = name
    if problems:
        raise Refused.because(problems)
    return found


def _wrong(number: int, say: str) -> Problem:
    return Problem("holidays", "holidays", f"Line {number} {say}.")


def _read(line: str) -> tuple[date | None, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        return None, ""
    parts = match.groupdict()
    year = int(parts["y"] or parts["y2"] or parts["y3"])
    month = _month(parts["m3"]) if parts["m3"] else int(parts["m"] or parts["m2"])
    try:
        day = date(year, month, int(parts["d"] or parts["d2"] or parts["d3"]))
    except ValueError:
        return None, ""
    return (day if year in _YEARS else None), parts["name"].strip()


def _month(word: str) -> int:
    """The number of a month by its English name or the first three letters of it; 0 for another word."""
    short = word[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


async def put_holidays(office: OfficeHere, days: dict[date, str], *, actor: str, at: datetime) -> int:
    """Adds holidays to an office; a day that is one already takes the new name. Gives how many there were."""
    async with uow():
        for day, name in days.items():
            mine = (Holiday.office == office.id, Holiday.closed_on == day)
            if not await Holiday.update({Holiday.name: name}).where(*mine).returning(Holiday.id):
                await Holiday.insert(Holiday(agency=office.agency_id, office=office.id, closed_on=day, name=name))
        await audit(
            "holidays_put",
            room="people",
            subject=str(office.id),
            actor=actor,
            at=at,
            agency=office.agency_id,
            office=office.id,
            detail={"days": len(days), "from": min(days).isoformat(), "until": max(days).isoformat()},
        )
    return len(days)


async def remove_holiday(office: OfficeHere, holiday: UUID, *, actor: str, at: datetime) -> None:
    """Takes a holiday off an office's list. Raises NotFound for one that is not on it."""
    async with uow():
        gone = await Holiday.delete().where(Holiday.id == holiday, Holiday.office == office.id).returning(Holiday.closed_on)
        if not gone:
            raise NotFound("There is no such holiday.", code="holiday")
        await audit(
            "holiday_removed",
            room="people",
            subject=str(office.id),
            actor=actor,
            at=at,
            agency=office.agency_id,
            office=office.id,
            detail={"day": str(gone[0]["closed_on"])},
        )
