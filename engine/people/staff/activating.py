"""What an administrator does about an officer: deactivate at once, ask to activate again, unmap, change the designation.

Promises that a deactivated officer has no session from the same unit of work on, and that what they approved and did not sign
stays unsigned (`why_not_officer`); that activating again needs a second person; and that each act is audited.
"""

import hashlib
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Conflict, NotFound, Refused
from engine.mail import Letter, write_letter
from engine.people.access import Principal, end_all
from engine.people.access.tries import hold
from engine.people.changes import Asked, Change, Effects, propose
from engine.people.plain_text import reason_of, text_fault, tidy
from engine.people.staff.spells import begin_spell
from engine.people.tables import Officer, OfficerOffice
from engine.scope import Scope
from engine.store import SecretBox, audit, uow
from engine.store.scoped import covering

__all__ = ["OFFICER_AGAIN", "apply_officer_again", "ask_officer_again", "deactivate_officer", "redesignate", "unmap_officer"]

OFFICER_AGAIN = "officer_again"


async def deactivate_officer(scope: Scope, officer: UUID, reason: str, *, box: SecretBox, actor: str, at: datetime) -> None:
    """Deactivates an officer at once and ends every session of theirs; they are told by mail, and not the reason.

    Raises Refused without a reason, NotFound for an officer that the scope does not cover, Conflict for one who is off already.
    """
    why = reason_of(reason, most=200)
    async with uow():
        row = await _found(scope, officer)
        await hold(row["account"])
        on = (Officer.id == officer, Officer.active.eq(True))
        changed = await Officer.update({Officer.active: False}).where(*on).returning(Officer.designation)
        if not changed:
            raise Conflict("This officer is deactivated already.", code="officer_off")
        await begin_spell(row["agency"], officer, changed[0]["designation"], active=False, why=why, at=at)
        await end_all(row["account"], reason="deactivated", at=at)
        detail = {"reason_sha256": hashlib.sha256(why.encode()).hexdigest()}
        await _note("officer_deactivated", officer, row["agency"], actor, at, detail=detail)
        await _tell_off(officer, box, at)


async def ask_officer_again(
    scope: Scope, officer: UUID, person: Principal, *, effects: Effects, box: SecretBox, base: str, limits: AccessSection, at: datetime
) -> Change:
    """Asks for a deactivated officer to be active again; a second person confirms it. Raises as `changes.propose` does."""
    row = await _found(scope, officer)
    if row["active"]:
        raise Conflict("This officer is active.", code="officer_on")
    asked = Asked(OFFICER_AGAIN, row["agency"], str(officer), "Activate an officer again", {"officer": str(officer)})
    return await propose(asked, person, effects=effects, box=box, base=base, limits=limits, at=at)


async def apply_officer_again(change: Change, at: datetime) -> None:
    """Makes the officer of a change active, in the unit of work around the call. Raises Conflict for one who is active meanwhile."""
    officer = UUID(change.payload["officer"])
    off = (Officer.id == officer, Officer.agency == change.agency_id, Officer.active.eq(False))
    changed = await Officer.update({Officer.active: True}).where(*off).returning(Officer.designation)
    if not changed:
        raise Conflict("This officer is active already.", code="officer_on")
    await begin_spell(change.agency_id, officer, changed[0]["designation"], active=True, at=at)
    await _note("officer_activated", officer, change.agency_id, f"account:{change.asked_by}", at)


async def unmap_officer(scope: Scope, officer: UUID, office: UUID, *, actor: str, at: datetime) -> None:
    """Ends an officer's mapping to an office: from now on they neither see nor sign its applications.

    Raises NotFound for a mapping that the scope does not cover, or that ended before.
    """
    async with uow():
        row = await _found(scope, officer)
        live = (OfficerOffice.officer == officer, OfficerOffice.office == office, OfficerOffice.ended_at.is_null())
        query = OfficerOffice.select(OfficerOffice.id).where(*live, OfficerOffice.agency == row["agency"])
        found = await query.first()
        if found is None:
            raise NotFound("The officer is not mapped to such an office (any more).", code="mapping")
        ended = {OfficerOffice.ended_at: at, OfficerOffice.ended_by: actor, OfficerOffice.live_key: str(found["id"])}
        still = (OfficerOffice.id == found["id"], OfficerOffice.ended_at.is_null())
        if not await OfficerOffice.update(ended).where(*still).returning(OfficerOffice.id):
            raise Conflict("The officer was unmapped meanwhile.", code="mapping")
        await _note("officer_unmapped", officer, row["agency"], actor, at, office=office)


async def redesignate(scope: Scope, officer: UUID, designation: str, *, actor: str, at: datetime) -> None:
    """Changes an officer's designation, for what they approve from now on. Raises Refused for a text that cannot be one."""
    plain = tidy(designation)
    if fault := text_fault(plain, most=120):
        raise Refused(f"The designation must {fault}.", box="designation", rule="designation")
    async with uow():
        row = await _found(scope, officer)
        changed = await Officer.update({Officer.designation: plain}).where(Officer.id == officer).returning(Officer.active)
        await begin_spell(row["agency"], officer, plain, active=changed[0]["active"], at=at)
        before, after = (hashlib.sha256(text.encode()).hexdigest() for text in (row["designation"], plain))
        await audit(
            "officer_redesignated",
            room="people",
            subject=str(officer),
            actor=actor,
            at=at,
            agency=row["agency"],
            before=before,
            after=after,
        )


async def _tell_off(officer: UUID, box: SecretBox, at: datetime) -> None:
    columns = (Officer.account.email.as_alias("email"), Officer.account.name.as_alias("name"), Officer.agency.name.as_alias("of"))
    [row] = await Officer.select(*columns).where(Officer.id == officer)
    text = (
        f"{row['name']},\n\nyou were deactivated as an officer of {row['of']} just now: every session of yours was ended, and what you "
        "approved and did not sign goes back to be decided anew.\n\nIf you have questions, turn to the agency's administrator."
    )
    with suppress(Refused):  # an address that takes no letter keeps nobody from being deactivated
        await write_letter(Letter(row["email"], "You were deactivated as an officer", text), box=box, purpose="off", at=at, about=officer)


async def _found(scope: Scope, officer: UUID) -> dict[str, Any]:
    query = Officer.select().where(Officer.id == officer)
    row: dict[str, Any] | None = await covering(scope, query, Officer, office="id").first()
    if row is None:
        raise NotFound("There is no such officer.", code="officer")
    return row


async def _note(
    act: str,
    officer: UUID,
    agency: UUID,
    actor: str,
    at: datetime,
    *,
    office: UUID | None = None,
    detail: dict[str, str] | None = None,
) -> None:
    await audit(act, room="people", subject=str(officer), actor=actor, at=at, agency=agency, office=office, detail=detail)
