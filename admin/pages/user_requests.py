"""User Management: the requests of an agency's officers, which its administrators decide."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import Conflict, NotFound, Refused
from engine.people.joining.deciding import approve_officer, count_requests, reject_request, request_of, requests_of
from engine.people.paging import pages_for

__all__ = ["HANDLERS"]


@get("/", include_in_schema=False)
async def listed(request: Request[Any, Any, Any], at: FromQuery[int] = 1) -> Response[Any]:
    """Who waits, the longest first."""
    scope, number = person_of(request).scope, min(max(at, 1), 10_000)
    count = await count_requests(scope)
    waiting = await requests_of(scope, page=number)
    return page(request, "user_requests.html", waiting=waiting, count=count, at=number, pages=pages_for(count))


@get("/{request_id:uuid}", guards=[require_fresh], include_in_schema=False)
async def one(request: Request[Any, Any, Any], request_id: FromPath[UUID]) -> Response[Any]:
    """One request, with what decides it."""
    return await _one(request, request_id)


@post("/{request_id:uuid}/approve", guards=[require_fresh], status_code=200, include_in_schema=False)
async def approved(request: Request[Any, Any, Any], request_id: FromPath[UUID]) -> Response[Any]:
    """Makes the person an officer, mapped to the office that they asked for."""
    site, person = site_of(request), person_of(request)
    try:
        await approve_officer(
            person.scope, request_id, box=site.secrets, base=site.config.site.public_url, actor=person.actor, at=site.clock.now()
        )
    except (NotFound, Conflict):
        raise
    except Refused as refusal:
        return await _one(request, request_id, wrong={"approve": refusal.say})
    return go(request, f"/users/requests/{request_id}")


@post("/{request_id:uuid}/reject", guards=[require_fresh], status_code=200, include_in_schema=False)
async def rejected(request: Request[Any, Any, Any], request_id: FromPath[UUID]) -> Response[Any]:
    """Rejects it with a reason, which is mailed."""
    site, person, told = site_of(request), person_of(request), await sent(request, "reason")
    await request_of(person.scope, request_id)
    try:
        await reject_request(person.scope, request_id, told["reason"], box=site.secrets, actor=person.actor, at=site.clock.now())
    except (NotFound, Conflict):
        raise
    except Refused as refusal:
        return await _one(request, request_id, reason=told["reason"], wrong={"reason": refusal.say})
    return go(request, f"/users/requests/{request_id}")


HANDLERS = [listed, one, approved, rejected]


async def _one(request: Request[Any, Any, Any], id: UUID, *, reason: str = "", wrong: dict[str, str] | None = None) -> Response[Any]:
    found = await request_of(person_of(request).scope, id)
    return page(request, "user_request.html", status=422 if wrong else 200, form=True, found=found, reason=reason, wrong=wrong or {})
