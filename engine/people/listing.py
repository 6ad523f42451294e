"""Whether an agency is listed on a day, for everything that an agency's people do: acting in a role, filing, issuing."""

from datetime import date
from typing import Any
from uuid import UUID

from engine.errors import Refused
from engine.people.tables import AgencyListing

__all__ = ["in_force", "listed", "require_listed"]


def in_force(table: Any, on: date) -> Any:
    """The condition that a row with `starts_on` and `ends_on`, the first day that it is over, is in force on that day."""
    return (table.starts_on <= on) & ((table.ends_on.is_null()) | (table.ends_on > on))


def listed(on: date) -> Any:
    """The ids of the agencies that are listed on that day, as part of another query."""
    return AgencyListing.select(AgencyListing.agency).where(in_force(AgencyListing, on))


async def require_listed(agency_id: UUID, code: str, on: date | None, *, lost: str = "it may not issue") -> None:
    """Raises Refused unless a listing of the agency is in force on that day, saying since when and what it has `lost`.

    Without a day the agency must be listed with no end in sight.
    """
    rows = await AgencyListing.select(AgencyListing.starts_on, AgencyListing.ends_on).where(AgencyListing.agency == agency_id)
    open_on = on or date.max
    if any((on is None or row["starts_on"] <= on) and (row["ends_on"] is None or row["ends_on"] > open_on) for row in rows):
        return
    ended = [row["ends_on"] for row in rows if row["ends_on"] is not None and row["ends_on"] <= open_on]
    coming = [row["starts_on"] for row in rows if row["starts_on"] > open_on]
    said = f"was delisted on {max(ended)}" if ended else f"is listed only from {min(coming)}" if coming else "is not listed"
    raise Refused(f"The agency {code} {said}; {lost}.", box="agency", rule="agency listed")
