"""Sign in: e-mail address and password, then a code; for who signs or administers, setting the second factor up first.

What was typed is kept, but no password and no code; every step has a session token of its own.
"""

from typing import Any
from urllib.parse import quote, urlsplit

import segno
from litestar import Request, get, post
from litestar.params import FromQuery
from litestar.response import Response
from markupsafe import Markup

from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import count_by_address, parts_of, site_of
from admin.persons import SignInFirst, device_of, go, own_path, person_of, whoever, with_session
from engine.errors import Forbidden, Refused, Untrusted
from engine.people.access import (
    Factor,
    Principal,
    Stage,
    begin_factor,
    confirm_factor,
    end,
    enter,
    may_set_factor,
    second_factor,
    shown_factor,
)

__all__ = ["code_form", "count", "enter_code", "enter_password", "factor_form", "form", "next_step", "set_factor", "sign_out"]

_PER_MINUTE = 20
HOME = "/dashboard"
_PROVE = "/account/prove?next=/sign-in/factor"
_STEPS = {Stage.CODE: "/sign-in/code", Stage.SETTING_UP: "/sign-in/factor", Stage.WHOLE: HOME}


def count(request: Request[Any, Any, Any], name: str) -> None:
    """Counts a try of this address; raises TooMany. Nothing counts for everybody together: a stranger could close the door for all."""
    count_by_address(request, name, _PER_MINUTE)


@get("/sign-in", include_in_schema=False)
async def form(request: Request[Any, Any, Any], next: FromQuery[str] = "") -> Response[Any]:
    """The first step; who is signed in already goes on."""
    person = whoever(request)
    if person is not None and person.whole:
        return go(request, own_path(next) or HOME)
    return _form(request, own_path(next), chosen="chosen" in request.query_params)


@post("/sign-in", status_code=200, include_in_schema=False)
async def enter_password(request: Request[Any, Any, Any]) -> Response[Any]:
    """Takes address and password, and leads to the next step."""
    count(request, "sign_in")
    told = await sent(request, "email", "password", "next")
    site, back = site_of(request), own_path(told["next"])
    try:
        done = await enter(
            told["email"][:254],
            told["password"],
            box=site.secrets,
            device=device_of(request),
            limits=site.config.access,
            at=site.clock.now(),
        )
    except Refused as refusal:
        return _form(request, back, email=told["email"][:254], wrong={"password": refusal.say})
    if person := whoever(request):  # the browser's old session does not live on unseen
        await end(person, person.session_id, at=site.clock.now())
    return go(request, next_step(done.stage, back), done.token)


@get("/sign-in/code", include_in_schema=False)
async def code_form(request: Request[Any, Any, Any], next: FromQuery[str] = "") -> Response[Any]:
    """The second step."""
    _in_stage(request, Stage.CODE)
    return page(request, "sign_in_code.html", form=True, next=own_path(next), wrong={})


@post("/sign-in/code", status_code=200, include_in_schema=False)
async def enter_code(request: Request[Any, Any, Any]) -> Response[Any]:
    """Takes a code of the app, or a recovery code."""
    person = _in_stage(request, Stage.CODE)
    count(request, "sign_in_code")
    told, site = await sent(request, "code", "next"), site_of(request)
    try:
        done = await second_factor(
            person, told["code"][:80], box=site.secrets, device=device_of(request), limits=site.config.access, at=site.clock.now()
        )
    except Refused as refusal:
        return page(request, "sign_in_code.html", status=422, form=True, next=own_path(told["next"]), wrong={"code": refusal.say})
    back = own_path(told["next"])
    if done.by_recovery_code:  # the phone is gone: first of all another app
        return go(request, "/account?recovered=1" + (f"&next={quote(back, safe='/')}" if back else ""), done.token)
    return go(request, back or HOME, done.token)


@get("/sign-in/factor", include_in_schema=False)
async def factor_form(request: Request[Any, Any, Any], next: FromQuery[str] = "") -> Response[Any]:
    """A fresh secret to put into an authenticator app."""
    person, site = _may_set_up(request), site_of(request)
    if not may_set_factor(person, limits=site.config.access, at=site.clock.now()):
        return go(request, _PROVE)
    factor, sealed = begin_factor(person, host=_host(request), box=site.secrets)
    return _factor(request, factor, sealed, back=own_path(next))


@post("/sign-in/factor", status_code=200, include_in_schema=False)
async def set_factor(request: Request[Any, Any, Any]) -> Response[Any]:
    """Takes the first code of the new secret; shows the recovery codes, this once."""
    person, site = _may_set_up(request), site_of(request)
    count(request, "sign_in_code")
    told = await sent(request, "code", "sealed", "next")
    back = own_path(told["next"])
    try:
        done, codes = await confirm_factor(
            person,
            told["sealed"],
            told["code"][:80],
            box=site.secrets,
            device=device_of(request),
            limits=site.config.access,
            at=site.clock.now(),
        )
    except Forbidden:
        return go(request, _PROVE)
    except Untrusted:
        return go(request, "/sign-in/factor")
    except Refused as refusal:
        factor = shown_factor(person, told["sealed"], host=_host(request), box=site.secrets)
        return _factor(request, factor, told["sealed"], back=back, wrong={"code": refusal.say})
    shown = page(request, "recovery_codes.html", codes=codes, next=back or HOME)
    return with_session(request, shown, done.token)


@post("/sign-out", status_code=200, include_in_schema=False)
async def sign_out(request: Request[Any, Any, Any]) -> Response[Any]:
    """Ends this session."""
    person = whoever(request)
    if person is not None:
        await end(person, person.session_id, at=site_of(request).clock.now())
    return go(request, "/", "")


def _form(
    request: Request[Any, Any, Any], back: str, *, email: str = "", chosen: bool = False, wrong: dict[str, str] | None = None
) -> Response[Any]:
    words = {
        "email": email,
        "next": back,
        "chosen": chosen,
        "half": _half(request),
        "dgft": parts_of(request).dgft is not None,
        "wrong": wrong or {},
    }
    return page(request, "sign_in.html", status=422 if wrong else 200, form=True, **words)


def _half(request: Request[Any, Any, Any]) -> str:
    """Where a sign-in that was left half-way goes on; empty if there is none."""
    person = whoever(request)
    return _STEPS[person.stage] if person is not None and not person.whole else ""


def _host(request: Request[Any, Any, Any]) -> str:
    """Our host as the app shows it; never what a browser claims."""
    return urlsplit(site_of(request).config.site.public_url).netloc


def _in_stage(request: Request[Any, Any, Any], stage: Stage) -> Principal:
    person = whoever(request)
    if person is None or person.stage is not stage:
        raise SignInFirst("")
    return person


def _may_set_up(request: Request[Any, Any, Any]) -> Principal:
    """Who has no second factor yet, or wants another one; the engine asks the latter for a proof."""
    person = person_of(request)
    if person.stage is Stage.CODE:
        raise SignInFirst("")
    return person


def next_step(stage: Stage, back: str) -> str:
    """Where a sign-in that has come so far goes on; `back` is where the person wanted to go."""
    if stage is Stage.WHOLE:
        return back or HOME
    return _STEPS[stage] + (f"?next={back}" if back else "")


def _factor(
    request: Request[Any, Any, Any], factor: Factor, sealed: str, *, back: str, wrong: dict[str, str] | None = None
) -> Response[Any]:
    grouped = " ".join(factor.secret[start : start + 4] for start in range(0, len(factor.secret), 4))
    picture = segno.make(factor.uri, error="m", micro=False).svg_inline(scale=5, border=4, dark="#000", light="#fff")
    status = 422 if wrong else 200
    words = {"secret": grouped, "uri": factor.uri, "sealed": sealed, "next": back, "wrong": wrong or {}}
    words["picture"] = Markup(picture)  # noqa: S704 - made by segno
    return page(request, "sign_in_factor.html", status=status, form=True, **words)
