"""Cost sheets as their rows stand: found within a scope, with the approvals that nobody has ended. Reads, and changes nothing."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from engine.cost_sheet import CostSheet, SheetState
from engine.errors import Conflict, NotFound
from engine.filing.tables import CostSheetApproval, CostSheetEnding, CostSheetRow, CostSheetVersion
from engine.scope import Scope
from engine.store import reading
from engine.store.scoped import covering

__all__ = ["Approved", "Kept", "Version", "approvals_of", "changed_meanwhile", "find", "newest_live", "search", "version_of", "versions"]


@dataclass(frozen=True, slots=True)
class Approved:
    """An approval that nobody has ended; whether its last day is over, `live_on` tells."""

    id: UUID
    cost_sheet: UUID
    version: int
    content_sha256: str
    agency_id: UUID
    office_id: UUID
    approved_at: datetime
    valid_until: date

    def live_on(self, day: date) -> bool:
        """Whether it still holds on that day in India."""
        return day <= self.valid_until


@dataclass(frozen=True, slots=True)
class Kept:
    """A cost sheet as it stands: its newest version, and the approvals of this and earlier ones, newest first.

    `state` is that of the newest version: what an officer approved stays citable beside a later draft.
    """

    id: UUID
    reference: str
    state: SheetState
    version: int
    sheet: CostSheet
    content_sha256: str
    agency_id: UUID | None
    office_id: UUID | None
    exporter_id: UUID
    reason: str
    made_at: datetime
    changed_at: datetime
    approvals: tuple[Approved, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a cost sheet as it was saved."""

    number: int
    sheet: CostSheet
    content_sha256: str
    made_at: datetime


async def find(scope: Scope, reference: str, *, on: date) -> Kept:
    """The cost sheet of that reference on that day. Raises NotFound if there is none, or if it is not yours: the two read the same."""
    query = CostSheetRow.select().where(CostSheetRow.reference == reference.strip().upper())
    async with reading():
        row = await covering(scope, query, CostSheetRow).first()
        approvals = await approvals_of([row["id"]]) if row else {}
    if row is None:
        raise NotFound(f"There is no cost sheet {reference}.", box="reference", rule="known reference")
    return _kept(row, approvals.get(row["id"], ()), on)


async def search(scope: Scope, *, on: date, state: SheetState | None = None, hs: str = "", limit: int = 50, offset: int = 0) -> list[Kept]:
    """Cost sheets that the scope covers, the last changed first; `hs` is the beginning of the product's code."""
    query = CostSheetRow.select().order_by(CostSheetRow.changed_at, ascending=False).order_by(CostSheetRow.reference)
    if state in {SheetState.APPROVED, SheetState.EXPIRED}:
        query = query.where(CostSheetRow.state == str(SheetState.APPROVED))
        query = query.where(CostSheetRow.valid_until_on >= on if state is SheetState.APPROVED else CostSheetRow.valid_until_on < on)
    elif state is not None:
        query = query.where(CostSheetRow.state == str(state))
    if hs:
        query = query.where(CostSheetRow.hs.like(f"{hs}%"))
    async with reading():
        rows = await covering(scope, query.limit(min(limit, 200)).offset(offset), CostSheetRow)
        approvals = await approvals_of([row["id"] for row in rows])
    return [_kept(row, approvals.get(row["id"], ()), on) for row in rows]


async def versions(scope: Scope, reference: str, *, on: date) -> list[Version]:
    """Every version of a sheet, the first one first."""
    kept = await find(scope, reference, on=on)
    rows = await CostSheetVersion.select().where(CostSheetVersion.cost_sheet == kept.id).order_by(CostSheetVersion.version)
    return [_version(row) for row in rows]


async def version_of(scope: Scope, reference: str, number: int, *, on: date) -> Version:
    """One version of a sheet. Raises NotFound for a number that it does not have."""
    kept = await find(scope, reference, on=on)
    row = await CostSheetVersion.select().where(CostSheetVersion.cost_sheet == kept.id, CostSheetVersion.version == number).first()
    if row is None:
        say = f"The cost sheet {kept.reference} has versions 1 to {kept.version}; there is no version {number}."
        raise NotFound(say, box="version", rule="known version")
    return _version(row)


async def approvals_of(ids: Collection[UUID]) -> dict[UUID, tuple[Approved, ...]]:
    """The approvals of these sheets that nobody has ended, by sheet, the newest version first. For sheets that a scope found."""
    if not ids:
        return {}
    rows = await CostSheetApproval.select().where(CostSheetApproval.cost_sheet.is_in(list(ids)))
    if not rows:
        return {}
    endings = await CostSheetEnding.select(CostSheetEnding.approval).where(CostSheetEnding.approval.is_in([row["id"] for row in rows]))
    ended = {row["approval"] for row in endings}
    found: defaultdict[UUID, list[Approved]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["version"], row["approved_at"]), reverse=True):
        if row["id"] not in ended:
            found[row["cost_sheet"]].append(_approved(row))
    return {sheet: tuple(approvals) for sheet, approvals in found.items()}


def newest_live(approvals: Collection[Approved], day: date) -> Approved | None:
    """The first of the approvals, newest version first, that holds on that day."""
    return next((approved for approved in approvals if approved.live_on(day)), None)


def changed_meanwhile(kept: Kept) -> Conflict:
    """Somebody was quicker."""
    say = f"The cost sheet {kept.reference} was changed by somebody else meanwhile. Load it again."
    return Conflict(say, code="cost_sheet_version", box="version", rule="newest version", reference=kept.reference)


def _kept(row: dict[str, Any], approvals: tuple[Approved, ...], on: date) -> Kept:
    state = SheetState(row["state"])
    if state is SheetState.APPROVED and row["valid_until_on"] < on:
        state = SheetState.EXPIRED
    return Kept(
        id=row["id"],
        reference=row["reference"],
        state=state,
        version=row["version"],
        sheet=msgspec.json.decode(row["content"], type=CostSheet),
        content_sha256=row["content_sha256"],
        agency_id=row["agency"],
        office_id=row["office"],
        exporter_id=row["exporter"],
        reason=row["reason"],
        made_at=row["made_at"],
        changed_at=row["changed_at"],
        approvals=approvals,
    )


def _approved(row: dict[str, Any]) -> Approved:
    return Approved(
        id=row["id"],
        cost_sheet=row["cost_sheet"],
        version=row["version"],
        content_sha256=row["content_sha256"],
        agency_id=row["agency"],
        office_id=row["office"],
        approved_at=row["approved_at"],
        valid_until=row["valid_until_on"],
    )


def _version(row: dict[str, Any]) -> Version:
    sheet = msgspec.json.decode(row["content"], type=CostSheet)
    return Version(row["version"], sheet, row["content_sha256"], row["made_at"])
