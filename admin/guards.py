"""Who may enter: the API opens to a valid bearer key and never to a cookie; a page takes nothing but its own forms."""

from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection, Request
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler

from admin.csrf import FIELD
from admin.parts import parts_of, site_of
from engine.errors import Forbidden
from engine.people import Caller, who_calls

__all__ = ["caller_of", "optional_caller", "require_key", "require_own_form"]

_LONGEST = 200
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def require_key(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The guard of the API: raises 401 unless a valid key came as `Authorization: Bearer`."""
    caller = await optional_caller(connection)
    if caller is None:
        raise NotAuthorizedException(headers={"WWW-Authenticate": 'Bearer realm="ecoo"'})
    connection.scope["state"]["caller"] = caller


async def optional_caller(connection: ASGIConnection[Any, Any, Any, Any]) -> Caller | None:
    """Who calls, or None for a stranger. Raises 401 for a key that is sent and not valid."""
    header = next((value for name, value in connection.scope["headers"] if name == b"authorization"), None)
    if header is None:
        return None
    scheme, _, key = header.decode("latin-1").partition(" ")
    key = key.strip()
    caller = None
    if scheme.lower() == "bearer" and 0 < len(key) <= _LONGEST:
        at = site_of(connection).clock.now()
        caller = await who_calls(key, at)
        if caller is not None:
            parts_of(connection).uses.note(caller, at)
    if caller is None:
        raise NotAuthorizedException(headers={"WWW-Authenticate": 'Bearer realm="ecoo", error="invalid_token"'})
    return caller


def caller_of(request: Request[Any, Any, Any]) -> Caller:
    """The holder of the key that the guard let in."""
    caller: Caller = request.scope["state"]["caller"]
    return caller


async def require_own_form(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The guard of all pages: an unsafe request must be one of our own forms, sent from here. Raises Forbidden."""
    if connection.scope.get("method", "GET") in _SAFE:
        return
    _require_own_origin(connection)
    seal = parts_of(connection).seal
    try:
        sent = (await _request(connection).form()).get(FIELD)
    except (ValueError, LookupError) as error:  # bytes that are no text, or a set of characters that nobody knows
        raise Forbidden("This form cannot be read. Load the page again and send it once more.", code="form_seal") from error
    known = connection.cookies.get(seal.cookie_name)
    if not (seal.is_ours(sent) and seal.is_ours(known) and sent == known):
        raise Forbidden("This form was not opened here, or was open too long. Load the page again and send it once more.", code="form_seal")


def _host_of(origin: str) -> str:
    """The host of an origin; one that cannot be read has none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _request(connection: ASGIConnection[Any, Any, Any, Any]) -> Request[Any, Any, Any]:
    """Litestar hands a guard the request itself, under the wider type."""
    if not isinstance(connection, Request):
        raise Forbidden("This address takes forms only.", code="form_seal")
    return connection


def _require_own_origin(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    origin = connection.headers.get("origin")
    foreign = origin is not None and _host_of(origin) != connection.headers.get("host", "").lower()
    if foreign or connection.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        raise Forbidden("This form was sent from another site. Open the page here and send it again.", code="foreign_origin")
