"""The person behind a page: their session's cookie, and what a page may ask of them.

The cookie holds a random token and nothing else; it is set at each step of signing in, and never taken from an address
or a form.
"""

from typing import Any
from urllib.parse import quote

from litestar.connection import ASGIConnection, Request
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect, Response

from admin.limits import address_of
from admin.parts import parts_of, site_of
from engine.people.access import Device, Principal, resume

__all__ = [
    "SignInFirst",
    "device_of",
    "go",
    "know_person",
    "own_path",
    "person_of",
    "require_person",
    "sign_in_first",
    "whoever",
    "with_session",
]

_LONGEST = 100
_UNASKED = ("/static/", "/health/", "/favicon")


class SignInFirst(Exception):
    """A page for signed-in persons was asked for by a stranger, or by somebody half signed in."""

    def __init__(self, path: str) -> None:
        super().__init__("sign in first")
        self.path = path


async def know_person(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The guard of all pages: puts whoever is signed in, wholly or half, into the request."""
    path = connection.scope["path"]
    token = connection.cookies.get(_cookie_name(connection), "")
    person = None
    if 0 < len(token) <= _LONGEST and not path.startswith(_UNASKED):
        site = site_of(connection)
        person = await resume(token, limits=site.config.access, at=site.clock.now())
    connection.scope["state"]["person"] = person


async def require_person(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The guard of pages for signed-in persons."""
    person = whoever(connection)
    if person is None or not person.whole:
        raise SignInFirst(connection.scope["path"] if connection.scope.get("method") == "GET" else "")


def whoever(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal | None:
    """Who is signed in, wholly or half, or None."""
    person: Principal | None = connection.scope["state"].get("person")
    return person


def person_of(request: Request[Any, Any, Any]) -> Principal:
    """The signed-in person that the guard let in."""
    person = whoever(request)
    if person is None:
        raise SignInFirst("")
    return person


def device_of(request: Request[Any, Any, Any]) -> Device:
    """What the request came from, as the person may recognise it later."""
    return Device(request.headers.get("user-agent", "")[:200], address_of(request))


def go(request: Request[Any, Any, Any], path: str, token: str | None = None) -> Response[Any]:
    """Leads to a page of ours; with a token, under that session from now on; with an empty one, under none."""
    cookies = [] if token is None else [_cookie(request, token)]
    return Redirect(path, status_code=303, cookies=cookies)


def with_session(request: Request[Any, Any, Any], answer: Response[Any], token: str) -> Response[Any]:
    """The same answer, with the cookie of a session."""
    answer.cookies.append(_cookie(request, token))
    return answer


def sign_in_first(request: Request[Any, Any, Any], error: SignInFirst) -> Response[Any]:
    """Leads a stranger to the sign-in page, and from there back to where they wanted to go."""
    back = f"?next={quote(error.path, safe='/')}" if own_path(error.path) else ""
    return Redirect(f"/sign-in{back}", status_code=303)


def own_path(path: str) -> str:
    """The path if it leads to a page of this site, else nothing: no address of somebody else's is followed after signing in."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    return path if plain and len(path) <= 200 and "\\" not in path else ""


def _cookie(request: Request[Any, Any, Any], token: str) -> Cookie:
    tls = parts_of(request).seal.tls
    return Cookie(key=_cookie_name(request), value=token, path="/", secure=tls, httponly=True, samesite="lax", max_age=None if token else 0)


def _cookie_name(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    return "__Host-session" if parts_of(connection).seal.tls else "session"
