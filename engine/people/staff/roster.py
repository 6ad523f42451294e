"""The officers of an agency as its administrator looks at them: who they are, what they lack to sign, where they may decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from engine.errors import NotFound
from engine.people.changes import waiting_on
from engine.people.dsc import dsc_days
from engine.people.dsc.tables import Enrolment
from engine.people.paging import PER_PAGE, begins, page_of
from engine.people.pictures.tables import Appearance
from engine.people.staff.activating import OFFICER_AGAIN
from engine.people.staff.spells import Off, off_since
from engine.people.tables import Office, Officer, OfficerOffice
from engine.scope import Scope
from engine.store.scoped import covering

__all__ = ["Lacking", "OfficerListed", "OfficerSeen", "Stay", "officer_seen", "officers_of", "roster_offices"]

_PICTURE = "officer_picture"  # the kind of change that brings an officer's signature picture


class Lacking(StrEnum):
    """By what an administrator narrows the list: the active or deactivated ones, and those who lack something to sign."""

    ACTIVE = "active"
    OFF = "deactivated"
    PICTURE = "picture"
    DSC = "dsc"
    OFFICE = "office"


@dataclass(frozen=True, slots=True)
class OfficerListed:
    """One officer. `closed` says that the desk closed their account, `offices` are the codes of those they are mapped to, `dsc_until`
    is until when they have a certificate to sign with."""

    id: UUID
    account_id: UUID
    agency_id: UUID
    name: str
    email: str
    designation: str
    active: bool
    closed: bool
    off: Off | None
    offices: tuple[str, ...]
    has_picture: bool
    picture_waits: bool
    again_waits: UUID | None
    dsc_until: datetime | None


@dataclass(frozen=True, slots=True)
class Stay:
    """An officer's time at an office; `mapped_by` and `ended_by` are as the audit names them."""

    office_id: UUID
    code: str
    name: str
    mapped_at: datetime
    mapped_by: str
    ended_at: datetime | None
    ended_by: str


@dataclass(frozen=True, slots=True)
class OfficerSeen:
    """One officer with every stay at an office, the present ones first, and the offices that they could be mapped to."""

    officer: OfficerListed
    stays: tuple[Stay, ...]
    free: tuple[tuple[UUID, str], ...]


async def officers_of(
    scope: Scope, *, text: str = "", lacking: Lacking | None = None, office: UUID | None = None, page: int = 1, at: datetime
) -> tuple[Sequence[OfficerListed], int]:
    """A page of the officers whom the scope covers, by name, and how many there are on all pages.

    `text` is looked for in name, e-mail and designation, whatever its case.
    """
    conditions = (*_lacking(lacking, at), *_at_office(office))
    begin = begins(page)
    if wanted := " ".join(text.casefold().split()):
        found = await _ids_with(scope, conditions, wanted)
        page_ids = list(page_of(found, page))
        return await _listed(scope, (Officer.id.is_in(page_ids),), 0, at) if page_ids else [], len(found)
    count = await covering(scope, Officer.count().where(*conditions), Officer, office="id")
    return await _listed(scope, conditions, begin, at), int(count)


async def officer_seen(scope: Scope, officer: UUID, at: datetime) -> OfficerSeen:
    """One officer. Raises NotFound for one that the scope does not cover."""
    found = await _listed(scope, (Officer.id == officer,), 0, at)
    if not found:
        raise NotFound("There is no such officer.", code="officer")
    [here] = found
    columns = (OfficerOffice.office.code.as_alias("code"), OfficerOffice.office.name.as_alias("office_name"))
    query = OfficerOffice.select(*OfficerOffice.all_columns(), *columns).where(OfficerOffice.officer == officer)
    rows = await query.order_by(OfficerOffice.mapped_at, ascending=False).limit(200)
    stays = [_stay(row) for row in rows]
    present = {stay.office_id for stay in stays if stay.ended_at is None}
    offices = await roster_offices(scope, here.agency_id)
    free = tuple((id, label) for id, label in offices if id not in present)
    return OfficerSeen(here, tuple(sorted(stays, key=lambda stay: stay.ended_at is not None)), free)


async def roster_offices(scope: Scope, agency: UUID) -> Sequence[tuple[UUID, str]]:
    """The agency's active offices, by code, as a person chooses one."""
    query = Office.select(Office.id, Office.code, Office.name).where(Office.agency == agency, Office.active.eq(True))
    rows = await covering(scope, query, Office, office="id").order_by(Office.code)
    return [(row["id"], f"{row['code']}, {row['name']}") for row in rows]


def _lacking(lacking: Lacking | None, at: datetime) -> tuple[Any, ...]:
    """The conditions; NOT IN over nullable columns finds nothing, so those are left out."""
    match lacking:
        case Lacking.ACTIVE:
            return (Officer.active.eq(True),)
        case Lacking.OFF:
            return (Officer.active.eq(False),)
        case Lacking.PICTURE:
            pictured = Appearance.select(Appearance.officer).where(Appearance.officer.is_not_null(), Appearance.ended_at.is_null())
            return (Officer.active.eq(True), Officer.id.not_in(pictured))
        case Lacking.DSC:
            good = (Enrolment.ended_at.is_null(), Enrolment.not_before_at <= at, Enrolment.not_after_at >= at)
            signing = Enrolment.select(Enrolment.officer).where(Enrolment.officer.is_not_null(), *good)
            return (Officer.active.eq(True), Officer.id.not_in(signing))
        case Lacking.OFFICE:
            mapped = OfficerOffice.select(OfficerOffice.officer).where(OfficerOffice.ended_at.is_null())
            return (Officer.active.eq(True), Officer.id.not_in(mapped))
        case _:
            return ()


def _at_office(office: UUID | None) -> tuple[Any, ...]:
    if office is None:
        return ()
    there = OfficerOffice.select(OfficerOffice.officer).where(OfficerOffice.office == office, OfficerOffice.ended_at.is_null())
    return (Officer.id.is_in(there),)


async def _ids_with(scope: Scope, conditions: tuple[Any, ...], wanted: str) -> list[UUID]:
    """The officers with that text, by name. Compared here and not by the database: one of them folds Latin letters alone."""
    query = Officer.select(Officer.id, Officer.name, Officer.designation, Officer.account.email.as_alias("email")).where(*conditions)
    rows = await covering(scope, query, Officer, office="id").order_by(Officer.name, Officer.id)
    return [row["id"] for row in rows if wanted in f"{row['name']}\n{row['email']}\n{row['designation']}".casefold()]


async def _listed(scope: Scope, conditions: tuple[Any, ...], begin: int, at: datetime) -> list[OfficerListed]:
    columns = (Officer.account.email.as_alias("email"), Officer.account.active.as_alias("opens"))
    query = Officer.select(*Officer.all_columns(), *columns).where(*conditions)
    ordered = covering(scope, query, Officer, office="id").order_by(Officer.name, Officer.id)
    rows = await ordered.limit(PER_PAGE).offset(begin)
    ids = [row["id"] for row in rows]
    keys = [str(id) for id in ids]
    offices, pictured, until = await _offices(ids), await _pictured(ids), await dsc_days(ids, at)
    off = await off_since([row["id"] for row in rows if not row["active"]])
    waiting, again = await waiting_on(_PICTURE, keys), await waiting_on(OFFICER_AGAIN, keys)
    return [
        OfficerListed(
            id=row["id"],
            account_id=row["account"],
            agency_id=row["agency"],
            name=row["name"],
            email=row["email"],
            designation=row["designation"],
            active=row["active"],
            closed=not row["opens"],
            off=off.get(row["id"]),
            offices=tuple(offices.get(row["id"], ())),
            has_picture=row["id"] in pictured,
            picture_waits=str(row["id"]) in waiting,
            again_waits=again[str(row["id"])].id if str(row["id"]) in again else None,
            dsc_until=until.get(row["id"]),
        )
        for row in rows
    ]


async def _offices(officers: list[UUID]) -> dict[UUID, list[str]]:
    if not officers:
        return {}
    query = OfficerOffice.select(OfficerOffice.officer, OfficerOffice.office.code.as_alias("code"))
    found: dict[UUID, list[str]] = {}
    for row in await query.where(OfficerOffice.officer.is_in(officers), OfficerOffice.ended_at.is_null()):
        found.setdefault(row["officer"], []).append(row["code"])
    return {officer: sorted(codes) for officer, codes in found.items()}


async def _pictured(officers: list[UUID]) -> set[UUID]:
    if not officers:
        return set()
    rows = await Appearance.select(Appearance.officer).where(Appearance.officer.is_in(officers), Appearance.ended_at.is_null())
    return {row["officer"] for row in rows}


def _stay(row: dict[str, Any]) -> Stay:
    return Stay(
        office_id=row["office"],
        code=row["code"],
        name=row["office_name"],
        mapped_at=row["mapped_at"],
        mapped_by=row["mapped_by"],
        ended_at=row["ended_at"],
        ended_by=row["ended_by"],
    )
