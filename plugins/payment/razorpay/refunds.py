"""Refunds at Razorpay: asked for once under our reference, and found again by it among those of the payment."""

import re
from collections.abc import Mapping
from typing import Any

from engine.api import GatewayContext, PaymentOutcome, RefundOutcome, RefundReport, RefundWanted, Refused
from plugins.payment.razorpay.calls import asked, items_of, missing, query, told_of
from plugins.payment.razorpay.wire import is_id, misread, paise_of, part, short, text_of

__all__ = ["query_refund", "refund"]

_KEY = re.compile(r"[A-Za-z0-9_-]{10,40}", re.ASCII)
_OUTCOMES = {"processed": RefundOutcome.DONE, "pending": RefundOutcome.PENDING, "failed": RefundOutcome.FAILED}
_SAYS = {
    RefundOutcome.DONE: "Razorpay says that the refund is processed.",
    RefundOutcome.PENDING: "Razorpay has taken the refund on.",
    RefundOutcome.FAILED: "Razorpay says that the refund failed.",
    RefundOutcome.UNKNOWN: "Razorpay says something of this refund that is not known here.",
}


async def refund(ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
    """Asks for a refund. The same reference again gives the same refund, and no second one.

    Raises Conflict while the first question of this reference is still under way there.
    """
    if not _KEY.fullmatch(wanted.reference) or wanted.currency != "INR" or wanted.amount_paise <= 0:
        raise Refused("A refund needs a reference of 10 to 40 letters and digits, and an amount in rupees.", code="refund")
    payment = await _payment(ctx, wanted)
    if not payment:
        raise Refused("Razorpay knows no captured payment that could be refunded.", code="no_transaction")
    content = {"amount": wanted.amount_paise, "receipt": wanted.reference, "notes": {"reference": wanted.reference}}
    answer = await asked(ctx, f"payments/{payment}/refund", content, headers={"X-Refund-Idempotency": wanted.reference})
    return _report(told_of(answer), wanted, payment)


async def query_refund(ctx: GatewayContext, wanted: RefundWanted, gateway_refund_id: str) -> RefundReport:
    """What became of a refund; NOT_FOUND if none of the payment's refunds is under our reference or that id."""
    payment = await _payment(ctx, wanted)
    answer = await asked(ctx, f"payments/{payment}/refunds?count=100") if payment else None
    refunds = items_of(told_of(answer)) if answer is not None and not missing(answer) else []
    for each in refunds:
        if wanted.reference in _named(each) or (gateway_refund_id and text_of(each, "id") == gateway_refund_id):
            return _report(each, wanted, payment)
    return RefundReport(RefundOutcome.NOT_FOUND, say="Razorpay knows no refund of this reference.")


async def _payment(ctx: GatewayContext, wanted: RefundWanted) -> str:
    """Razorpay's id of the payment, asked for where it is not known; nothing if no payment succeeded."""
    if is_id(wanted.gateway_txn_id, "pay"):
        return wanted.gateway_txn_id
    event = await query(ctx, wanted.payment_reference, wanted.gateway_order_id)
    return event.gateway_txn_id if event.outcome is PaymentOutcome.SUCCEEDED else ""


def _named(told: Mapping[str, Any]) -> frozenset[str]:
    return frozenset({text_of(told, "receipt"), text_of(part(told, "notes"), "reference")})


def _report(told: Mapping[str, Any], wanted: RefundWanted, payment: str) -> RefundReport:
    """What a refund entity says. Raises Unresolved if it is another refund, or one of another amount."""
    id, amount = text_of(told, "id"), paise_of(told)
    about = (told.get("entity"), told.get("payment_id"), told.get("currency"), amount)
    if about != ("refund", payment, "INR", wanted.amount_paise) or not is_id(id, "rfnd"):
        raise misread("it is about another refund")
    status = short(text_of(told, "status"), most=20)
    outcome = _OUTCOMES.get(status, RefundOutcome.UNKNOWN)
    return RefundReport(outcome, id, amount, status, _SAYS[outcome])
