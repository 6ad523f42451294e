"""The platform's desk: everybody's accounts, closing one, and opening it again."""

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
from engine.people.accounts.closing import close_account, open_account_again
from engine.people.accounts.reading import account_record, search_accounts
from engine.people.paging import pages_for

__all__ = ["HANDLERS"]

_LONGEST = 100


@get("/accounts", include_in_schema=False)
async def listed(request: Request[Any, Any, Any], q: FromQuery[str] = "", at: FromQuery[int] = 1) -> Response[Any]:
    """The accounts, searched by name and address."""
    number, words = min(max(at, 1), 10_000), q[:_LONGEST]
    found, count = await search_accounts(person_of(request).scope, words, page=number)
    return page(request, "desk_accounts.html", found=found, count=count, q=words, at=number, pages=pages_for(count))


@get("/accounts/{holder:uuid}", guards=[require_fresh], include_in_schema=False)
async def one(request: Request[Any, Any, Any], holder: FromPath[UUID]) -> Response[Any]:
    """One account, and the form that closes it or opens it again."""
    return await _one(request, holder)


@post("/accounts/{holder:uuid}/close", guards=[require_fresh], status_code=200, include_in_schema=False)
async def closed(request: Request[Any, Any, Any], holder: FromPath[UUID]) -> Response[Any]:
    """Closes it for a reason."""
    site, told = site_of(request), await sent(request, "reason")
    try:
        await close_account(person_of(request), holder, told["reason"], limits=site.config.access, box=site.secrets, at=site.clock.now())
    except Refused as refusal:
        if refusal.box != "reason":
            raise
        return await _one(request, holder, reason=told["reason"], wrong={"reason": refusal.say})
    return go(request, f"/desk/accounts/{holder}")


@post("/accounts/{holder:uuid}/open", guards=[require_fresh], status_code=200, include_in_schema=False)
async def opened(request: Request[Any, Any, Any], holder: FromPath[UUID]) -> Response[Any]:
    """Opens it again."""
    site = site_of(request)
    await open_account_again(person_of(request), holder, limits=site.config.access, box=site.secrets, at=site.clock.now())
    return go(request, f"/desk/accounts/{holder}")


HANDLERS = [listed, one, closed, opened]


async def _one(request: Request[Any, Any, Any], id: UUID, *, reason: str = "", wrong: dict[str, str] | None = None) -> Response[Any]:
    found = await account_record(person_of(request).scope, id, site_of(request).clock.now())
    return page(request, "desk_account.html", status=422 if wrong else 200, form=True, found=found, reason=reason, wrong=wrong or {})
