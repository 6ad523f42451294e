"""A person's own account: the role they act in, their sessions, their password and second factor."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.pages.sign_in import count
from admin.parts import site_of
from admin.persons import SignInFirst, device_of, go, own_path, person_of
from engine.errors import Forbidden, Refused
from engine.people.access import act_as, change_password, end, prove, recovery_codes_left, sessions_of

__all__ = ["HANDLERS"]


@get("/", include_in_schema=False)
async def overview(request: Request[Any, Any, Any]) -> Response[Any]:
    """Everything about the person's way in."""
    return await _overview(request)


@post("/role", status_code=200, include_in_schema=False)
async def choose_role(request: Request[Any, Any, Any]) -> Response[Any]:
    """Acts in another of the person's roles."""
    told, site = await sent(request, "role"), site_of(request)
    token = await act_as(person_of(request), told["role"][:60], device=device_of(request), at=site.clock.now())
    return go(request, "/account", token)


@post("/sessions/{session:uuid}/end", status_code=200, include_in_schema=False)
async def end_session(request: Request[Any, Any, Any], session: FromPath[UUID]) -> Response[Any]:
    """Ends one of the person's sessions; the present one too."""
    person = person_of(request)
    await end(person, session, at=site_of(request).clock.now())
    return go(request, "/", "") if session == person.session_id else go(request, "/account")


@post("/password", status_code=200, include_in_schema=False)
async def new_password(request: Request[Any, Any, Any]) -> Response[Any]:
    """A new password for who knows the present one."""
    count(request, "account")
    told, site = await sent(request, "old", "new", "again"), site_of(request)
    if told["new"] != told["again"]:
        return await _overview(request, {"again": "The two new passwords are not the same; type the new one twice."})
    try:
        done = await change_password(
            person_of(request),
            told["old"],
            told["new"],
            box=site.secrets,
            device=device_of(request),
            at=site.clock.now(),
        )
    except Forbidden:
        raise SignInFirst("") from None
    except Refused as refusal:
        return await _overview(request, {refusal.box or "old": refusal.say})
    return go(request, "/account?changed=1", done.token)


@get("/prove", include_in_schema=False)
async def prove_form(request: Request[Any, Any, Any], next: FromQuery[str] = "") -> Response[Any]:
    """Asks for password and code before something dangerous."""
    return page(request, "prove.html", form=True, next=own_path(next), wrong={})


@post("/prove", status_code=200, include_in_schema=False)
async def prove_again(request: Request[Any, Any, Any]) -> Response[Any]:
    """Takes them, and leads back to what was wanted."""
    count(request, "account")
    told, site = await sent(request, "password", "code", "next"), site_of(request)
    try:
        done = await prove(
            person_of(request),
            told["password"],
            told["code"][:80],
            box=site.secrets,
            device=device_of(request),
            limits=site.config.access,
            at=site.clock.now(),
        )
    except Forbidden:
        raise SignInFirst("") from None
    except Refused as refusal:
        return page(request, "prove.html", status=422, form=True, next=own_path(told["next"]), wrong={"password": refusal.say})
    return go(request, own_path(told["next"]) or "/account", done.token)


HANDLERS = [overview, choose_role, end_session, new_password, prove_form, prove_again]


async def _overview(request: Request[Any, Any, Any], wrong: dict[str, str] | None = None) -> Response[Any]:
    person, site = person_of(request), site_of(request)
    at, limits = site.clock.now(), site.config.access
    return page(
        request,
        "account.html",
        status=422 if wrong else 200,
        form=True,
        wrong=wrong or {},
        changed="changed" in request.query_params,
        recovered="recovered" in request.query_params and person.has_factor,
        next=own_path(request.query_params.get("next", "")),
        sessions=await sessions_of(person, limits=limits, at=at),
        codes_left=await recovery_codes_left(person.account_id) if person.has_factor else 0,
    )
