"""The document of money that went back, and what that money was made of: a credit note for a fee, a refund voucher for an advance
(CGST Rule 51), an acknowledgement for a deposit. A payment that nobody owed was receipted by nothing, so nothing is taken back.

However many refunds a fee has, their shares of each tax come to what the first document says, to the paisa.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Conflict
from engine.money.fees.shares import Parts, share
from engine.money.orders.tables import RefundWhy
from engine.money.receipts.content import ContentLine
from engine.money.receipts.documents import content_of, keep, order_row, refund_row
from engine.money.receipts.gathering import parties_of
from engine.money.receipts.reading import Receipt, told
from engine.money.receipts.tables import ReceiptKind, ReceiptRow
from engine.money.receipts.words import REFUND_OF_DEPOSIT
from engine.store.unit import joining

__all__ = ["make_refund_document", "parts_going_back"]

_BACK: Mapping[ReceiptKind, ReceiptKind] = {
    ReceiptKind.TAX_INVOICE: ReceiptKind.CREDIT_NOTE,
    ReceiptKind.BILL_OF_SUPPLY: ReceiptKind.CREDIT_NOTE,
    ReceiptKind.RECEIPT_VOUCHER: ReceiptKind.REFUND_VOUCHER,
    ReceiptKind.ACKNOWLEDGEMENT: ReceiptKind.ACKNOWLEDGEMENT,
}
_Row = Mapping[str, Any]


async def parts_going_back(refund_id: UUID) -> Parts:
    """What a refund of a fee or a top-up is made of: its share of what its document says and earlier refunds left. The caller's unit of
    work holds the fee or the payment, so that refunds of it come one after the other. Raises Conflict if it has no document."""
    refund = await refund_row(refund_id)
    if (taken_back := await _original(refund)) is None:
        raise Conflict("What is to go back has no receipt.", code="receipt_missing")
    left = _line(taken_back, refund).parts
    for row in await ReceiptRow.select().where(ReceiptRow.corrects == taken_back.id):
        left = left.less(_gone(told(row), refund))
    return share(left, refund["amount_paise"])


async def make_refund_document(refund_id: UUID, *, parts: Parts, journal_id: UUID, actor: str, at: datetime) -> Receipt | None:
    """The document of a refund that is DONE now, in the caller's unit of work; None where nothing was receipted.

    `parts` is what it is made of, as `parts_going_back` told and the journal has it.
    """
    async with joining():
        refund = await refund_row(refund_id)
        if refund["why"] == RefundWhy.EXCESS or (taken_back := await _original(refund)) is None:
            return None
        order = await order_row(refund["order"])
        kind = _BACK[taken_back.kind]
        line = _line_back(_line(taken_back, refund), parts)
        references = (("Order", str(order["reference"])), ("Refund", str(refund["reference"])), ("Reason", str(refund["reason"])))
        parties = await parties_of(order)
        content = content_of(kind, parties, taken_back.content.place_of_supply, (line,), references)
        content = replace(content, corrects=(taken_back.number, taken_back.content.dated_on))
        if kind is ReceiptKind.ACKNOWLEDGEMENT:
            content = replace(content, title=REFUND_OF_DEPOSIT, notes=("Not a tax invoice.",))
        return await keep(order, content, f"refund:{refund_id}", journal_id, at, actor=actor, refund_id=refund_id, corrects=taken_back.id)


async def _original(refund: _Row) -> Receipt | None:
    """The document that a refund takes back, or None."""
    query = ReceiptRow.select().where(ReceiptRow.order == refund["order"], ReceiptRow.corrects.is_null(), ReceiptRow.refund.is_null())
    fee = _about(refund)
    return next((found for found in map(told, await query) if any(line.line_id == fee for line in found.content.lines)), None)


def _about(refund: _Row) -> str:
    """The order's line that a refund is of; nothing for a top-up."""
    return str(refund["order_line"]) if refund["why"] == RefundWhy.FEE else ""


def _line(document: Receipt, refund: _Row) -> ContentLine:
    return next(line for line in document.content.lines if line.line_id == _about(refund))


def _gone(document: Receipt, refund: _Row) -> Parts:
    """What of it a document took back already."""
    return next((line.parts for line in document.content.lines if line.line_id == _about(refund)), Parts(0))


def _line_back(line: ContentLine, parts: Parts) -> ContentLine:
    """The line that goes back, with what of it does."""
    return replace(
        line,
        words=f"Paid back: {line.words}",
        base_paise=parts.base_paise,
        cgst_paise=parts.cgst_paise,
        sgst_paise=parts.sgst_paise,
        igst_paise=parts.igst_paise,
    )
