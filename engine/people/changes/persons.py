"""Who may ask for a change, who may confirm it, and who is told."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Forbidden, Refused
from engine.mail import Letter, write_letter
from engine.people.access import Principal, RoleKind
from engine.people.tables import Account, Administrator, Officer, PlatformUser
from engine.store import SecretBox

__all__ = ["TYPING", "Person", "administers", "desk", "has_place", "require_proved", "seconds_of", "tell"]

# A form may be open for so long after the proof that opened it.
TYPING = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is told."""

    account_id: UUID
    email: str


def require_proved(person: Principal, limits: AccessSection, at: datetime) -> None:
    """Raises Forbidden unless the person showed password and code a short while ago."""
    if not person.whole or not person.proved_within(timedelta(minutes=limits.fresh_minutes) + TYPING, at):
        raise Forbidden("This asks for your password and code once more. Prove yourself, then repeat it.", code="prove")


async def seconds_of(agency: UUID, asked_by: UUID, second: UUID | None) -> tuple[Person, ...]:
    """Everybody who may confirm what that person asked for: the agency's other administrators, and the one who is named."""
    named = (Administrator.agency == agency, Administrator.ended_at.is_null(), Administrator.account != asked_by)
    query = Administrator.select(Administrator.account, Administrator.account.email.as_alias("email"))
    rows = list(await query.where(*named, Administrator.account.active.eq(True)))
    if second is not None and second != asked_by and all(row["account"] != second for row in rows):
        rows += [
            {"account": row["id"], "email": row["email"]}
            for row in await Account.select(Account.id, Account.email).where(Account.id == second, Account.active.eq(True))
        ]
    return tuple(Person(row["account"], row["email"]) for row in rows)


async def desk() -> tuple[Person, ...]:
    """The platform's desk."""
    query = PlatformUser.select(PlatformUser.account, PlatformUser.account.email.as_alias("email"))
    rows = await query.where(PlatformUser.ended_at.is_null(), PlatformUser.account.active.eq(True))
    return tuple(Person(row["account"], row["email"]) for row in rows)


async def has_place(agency: UUID, account: UUID, kind: RoleKind) -> bool:
    """Whether the account still has that very role in the agency: what an administrator asked for, an officer does not get."""
    if kind is RoleKind.ADMINISTRATOR:
        return await Administrator.exists().where(
            Administrator.agency == agency,
            Administrator.account == account,
            Administrator.ended_at.is_null(),
            Administrator.account.active.eq(True),
        )
    return kind is RoleKind.OFFICER and await Officer.exists().where(
        Officer.agency == agency, Officer.account == account, Officer.active.eq(True), Officer.account.active.eq(True)
    )


def administers(person: Principal, agency: UUID) -> bool:
    """Whether they act as an administrator of that agency now."""
    return person.whole and person.role is not None and person.role.kind is RoleKind.ADMINISTRATOR and person.role.agency_id == agency


async def tell(persons: Sequence[Person], subject: str, text: str, *, box: SecretBox, at: datetime, about: UUID) -> None:
    """Writes each of them one letter, in the unit of work around the call."""
    for email in sorted({person.email for person in persons}):
        with suppress(Refused):  # an address that takes no letter keeps no change from being decided
            await write_letter(Letter(email, subject, text), box=box, purpose="change", at=at, about=about)
