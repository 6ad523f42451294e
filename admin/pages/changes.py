"""Changes that wait for a second person, or for their time; and those that are over."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import NotFound, Refused, Untrusted
from engine.money.gateways import KIND as PAYMENT
from engine.money.gateways import Parameters, parameters_by_id, reason_despite_test
from engine.people.access import Principal, RoleKind
from engine.people.changes import Change, change_of, changes_of, confirm, refuse, withdraw
from engine.people.naming import names_of
from engine.people.staff.administering import nominee_of
from engine.store import SecretBox

__all__ = ["HANDLERS", "who_in"]

_LOOK = {
    "stamp": "/offices/{}/stamp",
    "officer_picture": "/users/{}/picture",
    "payment_parameters": "/offices/{}/payment",
    "officer_again": "/users/{}",
    "administrator": "/administrators",
}
_OF_PERSONS = frozenset({"officer_picture", "officer_again", "administrator"})


@get("/", include_in_schema=False)
async def listed(request: Request[Any, Any, Any]) -> Response[Any]:
    """What waits, and what is over."""
    person = person_of(request)
    waiting, over = await changes_of(person, waiting=True), await changes_of(person, waiting=False)
    who = await who_in([*waiting, *over], site_of(request).secrets)
    return page(request, "changes.html", waiting=waiting, over=over, who=who)


@get("/{change:uuid}", guards=[require_fresh], include_in_schema=False)
async def one(request: Request[Any, Any, Any], change: FromPath[UUID]) -> Response[Any]:
    """One change, and what the person may do about it."""
    return await _one(request, change)


@post("/{change:uuid}/confirm", guards=[require_fresh], status_code=200, include_in_schema=False)
async def confirmed(request: Request[Any, Any, Any], change: FromPath[UUID]) -> Response[Any]:
    """Confirms it as the second person."""
    site = site_of(request)
    await confirm(change, person_of(request), effects=site.effects, box=site.secrets, limits=site.config.access, at=site.clock.now())
    return go(request, f"/changes/{change}")


@post("/{change:uuid}/refuse", guards=[require_fresh], status_code=200, include_in_schema=False)
async def refused(request: Request[Any, Any, Any], change: FromPath[UUID]) -> Response[Any]:
    """Refuses it for a reason."""
    site, told = site_of(request), await sent(request, "reason")
    try:
        await refuse(change, person_of(request), told["reason"], box=site.secrets, at=site.clock.now())
    except Refused as refusal:
        if refusal.box not in {"reason", "text"}:
            raise
        return await _one(request, change, reason=told["reason"], wrong={"reason": refusal.say})
    return go(request, f"/changes/{change}")


@post("/{change:uuid}/withdraw", status_code=200, include_in_schema=False)
async def withdrawn(request: Request[Any, Any, Any], change: FromPath[UUID]) -> Response[Any]:
    """Takes one's own back."""
    await withdraw(change, person_of(request), at=site_of(request).clock.now())
    return go(request, "/changes")


HANDLERS = [listed, one, confirmed, refused, withdrawn]


async def who_in(changes: Sequence[Change], box: SecretBox) -> dict[UUID, str]:
    """The person whom each of these changes is about, as they are called today; a title names nobody. Others are left out."""
    about = [change for change in changes if change.kind in _OF_PERSONS]
    names = await names_of({change.subject for change in about})
    found = {change.id: names[change.subject] for change in about if change.subject in names}
    for change in about:
        with suppress(Untrusted):  # one whose seal does not open says so on its own page
            if change.waiting and (nominee := nominee_of(change, box)) is not None:
                found[change.id] = nominee.name
    return found


async def _one(request: Request[Any, Any, Any], id: UUID, *, reason: str = "", wrong: dict[str, str] | None = None) -> Response[Any]:
    person = person_of(request)
    change = await change_of(person, id)
    own = change.asked_by == person.account_id
    at_desk = person.role is not None and person.role.kind is RoleKind.PLATFORM
    return page(
        request,
        "change.html",
        status=422 if wrong else 200,
        form=True,
        change=change,
        own=own,
        may_confirm=not own and not at_desk,
        who=await who_in([change], site_of(request).secrets),
        nominee=nominee_of(change, site_of(request).secrets) if change.waiting else None,
        look=_look(change, person),
        parameters=await _parameters(change, person),
        because=await reason_despite_test(person.scope, change),
        reason=reason,
        wrong=wrong or {},
    )


async def _parameters(change: Change, person: Principal) -> Parameters | None:
    """The version of payment parameters that a change is about, with its latest test."""
    if change.kind != PAYMENT:
        return None
    try:
        return await parameters_by_id(person.scope, UUID(change.subject), UUID(change.payload["parameters"]))
    except (NotFound, KeyError, ValueError):
        return None


def _look(change: Change, person: Principal) -> str:
    """The page where the change can be looked at, for who may enter it."""
    kind = person.role.kind if person.role else None
    if kind is RoleKind.OFFICER and change.kind == "officer_picture":
        return "/picture"
    return _LOOK.get(change.kind, "").format(change.subject) if kind is RoleKind.ADMINISTRATOR else ""
