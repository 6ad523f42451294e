"""The payment parameters of an office: entered, tested without a charge, and put into use by two persons. No secret is ever shown."""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.contracts.payment import PaymentGateway
from engine.errors import NotFound, Refused
from engine.money.gateways import KIND, Tester, ask_activation, parameters_of, save_parameters, test_parameters
from engine.people import OfficeHere
from engine.people.changes import waiting_on
from engine.people.naming import id_of_actor, names_of
from engine.people.offices.keeping import office_by_id
from engine.site import Site

__all__ = ["HANDLERS"]


@get("/{office:uuid}/payment", guards=[require_fresh], include_in_schema=False)
async def payment(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """The version in use, the others, and what is to be done next."""
    return await _payment(request, await office_by_id(person_of(request).scope, office))


@get("/{office:uuid}/payment/{gateway:str}", guards=[require_fresh], include_in_schema=False)
async def enter_form(request: Request[Any, Any, Any], office: FromPath[UUID], gateway: FromPath[str]) -> Response[Any]:
    """The fields of a gateway, as its plugin describes them."""
    here = await office_by_id(person_of(request).scope, office)
    chosen = _chosen(site_of(request), gateway)
    newest = next((each for each in await parameters_of(person_of(request).scope, office) if each.gateway == gateway), None)
    told = dict(newest.values) if newest else {}
    return await _enter(request, here, chosen, told)


@post("/{office:uuid}/payment/{gateway:str}", guards=[require_fresh], status_code=200, include_in_schema=False)
async def enter(request: Request[Any, Any, Any], office: FromPath[UUID], gateway: FromPath[str]) -> Response[Any]:
    """Saves a version, or tells what is wrong beside each field."""
    person, site = person_of(request), site_of(request)
    here, chosen = await office_by_id(person.scope, office), _chosen(site, gateway)
    names = [field.name for field in chosen.fields]
    told = await sent(request, *names, *(f"keep_{name}" for name in names), "shared")
    keep = frozenset(field.name for field in chosen.fields if field.secret and told[f"keep_{field.name}"] == "yes")
    try:
        await save_parameters(
            person.scope,
            here,
            chosen,
            {name: told[name] for name in names},
            keep=keep,
            shared=told["shared"] == "yes",
            box=site.secrets,
            actor=person.actor,
            at=site.clock.now(),
        )
    except Refused as refusal:
        shown = {field.name: told[field.name] for field in chosen.fields if not field.secret}
        return await _enter(request, here, chosen, shown, refusal=refusal)
    return go(request, f"/offices/{office}/payment")


@post("/{office:uuid}/payment/{parameters:uuid}/test", guards=[require_fresh], status_code=200, include_in_schema=False)
async def test(request: Request[Any, Any, Any], office: FromPath[UUID], parameters: FromPath[UUID]) -> Response[Any]:
    """Asks the gateway whether it takes this version; no money moves."""
    person, site = person_of(request), site_of(request)
    tester = Tester(site.registry, site.config.gateways, site.config.site.rehearsal, site.secrets, site.clock)
    await test_parameters(person.scope, office, parameters, tester, actor=person.actor)
    return go(request, f"/offices/{office}/payment")


@post("/{office:uuid}/payment/{parameters:uuid}/use", guards=[require_fresh], status_code=200, include_in_schema=False)
async def use(request: Request[Any, Any, Any], office: FromPath[UUID], parameters: FromPath[UUID]) -> Response[Any]:
    """Asks for this version to be put into use; a second person confirms it."""
    person, site, told = person_of(request), site_of(request), await sent(request, "because")
    here = await office_by_id(person.scope, office)
    try:
        await ask_activation(
            here,
            parameters,
            person,
            because=told["because"],
            effects=site.effects,
            box=site.secrets,
            base=site.config.site.public_url,
            limits=site.config.access,
            at=site.clock.now(),
        )
    except NotFound:
        raise
    except Refused as refusal:
        if refusal.box is None:
            raise
        return await _payment(request, here, because=told["because"], wrong={refusal.box: refusal.say})
    return go(request, f"/offices/{office}/payment")


HANDLERS = [payment, enter_form, enter, test, use]


def _offered(site: Site) -> list[PaymentGateway]:
    """The gateways that the operator set up in engine.toml."""
    return [gateway for id, gateway in sorted(site.registry.gateways.items()) if id in site.config.gateways]


def _chosen(site: Site, id: str) -> PaymentGateway:
    for gateway in _offered(site):
        if gateway.id == id:
            return gateway
    raise NotFound("There is no such payment gateway on this site.", code="gateway")


async def _payment(
    request: Request[Any, Any, Any], office: OfficeHere, *, because: str = "", wrong: dict[str, str] | None = None
) -> Response[Any]:
    person, site = person_of(request), site_of(request)
    versions = await parameters_of(person.scope, office.id)
    names = await names_of({id_of_actor(each.made_by) for each in versions})
    waiting = (await waiting_on(KIND, [str(office.id)])).get(str(office.id))
    return page(
        request,
        "office_payment.html",
        status=422 if wrong else 200,
        form=True,
        office=office,
        versions=[(each, site.registry.gateways.get(each.gateway), names.get(id_of_actor(each.made_by), "")) for each in versions],
        gateways=_offered(site),
        waiting=waiting,
        because=because,
        wrong=wrong or {},
    )


async def _enter(
    request: Request[Any, Any, Any], office: OfficeHere, gateway: PaymentGateway, told: dict[str, str], *, refusal: Refused | None = None
) -> Response[Any]:
    """The form; what was typed into a secret's field does not come back."""
    versions = await parameters_of(person_of(request).scope, office.id)
    newest = next((each for each in versions if each.gateway == gateway.id), None)
    wrong: dict[str, str] = {}
    for problem in (refusal.problems or ()) if refusal else ():
        wrong[problem.box or gateway.fields[0].name] = f"{wrong.get(problem.box or '', '')} {problem.say}".strip()
    if refusal is not None and not wrong:
        wrong = {refusal.box or gateway.fields[0].name: refusal.say}
    return page(
        request,
        "office_payment_enter.html",
        status=422 if wrong else 200,
        form=True,
        office=office,
        gateway=gateway,
        told=told,
        prints=newest.prints if newest else {},
        twice=refusal is not None and refusal.rule == "duplicate_in_agency",
        wrong=wrong,
    )
