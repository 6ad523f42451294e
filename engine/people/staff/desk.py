"""The platform's desk: who sits there, how one comes, and how one is ended by another.

Promises that the desk is never left empty, for nobody ends themselves and whoever ends another one is at the desk at that
moment; that an ended person has no session from the same unit of work on, and no key, for the desk has none; and that they are
told by mail, and the others at the desk too.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Conflict, Forbidden, NotFound, Refused
from engine.mail import Letter, write_letter
from engine.people.access import Principal, RoleKind, end_all
from engine.people.access.tries import hold
from engine.people.changes.persons import desk, require_proved
from engine.people.plain_text import reason_of
from engine.people.staff.appointing import account_for, unlink_registry
from engine.people.tables import Account, PlatformUser
from engine.scope import Scope, ScopeKind
from engine.store import SecretBox, audit, uow

__all__ = ["DeskPerson", "appoint_to_desk", "desk_people", "desk_person", "end_at_desk", "hold_desk", "require_at_desk", "tell_desk"]

_MOST = 500
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class DeskPerson:
    """One person of the platform's desk, present or past; `made_by` is as the audit names who appointed them, `closed` says that
    their account is."""

    id: UUID
    account_id: UUID
    name: str = field(repr=False)
    email: str = field(repr=False)
    made_by: str
    made_at: datetime
    ended_at: datetime | None
    closed: bool


async def appoint_to_desk(*, email: str, name: str, actor: str, at: datetime) -> UUID:
    """Makes a person one of the platform's desk and gives their account; they choose a password by the link that is mailed to them.

    Raises Conflict for who sits there already, and for an account that the desk closed.
    """
    async with uow():
        account = await account_for(email, name, at)
        if await PlatformUser.exists().where(PlatformUser.live_key == str(account)):
            raise Conflict(f"{email} sits at the platform's desk already.", code="appointed")
        await unlink_registry(account, actor=actor, at=at)
        if await Account.exists().where(Account.id == account, Account.active.eq(False)):
            raise Conflict(f"The account of {email} is closed; another person of the desk can open it again.", code="account_closed")
        await PlatformUser.insert(PlatformUser(account=account, live_key=str(account), made_by=actor, made_at=at))
        await audit("desk_appointed", room="people", subject=str(account), actor=actor, at=at)
    return account


async def desk_people(scope: Scope) -> tuple[DeskPerson, ...]:
    """Who sits at the desk, and who did: present ones first, each the latest first, at most 500. For the desk alone."""
    if scope.kind is not ScopeKind.PLATFORM:
        return ()
    rows = await _select().order_by(PlatformUser.made_at, ascending=False).limit(_MOST)
    return tuple(sorted((_person(row) for row in rows), key=lambda each: each.ended_at is not None))


async def desk_person(scope: Scope, id: UUID) -> DeskPerson:
    """One person who sits at the desk now. Raises NotFound for one who does no more, and for whoever asks from elsewhere."""
    row = await _select().where(PlatformUser.id == id, PlatformUser.ended_at.is_null()).first()
    if row is None or scope.kind is not ScopeKind.PLATFORM:
        raise _nobody()
    return _person(row)


async def end_at_desk(person: Principal, id: UUID, reason: str, *, limits: AccessSection, box: SecretBox, at: datetime) -> None:
    """Ends another one's place at the desk at once, and every session of theirs; they are told by mail, and why.

    Raises Forbidden without a fresh proof, for whoever is not at the desk, and for one's own place; Refused without a reason;
    NotFound for one who is not there, or not any more.
    """
    require_proved(person, limits, at)
    why = reason_of(reason, most=_LONGEST_REASON)
    async with uow():
        await hold_desk()
        await require_at_desk(person)
        other = await desk_person(person.scope, id)
        if other.account_id == person.account_id:
            raise Forbidden("You cannot end your own place at the desk; another one there does.", code="own_place")
        await hold(other.account_id)
        await PlatformUser.update({PlatformUser.ended_at: at, PlatformUser.live_key: str(id)}).where(PlatformUser.id == id)
        await end_all(other.account_id, reason="dismissed", at=at)
        detail = {"reason_sha256": hashlib.sha256(why.encode()).hexdigest()}
        await audit("desk_ended", room="people", subject=str(other.account_id), actor=person.actor, at=at, detail=detail)
        await _tell(other, why, box, at)
        text = f"{person.name} ended the place of {other.name} at the platform's desk.\n\nIf that is wrong, look at the audit at once."
        await tell_desk("A person of the desk was ended", text, box=box, at=at, about=id)


async def tell_desk(subject: str, text: str, *, box: SecretBox, at: datetime, about: UUID) -> None:
    """A letter to everybody at the platform's desk; joins the caller's unit of work."""
    for email in sorted({person.email for person in await desk()}):
        with suppress(Refused):  # an address that takes no letter keeps nothing else from being done
            await write_letter(Letter(email, subject, text), box=box, purpose="desk", at=at, about=about)


async def hold_desk() -> None:
    """Keeps the desk's first row until the unit of work ends: of two who end each other, the second one is at the desk no more."""
    first = await PlatformUser.select(PlatformUser.id).order_by(PlatformUser.made_at).order_by(PlatformUser.id).first()
    if first is not None:
        await PlatformUser.update({PlatformUser.made_by: PlatformUser.made_by}, force=True).where(PlatformUser.id == first["id"])


async def require_at_desk(person: Principal) -> None:
    """Raises Forbidden for whoever is not at the desk at this moment, or acts in another role."""
    acts = person.role is not None and person.role.kind is RoleKind.PLATFORM
    if not acts or all(each.account_id != person.account_id for each in await desk()):
        raise Forbidden("Only a person of the platform's desk may do this.", code="role")


async def _tell(other: DeskPerson, why: str, box: SecretBox, at: datetime) -> None:
    text = (
        f"{other.name},\n\nyour place at the platform's desk was ended just now, and every session of yours with it."
        f"\n\nReason: {why}\n\nIf this is a mistake, turn to the platform's desk."
    )
    with suppress(Refused):  # an address that takes no letter keeps nobody from being ended
        letter = Letter(other.email, "Your place at the platform's desk was ended", text)
        await write_letter(letter, box=box, purpose="desk_ended", at=at, about=other.id)


def _select() -> Any:
    columns = (
        PlatformUser.account.name.as_alias("name"),
        PlatformUser.account.email.as_alias("email"),
        PlatformUser.account.active.as_alias("opens"),
    )
    return PlatformUser.select(*PlatformUser.all_columns(), *columns)


def _person(row: dict[str, Any]) -> DeskPerson:
    return DeskPerson(
        row["id"], row["account"], row["name"], row["email"], row["made_by"], row["made_at"], row["ended_at"], not row["opens"]
    )


def _nobody() -> NotFound:
    return NotFound("There is no such person at the platform's desk, or their place was ended before.", code="desk_person")
