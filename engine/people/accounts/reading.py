"""Accounts as the platform's desk looks them up: by name and address, with what the person is here and the keys that they made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import NotFound
from engine.people.access import Role, roles_of
from engine.people.paging import page_of
from engine.people.tables import Account, ApiKey
from engine.scope import Scope, ScopeKind
from engine.store import reading
from engine.store.scoped import covering

__all__ = ["AccountRecord", "AccountSeen", "account_here", "account_record", "keys_made_by", "search_accounts"]

_MOST_WORDS = 4
_FOUND = r"""
    SELECT id FROM account WHERE lower(name || ' ' || email) LIKE {} ESCAPE '\' AND lower(name || ' ' || email) LIKE {} ESCAPE '\'
        AND lower(name || ' ' || email) LIKE {} ESCAPE '\' AND lower(name || ' ' || email) LIKE {} ESCAPE '\'
    ORDER BY name, id
"""


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """One account. `off_at` says since when it is closed, and `off_why` why; both are empty while it is open."""

    id: UUID
    name: str = field(repr=False)
    email: str = field(repr=False)
    active: bool
    made_at: datetime
    off_at: datetime | None
    off_why: str


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """One account with every role of the person, and how many API keys that they made are good."""

    account: AccountSeen
    roles: tuple[Role, ...]
    keys: int


async def search_accounts(scope: Scope, words: str, *, page: int = 1) -> tuple[tuple[AccountSeen, ...], int]:
    """The accounts whose name or address has all the words, a page at a time by name, and how many there are; words after the fourth
    are not looked for. For the desk alone."""
    if scope.kind is not ScopeKind.PLATFORM or not words.isprintable():
        return (), 0
    patterns = [f"%{_plainly(word)}%" for word in words.lower().split()[:_MOST_WORDS]]
    patterns += ["%"] * (_MOST_WORDS - len(patterns))
    async with reading():
        found = [row["id"] for row in await Account.raw(_FOUND, *patterns)]
        ids = list(page_of(found, page))
        rows = await Account.select().where(Account.id.is_in(ids)).order_by(Account.name).order_by(Account.id) if ids else []
    return tuple(_seen(row) for row in rows), len(found)


async def account_record(scope: Scope, id: UUID, at: datetime) -> AccountRecord:
    """One account. Raises NotFound for one that the scope does not cover, as for one that nobody has."""
    async with reading():
        return AccountRecord(await account_here(scope, id), await roles_of(id, at), len(await keys_made_by(scope, id, at)))


async def account_here(scope: Scope, id: UUID) -> AccountSeen:
    """The account by itself. Raises NotFound for one that the scope does not cover: only the desk's covers any."""
    row = await covering(scope, Account.select().where(Account.id == id), Account).first()
    if row is None:
        raise NotFound("There is no such account.", code="account")
    return _seen(row)


async def keys_made_by(scope: Scope, account: UUID, at: datetime) -> Sequence[dict[str, Any]]:
    """The API keys that this person made and that are good: their rows, by name. For the desk alone."""
    if scope.kind is not ScopeKind.PLATFORM:
        return ()
    good = (ApiKey.made_by == f"account:{account}", ApiKey.revoked_at.is_null(), ApiKey.expires_at > at)
    rows: list[dict[str, Any]] = await ApiKey.select().where(*good).order_by(ApiKey.name).order_by(ApiKey.id)
    return rows


def _plainly(word: str) -> str:
    """The word as a pattern that is found as it is written."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _seen(row: dict[str, Any]) -> AccountSeen:
    return AccountSeen(row["id"], row["name"], row["email"], row["active"], row["made_at"], row["off_at"], row["off_why"])
