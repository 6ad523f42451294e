"""My firm, for a broker's persons: the exporters that let it act for them, and its own people."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.forms import number_of, sent
from admin.pages.rendering import page
from admin.parts import parts_of, site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import Forbidden, NotFound, Refused
from engine.people.access import Principal, Role
from engine.people.firms import BROKER_RIGHTS, Member, add_member, broker_here, change_member, end_member, grants_of, members_of
from engine.people.paging import pages_for

__all__ = ["HANDLERS"]

_INVITES_PER_MINUTE = 10
_SAYS = {
    "see": "see what exporters let the firm see",
    "prepare": "prepare applications and cost sheets",
    "submit": "submit applications",
    "pay": "pay",
    "manage": "manage the firm's persons",
}


@get("/", include_in_schema=False)
async def overview(request: Request[Any, Any, Any]) -> Response[Any]:
    """The firm's code, its exporters, its persons."""
    role, at = _role(person_of(request)), site_of(request).clock.now()
    broker = await broker_here(role.id)
    number = number_of(request.query_params.get("at", ""))
    lasting, count = await grants_of(role.scope, broker_id=broker.id, page=number, at=at)
    return page(
        request,
        "brokerage.html",
        form=True,
        broker=broker,
        lasting=lasting,
        at=number,
        pages=pages_for(count),
        members=await members_of(role.id),
        own=role.id,
        manages="manage" in role.rights,
    )


@get("/people/new", guards=[require_fresh], include_in_schema=False)
async def add_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """Somebody new."""
    _require_manage(_role(person_of(request)))
    return _member_form(request, None, {"name": "", "email": "", "right_see": "on"})


@post("/people/new", guards=[require_fresh], status_code=200, include_in_schema=False)
async def add(request: Request[Any, Any, Any]) -> Response[Any]:
    """Invites a person by mail."""
    person, site = person_of(request), site_of(request)
    role = _role(person)
    _require_manage(role)
    told = await sent(request, "name", "email", *(f"right_{right}" for right in BROKER_RIGHTS))
    parts_of(request).limits.hit("broker_invite", str(role.broker_id or role.id), _INVITES_PER_MINUTE)
    try:
        await add_member(
            role.id,
            email=told["email"][:300],
            name=told["name"][:200],
            rights=_chosen(told),
            box=site.secrets,
            base=site.config.site.public_url,
            actor=person.actor,
            at=site.clock.now(),
        )
    except Refused as refusal:
        return _member_form(request, None, told, refusal)
    return go(request, "/brokerage#people")


@get("/people/{member:uuid}", guards=[require_fresh], include_in_schema=False)
async def change_form(request: Request[Any, Any, Any], member: FromPath[UUID]) -> Response[Any]:
    """A person's rights."""
    role = _role(person_of(request))
    _require_manage(role)
    found = await _member(role, member)
    return _member_form(request, found, {f"right_{right}": "on" for right in found.rights})


@post("/people/{member:uuid}", guards=[require_fresh], status_code=200, include_in_schema=False)
async def change(request: Request[Any, Any, Any], member: FromPath[UUID]) -> Response[Any]:
    """Other rights for a person."""
    person = person_of(request)
    role = _role(person)
    _require_manage(role)
    found, told = await _member(role, member), await sent(request, *(f"right_{right}" for right in BROKER_RIGHTS))
    try:
        await change_member(role.id, member, rights=_chosen(told), actor=person.actor, at=site_of(request).clock.now())
    except Refused as refusal:
        return _member_form(request, found, told, refusal)
    return go(request, "/brokerage#people")


@get("/people/{member:uuid}/end", include_in_schema=False)
async def end_form(request: Request[Any, Any, Any], member: FromPath[UUID]) -> Response[Any]:
    """Asks whether to end it, saying who acts for which firm."""
    role = _role(person_of(request))
    _require_manage(role)
    broker = await broker_here(role.id)
    return page(request, "broker_person_end.html", form=True, member=await _member(role, member), broker=broker, leaves=member == role.id)


@post("/people/{member:uuid}/end", status_code=200, include_in_schema=False)
async def end(request: Request[Any, Any, Any], member: FromPath[UUID]) -> Response[Any]:
    """Ends a person's place in the firm at once."""
    person = person_of(request)
    role = _role(person)
    _require_manage(role)
    await end_member(role.id, member, actor=person.actor, at=site_of(request).clock.now())
    return go(request, "/brokerage#people" if member != role.id else "/dashboard")


HANDLERS = [overview, add_form, add, change_form, change, end_form, end]


def _member_form(
    request: Request[Any, Any, Any], member: Member | None, told: dict[str, str], refusal: Refused | None = None
) -> Response[Any]:
    role = _role(person_of(request))
    if refusal is not None and refusal.box is None:
        raise refusal
    given = [right for right in BROKER_RIGHTS if right in role.rights]
    return page(
        request,
        "broker_person.html",
        status=422 if refusal else 200,
        form=True,
        member=member,
        told=told,
        rights=[(right, _SAYS[right], bool(told.get(f"right_{right}"))) for right in given],
        wrong={refusal.box: refusal.say} if refusal and refusal.box else {},
    )


async def _member(role: Role, member: UUID) -> Member:
    found = next((each for each in await members_of(role.id) if each.id == member), None)
    if found is None:
        raise NotFound("There is no such person in your firm, or they were ended before.", code="broker_user")
    return found


def _chosen(told: dict[str, str]) -> frozenset[str]:
    return frozenset(right for right in BROKER_RIGHTS if told[f"right_{right}"])


def _role(person: Principal) -> Role:
    if person.role is None:
        raise Forbidden("Choose the firm that you act for, under My account.", code="role")
    return person.role


def _require_manage(role: Role) -> None:
    if "manage" not in role.rights:
        raise Forbidden("Only a person who manages the firm's persons may do this.", code="broker_manage")
