"""Letters about refunds that ended, written behind the deed, each once: a deed deep inside another room needs no seal for them."""

from datetime import datetime

from engine.money.fees import rupees
from engine.money.orders.tables import OrderRow, RefundRow, RefundState, RefundTo, RefundWhy
from engine.money.paying.cashier import Cashier
from engine.money.paying.refund_rows import Refund
from engine.people.telling import tell_firm
from engine.store import uow

__all__ = ["tell_refunds"]

_AT_ONCE = 40
_WHERE = {
    RefundTo.SOURCE: "was given back the way it was paid; the bank may take some days to show it",
    RefundTo.WALLET: "was credited to your e-wallet at the office",
    RefundTo.BY_HAND: "was given back by the office itself",
}


async def tell_refunds(cashier: Cashier, at: datetime) -> int:
    """The round of letters about refunds that ended; gives how many refunds were told of. A top-up that could not be given back is told
    too; any other that failed is not over yet, and its firm is told when it is."""
    over = (RefundRow.state == str(RefundState.DONE)) | (
        (RefundRow.state == str(RefundState.FAILED)) & (RefundRow.why == str(RefundWhy.TOP_UP))
    )
    rows = await RefundRow.select(RefundRow.id).where(RefundRow.told_at.is_null(), over).order_by(RefundRow.changed_at).limit(_AT_ONCE)
    for row in rows:
        async with uow():
            mine = (RefundRow.id == row["id"], RefundRow.told_at.is_null())
            for told in await RefundRow.update({RefundRow.told_at: at}).where(*mine).returning(*RefundRow.all_columns()):
                await _tell(Refund.of(told), cashier, at)
    return len(rows)


async def _tell(refund: Refund, cashier: Cashier, at: datetime) -> None:
    [order] = await OrderRow.select(OrderRow.reference).where(OrderRow.id == refund.order_id)
    done = refund.state is RefundState.DONE
    what = _WHERE[refund.back_to] if done else "could not be given back; it is available in your e-wallet again"
    text = (
        f"Madam, Sir,\n\nthe amount of Rs {rupees(refund.amount_paise)} of the order {order['reference']} {what}.\n\n"
        f"Refund: {refund.reference}\nReason: {refund.reason}\n\n{cashier.base}/payments/{order['reference']}\n"
    )
    subject = "A refund is done" if done else "A refund was not possible"
    await tell_firm(refund.exporter_id, "pay", subject, text, box=cashier.box, purpose="refund", at=at, about=refund.id, also=None)
