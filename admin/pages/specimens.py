"""The specimen sheet of an agency: which stamps and signatures were in force on a day, and the same as PDF for partner customs."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from litestar import Request, get
from litestar.params import FromQuery
from litestar.response import Response

from admin.pages.forms import require_day
from admin.pages.rendering import page
from admin.parts import parts_of, site_of
from admin.persons import person_of
from engine.clock import IST, ist_day
from engine.contracts.drawing import Mark
from engine.drawing.specimens import SheetHand, SheetOffice, SheetPicture, SpecimenSheet
from engine.errors import NotFound, Refused
from engine.people.pictures import OfficeSpecimens, Picture, Specimens, specimens_of
from engine.store import FileStore

__all__ = ["HANDLERS"]

_PER_MINUTE = 10


@get("/", include_in_schema=False)
async def specimens(request: Request[Any, Any, Any], on: FromQuery[str] = "") -> Response[Any]:
    """What the sheet of a day shows, and the way to its PDF."""
    today = ist_day(site_of(request).clock.now())
    try:
        day = _day(on, today)
    except Refused as refusal:
        return page(request, "specimens.html", status=422, found=None, on=on, today=today.isoformat(), wrong={"on": refusal.say})
    found = await _found(request, day)
    return page(request, "specimens.html", found=found, on=day.isoformat(), today=today.isoformat(), wrong={})


@get("/sheet.pdf", include_in_schema=False)
async def sheet(request: Request[Any, Any, Any], on: FromQuery[str] = "") -> Response[Any]:
    """The sheet as PDF. Raises Refused for a day that is none, or is still to come."""
    site, person = site_of(request), person_of(request)
    now = site.clock.now()
    day = _day(on, ist_day(now))
    parts_of(request).limits.hit("specimens", str(person.account_id), _PER_MINUTE)
    found = await _found(request, day)
    pdf = await site.studio().specimens(await _sheet(found, site.files, now, demo=site.config.site.demo))
    name = f"{found.agency_code}-specimens-{day.isoformat()}.pdf"
    headers = {"cache-control": "private, no-cache", "content-disposition": f'inline; filename="{name}"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


HANDLERS = [specimens, sheet]


async def _found(request: Request[Any, Any, Any], day: date) -> Specimens:
    person = person_of(request)
    found = await specimens_of(person.scope, person.role.agency_id, day) if person.role and person.role.agency_id else None
    if found is None:
        raise NotFound("The agency has no office that you see.", code="specimens")
    return found


def _day(text: str, today: date) -> date:
    """The day that was asked for, today if none was."""
    if not text:
        return today
    day = require_day(text, "on")
    if day > today:
        raise Refused("Choose today or a day before: nobody knows yet what will be in force later.", box="on", rule="date")
    return day


async def _sheet(found: Specimens, files: FileStore, now: datetime, *, demo: bool) -> SpecimenSheet:
    """The sheet with the pictures' bytes, each read once."""
    wanted = {each.sha256 for office in found.offices for each in _pictures(office)}
    bytes_of = {sha256: await files.get(sha256) for sha256 in sorted(wanted)}
    moment = now.astimezone(IST)
    return SpecimenSheet(
        agency=found.agency_name,
        code=found.agency_code,
        day=_words(found.on),
        made=f"{_words(moment.date())}, {moment:%H:%M} IST",
        dated=moment.date(),
        offices=tuple(_office(office, bytes_of) for office in found.offices),
        mark=Mark.DEMONSTRATION if demo else Mark.NONE,
    )


def _pictures(office: OfficeSpecimens) -> Sequence[Picture]:
    return [*office.stamps, *(picture for hand in office.officers for picture in hand.pictures)]


def _office(office: OfficeSpecimens, bytes_of: dict[str, bytes]) -> SheetOffice:
    lines = [line.strip().rstrip(",") for line in office.address.splitlines()]
    place = ", ".join(filter(None, [*lines, office.city if office.city not in office.address else ""]))
    return SheetOffice(
        name=f"{office.name} ({office.code})",
        place=place,
        stamps=tuple(_shown(stamp, bytes_of) for stamp in office.stamps),
        officers=tuple(
            SheetHand(hand.name, hand.designation, tuple(_shown(each, bytes_of) for each in hand.pictures)) for hand in office.officers
        ),
    )


def _shown(picture: Picture, bytes_of: dict[str, bytes]) -> SheetPicture:
    until = f"until {_moment(picture.until_at)}" if picture.until_at else ""
    since = _moment(picture.from_at) if until and ist_day(picture.from_at) == ist_day(picture.until_at or picture.from_at) else None
    return SheetPicture(bytes_of[picture.sha256], f"from {since or _words(ist_day(picture.from_at))}", until)


def _words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _moment(moment: datetime) -> str:
    here = moment.astimezone(IST)
    return f"{_words(here.date())}, {here:%H:%M} IST"
