"""The person behind a page: their session's cookie, and what a page may ask of them.

The cookie holds a random token and nothing else; it is set at each step of signing in, and never taken from an address
or a form.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from litestar.connection import ASGIConnection, Request
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect, Response

from admin.limits import address_of
from admin.parts import parts_of, site_of
from engine.errors import Forbidden
from engine.people.access import Device, Principal, RoleKind, resume
from engine.people.changes import TYPING

__all__ = [
    "ProveFirst",
    "SignInFirst",
    "acting_as",
    "device_of",
    "go",
    "know_person",
    "own_path",
    "person_of",
    "prove_first",
    "require_fresh",
    "require_person",
    "seems_inside",
    "sign_in_first",
    "whoever",
    "with_session",
]

_LONGEST = 100
_LONGEST_PATH = 400
_ROLE_NAMES = {
    RoleKind.PLATFORM: "the platform's desk",
    RoleKind.ADMINISTRATOR: "an agency's administrators",
    RoleKind.OFFICER: "officers",
    RoleKind.EXPORTER: "an exporter's users",
    RoleKind.BROKER: "a broker's users",
}
_UNASKED = ("/static/", "/health/", "/favicon")


class SignInFirst(Exception):
    """A page for signed-in persons was asked for by a stranger, or by somebody half signed in."""

    def __init__(self, path: str) -> None:
        super().__init__("sign in first")
        self.path = path


class ProveFirst(Exception):
    """A page that leads to a dangerous act was asked for by somebody whose password and code were shown too long ago."""

    def __init__(self, path: str) -> None:
        super().__init__("prove first")
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


def acting_as(*kinds: RoleKind) -> Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]:
    """The guard of pages for persons who act in one of these roles; it stands behind `require_person`. Raises Forbidden."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        person = whoever(connection)
        if person is None or person.role is None or person.role.kind not in kinds:
            wanted = " or ".join(_ROLE_NAMES[kind] for kind in kinds)
            say = f"This page is for {wanted}. If you have that role too, choose it under My account."
            raise Forbidden(say, code="role")

    return guard


async def require_fresh(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """The guard of pages that lead to a dangerous act: password and code were shown a short while ago.

    What such a page sends back may come some minutes later: typing takes its time.
    """
    person, site = whoever(connection), site_of(connection)
    reading = connection.scope.get("method") in {"GET", "HEAD"}
    span = timedelta(minutes=site.config.access.fresh_minutes) + (timedelta() if reading else TYPING)
    if person is None or not person.proved_within(span, site.clock.now()):
        raise ProveFirst(connection.scope["path"] if reading else _form_of(connection))


def _form_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The page that a form was sent from, as the browser says it; only its path counts, and that of a page of ours."""
    return urlsplit(connection.headers.get("referer", "")[:_LONGEST_PATH]).path


def whoever(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal | None:
    """Who is signed in, wholly or half, or None."""
    person: Principal | None = connection.scope["state"].get("person")
    return person


def seems_inside(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Whether somebody is wholly signed in; where nobody was looked up, as at an address that does not exist, whether a session's
    cookie came. It decides which links a page offers, and opens nothing."""
    state, path = connection.scope["state"], connection.scope["path"]
    if "person" in state or path.startswith(("/cb/", *_UNASKED)):
        person = whoever(connection)
        return person is not None and person.whole
    return 0 < len(connection.cookies.get(_cookie_name(connection), "")) <= _LONGEST


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


def prove_first(request: Request[Any, Any, Any], error: ProveFirst) -> Response[Any]:
    """Leads to the page that asks for password and code, and from there back to where the person wanted to go."""
    back = f"?next={quote(error.path, safe='/')}" if own_path(error.path) else ""
    return Redirect(f"/account/prove{back}", status_code=303)


def own_path(path: str) -> str:
    """The path if it leads to a page of this site, else nothing: no address of somebody else's is followed after signing in."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    return path if plain and len(path) <= 200 and "\\" not in path else ""


def _cookie(request: Request[Any, Any, Any], token: str) -> Cookie:
    tls = parts_of(request).seal.tls
    return Cookie(key=_cookie_name(request), value=token, path="/", secure=tls, httponly=True, samesite="lax", max_age=None if token else 0)


def _cookie_name(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    return "__Host-session" if parts_of(connection).seal.tls else "session"
