"""Cost sheets by machine: kept in versions by their exporter, approved by the agency's officer, shared by grants, as spreadsheets.

A sheet is read by its exporter and the agency that it was lodged with. Whoever cites one by a grant is told whether the
goods originate, in the application's own answers, and finds no sheet here.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from litestar import Request, delete, get, post, put
from litestar.params import FromPath, QueryParameter
from litestar.response import Response

from admin.api.applications import IdempotencyKey
from admin.api.cost_sheet_answers import ComparisonAnswer, CostSheetAnswer, CostSheetLine, CostSheetList, GrantList, VersionAnswer
from admin.api.cost_sheet_deeds import APPROVING, GRANTING, LODGING, REJECTING, WITHDRAWING, Approving
from admin.api.description import CSV, XLSX, CostSheetOperation, TableOperation, asking, errors
from admin.api.once import Once
from admin.guards import caller_of
from admin.parts import site_of
from engine.clock import ist_day
from engine.cost_sheet import CostSheet, SheetState
from engine.errors import NotFound, Refused
from engine.filing import sheets
from engine.people import find_office, find_officer
from engine.scope import PLATFORM, Scope, ScopeKind

__all__ = ["HANDLERS"]

_REFERENCE = re.compile(r"CS-[2-9A-Z]{10}", re.ASCII)
_MOST = 200

_Asked = Request[Any, Any, Any]
_Iec = Annotated[
    str | None, QueryParameter(name="iec", description="The exporter whose sheet it is, where the key acts for several.", max_length=10)
]
_Based = Annotated[
    int | None, QueryParameter(name="version", ge=1, le=1_000_000, description="The version that was changed; another one is a conflict.")
]
_Number = Annotated[int | None, QueryParameter(name="version", ge=1, le=1_000_000, description="Which version; the newest if absent.")]
_CHANGING = errors(401, 403, 404, 409, 413, 422)


@post("/cost-sheets", operation_class=CostSheetOperation, responses=errors(401, 403, 409, 413, 422))
async def create(request: _Asked, iec: _Iec = None, idempotency_key: IdempotencyKey = None) -> CostSheetAnswer:
    """Keep a new cost sheet as a draft; 422 lists all that is wrong, and then nothing is kept."""
    return await _saved(request, sheets.read_json, iec, idempotency_key)


@post("/cost-sheets/import", operation_class=TableOperation, responses=errors(401, 403, 409, 413, 422))
async def take_in(request: _Asked, iec: _Iec = None, idempotency_key: IdempotencyKey = None) -> CostSheetAnswer:
    """Keep a new cost sheet out of a workbook (XLSX) or CSV; 422 names sheet, row and column, and then nothing is kept."""
    return await _saved(request, _read_table, iec, idempotency_key)


@put("/cost-sheets/{reference:str}", operation_class=CostSheetOperation, responses=_CHANGING)
async def revise(request: _Asked, reference: FromPath[str], version: _Based = None) -> CostSheetAnswer:
    """Write a new version as a draft; what is approved stays citable until its end."""
    return await _revised(request, sheets.read_json, reference, version)


@put("/cost-sheets/{reference:str}/import", operation_class=TableOperation, responses=_CHANGING)
async def take_in_again(request: _Asked, reference: FromPath[str], version: _Based = None) -> CostSheetAnswer:
    """Write a new version out of a workbook (XLSX) or CSV."""
    return await _revised(request, _read_table, reference, version)


@get("/cost-sheets", responses=errors(401, 403, 422))
async def listed(
    request: _Asked,
    wanted: Annotated[SheetState | None, QueryParameter(name="state", description="Only those in this state.")] = None,
    hs: Annotated[str, QueryParameter(description="The beginning of the product's HS code.", pattern="^[0-9]*$", max_length=10)] = "",
    limit: Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")] = 50,
    offset: Annotated[int, QueryParameter(ge=0, le=1_000_000, description="How many to pass over.")] = 0,
) -> CostSheetList:
    """List the cost sheets that the key covers, the last changed first."""
    caller = caller_of(request)
    scope = caller.require("see")
    found = await sheets.search(scope, on=_today(request), state=wanted, hs=hs, limit=limit, offset=offset)
    return CostSheetList([CostSheetLine.of(kept) for kept in found], offset + limit if len(found) == limit else None)


@get("/cost-sheets/{reference:str}", responses=errors(401, 403, 404))
async def one(request: _Asked, reference: FromPath[str]) -> CostSheetAnswer:
    """Look up a cost sheet with its newest version and its approvals."""
    caller = caller_of(request)
    scope = caller.require("see")
    return CostSheetAnswer.of(await sheets.find(scope, _known(reference), on=_today(request)))


@get("/cost-sheets/{reference:str}/versions/{number:int}", responses=errors(401, 403, 404))
async def one_version(request: _Asked, reference: FromPath[str], number: FromPath[int]) -> VersionAnswer:
    """Look up one version of a cost sheet as it was saved."""
    caller = caller_of(request)
    scope = caller.require("see")
    return VersionAnswer.of(await _version(scope, _known(reference), number, _today(request)))


@get("/cost-sheets/{reference:str}/compare", responses=errors(401, 403, 404, 422))
async def compare(
    request: _Asked,
    reference: FromPath[str],
    before: Annotated[int, QueryParameter(ge=1, le=1_000_000, description="The earlier version.")],
    after: Annotated[int, QueryParameter(ge=1, le=1_000_000, description="The later version.")],
) -> ComparisonAnswer:
    """Compare two versions: every key that differs, and by how much."""
    caller = caller_of(request)
    scope = caller.require("see")
    reference, today = _known(reference), _today(request)
    older, newer = [await _version(scope, reference, number, today) for number in (before, after)]
    return ComparisonAnswer(before, after, await asyncio.to_thread(sheets.compare, older.sheet, newer.sheet))


@get("/cost-sheets/{reference:str}/export.xlsx", media_type=XLSX, responses=errors(401, 403, 404))
async def as_workbook(request: _Asked, reference: FromPath[str], version: _Number = None) -> Response[bytes]:
    """Download a version as a workbook of which nothing runs; importing it gives the same sheet."""
    return await _exported(request, reference, version, sheets.to_xlsx, XLSX, "xlsx")


@get("/cost-sheets/{reference:str}/export.csv", media_type=CSV, responses=errors(401, 403, 404))
async def as_csv(request: _Asked, reference: FromPath[str], version: _Number = None) -> Response[bytes]:
    """Download a version as CSV of which nothing runs; importing it gives the same sheet."""
    return await _exported(request, reference, version, sheets.to_csv, CSV, "csv")


@post("/cost-sheets/{reference:str}/lodge", status_code=200, operation_class=asking("CostSheetLodging"), responses=_CHANGING)
async def lodge(request: _Asked, reference: FromPath[str], idempotency_key: IdempotencyKey = None) -> CostSheetAnswer:
    """Hand the newest version to an office for approval."""
    caller, body = caller_of(request), await request.body()
    scope = caller.require("submit")
    reference = _known(reference)

    async def deed(at: datetime) -> sheets.Kept:
        await sheets.find(scope, reference, on=ist_day(at))
        asked = LODGING.read(body)
        office = await find_office(PLATFORM, asked.agency, asked.office, on=ist_day(at))
        return await sheets.lodge(scope, reference, office=office, actor=caller.actor, at=at)

    return await _done(request, "lodge", reference, idempotency_key, deed)


@post("/cost-sheets/{reference:str}/approve", status_code=200, operation_class=asking("CostSheetApproving"), responses=_CHANGING)
async def approve(request: _Asked, reference: FromPath[str], idempotency_key: IdempotencyKey = None) -> CostSheetAnswer:
    """Approve the version that an officer looked at, until a day. The agency's own system vouches for its officer."""
    caller, body = caller_of(request), await request.body()
    scope = caller.require("approve")
    reference = _known(reference)

    async def deed(at: datetime) -> sheets.Kept:
        await sheets.find(scope, reference, on=ist_day(at))
        asked = APPROVING.read(body)
        officer, until = await find_officer(scope, asked.officer), _until(asked, ist_day(at))
        return await sheets.approve(scope, reference, version=asked.version, officer=officer, valid_until=until, actor=caller.actor, at=at)

    return await _done(request, "approve", reference, idempotency_key, deed)


@post("/cost-sheets/{reference:str}/reject", status_code=200, operation_class=asking("CostSheetRejecting"), responses=_CHANGING)
async def reject(request: _Asked, reference: FromPath[str], idempotency_key: IdempotencyKey = None) -> CostSheetAnswer:
    """Send the version back to its exporter with the reason."""
    caller, body = caller_of(request), await request.body()
    scope = caller.require("approve")
    reference = _known(reference)

    async def deed(at: datetime) -> sheets.Kept:
        await sheets.find(scope, reference, on=ist_day(at))
        asked = REJECTING.read(body)
        officer = await find_officer(scope, asked.officer)
        return await sheets.reject(scope, reference, version=asked.version, officer=officer, reason=asked.reason, actor=caller.actor, at=at)

    return await _done(request, "reject", reference, idempotency_key, deed)


@post("/cost-sheets/{reference:str}/withdraw", status_code=200, operation_class=asking("CostSheetWithdrawing"), responses=_CHANGING)
async def withdraw(request: _Asked, reference: FromPath[str], idempotency_key: IdempotencyKey = None) -> CostSheetAnswer:
    """End a sheet, by its exporter or its agency: its approvals end now, and nobody may cite it from here on."""
    caller, body = caller_of(request), await request.body()
    scope = caller.require("approve" if caller.kind in {ScopeKind.AGENCY, ScopeKind.OFFICES} else "submit")
    reference = _known(reference)

    async def deed(at: datetime) -> sheets.Kept:
        await sheets.find(scope, reference, on=ist_day(at))
        asked = WITHDRAWING.read(body)
        return await sheets.withdraw(scope, reference, reason=asked.reason, actor=caller.actor, at=at)

    return await _done(request, "withdraw", reference, idempotency_key, deed)


@get("/cost-sheets/{reference:str}/grants", responses=errors(401, 403, 404))
async def grants(request: _Asked, reference: FromPath[str]) -> GrantList:
    """List who may cite the sheet, ended grants too."""
    caller = caller_of(request)
    scope = caller.require("see")
    return GrantList.of(await sheets.grants_of(scope, _known(reference), at=_now(request)))


@post("/cost-sheets/{reference:str}/grants", status_code=200, operation_class=asking("CostSheetGranting"), responses=_CHANGING)
async def grant(request: _Asked, reference: FromPath[str]) -> GrantList:
    """Let another exporter cite the sheet: it learns the verdict, never a figure. A grant that stands stays as it is."""
    caller, body = caller_of(request), await request.body()
    scope = caller.require("submit")
    reference, at = _known(reference), _now(request)
    await sheets.find(scope, reference, on=ist_day(at))
    asked = GRANTING.read(body)
    return GrantList.of(await sheets.grant(scope, reference, asked.iec, actor=caller.actor, at=at))


@delete("/cost-sheets/{reference:str}/grants/{iec:str}", status_code=200, responses=_CHANGING)
async def end_grant(request: _Asked, reference: FromPath[str], iec: FromPath[str]) -> GrantList:
    """Take the leave to cite back."""
    caller = caller_of(request)
    scope = caller.require("submit")
    return GrantList.of(await sheets.end_grant(scope, _known(reference), iec, actor=caller.actor, at=_now(request)))


HANDLERS = [
    create,
    take_in,
    revise,
    take_in_again,
    listed,
    one,
    one_version,
    compare,
    as_workbook,
    as_csv,
    lodge,
    approve,
    reject,
    withdraw,
    grants,
    grant,
    end_grant,
]


async def _saved(request: _Asked, reader: Callable[[bytes], CostSheet], iec: str | None, key: str | None) -> CostSheetAnswer:
    caller, body = caller_of(request), await request.body()
    scope = caller.require("prepare")
    at = _now(request)
    asked = Once(caller.actor, key, b"cost-sheet\n" + (iec or "").encode() + b"\n" + body, CostSheetAnswer)
    if known := await asked.before(at):
        return known
    sheet = await asyncio.to_thread(reader, body)

    async def deed() -> CostSheetAnswer:
        return CostSheetAnswer.of(await sheets.save(scope, sheet, iec=iec, actor=caller.actor, at=at))

    return await asked.now(deed, at=at)


async def _revised(request: _Asked, reader: Callable[[bytes], CostSheet], reference: str, version: int | None) -> CostSheetAnswer:
    caller, body = caller_of(request), await request.body()
    scope = caller.require("prepare")
    known, at = _known(reference), _now(request)
    await sheets.find(scope, known, on=ist_day(at))
    sheet = await asyncio.to_thread(reader, body)
    return CostSheetAnswer.of(await sheets.revise(scope, known, sheet, version=version, actor=caller.actor, at=at))


async def _done(
    request: _Asked, act: str, reference: str, key: str | None, deed: Callable[[datetime], Awaitable[sheets.Kept]]
) -> CostSheetAnswer:
    """What a deed left of the sheet; under a key of idempotency, what it was answered the first time."""
    caller, at = caller_of(request), _now(request)
    asked = Once(caller.actor, key, f"{act}\n{reference}\n".encode() + await request.body(), CostSheetAnswer)
    if known := await asked.before(at):
        return known

    async def whole() -> CostSheetAnswer:
        return CostSheetAnswer.of(await deed(at))

    return await asked.now(whole, at=at)


async def _exported(
    request: _Asked, reference: str, number: int | None, write: Callable[[CostSheet], bytes], kind: str, suffix: str
) -> Response[bytes]:
    caller = caller_of(request)
    scope = caller.require("see")
    reference, today = _known(reference), _today(request)
    number = number or (await sheets.find(scope, reference, on=today)).version
    found = await _version(scope, reference, number, today)
    content = await asyncio.to_thread(write, found.sheet)
    headers = {
        "content-disposition": f'attachment; filename="{reference}-v{number}.{suffix}"',
        "etag": f'"{found.content_sha256}-{suffix}"',
    }
    return Response(content, media_type=kind, headers=headers)


async def _version(scope: Scope, reference: str, number: int, today: date) -> sheets.Version:
    return await sheets.version_of(scope, reference, number, on=today)


def _read_table(body: bytes) -> CostSheet:
    """What was sent tells by itself which kind it is."""
    return sheets.from_xlsx(body) if body.startswith((b"PK", b"\xd0\xcf\x11\xe0")) else sheets.from_csv(body)


def _until(asked: Approving, today: date) -> date:
    if (asked.valid_until is None) is (asked.valid_days is None):
        raise Refused(
            "Give valid_until or valid_days: one of them says how long the approval holds.", box="valid_until", rule="one validity"
        )
    return asked.valid_until or today + timedelta(days=(asked.valid_days or 1) - 1)


def _known(reference: str) -> str:
    """A reference of ours in its own spelling. Raises NotFound for anything that cannot be one."""
    spelt = reference.strip().upper()
    if not _REFERENCE.fullmatch(spelt):
        raise NotFound("There is no such cost sheet.", box="reference", rule="known reference")
    return spelt


def _now(request: _Asked) -> datetime:
    return site_of(request).clock.now()


def _today(request: _Asked) -> date:
    return ist_day(_now(request))
