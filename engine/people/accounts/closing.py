"""What the platform's desk does about an account: closes it for a reason, whoever's it is, and opens it again.

Promises that from the same unit of work on a closed account has no session, no mailed link and no API key that its person
made; that the desk is never left empty by it, for nobody closes their own; that signing in to it answers as to an unknown
address; and that the person is told why by mail, and those whom they act for that they do no more, but not why. Opened
again, the person is what they were; keys that ended stay ended.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Conflict, Forbidden, Refused
from engine.mail import Letter, write_letter
from engine.people.access import Principal, Role, RoleKind, end_all, roles_of
from engine.people.access.tickets import spend_all
from engine.people.access.tries import clear, hold
from engine.people.accounts.reading import AccountSeen, account_here, keys_made_by
from engine.people.changes.persons import require_proved
from engine.people.keyring import end_key
from engine.people.plain_text import reason_of
from engine.people.staff.desk import hold_desk, require_at_desk, tell_desk
from engine.people.tables import Account
from engine.people.telling import tell_administrators, tell_broker, tell_firm
from engine.store import SecretBox, audit, uow

__all__ = ["close_account", "open_account_again"]

_LONGEST_REASON = 400
_Party = tuple[str, UUID | None]


async def close_account(person: Principal, id: UUID, reason: str, *, limits: AccessSection, box: SecretBox, at: datetime) -> None:
    """Closes an account at once, with every session of its person, every mailed link and every API key that they made.

    Raises Forbidden without a fresh proof, for whoever is not at the desk, and for one's own account; Refused without a reason;
    NotFound for one that is not there; Conflict if it is closed.
    """
    require_proved(person, limits, at)
    why = reason_of(reason, most=_LONGEST_REASON)
    async with uow():
        await hold_desk()
        await require_at_desk(person)
        seen = await account_here(person.scope, id)
        if id == person.account_id:
            raise Forbidden("You cannot close your own account; another person of the desk does.", code="own_account")
        await hold(id)
        await _switch(seen, {Account.active: False, Account.off_at: at, Account.off_why: why}, on=False)
        roles = await roles_of(id, at)
        await end_all(id, reason="account closed", at=at)
        await spend_all(id, at)
        keys = await keys_made_by(person.scope, id, at)
        for key in keys:
            await end_key(key, actor=person.actor, at=at)
        detail = {"reason_sha256": hashlib.sha256(why.encode()).hexdigest(), "keys": len(keys)}
        await audit("account_closed", room="people", subject=str(id), actor=person.actor, at=at, detail=detail)
        await _tell(seen, "Your account was closed", _closed(seen, why, len(keys)), box, at)
        await _tell_parties(seen, roles, keys, box, at)


async def open_account_again(person: Principal, id: UUID, *, limits: AccessSection, box: SecretBox, at: datetime) -> None:
    """Opens a closed account again, with the roles that did not end meanwhile; its person is told by mail.

    Raises as `close_account` does, and Conflict if it is open.
    """
    require_proved(person, limits, at)
    async with uow():
        await hold_desk()
        await require_at_desk(person)
        seen = await account_here(person.scope, id)
        await hold(id)
        await _switch(seen, {Account.active: True, Account.off_at: None, Account.off_why: ""}, on=True)
        await clear(id)
        await audit("account_opened_again", room="people", subject=str(id), actor=person.actor, at=at)
        text = (
            f"{seen.name},\n\nyour account was opened again just now. Sign in as you did before; API keys that were ended stay ended."
            "\n\nIf somebody else may know your password, choose a new one with 'Forgot password' first."
        )
        await _tell(seen, "Your account was opened again", text, box, at)


async def _switch(seen: AccountSeen, change: dict[Any, Any], *, on: bool) -> None:
    if not await Account.update(change).where(Account.id == seen.id, Account.active.eq(not on)).returning(Account.id):
        raise Conflict(f"The account of {seen.name} is {'open' if on else 'closed'} already.", code="account_state")


def _closed(seen: AccountSeen, why: str, keys: int) -> str:
    ended = f", and {_some(keys)} that you made" if keys else ""
    return (
        f"{seen.name},\n\nthe platform's desk closed your account just now: nobody can sign in to it any more, and every session of "
        f"yours was ended{ended}.\n\nReason: {why}\n\nIf this is a mistake, turn to the platform's desk."
    )


async def _tell(seen: AccountSeen, subject: str, text: str, box: SecretBox, at: datetime) -> None:
    with suppress(Refused):  # an address that takes no letter keeps no account from being closed
        await write_letter(Letter(seen.email, subject, text), box=box, purpose="account", at=at, about=seen.id)


async def _tell_parties(seen: AccountSeen, roles: Iterable[Role], keys: Sequence[Mapping[str, Any]], box: SecretBox, at: datetime) -> None:
    """One letter to each agency, exporter and broker that the person acts for or made a key of, and to the desk for one of its own."""
    ended: dict[_Party, list[str]] = defaultdict(list)
    for role in roles:
        ended[_party_of_role(role)] = []
    for key in keys:
        ended[_party_of_key(key)].append(key["name"])
    subject = "The account of a person was closed"
    way: dict[str, Any] = {"box": box, "at": at, "about": seen.id}
    for (kind, party), names in sorted(ended.items(), key=str):
        text = f"The platform's desk closed the account of {seen.name} just now: they can act for you no more."
        if names:
            text += (
                f"\n\n{_some(len(names))} that they made ended with it: {', '.join(names)}. A program that used one stops until it has "
                "another, which you make under API keys."
            )
        if kind == "agency" and party is not None:
            await tell_administrators(party, subject, text, purpose="account", **way)
        elif kind == "exporter" and party is not None:
            await tell_firm(party, "submit", subject, text, purpose="account", also=None, **way)
        elif kind == "broker" and party is not None:
            await tell_broker(party, subject, text, purpose="account", **way)
        else:
            await tell_desk(subject, text, **way)


def _party_of_role(role: Role) -> _Party:
    match role.kind:
        case RoleKind.ADMINISTRATOR | RoleKind.OFFICER:
            return "agency", role.agency_id
        case RoleKind.EXPORTER:
            return "exporter", next(iter(role.exporter_ids))
        case RoleKind.BROKER:
            return "broker", role.broker_id
        case _:
            return "desk", None


def _party_of_key(key: Mapping[str, Any]) -> _Party:
    return next((column, key[column]) for column in ("agency", "exporter", "broker") if key[column] is not None)


def _some(keys: int) -> str:
    return "1 API key" if keys == 1 else f"{keys} API keys"
