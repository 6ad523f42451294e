"""What an agency's stamps and hands were on a day: for the sheet that partner customs compare certificates with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from uuid import UUID

from engine.clock import IST
from engine.people.pictures.tables import Appearance, Stamp
from engine.people.tables import Agency, Office, OfficerOffice, OfficerSpell
from engine.scope import Scope
from engine.store import reading
from engine.store.scoped import covering

__all__ = ["Hand", "OfficeSpecimens", "Picture", "Specimens", "specimens_of"]

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that was used on the day, by its hash, and from when until when; `until_at` is None while it is used."""

    sha256: str
    version: int
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class Hand:
    """An officer of the office with their hands of that day, and the designation, or one after another, that they bore on it."""

    name: str
    designation: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class OfficeSpecimens:
    """An office with its stamps and officers of that day."""

    code: str
    name: str
    city: str
    address: str
    stamps: tuple[Picture, ...]
    officers: tuple[Hand, ...]


@dataclass(frozen=True, slots=True)
class Specimens:
    """An agency's stamps and hands that were used on the day `on`, in IST, also if for a part of it only."""

    agency_code: str
    agency_name: str
    on: date
    offices: tuple[OfficeSpecimens, ...]


async def specimens_of(scope: Scope, agency: UUID, on: date) -> Specimens | None:
    """The stamps and hands that were used at the offices that the scope covers, by the offices' codes; None for no such agency."""
    begin = datetime.combine(on, time(), IST).astimezone(UTC)
    end = begin + timedelta(days=1)
    async with reading():
        named = await Agency.select(Agency.code, Agency.name).where(Agency.id == agency).first()
        query = Office.select(Office.id, Office.code, Office.name, Office.city, Office.address).where(Office.agency == agency)
        offices = await covering(scope, query, Office, office="id").order_by(Office.code)
        if named is None or not offices:
            return None
        ids = [office["id"] for office in offices]
        stamps = await Stamp.select().where(Stamp.office.is_in(ids), *_during(Stamp, begin, end)).order_by(Stamp.version)
        officers = await _officers(agency, ids, begin, end)
    stamps_of = _grouped((row["office"], _picture(row)) for row in stamps)
    hands_of = _grouped(officers)
    found = [
        OfficeSpecimens(
            office["code"],
            office["name"],
            office["city"],
            office["address"],
            stamps_of.get(office["id"], ()),
            hands_of.get(office["id"], ()),
        )
        for office in offices
    ]
    return Specimens(named["code"], named["name"], on, tuple(each for each in found if each.stamps or each.officers))


async def _officers(agency: UUID, offices: Sequence[UUID], begin: datetime, end: datetime) -> list[tuple[UUID, Hand]]:
    """Who was active on the day while they were mapped to one of the offices, by name: the office, and their hands."""
    mapped = OfficerOffice.select(
        OfficerOffice.office,
        OfficerOffice.officer,
        OfficerOffice.mapped_at,
        OfficerOffice.ended_at,
        OfficerOffice.officer.name.as_alias("name"),
    )
    rows = await mapped.where(
        OfficerOffice.office.is_in(list(offices)),
        OfficerOffice.mapped_at < end,
        (OfficerOffice.ended_at.is_null()) | (OfficerOffice.ended_at > begin),
    ).order_by(OfficerOffice.officer.name, OfficerOffice.officer, OfficerOffice.mapped_at)
    hands = Appearance.select(Appearance.officer, Appearance.sha256, Appearance.version, Appearance.made_at, Appearance.ended_at)
    found = await hands.where(Appearance.agency == agency, *_during(Appearance, begin, end)).order_by(Appearance.version)
    pictures_of = _grouped((each["officer"], _picture(each)) for each in found)
    lasting = (OfficerSpell.starts_at < end, (OfficerSpell.ends_at.is_null()) | (OfficerSpell.ends_at > begin))
    active = OfficerSpell.select().where(OfficerSpell.agency == agency, OfficerSpell.active.eq(True), *lasting)
    spells_of = _grouped((each["officer"], each) for each in await active.order_by(OfficerSpell.starts_at))
    bore = _grouped(
        ((row["office"], row["officer"]), spell["designation"])
        for row in rows
        for spell in spells_of.get(row["officer"], ())
        if max(begin, row["mapped_at"], spell["starts_at"]) < min(end, row["ended_at"] or end, spell["ends_at"] or end)
    )
    names = {row["officer"]: row["name"] for row in rows}
    return [
        (office, Hand(names[officer], ", then ".join(dict.fromkeys(designations)), pictures_of.get(officer, ())))
        for (office, officer), designations in bore.items()
    ]


def _grouped(pairs: Iterable[tuple[K, T]]) -> dict[K, tuple[T, ...]]:
    """What belongs to whom, in the order it came: looking each one's up anew would take the square of it."""
    found: dict[K, list[T]] = {}
    for owner, each in pairs:
        found.setdefault(owner, []).append(each)
    return {owner: tuple(each) for owner, each in found.items()}


def _during(table: Any, begin: datetime, end: datetime) -> tuple[Any, Any]:
    return table.made_at < end, (table.ended_at.is_null()) | (table.ended_at > begin)


def _picture(row: Any) -> Picture:
    return Picture(row["sha256"], row["version"], row["made_at"], row["ended_at"])
