"""API keys: a party's list of them, a new one that is shown once, and the end of one."""

from typing import Any
from uuid import UUID, uuid4

from litestar import Request, get, post
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.firm import suspended_firm
from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh, whoever
from engine.errors import Conflict, Refused
from engine.people import KEY_RIGHTS, Party, keys_of, make_partys_key, party_of, revoke_key

__all__ = ["HANDLERS"]

_DAYS = (("7", "A week"), ("30", "30 days"), ("90", "90 days"), ("180", "180 days"), ("365", "A year"))
_USUAL_DAYS = "90"
_DOES = {
    "see": "Read applications, cost sheets, certificates and payments",
    "prepare": "Prepare applications and cost sheets, and change drafts",
    "submit": "File applications, lodge cost sheets",
    "pay": "Order and pay fees, from the e-wallet too",
    "approve": "Decide about cost sheets that were lodged",
}


async def require_fresh_factor(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of making keys: who has a second factor has shown it a short while ago."""
    person = whoever(connection)
    if person is not None and person.has_factor:
        await require_fresh(connection, handler)


@get("/", include_in_schema=False)
async def listed(request: Request[Any, Any, Any]) -> Response[Any]:
    """The party's keys."""
    person, at = person_of(request), site_of(request).clock.now()
    party = party_of(person.role)
    ring = await keys_of(party, actor=person.actor, at=at)
    told = {"ended": "ended" in request.query_params, "made": "made" in request.query_params}
    return page(request, "keys.html", form=True, ring=ring, does=_offered(party), at=at, firm=await suspended_firm(person), **told)


@get("/new", guards=[require_fresh_factor], include_in_schema=False)
async def form(request: Request[Any, Any, Any]) -> Response[Any]:
    """Asks what the key is for."""
    return _form(request, party_of(person_of(request).role), {"name": "", "days": _USUAL_DAYS}, frozenset())


@post("/new", guards=[require_fresh_factor], status_code=200, include_in_schema=False)
async def make(request: Request[Any, Any, Any]) -> Response[Any]:
    """Makes the key and shows it, this once."""
    person, site = person_of(request), site_of(request)
    party, told = party_of(person.role), await sent(request, "name", "days", "form", *KEY_RIGHTS)
    rights = frozenset(right for right in KEY_RIGHTS if told[right])
    days = int(told["days"]) if told["days"].isascii() and told["days"].isdigit() and len(told["days"]) < 5 else 0
    try:
        key = await make_partys_key(
            party, told["name"], rights=rights, days=days, form=f"keys {told['form'][:36]}", actor=person.actor, at=site.clock.now()
        )
    except Conflict:
        return go(request, "/keys?made=1")
    except Refused as refusal:
        wrong = {each.box or "name": each.say for each in refusal.problems} or {"name": refusal.say}
        return _form(request, party, told, rights, wrong)
    return page(request, "key_made.html", key=key, name=told["name"], host_url=site.config.site.public_url)


@post("/{key:uuid}/end", status_code=200, include_in_schema=False)
async def end(request: Request[Any, Any, Any], key: FromPath[UUID]) -> Response[Any]:
    """Ends a key at once."""
    person = person_of(request)
    await revoke_key(party_of(person.role), key, actor=person.actor, at=site_of(request).clock.now())
    return go(request, "/keys?ended=1")


HANDLERS = [listed, form, make, end]


def _offered(party: Party) -> dict[str, str]:
    return {right: does for right, does in _DOES.items() if right in party.rights}


def _form(
    request: Request[Any, Any, Any], party: Party, told: dict[str, str], rights: frozenset[str], wrong: dict[str, str] | None = None
) -> Response[Any]:
    return page(
        request,
        "key_new.html",
        status=422 if wrong else 200,
        form=True,
        name=told["name"][:200],
        chosen=rights,
        days=told["days"],
        choices=_DAYS,
        does=_offered(party),
        once=uuid4(),
        wrong=wrong or {},
    )
