"""What exporters let brokers do under their IEC, as it stands at a moment: asked for at each use, and listed for both firms."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from engine.clock import ist_day
from engine.people.firms.tables import BrokerDay
from engine.people.paging import PER_PAGE, begins
from engine.people.standing import Status
from engine.people.tables import BrokerGrant
from engine.scope import Scope
from engine.store import reading
from engine.store.scoped import covering

__all__ = ["GRANTABLE", "Grant", "grants_of", "lasting_at", "rights_granted"]

GRANTABLE = ("see", "prepare", "submit", "pay")  # a signature is the exporter's own
_ALL = frozenset(GRANTABLE)
_SEEING = frozenset({"see"})


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant between two firms; `until_on` is its last day in India, `filed_today` how often it was used today."""

    id: UUID
    exporter_id: UUID
    iec: str
    exporter: str
    exporter_active: bool
    broker_id: UUID
    code: str
    broker: str
    rights: tuple[str, ...]
    per_day: int | None
    until_on: date | None
    made_at: datetime
    ended_at: datetime | None
    lasts: bool
    filed_today: int


async def grants_of(
    scope: Scope, *, broker_id: UUID | None = None, grant: UUID | None = None, lasting: bool = True, page: int = 1, at: datetime
) -> tuple[tuple[Grant, ...], int]:
    """A page of the grants that the scope covers, of one broker or that one grant if it is named, and how many there are on all pages:
    those that last, or those that are over; the latest first."""
    lasts = (BrokerGrant.ended_at.is_null()) & BrokerGrant.broker.active.eq(True) & _in_time(at)
    over = (BrokerGrant.ended_at.is_not_null()) | BrokerGrant.broker.active.eq(False) | (BrokerGrant.until_at <= at)
    mine: list[Any] = [
        lasts if lasting else over,
        *([BrokerGrant.broker == broker_id] if broker_id else []),
        *([BrokerGrant.id == grant] if grant else []),
    ]
    columns = (
        *BrokerGrant.all_columns(),
        BrokerGrant.exporter.iec.as_alias("iec"),
        BrokerGrant.exporter.name.as_alias("firm"),
        BrokerGrant.exporter.status.as_alias("status"),
        BrokerGrant.broker.code.as_alias("code"),
        BrokerGrant.broker.name.as_alias("agent"),
        BrokerGrant.broker.active.as_alias("at_work"),
    )
    async with reading():
        count = await covering(scope, BrokerGrant.count().where(*mine), BrokerGrant)
        query = covering(scope, BrokerGrant.select(*columns).where(*mine), BrokerGrant)
        ordered = query.order_by(BrokerGrant.made_at, ascending=False).order_by(BrokerGrant.id)
        rows = await ordered.limit(PER_PAGE).offset(begins(page))
        used = await _used([row["id"] for row in rows if row["ended_at"] is None], ist_day(at))
    return tuple(_grant(row, used.get(row["id"], 0), at) for row in rows), int(count)


async def rights_granted(broker_id: UUID, at: datetime) -> dict[UUID, frozenset[str]]:
    """What each exporter lets the broker do at that moment. Under an IEC that is not active a broker sees, and no more."""
    query = BrokerGrant.select(BrokerGrant.exporter, BrokerGrant.rights, BrokerGrant.exporter.status.as_alias("status"))
    rows = await query.where(BrokerGrant.broker == broker_id, BrokerGrant.broker.active.eq(True), *lasting_at(at))
    return {
        UUID(str(row["exporter"])): frozenset(row["rights"].split(",")) & (_ALL if row["status"] == Status.ACTIVE else _SEEING)
        for row in rows
    }


def lasting_at(at: datetime) -> tuple[Any, ...]:
    """The conditions on the row of a grant that it lasts at that moment."""
    return BrokerGrant.ended_at.is_null(), _in_time(at)


def _in_time(at: datetime) -> Any:
    return (BrokerGrant.until_at.is_null()) | (BrokerGrant.until_at > at)


async def _used(grants: list[UUID], today: date) -> dict[UUID, int]:
    if not grants:
        return {}
    rows = await BrokerDay.select(BrokerDay.grant, BrokerDay.filed).where(BrokerDay.grant.is_in(grants), BrokerDay.filed_on == today)
    return {row["grant"]: row["filed"] for row in rows}


def _grant(row: dict[str, Any], filed_today: int, at: datetime) -> Grant:
    until = row["until_at"]
    return Grant(
        id=row["id"],
        exporter_id=row["exporter"],
        iec=row["iec"],
        exporter=row["firm"],
        exporter_active=row["status"] == Status.ACTIVE,
        broker_id=row["broker"],
        code=row["code"],
        broker=row["agent"],
        rights=tuple(right for right in GRANTABLE if right in row["rights"].split(",")),
        per_day=row["per_day"],
        until_on=ist_day(until - timedelta(seconds=1)) if until else None,
        made_at=row["made_at"],
        ended_at=row["ended_at"],
        lasts=row["ended_at"] is None and (until is None or until > at) and row["at_work"],
        filed_today=filed_today,
    )
