"""What exporters let brokers do under their IEC: granted by the broker's code, limited, ended at once, and asked for at each use.

Promises that nobody grants more than they have themselves, that a signature is never granted, that one grant lasts at a time
between two firms, and that a broker files no more often in a day than was granted.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from engine.clock import IST, ist_day
from engine.errors import Forbidden, NotFound, Refused, TooMany
from engine.mail import Letter, write_letter
from engine.people.firms.tables import BrokerDay
from engine.people.paging import PER_PAGE, begins
from engine.people.standing import Status
from engine.people.tables import Broker, BrokerGrant, ExporterUser
from engine.scope import Scope
from engine.store import SecretBox, audit, reading, uow
from engine.store.scoped import covering

__all__ = [
    "GRANTABLE",
    "MOST_A_DAY",
    "Grant",
    "count_filing",
    "end_grant",
    "give_grant",
    "grants_of",
    "rights_granted",
]

GRANTABLE = ("see", "prepare", "submit", "pay")  # a signature is the exporter's own
MOST_A_DAY = 10_000
_LONGEST = timedelta(days=2 * 366)


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


async def give_grant(
    scope: Scope,
    user_id: UUID,
    code: str,
    *,
    rights: frozenset[str],
    per_day: int | None = None,
    until_on: date | None = None,
    box: SecretBox,
    actor: str,
    at: datetime,
) -> UUID:
    """Lets a broker act for the exporter of this user, who grants of their own rights; an earlier grant to that broker ends.

    Raises Refused for a code that no broker has, Forbidden for a user who may not submit, or grants more than they have.
    """
    wanted = _wanted(rights, per_day, until_on, ist_day(at))
    async with uow():
        user = await _granter(scope, user_id)
        if missing := set(wanted) - set(user["rights"].split(",")):
            say = f"You may not {_first(missing)} for this firm yourself, so you cannot grant it. Ask a colleague who may."
            raise Forbidden(say, code="grant_more", box="rights", rule="no more than one's own rights")
        broker = await _broker_of(code)
        exporter, live_key = user["exporter"], f"{broker['id']}:{user['exporter']}"
        for old in await BrokerGrant.select(BrokerGrant.id).where(BrokerGrant.live_key == live_key):
            await _end(old["id"], actor, at)
        grant = BrokerGrant(
            broker=broker["id"],
            exporter=exporter,
            rights=",".join(wanted),
            per_day=per_day,
            live_key=live_key,
            made_by=actor,
            made_at=at,
            until_at=_end_of(until_on) if until_on else None,
        )
        await BrokerGrant.insert(grant)
        detail = {"broker": str(broker["id"]), "exporter": str(exporter), "rights": grant.rights, "per_day": per_day or 0}
        detail |= {"until": until_on.isoformat() if until_on else ""}
        await audit("grant_given", room="people", subject=str(grant.id), actor=actor, at=at, detail=detail)
        text = (
            f"{user['firm']} (IEC {user['iec']}) lets {broker['name']} act under its IEC: {', '.join(wanted)}.\n"
            f"{'It holds until ' + until_on.isoformat() + '. ' if until_on else ''}What was granted can be seen under My firm."
        )
        with suppress(Refused):  # a firm whose address takes no letter finds it on its page
            letter = Letter(broker["email"], f"{user['firm']} lets you act for it", text)
            await write_letter(letter, box=box, purpose="grant", at=at, about=grant.id)
    return UUID(str(grant.id))


async def end_grant(scope: Scope, user_id: UUID, grant: UUID, *, actor: str, at: datetime) -> None:
    """Ends a grant of the exporter at once. Raises NotFound for one that is not its own, or ended before."""
    async with uow():
        user = await _granter(scope, user_id)
        mine = BrokerGrant.select(BrokerGrant.id).where(BrokerGrant.id == grant, BrokerGrant.exporter == user["exporter"])
        row = await covering(scope, mine.where(BrokerGrant.ended_at.is_null()), BrokerGrant).first()
        if row is None or not await _end(row["id"], actor, at):
            raise NotFound("There is no such grant of your firm, or it was ended before.", code="grant")


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
    rows = await query.where(BrokerGrant.broker == broker_id, BrokerGrant.broker.active.eq(True), *_lasting(at))
    return {
        UUID(str(row["exporter"])): frozenset(row["rights"].split(",")) & (_ALL if row["status"] == Status.ACTIVE else _SEEING)
        for row in rows
    }


async def count_filing(broker_id: UUID, exporter_id: UUID, at: datetime) -> None:
    """Counts one filing by a broker, in the unit of work in which the application is filed: one that fails counts nothing.

    Raises Forbidden if the broker is closed or the firm does not let it submit (any more), TooMany beyond what it granted for a day.
    """
    today = ist_day(at)
    live_key = f"{broker_id}:{exporter_id}"
    # The firm's row is held, so that its closing and a filing come one after the other.
    opened = Broker.update({Broker.code: Broker.code}, force=True).where(Broker.id == broker_id, Broker.active.eq(True))
    if not await opened.returning(Broker.id):
        raise Forbidden("The platform's desk has closed this broker, so it files for nobody.", code="broker_closed")
    kept = (  # the row is held, so that an end of the grant and a filing under it come one after the other
        await BrokerGrant.update({BrokerGrant.live_key: BrokerGrant.live_key}, force=True)
        .where(BrokerGrant.live_key == live_key, *_lasting(at))
        .returning(BrokerGrant.id, BrokerGrant.rights, BrokerGrant.per_day)
    )
    if not kept or "submit" not in kept[0]["rights"].split(","):
        raise Forbidden("The firm does not let its broker submit (any more).", code="grant_right")
    grant, most = kept[0]["id"], kept[0]["per_day"]
    day = BrokerDay(grant=grant, broker=broker_id, exporter=exporter_id, filed_on=today)
    await BrokerDay.insert(day).on_conflict(target=(BrokerDay.grant, BrokerDay.filed_on), action="DO NOTHING")
    mine: list[Any] = [BrokerDay.grant == grant, BrokerDay.filed_on == today]
    if most is not None:
        mine.append(BrokerDay.filed < most)
    if not await BrokerDay.update({BrokerDay.filed: BrokerDay.filed + 1}).where(*mine).returning(BrokerDay.id):
        say = f"The firm lets its broker file {most} application{'s' if most != 1 else ''} a day, and today's are filed. Go on tomorrow, or ask the firm."
        raise TooMany(say, retry_after_s=max(1, int((_end_of(today) - at).total_seconds())))


_ALL = frozenset(GRANTABLE)
_SEEING = frozenset({"see"})


def _lasting(at: datetime) -> tuple[Any, ...]:
    return BrokerGrant.ended_at.is_null(), _in_time(at)


def _in_time(at: datetime) -> Any:
    return (BrokerGrant.until_at.is_null()) | (BrokerGrant.until_at > at)


def _wanted(rights: frozenset[str], per_day: int | None, until_on: date | None, today: date) -> tuple[str, ...]:
    """The rights in their order, seeing always among them. Raises Refused for what cannot be granted."""
    if foreign := rights - _ALL:
        if "sign" in foreign:
            say = "A signature is a person's own and cannot be granted; the firm signs itself."
        else:
            say = f"Choose among these rights: {', '.join(GRANTABLE)}."
        raise Refused(say, box="rights", rule="rights that can be granted")
    if not rights:
        raise Refused("Choose at least one thing that the broker may do.", box="rights", rule="at least one right")
    if per_day is not None and not 1 <= per_day <= MOST_A_DAY:
        raise Refused(f"Write a number from 1 to {MOST_A_DAY}, or leave it empty for no limit.", box="per_day", rule="applications a day")
    if until_on is not None and until_on < today:
        raise Refused("The last day lies in the past; choose today or a later day.", box="until", rule="not in the past")
    if until_on is not None and until_on > today + _LONGEST:
        raise Refused("Choose a day within two years, or leave it empty to grant until you end it.", box="until", rule="at most two years")
    return tuple(right for right in GRANTABLE if right in rights | {"see"})


async def _granter(scope: Scope, user_id: UUID) -> dict[str, Any]:
    """The user of an exporter as they stand now. Raises Forbidden unless they may submit under an active IEC."""
    columns = (
        *ExporterUser.all_columns(),
        ExporterUser.exporter.name.as_alias("firm"),
        ExporterUser.exporter.iec.as_alias("iec"),
        ExporterUser.exporter.status.as_alias("status"),
    )
    query = ExporterUser.select(*columns).where(ExporterUser.id == user_id, ExporterUser.ended_at.is_null())
    row: dict[str, Any] | None = await covering(scope, query, ExporterUser).first()
    if row is None or "submit" not in row["rights"].split(","):
        raise Forbidden("Only a person who may submit for the firm decides on its brokers.", code="grant_submit")
    if row["status"] != Status.ACTIVE:
        raise Forbidden("The IEC is not active at DGFT, so nothing can be granted under it.", code="iec_not_active")
    return row


async def _broker_of(code: str) -> dict[str, Any]:
    spelt = "".join(code.split()).replace("-", "").upper()
    row: dict[str, Any] | None = None
    if 0 < len(spelt) <= 8 and spelt.isascii() and spelt.isalnum():
        row = await Broker.select(Broker.id, Broker.name, Broker.email).where(Broker.code == spelt, Broker.active.eq(True)).first()
    if row is None:
        raise Refused(
            "No broker has this code. The broker finds it on their page My firm; ask them for it.", box="code", rule="broker's code"
        )
    return row


async def _end(grant: UUID, actor: str, at: datetime) -> bool:
    """Ends a grant; False for one that was ended meanwhile. Joins the caller's unit of work."""
    values: dict[Any, Any] = {BrokerGrant.ended_at: at, BrokerGrant.ended_by: actor, BrokerGrant.live_key: str(grant)}
    live = (BrokerGrant.id == grant, BrokerGrant.ended_at.is_null())
    rows = await BrokerGrant.update(values).where(*live).returning(BrokerGrant.broker, BrokerGrant.exporter)
    if not rows:
        return False
    detail = {"broker": str(rows[0]["broker"]), "exporter": str(rows[0]["exporter"])}
    await audit("grant_ended", room="people", subject=str(grant), actor=actor, at=at, detail=detail)
    return True


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


def _end_of(day: date) -> datetime:
    """The first moment after a day in India."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), IST)


def _first(rights: set[str]) -> str:
    return next(right for right in GRANTABLE if right in rights)
