"""Deciding on registrations: the desk on administrators and brokers, an agency's administrators on its officers.

Promises that a request is decided once; that what was true when it was asked is looked at again, the agency's listing and the
official address above all; that nobody decides on their own request; and that whoever approves an officer lets nobody back in
whom a deactivation keeps out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.clock import ist_day
from engine.errors import Conflict, NotFound, Refused
from engine.people.access import welcome
from engine.people.agencies.official import require_official, which_official
from engine.people.firms.brokers import open_broker
from engine.people.joining.tables import Applicant, RegistrationRequest, RequestState
from engine.people.joining.telling import tell_rejected
from engine.people.listing import require_listed
from engine.people.paging import PER_PAGE, begins
from engine.people.plain_text import reason_of
from engine.people.staff.appointing import account_for, appoint_administrator, unlink_registry
from engine.people.staff.officers import map_officer
from engine.people.staff.spells import begin_spell
from engine.people.tables import Account, Agency, Office, Officer, OfficerOffice
from engine.scope import Scope, ScopeKind
from engine.store import SecretBox, audit, reading, uow
from engine.store.scoped import covering

__all__ = [
    "Request",
    "approve_administrator",
    "approve_broker",
    "approve_officer",
    "count_requests",
    "reject_request",
    "request_of",
    "requests_of",
    "require_another",
    "require_usable",
]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as whoever decides sees it. `official` says whether its address is recorded for the agency now; None for brokers,
    and where nothing is recorded."""

    id: UUID
    role: Applicant
    state: RequestState
    agency_id: UUID | None
    agency: str
    office: str
    email: str = field(repr=False)
    name: str = field(repr=False)
    designation: str
    phone: str = field(repr=False)
    firm: str
    licence: str
    letter_sha256: str
    letter_type: str
    asked_at: datetime
    proved_at: datetime | None
    official: bool | None
    known: bool
    reason: str
    decided_at: datetime | None


async def requests_of(scope: Scope, *, page: int = 1) -> tuple[Request, ...]:
    """The requests that wait for whoever asks to decide, the longest waiting first, a page at a time."""
    async with reading():
        query = _waiting(scope, RegistrationRequest.select(*_columns())).order_by(RegistrationRequest.proved_at)
        rows = await query.limit(PER_PAGE).offset(begins(page))
        return await _requests(rows)


async def count_requests(scope: Scope) -> int:
    """How many requests wait for whoever asks to decide."""
    return int(await _waiting(scope, RegistrationRequest.count()))


async def request_of(scope: Scope, id: UUID) -> Request:
    """One request that was proved, also when it is decided. Raises NotFound for any other."""
    async with reading():
        query = RegistrationRequest.select(*_columns()).where(RegistrationRequest.id == id, RegistrationRequest.proved_at.is_not_null())
        row = await _decided_by(scope, query).first()
        if row is None:
            raise _unknown()
        return (await _requests([row]))[0]


async def approve_administrator(scope: Scope, id: UUID, *, box: SecretBox, base: str, actor: str, at: datetime) -> UUID:
    """Makes the person an administrator of the agency, tells them by mail, and gives their account (F24).

    Raises Refused if the agency is not listed any more or the address not official any more (F76), Conflict if it was decided.
    """
    async with uow():
        row = await _take(scope, id, Applicant.ADMINISTRATOR, RequestState.APPROVED, actor, at)
        agency = await _still_good(row, at)
        await require_usable(row["email"])
        account = await appoint_administrator(row["agency"], email=row["email"], name=row["name"], actor=actor, at=at)
        await RegistrationRequest.update({RegistrationRequest.account: account}).where(RegistrationRequest.id == id)
        why = f"You are an administrator of {agency} for electronic Certificates of Origin: your registration was approved."
        await welcome(account, why, box=box, base=base, actor=actor, at=at)
        await _audit("registration_approved", row, actor, at)
    return account


async def approve_broker(scope: Scope, id: UUID, *, box: SecretBox, base: str, actor: str, at: datetime) -> None:
    """Opens the broker's firm with the person as its first user, who is told by mail. Raises Conflict if it was decided."""
    async with uow():
        row = await _take(scope, id, Applicant.BROKER, RequestState.APPROVED, actor, at)
        await require_usable(row["email"])
        await open_broker(
            name=row["firm"], licence=row["licence"], email=row["email"], person=row["name"], actor=actor, box=box, base=base, at=at
        )
        await _audit("registration_approved", row, actor, at)


async def approve_officer(scope: Scope, id: UUID, *, box: SecretBox, base: str, actor: str, at: datetime) -> UUID:
    """Makes the person an active officer of the agency, mapped to the office they asked for, tells them, and gives the officer's id.

    One account may have several roles: who is known here already gets one more. Raises Refused if the address is not official
    any more (F75), the office is switched off, or the officer was deactivated; Conflict if it was decided.
    """
    async with uow():
        row = await _take(scope, id, Applicant.OFFICER, RequestState.APPROVED, actor, at)
        agency = await _still_good(row, at)
        office = await Office.select(Office.name).where(Office.id == row["office"], Office.active.eq(True)).first()
        if office is None:
            raise Refused("The office that was asked for is switched off. Reject the request with that reason.", box="office")
        await require_usable(row["email"])
        account = await account_for(row["email"], row["name"], at)
        await unlink_registry(account, actor=actor, at=at)
        officer = await _officer(row, account, actor, at)
        live_key = f"{officer}:{row['office']}"
        if not await OfficerOffice.exists().where(OfficerOffice.live_key == live_key):
            await map_officer(row["agency"], officer, row["office"], actor=actor, at=at)
        await RegistrationRequest.update({RegistrationRequest.account: account}).where(RegistrationRequest.id == id)
        why = f"You are an officer of {agency}, {office['name']}, for electronic Certificates of Origin: your registration was approved."
        await welcome(account, why, box=box, base=base, actor=actor, at=at)
        await _audit("registration_approved", row, actor, at)
    return officer


async def reject_request(scope: Scope, id: UUID, reason: str, *, box: SecretBox, actor: str, at: datetime) -> None:
    """Rejects a request with a reason, which is mailed. Raises Refused without one, Conflict if it was decided."""
    reason = reason_of(reason, most=400)
    async with uow():
        row = await _take(scope, id, None, RequestState.REJECTED, actor, at, reason=reason)
        await tell_rejected(row, reason, box=box, at=at)
        await _audit("registration_rejected", row, actor, at)


def _columns() -> tuple[Any, ...]:
    of, at = RegistrationRequest.agency.name.as_alias("of"), RegistrationRequest.office.name.as_alias("at")
    return *RegistrationRequest.all_columns(), of, at


def _decided_by(scope: Scope, query: Any) -> Any:
    """The requests that are the asker's to decide: the desk's are administrators and brokers, an administrator's the agency's officers."""
    role = RegistrationRequest.role
    if scope.kind is ScopeKind.PLATFORM:
        return query.where(role != str(Applicant.OFFICER))
    return covering(scope, query.where(role == str(Applicant.OFFICER)), RegistrationRequest, office="id")


def _waiting(scope: Scope, query: Any) -> Any:
    return _decided_by(scope, query.where(RegistrationRequest.state == str(RequestState.WAITING)))


async def _requests(rows: Sequence[dict[str, Any]]) -> tuple[Request, ...]:
    """The requests of these rows, with what the register and the accounts say of their addresses, asked once for all."""
    official = await which_official([(row["agency"], row["email"]) for row in rows if row["agency"] and row["email"]])
    emails = [row["email"] for row in rows if row["email"]]
    known = {each["email"] for each in await Account.select(Account.email).where(Account.email.is_in(emails))} if emails else set()
    return tuple(_request(row, official.get((row["agency"], row["email"])), row["email"] in known) for row in rows)


def _request(row: dict[str, Any], official: bool | None, known: bool) -> Request:
    return Request(
        id=row["id"],
        role=Applicant(row["role"]),
        state=RequestState(row["state"]),
        agency_id=row["agency"],
        agency=row["of"] or "",
        office=row["at"] or "",
        email=row["email"],
        name=row["name"],
        designation=row["designation"],
        phone=row["phone"],
        firm=row["firm"],
        licence=row["licence"],
        letter_sha256=row["letter_sha256"],
        letter_type=row["letter_type"],
        asked_at=row["asked_at"],
        proved_at=row["proved_at"],
        official=official,
        known=known,
        reason=row["reason"],
        decided_at=row["decided_at"],
    )


async def _take(
    scope: Scope, id: UUID, role: Applicant | None, to: RequestState, actor: str, at: datetime, *, reason: str = ""
) -> dict[str, Any]:
    """Decides a waiting request, so that nobody else does; joins the caller's unit of work, and gives the row."""
    row = await _decided_by(scope, RegistrationRequest.select().where(RegistrationRequest.id == id)).first()
    if row is None or row["proved_at"] is None or (role is not None and row["role"] != role):
        raise _unknown()
    change: dict[Any, Any] = {
        RegistrationRequest.state: str(to),
        RegistrationRequest.live_key: str(id),
        RegistrationRequest.decided_at: at,
        RegistrationRequest.decided_by: actor,
        RegistrationRequest.reason: reason,
    }
    waiting = (RegistrationRequest.id == id, RegistrationRequest.state == str(RequestState.WAITING), RegistrationRequest.expires_at > at)
    if not await RegistrationRequest.update(change).where(*waiting).returning(RegistrationRequest.id):
        raise Conflict("This request was decided, withdrawn or expired meanwhile.", code="registration")
    await require_another(row["email"], actor)
    return dict(row)


async def _still_good(row: dict[str, Any], at: datetime) -> str:
    """The agency's name. Raises Refused if it is not listed today, or if the address is not official any more."""
    [agency] = await Agency.select(Agency.code, Agency.name).where(Agency.id == row["agency"])
    await require_listed(row["agency"], agency["code"], ist_day(at), lost="nobody can be registered for it")
    await require_official(row["agency"], row["email"], none_recorded=False)
    return str(agency["name"])


async def require_another(email: str, actor: str) -> None:
    """Raises Refused if the address is a mailbox of whoever decides, with a +word behind its name or without: nobody gives
    themselves a role."""
    name, _, host = _mailbox(email).rpartition("@")
    alike = (Account.email.like(f"{name}%"), Account.email.like(f"%@{host}"))  # what SQL reads as more is compared below
    theirs = await Account.select(Account.id, Account.email).where(*alike)
    if any(actor == f"account:{each['id']}" and _mailbox(each["email"]) == _mailbox(email) for each in theirs):
        raise Refused("This is for yourself; somebody else must decide on it.", box="email", rule="another person decides")


def _mailbox(email: str) -> str:
    name, _, host = email.strip().lower().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"


async def require_usable(email: str) -> None:
    """Raises Refused for the address of an account that the desk closed: a new role would open nothing."""
    if await Account.exists().where(Account.email == email, Account.active.eq(False)):
        say = "The account of this address is closed here. Ask the platform's desk, or reject the request with that reason."
        raise Refused(say, box="email", rule="account active")


async def _officer(row: dict[str, Any], account: UUID, actor: str, at: datetime) -> UUID:
    """The officer that this account is in the agency, made if there is none; joins the caller's unit of work."""
    mine = (Officer.agency == row["agency"], Officer.account == account)
    found = await Officer.select(Officer.id, Officer.active).where(*mine).first()
    if found is not None and not found["active"]:
        say = "This officer was deactivated. Activate them again under User Management, which takes a second person; then reject this."
        raise Refused(say, box="request", rule="officer activated by two")
    if found is not None:
        return UUID(str(found["id"]))
    officer = Officer(agency=row["agency"], account=account, name=row["name"], designation=row["designation"])
    await Officer.insert(officer)
    await begin_spell(row["agency"], UUID(str(officer.id)), row["designation"], active=True, at=at)
    await audit("officer_added", room="people", subject=str(officer.id), actor=actor, at=at, agency=row["agency"])
    return UUID(str(officer.id))


async def _audit(act: str, row: dict[str, Any], actor: str, at: datetime) -> None:
    office, agency, detail = row["office"] or "", row["agency"] or "", {"role": row["role"]}
    await audit(act, room="people", subject=str(row["id"]), actor=actor, at=at, agency=agency, office=office, detail=detail)


def _unknown() -> NotFound:
    return NotFound("There is no such request, or it is not yours to decide.", code="registration")
