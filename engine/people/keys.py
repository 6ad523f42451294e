"""Bearer keys of the API: shown once, kept as a hash, with rights, an owner and an end."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from engine.errors import Forbidden
from engine.people.tables import ApiKey
from engine.scope import Scope
from engine.store import audit, lookup, moment_of, uow

__all__ = ["Caller", "make_key", "revoke_key", "who_calls"]

RIGHTS = ("see", "prepare", "submit", "approve")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a key: what they see, and what they may do. `actor` is how the audit names them."""

    actor: str
    scope: Scope
    rights: frozenset[str]

    def require(self, right: str) -> None:
        """Raises Forbidden if the key does not carry the right."""
        if right not in self.rights:
            raise Forbidden(f"This key may not {right}. Ask for one with the right {right!r}.", code="key_right")


async def make_key(
    name: str,
    *,
    rights: frozenset[str],
    agency: UUID | None = None,
    exporter: UUID | None = None,
    valid_for: timedelta,
    actor: str,
    at: datetime,
) -> str:
    """A new key, shown this once: `ecoo_` and 43 characters (256 random bits)."""
    key = "ecoo_" + secrets.token_urlsafe(32)
    row = ApiKey(
        name=name,
        prefix=key[:12],
        key_sha256=_hash(key),
        rights=",".join(sorted(rights)),
        agency=agency,
        exporter=exporter,
        made_by=actor,
        made_at=at,
        expires_at=at + valid_for,
    )
    async with uow():
        await ApiKey.insert(row)
        await audit("api_key_made", room="people", subject=str(row.id), actor=actor, at=at, agency=agency, detail={"rights": row.rights})
    return key


async def revoke_key(key: str, *, actor: str, at: datetime) -> None:
    """Ends a key at once."""
    async with uow():
        await ApiKey.update({ApiKey.revoked_at: at}).where(ApiKey.key_sha256 == _hash(key), ApiKey.revoked_at.is_null())
        await audit("api_key_revoked", room="people", subject=key[:12], actor=actor, at=at)


async def who_calls(key: str, at: datetime) -> Caller | None:
    """The holder of a key that is valid at that moment, or None: unknown, expired and revoked read the same."""
    found = await lookup("SELECT id, rights, agency, exporter, expires_at, revoked_at FROM api_key WHERE key_sha256 = ?", _hash(key))
    if not found or found[0]["revoked_at"] is not None or moment_of(found[0]["expires_at"]) <= at:
        return None
    row = found[0]
    return _caller(str(row["id"]), row["rights"], str(row["agency"] or ""), str(row["exporter"] or ""))


@lru_cache(maxsize=1024)
def _caller(id: str, rights: str, agency: str, exporter: str) -> Caller:
    """The caller that a valid key's row describes; the same row is the same caller."""
    if agency:
        scope = Scope.agency(UUID(agency))
    elif exporter:
        scope = Scope.exporter(UUID(exporter))
    else:
        scope = Scope.broker(frozenset())  # a broker sees what it was granted, and no grant is asked for yet
    return Caller(f"key:{id}", scope, frozenset(rights.split(",")))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
