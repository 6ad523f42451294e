"""The letters of a registration: to whoever decides, and to the person who asked. Each joins the unit of work of its deed."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Refused
from engine.mail import Letter, write_letter
from engine.people.joining.tables import Applicant
from engine.people.staff.desk import tell_desk
from engine.people.tables import Administrator
from engine.store import SecretBox

__all__ = ["tell_deciders", "tell_rejected"]

_HELP = "If you have questions, turn to the helpdesk of the platform."


async def tell_deciders(row: Mapping[str, Any], *, box: SecretBox, base: str, at: datetime) -> None:
    """A request waits: the person is told so, and the desk, or for an officer the agency's administrators, that it does."""
    officer = row["role"] == Applicant.OFFICER
    who = "the agency's administrator" if officer else "the platform's desk"
    text = f"{row['name']},\n\nyour request is confirmed and waits for {who} to decide on it. You will be told by mail.\n\n{_HELP}"
    await write_letter(
        Letter(row["email"], "Your registration waits for a decision", text), box=box, purpose="waiting", at=at, about=row["id"]
    )
    if not officer:
        text = f"A person asks to be registered as {row['role']}. Look at the request and decide on it:\n{base}/desk/requests/{row['id']}\n"
        await tell_desk("A registration waits", text, box=box, at=at, about=row["id"])
        return
    text = f"A person asks to become an officer of your agency. Look at the request and decide on it:\n{base}/users/requests/{row['id']}\n"
    for email in await _administrators(row["agency"]):
        await _write(Letter(email, "An officer asks to be registered", text), box, "to_decide", at, row["id"])


async def tell_rejected(row: Mapping[str, Any], reason: str, *, box: SecretBox, at: datetime) -> None:
    """The request was rejected, and why."""
    text = (
        f"{row['name']},\n\nyour registration was not approved.\n\nReason: {reason}\n\nYou may register again once that is mended. {_HELP}"
    )
    await _write(Letter(row["email"], "Your registration was not approved", text), box, "rejected", at, row["id"])


async def _administrators(agency_id: UUID) -> list[str]:
    rows = await Administrator.select(Administrator.account.email.as_alias("email")).where(
        Administrator.agency == agency_id, Administrator.ended_at.is_null(), Administrator.account.active.eq(True)
    )
    return sorted(row["email"] for row in rows)


async def _write(letter: Letter, box: SecretBox, purpose: str, at: datetime, about: UUID) -> None:
    with suppress(Refused):  # an address that takes no letter keeps nothing else from being done
        await write_letter(letter, box=box, purpose=purpose, at=at, about=about)
