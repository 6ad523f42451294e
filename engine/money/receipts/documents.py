"""A document taking shape: its content, its number and date, and its row, in the unit of work of the deed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.clock import ist_day
from engine.errors import Conflict
from engine.money.orders.tables import OrderRow, RefundRow
from engine.money.receipts.content import ContentLine, Parties, ReceiptContent, digest_of, frozen
from engine.money.receipts.numbering import number_of, take_number
from engine.money.receipts.reading import Receipt, told
from engine.money.receipts.tables import ReceiptKind, ReceiptRow
from engine.money.receipts.words import NOTES, TITLES, in_words
from engine.money.terms import Terms, terms_by_id, terms_of
from engine.scope import PLATFORM
from engine.store import audit

__all__ = ["content_of", "keep", "order_row", "receipted", "refund_row", "terms_of_order"]

_Row = Mapping[str, Any]


def content_of(
    kind: ReceiptKind, parties: Parties, place: str, lines: tuple[ContentLine, ...], references: tuple[tuple[str, str], ...]
) -> ReceiptContent:
    """A content that has no number and no date yet."""
    amount = sum(line.total_paise for line in lines)
    return ReceiptContent(
        kind=str(kind),
        title=TITLES[kind],
        number="",
        dated_on="",
        parties=parties,
        place_of_supply=place,
        lines=lines,
        amount_paise=amount,
        amount_words=in_words(amount),
        references=references,
        notes=(NOTES[kind],),
    )


async def keep(
    order: _Row,
    content: ReceiptContent,
    key: str,
    journal_id: UUID,
    at: datetime,
    *,
    actor: str,
    refund_id: UUID | None = None,
    corrects: UUID | None = None,
) -> Receipt:
    """Numbers, dates and writes a document. Raises Conflict if its subject has one."""
    if await ReceiptRow.exists().where(ReceiptRow.subject_key == key):
        raise receipted()
    terms = await terms_of_order(order, now=True)
    prefix, serial = await take_number(order["agency"], order["office"], terms.receipt_code, at)
    content = replace(content, number=number_of(prefix, serial), dated_on=ist_day(at).isoformat())
    kept = frozen(content)
    row = ReceiptRow(
        agency=order["agency"],
        office=order["office"],
        exporter=order["exporter"],
        kind=content.kind,
        number=content.number,
        prefix=prefix,
        serial=serial,
        order=order["id"],
        refund=refund_id,
        journal=journal_id,
        corrects=corrects,
        subject_key=key,
        amount_paise=content.amount_paise,
        content=kept,
        content_sha256=digest_of(kept),
        made_at=at,
    )
    await ReceiptRow.insert(row)
    await audit(
        "receipt_made",
        room="money",
        subject=content.number,
        actor=actor,
        at=at,
        agency=order["agency"],
        office=order["office"],
        after=digest_of(kept),
        detail={"kind": content.kind, "order": order["reference"], "amount_paise": content.amount_paise},
    )
    return told(row.to_dict())


async def terms_of_order(order: _Row, *, now: bool = False) -> Terms:
    """The terms of the order; `now` those of the office today, whose code numbers its receipts."""
    current = await terms_of(PLATFORM, order["office"]) if now else None
    return current or await terms_by_id(PLATFORM, order["terms"])


def receipted() -> Conflict:
    """The refusal of a second receipt for one thing."""
    return Conflict("It has its receipt already.", code="receipted")


async def order_row(id: UUID) -> dict[str, Any]:
    """The row of an order. Raises ValueError if there is none: a receipt is always for one."""
    row: dict[str, Any] | None = await OrderRow.select().where(OrderRow.id == id).first()
    if row is None:
        raise ValueError("A receipt is for an order.")
    return row


async def refund_row(id: UUID) -> dict[str, Any]:
    """The row of a refund. Raises ValueError if there is none."""
    row: dict[str, Any] | None = await RefundRow.select().where(RefundRow.id == id).first()
    if row is None:
        raise ValueError("A document of a refund is for a refund.")
    return row
