"""Asking to be registered: as an agency's administrator or officer, or as a customs broker.

Promises that nobody sees a request before its e-mail address was proved by the link that was mailed there; that the answer to
whoever asks is the same whether or not an account or a request exists; that a letter and what a person told of themselves stand in the
request alone; and that of one person, role and agency at most one request waits.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.clock import ist_day
from engine.errors import Conflict, Problem, Refused
from engine.mail import Letter, mailbox, write_letter
from engine.people.agencies.official import require_official
from engine.people.firms.licences import licence_fault, tidy_licence
from engine.people.joining.forgetting import forget_letter, over
from engine.people.joining.letters import PURPOSE, Attached
from engine.people.joining.tables import Applicant, RegistrationRequest, RequestState
from engine.people.joining.telling import tell_deciders
from engine.people.listing import require_listed
from engine.people.plain_text import text_fault, tidy
from engine.people.tables import Agency, Office
from engine.store import FileStore, SecretBox, audit, uow
from engine.store.files import remember
from engine.store.quota import hold_of_day

__all__ = ["Asker", "Linked", "ask_registration", "behind_link", "expire_requests", "prove_request", "withdraw_request"]

PROVED_WITHIN = timedelta(hours=24)
_DECIDED_WITHIN = timedelta(days=90)
_PER_HOUR = 3
_MOST_IN_ONE_GO = 200
_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asker:
    """What a person tells who asks to be registered; `agency_id` and `office_id` as their role needs them."""

    role: Applicant
    email: str = field(repr=False)
    name: str = field(repr=False)
    designation: str = ""
    phone: str = field(default="", repr=False)
    agency_id: UUID | None = None
    office_id: UUID | None = None
    firm: str = ""
    licence: str = ""
    letter: Attached | None = None

    def problems(self) -> list[Problem]:
        """What is wrong with it in itself, each beside its box."""
        broker = self.role is Applicant.BROKER
        told = [("name", self.name, 120), *([("firm", self.firm, 200)] if broker else [("designation", self.designation, 120)])]
        found = [
            Problem(box, "text", f"The {box} must {fault}." if tidy(text) else f"The {box} is missing; enter it.")
            for box, text, most in told
            if (fault := text_fault(tidy(text), most=most))
        ]
        if self.phone and not _PHONE.fullmatch(self.phone):
            found.append(Problem("phone", "phone number", "A phone number has 5 to 20 digits and spaces, such as +91 22 2345 6789."))
        if broker and (fault := licence_fault(tidy_licence(self.licence))):
            found.append(Problem("licence", "licence number", f"The licence number must {fault}."))
        if self.role is Applicant.ADMINISTRATOR and self.letter is None:
            found.append(Problem("letter", "letter attached", "Attach the letter of authorisation, on the agency's letterhead."))
        if self.role is Applicant.OFFICER and self.office_id is None:
            found.append(Problem("office", "office chosen", "Choose the regional office where you will issue."))
        try:
            mailbox(self.email)
        except Refused as refusal:
            found.append(Problem("email", "e-mail address", refusal.say))
        return found


@dataclass(frozen=True, slots=True)
class Linked:
    """A request as the holder of its mailed link sees it."""

    id: UUID
    role: Applicant
    state: RequestState
    email: str = field(repr=False)
    name: str = field(repr=False)
    designation: str
    phone: str = field(repr=False)
    agency: str
    office: str
    firm: str
    licence: str
    letter: bool


async def ask_registration(asker: Asker, *, files: FileStore, box: SecretBox, base: str, at: datetime) -> None:
    """Keeps the request unproved and mails the link that proves its address, good for 24 hours.

    Raises Refused with everything that is wrong, also an address that is not official for the agency. Beyond three letters an
    hour to one address nothing is kept, and nobody is told. Whether the person or a request is known here is not even looked up.
    """
    if problems := await _problems(asker):
        raise Refused.because(problems)
    email = mailbox(asker.email.strip()).lower()
    of = await _addressed(asker, email, at)
    if await _many(email, at):
        return
    sha256 = await files.put(asker.letter.data) if asker.letter else ""
    token = secrets.token_urlsafe(32)
    row = _row(asker, email, sha256, token, at)
    text = (
        f"Somebody, probably you, asked to register {of} with this address.\n\n"
        f"If it was you, look at the request and confirm it within 24 hours:\n{base}/register/prove/{token}\n\n"
        "If it was not you, do nothing: without your confirmation nobody sees the request, and it is deleted."
    )
    async with uow():
        await hold_of_day("registration", _hash(email), at=at)
        if await _many(email, at):  # asked again: others may have asked beside this one
            return
        await RegistrationRequest.insert(row)
        if asker.letter:
            size, kind = len(asker.letter.data), asker.letter.media_type
            await remember(sha256, size, room="people", row=str(row.id), purpose=PURPOSE, media_type=kind, at=at)
        letter = Letter(email, "Confirm your registration", text)
        await write_letter(letter, box=box, purpose="register", at=at, about=UUID(str(row.id)))
        await _audit("registration_asked", row.to_dict(), "public", at)


async def behind_link(token: str, at: datetime) -> Linked | None:
    """The request of a mailed link; None if there is none, or if the link is too old. The link is the right to see it."""
    columns = (
        *RegistrationRequest.all_columns(),
        RegistrationRequest.agency.name.as_alias("of"),
        RegistrationRequest.office.name.as_alias("at"),
    )
    row = await RegistrationRequest.select(*columns).where(RegistrationRequest.token_sha256 == _hash(token)).first()
    if row is None or row["expires_at"] <= at or row["state"] == RequestState.EXPIRED:
        return None
    return Linked(
        id=row["id"],
        role=Applicant(row["role"]),
        state=RequestState(row["state"]),
        email=row["email"],
        name=row["name"],
        designation=row["designation"],
        phone=row["phone"],
        agency=row["of"] or "",
        office=row["at"] or "",
        firm=row["firm"],
        licence=row["licence"],
        letter=bool(row["letter_sha256"]),
    )


async def prove_request(token: str, *, box: SecretBox, base: str, at: datetime) -> None:
    """Confirms the request behind a link: it waits from now on, and whoever decides is told. A second time changes nothing.

    Raises Refused for a link that is no good, Conflict if the person's request for the same waits already.
    """
    async with uow():
        row = await RegistrationRequest.select().where(RegistrationRequest.token_sha256 == _hash(token)).first()
        if row is None or row["expires_at"] <= at or row["state"] not in {RequestState.UNPROVED, RequestState.WAITING}:
            raise _spent()
        if row["state"] == RequestState.WAITING:
            return
        live_key = f"{row['agency'] or ''}:{row['role']}:{row['email']}"
        if await RegistrationRequest.exists().where(RegistrationRequest.live_key == live_key):
            say = "Your request for the same waits already. Wait for the decision, or withdraw it by the link that it was confirmed with."
            raise Conflict(say, code="registration", box="link")
        change: dict[Any, Any] = {
            RegistrationRequest.state: str(RequestState.WAITING),
            RegistrationRequest.live_key: live_key,
            RegistrationRequest.proved_at: at,
            RegistrationRequest.expires_at: at + _DECIDED_WITHIN,
        }
        mine = (RegistrationRequest.id == row["id"], RegistrationRequest.state == str(RequestState.UNPROVED))
        if not await RegistrationRequest.update(change).where(*mine).returning(RegistrationRequest.id):
            return
        await tell_deciders(row, box=box, base=base, at=at)
        await _audit("registration_proved", row, "public", at)


async def withdraw_request(token: str, *, at: datetime) -> None:
    """Takes a request back by its link, before it is decided. Raises Refused for a link that is no good."""
    async with uow():
        open_states = [str(RequestState.UNPROVED), str(RequestState.WAITING)]
        mine = (RegistrationRequest.token_sha256 == _hash(token), RegistrationRequest.state.is_in(open_states))
        row = await RegistrationRequest.select().where(*mine, RegistrationRequest.expires_at > at).first()
        if row is None:
            raise _spent()
        to = RequestState.WITHDRAWN if row["proved_at"] else RequestState.EXPIRED
        if not await RegistrationRequest.update(over(row["id"], to)).where(*mine).returning(RegistrationRequest.id):
            raise _spent()
        await forget_letter(row["id"])
        await _audit("registration_withdrawn", row, "public", at)


async def expire_requests(at: datetime) -> int:
    """Ends requests that nobody proved or decided in time, forgets what they told, and says how many there were."""
    open_states = [str(RequestState.UNPROVED), str(RequestState.WAITING)]
    late = RegistrationRequest.select().where(RegistrationRequest.expires_at <= at, RegistrationRequest.state.is_in(open_states))
    ended = 0
    for row in await late.limit(_MOST_IN_ONE_GO):
        async with uow():
            mine = (RegistrationRequest.id == row["id"], RegistrationRequest.state == row["state"])
            if await RegistrationRequest.update(over(row["id"], RequestState.EXPIRED)).where(*mine).returning(RegistrationRequest.id):
                await forget_letter(row["id"])
                await _audit("registration_expired", row, "sweep", at)
                ended += 1
    return ended


async def _problems(asker: Asker) -> list[Problem]:
    """What is wrong with it in itself; where something is, also that the address is not official, so that all is told at once."""
    found = asker.problems()
    if found and asker.agency_id is not None and all(problem.box != "email" for problem in found):
        try:
            await require_official(asker.agency_id, mailbox(asker.email.strip()).lower(), none_recorded=False)
        except Refused as refusal:
            found.append(Problem("email", refusal.rule, refusal.say))
    return found


async def _addressed(asker: Asker, email: str, at: datetime) -> str:
    """As what the person would be registered, in words. Raises Refused for an agency, office or address that does not do."""
    if asker.role is Applicant.BROKER:
        return "as a customs broker"  # and no word that a stranger chose: the letter may go to anybody
    agency = await Agency.select(Agency.id, Agency.code, Agency.name).where(Agency.id == asker.agency_id).first()
    if agency is None:
        raise Refused("Choose an agency from the list.", box="agency", rule="agency in the register")
    await require_listed(agency["id"], agency["code"], ist_day(at), lost="nobody can register for it")
    if asker.role is Applicant.OFFICER:
        mine = (Office.id == asker.office_id, Office.agency == agency["id"], Office.active.eq(True))
        if not await Office.exists().where(*mine):
            raise Refused("Choose an office of the agency from the list.", box="office", rule="office of the agency")
    await require_official(agency["id"], email, none_recorded=False)
    return f"as {asker.role} of {agency['name']}"


async def _many(email: str, at: datetime) -> bool:
    recent = RegistrationRequest.count().where(RegistrationRequest.email == email, RegistrationRequest.asked_at > at - timedelta(hours=1))
    return int(await recent) >= _PER_HOUR


def _row(asker: Asker, email: str, sha256: str, token: str, at: datetime) -> RegistrationRequest:
    broker = asker.role is Applicant.BROKER
    row = RegistrationRequest(
        role=str(asker.role),
        agency=None if broker else asker.agency_id,
        office=asker.office_id if asker.role is Applicant.OFFICER else None,
        email=email,
        name=tidy(asker.name),
        designation="" if broker else tidy(asker.designation),
        phone=asker.phone,
        firm=tidy(asker.firm) if broker else "",
        licence=tidy_licence(asker.licence) if broker else "",
        letter_sha256=sha256,
        letter_type=asker.letter.media_type if asker.letter else "",
        state=str(RequestState.UNPROVED),
        token_sha256=_hash(token),
        asked_at=at,
        expires_at=at + PROVED_WITHIN,
    )
    row.live_key = str(row.id)
    return row


async def _audit(act: str, row: dict[str, Any], actor: str, at: datetime) -> None:
    detail = {"role": row["role"]}
    office, agency = row["office"] or "", row["agency"] or ""
    await audit(act, room="people", subject=str(row["id"]), actor=actor, at=at, agency=agency, office=office, detail=detail)


def _spent() -> Refused:
    return Refused("This link is too old, or its request is over. Register again.", box="link", rule="link good")


def _hash(token: str) -> str:
    return hashlib.sha256(f"registration:{token}".encode()).hexdigest()
