"""The nouns of orders as the other rooms need them: what is owed, its lines, and the tries to pay it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.money.fees import Breakup, Rounding, Supply
from engine.money.orders.tables import AttemptState, Disposition, OrderLineRow, OrderState, PaidBy, Purpose

__all__ = ["BLOCKS_FOR", "GOOD_FOR", "UNDER_WAY", "Attempt", "Order", "OrderLine", "new_reference"]

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

# How long an order waits after it was made, and after its last try ended.
GOOD_FOR = timedelta(hours=24)
# How long a try that is under way keeps a second one from beginning by itself.
BLOCKS_FOR = timedelta(minutes=15)
# A try in one of these states may still bring money by itself; REVIEW waits for a person, who may find that it did.
UNDER_WAY = (AttemptState.CREATED, AttemptState.STARTED, AttemptState.PENDING, AttemptState.REVIEW)


def new_reference() -> str:
    """A fresh reference of an order, a try or a refund: 20 capitals and digits that cannot be mistaken for each other."""
    return "".join(secrets.choice(_LETTERS) for _ in range(20))


@dataclass(frozen=True, slots=True)
class Order:
    """What one firm owes at one office, under the terms that held when it was made. A top-up has no lines."""

    id: UUID
    reference: str
    purpose: Purpose
    agency_id: UUID
    office_id: UUID
    exporter_id: UUID
    terms_id: UUID
    amount_paise: int
    state: OrderState
    paid_by: PaidBy | None
    made_by: str
    made_at: datetime
    expires_at: datetime
    settled_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Order":
        """The order of a row."""
        same = ("id", "reference", "amount_paise", "made_by", "made_at", "expires_at", "settled_at")
        return cls(
            **{name: row[name] for name in same},
            purpose=Purpose(row["purpose"]),
            agency_id=row["agency"],
            office_id=row["office"],
            exporter_id=row["exporter"],
            terms_id=row["terms"],
            state=OrderState(row["state"]),
            paid_by=PaidBy(row["paid_by"]) if row["paid_by"] else None,
        )

    @property
    def owner(self) -> dict[str, Any]:
        """The columns that every row below this order repeats."""
        return {"agency": self.agency_id, "office": self.office_id, "exporter": self.exporter_id}

    @property
    def open(self) -> bool:
        """Whether it still waits for money."""
        return self.state is OrderState.OPEN


@dataclass(frozen=True, slots=True)
class OrderLine:
    """The fee of one application with its tax, frozen. `ended_at` says since when the application owes it no more."""

    id: UUID
    order_id: UUID
    line: int
    agency_id: UUID
    office_id: UUID
    exporter_id: UUID
    application_id: UUID
    reference: str
    scheme: str
    breakup: Breakup
    amount_paise: int
    refunded_paise: int
    ended_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "OrderLine":
        """The line of a row that has the application's reference beside it."""
        same = ("id", "line", "scheme", "amount_paise", "refunded_paise", "ended_at")
        parts = ("base_paise", "cgst_paise", "sgst_paise", "igst_paise", "gst_rate_bp", "sac", "local_name")
        breakup = Breakup(**{name: row[name] for name in parts}, rounding=Rounding(row["rounding"]), supply=Supply(row["supply"]))
        return cls(
            **{name: row[name] for name in same},
            order_id=row["order"],
            agency_id=row["agency"],
            office_id=row["office"],
            exporter_id=row["exporter"],
            application_id=row["application"],
            reference=row["reference"],
            breakup=breakup,
        )

    @classmethod
    def columns(cls) -> tuple[Any, ...]:
        """What to select for `of`."""
        return (*OrderLineRow.all_columns(), OrderLineRow.application.reference.as_alias("reference"))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to pay an order through a gateway. `version` counts its changes: who writes names the one that they read."""

    id: UUID
    order_id: UUID
    agency_id: UUID
    office_id: UUID
    exporter_id: UUID
    reference: str
    gateway: str
    parameters_id: UUID
    amount_paise: int
    state: AttemptState
    disposition: Disposition
    refunded_paise: int
    gateway_order_id: str
    gateway_txn_id: str
    code: str
    say: str = field(repr=False)
    made_by: str
    made_at: datetime
    changed_at: datetime
    succeeded_at: datetime | None
    doubted_at: datetime | None
    queries: int
    query_due_at: datetime | None
    version: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Attempt":
        """The try of a row."""
        same = (
            "id",
            "reference",
            "gateway",
            "amount_paise",
            "refunded_paise",
            "gateway_order_id",
            "gateway_txn_id",
            "code",
            "say",
            "made_by",
            "made_at",
            "changed_at",
            "succeeded_at",
            "doubted_at",
            "queries",
            "query_due_at",
            "version",
        )
        return cls(
            **{name: row[name] for name in same},
            order_id=row["order"],
            agency_id=row["agency"],
            office_id=row["office"],
            exporter_id=row["exporter"],
            parameters_id=row["parameters"],
            state=AttemptState(row["state"]),
            disposition=Disposition(row["disposition"]),
        )

    @property
    def under_way(self) -> bool:
        """Whether money may still come by it without anybody's doing."""
        return self.state in UNDER_WAY

    def blocks(self, at: datetime) -> bool:
        """Whether it keeps another try from beginning at that moment."""
        return self.under_way and self.made_at > at - BLOCKS_FOR
