"""Asking for a change."""

import json
from datetime import datetime, timedelta
from uuid import UUID

from engine.clock import IST
from engine.config import AccessSection
from engine.errors import Conflict, Forbidden
from engine.people.access import Principal, RoleKind
from engine.people.access.tries import hold
from engine.people.changes.change import Asked, Change, Effects
from engine.people.changes.persons import Person, desk, has_place, require_proved, seconds_of, tell
from engine.people.changes.reading import by_id
from engine.people.changes.tables import ChangeRow, ChangeState
from engine.store import SecretBox, audit, uow

__all__ = ["propose"]


async def propose(
    asked: Asked, person: Principal, *, effects: Effects, box: SecretBox, base: str, limits: AccessSection, at: datetime
) -> Change:
    """Asks for a change, and gives it as it stands: WAITING, or DONE where nothing is replaced and there is no second person.

    `base` is the site's address for the links in letters. Raises Forbidden (code `prove`) without a fresh proof or a place
    in the agency, Conflict (code `change_waits`) while another change of the kind waits for the same thing, and what the
    effect raises.
    """
    require_proved(person, limits, at)
    effect = effects[asked.kind]  # a kind without an effect is a fault of ours
    async with uow():
        await hold(person.account_id)
        kind = await _kind(asked, person)
        seconds = await seconds_of(asked.agency_id, person.account_id, asked.second)
        row = _row(asked, person, kind, at)
        if await ChangeRow.exists().where(ChangeRow.live_key == row.live_key):
            say = f"'{asked.title}' waits already. Confirm, refuse or withdraw that change first, under Changes."
            raise Conflict(say, code="change_waits")
        at_once = not seconds and asked.first
        if not seconds and not at_once:
            row.due_at = at + timedelta(hours=limits.lone_hours)
        await ChangeRow.insert(row)
        change = await by_id(row.id)
        await audit(
            "change_asked",
            room="people",
            subject=str(row.id),
            actor=person.actor,
            at=at,
            agency=asked.agency_id,
            office=asked.office_id,
            detail={"kind": asked.kind, "of": asked.subject, "needs": "nobody" if at_once else "second person" if seconds else "time"},
        )
        if at_once:
            await effect(change, at)
            await _done(row.id, at)
            await audit(
                "change_made",
                room="people",
                subject=str(row.id),
                actor=person.actor,
                at=at,
                agency=asked.agency_id,
                office=asked.office_id,
                detail={"kind": asked.kind, "of": asked.subject},
            )
        await _write(change, seconds, person, row.due_at, box=box, base=base, at=at)
    return await by_id(row.id)


async def _kind(asked: Asked, person: Principal) -> RoleKind:
    """The role that the person acts in. Raises Forbidden unless it is one of that agency, and still theirs."""
    role = person.role
    if role is None or role.agency_id != asked.agency_id or not await has_place(asked.agency_id, person.account_id, role.kind):
        raise Forbidden("You have no place in this agency (any more).", code="role")
    return role.kind


def _row(asked: Asked, person: Principal, kind: RoleKind, at: datetime) -> ChangeRow:
    return ChangeRow(
        agency=asked.agency_id,
        office=asked.office_id,
        kind=asked.kind,
        subject=asked.subject,
        title=asked.title,
        payload=json.dumps(dict(asked.payload), sort_keys=True),
        state=str(ChangeState.WAITING),
        live_key=f"{asked.kind}:{asked.agency_id}:{asked.subject}",
        asked_by=person.account_id,
        asked_as=str(kind),
        asked_at=at,
        second=asked.second if asked.second != person.account_id else None,
    )


async def _done(id: UUID, at: datetime) -> None:
    over = {ChangeRow.state: str(ChangeState.DONE), ChangeRow.decided_at: at, ChangeRow.live_key: str(id)}
    await ChangeRow.update(over).where(ChangeRow.id == id)


async def _write(
    change: Change, seconds: tuple[Person, ...], person: Principal, due_at: datetime | None, *, box: SecretBox, base: str, at: datetime
) -> None:
    asked = f"{person.name} asked for this change: {change.title}."
    if seconds:
        text = f"{asked}\n\nIt needs a second person. Confirm or refuse it here:\n{base}/changes\n"
        await tell(seconds, "A change waits for you", text, box=box, at=at, about=change.id)
        return
    everybody = (Person(person.account_id, person.email), *await desk())
    if due_at is None:
        text = f"{asked}\n\nIt was made at once: nothing was there before, and the agency has no second person who could confirm it.\n"
        await tell(everybody, "A change was made", text, box=box, at=at, about=change.id)
        return
    moment = f"{due_at.astimezone(IST):%d %B %Y, %H:%M} IST"
    text = (
        f"{asked}\n\nThe agency has no second person who could confirm it, so it waits until {moment}. "
        f"If it is wrong, stop it before then:\n{base}/changes\n"
    )
    await tell(everybody, "A change waits for its time", text, box=box, at=at, about=change.id)
