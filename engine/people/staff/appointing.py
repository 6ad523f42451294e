"""Who administers an agency; an appointment that ends ends the person's sessions with it.

Promises that the account of an agency's or the platform's person opens with password and code alone: one that the exporters'
registry opened before is unlinked from it in the unit of work that makes them one.
"""

from datetime import datetime
from uuid import UUID

from engine.errors import Conflict, NotFound
from engine.mail import mailbox
from engine.people.access.sessions import end_all
from engine.people.access.tries import hold
from engine.people.tables import Account, Administrator
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = [
    "account_for",
    "account_of",
    "appoint_account",
    "appoint_administrator",
    "dismiss_administrator",
    "unlink_registry",
]


async def appoint_administrator(agency_id: UUID, *, email: str, name: str, actor: str, at: datetime) -> UUID:
    """Makes a person an administrator of the agency and gives their account."""
    async with uow():
        account = await account_for(email, name, at)
        await appoint_account(agency_id, account, actor=actor, at=at)
    return account


async def appoint_account(agency_id: UUID, account: UUID, *, actor: str, at: datetime) -> None:
    """Makes a person who has an account an administrator of the agency; joins the caller's unit of work. Raises Conflict if they are one."""
    live_key = f"{account}:{agency_id}"
    if await Administrator.exists().where(Administrator.live_key == live_key):
        raise Conflict("This person administers the agency already.", code="appointed", box="email")
    await unlink_registry(account, actor=actor, at=at)
    await Administrator.insert(Administrator(agency=agency_id, account=account, live_key=live_key, made_by=actor, made_at=at))
    await audit("administrator_appointed", room="people", subject=str(account), actor=actor, at=at, agency=agency_id)


async def unlink_registry(account: UUID, *, actor: str, at: datetime) -> None:
    """Takes the registry's key from the account of who becomes an agency's or the platform's person, before they do.

    The account's row is held until the caller's unit of work ends. Every session of one that was linked ends; what the person
    is in a firm stays, and is acted in by password and code.
    """
    await hold(account)
    linked = (Account.id == account, Account.registry_key.is_not_null())
    if await Account.update({Account.registry_key: None}).where(*linked).returning(Account.id):
        await end_all(account, reason="appointed", at=at)
        await audit("registry_unlinked", room="people", subject=str(account), actor=actor, at=at)


async def dismiss_administrator(scope: Scope, administrator: UUID, *, actor: str, at: datetime) -> None:
    """Ends an administrator's appointment and every session of theirs. Raises NotFound for one that the scope does not cover."""
    async with uow():
        query = Administrator.select(Administrator.account, Administrator.agency).where(
            Administrator.id == administrator, Administrator.ended_at.is_null()
        )
        row = await covering(scope, query, Administrator, office="id").first()
        change = {Administrator.ended_at: at, Administrator.live_key: str(administrator)}
        live = (Administrator.id == administrator, Administrator.ended_at.is_null())
        if row is None or not await Administrator.update(change).where(*live).returning(Administrator.id):
            raise NotFound("There is no such administrator, or their appointment ended before.", code="administrator")
        await end_all(row["account"], reason="dismissed", at=at)
        await audit("administrator_dismissed", room="people", subject=str(row["account"]), actor=actor, at=at, agency=row["agency"])


async def account_of(email: str) -> UUID | None:
    """The account of an address, for who makes a site; None if there is none."""
    row = await Account.select(Account.id).where(Account.email == email.strip().lower()).first()
    return UUID(str(row["id"])) if row else None


async def account_for(email: str, name: str, at: datetime) -> UUID:
    """The account of that address, made if there is none; joins the caller's unit of work."""
    address = mailbox(email.strip()).lower()
    await Account.insert(Account(email=address, name=name, made_at=at)).on_conflict(target=Account.email, action="DO NOTHING")
    [row] = await Account.select(Account.id).where(Account.email == address)
    return UUID(str(row["id"]))
