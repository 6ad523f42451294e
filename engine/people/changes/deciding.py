"""Confirming, refusing and withdrawing a change, and the round that makes those whose time has come."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from engine.clock import ist_day
from engine.config import AccessSection
from engine.errors import Conflict, EngineError, Forbidden, Refused
from engine.people.access import Principal, RoleKind
from engine.people.changes.change import Change, Effects
from engine.people.changes.persons import Person, administers, desk, has_place, require_proved, seconds_of, tell
from engine.people.changes.reading import by_id, change_of
from engine.people.changes.tables import ChangeRow, ChangeState
from engine.people.listing import in_force
from engine.people.plain_text import reason_of
from engine.people.tables import Account, AgencyListing
from engine.store import SecretBox, audit, uow

__all__ = ["confirm", "refuse", "run_due", "withdraw"]

_log = logging.getLogger(__name__)

_ROUND = 50
_CLOCK = "system:changes"


async def confirm(id: UUID, person: Principal, *, effects: Effects, box: SecretBox, limits: AccessSection, at: datetime) -> Change:
    """Confirms a change as its second person, and makes it.

    Raises NotFound for one they may not see, Forbidden for their own or without a fresh proof, Conflict for one that is over,
    and what the effect raises: then nothing changed.
    """
    require_proved(person, limits, at)
    async with uow():
        change = await _taken(id, person, ChangeState.DONE, at)
        if not await has_place(change.agency_id, change.asked_by, change.asked_as):
            raise Conflict("Whoever asked for it has no place in the agency any more. Refuse it.", code="change_stale")
        await effects[change.kind](change, at)
        await _note("change_confirmed", change, person.actor, at)
        await _tell_asker(change, f"{person.name} confirmed this change, and it is made: {change.title}.", box=box, at=at)
    return await by_id(id)


async def refuse(id: UUID, person: Principal, reason: str, *, box: SecretBox, at: datetime) -> Change:
    """Refuses a change for a reason, which whoever asked is told. The desk may refuse what waits for its time.

    Raises as `confirm` does but for a fresh proof, and Refused without a reason.
    """
    why = reason_of(reason, most=400, empty="Say why, so that whoever asked knows what to do.")
    async with uow():
        change = await _taken(id, person, ChangeState.REFUSED, at, reason=why)
        await _note("change_refused", change, person.actor, at)
        await _tell_asker(change, f"{person.name} refused this change: {change.title}.\n\nReason: {why}", box=box, at=at)
    return await by_id(id)


async def withdraw(id: UUID, person: Principal, *, at: datetime) -> Change:
    """Takes back a change that one asked for oneself. Raises NotFound for one they may not see, Forbidden for somebody else's."""
    change = await change_of(person, id)
    if change.asked_by != person.account_id:
        raise Forbidden("Only whoever asked for it can withdraw it; you can refuse it.", code="change_of_another")
    async with uow():
        await _over(change, ChangeState.WITHDRAWN, at, by=person.account_id)
        await _note("change_withdrawn", change, person.actor, at)
    return await by_id(id)


async def run_due(*, effects: Effects, box: SecretBox, base: str, limits: AccessSection, at: datetime) -> int:
    """Makes the changes whose time has come, and gives a time to those whose last second person left; tells how many."""
    waits = ChangeRow.state == str(ChangeState.WAITING)
    due = await ChangeRow.select(ChangeRow.id).where(waits, ChangeRow.due_at <= at).order_by(ChangeRow.due_at).limit(_ROUND)
    for row in due:
        try:
            await _make(row["id"], effects, box=box, at=at)
        except EngineError:  # the others are made all the same; this one is tried again in the next round
            _log.exception("the change %s could not be made", row["id"])
    return len(due) + await _without_second(box=box, base=base, limits=limits, at=at)


async def _make(id: UUID, effects: Effects, *, box: SecretBox, at: datetime) -> None:
    try:
        async with uow():
            change = await by_id(id)
            if await seconds_of(change.agency_id, change.asked_by, change.second):  # a second person came: now it waits for them
                await ChangeRow.update({ChangeRow.due_at: None}).where(ChangeRow.id == id, ChangeRow.state == str(ChangeState.WAITING))
                return
            await _over(change, ChangeState.DONE, at)
            if not await has_place(change.agency_id, change.asked_by, change.asked_as):
                raise Refused("Whoever asked for it has no place in the agency any more.")
            if not await AgencyListing.exists().where(AgencyListing.agency == change.agency_id, in_force(AgencyListing, ist_day(at))):
                raise Refused("The agency is not listed any more, so nothing is changed there.")
            await effects[change.kind](change, at)
            await _note("change_made", change, _CLOCK, at)
            everybody = (*await desk(), *await _asker(change))
            await tell(everybody, "A change was made", f"Its time came, and it is made: {change.title}.", box=box, at=at, about=id)
    except Conflict:  # somebody was quicker, or what it changes moved on
        await _overtaken(id, "Something else changed meanwhile.", box=box, at=at)
    except Refused as refusal:
        await _overtaken(id, refusal.say, box=box, at=at)


async def _overtaken(id: UUID, why: str, *, box: SecretBox, at: datetime) -> None:
    async with uow():
        change = await by_id(id)
        if not change.waiting:
            return
        await _over(change, ChangeState.OVERTAKEN, at, reason=why[:400])
        await _note("change_overtaken", change, _CLOCK, at)
        await _tell_asker(change, f"This change could not be made when its time came: {change.title}.\n\n{why}", box=box, at=at)


async def _without_second(*, box: SecretBox, base: str, limits: AccessSection, at: datetime) -> int:
    """A change whose last second person left would wait for ever: it waits for its time instead."""
    given = 0
    waits = ChangeRow.state == str(ChangeState.WAITING)
    for row in (
        await ChangeRow.select(ChangeRow.id).where(waits, ChangeRow.due_at.is_null()).order_by(ChangeRow.asked_at).limit(_ROUND * 10)
    ):
        async with uow():
            change = await by_id(row["id"])
            if not change.waiting or await seconds_of(change.agency_id, change.asked_by, change.second):
                continue
            mine = (ChangeRow.id == change.id, ChangeRow.state == str(ChangeState.WAITING), ChangeRow.due_at.is_null())
            given_at = ChangeRow.update({ChangeRow.due_at: at + timedelta(hours=limits.lone_hours)}).where(*mine)
            if not await given_at.returning(ChangeRow.id):  # decided meanwhile
                continue
            text = (
                f"Nobody is left who could confirm this change: {change.title}.\n\n"
                f"It is made in {limits.lone_hours} hours. If it is wrong, stop it before then:\n{base}/changes\n"
            )
            await tell((*await desk(), *await _asker(change)), "A change waits for its time", text, box=box, at=at, about=change.id)
            await _note("change_waits_for_time", change, _CLOCK, at)
            given += 1
    return given


async def _taken(id: UUID, person: Principal, state: ChangeState, at: datetime, *, reason: str = "") -> Change:
    """The change, now over in that state by this second person."""
    change = await change_of(person, id)
    if change.asked_by == person.account_id:
        raise Forbidden("You asked for this change yourself: a second person decides. You can withdraw it.", code="change_own")
    stopping = state is ChangeState.REFUSED and person.role is not None and person.role.kind is RoleKind.PLATFORM
    if not (administers(person, change.agency_id) or change.second == person.account_id or stopping):
        raise Forbidden("An administrator of the agency decides on this.", code="change_not_yours")
    await _over(change, state, at, by=person.account_id, reason=reason)
    return change


async def _over(change: Change, state: ChangeState, at: datetime, *, by: UUID | None = None, reason: str = "") -> None:
    ended = {
        ChangeRow.state: str(state),
        ChangeRow.decided_at: at,
        ChangeRow.decided_by: by,
        ChangeRow.reason: reason,
        ChangeRow.live_key: str(change.id),
    }
    mine = (ChangeRow.id == change.id, ChangeRow.state == str(ChangeState.WAITING))
    if not await ChangeRow.update(ended).where(*mine).returning(ChangeRow.id):
        raise Conflict("This change was decided meanwhile.", code="change_over")


async def _note(act: str, change: Change, actor: str, at: datetime) -> None:
    await audit(
        act,
        room="people",
        subject=str(change.id),
        actor=actor,
        at=at,
        agency=change.agency_id,
        office=change.office_id,
        detail={"kind": change.kind, "of": change.subject},
    )


async def _asker(change: Change) -> tuple[Person, ...]:
    rows = await Account.select(Account.id, Account.email).where(Account.id == change.asked_by)
    return tuple(Person(row["id"], row["email"]) for row in rows)


async def _tell_asker(change: Change, text: str, *, box: SecretBox, at: datetime) -> None:
    await tell(await _asker(change), "Your change was decided", text + "\n", box=box, at=at, about=change.id)
