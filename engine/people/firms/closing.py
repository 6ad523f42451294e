"""What the platform's desk does about brokers: looks them up, closes one whose licence is gone, and opens it again.

Promises that a closed broker's persons are signed out of it at once, that its keys open nothing and its grants give nothing
while it is closed, and that nothing of it is lost: opened again, it has the grants that were not ended meanwhile.
"""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Conflict, NotFound, Refused
from engine.mail import Letter, write_letter
from engine.people.access.roles import RoleKind
from engine.people.access.sessions import end_acting
from engine.people.paging import page_of
from engine.people.plain_text import reason_of
from engine.people.tables import Broker, BrokerGrant, BrokerUser
from engine.scope import Scope, ScopeKind
from engine.store import SecretBox, audit, uow
from engine.store.scoped import covering

__all__ = ["BrokerRecord", "broker_record", "close_broker", "open_broker_again", "search_brokers"]


@dataclass(frozen=True, slots=True)
class BrokerRecord:
    """A broker as the desk sees it: how many persons act for it, and how many exporters grant it something."""

    id: UUID
    code: str
    name: str
    licence: str
    email: str
    active: bool
    made_at: datetime
    off_at: datetime | None
    off_why: str
    persons: int
    grants: int


async def search_brokers(scope: Scope, words: str, *, page: int = 1) -> tuple[tuple[BrokerRecord, ...], int]:
    """The brokers whose name, code or licence has all the words, a page at a time by name, and how many there are. For the desk alone."""
    if scope.kind is not ScopeKind.PLATFORM:
        return (), 0
    wanted = words.casefold().split()
    rows = [
        row
        for row in await Broker.select()
        if all(word in f"{row['code']} {row['name']} {row['licence']} {row['licence_key']}".casefold() for word in wanted)
    ]
    rows.sort(key=lambda row: (row["name"].casefold(), row["code"]))
    shown = page_of(rows, page)
    return tuple([_record(row, *counts) for row, counts in zip(shown, await _counts([row["id"] for row in shown]), strict=True)]), len(rows)


async def broker_record(scope: Scope, id: UUID) -> BrokerRecord:
    """One broker. Raises NotFound for one that the scope does not cover, as for one that nobody has."""
    row = await _row(scope, id)
    [counts] = await _counts([id])
    return _record(row, *counts)


async def close_broker(scope: Scope, id: UUID, reason: str, *, box: SecretBox, actor: str, at: datetime) -> None:
    """Closes a broker for a reason, which its persons are told by mail. Raises Conflict if it is closed."""
    why = reason_of(reason, most=400)
    async with uow():
        broker = await _row(scope, id)
        await _switch(broker, {Broker.active: False, Broker.off_at: at, Broker.off_why: why}, on=False)
        for person in await _persons(id):
            await end_acting(person["account"], f"{RoleKind.BROKER}:{person['id']}", reason="broker closed", at=at)
        await _tell(broker, f"closed {broker['name']} here, so nothing can be filed for anybody by it.\n\nReason: {why}", box=box, at=at)
        await audit("broker_closed", room="people", subject=str(id), actor=actor, at=at)


async def open_broker_again(scope: Scope, id: UUID, *, box: SecretBox, actor: str, at: datetime) -> None:
    """Opens a closed broker again, with the persons and grants that it has. Raises Conflict if it is open."""
    async with uow():
        broker = await _row(scope, id)
        await _switch(broker, {Broker.active: True, Broker.off_at: None, Broker.off_why: ""}, on=True)
        await _tell(broker, f"opened {broker['name']} here again.", box=box, at=at)
        await audit("broker_opened_again", room="people", subject=str(id), actor=actor, at=at)


async def _row(scope: Scope, id: UUID) -> dict[str, Any]:
    """The desk's scope covers every broker, and no other scope any: exporters and the firm itself have doors of their own."""
    found: dict[str, Any] | None = await covering(scope, Broker.select().where(Broker.id == id), Broker).first()
    if found is None:
        raise NotFound("There is no such broker.", code="broker")
    return found


async def _switch(broker: dict[str, Any], change: dict[Any, Any], *, on: bool) -> None:
    if not await Broker.update(change).where(Broker.id == broker["id"], Broker.active.eq(not on)).returning(Broker.id):
        raise Conflict(f"{broker['name']} is {'open' if on else 'closed'} already.", code="broker_state")


async def _persons(id: UUID) -> list[dict[str, Any]]:
    columns = (BrokerUser.id, BrokerUser.account, BrokerUser.account.email.as_alias("email"))
    found: list[dict[str, Any]] = await BrokerUser.select(*columns).where(BrokerUser.broker == id, BrokerUser.ended_at.is_null())
    return found


async def _tell(broker: dict[str, Any], what: str, *, box: SecretBox, at: datetime) -> None:
    for email in sorted({person["email"] for person in await _persons(broker["id"])} | {broker["email"]} - {""}):
        letter = Letter(email, "Your firm on this platform", f"The platform's desk has {what}\n")
        with suppress(Refused):  # one bad address keeps neither the deed nor the others' letters
            await write_letter(letter, box=box, purpose="broker", at=at, about=broker["id"])


async def _counts(ids: list[UUID]) -> list[tuple[int, int]]:
    """Persons and live grants of each broker, in the order of the ids."""
    if not ids:
        return []
    persons = await BrokerUser.select(BrokerUser.broker).where(BrokerUser.broker.is_in(ids), BrokerUser.ended_at.is_null())
    grants = await BrokerGrant.select(BrokerGrant.broker).where(BrokerGrant.broker.is_in(ids), BrokerGrant.ended_at.is_null())
    by_person, by_grant = Counter(row["broker"] for row in persons), Counter(row["broker"] for row in grants)
    return [(by_person[id], by_grant[id]) for id in ids]


def _record(row: dict[str, Any], persons: int, grants: int) -> BrokerRecord:
    kept = {name: row[name] for name in ("id", "code", "name", "licence", "email", "active", "made_at", "off_at", "off_why")}
    return BrokerRecord(**kept, persons=persons, grants=grants)
