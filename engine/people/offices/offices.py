"""Agencies and their offices, and the office's stamp."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from engine.clock import ist_day
from engine.contracts.drawing import CleanImage
from engine.contracts.form import Form
from engine.errors import Conflict, Refused
from engine.people.agencies.register import add_listing, enter_agency
from engine.people.listing import require_listed
from engine.people.offices.details import OfficeDetails
from engine.people.pictures.tables import BearerKind, Stamp
from engine.people.pictures.versions import put_version
from engine.people.tables import Agency, Appendix, Office
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = ["OfficeHere", "add_agency", "add_office", "agency_by_code", "count_agencies", "find_office", "put_stamp", "switched_off"]


@dataclass(frozen=True, slots=True)
class OfficeHere:
    """An office as the other rooms need it; `stamp_sha256` is None while it has no stamp.

    `state` is the GST code of its state.
    """

    id: UUID
    code: str
    name: str
    city: str
    agency_id: UUID
    agency_code: str
    agency_name: str
    stamp_sha256: str | None
    stamp_version: int
    address: str = ""
    pin: str = ""
    state: str = ""
    gstin: str = ""
    wallet: bool = False
    working_days: str = "12345"
    active: bool = True

    @classmethod
    def of(cls, office: Mapping[str, Any], agency: Mapping[str, Any], stamp: Mapping[str, Any] | None) -> "OfficeHere":
        """The office of its rows."""
        same = ("id", "code", "name", "city", "address", "pin", "state", "gstin", "wallet", "working_days", "active")
        return cls(
            **{name: office[name] for name in same},
            agency_id=agency["id"],
            agency_code=agency["code"],
            agency_name=agency["name"],
            stamp_sha256=stamp["sha256"] if stamp else None,
            stamp_version=stamp["version"] if stamp else 0,
        )


def switched_off(agency_code: str, office_code: str) -> str:
    """What is said of an office that is switched off."""
    return f"The office {agency_code} {office_code} is switched off."


async def add_agency(
    code: str, name: str, *, appendix: str = Appendix.PREFERENTIAL, listed_on: date | None = None, actor: str, at: datetime
) -> UUID:
    """Enters an agency in the register, listed under that appendix from that day (today if none is given), and gives its id."""
    async with uow():
        agency = await enter_agency(code, name, actor=actor, at=at)
        await add_listing(agency, appendix, listed_on or ist_day(at), actor=actor, at=at)
    return agency


async def add_office(
    agency_id: UUID,
    code: str,
    name: str,
    city: str,
    address: str = "",
    *,
    forms: Iterable[Form] = (),
    actor: str,
    at: datetime,
    **more: Any,
) -> UUID:
    """Adds an office to an agency and gives its id; `more` are further fields of `OfficeDetails`.

    Raises Refused for what is wrong with them, and for a name that one of the `forms` has no room for; Conflict if the agency has an
    office of that code.
    """
    details = OfficeDetails(code, name, city, address, **more)
    [agency] = await Agency.select(Agency.name).where(Agency.id == agency_id)
    details.require(agency["name"], forms)
    office = Office(agency=agency_id, **asdict(details))
    async with uow():
        if await Office.exists().where(Office.agency == agency_id, Office.code == code):
            raise Conflict(f"The agency has an office {code} already.", code="office_code", box="office", rule="office code")
        await Office.insert(office)
        await audit("office_added", room="people", subject=str(office.id), actor=actor, at=at, agency=agency_id, office=office.id)
    return UUID(str(office.id))


async def agency_by_code(scope: Scope, code: str, *, on: date | None = None) -> UUID:
    """The agency of that code. Raises Refused if the register has none that is listed on that day and that the scope covers.

    Without a day it must be listed with no end in sight.
    """
    row = await covering(scope, Agency.select(Agency.id).where(Agency.code == code), Agency, agency="id").first()
    if row is None:
        raise Refused(f"There is no agency {code} in the register.", box="agency", rule="agency in the register")
    await require_listed(row["id"], code, on, lost="nobody administers it")
    return UUID(str(row["id"]))


async def find_office(scope: Scope, agency_code: str, office_code: str, *, on: date | None = None) -> OfficeHere:
    """The office of these two codes. Raises Refused if it is not in the register, not listed on that day, or switched off.

    Without a day its agency must be listed with no end in sight.
    """
    agency = await Agency.select().where(Agency.code == agency_code).first()
    if agency is None:
        raise Refused(f"There is no agency {agency_code} in the register.", box="agency", rule="agency in the register")
    await require_listed(agency["id"], agency_code, on)
    office = await covering(
        scope, Office.select().where(Office.agency == agency["id"], Office.code == office_code), Office, office="id"
    ).first()
    if office is None:
        raise Refused(f"The agency {agency_code} has no office {office_code}.", box="office", rule="office of the agency")
    if not office["active"]:
        raise Refused(switched_off(agency_code, office_code), box="office", rule="office active")
    return OfficeHere.of(office, agency, await _live_stamp(office["id"]))


async def count_agencies() -> tuple[int, int]:
    """How many agencies and offices the register has."""
    return await Agency.count(), await Office.count()


async def _live_stamp(office_id: UUID) -> dict[str, Any] | None:
    found = Stamp.select().where(Stamp.office == office_id, Stamp.ended_at.is_null()).order_by(Stamp.version, ascending=False)
    return await found.first()


async def put_stamp(office: OfficeHere, image: CleanImage, sha256: str, *, actor: str, at: datetime) -> int:
    """Makes a stored, cleaned picture the office's stamp at once and gives its version: for who makes a site."""
    columns = {"agency": office.agency_id, "office": office.id}
    return await put_version(BearerKind.OFFICE, columns, sha256=sha256, quality=image.quality, made_by=actor, actor=actor, at=at)
