"""Where gateways answer: the payer's browser that comes back, and the gateway's server that tells. `/cb/pay/...`

No cookie, no form of ours, any content type: the bytes go on as they came, and are believed for their signature alone. A browser
is led to its order's page whatever it brings, for a payment that failed or was given up is often told by nobody's signature: the
page says how the try stands, by what was proved alone, and shows nothing to whoever may not see it. What is sent here never answers
with a fault of ours.
"""

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Router, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Redirect, Response

from admin.limits import address_of
from admin.pages.rendering import page
from admin.parts import parts_of, site_of
from engine.contracts.signing import RawCallback
from engine.errors import NotFound
from engine.money.orders import order_by_id
from engine.money.paying import hear_notice, hear_return
from engine.scope import PLATFORM

__all__ = ["CALLBACKS", "MOST_BYTES"]

MOST_BYTES = 64 * 1024
_MOST_RETURNS = 60  # a minute and address
_MOST_NOTICES = 600  # a gateway's servers have few addresses
_WHOLE_S = 20.0  # for a message to be here; both send theirs in one go


@get("/{gateway:str}/r/{token:str}", include_in_schema=False)
async def came_back(request: Request[Any, Any, Any], gateway: FromPath[str], token: FromPath[str]) -> Response[Any]:
    """The payer's browser, with what the gateway gave it in the address, or with nothing."""
    _count(request, "pay_return", _MOST_RETURNS)
    return await _returned(request, gateway, token, b"")


@post("/{gateway:str}/r/{token:str}", status_code=200, include_in_schema=False, request_max_body_size=MOST_BYTES)
async def came_back_with_form(request: Request[Any, Any, Any], gateway: FromPath[str], token: FromPath[str]) -> Response[Any]:
    """The payer's browser, with the form that the gateway made it send."""
    _count(request, "pay_return", _MOST_RETURNS)
    return await _returned(request, gateway, token, await _whole(request))


@post("/{gateway:str}/s/{account:str}", status_code=200, include_in_schema=False, request_max_body_size=MOST_BYTES)
async def told(request: Request[Any, Any, Any], gateway: FromPath[str], account: FromPath[str]) -> Response[Any]:
    """The gateway's server, which hears in its own words that it was stored, or refused."""
    _count(request, "pay_notice", _MOST_NOTICES)
    raw = _raw(request, await _whole(request))
    cashier, address = site_of(request).cashier(), address_of(request)
    heard = await hear_notice(gateway, account, raw, cashier=cashier, address=address, at=raw.received_at)
    assert heard.reply is not None  # noqa: S101  # every notice is answered
    return Response(heard.reply.body, status_code=heard.reply.status, media_type=heard.reply.media_type)


async def _returned(request: Request[Any, Any, Any], gateway: str, token: str, body: bytes) -> Response[Any]:
    raw, cashier, address = _raw(request, body), site_of(request).cashier(), address_of(request)
    try:
        heard = await hear_return(token, raw, cashier=cashier, gateway=gateway, address=address, at=raw.received_at)
    except NotFound as error:
        return page(request, "error.html", status=HTTPStatus.NOT_FOUND, title="Nothing here", error=error)
    assert heard.order_id is not None  # noqa: S101  # a token is a try's, and a try an order's
    order = await order_by_id(PLATFORM, heard.order_id)
    return Redirect(f"/payments/{order.reference}", status_code=303)


def _count(request: Request[Any, Any, Any], name: str, most: int) -> None:
    """Counts the address before anything of its message is read."""
    parts_of(request).limits.hit(name, address_of(request), most)


async def _whole(request: Request[Any, Any, Any]) -> bytes:
    """The body, once all of it is here; 408 for one that does not come to its end: half a message holds nothing open for long."""
    try:
        async with asyncio.timeout(_WHOLE_S):
            return await request.body()
    except TimeoutError:
        raise HTTPException(status_code=HTTPStatus.REQUEST_TIMEOUT) from None


def _raw(request: Request[Any, Any, Any], body: bytes) -> RawCallback:
    """The message as it came. Of a name that is there twice in the address the first counts, as gateways sign one."""
    query: dict[str, str] = {}
    for name, value in parse_qsl(
        request.scope["query_string"].decode("latin-1"), keep_blank_values=True, errors="replace", max_num_fields=None
    ):
        query.setdefault(name, value)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.scope["headers"]}
    return RawCallback(request.method, headers, query, body, site_of(request).clock.now())


CALLBACKS = Router("/cb/pay", route_handlers=[came_back, came_back_with_form, told], include_in_schema=False)
