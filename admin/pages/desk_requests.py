"""The platform's desk: administrators and brokers who wait to be activated, with the letter beside what the register records."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.clock import ist_day
from engine.errors import Conflict, NotFound, Refused
from engine.people.agencies.registered import agency_record
from engine.people.joining.deciding import (
    approve_administrator,
    approve_broker,
    count_requests,
    reject_request,
    request_of,
    requests_of,
)
from engine.people.joining.tables import Applicant
from engine.people.paging import pages_for

__all__ = ["HANDLERS"]

_SUFFIXES = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
# A stranger's file: nothing in it runs, loads or links, also where a browser would show it as a page.
_STRANGERS = {"content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'", "cache-control": "private, no-store"}


@get("/", include_in_schema=False)
async def desk(request: Request[Any, Any, Any]) -> Response[Any]:
    """The desk begins with what waits."""
    return go(request, "/desk/requests")


@get("/requests", include_in_schema=False)
async def listed(request: Request[Any, Any, Any], at: FromQuery[int] = 1) -> Response[Any]:
    """Who waits, the longest first."""
    scope, number = person_of(request).scope, min(max(at, 1), 10_000)
    count = await count_requests(scope)
    waiting = await requests_of(scope, page=number)
    return page(request, "desk_requests.html", waiting=waiting, count=count, at=number, pages=pages_for(count))


@get("/requests/{registration:uuid}", guards=[require_fresh], include_in_schema=False)
async def one(request: Request[Any, Any, Any], registration: FromPath[UUID]) -> Response[Any]:
    """One request, with its letter beside what is recorded of the agency."""
    return await _one(request, registration)


@get("/requests/{registration:uuid}/letter", include_in_schema=False)
async def letter(request: Request[Any, Any, Any], registration: FromPath[UUID]) -> Response[Any]:
    """The letter as a download."""
    data, media_type = await _letter(request, registration)
    name = f"letter-{str(registration)[:8]}.{_SUFFIXES[media_type]}"
    return Response(data, media_type=media_type, headers={**_STRANGERS, "content-disposition": f'attachment; filename="{name}"'})


@get("/requests/{registration:uuid}/picture", include_in_schema=False)
async def picture(request: Request[Any, Any, Any], registration: FromPath[UUID]) -> Response[Any]:
    """The letter as a picture in the page, if it is one."""
    data, media_type = await _letter(request, registration)
    if not media_type.startswith("image/"):
        raise _no_letter()
    return Response(data, media_type=media_type, headers=_STRANGERS)


@post("/requests/{registration:uuid}/approve", guards=[require_fresh], status_code=200, include_in_schema=False)
async def approved(request: Request[Any, Any, Any], registration: FromPath[UUID]) -> Response[Any]:
    """Activates the administrator, or opens the broker's firm."""
    site, person = site_of(request), person_of(request)
    found = await request_of(person.scope, registration)
    deed = approve_broker if found.role is Applicant.BROKER else approve_administrator
    try:
        await deed(person.scope, registration, box=site.secrets, base=site.config.site.public_url, actor=person.actor, at=site.clock.now())
    except (NotFound, Conflict) as error:
        if error.code == "registration":
            raise
        return await _one(request, registration, wrong={"approve": error.say})
    except Refused as refusal:
        return await _one(request, registration, wrong={"approve": refusal.say})
    return go(request, f"/desk/requests/{registration}")


@post("/requests/{registration:uuid}/reject", guards=[require_fresh], status_code=200, include_in_schema=False)
async def rejected(request: Request[Any, Any, Any], registration: FromPath[UUID]) -> Response[Any]:
    """Rejects it with a reason, which is mailed."""
    site, person, told = site_of(request), person_of(request), await sent(request, "reason")
    await request_of(person.scope, registration)
    try:
        await reject_request(person.scope, registration, told["reason"], box=site.secrets, actor=person.actor, at=site.clock.now())
    except (NotFound, Conflict):
        raise
    except Refused as refusal:
        return await _one(request, registration, reason=told["reason"], wrong={"reason": refusal.say})
    return go(request, f"/desk/requests/{registration}")


HANDLERS = [desk, listed, one, letter, picture, approved, rejected]


async def _one(request: Request[Any, Any, Any], id: UUID, *, reason: str = "", wrong: dict[str, str] | None = None) -> Response[Any]:
    scope, today = person_of(request).scope, ist_day(site_of(request).clock.now())
    found = await request_of(scope, id)
    record = await agency_record(scope, found.agency_id, today) if found.agency_id else None
    return page(
        request, "desk_request.html", status=422 if wrong else 200, form=True, found=found, record=record, reason=reason, wrong=wrong or {}
    )


async def _letter(request: Request[Any, Any, Any], id: UUID) -> tuple[bytes, str]:
    found = await request_of(person_of(request).scope, id)
    if not found.letter_sha256 or found.letter_type not in _SUFFIXES:
        raise _no_letter()
    return await site_of(request).files.get(found.letter_sha256), found.letter_type


def _no_letter() -> NotFound:
    return NotFound("There is no such letter.", code="letter")
