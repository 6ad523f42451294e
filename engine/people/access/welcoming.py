"""The letter to a person who got a role."""

from datetime import datetime
from uuid import UUID

from engine.mail import Letter, write_letter
from engine.people.access.tickets import invite
from engine.people.tables import Account
from engine.store import SecretBox

__all__ = ["welcome"]


async def welcome(account: UUID, why: str, *, box: SecretBox, base: str, actor: str, at: datetime) -> None:
    """Tells a person what they are from now on: with a link to choose a password if they have none yet. Joins the caller's unit of work."""
    [row] = await Account.select(Account.email, Account.name, Account.password_hash).where(Account.id == account)
    if not row["password_hash"]:
        await invite(account, why=why, base=base, box=box, actor=actor, at=at)
        return
    text = f"{row['name']},\n\n{why}\n\nSign in as you always do, and choose the new role under My account:\n{base}/account\n"
    await write_letter(Letter(row["email"], "You have a new role", text), box=box, purpose="new_role", at=at, about=account)
