"""User Management: the officers of an administrator's agency, what each lacks to sign, and who waits to become one."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, get
from litestar.params import FromQuery, QueryParameter
from litestar.response import Response

from admin.pages.forms import number_of
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import person_of
from engine.people.dsc import EXPIRES_SOON, waiting_presented
from engine.people.joining.deciding import count_requests
from engine.people.paging import pages_for
from engine.people.staff.roster import Lacking, officers_of, roster_offices

__all__ = ["HANDLERS"]


@get("/", include_in_schema=False)
async def officers(
    request: Request[Any, Any, Any],
    text: FromQuery[str] = "",
    asked: Annotated[str, QueryParameter(name="state")] = "",  # the name `state` is Litestar's own
    office: FromQuery[str] = "",
    at: FromQuery[str] = "",
) -> Response[Any]:
    """The officers, a page at a time, narrowed by what was asked for; what cannot be asked for narrows nothing."""
    person, now = person_of(request), site_of(request).clock.now()
    wanted, lacking, place = text[:100], _lacking(asked), _id(office)
    number = number_of(at)
    found, count = await officers_of(person.scope, text=wanted, lacking=lacking, office=place, page=number, at=now)
    role = person.role
    kept = {name: value for name, value in (("text", wanted), ("state", lacking or ""), ("office", office if place else "")) if value}
    pages = pages_for(count)
    return page(
        request,
        "users.html",
        officers=found,
        count=count,
        pages=pages,
        number=max(1, min(number, pages)),
        href=lambda to: "/users?" + urlencode({**kept, "at": str(to)}),
        text=wanted,
        state=str(lacking or ""),
        office=office if place else "",
        offices=await roster_offices(person.scope, role.agency_id) if role and role.agency_id else (),
        requests=await count_requests(person.scope),
        names_wait={each.officer_id for each in await waiting_presented(person.scope, at=now)},
        soon=now + EXPIRES_SOON,
        narrowed=bool(kept),
    )


HANDLERS = [officers]


def _lacking(word: str) -> Lacking | None:
    return Lacking(word) if word in set(Lacking) else None


def _id(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
