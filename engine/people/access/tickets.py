"""One-time links that go out by mail: a first password for who was invited, a new one for who forgot it.

Promises that whoever asks about an address learns nothing of whether it is known here.
"""

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.errors import Refused
from engine.mail import Letter, write_letter
from engine.people.access import sessions
from engine.people.access.passwords import hash_of, require_strong
from engine.people.access.tables import Purpose, Ticket
from engine.people.access.telling import tell_changed
from engine.people.access.tries import hold
from engine.people.tables import Account
from engine.store import SecretBox, audit, uow

__all__ = ["ask_reset", "choose_password", "invite", "is_good", "spend_all"]

_GOOD_FOR = {Purpose.RESET: timedelta(minutes=30), Purpose.INVITED: timedelta(days=7)}
_PER_HOUR = 3


async def ask_reset(email: str, *, base: str, box: SecretBox, at: datetime) -> None:
    """Mails a link to choose a new password, if the address is an active account's; tells nobody whether it is.

    At most three in an hour go to one address, so that nobody's mailbox is filled by others.
    """
    address = email.strip().lower()
    if not address.isprintable():
        return
    async with uow():
        row = await Account.select(Account.id, Account.email, Account.active).where(Account.email == address).first()
        if row is None or not row["active"] or await _many(row["id"], at):
            return
        token = await _ticket(row["id"], Purpose.RESET, at)
        text = (
            "Somebody, probably you, asked for a new password for this address.\n\n"
            f"Choose it here within 30 minutes:\n{base}/password/{token}\n\n"
            "If it was not you, do nothing: your password stays as it is."
        )
        with suppress(Refused):  # an address that takes no letter: to say so would tell that the account is here
            await write_letter(Letter(row["email"], "Choose a new password", text), box=box, purpose="reset", at=at, about=row["id"])
        await audit("reset_asked", room="people", subject=str(row["id"]), actor="public", at=at)


async def invite(account: UUID, *, why: str, base: str, box: SecretBox, actor: str, at: datetime) -> None:
    """Mails a link to choose a first password, good for a week; joins the caller's unit of work. `why` is a sentence for the person."""
    row = (await Account.select(Account.email, Account.name).where(Account.id == account))[0]
    token = await _ticket(account, Purpose.INVITED, at)
    text = f"{row['name']},\n\n{why}\n\nChoose a password here within seven days:\n{base}/password/{token}\n"
    await write_letter(
        Letter(row["email"], "Your account for electronic Certificates of Origin", text), box=box, purpose="invited", at=at, about=account
    )
    await audit("invited", room="people", subject=str(account), actor=actor, at=at)


async def is_good(token: str, at: datetime) -> bool:
    """Whether the link can still be used."""
    return await _good(token, at) is not None


async def choose_password(token: str, password: str, *, box: SecretBox, at: datetime) -> None:
    """Uses a link up: the password is the person's from now on, every session ends, and a pause for wrong tries with it.

    Whoever had a password before is told by mail that it is another one now.

    Raises Refused for a weak password, which leaves the link good, and for a link that is not.
    """
    found = await _good(token, at)
    if found is None:
        raise _spent()
    require_strong(password, email=str(found["email"]))
    kept = await hash_of(password)
    async with uow():
        used = (
            await Ticket.update({Ticket.used_at: at})
            .where(Ticket.token_sha256 == _hash(token), Ticket.used_at.is_null(), Ticket.expires_at > at)
            .returning(Ticket.account)
        )
        if not used:
            raise _spent()
        account = used[0]["account"]
        await hold(account)
        await Account.update(
            {Account.password_hash: kept, Account.failed: 0, Account.locked_until: None, Account.email_proved_at: at}
        ).where(Account.id == account)
        await spend_all(account, at)
        await sessions.end_all(account, reason="password chosen", at=at)
        if found["password_hash"]:
            await tell_changed(account, "password", box=box, at=at)
        await audit("password_chosen", room="people", subject=str(account), actor=f"account:{account}", at=at)


async def spend_all(account: UUID, at: datetime) -> None:
    """Makes every link that was mailed to the account open nothing any more; joins the caller's unit of work."""
    await Ticket.update({Ticket.used_at: at}).where(Ticket.account == account, Ticket.used_at.is_null())


async def _ticket(account: UUID, purpose: Purpose, at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    await Ticket.insert(
        Ticket(account=account, purpose=str(purpose), token_sha256=_hash(token), made_at=at, expires_at=at + _GOOD_FOR[purpose])
    )
    return token


async def _many(account: UUID, at: datetime) -> bool:
    recent = Ticket.count().where(Ticket.account == account, Ticket.purpose == str(Purpose.RESET), Ticket.made_at > at - timedelta(hours=1))
    return int(await recent) >= _PER_HOUR


async def _good(token: str, at: datetime) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (
        await Ticket.select(Ticket.account, Ticket.account.email.as_alias("email"), Ticket.account.password_hash.as_alias("password_hash"))
        .where(Ticket.token_sha256 == _hash(token), Ticket.used_at.is_null(), Ticket.expires_at > at, Ticket.account.active.eq(True))
        .first()
    )
    return found


def _spent() -> Refused:
    say = "This link was used before, or is too old. Ask for a new one with 'Forgot password'."
    return Refused(say, box="link", rule="link good once")


def _hash(token: str) -> str:
    return hashlib.sha256(f"ticket:{token}".encode()).hexdigest()
