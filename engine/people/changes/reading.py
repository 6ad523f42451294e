"""Reading changes: by who may see them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from engine.errors import NotFound
from engine.people.access import Principal, RoleKind
from engine.people.changes.change import Change, change_from
from engine.people.changes.tables import ChangeRow, ChangeState

__all__ = ["by_id", "change_of", "changes_of", "count_to_decide", "over_among", "waiting_of", "waiting_on"]

_MOST = 200


async def changes_of(person: Principal, *, waiting: bool) -> Sequence[Change]:
    """The changes that the person may see in the role they act in, the latest first: those that wait, or those that are over.

    An administrator sees their agency's; an officer their own and those they may confirm; the desk those that wait for
    their time, which it may stop. At most 200.
    """
    state = ChangeRow.state == str(ChangeState.WAITING)
    query = _select().where(_seen_by(person), state if waiting else ChangeRow.state != str(ChangeState.WAITING))
    rows = await query.order_by(ChangeRow.asked_at, ascending=False).limit(_MOST)
    return [change_from(row) for row in rows]


async def change_of(person: Principal, id: UUID) -> Change:
    """One change that the person may see. Raises NotFound for any other."""
    row = await _select().where(ChangeRow.id == id, _seen_by(person)).first()
    if row is None:
        raise NotFound("There is no such change.", code="change")
    return change_from(row)


async def count_to_decide(person: Principal) -> int:
    """How many changes wait for this very person."""
    waits = ChangeRow.state == str(ChangeState.WAITING)
    return int(await ChangeRow.count().where(waits, _seen_by(person), ChangeRow.asked_by != person.account_id))


async def waiting_on(kind: str, subjects: Sequence[str]) -> dict[str, Change]:
    """The waiting change of that kind for each of these subjects, which the caller found within a scope."""
    waits = (ChangeRow.kind == kind, ChangeRow.state == str(ChangeState.WAITING))
    rows = await _select().where(*waits, ChangeRow.subject.is_in(list(subjects))) if subjects else []
    return {row["subject"]: change_from(row) for row in rows}


async def by_id(id: UUID) -> Change:
    """The change of a row that the caller just wrote or holds."""
    [row] = await _select().where(ChangeRow.id == id)
    return change_from(row)


async def over_among(changes: Sequence[UUID]) -> list[UUID]:
    """Those of these changes, which a room keeps something for, that are over."""
    if not changes:
        return []
    rows = await ChangeRow.select(ChangeRow.id).where(ChangeRow.id.is_in(list(changes)), ChangeRow.state != str(ChangeState.WAITING))
    return [row["id"] for row in rows]


async def waiting_of(agency: UUID, kind: str) -> Sequence[Change]:
    """The waiting changes of that kind in an agency whose person asks; at most 200."""
    rows = (
        await _select().where(ChangeRow.agency == agency, ChangeRow.kind == kind, ChangeRow.state == str(ChangeState.WAITING)).limit(_MOST)
    )
    return [change_from(row) for row in rows]


def _select() -> Any:
    return ChangeRow.select(
        *ChangeRow.all_columns(), ChangeRow.asked_by.name.as_alias("asker"), ChangeRow.decided_by.name.as_alias("decider")
    )


def _seen_by(person: Principal) -> Any:
    role = person.role if person.whole else None
    own = (ChangeRow.asked_by == person.account_id) | (ChangeRow.second == person.account_id)
    if role is not None and role.kind is RoleKind.PLATFORM:
        return ChangeRow.due_at.is_not_null()
    if role is not None and role.kind is RoleKind.ADMINISTRATOR:
        return ChangeRow.agency == role.agency_id
    if role is not None and role.kind is RoleKind.OFFICER:
        return (ChangeRow.agency == role.agency_id) & own
    return ChangeRow.id.is_null()
