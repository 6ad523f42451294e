"""The origin check by machine: do the goods originate, and under which other scheme would they? Nothing is kept."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import Request, post
from litestar.params import QueryParameter
from msgspec import Struct

from admin.api.description import ApplicationOperation, CostSheetOperation, errors
from admin.guards import caller_of
from admin.parts import site_of
from engine.application import Application
from engine.clock import ist_day
from engine.contracts.form import Form
from engine.contracts.origin import Finding
from engine.errors import Refused
from engine.filing import citation_problems, look
from engine.filing.origin import Cited, Elsewhere, find_elsewhere, find_origin, goods_of_item, goods_of_sheet
from engine.filing.places import is_country
from engine.filing.sheets import check_sheet, citations_of, read_json, suppliers_of
from engine.site import Site

__all__ = ["of_application", "of_sheet"]


class OriginAnswer(Struct, frozen=True):
    """What the application's own scheme says, and for each line of goods what every scheme in force would."""

    finding: Finding
    elsewhere: list[list[Elsewhere]]


@post("/origin", status_code=200, operation_class=ApplicationOperation, responses=errors(401, 403, 413, 422))
async def of_application(request: Request[Any, Any, Any]) -> OriginAnswer:
    """Check the goods of an application against the rules of origin, with every step, and try all other schemes."""
    caller, site, body = caller_of(request), site_of(request), await request.body()
    scope = caller.require("prepare")
    application, problems = await asyncio.to_thread(look, body)
    if application is None:
        raise Refused.because(problems)
    citations = await citations_of(scope, application, on=ist_day(site.clock.now()))
    if wrong := [*citations.problems, *citation_problems(application, citations.sheets)]:
        raise Refused.because(wrong)
    return await asyncio.to_thread(_answer, site, application, citations.sheets)


def _answer(site: Site, application: Application, sheets: Mapping[str, Cited]) -> OriginAnswer:
    today = ist_day(site.clock.now())
    form = site.registry.form(application.scheme, today, application.form_version)
    forms = _forms(site)
    tried = [_elsewhere(application, index, sheets, forms) for index in range(len(application.items))]
    return OriginAnswer(find_origin(application, form, sheets).for_applicant(), tried)


def _elsewhere(application: Application, index: int, sheets: Mapping[str, Cited], forms: list[Form]) -> list[Elsewhere]:
    """Of a line that cites another's sheet the verdicts alone: how far each scheme is missed, and by what, would tell its figures."""
    cited = sheets.get(application.items[index].origin.cost_sheet or "")
    found = find_elsewhere(goods_of_item(application, index, sheets), forms)
    if cited is None or cited.own:
        return list(found)
    return [msgspec.structs.replace(each, lines=(), points=None, missing=()) for each in found]


@post("/origin/cost-sheet", status_code=200, operation_class=CostSheetOperation, responses=errors(401, 403, 413, 422))
async def of_sheet(
    request: Request[Any, Any, Any],
    to: Annotated[
        str | None, QueryParameter(description="The country of destination; without one, every scheme is tried.", max_length=2)
    ] = None,
) -> list[Elsewhere]:
    """Try a cost sheet on every scheme in force, before anything is filed: passes, fails by how much, or what is missing.

    Suppliers' sheets that its inputs cite are looked up for a key of one exporter; for any other key they stay undecided.
    """
    caller, site, body = caller_of(request), site_of(request), await request.body()
    scope = caller.require("prepare")
    sheet = await asyncio.to_thread(read_json, body)
    if wrong := check_sheet(sheet):
        raise Refused.because(wrong)
    today, suppliers = ist_day(site.clock.now()), None
    if len(scope.exporter_ids) == 1 and any(part.cost_sheet for part in sheet.inputs):
        (exporter_id,) = scope.exporter_ids
        suppliers = await suppliers_of(sheet, exporter_id=exporter_id, on=today)
    goods = goods_of_sheet(sheet, destination=_country(to), on=today, suppliers=suppliers)
    return list(await asyncio.to_thread(find_elsewhere, goods, _forms(site)))


def _forms(site: Site) -> list[Form]:
    return site.registry.in_force(ist_day(site.clock.now()))


def _country(code: str | None) -> str | None:
    if code is None:
        return None
    if not is_country(code.upper()):
        say = f"to is {code[:8]!r}, which is the code of no country; write two letters of ISO 3166-1, such as AE."
        raise Refused(say, box="to", rule="ISO 3166-1 country")
    return code.upper()
