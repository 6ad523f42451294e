"""My Dashboard: what waits for the person, and where to go in the role they act in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.response import Response

from admin.api.answers import LET_OUT
from admin.pages.firm import suspended_firm
from admin.pages.forms import number_of
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import person_of
from engine.filing import ApplicationHere, applications_of
from engine.money.owing import FeeStanding, fee_standings
from engine.money.paying.excess import excess_queue
from engine.money.paying.reviewing import doubted_queue, refunds_waiting, review_queue
from engine.money.readiness import Readiness, readiness_of_all
from engine.people.access import RoleKind
from engine.people.changes import count_to_decide
from engine.people.joining.deciding import count_requests
from engine.proof import Standing, of_applications
from engine.store import reading

__all__ = ["dashboard"]

_DECIDING = {RoleKind.PLATFORM, RoleKind.ADMINISTRATOR}
_FILING = {RoleKind.EXPORTER, RoleKind.BROKER}
_ON_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Filed:
    """A page of a firm's applications, the newest first, with the certificates that are out of the house and the standing of the fees
    by application."""

    applications: Sequence[ApplicationHere]
    certificates: Mapping[UUID, Standing]
    fees: Mapping[UUID, FeeStanding]
    at: int
    pages: int


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
        filed=await _filed(request),
        withdrawn=request.query_params.get("withdrawn", ""),
        decisions=await _decisions(request),
        firm=await suspended_firm(person),
    )


async def _filed(request: Request[Any, Any, Any]) -> Filed | None:
    """What the person's firm, or the firms of a broker, have at this site; None in a role that files nothing, or does not see it."""
    role = person_of(request).role
    if role is None or role.kind not in _FILING or "see" not in role.rights:
        return None
    wanted = number_of(request.query_params.get("at", ""))
    found, count = await applications_of(role.scope, limit=_ON_A_PAGE, offset=(wanted - 1) * _ON_A_PAGE)
    ids = [each.id for each in found]
    standings, fees = await of_applications(role.scope, ids), await fee_standings(role.scope, ids)
    out = {id: standing for id, standing in standings.items() if standing.state in LET_OUT}
    return Filed(found, out, fees, wanted, max(1, -(-count // _ON_A_PAGE)))


async def _decisions(request: Request[Any, Any, Any]) -> int:
    """How many payments and refunds wait for a person of the agency."""
    person = person_of(request)
    if person.role is None or person.role.kind is not RoleKind.ADMINISTRATOR:
        return 0
    scope = person.scope
    waiting = (await review_queue(scope), await doubted_queue(scope), await excess_queue(scope), await refunds_waiting(scope))
    return sum(map(len, waiting))


async def _unready(request: Request[Any, Any, Any]) -> list[Readiness]:
    """The offices of an administrator's agency at which nothing can be issued."""
    person, site = person_of(request), site_of(request)
    if person.role is None or person.role.kind is not RoleKind.ADMINISTRATOR:
        return []
    async with reading():
        found = await readiness_of_all(person.scope, registry=site.registry, at=site.clock.now())
    return [each for each in found if each.office.active and not each.issues]
