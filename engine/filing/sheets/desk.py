"""The desk for cost sheets: saved and revised by their exporter, lodged with an office, approved or sent back by its officer.

Every deed is one unit of work with its audit row, and goes by the version that was read: of two at once, one is a Conflict.
"""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from engine.application import canonical
from engine.clock import ist_day
from engine.cost_sheet import CostSheet, SheetState
from engine.errors import Conflict, Forbidden, Refused
from engine.filing.reading.text import shown, text_problems
from engine.filing.sheets.checks import check_sheet
from engine.filing.sheets.citing import require_citable, require_no_circle
from engine.filing.sheets.rows import Kept, changed_meanwhile, find
from engine.filing.tables import CostSheetApproval, CostSheetEnding, CostSheetRow, CostSheetVersion
from engine.people import OfficeHere, OfficerHere, exporter_by_iec, require_mapped
from engine.scope import Scope, ScopeKind
from engine.store import audit, uow

__all__ = ["approve", "lodge", "reject", "require_owner", "revise", "save", "withdraw"]

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_OWNERS = frozenset({ScopeKind.PLATFORM, ScopeKind.EXPORTER, ScopeKind.BROKER})
_DECIDERS = frozenset({ScopeKind.PLATFORM, ScopeKind.AGENCY, ScopeKind.OFFICES})
_LONGEST_REASON = 400


def new_reference() -> str:
    """A fresh reference: `CS-` and 10 letters and digits that cannot be mistaken for each other."""
    return "CS-" + "".join(secrets.choice(_LETTERS) for _ in range(10))


async def save(scope: Scope, sheet: CostSheet, *, iec: str | None = None, actor: str, at: datetime) -> Kept:
    """Keeps a new cost sheet as a draft of the caller's exporter; `iec` names it where the caller acts for several.

    Raises Refused with all that is wrong with the sheet; then nothing is kept.
    """
    exporter_id = await _owner(scope, iec)
    _require_right(sheet)
    content = _content(sheet)
    row = CostSheetRow(reference=new_reference(), exporter=exporter_id, **content, made_by=actor, made_at=at, changed_at=at)
    async with uow():
        await CostSheetRow.insert(row)
        await _keep_version(row.to_dict(), actor, at)
        await _note("saved", row.to_dict(), actor, at)
    return await find(scope, row.reference, on=ist_day(at))


async def revise(scope: Scope, reference: str, sheet: CostSheet, *, version: int | None = None, actor: str, at: datetime) -> Kept:
    """Writes a new version as a draft; what is approved stays citable. Raises Conflict if `version` is not the newest any more."""
    require_owner(scope)
    before = await find(scope, reference, on=ist_day(at))
    if version is not None and version != before.version:
        raise changed_meanwhile(before)
    _require_right(sheet)
    changed: dict[str, Any] = {**_content(sheet), "version": before.version + 1, "reason": ""}
    async with uow():
        await require_no_circle(before.reference, sheet)
        row = await _move(before, SheetState.DRAFT, at, **changed)
        await _keep_version(row, actor, at)
        await _note("revised", row, actor, at, before=before.content_sha256)
    return await find(scope, reference, on=ist_day(at))


async def lodge(scope: Scope, reference: str, *, office: OfficeHere, actor: str, at: datetime) -> Kept:
    """Hands the newest version to an office for approval. A sheet stays with the agency that it was first lodged with."""
    require_owner(scope)
    on = ist_day(at)
    before = await find(scope, reference, on=on)
    _require_state(before, SheetState.DRAFT, SheetState.APPROVED, SheetState.EXPIRED)
    if before.agency_id not in (None, office.agency_id):
        say = f"The cost sheet {before.reference} was lodged with another agency before; lodge it there, or save it as a new sheet."
        raise Conflict(say, code="cost_sheet_agency", box="agency", rule="one agency", reference=before.reference)
    _require_right(before.sheet)
    await require_citable(before.sheet, exporter_id=before.exporter_id, on=on)
    async with uow():
        row = await _move(before, SheetState.LODGED, at, agency=office.agency_id, office=office.id, reason="")
        await _note("lodged", row, actor, at)
    return await find(scope, reference, on=on)


async def approve(scope: Scope, reference: str, *, version: int, officer: OfficerHere, valid_until: date, actor: str, at: datetime) -> Kept:
    """An officer's yes to the version that they looked at, until the end of a day in India. Raises Conflict if another is lodged."""
    before = await _lodged(scope, reference, version, officer, at)
    on = ist_day(at)
    if valid_until < on:
        say = f"valid_until is {valid_until}, and today is {on} in India; an approval holds today at least."
        raise Refused(say, box="valid_until", rule="not in the past")
    _require_right(before.sheet)
    await require_citable(before.sheet, exporter_id=before.exporter_id, on=on)
    approval = CostSheetApproval(
        cost_sheet=before.id,
        agency=before.agency_id,
        office=before.office_id,
        exporter=before.exporter_id,
        officer=officer.id,
        version=before.version,
        content_sha256=before.content_sha256,
        approved_by=actor,
        approved_at=at,
        valid_until_on=valid_until,
    )
    async with uow():
        row = await _move(before, SheetState.APPROVED, at, valid_until_on=valid_until)
        await CostSheetApproval.insert(approval)
        await _note("approved", row, actor, at, detail={"officer": str(officer.id), "valid_until": valid_until.isoformat()})
    return await find(scope, reference, on=on)


async def reject(scope: Scope, reference: str, *, version: int, officer: OfficerHere, reason: str, actor: str, at: datetime) -> Kept:
    """An officer's no, with the reason that the exporter reads: the sheet is a draft again."""
    before = await _lodged(scope, reference, version, officer, at)
    said = _reason(reason)
    async with uow():
        row = await _move(before, SheetState.DRAFT, at, reason=said)
        await _note("rejected", row, actor, at, detail={"officer": str(officer.id)})
    return await find(scope, reference, on=ist_day(at))


async def withdraw(scope: Scope, reference: str, *, reason: str, actor: str, at: datetime) -> Kept:
    """Ends the sheet by its exporter or its agency: every approval of it ends now, and nobody may cite it from here on."""
    on = ist_day(at)
    before = await find(scope, reference, on=on)
    _require_state(before, *(state for state in SheetState if state is not SheetState.WITHDRAWN))
    said = _reason(reason)
    async with uow():
        row = await _move(before, SheetState.WITHDRAWN, at, reason=said)
        for approved in before.approvals:
            await CostSheetEnding.insert(
                CostSheetEnding(
                    approval=approved.id,
                    agency=approved.agency_id,
                    office=approved.office_id,
                    exporter=before.exporter_id,
                    reason=said,
                    ended_by=actor,
                    ended_at=at,
                )
            )
        await _note("withdrawn", row, actor, at, detail={"approvals_ended": len(before.approvals)})
    return await find(scope, reference, on=on)


def require_owner(scope: Scope) -> None:
    """Raises Forbidden for an agency: what a sheet says and who may cite it is its exporter's alone."""
    if scope.kind not in _OWNERS:
        raise Forbidden("Only its exporter writes, lodges or shares a cost sheet; use a key of the exporter.", code="cost_sheet_owner")


async def _owner(scope: Scope, iec: str | None) -> UUID:
    require_owner(scope)
    if iec is not None:
        known = await exporter_by_iec(scope, iec)
        if known is None or not known.active:
            raise Refused(
                f"You are not linked to the IEC {shown(iec)}; link it at DGFT, then save the sheet.", box="iec", rule="linked to the IEC"
            )
        return known.id
    if len(scope.exporter_ids) != 1:
        raise Refused("Name the exporter whose sheet it is by its IEC.", box="iec", rule="exporter named")
    return next(iter(scope.exporter_ids))


async def _lodged(scope: Scope, reference: str, version: int, officer: OfficerHere, at: datetime) -> Kept:
    """The lodged sheet that this officer may decide on, in the version that they looked at."""
    if scope.kind not in _DECIDERS:
        raise Forbidden("Only an officer of the agency decides on a cost sheet; use a key of the agency.", code="cost_sheet_officer")
    kept = await find(scope, reference, on=ist_day(at))
    _require_state(kept, SheetState.LODGED)
    if version != kept.version:
        raise changed_meanwhile(kept)
    if kept.agency_id is None or kept.office_id is None:  # the row's own check forbids it
        raise changed_meanwhile(kept)
    await require_mapped(officer, kept.agency_id, kept.office_id)
    return kept


def _require_state(kept: Kept, *wanted: SheetState) -> None:
    if kept.state not in wanted:
        named = " or ".join(wanted)
        say = f"The cost sheet {kept.reference} is {kept.state}; for this it must be {named}."
        raise Conflict(say, code="cost_sheet_state", box="state", rule=named, reference=kept.reference)


def _require_right(sheet: CostSheet) -> None:
    if problems := check_sheet(sheet):
        raise Refused.because(problems)


def _reason(reason: str) -> str:
    said = reason.strip()
    if not said:
        raise Refused("Give the reason: the other side reads it.", box="reason", rule="reason given")
    if len(said) > _LONGEST_REASON:
        raise Refused(f"The reason has {len(said)} characters; it may have {_LONGEST_REASON}.", box="reason", rule="length")
    if found := text_problems("reason", said):
        raise Refused.because(found)
    return said


def _content(sheet: CostSheet) -> dict[str, Any]:
    """The columns that a version brings."""
    content = canonical(sheet)
    sha256 = hashlib.sha256(content).hexdigest()
    return {"product": sheet.product.description, "hs": sheet.product.hs, "content": content.decode(), "content_sha256": sha256}


async def _move(before: Kept, to: SheetState, at: datetime, **changed: Any) -> dict[str, Any]:
    """The row in its new state, in the unit of work around the call; Conflict if it is not as it was read."""
    read_as = SheetState.APPROVED if before.state is SheetState.EXPIRED else before.state
    columns: dict[Any, Any] = {"state": str(to), "changed_at": at, **changed}
    moved = (
        await CostSheetRow.update(columns)
        .where(CostSheetRow.id == before.id, CostSheetRow.version == before.version, CostSheetRow.state == str(read_as))
        .where(CostSheetRow.changed_at == before.changed_at)
        .returning(*CostSheetRow.all_columns())
    )
    if not moved:
        raise changed_meanwhile(before)
    row: dict[str, Any] = moved[0]
    return row


async def _keep_version(row: dict[str, Any], actor: str, at: datetime) -> None:
    await CostSheetVersion.insert(
        CostSheetVersion(
            cost_sheet=row["id"],
            exporter=row["exporter"],
            version=row["version"],
            content=row["content"],
            content_sha256=row["content_sha256"],
            made_by=actor,
            made_at=at,
        )
    )


async def _note(
    act: str, row: dict[str, Any], actor: str, at: datetime, *, before: str = "", detail: Mapping[str, object] | None = None
) -> None:
    """The audit row of a deed: hashes and the version, never a figure."""
    await audit(
        f"cost_sheet_{act}",
        room="filing",
        subject=row["reference"],
        actor=actor,
        at=at,
        agency=row["agency"],
        office=row["office"],
        before=before,
        after=row["content_sha256"],
        detail={"version": row["version"], **(detail or {})},
    )
