"""Settlement files and their lines as the other rooms need them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from engine.contracts.paying import SettlementKind
from engine.money.settling.tables import Match

__all__ = ["OPEN", "SettlementFile", "SettlementLine"]

# What a person must still explain, unless they closed it.
OPEN = (Match.AMOUNT_DIFFERS, Match.MISSING_HERE, Match.NOT_PAID_HERE, Match.DUPLICATE)


@dataclass(frozen=True, slots=True)
class SettlementFile:
    """A file that was imported, with its sums: payments less refunds."""

    id: UUID
    office_id: UUID
    gateway: str
    name: str
    sha256: str
    lines: int
    gross_paise: int
    fee_paise: int
    tax_paise: int
    net_paise: int
    imported_by: str
    imported_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "SettlementFile":
        """The file of a row."""
        same = ("id", "gateway", "name", "sha256", "lines", "gross_paise", "fee_paise", "tax_paise", "net_paise")
        return cls(
            **{name: row[name] for name in (*same, "imported_by", "imported_at")},
            office_id=row["office"],
        )


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """One line, and what was found for it."""

    id: UUID
    file_id: UUID
    agency_id: UUID
    office_id: UUID
    gateway: str
    line_key: str
    kind: SettlementKind
    reference: str
    gateway_txn_id: str
    gross_paise: int
    fee_paise: int
    tax_paise: int
    net_paise: int
    utr: str
    settled_on: date
    match: Match
    attempt_id: UUID | None
    refund_id: UUID | None
    closed_by: str
    because: str
    changed_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "SettlementLine":
        """The line of a row."""
        same = ("id", "gateway", "line_key", "reference", "gateway_txn_id", "gross_paise", "fee_paise", "tax_paise", "net_paise", "utr")
        return cls(
            **{name: row[name] for name in (*same, "settled_on", "closed_by", "because", "changed_at")},
            file_id=row["file"],
            agency_id=row["agency"],
            office_id=row["office"],
            kind=SettlementKind(row["kind"]),
            match=Match(row["match"]),
            attempt_id=row["attempt"],
            refund_id=row["refund"],
        )

    @property
    def open(self) -> bool:
        """Whether a person must still explain it."""
        return self.match in OPEN and not self.closed_by
