"""My Dashboard: what waits for the person, and where to go in the role they act in."""

from typing import Any

from litestar import Request, get
from litestar.response import Response

from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import person_of
from engine.money.readiness import Readiness, readiness_of_all
from engine.people.access import RoleKind
from engine.people.changes import count_to_decide
from engine.people.joining.deciding import count_requests
from engine.store import reading

__all__ = ["dashboard"]

_DECIDING = {RoleKind.PLATFORM, RoleKind.ADMINISTRATOR}


@get("/", include_in_schema=False)
async def dashboard(request: Request[Any, Any, Any]) -> Response[Any]:
    """The first page after signing in."""
    person = person_of(request)
    return page(
        request,
        "dashboard.html",
        to_decide=await count_to_decide(person),
        requests=await count_requests(person.scope) if person.role and person.role.kind in _DECIDING else 0,
        unready=await _unready(request),
    )


async def _unready(request: Request[Any, Any, Any]) -> list[Readiness]:
    """The offices of an administrator's agency at which nothing can be issued."""
    person, site = person_of(request), site_of(request)
    if person.role is None or person.role.kind is not RoleKind.ADMINISTRATOR:
        return []
    async with reading():
        found = await readiness_of_all(person.scope, registry=site.registry, at=site.clock.now())
    return [each for each in found if each.office.active and not each.issues]
