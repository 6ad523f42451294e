"""The platform's desk: the register of agencies. Looking is free; who changes an entry has just shown password and code."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.pages.forms import require_day, sent, wrong_of
from admin.pages.register import MOST_BODY_BYTES, letter_in
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.clock import ist_day
from engine.errors import NotFound, Refused
from engine.people.agencies.official import end_address, record_address
from engine.people.agencies.register import (
    add_certifies,
    add_listing,
    delist,
    end_certifies,
    end_listing,
    enter_agency,
    rename_agency,
)
from engine.people.agencies.registered import agency_record, search_agencies
from engine.people.agencies.tables import AddressKind
from engine.people.joining.letters import MOST_BYTES
from engine.people.joining.replacing import Successor, administrator_to_replace, replace_administrator
from engine.people.paging import pages_for
from engine.store import uow

__all__ = ["HANDLERS"]

_LONGEST = 100
_NEW = ("code", "name", "appendix", "starts_on", "notice")
_Deed = Callable[[dict[str, str], str, datetime], Awaitable[Any]]


@get("/agencies", include_in_schema=False)
async def listed(request: Request[Any, Any, Any], q: FromQuery[str] = "", at: FromQuery[int] = 1) -> Response[Any]:
    """The register, searched by code and name."""
    number, words = min(max(at, 1), 10_000), q[:_LONGEST]
    found, count = await search_agencies(person_of(request).scope, words, _today(request), page=number)
    return page(request, "desk_agencies.html", found=found, count=count, q=words, at=number, pages=pages_for(count))


@get("/agencies/add", guards=[require_fresh], include_in_schema=False)
async def add_form(request: Request[Any, Any, Any]) -> Response[Any]:
    """The form for an agency that is new here."""
    told = defaultdict(str, starts_on=_today(request).isoformat())
    return page(request, "desk_agency_add.html", form=True, told=told, wrong={})


@post("/agencies/add", guards=[require_fresh], status_code=200, include_in_schema=False)
async def add(request: Request[Any, Any, Any]) -> Response[Any]:
    """Enters an agency with its first listing."""
    site, actor, told = site_of(request), person_of(request).actor, await sent(request, *_NEW)
    at = site.clock.now()
    try:
        starts_on = require_day(told["starts_on"], "starts_on")
        async with uow():
            forms = site.registry.in_force(ist_day(at))
            agency = await enter_agency(told["code"].strip(), told["name"], forms=forms, actor=actor, at=at)
            await add_listing(agency, told["appendix"], starts_on, notice=told["notice"], actor=actor, at=at)
    except Refused as refusal:
        wrong = wrong_of(refusal, otherwise="code")
        return page(request, "desk_agency_add.html", status=422, form=True, told=told, wrong=wrong)
    return go(request, f"/desk/agencies/{agency}")


@get("/agencies/{agency:uuid}", include_in_schema=False)
async def one(request: Request[Any, Any, Any], agency: FromPath[UUID]) -> Response[Any]:
    """Everything that the register says of one agency."""
    return page(request, "desk_agency.html", agency=await agency_record(person_of(request).scope, agency, _today(request)))


@get("/agencies/{agency:uuid}/change", guards=[require_fresh], include_in_schema=False)
async def change_form(request: Request[Any, Any, Any], agency: FromPath[UUID]) -> Response[Any]:
    """The forms that add, change and end its entries."""
    return await _change(request, agency)


@post("/agencies/{agency:uuid}/name", guards=[require_fresh], status_code=200, include_in_schema=False)
async def rename(request: Request[Any, Any, Any], agency: FromPath[UUID]) -> Response[Any]:
    """Changes the agency's name."""

    async def deed(told: dict[str, str], actor: str, at: datetime) -> None:
        forms = site_of(request).registry.in_force(ist_day(at))
        await rename_agency(agency, told["name"], forms=forms, actor=actor, at=at)

    return await _did(request, agency, "agency", ("name",), deed)


@post("/agencies/{agency:uuid}/listings", guards=[require_fresh], status_code=200, include_in_schema=False)
async def list_it(request: Request[Any, Any, Any], agency: FromPath[UUID]) -> Response[Any]:
    """Adds a listing."""

    async def deed(told: dict[str, str], actor: str, at: datetime) -> None:
        starts_on = require_day(told["starts_on"], "starts_on")
        await add_listing(agency, told["appendix"], starts_on, notice=told["notice"], actor=actor, at=at)

    return await _did(request, agency, "listing", ("appendix", "starts_on", "notice"), deed)


@post("/agencies/{agency:uuid}/listings/{listing:uuid}/end", guards=[require_fresh], status_code=200, include_in_schema=False)
async def end_a_listing(request: Request[Any, Any, Any], agency: FromPath[UUID], listing: FromPath[UUID]) -> Response[Any]:
    """Ends one listing from today on."""

    async def deed(_: dict[str, str], actor: str, at: datetime) -> None:
        await end_listing(agency, listing, ist_day(at), actor=actor, at=at)

    return await _did(request, agency, "listing", (), deed)


@post("/agencies/{agency:uuid}/certifies", guards=[require_fresh], status_code=200, include_in_schema=False)
async def let_certify(request: Request[Any, Any, Any], agency: FromPath[UUID]) -> Response[Any]:
    """Adds what the agency may certify."""

    async def deed(told: dict[str, str], actor: str, at: datetime) -> None:
        products = told["products"].replace(",", " ").split()
        scheme, starts_on = told["scheme"].strip().upper(), require_day(told["starts_on"], "starts_on")
        known = {*site_of(request).registry.schemes, ""}
        if scheme not in known:
            raise Refused(f"No template here is for an agreement {scheme[:20]!r}.", box="scheme", rule="agreement")
        await add_certifies(
            agency, told["appendix"], scheme=scheme, products=products, starts_on=starts_on, notice=told["notice"], actor=actor, at=at
        )

    return await _did(request, agency, "certifies", ("appendix", "scheme", "products", "starts_on", "notice"), deed)


@post("/agencies/{agency:uuid}/certifies/{entry:uuid}/end", guards=[require_fresh], status_code=200, include_in_schema=False)
async def end_certifying(request: Request[Any, Any, Any], agency: FromPath[UUID], entry: FromPath[UUID]) -> Response[Any]:
    """Ends what the agency may certify, from today on."""

    async def deed(_: dict[str, str], actor: str, at: datetime) -> None:
        await end_certifies(agency, entry, ist_day(at), actor=actor, at=at)

    return await _did(request, agency, "certifies", (), deed)


@post("/agencies/{agency:uuid}/addresses", guards=[require_fresh], status_code=200, include_in_schema=False)
async def record(request: Request[Any, Any, Any], agency: FromPath[UUID]) -> Response[Any]:
    """Records an address, or a domain where there is no @ inside."""

    async def deed(told: dict[str, str], actor: str, at: datetime) -> None:
        value = told["value"].strip()
        kind = AddressKind.ADDRESS if "@" in value.removeprefix("@") else AddressKind.DOMAIN
        try:
            await record_address(agency, kind, value, actor=actor, at=at)
        except NotFound:
            raise
        except Refused as refusal:
            raise Refused(refusal.say, box="value", rule=refusal.rule) from refusal

    return await _did(request, agency, "address", ("value",), deed)


@post("/agencies/{agency:uuid}/addresses/{address:uuid}/end", guards=[require_fresh], status_code=200, include_in_schema=False)
async def end_recorded(request: Request[Any, Any, Any], agency: FromPath[UUID], address: FromPath[UUID]) -> Response[Any]:
    """Ends a recorded address or domain."""

    async def deed(_: dict[str, str], actor: str, at: datetime) -> None:
        await end_address(agency, address, actor=actor, at=at)

    return await _did(request, agency, "address", (), deed)


@post("/agencies/{agency:uuid}/delist", guards=[require_fresh], status_code=200, include_in_schema=False)
async def delist_it(request: Request[Any, Any, Any], agency: FromPath[UUID]) -> Response[Any]:
    """Ends every listing from a day on; from today, the agency's people are signed out at once."""
    box = site_of(request).secrets

    async def deed(told: dict[str, str], actor: str, at: datetime) -> None:
        await delist(agency, require_day(told["delisted_on"], "delisted_on"), reason=told["reason"], box=box, actor=actor, at=at)

    return await _did(request, agency, "delist", ("delisted_on", "reason"), deed)


@get("/administrators/{lost:uuid}/replace", guards=[require_fresh], include_in_schema=False)
async def replace_form(request: Request[Any, Any, Any], lost: FromPath[UUID]) -> Response[Any]:
    """Another administrator in the place of one who is lost."""
    return await _replace(request, lost, defaultdict(str), {})


@post(
    "/administrators/{lost:uuid}/replace",
    guards=[require_fresh],
    status_code=200,
    request_max_body_size=MOST_BODY_BYTES,
    include_in_schema=False,
)
async def replace(request: Request[Any, Any, Any], lost: FromPath[UUID]) -> Response[Any]:
    """Dismisses the one and appoints the other, on the new letter."""
    site, person, told = site_of(request), person_of(request), await sent(request, "email", "name", "reason")
    before, wrong = await administrator_to_replace(person.scope, lost), dict[str, str]()
    letter = await letter_in(request, wrong)
    if letter is None:
        return await _replace(request, lost, told, wrong)
    try:
        await replace_administrator(
            person.scope,
            lost,
            Successor(told["email"], told["name"], told["reason"], letter),
            files=site.files,
            box=site.secrets,
            base=site.config.site.public_url,
            actor=person.actor,
            at=site.clock.now(),
        )
    except NotFound:
        raise
    except Refused as refusal:
        return await _replace(request, lost, told, wrong_of(refusal, otherwise="email"))
    return go(request, f"/desk/agencies/{before.agency_id}")


HANDLERS = [
    listed,
    add_form,
    add,
    one,
    change_form,
    rename,
    list_it,
    end_a_listing,
    let_certify,
    end_certifying,
    record,
    end_recorded,
    delist_it,
    replace_form,
    replace,
]


async def _did(request: Request[Any, Any, Any], agency: UUID, form: str, fields: tuple[str, ...], deed: _Deed) -> Response[Any]:
    """Does what one of the forms asks, and shows the forms again; names of fields begin with their form's."""
    site, person = site_of(request), person_of(request)
    sent_fields = await sent(request, *(f"{form}_{name}" for name in fields))
    told = {name: sent_fields[f"{form}_{name}"] for name in fields}
    try:
        await deed(told, person.actor, site.clock.now())
    except NotFound:
        raise
    except Refused as refusal:
        wrong = {f"{form}_{box}": say for box, say in wrong_of(refusal, otherwise="entry").items()}
        return await _change(request, agency, sent_fields, wrong)
    return go(request, f"/desk/agencies/{agency}/change")


async def _change(
    request: Request[Any, Any, Any], agency: UUID, told: dict[str, str] | None = None, wrong: dict[str, str] | None = None
) -> Response[Any]:
    today, site = _today(request), site_of(request)
    found = await agency_record(person_of(request).scope, agency, today)
    day = today.isoformat()
    shown = defaultdict(str, agency_name=found.name, listing_starts_on=day, certifies_starts_on=day, delist_delisted_on=day)
    shown.update(told or {})
    return page(
        request,
        "desk_agency_change.html",
        status=422 if wrong else 200,
        form=True,
        agency=found,
        schemes=site.registry.schemes,
        told=shown,
        wrong=wrong or {},
    )


async def _replace(request: Request[Any, Any, Any], lost: UUID, told: dict[str, str], wrong: dict[str, str]) -> Response[Any]:
    found = await administrator_to_replace(person_of(request).scope, lost)
    status = 422 if wrong else 200
    return page(request, "desk_replace.html", status=status, form=True, lost=found, told=told, wrong=wrong, most_bytes=MOST_BYTES)


def _today(request: Request[Any, Any, Any]) -> date:
    return ist_day(site_of(request).clock.now())
