"""Bearer keys of the API: shown once, kept as a hash, with rights, an owner and an end.

A key stops with the party that it belongs to. None carries the right to sign: a signature is a person's. How persons
manage the keys of their party is in `keyring`.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from engine.clock import ist_day
from engine.errors import Forbidden
from engine.people.firms.grants import rights_granted
from engine.people.standing import Status
from engine.people.tables import Administrator, ApiKey
from engine.scope import Scope, ScopeKind
from engine.store import audit, lookup, moment_of, uow

__all__ = ["KEY_RIGHTS", "Caller", "KeyUses", "insert_key", "make_key", "new_key", "who_calls"]

KEY_RIGHTS = ("see", "prepare", "submit", "pay", "approve")
_SHOWN = 12
_PERSON = "account:"
_LIVE = """
    SELECT k.id, k.rights, k.agency, k.exporter, k.broker, k.expires_at, k.revoked_at, k.used_on, k.made_by, e.status AS firm_status,
        b.active AS broker_active, l.id AS listing
    FROM api_key k LEFT JOIN exporter e ON e.id = k.exporter LEFT JOIN broker b ON b.id = k.broker
        LEFT JOIN agency_listing l ON l.agency = k.agency AND l.starts_on <= ? AND (l.ends_on IS NULL OR l.ends_on > ?)
    WHERE k.key_sha256 = ?
"""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who holds a key, and what they may do. What they see they are told with the right that they need for it.

    `actor` is how the audit names them, `used_on` the day on which the key was used last, as its row has it. Of a broker's
    key `granted` is what each exporter lets the broker do now.
    """

    actor: str
    owner: Scope
    rights: frozenset[str]
    used_on: date | None = None
    broker_id: UUID | None = None
    granted: Mapping[UUID, frozenset[str]] = field(default_factory=dict)

    @property
    def kind(self) -> ScopeKind:
        """Whose key it is."""
        return self.owner.kind

    def require(self, right: str) -> Scope:
        """What may be seen and touched with that right: of a broker's key, the exporters that grant it the right too.

        Raises Forbidden if the key does not carry the right.
        """
        if right not in self.rights:
            raise Forbidden(f"This key may not {right}. Ask for one with the right {right!r}.", code="key_right")
        if self.broker_id is None:
            return self.owner
        return Scope.broker(frozenset(exporter for exporter, rights in self.granted.items() if right in rights))


async def make_key(
    name: str,
    *,
    rights: frozenset[str],
    agency: UUID | None = None,
    exporter: UUID | None = None,
    broker: UUID | None = None,
    valid_for: timedelta,
    actor: str,
    at: datetime,
) -> str:
    """A new key for who makes a site, shown this once: `ecoo_` and 43 characters (256 random bits)."""
    owner = {"agency": agency, "exporter": exporter, "broker": broker}
    key, row = new_key(name, rights, owner, actor=actor, at=at, expires_at=at + valid_for)
    async with uow():
        await insert_key(row)
    return key


def new_key(
    name: str, rights: frozenset[str], owner: Mapping[str, UUID | None], *, actor: str, at: datetime, expires_at: datetime
) -> tuple[str, ApiKey]:
    """A key and the row that knows it again; `owner` names one of agency, exporter and broker."""
    key = "ecoo_" + secrets.token_urlsafe(32)
    row = ApiKey(
        name=name,
        prefix=key[:_SHOWN],
        key_sha256=_hash(key),
        rights=",".join(sorted(rights)),
        agency=owner.get("agency"),
        exporter=owner.get("exporter"),
        broker=owner.get("broker"),
        made_by=actor,
        made_at=at,
        expires_at=expires_at,
    )
    return key, row


async def insert_key(row: ApiKey) -> None:
    """Writes a new key; joins the caller's unit of work."""
    await ApiKey.insert(row)
    await audit(
        "api_key_made",
        room="people",
        subject=str(row.id),
        actor=row.made_by,
        at=row.made_at,
        agency=row.agency,
        detail={"rights": row.rights, "prefix": row.prefix, "until": ist_day(row.expires_at).isoformat()},
    )


async def who_calls(key: str, at: datetime) -> Caller | None:
    """The holder of a key that is good at that moment. None for any other: an unknown one, one that expired or was revoked,
    and one whose party may act no more read the same. A key that decides does so while the administrator who made it administers."""
    today = ist_day(at)
    found = await lookup(_LIVE, today, today, _hash(key))
    if not found or found[0]["revoked_at"] is not None or moment_of(found[0]["expires_at"]) <= at:
        return None
    row = found[0]
    if not (row["firm_status"] == Status.ACTIVE or row["broker_active"] or row["listing"]):
        return None
    rights = row["rights"]
    if "approve" in rights.split(",") and not await _vouched_for(str(row["made_by"]), row["agency"]):
        rights = ",".join(right for right in rights.split(",") if right != "approve")
    caller = _caller(str(row["id"]), rights, str(row["agency"] or ""), str(row["exporter"] or ""), _day_of(row["used_on"]))
    if row["broker"] is None:
        return caller
    broker = UUID(str(row["broker"]))
    return replace(caller, broker_id=broker, granted=await rights_granted(broker, at))


async def _vouched_for(made_by: str, agency: Any) -> bool:
    """Whether the administrator who made a key that decides still administers the agency; one of who made the site needs nobody."""
    if not made_by.startswith(_PERSON):
        return True
    mine = (Administrator.account == UUID(made_by.removeprefix(_PERSON)), Administrator.agency == UUID(str(agency)))
    return await Administrator.exists().where(*mine, Administrator.ended_at.is_null(), Administrator.account.active.eq(True))


class KeyUses:
    """Which keys were used on which day, in memory until `write` puts it into their rows: no request waits for a write, and a
    key's row is written once a day."""

    def __init__(self) -> None:
        self._days: dict[UUID, date] = {}

    def note(self, caller: Caller, at: datetime) -> None:
        """Remembers that the key was used, unless its row says so already."""
        if caller.used_on != (today := ist_day(at)):
            self._days[UUID(caller.actor.removeprefix("key:"))] = today

    async def write(self) -> None:
        """Writes what is new."""
        days = dict(self._days)
        if not days:
            return
        async with uow():
            for key, day in sorted(days.items()):  # in one order, so that two processes never wait for each other
                earlier = (ApiKey.used_on.is_null()) | (ApiKey.used_on < day)
                await ApiKey.update({ApiKey.used_on: day}).where(ApiKey.id == key, earlier)
        self._days = {key: day for key, day in self._days.items() if days.get(key) != day}


@lru_cache(maxsize=1024)
def _caller(id: str, rights: str, agency: str, exporter: str, used_on: date | None) -> Caller:
    """The caller that a valid key's row describes; the same row is the same caller."""
    if agency:
        scope = Scope.agency(UUID(agency))
    elif exporter:
        scope = Scope.exporter(UUID(exporter))
    else:
        scope = Scope.broker(frozenset())  # what it is granted changes by the hour, and is no part of the key
    return Caller(f"key:{id}", scope, frozenset(rights.split(",")), used_on)


def _day_of(value: str | date | None) -> date | None:
    """A day out of `lookup`: SQLite keeps it as text, PostgreSQL as itself."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
