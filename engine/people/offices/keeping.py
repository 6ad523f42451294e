"""Keeping offices: all of an agency's, one of them, and what an administrator changes of it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.contracts.form import Form
from engine.errors import Conflict, NotFound
from engine.people.offices.details import OfficeDetails
from engine.people.offices.offices import OfficeHere
from engine.people.pictures.tables import Stamp
from engine.people.tables import Office, OfficerOffice
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = ["change_office", "mapped_to", "office_by_id", "offices_of", "switch_office"]

_FIXED = "The code of an office stands in the numbers of its certificates, so it never changes. Add another office instead."


async def offices_of(scope: Scope) -> Sequence[OfficeHere]:
    """The offices that the scope covers, switched off or not, by agency and code."""
    return await _offices(scope)


async def office_by_id(scope: Scope, id: UUID) -> OfficeHere:
    """One office, switched off or not. Raises NotFound for one that the scope does not cover."""
    found = await _offices(scope, Office.id == id)
    if not found:
        raise NotFound("There is no such office.", code="office")
    return found[0]


async def _offices(scope: Scope, *which: Any) -> Sequence[OfficeHere]:
    columns = (*Office.all_columns(), Office.agency.code.as_alias("agency_code"), Office.agency.name.as_alias("agency_name"))
    query = covering(scope, Office.select(*columns), Office, office="id")
    rows = await (query.where(*which) if which else query).order_by(Office.agency.code, Office.code)
    stamps = Stamp.select(Stamp.office, Stamp.sha256, Stamp.version).where(Stamp.ended_at.is_null())
    if which:
        stamps = stamps.where(Stamp.office.is_in([row["id"] for row in rows] or [UUID(int=0)]))
    elif rows and len({row["agency"] for row in rows}) == 1:
        stamps = stamps.where(Stamp.agency == rows[0]["agency"])
    live = {row["office"]: row for row in await stamps.order_by(Stamp.version)}
    return [
        OfficeHere.of(row, {"id": row["agency"], "code": row["agency_code"], "name": row["agency_name"]}, live.get(row["id"]))
        for row in rows
    ]


async def mapped_to(scope: Scope, office: UUID) -> Sequence[tuple[UUID, str, str, bool]]:
    """The officers mapped to an office now: id, name, designation and whether they are active."""
    query = OfficerOffice.select(
        OfficerOffice.officer,
        OfficerOffice.officer.name.as_alias("name"),
        OfficerOffice.officer.designation.as_alias("designation"),
        OfficerOffice.officer.active.as_alias("active"),
    ).where(OfficerOffice.office == office, OfficerOffice.ended_at.is_null())
    rows = await covering(scope, query, OfficerOffice).order_by(OfficerOffice.officer.name)
    return [(row["officer"], row["name"], row["designation"], bool(row["active"])) for row in rows]


async def change_office(scope: Scope, id: UUID, details: OfficeDetails, *, forms: Iterable[Form] = (), actor: str, at: datetime) -> None:
    """Gives an office new details. Raises Refused for what is wrong with them, and for a new name or city that one of the `forms` has
    no room for; Conflict for another code: that never changes."""
    details.require()
    async with uow():
        before = await office_by_id(scope, id)
        told = asdict(details)
        changed = sorted(name for name, value in told.items() if getattr(before, name) != value)
        if not changed:
            return
        if {"name", "city"} & set(changed):
            details.require(before.agency_name, forms)
        if "code" in changed:
            raise Conflict(_FIXED, code="office_code_fixed", box="office", rule="office code")
        await Office.update({getattr(Office, name): told[name] for name in changed}).where(Office.id == id)
        await _note("office_changed", before, actor, at, fields=changed)


async def switch_office(scope: Scope, id: UUID, *, on: bool, actor: str, at: datetime) -> None:
    """Switches an office on or off: where it is off nothing is filed, approved or issued. Switching it as it is changes nothing."""
    async with uow():
        office = await office_by_id(scope, id)
        if await Office.update({Office.active: on}).where(Office.id == id, Office.active.eq(not on)).returning(Office.id):
            await _note("office_switched_on" if on else "office_switched_off", office, actor, at)


async def _note(act: str, office: OfficeHere, actor: str, at: datetime, **detail: object) -> None:
    await audit(
        act,
        room="people",
        subject=str(office.id),
        actor=actor,
        at=at,
        agency=office.agency_id,
        office=office.id,
        detail=detail,
    )
