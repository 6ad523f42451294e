"""An administrator who is lost, replaced by the platform's desk: dismissal and appointment in one, on a new letter of authorisation."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.clock import ist_day
from engine.errors import NotFound, Problem, Refused
from engine.mail import Letter, mailbox, write_letter
from engine.people.access import welcome
from engine.people.agencies.official import require_official
from engine.people.joining.deciding import require_another, require_usable
from engine.people.joining.letters import PURPOSE, Attached
from engine.people.joining.tables import Applicant, RegistrationRequest, RequestState
from engine.people.listing import require_listed
from engine.people.plain_text import reason_of, text_fault, tidy
from engine.people.staff.appointing import appoint_administrator, dismiss_administrator
from engine.people.tables import Administrator
from engine.scope import Scope
from engine.store import FileStore, SecretBox, audit, uow
from engine.store.files import remember
from engine.store.scoped import covering

__all__ = ["Replaced", "Successor", "administrator_to_replace", "replace_administrator"]


@dataclass(frozen=True, slots=True)
class Successor:
    """Who comes in the place of a lost administrator, why, and the letter that says so."""

    email: str = field(repr=False)
    name: str = field(repr=False)
    reason: str = field(repr=False)
    letter: Attached

    def tidied(self) -> "Successor":
        """The same as it is kept. Raises Refused with everything that is wrong."""
        problems = []
        if fault := text_fault(tidy(self.name), most=120):
            problems.append(Problem("name", "text", f"The name must {fault}."))
        email = reason = ""
        try:
            email = mailbox(self.email.strip()).lower()
        except Refused as refusal:
            problems.append(Problem("email", "e-mail address", refusal.say))
        try:
            reason = reason_of(self.reason, most=400)
        except Refused as refusal:
            problems.append(Problem("reason", "reason", refusal.say))
        if problems:
            raise Refused.because(problems)
        return Successor(email, tidy(self.name), reason, self.letter)


@dataclass(frozen=True, slots=True)
class Replaced:
    """A present administrator, as the desk sees who is to be replaced."""

    id: UUID
    agency_id: UUID
    agency_code: str
    agency: str
    name: str = field(repr=False)
    email: str = field(repr=False)


async def administrator_to_replace(scope: Scope, administrator: UUID) -> Replaced:
    """The present administrator of that row. Raises NotFound for one whom the scope does not cover, or whose appointment ended."""
    query = Administrator.select(
        Administrator.id,
        Administrator.agency,
        Administrator.agency.code.as_alias("code"),
        Administrator.agency.name.as_alias("of"),
        Administrator.account.name.as_alias("name"),
        Administrator.account.email.as_alias("email"),
    ).where(Administrator.id == administrator, Administrator.ended_at.is_null())
    row = await covering(scope, query, Administrator, office="id").first()
    if row is None:
        raise NotFound("There is no such administrator, or their appointment ended before.", code="administrator")
    return Replaced(row["id"], row["agency"], row["code"], row["of"], row["name"], row["email"])


async def replace_administrator(
    scope: Scope, administrator: UUID, successor: Successor, *, files: FileStore, box: SecretBox, base: str, actor: str, at: datetime
) -> UUID:
    """Dismisses the one and appoints the other in one unit of work; both are told by mail, and the other's account is given.

    Raises Refused for what is wrong with the successor, an address that is not official for the agency among it.
    """
    successor = successor.tidied()
    lost = await administrator_to_replace(scope, administrator)
    await require_listed(lost.agency_id, lost.agency_code, ist_day(at), lost="nobody administers it")
    await require_official(lost.agency_id, successor.email, none_recorded=False)
    if successor.email == lost.email:
        raise Refused("This is the administrator to be replaced; name another person.", box="email", rule="another person")
    letter, sha256 = successor.letter, await files.put(successor.letter.data)
    async with uow():
        await require_usable(successor.email)
        await require_another(successor.email, actor)
        await dismiss_administrator(scope, administrator, actor=actor, at=at)
        account = await appoint_administrator(lost.agency_id, email=successor.email, name=successor.name, actor=actor, at=at)
        row = _approved(lost, successor, sha256, account, actor, at)
        await RegistrationRequest.insert(row)
        about, size = str(row.id), len(letter.data)
        await remember(sha256, size, room="people", row=about, purpose=PURPOSE, media_type=letter.media_type, at=at)
        why = f"You are an administrator of {lost.agency} for electronic Certificates of Origin, in the place of {lost.name}."
        await welcome(account, why, box=box, base=base, actor=actor, at=at)
        await _tell(lost, successor.reason, box, at)
        detail: dict[str, Any] = {"letter_sha256": sha256}
        subject = str(administrator)
        await audit("administrator_replaced", room="people", subject=subject, actor=actor, at=at, agency=lost.agency_id, detail=detail)
    return account


def _approved(lost: Replaced, successor: Successor, sha256: str, account: UUID, actor: str, at: datetime) -> RegistrationRequest:
    """The successor's registration as the desk enters it: with the letter and the reason, approved from the start."""
    row = RegistrationRequest(
        role=str(Applicant.ADMINISTRATOR),
        agency=lost.agency_id,
        email=successor.email,
        name=successor.name,
        letter_sha256=sha256,
        letter_type=successor.letter.media_type,
        state=str(RequestState.APPROVED),
        asked_at=at,
        expires_at=at,
        decided_at=at,
        decided_by=actor,
        reason=successor.reason,
        account=account,
    )
    row.live_key = row.token_sha256 = str(row.id)
    return row


async def _tell(lost: Replaced, reason: str, box: SecretBox, at: datetime) -> None:
    text = (
        f"{lost.name},\n\nyou are no administrator of {lost.agency} any more: the platform's desk appointed another person in your place."
        f"\n\nReason: {reason}\n\nIf this is a mistake, turn to the platform's desk at once."
    )
    with suppress(Refused):  # an address that takes no letter may be the very reason
        await write_letter(
            Letter(lost.email, "You were replaced as administrator", text), box=box, purpose="replaced", at=at, about=lost.id
        )
