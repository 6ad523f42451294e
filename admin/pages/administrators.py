"""An agency's administrators: who they are and were, and the ways in which they change."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.response import Response

from admin.acts import who_is
from admin.pages.changes import who_in
from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import Forbidden, Refused
from engine.people.changes import Change, changes_of
from engine.people.naming import id_of_actor, names_of
from engine.people.staff.administering import Ways, administrators_of, ask_to_appoint, ask_to_hand_over, ask_to_leave

__all__ = ["HANDLERS"]

_BOXES = ("email", "name")


@get("/", include_in_schema=False)
async def administrators(request: Request[Any, Any, Any]) -> Response[Any]:
    """Who administers the agency, who did, and what waits."""
    person = person_of(request)
    found = await administrators_of(person.scope)
    names = await names_of({id_of_actor(each.made_by) for each in found})
    waiting = [change for change in await changes_of(person, waiting=True) if change.kind == "administrator"]
    return page(
        request,
        "administrators.html",
        present=[each for each in found if each.ended_at is None],
        past=[each for each in found if each.ended_at is not None],
        who={each.made_by: who_is(each.made_by, names) for each in found},
        waiting=waiting,
        who_in=await who_in(waiting, site_of(request).secrets),
    )


@get("/new", guards=[require_fresh], include_in_schema=False)
async def appoint_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """Asks whom to appoint."""
    return _form(request, hand_over=False)


@post("/new", guards=[require_fresh], status_code=200, include_in_schema=False)
async def appoint(request: Request[Any, Any, Any]) -> Response[Any]:
    """Asks for one more administrator."""
    return await _asked(request, ask_to_appoint, hand_over=False)


@get("/hand-over", guards=[require_fresh], include_in_schema=False)
async def hand_over_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """Asks to whom one hands over."""
    return _form(request, hand_over=True)


@post("/hand-over", guards=[require_fresh], status_code=200, include_in_schema=False)
async def hand_over(request: Request[Any, Any, Any]) -> Response[Any]:
    """Asks for another one in one's own place."""
    return await _asked(request, ask_to_hand_over, hand_over=True)


@get("/leave", guards=[require_fresh], include_in_schema=False)
async def leave_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """Asks whether one really leaves."""
    return page(request, "administrator_leave.html", form=True, wrong={})


@post("/leave", guards=[require_fresh], status_code=200, include_in_schema=False)
async def leave(request: Request[Any, Any, Any]) -> Response[Any]:
    """Asks to administer the agency no more."""
    try:
        change = await ask_to_leave(_agency(request), person_of(request), ways=_ways(request), at=site_of(request).clock.now())
    except Refused as refusal:
        if refusal.box != "leave":
            raise
        return page(request, "administrator_leave.html", status=422, form=True, wrong={"leave": refusal.say})
    return go(request, f"/changes/{change.id}")


HANDLERS = [administrators, appoint_form, appoint, hand_over_form, hand_over, leave_form, leave]


async def _asked(request: Request[Any, Any, Any], ask: Callable[..., Awaitable[Change]], *, hand_over: bool) -> Response[Any]:
    told = await sent(request, *_BOXES)
    try:
        change = await ask(
            _agency(request),
            person_of(request),
            email=told["email"],
            name=told["name"],
            ways=_ways(request),
            at=site_of(request).clock.now(),
        )
    except Refused as refusal:
        if refusal.box not in _BOXES:
            raise
        return _form(request, hand_over=hand_over, told=told, wrong={refusal.box: refusal.say})
    return go(request, f"/changes/{change.id}")


def _form(
    request: Request[Any, Any, Any], *, hand_over: bool, told: dict[str, str] | None = None, wrong: dict[str, str] | None = None
) -> Response[Any]:
    empty = dict.fromkeys(_BOXES, "")
    status = 422 if wrong else 200
    return page(request, "administrator_new.html", status=status, form=True, hand_over=hand_over, told=told or empty, wrong=wrong or {})


def _agency(request: Request[Any, Any, Any]) -> UUID:
    role = person_of(request).role
    if role is None or role.agency_id is None:
        raise Forbidden("This page is for an agency's administrators.", code="role")
    return role.agency_id


def _ways(request: Request[Any, Any, Any]) -> Ways:
    site = site_of(request)
    return Ways(site.effects, site.secrets, site.config.site.public_url, site.config.access)
