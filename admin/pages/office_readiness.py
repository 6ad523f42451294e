"""What an office still lacks, item by item, with who mends it and where; and the forms that somebody of the agency must confirm."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.clock import ist_day
from engine.contracts.form import Form
from engine.errors import Conflict, NotFound, Refused
from engine.money.readiness import readiness
from engine.people import confirm_form
from engine.people.agencies.forms import confirmed_forms
from engine.store import reading

__all__ = ["HANDLERS"]


@get("/{office:uuid}/readiness", include_in_schema=False)
async def checklist(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """The checklist of one office."""
    person, site = person_of(request), site_of(request)
    async with reading():
        found = await readiness(person.scope, office, registry=site.registry, at=site.clock.now())
    return page(request, "office_readiness.html", readiness=found, office=found.office)


@get("/forms/{scheme:str}", guards=[require_fresh], include_in_schema=False)
async def form_of(request: Request[Any, Any, Any], scheme: FromPath[str]) -> Response[Any]:
    """What of a form nobody could source, so that an administrator compares it with the agreement's own text."""
    form, agency = _form(request, scheme), _agency(request)
    confirmed = form.sha256 in await confirmed_forms(person_of(request).scope, agency)
    return page(request, "office_form.html", form=True, sheet=form, confirmed=confirmed)


@post("/forms/{scheme:str}", guards=[require_fresh], status_code=200, include_in_schema=False)
async def confirm(request: Request[Any, Any, Any], scheme: FromPath[str]) -> Response[Any]:
    """Confirms this very version of the form for the agency."""
    form, agency, person = _form(request, scheme), _agency(request), person_of(request)
    if form.sha256 not in await confirmed_forms(person.scope, agency):
        try:
            await confirm_form(agency, form, actor=person.actor, at=site_of(request).clock.now())
        except Conflict:  # somebody else confirmed the same version at this moment
            return go(request, f"/offices/forms/{scheme}")
    return go(request, f"/offices/forms/{scheme}")


HANDLERS = [checklist, form_of, confirm]


def _form(request: Request[Any, Any, Any], scheme: str) -> Form:
    site = site_of(request)
    try:
        return site.registry.form(scheme, ist_day(site.clock.now()))
    except Refused as refusal:
        raise NotFound("There is no such form in force.", code="form") from refusal


def _agency(request: Request[Any, Any, Any]) -> UUID:
    role = person_of(request).role
    if role is None or role.agency_id is None:
        raise NotFound("There is no such form in force.", code="form")
    return role.agency_id
