"""Letters about digital signature certificates: to whoever says whose one is, and to its owner, who notices what they did not do.

Each joins the unit of work of its deed. An address that takes no letter keeps nothing from being done.
"""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from engine.errors import Refused
from engine.mail import Letter, write_letter
from engine.people.tables import Administrator, ExporterUser, Officer
from engine.store import SecretBox

__all__ = ["tell_ended", "tell_enrolled", "tell_name_asked", "tell_name_refused"]

_WHERE = "Under Register Digital Signature Certificate you see which of yours sign, and end one."
_IF_NOT_YOU = "If you did not ask for this, tell your administrator at once."


async def tell_name_asked(officer: UUID, presented: UUID, *, box: SecretBox, base: str, at: datetime) -> None:
    """To the administrators of an officer's agency, but not to that officer: a certificate in another name waits for one of them."""
    [row] = await Officer.select(Officer.agency, Officer.account, Officer.name).where(Officer.id == officer)
    others = (Administrator.agency == row["agency"], Administrator.ended_at.is_null(), Administrator.account != row["account"])
    query = Administrator.select(Administrator.account.email.as_alias("email"))
    text = (
        f"{row['name']} presented a digital signature certificate in another name than the register has. Say whether it is theirs:"
        f"\n{base}/users/{officer}/names/{presented}\n"
    )
    for each in await query.where(*others, Administrator.account.active.eq(True)):
        await _write(Letter(each["email"], "A certificate waits for you", text), box, at, presented)


async def tell_name_refused(officer: UUID, presented: UUID, reason: str, *, box: SecretBox, at: datetime) -> None:
    """To the officer: an administrator said that the certificate is not theirs, and why."""
    text = f"your agency's administrator refused the digital signature certificate that you presented.\n\nReason: {reason}"
    await _tell_owner(officer, None, "Your certificate was refused", text, box, at, presented)


async def tell_enrolled(
    *,
    officer: UUID | None = None,
    exporter_user: UUID | None = None,
    enrolment: UUID,
    confirmed: bool = False,
    box: SecretBox,
    at: datetime,
) -> None:
    """To its owner: a certificate signs for them from now on; `confirmed` by their agency's administrator."""
    by = "Your agency's administrator confirmed the name. " if confirmed else ""
    text = f"a digital signature certificate was registered for you just now, and signs for you. {by}{_WHERE}\n\n{_IF_NOT_YOU}"
    await _tell_owner(officer, exporter_user, "A certificate was registered for you", text, box, at, enrolment)


async def tell_ended(
    *, officer: UUID | None = None, exporter_user: UUID | None = None, enrolment: UUID, box: SecretBox, at: datetime
) -> None:
    """To its owner: a certificate signs for them no more."""
    text = (
        "a digital signature certificate of yours was ended just now and signs no more; what it signed stays as it is. "
        f"{_WHERE}\n\n{_IF_NOT_YOU}"
    )
    await _tell_owner(officer, exporter_user, "A certificate of yours was ended", text, box, at, enrolment)


async def _tell_owner(
    officer: UUID | None, exporter_user: UUID | None, subject: str, text: str, box: SecretBox, at: datetime, about: UUID
) -> None:
    table = Officer if officer is not None else ExporterUser
    query = table.select(table.account.name.as_alias("name"), table.account.email.as_alias("email"))
    for row in await query.where(table.id == (officer or exporter_user)):
        if row["email"]:  # a firm's user who never signed in has no account
            await _write(Letter(row["email"], subject, f"{row['name']},\n\n{text}"), box, at, about)


async def _write(letter: Letter, box: SecretBox, at: datetime, about: UUID) -> None:
    with suppress(Refused):
        await write_letter(letter, box=box, purpose="certificate", at=at, about=about)
