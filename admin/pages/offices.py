"""Office Management: an agency's offices at a glance, and one of them with all that belongs to it."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.forms import sent, wrong_of
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.clock import ist_day
from engine.errors import Refused
from engine.money.readiness import readiness, readiness_of_all
from engine.people import add_office
from engine.people.offices.details import WEEK, OfficeDetails
from engine.people.offices.holidays import holidays_of, put_holidays, read_holidays, remove_holiday
from engine.people.offices.keeping import change_office, mapped_to, office_by_id, switch_office
from engine.people.plain_text import tidy
from engine.people.states import STATES, state_name
from engine.proof import SeriesRule
from engine.proof.series import runs_of
from engine.store import reading

__all__ = ["HANDLERS"]

_FIELDS = ("code", "name", "city", "address", "pin", "state", "gstin", "wallet")
_DAYS = tuple(f"day{number}" for number in range(1, 8))


@get("/", include_in_schema=False)
async def offices(request: Request[Any, Any, Any]) -> Response[Any]:
    """All offices of the agency, and what each of them still lacks."""
    person, site = person_of(request), site_of(request)
    async with reading():
        found = await readiness_of_all(person.scope, registry=site.registry, at=site.clock.now())
    return page(request, "offices.html", offices=found)


@get("/add", guards=[require_fresh], include_in_schema=False)
async def add_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form of a new office."""
    return _form(request, OfficeDetails("", "", ""))


@post("/add", guards=[require_fresh], status_code=200, include_in_schema=False)
async def add(request: Request[Any, Any, Any]) -> Response[Any]:
    """Adds it to the agency of whoever is signed in."""
    person, site, told = person_of(request), site_of(request), await _told(request)
    if person.role is None or person.role.agency_id is None:
        raise Refused("Only an administrator of an agency adds an office.")
    try:
        more = {name: getattr(told, name) for name in ("pin", "state", "gstin", "wallet", "working_days")}
        agency = person.role.agency_id
        at = site.clock.now()
        more["forms"] = site.registry.in_force(ist_day(at))
        id = await add_office(agency, told.code, told.name, told.city, told.address, actor=person.actor, at=at, **more)
    except Refused as refusal:
        return _form(request, told, wrong=_wrong(refusal))
    return go(request, f"/offices/{id}")


@get("/{office:uuid}", include_in_schema=False)
async def one(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """One office."""
    return await _one(request, office)


@get("/{office:uuid}/change", guards=[require_fresh], include_in_schema=False)
async def change_form(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """The form of the office as it is."""
    here = await office_by_id(person_of(request).scope, office)
    names = (*_FIELDS, "working_days")
    return _form(request, OfficeDetails(**{name: getattr(here, name) for name in names}), office=office)


@post("/{office:uuid}/change", guards=[require_fresh], status_code=200, include_in_schema=False)
async def change(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """Changes it."""
    person, site, told = person_of(request), site_of(request), await _told(request)
    await office_by_id(person.scope, office)
    try:
        at = site.clock.now()
        await change_office(person.scope, office, told, forms=site.registry.in_force(ist_day(at)), actor=person.actor, at=at)
    except Refused as refusal:
        return _form(request, told, office=office, wrong=_wrong(refusal))
    return go(request, f"/offices/{office}")


@post("/{office:uuid}/switch", guards=[require_fresh], status_code=200, include_in_schema=False)
async def switch(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """Switches the office on or off."""
    person, told = person_of(request), await sent(request, "on")
    at = site_of(request).clock.now()
    await switch_office(person.scope, office, on=told["on"] == "yes", actor=person.actor, at=at)
    return go(request, f"/offices/{office}")


@post("/{office:uuid}/holidays", status_code=200, include_in_schema=False)
async def holidays(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """Adds the pasted holidays, or tells which lines cannot be read."""
    person, told = person_of(request), await sent(request, "holidays")
    here = await office_by_id(person.scope, office)
    try:
        days = read_holidays(told["holidays"][:40_000])
    except Refused as refusal:
        says = [problem.say for problem in refusal.problems] or [refusal.say]
        return await _one(request, office, pasted=told["holidays"], wrong={"holidays": " ".join(says[:8])})
    at = site_of(request).clock.now()
    coming = {day: name for day, name in days.items() if day >= ist_day(at)}
    if not coming:
        say = "Every day of the list lies in the past, so nothing was entered. Enter days from today on."
        return await _one(request, office, pasted=told["holidays"], wrong={"holidays": say})
    await put_holidays(here, coming, actor=person.actor, at=at)
    return go(request, f"/offices/{office}?entered={len(coming)}&past={len(days) - len(coming)}#holidays")


@post("/{office:uuid}/holidays/{holiday:uuid}/remove", status_code=200, include_in_schema=False)
async def no_holiday(request: Request[Any, Any, Any], office: FromPath[UUID], holiday: FromPath[UUID]) -> Response[Any]:
    """Takes one holiday off the list."""
    person = person_of(request)
    here = await office_by_id(person.scope, office)
    await remove_holiday(here, holiday, actor=person.actor, at=site_of(request).clock.now())
    return go(request, f"/offices/{office}#holidays")


HANDLERS = [offices, add_form, add, one, change_form, change, switch, holidays, no_holiday]


async def _one(request: Request[Any, Any, Any], id: UUID, *, pasted: str = "", wrong: dict[str, str] | None = None) -> Response[Any]:
    person, site = person_of(request), site_of(request)
    at = site.clock.now()
    issue = site.config.issue
    async with reading():
        found = await readiness(person.scope, id, registry=site.registry, at=at)
        office = found.office
        return page(
            request,
            "office.html",
            status=422 if wrong else 200,
            form=True,
            office=office,
            state=state_name(office.state),
            days=[WEEK[int(day) - 1] for day in office.working_days],
            readiness=found,
            runs=await runs_of(person.scope, office, SeriesRule(issue.number_pattern, issue.year), at=at),
            mapped=await mapped_to(person.scope, id),
            holidays=await holidays_of(person.scope, id, since=ist_day(at)),
            entered=_number(request, "entered"),
            past=_number(request, "past"),
            pasted=pasted,
            wrong=wrong or {},
        )


def _number(request: Request[Any, Any, Any], name: str) -> int:
    """How many there were of something, as the deed before told this page; 0 for anything else that stands in the address."""
    told = request.query_params.get(name, "")
    return int(told) if told.isascii() and told.isdigit() and len(told) <= 3 else 0


async def _told(request: Request[Any, Any, Any]) -> OfficeDetails:
    told = await sent(request, *_FIELDS, *_DAYS)
    return OfficeDetails(
        code=code.upper() if (code := told["code"].strip()).isascii() else code,
        name=tidy(told["name"]),
        city=tidy(told["city"]),
        address=tidy(told["address"]),
        pin=told["pin"].replace(" ", ""),
        state=told["state"],
        gstin=told["gstin"].strip().upper(),
        wallet=told["wallet"] == "yes",
        working_days="".join(str(number) for number in range(1, 8) if told[f"day{number}"] == "yes"),
    )


def _wrong(refusal: Refused) -> dict[str, str]:
    """What is wrong by the fields of the form; the engine calls the office's code `office`."""
    return {"code" if box == "office" else box: say for box, say in wrong_of(refusal, otherwise="name").items()}


def _form(
    request: Request[Any, Any, Any],
    details: OfficeDetails,
    *,
    office: UUID | None = None,
    wrong: dict[str, str] | None = None,
) -> Response[Any]:
    return page(
        request,
        "office_change.html",
        status=422 if wrong else 200,
        form=True,
        details=details,
        id=office,
        states=sorted(STATES.items(), key=lambda each: each[1]),
        week=list(enumerate(WEEK, 1)),
        wrong=wrong or {},
    )
