"""The letters of a registration: to whoever decides, and to the person who asked. Each joins the unit of work of its deed."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Refused
from engine.mail import Letter, write_letter
from engine.people.access import invite
from engine.people.joining.tables import Applicant
from engine.people.tables import Account, Administrator, PlatformUser
from engine.store import SecretBox

__all__ = ["tell_deciders", "tell_desk", "tell_rejected", "welcome"]

_HELP = "If you have questions, turn to the helpdesk of the platform."


async def tell_deciders(row: Mapping[str, Any], *, box: SecretBox, base: str, at: datetime) -> None:
    """A request waits: the person is told so, and the desk, or for an officer the agency's administrators, that it does."""
    officer = row["role"] == Applicant.OFFICER
    who = "the agency's administrator" if officer else "the platform's desk"
    text = f"{row['name']},\n\nyour request is confirmed and waits for {who} to decide on it. You will be told by mail.\n\n{_HELP}"
    await write_letter(
        Letter(row["email"], "Your registration waits for a decision", text), box=box, purpose="waiting", at=at, about=row["id"]
    )
    if officer:
        subject, said, path = "An officer asks to be registered", "to become an officer of your agency", f"/users/requests/{row['id']}"
    else:
        subject, said, path = "A registration waits", f"to be registered as {row['role']}", f"/desk/requests/{row['id']}"
    text = f"A person asks {said}. Look at the request and decide on it:\n{base}{path}\n"
    for email in await (_administrators(row["agency"]) if officer else _desk()):
        await _write(Letter(email, subject, text), box, "to_decide", at, row["id"])


async def tell_desk(subject: str, text: str, *, box: SecretBox, at: datetime, about: UUID) -> None:
    """A letter to everybody at the platform's desk."""
    for email in await _desk():
        await _write(Letter(email, subject, text), box, "desk", at, about)


async def tell_rejected(row: Mapping[str, Any], reason: str, *, box: SecretBox, at: datetime) -> None:
    """The request was rejected, and why."""
    text = (
        f"{row['name']},\n\nyour registration was not approved.\n\nReason: {reason}\n\nYou may register again once that is mended. {_HELP}"
    )
    await _write(Letter(row["email"], "Your registration was not approved", text), box, "rejected", at, row["id"])


async def welcome(account: UUID, why: str, *, box: SecretBox, base: str, actor: str, at: datetime) -> None:
    """Tells a person what they are from now on: with a link to choose a password if they have none yet."""
    [row] = await Account.select(Account.email, Account.name, Account.password_hash).where(Account.id == account)
    if not row["password_hash"]:
        await invite(account, why=why, base=base, box=box, actor=actor, at=at)
        return
    text = f"{row['name']},\n\n{why}\n\nSign in as you always do, and choose the new role under My account:\n{base}/account\n"
    await write_letter(Letter(row["email"], "You have a new role", text), box=box, purpose="new_role", at=at, about=account)


async def _desk() -> list[str]:
    rows = await PlatformUser.select(PlatformUser.account.email.as_alias("email")).where(
        PlatformUser.ended_at.is_null(), PlatformUser.account.active.eq(True)
    )
    return sorted(row["email"] for row in rows)


async def _administrators(agency_id: UUID) -> list[str]:
    rows = await Administrator.select(Administrator.account.email.as_alias("email")).where(
        Administrator.agency == agency_id, Administrator.ended_at.is_null(), Administrator.account.active.eq(True)
    )
    return sorted(row["email"] for row in rows)


async def _write(letter: Letter, box: SecretBox, purpose: str, at: datetime, about: UUID) -> None:
    with suppress(Refused):  # an address that takes no letter keeps nothing else from being done
        await write_letter(letter, box=box, purpose=purpose, at=at, about=about)
