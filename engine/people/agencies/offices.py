"""Agencies and their offices, and the office's stamp."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from engine.contracts.drawing import CleanImage
from engine.errors import Refused
from engine.people.pictures.tables import Stamp
from engine.people.tables import Agency, Office
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = ["OfficeHere", "add_agency", "add_office", "agency_by_code", "count_agencies", "find_office", "put_stamp"]


@dataclass(frozen=True, slots=True)
class OfficeHere:
    """An office as the other rooms need it; `stamp_sha256` is None while it has no stamp."""

    id: UUID
    code: str
    name: str
    city: str
    agency_id: UUID
    agency_code: str
    agency_name: str
    stamp_sha256: str | None
    stamp_version: int


async def add_agency(code: str, name: str, *, appendix: str = "", listed_on: date | None = None, actor: str, at: datetime) -> UUID:
    """Enters an agency in the register and gives its id."""
    agency = Agency(code=code, name=name, appendix=appendix, listed_on=listed_on)
    async with uow():
        await Agency.insert(agency)
        await audit("agency_added", room="people", subject=str(agency.id), actor=actor, at=at, agency=agency.id)
    return UUID(str(agency.id))


async def add_office(agency_id: UUID, code: str, name: str, city: str, address: str = "", *, actor: str, at: datetime) -> UUID:
    """Adds an office to an agency and gives its id. The code is 2 to 4 capitals."""
    if not (2 <= len(code) <= 4 and code.isascii() and code.isalpha() and code.isupper()):
        raise Refused(f"The office code must be 2 to 4 capital letters; it is {code!r}.", box="office", rule="office code")
    office = Office(agency=agency_id, code=code, name=name, city=city, address=address)
    async with uow():
        await Office.insert(office)
        await audit("office_added", room="people", subject=str(office.id), actor=actor, at=at, agency=agency_id, office=office.id)
    return UUID(str(office.id))


async def agency_by_code(scope: Scope, code: str) -> UUID:
    """The agency of that code. Raises Refused if the register has none that is listed and that the scope covers."""
    row = await covering(scope, Agency.select(Agency.id, Agency.delisted_on).where(Agency.code == code), Agency, agency="id").first()
    if row is None:
        raise Refused(f"There is no agency {code} in the register.", box="agency", rule="agency in the register")
    if row["delisted_on"] is not None:
        raise Refused(f"The agency {code} was delisted on {row['delisted_on']}; nobody administers it.", box="agency", rule="agency listed")
    return UUID(str(row["id"]))


async def find_office(scope: Scope, agency_code: str, office_code: str) -> OfficeHere:
    """The office of these two codes. Raises Refused if it is not in the register, delisted or switched off."""
    agency = await Agency.select().where(Agency.code == agency_code).first()
    if agency is None:
        raise Refused(f"There is no agency {agency_code} in the register.", box="agency", rule="agency in the register")
    if agency["delisted_on"] is not None:
        raise Refused(
            f"The agency {agency_code} was delisted on {agency['delisted_on']}; it may not issue.", box="agency", rule="agency listed"
        )
    office = await covering(
        scope, Office.select().where(Office.agency == agency["id"], Office.code == office_code), Office, office="id"
    ).first()
    if office is None:
        raise Refused(f"The agency {agency_code} has no office {office_code}.", box="office", rule="office of the agency")
    if not office["active"]:
        raise Refused(f"The office {agency_code} {office_code} is switched off.", box="office", rule="office active")
    stamp = await _live_stamp(office["id"])
    return OfficeHere(
        id=office["id"],
        code=office["code"],
        name=office["name"],
        city=office["city"],
        agency_id=agency["id"],
        agency_code=agency["code"],
        agency_name=agency["name"],
        stamp_sha256=stamp["sha256"] if stamp else None,
        stamp_version=stamp["version"] if stamp else 0,
    )


async def count_agencies() -> tuple[int, int]:
    """How many agencies and offices the register has."""
    return await Agency.count(), await Office.count()


async def _live_stamp(office_id: UUID) -> dict[str, Any] | None:
    found = Stamp.select().where(Stamp.office == office_id, Stamp.ended_at.is_null()).order_by(Stamp.version, ascending=False)
    return await found.first()


async def put_stamp(office: OfficeHere, image: CleanImage, sha256: str, *, actor: str, at: datetime) -> int:
    """Makes a stored, cleaned picture the office's stamp and gives its version; the one before ends."""
    async with uow():
        before = await _live_stamp(office.id)
        version = int(before["version"]) + 1 if before else 1
        await Stamp.update({Stamp.ended_at: at}).where(Stamp.office == office.id, Stamp.ended_at.is_null())
        await Stamp.insert(
            Stamp(agency=office.agency_id, office=office.id, version=version, sha256=sha256, quality=image.quality, made_at=at)
        )
        await audit(
            "stamp_put",
            room="people",
            subject=str(office.id),
            actor=actor,
            at=at,
            agency=office.agency_id,
            office=office.id,
            before=str(before["sha256"]) if before else "",
            after=sha256,
        )
    return version
