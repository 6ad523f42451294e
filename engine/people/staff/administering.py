"""An agency's administrators, and how they change: one more is appointed, one hands over to another, one leaves.

Promises that nobody alone changes who administers an agency (`engine.people.changes`), that an agency never loses its last
administrator by it, that a new one's address is one that the register records for the agency, that whoever types an address
learns nothing of an account that is here under it, and that everybody concerned is told by mail, the platform's desk too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from engine.config import AccessSection
from engine.errors import Conflict, NotFound, Refused
from engine.mail import Letter, mailbox, write_letter
from engine.people.access import Principal, welcome
from engine.people.agencies.official import require_official
from engine.people.changes import Asked, Change, Effects, propose, waiting_of, waiting_on
from engine.people.plain_text import text_fault, tidy
from engine.people.staff.appointing import account_for, appoint_account, dismiss_administrator
from engine.people.staff.desk import tell_desk
from engine.people.tables import Account, Administrator, Agency
from engine.scope import Scope
from engine.store import SecretBox, uow
from engine.store.scoped import covering

__all__ = [
    "ADMINISTRATOR",
    "AdministratorSeen",
    "Nominee",
    "Ways",
    "administrators_of",
    "apply_administrator",
    "ask_to_appoint",
    "ask_to_hand_over",
    "ask_to_leave",
    "nominee_of",
]

ADMINISTRATOR = "administrator"


class _Deed(StrEnum):
    APPOINT = "appoint"
    HAND_OVER = "hand_over"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Ways:
    """What every act here needs beside the person: the effects, the box that seals letters, the site's address, the limits."""

    effects: Effects
    box: SecretBox
    base: str
    limits: AccessSection


@dataclass(frozen=True, slots=True)
class AdministratorSeen:
    """One administrator, present or past; `made_by` is as the audit names who appointed them, `leaves` the change that waits,
    `closed` says that the desk closed their account."""

    id: UUID
    account_id: UUID
    name: str
    email: str
    made_by: str
    made_at: datetime
    ended_at: datetime | None
    leaves: UUID | None
    closed: bool


@dataclass(frozen=True, slots=True)
class Nominee:
    """Who shall administer, as whoever asked typed it; sealed in the payload of the change, and no account before it is made."""

    email: str = field(repr=False)
    name: str = field(repr=False)

    def sealed(self, box: SecretBox, subject: str) -> dict[str, str]:
        """As the payload of a change on that subject keeps it."""
        return {"email": box.seal(self.email, purpose=f"{subject}:email"), "name": box.seal(self.name, purpose=f"{subject}:name")}


def nominee_of(change: Change, box: SecretBox) -> Nominee | None:
    """Whom a change that the caller may see would make an administrator; None for one that makes nobody."""
    if change.kind != ADMINISTRATOR or "email" not in change.payload:
        return None
    email, name = (box.unseal(change.payload[each], purpose=f"{change.subject}:{each}") for each in ("email", "name"))
    return Nominee(email, name)


async def administrators_of(scope: Scope) -> Sequence[AdministratorSeen]:
    """The administrators whom the scope covers, present ones first, then the past ones, the latest first."""
    of = Administrator.account
    columns = (of.name.as_alias("name"), of.email.as_alias("email"), of.active.as_alias("opens"))
    query = covering(scope, Administrator.select(*Administrator.all_columns(), *columns), Administrator, office="id")
    rows = await query.order_by(Administrator.made_at, ascending=False).limit(500)
    waiting = await waiting_on(ADMINISTRATOR, [str(row["id"]) for row in rows if row["ended_at"] is None])
    seen = [_seen(row, waiting) for row in rows]
    return sorted(seen, key=lambda each: each.ended_at is not None)


async def ask_to_appoint(agency_id: UUID, person: Principal, *, email: str, name: str, ways: Ways, at: datetime) -> Change:
    """Asks for one more administrator. Raises Refused for a name or address that cannot be theirs, Conflict if they are one already,
    and what `changes.propose` raises."""
    async with uow():
        nominee, subject = await _nominee(agency_id, email, name), str(uuid4())
        await _require_none_waits(agency_id, nominee, ways.box)
        payload = {"deed": str(_Deed.APPOINT), **nominee.sealed(ways.box, subject)}
        return await _ask(Asked(ADMINISTRATOR, agency_id, subject, "Appoint another administrator", payload), person, ways, at, nominee)


async def ask_to_hand_over(agency_id: UUID, person: Principal, *, email: str, name: str, ways: Ways, at: datetime) -> Change:
    """Asks for another administrator in one's own place. Raises as `ask_to_appoint` does."""
    async with uow():
        own = await _own(agency_id, person.account_id)
        nominee, subject = await _nominee(agency_id, email, name), str(own)
        payload = {"deed": str(_Deed.HAND_OVER), "administrator": subject, **nominee.sealed(ways.box, subject)}
        return await _ask(Asked(ADMINISTRATOR, agency_id, subject, "Hand over the administration", payload), person, ways, at, nominee)


async def ask_to_leave(agency_id: UUID, person: Principal, *, ways: Ways, at: datetime) -> Change:
    """Asks to administer the agency no more. Raises Refused for its last administrator, who hands over instead."""
    async with uow():
        own = await _own(agency_id, person.account_id)
        await _require_another(agency_id, own)
        payload = {"deed": str(_Deed.LEAVE), "administrator": str(own)}
        return await _ask(Asked(ADMINISTRATOR, agency_id, str(own), "Leave the administration", payload), person, ways, at)


async def apply_administrator(change: Change, at: datetime, *, box: SecretBox, base: str) -> None:
    """Makes such a change true, in the unit of work around the call; everybody concerned is told.

    Raises Conflict if what it changes moved on, Refused if the agency would be left with no administrator or the address of the
    new one is not official any more.
    """
    deed, actor = _Deed(change.payload["deed"]), f"account:{change.asked_by}"
    await _hold(change.agency_id)
    if (nominee := nominee_of(change, box)) is not None:
        await _require_usable(change.agency_id, nominee)
        account = await account_for(nominee.email, nominee.name, at)
        await appoint_account(change.agency_id, account, actor=actor, at=at)
        agency = await _agency_name(change.agency_id)
        why = f"You are an administrator of {agency} for electronic Certificates of Origin from now on."
        await welcome(account, why, box=box, base=base, actor=actor, at=at)
    if deed in {_Deed.LEAVE, _Deed.HAND_OVER}:
        own = UUID(change.payload["administrator"])
        await _require_another(change.agency_id, own)
        await dismiss_administrator(Scope.agency(change.agency_id), own, actor=actor, at=at)
    whom = f"\n\n{nominee.name} administers the agency from now on." if nominee else ""
    await _tell_everybody(change, f"{change.asker} asked for this change, and it is made: {change.title}.{whom}", box=box, at=at)


async def _ask(asked: Asked, person: Principal, ways: Ways, at: datetime, nominee: Nominee | None = None) -> Change:
    change = await propose(asked, person, effects=ways.effects, box=ways.box, base=ways.base, limits=ways.limits, at=at)
    if change.due_at is None:  # where there is no second person, the desk is told by the change itself
        whom = f" It names {nominee.name}." if nominee else ""
        text = f"{person.name} asked for this change: {asked.title}.{whom}\n\nAnother administrator of the agency has to confirm it."
        await tell_desk("An agency's administrators are to change", text, box=ways.box, at=at, about=change.id)
    return change


async def _nominee(agency_id: UUID, email: str, name: str) -> Nominee:
    """Whom these words name. Raises Refused for words that cannot, or an address that is not the agency's, Conflict for one of its
    administrators."""
    nominee = Nominee(mailbox(email.strip()).lower(), tidy(name))
    if fault := text_fault(nominee.name, most=120):
        raise Refused(f"The name must {fault}.", box="name", rule="name")
    await _require_usable(agency_id, nominee)
    present = (Administrator.agency == agency_id, Administrator.ended_at.is_null(), Administrator.account.email == nominee.email)
    if await Administrator.exists().where(*present):
        raise Conflict("This person administers the agency already.", code="appointed", box="email")
    return nominee


async def _require_none_waits(agency_id: UUID, nominee: Nominee, box: SecretBox) -> None:
    """Raises Conflict if the same person's appointment waits already: the subject of such a change is nobody yet."""
    for change in await waiting_of(agency_id, ADMINISTRATOR):
        other = nominee_of(change, box)
        if other is not None and other.email == nominee.email and change.payload["deed"] == _Deed.APPOINT:
            raise Conflict(
                f"'{change.title}' waits already. Confirm, refuse or withdraw that change first, under Changes.", code="change_waits"
            )


async def _require_usable(agency_id: UUID, nominee: Nominee) -> None:
    """Raises Refused for an address that is not official (any more), or whose account is closed."""
    await require_official(agency_id, nominee.email, none_recorded=False)
    if await Account.exists().where(Account.email == nominee.email, Account.active.eq(False)):
        raise Refused("The account of this address is closed; the platform's desk knows why.", box="email", rule="account active")


async def _own(agency_id: UUID, account: UUID) -> UUID:
    row = await Administrator.select(Administrator.id).where(Administrator.live_key == f"{account}:{agency_id}").first()
    if row is None:
        raise NotFound("You do not administer this agency (any more).", code="administrator")
    return UUID(str(row["id"]))


async def _require_another(agency_id: UUID, leaving: UUID) -> None:
    others = (Administrator.agency == agency_id, Administrator.ended_at.is_null(), Administrator.id != leaving)
    if not await Administrator.exists().where(*others, Administrator.account.active.eq(True)):
        say = "The agency would have no administrator left. Appoint another one first, or hand over."
        raise Refused(say, code="last_administrator", box="leave", rule="an agency has an administrator")


async def _hold(agency_id: UUID) -> None:
    """Keeps the agency's row until the unit of work ends: of two who leave at once, the second one sees the first one gone."""
    await Agency.update({Agency.name: Agency.name}, force=True).where(Agency.id == agency_id)


async def _agency_name(agency_id: UUID) -> str:
    [row] = await Agency.select(Agency.name).where(Agency.id == agency_id)
    return str(row["name"])


async def _tell_everybody(change: Change, text: str, *, box: SecretBox, at: datetime) -> None:
    """The administrators who are there now, whoever asked, and the platform's desk."""
    subject = "An agency's administrators have changed"
    present = (Administrator.agency == change.agency_id, Administrator.ended_at.is_null(), Administrator.account.active.eq(True))
    rows = await Administrator.select(Administrator.account.email.as_alias("email")).where(*present)
    asked_by = await Account.select(Account.email).where(Account.id == change.asked_by, Account.active.eq(True))
    for email in sorted({row["email"] for row in (*rows, *asked_by)}):
        await write_letter(Letter(email, subject, text), box=box, purpose="administrators", at=at, about=change.id)
    await tell_desk(subject, text, box=box, at=at, about=change.id)


def _seen(row: dict[str, Any], waiting: dict[str, Change]) -> AdministratorSeen:
    return AdministratorSeen(
        id=row["id"],
        account_id=row["account"],
        name=row["name"],
        email=row["email"],
        made_by=row["made_by"],
        made_at=row["made_at"],
        ended_at=row["ended_at"],
        leaves=waiting[str(row["id"])].id if str(row["id"]) in waiting else None,
        closed=not row["opens"],
    )
