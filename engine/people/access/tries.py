"""Tries at a person's door: each one is counted before it is looked at, so that many at once are as many as one after another.

Promises that five wrong ones in a row pause an account, each further one for twice as long up to an hour, and that its person is
told by mail when that begins, once; that a way in clears the count, and half of one does not; and that a try at an unknown
address costs what one at a known address does.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.people.access.telling import tell_paused
from engine.people.tables import Account
from engine.store import SecretBox, audit, uow

__all__ = ["clear", "give_back", "hold", "reserve"]

_FREE = 5
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
_NOBODY = UUID(int=0)


async def hold(account: UUID) -> None:
    """Keeps the account's row until the caller's unit of work ends: what else is about to change its sessions waits."""
    await Account.update({Account.failed: Account.failed}, force=True).where(Account.id == account)


async def reserve(account: UUID | None, what: str, *, box: SecretBox, at: datetime) -> bool:
    """Counts a try as wrong until `clear` says otherwise; False while the account pauses, or where there is none."""
    async with uow():
        free = (Account.locked_until.is_null()) | (Account.locked_until <= at)
        rows = (
            await Account.update({Account.failed: Account.failed + 1})
            .where(Account.id == (account or _NOBODY), free)
            .returning(Account.failed)
        )
        beyond = rows[0]["failed"] - _FREE if rows else -1
        if beyond >= 0:
            pause = min(_FIRST_PAUSE * 2 ** min(beyond, 10), _LONGEST_PAUSE)
            await Account.update({Account.locked_until: at + pause}).where(Account.id == account)
        if beyond == 0 and account is not None:
            await tell_paused(account, what, box=box, at=at)
        subject = str(account) if account else "unknown"
        await audit("sign_in_tried", room="people", subject=subject, actor="public", at=at, detail={"what": what})
    return bool(rows)


async def give_back(account: UUID) -> None:
    """The try was right and is half a way in: what was wrong before still counts, or whoever knows the password would try codes
    without end. Joins the caller's unit of work."""
    kept: dict[Any, Any] = {Account.failed: Account.failed - 1, Account.locked_until: None}
    await Account.update(kept).where(Account.id == account, Account.failed > 0)


async def clear(account: UUID) -> None:
    """The try was right, and the person is in; joins the caller's unit of work."""
    await Account.update({Account.failed: 0, Account.locked_until: None}).where(Account.id == account)
