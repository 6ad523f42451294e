"""What an officer was from when until when: their designation, and whether they were active. A day of the past is read from here.

`Officer` says what they are now; each change of it begins a spell, in the same unit of work and after the officer's row was
changed, so that of two changes at once the second one sees the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.people.tables import OfficerSpell

__all__ = ["Off", "begin_spell", "off_since"]


@dataclass(frozen=True, slots=True)
class Off:
    """Since when an officer is deactivated, and why."""

    at: datetime
    why: str


async def begin_spell(agency: UUID, officer: UUID, designation: str, *, active: bool, why: str = "", at: datetime) -> None:
    """Begins a spell, and ends the one before; joins the caller's unit of work, which changed or wrote the officer's row."""
    before = await OfficerSpell.select(OfficerSpell.id, OfficerSpell.starts_at).where(OfficerSpell.live_key == str(officer)).first()
    begins = at
    if before is not None:
        begins = max(at, before["starts_at"])  # the clock of another process may be a moment ahead
        ended = {OfficerSpell.ends_at: begins, OfficerSpell.live_key: str(before["id"])}
        await OfficerSpell.update(ended).where(OfficerSpell.id == before["id"], OfficerSpell.live_key == str(officer))
    await OfficerSpell.insert(
        OfficerSpell(
            agency=agency, officer=officer, designation=designation, active=active, starts_at=begins, why=why, live_key=str(officer)
        )
    )


async def off_since(officers: Sequence[UUID]) -> dict[UUID, Off]:
    """Since when and why those of these officers, whom a scope found, are deactivated who are."""
    rows = await OfficerSpell.select().where(OfficerSpell.officer.is_in(list(officers))) if officers else []
    found: dict[UUID, Off] = {}
    for row in sorted(rows, key=_order):
        if row["active"]:
            found.pop(row["officer"], None)
        elif row["officer"] not in found:  # another designation while they are off is no second deactivation
            found[row["officer"]] = Off(row["starts_at"], row["why"])
    return found


def _order(row: dict[str, Any]) -> tuple[datetime, bool, datetime]:
    return row["starts_at"], row["ends_at"] is None, row["ends_at"] or row["starts_at"]
