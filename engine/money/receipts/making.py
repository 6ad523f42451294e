"""Which document a payment gets, numbered and frozen in the unit of work of the deed.

* a fee with GST, paid: a tax invoice (CGST Rule 46); without: a bill of supply (Rule 49); an order that has both kinds gets both;
* a top-up, by the terms of its order: a receipt voucher for an advance (Rule 50), or an acknowledgement of a deposit.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.money.orders.tables import Purpose
from engine.money.receipts.content import ContentLine, Parties
from engine.money.receipts.documents import content_of, keep, order_row, receipted, refund_row, terms_of_order
from engine.money.receipts.gathering import advance_line, fee_lines, order_lines, parties_of, place_of, references_of
from engine.money.receipts.reading import Receipt, told
from engine.money.receipts.tables import ReceiptKind, ReceiptRow
from engine.money.terms import TopUpIs
from engine.store.unit import joining

__all__ = ["make_credit_receipt", "make_receipt"]

_FEES = (str(ReceiptKind.TAX_INVOICE), str(ReceiptKind.BILL_OF_SUPPLY))
_Row = Mapping[str, Any]


async def make_receipt(
    order_id: UUID, *, journal_id: UUID, attempt_id: UUID | None = None, line_ids: Sequence[UUID] | None = None, actor: str, at: datetime
) -> Sequence[Receipt]:
    """The documents of an order that is paid now, in the caller's unit of work: one, or two if some of its fees bear tax and some do not.

    Call it once the order is PAID and its journal posted. `journal_id` is that journal; `attempt_id` the try that paid, None for the
    wallet; `line_ids` the fees that are taken now, where a hold is taken fee by fee (None is all of the order). Fees of nothing get no
    document. Raises Conflict for a fee or top-up that was receipted before.
    """
    async with joining():
        order = await order_row(order_id)
        parties, references = await parties_of(order), await references_of(order, attempt_id)
        if order["purpose"] == Purpose.TOP_UP:
            return [await _top_up(order, f"order:{order_id}", order["amount_paise"], parties, references, None, journal_id, actor, at)]
        rows = await order_lines(order_id, line_ids)
        await _require_new(order_id, {str(row["id"]) for row in rows})
        made = []
        for kind, some in (
            (ReceiptKind.TAX_INVOICE, [row for row in rows if row["gst_rate_bp"]]),
            (ReceiptKind.BILL_OF_SUPPLY, [row for row in rows if not row["gst_rate_bp"]]),
        ):
            if some:
                key = f"order:{order_id}:{kind}" if line_ids is None else f"line:{some[0]['id']}"
                content = content_of(kind, parties, place_of(parties, some[0]["supply"]), await fee_lines(some), references)
                made.append(await keep(order, content, key, journal_id, at, actor=actor))
    return made


async def make_credit_receipt(refund_id: UUID, *, journal_id: UUID, actor: str, at: datetime) -> Receipt:
    """The document of an excess payment that a refund credited to the wallet, in the caller's unit of work: a top-up's, by the terms of
    its order."""
    async with joining():
        refund = await refund_row(refund_id)
        order = await order_row(refund["order"])
        parties, references = await parties_of(order), await references_of(order, refund["attempt"])
        references = (*references, ("Credited by", str(refund["reference"])))
        return await _top_up(order, f"refund:{refund_id}", refund["amount_paise"], parties, references, refund_id, journal_id, actor, at)


async def _top_up(
    order: _Row,
    key: str,
    amount_paise: int,
    parties: Parties,
    references: tuple[tuple[str, str], ...],
    refund_id: UUID | None,
    journal_id: UUID,
    actor: str,
    at: datetime,
) -> Receipt:
    """The document of money that came into the wallet: what the terms of the order say that it is to the tax."""
    terms = await terms_of_order(order)
    if terms.top_up_is is TopUpIs.ADVANCE:
        line, supply = await advance_line(order, parties, amount_paise, at)
        content = content_of(ReceiptKind.RECEIPT_VOUCHER, parties, place_of(parties, supply), (line,), references)
    else:
        line = ContentLine("Deposit: top-up of the e-wallet", "", "", 0, "", amount_paise, 0, 0, 0)
        content = content_of(ReceiptKind.ACKNOWLEDGEMENT, parties, "", (line,), references)
    return await keep(order, content, key, journal_id, at, actor=actor, refund_id=refund_id)


async def _require_new(order_id: UUID, line_ids: set[str]) -> None:
    """Raises Conflict if one of the fees stands in a document of the order already."""
    query = ReceiptRow.select().where(ReceiptRow.order == order_id, ReceiptRow.kind.is_in(list(_FEES)))
    if any(line.line_id in line_ids for row in await query for line in told(row).content.lines):
        raise receipted()
