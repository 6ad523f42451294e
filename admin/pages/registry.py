"""Exporters sign in with DGFT: the way to the registry and back, for signing in and for proving oneself once more.

What was begun travels sealed in a cookie of this browser; the answer counts once, and in the browser that asked alone.
"""

import hmac
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.datastructures import Cookie
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery
from litestar.response import Redirect, Response

from admin.pages.rendering import page
from admin.pages.sign_in import HOME, count, next_step
from admin.parts import parts_of, site_of
from admin.persons import SignInFirst, device_of, go, own_path, whoever
from engine.errors import ConfigError, EngineError, Forbidden, NotFound, Refused, TooMany, Unavailable, Untrusted
from engine.people.access import Entered, end
from engine.people.dgft import GOOD_FOR, Begun, Identity
from engine.people.firms.entering import enter_by_registry, prove_by_registry, use_answer
from engine.people.firms.keeping import Dgft

__all__ = ["HANDLERS"]

_PURPOSE = "sign-in at the registry"
_MOST_COOKIE = 4000
_STATUS: tuple[tuple[type[EngineError], int], ...] = ((Unavailable, 503), (Untrusted, 400), (Forbidden, 403), (Refused, 422))


class _Kept(msgspec.Struct, frozen=True):
    """What the cookie remembers: what was begun, and the session that is to be proved, if that is what it is for."""

    begun: Begun
    session: UUID | None = None


@get("/sign-in/registry", include_in_schema=False)
async def begin(request: Request[Any, Any, Any], next: FromQuery[str] = "", prove: FromQuery[str] = "") -> Response[Any]:
    """Leads to DGFT. With `prove` it asks there for a fresh sign-in of the person who is signed in here."""
    count(request, "sign_in")
    dgft, person = _dgft(request), whoever(request)
    if prove and (person is None or not person.whole):
        raise SignInFirst("")
    fresh: dict[str, Any] = {"fresh_s": 0, "prompt": "login"} if prove else {}
    try:
        begun = await _begun(dgft, own_path(next) or HOME, fresh)
    except EngineError as error:
        return _told(request, error)
    kept = _Kept(replace(begun, url=""), person.session_id if prove and person else None)
    sealed = site_of(request).secrets.seal(msgspec.json.encode(kept).decode(), purpose=_PURPOSE)
    return Redirect(begun.url, status_code=303, cookies=[_cookie(request, sealed)])


@get("/sign-in/registry/return", include_in_schema=False)
async def answered(request: Request[Any, Any, Any]) -> Response[Any]:
    """Takes what DGFT answered: the person is signed in, or proved, or told why not."""
    count(request, "sign_in")
    dgft, site = _dgft(request), site_of(request)
    kept = _kept(request)
    if kept is None:
        say = "This browser began no sign-in at DGFT, or it took longer than ten minutes. Nobody was signed in; begin again."
        return _told(request, Refused(say, code="registry_not_begun"))
    try:
        identity = await _identity(request, dgft, kept.begun)
        done = await (_prove(request, kept, identity) if kept.session else _enter(request, dgft, identity))
    except EngineError as error:
        return _told(request, error)
    answer = go(request, next_step(done.stage, own_path(kept.begun.return_to)), done.token)
    answer.cookies.append(_cookie(request, ""))
    if not kept.session and (person := whoever(request)):  # the browser's old session does not live on unseen
        with suppress(NotFound):  # it may have ended when the account was linked
            await end(person, person.session_id, at=site.clock.now())
    return answer


HANDLERS = [begin, answered]


async def _begun(dgft: Dgft, path: str, fresh: dict[str, Any]) -> Begun:
    try:
        return await dgft.provider.begin(path, **fresh)
    except Refused:  # a path that some browser could take for another site: there are stranger ones than own_path knows
        return await dgft.provider.begin(HOME, **fresh)


async def _identity(request: Request[Any, Any, Any], dgft: Dgft, begun: Begun) -> Identity:
    """The person whom the registry proved to this browser. Raises what it is that the answer lacks."""
    told = {name: request.query_params.get(name, "") for name in ("code", "state", "error")}
    iss = request.query_params.get("iss")
    if hmac.compare_digest(told["state"].encode("utf-8", "replace"), begun.state.encode()):  # a foreign answer uses nothing up
        await use_answer(begun.once_key, site_of(request).clock.now())
    if told["error"]:
        raise await dgft.provider.turned_back(begun, told["error"], told["state"], iss)
    return await dgft.provider.finish(begun, told["code"], told["state"], iss)


async def _enter(request: Request[Any, Any, Any], dgft: Dgft, identity: Identity) -> Entered:
    site = site_of(request)
    asked_at = site.clock.now()
    profiles = await dgft.profiles.profiles_of(identity)
    return await enter_by_registry(
        identity,
        profiles,
        asked_at=asked_at,
        again_in=dgft.settings.sync_every,
        device=device_of(request),
        limits=site.config.access,
        box=site.secrets,
        at=site.clock.now(),
    )


async def _prove(request: Request[Any, Any, Any], kept: _Kept, identity: Identity) -> Entered:
    site, person = site_of(request), whoever(request)
    if person is None or person.session_id != kept.session:
        raise Forbidden("The session that was to be proved ended meanwhile. Sign in again.", code="stage")
    return await prove_by_registry(person, identity, device=device_of(request), limits=site.config.access, at=site.clock.now())


def _told(request: Request[Any, Any, Any], error: EngineError) -> Response[Any]:
    """Why nobody was signed in, and what to do. What only the operator can mend is not told here."""
    if isinstance(error, ConfigError | TooMany):
        raise error
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    dgft = _dgft(request)
    return page(request, "registry.html", status=status, say=error.say, code=error.code, help_url=dgft.settings.help_url)


def _dgft(request: Request[Any, Any, Any]) -> Dgft:
    dgft = parts_of(request).dgft
    if dgft is None:
        raise NotFoundException
    return dgft


def _kept(request: Request[Any, Any, Any]) -> _Kept | None:
    """What this browser began; None for no cookie, or one that is not ours, whatever is in it."""
    sealed = request.cookies.get(_cookie_name(request), "")
    if not 0 < len(sealed) <= _MOST_COOKIE:
        return None
    try:
        return msgspec.json.decode(site_of(request).secrets.unseal(sealed, purpose=_PURPOSE), type=_Kept)
    except (Untrusted, msgspec.MsgspecError, ValueError):
        return None


def _cookie(request: Request[Any, Any, Any], sealed: str) -> Cookie:
    """Lax, for the answer comes from another site; `__Host-` wants the whole site as its path, and keeps other hosts from setting it."""
    most = int((GOOD_FOR + timedelta(minutes=1)).total_seconds()) if sealed else 0
    tls = parts_of(request).seal.tls
    path = "/" if tls else "/sign-in/registry"
    return Cookie(key=_cookie_name(request), value=sealed, path=path, secure=tls, httponly=True, samesite="lax", max_age=most)


def _cookie_name(request: Request[Any, Any, Any]) -> str:
    return "__Host-registry" if parts_of(request).seal.tls else "registry"
