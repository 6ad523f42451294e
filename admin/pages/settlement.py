"""Reconciliation of an office: the gateway's settlement files, what was found for each line, and closing a line with a reason."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.pages.forms import sent
from admin.pages.payments import mark_of, place_of
from admin.pages.rendering import page
from admin.parts import parts_of, site_of
from admin.persons import go, person_of
from engine.contracts.paying import Settles
from engine.errors import NotFound, Refused
from engine.money.gateways import in_use
from engine.money.orders import order_by_id
from engine.money.orders.finding import attempt_by_id
from engine.money.paying.refund_rows import refund_by_id
from engine.money.settling import (
    Match,
    SettlementLine,
    close_line,
    file_by_id,
    files_of,
    import_settlement,
    line_of_settlement,
    lines_of_file,
    look_again,
    open_lines,
    unsettled,
)
from engine.money.settling.importing import MOST_BYTES
from engine.people import OfficeHere
from engine.people.offices.keeping import office_by_id
from engine.scope import Scope

__all__ = ["HANDLERS"]

_ON_A_PAGE = 25
_LINES_ON_A_PAGE = 100
_FILES_PER_MINUTE = 6
_ASKED_PER_MINUTE = 20
_KEY = re.compile(r"[!-~]{1,120}", re.ASCII)
MATCHES: Mapping[Match, tuple[str, str, str]] = {
    Match.MATCHED: ("", "agrees", "The payment that we know, to the paisa."),
    Match.REFUND_MATCHED: ("", "agrees", "The refund that we know, to the paisa."),
    Match.AMOUNT_DIFFERS: ("bad", "amount differs", "We know it with another amount. Ask the gateway which one is right."),
    Match.MISSING_HERE: ("bad", "not known here", "Nobody began it here. Is the merchant account used elsewhere too?"),
    Match.NOT_PAID_HERE: ("warn", "not done here", "We know it, and not as done. The gateway is asked about it four times a day."),
    Match.DUPLICATE: ("bad", "twice", "Another line settled the same thing already."),
}


@get("/{office:uuid}/settlements", include_in_schema=False)
async def settlements(request: Request[Any, Any, Any], office: FromPath[UUID], before: FromQuery[str] = "") -> Response[Any]:
    """The files that were imported, and the lines that are not explained."""
    return await _settlements(request, await office_by_id(person_of(request).scope, office), before=before)


@post("/{office:uuid}/settlements", status_code=200, include_in_schema=False, request_max_body_size=MOST_BYTES + 100_000)
async def bring(request: Request[Any, Any, Any], office: FromPath[UUID]) -> Response[Any]:
    """Imports a file of the gateway; the same file once more changes nothing."""
    person, site = person_of(request), site_of(request)
    here = await office_by_id(person.scope, office)
    parts_of(request).limits.hit("settlement", str(person.account_id), _FILES_PER_MINUTE)
    file = (await request.form()).get("file")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise Refused("Choose the file that the gateway gave you.", box="file", rule="file chosen")
        data = await file.read(MOST_BYTES + 1)
        done = await import_settlement(
            person.scope, here.id, file.filename, data, cashier=site.cashier(), files=site.files, actor=person.actor, at=site.clock.now()
        )
    except NotFound as error:
        if error.code != "payment_parameters":
            raise
        return await _settlements(request, here, wrong={"file": error.say})
    except Refused as refusal:
        return await _settlements(request, here, wrong=_wrong(refusal))
    told = "known" if done.known else "repeated" if done.repeated else "new"
    return go(request, f"/offices/{office}/settlements/{done.file_id}?told={told}")


@get("/{office:uuid}/settlements/{settlement:uuid}", include_in_schema=False)
async def one(
    request: Request[Any, Any, Any],
    office: FromPath[UUID],
    settlement: FromPath[UUID],
    match: FromQuery[str] = "",
    after: FromQuery[str] = "",
    told: FromQuery[str] = "",
) -> Response[Any]:
    """One file, line by line."""
    scope = person_of(request).scope
    here = await office_by_id(scope, office)
    file = await file_by_id(scope, here.id, settlement)
    wanted = Match(match) if match in set(Match) else None
    mark = after if _KEY.fullmatch(after) else ""
    found = await lines_of_file(scope, settlement, match=wanted, after=mark, most=_LINES_ON_A_PAGE + 1)
    shown = found[:_LINES_ON_A_PAGE]
    return page(
        request,
        "settlement.html",
        office=here,
        file=file,
        lines=[(line, *MATCHES[line.match]) for line in shown],
        matches=[(each, MATCHES[each][1]) for each in Match],
        match=str(wanted or ""),
        further=shown[-1].line_key if len(found) > _LINES_ON_A_PAGE else "",
        paged=bool(mark),
        told=told if told in {"known", "repeated", "new"} else "",
    )


@get("/{office:uuid}/settlements/lines/{line:uuid}", include_in_schema=False)
async def line(request: Request[Any, Any, Any], office: FromPath[UUID], line: FromPath[UUID]) -> Response[Any]:
    """One line, beside what is known here."""
    return await _line(request, office, line)


@post("/{office:uuid}/settlements/lines/{line:uuid}", status_code=200, include_in_schema=False)
async def explain(request: Request[Any, Any, Any], office: FromPath[UUID], line: FromPath[UUID]) -> Response[Any]:
    """Closes it with a reason, or asks the gateway and looks again."""
    person, site, told = person_of(request), site_of(request), await sent(request, "act", "reason")
    await _of_office(person.scope, office, line)
    at = site.clock.now()
    try:
        if told["act"] == "look":
            parts_of(request).limits.hit("settlement_ask", str(person.account_id), _ASKED_PER_MINUTE)
            await look_again(person.scope, line, cashier=site.cashier(), actor=person.actor, at=at)
        else:
            await close_line(person.scope, line, reason=told["reason"], actor=person.actor, at=at)
    except NotFound:
        raise
    except Refused as refusal:
        return await _line(request, office, line, reason=told["reason"], wrong={"reason": refusal.say})
    return go(request, f"/offices/{office}/settlements/lines/{line}")


HANDLERS = [settlements, bring, one, line, explain]


async def _settlements(
    request: Request[Any, Any, Any], office: OfficeHere, *, before: str = "", wrong: dict[str, str] | None = None
) -> Response[Any]:
    scope, site = person_of(request).scope, site_of(request)
    live = await in_use(scope, office.id)
    gateway = site.registry.gateways.get(live.gateway) if live else None
    found = await files_of(scope, office.id, **place_of(before), most=_ON_A_PAGE + 1)
    shown, reads = found[:_ON_A_PAGE], isinstance(gateway, Settles)
    missed = await unsettled(scope, office.id, at=site.clock.now(), most=_ON_A_PAGE + 1) if reads else ()
    return page(
        request,
        "settlements.html",
        status=422 if wrong else 200,
        form=True,
        office=office,
        gateway=str(gateway.title) if gateway else "",
        help=gateway.settlement_help if isinstance(gateway, Settles) else "",
        files=shown,
        open_lines=[(line, *MATCHES[line.match]) for line in await open_lines(scope, office.id)],
        missed=[(each, await order_by_id(scope, each.order_id)) for each in missed[:_ON_A_PAGE]],
        more_missed=len(missed) > _ON_A_PAGE,
        further=mark_of(shown[-1].imported_at, shown[-1].id) if len(found) > _ON_A_PAGE else "",
        paged=bool(before),
        most_bytes=MOST_BYTES,
        wrong=wrong or {},
    )


async def _line(
    request: Request[Any, Any, Any], office: UUID, id: UUID, *, reason: str = "", wrong: dict[str, str] | None = None
) -> Response[Any]:
    scope = person_of(request).scope
    here = await office_by_id(scope, office)
    found = await _of_office(scope, office, id)
    attempt = await attempt_by_id(scope, found.attempt_id) if found.attempt_id else None
    refund = await refund_by_id(scope, found.refund_id) if found.refund_id else None
    order = await order_by_id(scope, (attempt or refund).order_id) if attempt or refund else None  # type: ignore[union-attr]  # one of them is there
    return page(
        request,
        "settlement_line.html",
        status=422 if wrong else 200,
        form=True,
        office=here,
        line=found,
        words=MATCHES[found.match],
        attempt=attempt,
        refund=refund,
        order=order,
        reason=reason,
        wrong=wrong or {},
    )


async def _of_office(scope: Scope, office: UUID, id: UUID) -> SettlementLine:
    """A line of that office. Raises NotFound for one of another."""
    await office_by_id(scope, office)
    found = await line_of_settlement(scope, id)
    if found.office_id != office:
        raise NotFound("There is no such line of a settlement file.", code="settlement_line")
    return found


def _wrong(refusal: Refused) -> dict[str, str]:
    """All that is wrong with a file, at its field."""
    says = [problem.say for problem in refusal.problems] or [refusal.say]
    more = f" And {len(says) - 8} more." if len(says) > 8 else ""
    return {"file": " ".join(says[:8]) + more}
