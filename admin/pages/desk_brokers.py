"""The platform's desk: brokers, and closing one."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import Refused
from engine.people.firms.closing import broker_record, close_broker, open_broker_again, search_brokers
from engine.people.paging import pages_for

__all__ = ["HANDLERS"]

_LONGEST = 100


@get("/brokers", include_in_schema=False)
async def listed(request: Request[Any, Any, Any], q: FromQuery[str] = "", at: FromQuery[int] = 1) -> Response[Any]:
    """The brokers, searched by name, code and licence."""
    number, words = min(max(at, 1), 10_000), q[:_LONGEST]
    found, count = await search_brokers(person_of(request).scope, words, page=number)
    return page(request, "desk_brokers.html", found=found, count=count, q=words, at=number, pages=pages_for(count))


@get("/brokers/{broker:uuid}", guards=[require_fresh], include_in_schema=False)
async def one(request: Request[Any, Any, Any], broker: FromPath[UUID]) -> Response[Any]:
    """One broker, and the form that closes it or opens it again."""
    return await _one(request, broker)


@post("/brokers/{broker:uuid}/close", guards=[require_fresh], status_code=200, include_in_schema=False)
async def closed(request: Request[Any, Any, Any], broker: FromPath[UUID]) -> Response[Any]:
    """Closes it for a reason."""
    site, person, told = site_of(request), person_of(request), await sent(request, "reason")
    try:
        await close_broker(person.scope, broker, told["reason"], box=site.secrets, actor=person.actor, at=site.clock.now())
    except Refused as refusal:
        if refusal.box != "reason":
            raise
        return await _one(request, broker, reason=told["reason"], wrong={"reason": refusal.say})
    return go(request, f"/desk/brokers/{broker}")


@post("/brokers/{broker:uuid}/open", guards=[require_fresh], status_code=200, include_in_schema=False)
async def opened(request: Request[Any, Any, Any], broker: FromPath[UUID]) -> Response[Any]:
    """Opens it again."""
    site, person = site_of(request), person_of(request)
    await open_broker_again(person.scope, broker, box=site.secrets, actor=person.actor, at=site.clock.now())
    return go(request, f"/desk/brokers/{broker}")


HANDLERS = [listed, one, closed, opened]


async def _one(request: Request[Any, Any, Any], id: UUID, *, reason: str = "", wrong: dict[str, str] | None = None) -> Response[Any]:
    found = await broker_record(person_of(request).scope, id)
    return page(request, "desk_broker.html", status=422 if wrong else 200, form=True, broker=found, reason=reason, wrong=wrong or {})
