"""What exporters do about what brokers may do under their IEC: granted by the broker's code, limited, ended at once, counted at use.

Promises that nobody grants more than they have themselves, that a signature is never granted, that one grant lasts at a time
between two firms, that a right can be taken away at any time, also under an IEC that is not active, that a broker is told of
each of it by mail, and that it files no more often in a day than was granted.
"""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from engine.clock import IST, ist_day
from engine.errors import Forbidden, NotFound, Refused, TooMany
from engine.people.firms.grants import GRANTABLE, lasting_at
from engine.people.firms.tables import BrokerDay
from engine.people.standing import Status
from engine.people.tables import Broker, BrokerGrant, ExporterUser
from engine.people.telling import tell_broker
from engine.scope import Scope
from engine.store import SecretBox, audit, uow
from engine.store.scoped import covering

__all__ = ["MOST_A_DAY", "count_filing", "end_grant", "ends_grants", "give_grant"]

MOST_A_DAY = 10_000
_LONGEST = timedelta(days=2 * 366)


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
        before = await BrokerGrant.select(BrokerGrant.id, BrokerGrant.rights).where(BrokerGrant.live_key == live_key)
        for old in before:
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
        how = f"lets {broker['name']} act under its IEC" + (" otherwise from now on" if before else "")
        most = f"At most {per_day} application{'s' if per_day != 1 else ''} a day. " if per_day is not None else ""
        until = f"It holds until {until_on.isoformat()}. " if until_on else ""
        had = f"\nBefore: {before[0]['rights'].replace(',', ', ')}." if before else ""
        text = f"{how}: {', '.join(wanted)}.{had}\n{most}{until}What was granted can be seen under My firm."
        subject = f"{user['firm']} {'changed what you may do for it' if before else 'lets you act for it'}"
        await _tell(user, broker["id"], subject, text, box, at, UUID(str(grant.id)))
    return UUID(str(grant.id))


async def end_grant(scope: Scope, user_id: UUID, grant: UUID, *, box: SecretBox, actor: str, at: datetime) -> None:
    """Ends a grant of the exporter at once, whatever its IEC is at the registry. Raises Forbidden for who may not submit for it,
    NotFound for a grant that is not its own, or ended before."""
    async with uow():
        user = await _decider(scope, user_id)
        mine = BrokerGrant.select(BrokerGrant.id, BrokerGrant.broker).where(
            BrokerGrant.id == grant, BrokerGrant.exporter == user["exporter"]
        )
        row = await covering(scope, mine.where(BrokerGrant.ended_at.is_null()), BrokerGrant).first()
        if row is None or not await _end(row["id"], actor, at):
            raise NotFound("There is no such grant of your firm, or it was ended before.", code="grant")
        text = "lets you act under its IEC no more: you see nothing of it and do nothing for it from now on. What was filed stays filed."
        await _tell(user, row["broker"], f"{user['firm']} lets you act for it no more", text, box, at, grant)


async def ends_grants(scope: Scope, user_id: UUID) -> bool:
    """Whether this user of an exporter may take from its brokers what they may do: who may submit, whatever the IEC is at the registry."""
    return _submits(await _user(scope, user_id))


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
        .where(BrokerGrant.live_key == live_key, *lasting_at(at))
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


def _wanted(rights: frozenset[str], per_day: int | None, until_on: date | None, today: date) -> tuple[str, ...]:
    """The rights in their order, seeing always among them. Raises Refused for what cannot be granted."""
    if foreign := rights - frozenset(GRANTABLE):
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


async def _user(scope: Scope, user_id: UUID) -> dict[str, Any] | None:
    """The user of an exporter as the registry lists them now, with their firm."""
    columns = (
        *ExporterUser.all_columns(),
        ExporterUser.exporter.name.as_alias("firm"),
        ExporterUser.exporter.iec.as_alias("iec"),
        ExporterUser.exporter.status.as_alias("status"),
    )
    query = ExporterUser.select(*columns).where(ExporterUser.id == user_id, ExporterUser.ended_at.is_null())
    row: dict[str, Any] | None = await covering(scope, query, ExporterUser).first()
    return row


def _submits(user: dict[str, Any] | None) -> bool:
    return user is not None and "submit" in user["rights"].split(",")


async def _decider(scope: Scope, user_id: UUID) -> dict[str, Any]:
    """The user as they stand now. Raises Forbidden unless they may submit."""
    user = await _user(scope, user_id)
    if user is None or not _submits(user):
        raise Forbidden("Only a person who may submit for the firm decides on its brokers.", code="grant_submit")
    return user


async def _granter(scope: Scope, user_id: UUID) -> dict[str, Any]:
    """The user as they stand now. Raises Forbidden unless they may submit under an active IEC."""
    user = await _decider(scope, user_id)
    if user["status"] != Status.ACTIVE:
        raise Forbidden("The IEC is not active at DGFT, so nothing can be granted under it.", code="iec_not_active")
    return user


async def _broker_of(code: str) -> dict[str, Any]:
    spelt = "".join(code.split()).replace("-", "").upper()
    row: dict[str, Any] | None = None
    if 0 < len(spelt) <= 8 and spelt.isascii() and spelt.isalnum():
        row = await Broker.select(Broker.id, Broker.name).where(Broker.code == spelt, Broker.active.eq(True)).first()
    if row is None:
        raise Refused(
            "No broker has this code. The broker finds it on their page My firm; ask them for it.", box="code", rule="broker's code"
        )
    return row


async def _tell(user: dict[str, Any], broker: UUID, subject: str, text: str, box: SecretBox, at: datetime, grant: UUID) -> None:
    """A letter to the broker of what that user's firm did; joins the caller's unit of work."""
    text = f"{user['firm']} (IEC {user['iec']}) {text}"
    await tell_broker(broker, subject, text, box=box, purpose="grant", at=at, about=grant)


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


def _end_of(day: date) -> datetime:
    """The first moment after a day in India."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), IST)


def _first(rights: set[str]) -> str:
    return next(right for right in GRANTABLE if right in rights)
