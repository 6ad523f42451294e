"""The fee table: what holds today, what held, and what is coming.

Promises that for one thing (an office or all, a scheme or all, a kind or all) two rows never hold on one day, that no row
which was in force ever changes but for its end, and that no end lies in the past: what was charged can be looked up for ever.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from engine.application import Kind
from engine.clock import ist_day
from engine.errors import Conflict, NotFound, Problem, Refused
from engine.money.fees.breakup import Breakup, break_up
from engine.money.fees.tables import FeeRow, Rounding
from engine.people import OfficeHere
from engine.people.listing import in_force
from engine.people.tables import Agency, Office
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = ["Fee", "NewFee", "add_fee", "end_fee", "fee_of", "fees_of"]

_SAC = re.compile(r"[0-9]{4}|[0-9]{6}|[0-9]{8}", re.ASCII)
_SCHEME = re.compile(r"[A-Z0-9_]{0,20}", re.ASCII)
_MOST_PAISE = 10_000_000_00
_FARTHEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Fee:
    """One row of the table; without an office it holds at all of the agency's. `ends_on` is the first day that it holds no more."""

    id: UUID
    agency_id: UUID
    office_id: UUID | None
    scheme: str
    kind: str
    amount_paise: int
    gst_rate_bp: int
    sac: str
    rounding: Rounding
    starts_on: date
    ends_on: date | None

    @property
    def weight(self) -> int:
        """How specific it is: an office outweighs a scheme, and a scheme a kind of certificate."""
        return 4 * (self.office_id is not None) + 2 * bool(self.scheme) + bool(self.kind)

    @property
    def last_day(self) -> date | None:
        """The last day on which it holds."""
        return self.ends_on - timedelta(days=1) if self.ends_on else None

    def stands(self, today: date) -> str:
        """`today`, `coming` or `past`."""
        if self.starts_on > today:
            return "coming"
        return "past" if self.ends_on is not None and self.ends_on <= today else "today"

    def breakup(self, office_state: str, gstin: str = "") -> Breakup:
        """What it comes to at an office in that state, for an exporter of that GSTIN."""
        return break_up(
            self.amount_paise, gst_rate_bp=self.gst_rate_bp, sac=self.sac, rounding=self.rounding, office_state=office_state, gstin=gstin
        )


@dataclass(frozen=True, slots=True)
class NewFee:
    """A row to be added; `last_day` None holds until another row takes over."""

    office_id: UUID | None
    scheme: str
    kind: str
    amount_paise: int
    gst_rate_bp: int
    sac: str
    rounding: Rounding
    starts_on: date
    last_day: date | None = None

    @property
    def ends_on(self) -> date | None:
        """The first day that it holds no more."""
        return self.last_day + timedelta(days=1) if self.last_day else None

    def problems(self, today: date) -> Iterator[Problem]:
        """What is wrong with it by itself."""
        if not 0 <= self.amount_paise <= _MOST_PAISE:
            yield Problem("amount", "amount in rupees", "The fee must be between 0 and 1 crore rupees.")
        if not 0 <= self.gst_rate_bp <= 10_000:
            yield Problem("rate", "rate in percent", "The rate of GST must be between 0 and 100 percent.")
        if self.sac and not _SAC.fullmatch(self.sac):
            yield Problem("sac", "SAC", "A SAC has 4, 6 or 8 digits, such as 998599.")
        if self.gst_rate_bp and not self.sac:
            yield Problem("sac", "SAC", "Where GST is charged, name the SAC of the service.")
        if not _SCHEME.fullmatch(self.scheme) or (self.kind and self.kind not in set(Kind)):
            yield Problem("scheme", "scheme and kind", "Choose the scheme and the kind from the lists.")
        if self.starts_on < today:
            yield Problem("starts_on", "not in the past", "A fee cannot begin in the past: what was charged stays as it was.")
        elif self.starts_on > today + _FARTHEST:
            yield Problem("starts_on", "not too far", "A fee can begin within the next ten years.")
        if self.last_day is not None and self.last_day < self.starts_on:
            yield Problem("last_day", "dates in order", "The last day is before the first one.")


async def fee_of(scope: Scope, office: OfficeHere, scheme: str, kind: str, on: date) -> Fee:
    """The fee that holds at an office for a kind of certificate of a scheme on that day: the most specific row, an office
    outweighing a scheme, and a scheme a kind. Raises Refused if none holds."""
    query = FeeRow.select().where(
        FeeRow.agency == office.agency_id,
        FeeRow.office.is_null() | (FeeRow.office == office.id),
        FeeRow.scheme.is_in(["", scheme]),
        FeeRow.kind.is_in(["", kind]),
        *_holding(on),
    )
    # A row for all offices belongs to no one of them, so it is the office that the scope must cover.
    if not await covering(scope, Office.select(Office.id).where(Office.id == office.id), Office, office="id"):
        raise NotFound("There is no such office.", code="office")
    fees = [_fee(row) for row in await query]
    if not fees:
        raise Refused(
            f"No fee is set for {kind} certificates of {scheme} at the office {office.code} on {on.isoformat()}.",
            box="office",
            rule="fee set",
        )
    return max(fees, key=lambda fee: fee.weight)


async def fees_of(scope: Scope, agency_id: UUID, office_id: UUID | None = None) -> Sequence[Fee]:
    """The table of an agency, or as much of it as concerns one office: what is for all of them, and its own. The latest first."""
    query = FeeRow.select().where(FeeRow.agency == agency_id, FeeRow.withdrawn_at.is_null())
    if office_id is not None:
        query = query.where(FeeRow.office.is_null() | (FeeRow.office == office_id))
    rows = await covering(scope, query, FeeRow).order_by(FeeRow.scheme, FeeRow.kind).order_by(FeeRow.starts_on, ascending=False)
    return [_fee(row) for row in rows]


async def add_fee(scope: Scope, agency_id: UUID, new: NewFee, *, actor: str, at: datetime) -> UUID:
    """Adds a row; the one that held for the same thing ends the day before, as long as that day is not in the past.

    Raises Refused for what is wrong with it, NotFound for an office that the scope does not cover, Conflict for days on which
    a row that cannot give way holds already.
    """
    today = ist_day(at)
    if problems := list(new.problems(today)):
        raise Refused.because(problems)
    async with uow():
        await _hold(scope, agency_id, new.office_id)
        key = _key(agency_id, new)
        for row in await _same(agency_id, new):
            await _give_way(_fee(row), new, today, actor=actor)
        fee = FeeRow(
            agency=agency_id,
            office=new.office_id,
            scheme=new.scheme,
            kind=new.kind,
            start_key=f"{key}@{new.starts_on.isoformat()}",
            amount_paise=new.amount_paise,
            gst_rate_bp=new.gst_rate_bp,
            sac=new.sac,
            rounding=str(new.rounding),
            starts_on=new.starts_on,
            ends_on=new.ends_on,
            made_by=actor,
            made_at=at,
        )
        fee.open_key = str(fee.id) if new.ends_on else key
        await FeeRow.insert(fee)
        told = {"amount_paise": new.amount_paise, "gst_rate_bp": new.gst_rate_bp, "starts_on": new.starts_on.isoformat()}
        await _note("fee_added", UUID(str(fee.id)), agency_id, new.office_id, actor, at, **told, scheme=new.scheme, kind=new.kind)
    return UUID(str(fee.id))


async def end_fee(scope: Scope, id: UUID, last_day: date, *, actor: str, at: datetime) -> None:
    """Ends a row after that day, today at the earliest; one whose first day is still to come is withdrawn if it shall end before it.

    Raises NotFound for a row that the scope does not cover, Refused for a day in the past or after its present end.
    """
    today = ist_day(at)
    async with uow():
        fee = await _one(scope, id)
        await _hold(scope, fee.agency_id, fee.office_id)
        fee = await _one(scope, id)
        if fee.starts_on > today and last_day < fee.starts_on:
            gone = {FeeRow.withdrawn_at: at, FeeRow.start_key: str(id), FeeRow.open_key: str(id), FeeRow.ended_by: actor}
            await FeeRow.update(gone).where(FeeRow.id == id)
            await _note("fee_withdrawn", id, fee.agency_id, fee.office_id, actor, at)
            return
        if last_day < today:
            raise Refused("A fee cannot end in the past: what was charged stays as it was.", box="last_day", rule="not in the past")
        if fee.last_day is not None and last_day >= fee.last_day:
            raise Refused("It ends on that day or before it already.", box="last_day", rule="dates in order")
        await _end(id, last_day + timedelta(days=1), actor)
        await _note("fee_ended", id, fee.agency_id, fee.office_id, actor, at, last_day=last_day.isoformat())


def _holding(on: date) -> tuple[Any, ...]:
    return FeeRow.withdrawn_at.is_null(), in_force(FeeRow, on)


async def _hold(scope: Scope, agency_id: UUID, office_id: UUID | None) -> None:
    """Keeps the agency's row until the unit of work ends, so that changes of its table come one after the other.

    Raises NotFound for an agency, or an office of it, that the scope does not cover.
    """
    await Agency.update({Agency.code: Agency.code}, force=True).where(Agency.id == agency_id)
    whole = Agency.select(Agency.id).where(Agency.id == agency_id)
    mine = (
        covering(scope, whole, Agency, agency="id")
        if office_id is None
        else covering(scope, Office.select(Office.id).where(Office.id == office_id, Office.agency == agency_id), Office, office="id")
    )
    if not await mine:
        raise NotFound("There is no such office.", code="office")


def _key(agency_id: UUID, new: NewFee) -> str:
    return "/".join(("fee", str(agency_id), str(new.office_id or "*"), new.scheme or "*", new.kind or "*"))


async def _same(agency_id: UUID, new: NewFee) -> list[dict[str, Any]]:
    """The rows for the same thing that hold on a day on which the new one would."""
    query = FeeRow.select().where(
        FeeRow.agency == agency_id,
        FeeRow.scheme == new.scheme,
        FeeRow.kind == new.kind,
        FeeRow.office.is_null() if new.office_id is None else FeeRow.office == new.office_id,
        FeeRow.withdrawn_at.is_null(),
        (FeeRow.ends_on.is_null()) | (FeeRow.ends_on > new.starts_on),
    )
    if new.ends_on is not None:
        query = query.where(FeeRow.starts_on < new.ends_on)
    return list(await query.order_by(FeeRow.starts_on))


async def _give_way(fee: Fee, new: NewFee, today: date, *, actor: str) -> None:
    """Ends a row for a new one. Raises Conflict for one that begins on its first day or later, or that would lose a past day."""
    if fee.starts_on >= new.starts_on and fee.starts_on > today:
        say = f"A fee for the same thing begins on {fee.starts_on.isoformat()}, within these days. End or withdraw that one first."
        raise Conflict(say, code="fee_overlaps", box="starts_on", rule="one fee a day")
    if new.starts_on <= today:
        say = "A fee for the same thing holds today. Let the new one begin tomorrow or later: what was charged today stays as it was."
        raise Conflict(say, code="fee_overlaps", box="starts_on", rule="one fee a day")
    await _end(fee.id, new.starts_on, actor)


async def _end(id: UUID, ends_on: date, actor: str) -> None:
    await FeeRow.update({FeeRow.ends_on: ends_on, FeeRow.open_key: str(id), FeeRow.ended_by: actor}).where(FeeRow.id == id)


async def _one(scope: Scope, id: UUID) -> Fee:
    query = FeeRow.select().where(FeeRow.id == id, FeeRow.withdrawn_at.is_null())
    row = await covering(scope, query, FeeRow).first()
    if row is None:
        raise NotFound("There is no such fee.", code="fee")
    return _fee(row)


async def _note(act: str, id: UUID, agency: UUID, office: UUID | None, actor: str, at: datetime, **detail: object) -> None:
    await audit(act, room="money", subject=str(id), actor=actor, at=at, agency=agency, office=office, detail=detail)


def _fee(row: dict[str, Any]) -> Fee:
    return Fee(
        id=row["id"],
        agency_id=row["agency"],
        office_id=row["office"],
        scheme=row["scheme"],
        kind=row["kind"],
        amount_paise=row["amount_paise"],
        gst_rate_bp=row["gst_rate_bp"],
        sac=row["sac"],
        rounding=Rounding(row["rounding"]),
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
    )
