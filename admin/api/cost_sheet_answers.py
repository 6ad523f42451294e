"""What the API answers about cost sheets. Whole sheets go to their exporter and their agency alone, whom a scope covers."""

from typing import Any

import msgspec
from msgspec import Struct

from engine.clock import utc_text
from engine.filing.sheets import Difference, Grant, Kept, Version

__all__ = ["ApprovalAnswer", "ComparisonAnswer", "CostSheetAnswer", "CostSheetLine", "CostSheetList", "GrantList", "VersionAnswer"]


class CostSheetLine(Struct, frozen=True):
    """One line of a list of cost sheets; `state` is that of the newest version."""

    reference: str
    state: str
    version: int
    product: str
    hs: str
    made_at: str
    changed_at: str

    @classmethod
    def of(cls, kept: Kept) -> "CostSheetLine":
        """A cost sheet in short."""
        return cls(
            reference=kept.reference,
            state=str(kept.state),
            version=kept.version,
            product=kept.sheet.product.description,
            hs=kept.sheet.product.hs,
            made_at=utc_text(kept.made_at),
            changed_at=utc_text(kept.changed_at),
        )


class CostSheetList(Struct, frozen=True):
    """A page of cost sheets, the last changed first; `next_offset` is null on the last one."""

    cost_sheets: list[CostSheetLine]
    next_offset: int | None


class ApprovalAnswer(Struct, frozen=True):
    """An approval that nobody has ended: of which version, and its last day in India."""

    version: int
    content_sha256: str
    approved_at: str
    valid_until: str


class CostSheetAnswer(Struct, frozen=True):
    """A cost sheet in full: its newest version, why it came back or ended, and its approvals, newest version first."""

    reference: str
    state: str
    version: int
    product: str
    hs: str
    made_at: str
    changed_at: str
    content_sha256: str
    reason: str
    approvals: list[ApprovalAnswer]
    cost_sheet: dict[str, Any]

    @classmethod
    def of(cls, kept: Kept) -> "CostSheetAnswer":
        """A cost sheet with the file as it is kept."""
        short: dict[str, Any] = msgspec.to_builtins(CostSheetLine.of(kept))
        approvals = [
            ApprovalAnswer(each.version, each.content_sha256, utc_text(each.approved_at), each.valid_until.isoformat())
            for each in kept.approvals
        ]
        return cls(
            **short,
            content_sha256=kept.content_sha256,
            reason=kept.reason,
            approvals=approvals,
            cost_sheet=msgspec.to_builtins(kept.sheet),
        )


class VersionAnswer(Struct, frozen=True):
    """One version of a cost sheet as it was saved."""

    version: int
    made_at: str
    content_sha256: str
    cost_sheet: dict[str, Any]

    @classmethod
    def of(cls, version: Version) -> "VersionAnswer":
        """A version with its file."""
        return cls(version.number, utc_text(version.made_at), version.content_sha256, msgspec.to_builtins(version.sheet))


class ComparisonAnswer(Struct, frozen=True):
    """What differs between two versions, key by key; `change` is later minus earlier where both are amounts."""

    before: int
    after: int
    differences: list[Difference]


class GrantAnswer(Struct, frozen=True):
    """Leave to cite, for the exporter under that IEC."""

    iec: str
    made_at: str
    ended_at: str | None


class GrantList(Struct, frozen=True):
    """Every grant of a sheet, ended ones too."""

    grants: list[GrantAnswer]

    @classmethod
    def of(cls, grants: list[Grant]) -> "GrantList":
        """The grants of a sheet."""
        return cls([GrantAnswer(each.iec, utc_text(each.made_at), utc_text(each.ended_at) if each.ended_at else None) for each in grants])
