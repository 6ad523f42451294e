"""Reading receipts as they were frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import NotFound
from engine.money.receipts.content import ReceiptContent, thawed
from engine.money.receipts.tables import ReceiptKind, ReceiptRow
from engine.scope import Scope
from engine.store.scoped import covering

__all__ = ["Receipt", "receipt_by_id", "receipts_of", "receipts_of_order", "told"]

_MOST = 200


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt or voucher; all that is printed on it stands in `content`."""

    id: UUID
    agency_id: UUID
    office_id: UUID
    exporter_id: UUID
    kind: ReceiptKind
    number: str
    amount_paise: int
    content: ReceiptContent
    content_sha256: str
    made_at: datetime


async def receipt_by_id(scope: Scope, id: UUID) -> Receipt:
    """One receipt. Raises NotFound for one that the scope does not cover."""
    row = await covering(scope, ReceiptRow.select().where(ReceiptRow.id == id), ReceiptRow).first()
    if row is None:
        raise NotFound("There is no such receipt.", code="receipt")
    return told(row)


async def receipts_of_order(scope: Scope, order_id: UUID) -> Sequence[Receipt]:
    """The documents of an order, its refunds' among them, in the order they were made."""
    query = covering(scope, ReceiptRow.select().where(ReceiptRow.order == order_id), ReceiptRow)
    return [told(row) for row in await query.order_by(ReceiptRow.made_at).order_by(ReceiptRow.serial)]


async def receipts_of(
    scope: Scope, *, office_id: UUID | None = None, exporter_id: UUID | None = None, before: Receipt | None = None, most: int = 50
) -> Sequence[Receipt]:
    """Receipts, the newest first, a page at a time: those made before `before`."""
    query = covering(scope, ReceiptRow.select(), ReceiptRow)
    for column, value in ((ReceiptRow.office, office_id), (ReceiptRow.exporter, exporter_id)):
        query = query.where(column == value) if value is not None else query
    if before is not None:
        same = (ReceiptRow.made_at == before.made_at) & (ReceiptRow.id < before.id)
        query = query.where((ReceiptRow.made_at < before.made_at) | same)
    rows = await query.order_by(ReceiptRow.made_at, ReceiptRow.id, ascending=False).limit(min(most, _MOST))
    return [told(row) for row in rows]


def told(row: Mapping[str, Any]) -> Receipt:
    """The receipt of its row."""
    return Receipt(
        id=row["id"],
        agency_id=row["agency"],
        office_id=row["office"],
        exporter_id=row["exporter"],
        kind=ReceiptKind(row["kind"]),
        number=row["number"],
        amount_paise=row["amount_paise"],
        content=thawed(row["content"]),
        content_sha256=row["content_sha256"],
        made_at=row["made_at"],
    )
