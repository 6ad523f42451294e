"""The platform's desk: who sits there, and ending another one's place."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.acts import who_is
from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import Refused
from engine.people.naming import id_of_actor, names_of
from engine.people.staff.desk import desk_people, desk_person, end_at_desk

__all__ = ["HANDLERS"]


@get("/people", include_in_schema=False)
async def listed(request: Request[Any, Any, Any]) -> Response[Any]:
    """Who sits at the desk, and who did."""
    found = await desk_people(person_of(request).scope)
    names = await names_of({id_of_actor(each.made_by) for each in found})
    return page(
        request,
        "desk_people.html",
        present=[each for each in found if each.ended_at is None],
        past=[each for each in found if each.ended_at is not None],
        who={each.made_by: who_is(each.made_by, names) for each in found},
    )


@get("/people/{desk_user:uuid}", guards=[require_fresh], include_in_schema=False)
async def one(request: Request[Any, Any, Any], desk_user: FromPath[UUID]) -> Response[Any]:
    """One person of the desk, and the form that ends their place."""
    return await _one(request, desk_user)


@post("/people/{desk_user:uuid}/end", guards=[require_fresh], status_code=200, include_in_schema=False)
async def ended(request: Request[Any, Any, Any], desk_user: FromPath[UUID]) -> Response[Any]:
    """Ends their place at once, for a reason."""
    site, told = site_of(request), await sent(request, "reason")
    try:
        await end_at_desk(person_of(request), desk_user, told["reason"], limits=site.config.access, box=site.secrets, at=site.clock.now())
    except Refused as refusal:
        if refusal.box != "reason":
            raise
        return await _one(request, desk_user, reason=told["reason"], wrong={"reason": refusal.say})
    return go(request, "/desk/people")


HANDLERS = [listed, one, ended]


async def _one(request: Request[Any, Any, Any], id: UUID, *, reason: str = "", wrong: dict[str, str] | None = None) -> Response[Any]:
    person = person_of(request)
    found = await desk_person(person.scope, id)
    own, status = found.account_id == person.account_id, 422 if wrong else 200
    return page(request, "desk_person.html", status=status, form=True, found=found, own=own, reason=reason, wrong=wrong or {})
