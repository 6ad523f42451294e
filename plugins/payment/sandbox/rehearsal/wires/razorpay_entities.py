"""Razorpay's entities as its API shows them: payment, order, refund, and the line of a settlement report."""

from datetime import datetime, timedelta, timezone
from typing import Any

from plugins.payment.sandbox.rehearsal.scripts import Status
from plugins.payment.sandbox.rehearsal.settlement import Line
from plugins.payment.sandbox.rehearsal.till import Payment, Refund, Statement, Till

__all__ = ["STATES", "order_entity", "payment_entity", "recon_entity", "refund_entity", "stamp"]

_IST = timezone(timedelta(hours=5, minutes=30))
STATES = {Status.PAID: "captured", Status.PENDING: "authorized", Status.FAILED: "failed", Status.CANCELLED: "failed"}


def payment_entity(payment: Payment, said: Statement) -> dict[str, Any]:
    """A payment as it stands, or as a spoilt word says."""
    failed = said.status in {Status.FAILED, Status.CANCELLED}
    back = payment.refunded_paise
    whole = back == payment.amount_paise
    return {
        "id": said.txn,
        "entity": "payment",
        "amount": said.amount_paise,
        "currency": said.currency,
        "status": "refunded" if whole and said.status is Status.PAID else STATES[said.status],
        "order_id": said.order if said.reference == payment.reference else said.order[::-1],
        "method": "netbanking",
        "amount_refunded": back,
        "refund_status": ("full" if whole else "partial") if back else None,
        "captured": said.status is Status.PAID,
        "description": None,
        "bank": "HDFC",
        "email": "void@razorpay.com",
        "contact": "+919999999999",
        "notes": payment.more.get("payment_notes", payment.more["notes"]),
        "fee": said.amount_paise // 50,
        "tax": said.amount_paise // 50 * 18 // 118,
        "error_code": "BAD_REQUEST_ERROR" if failed else None,
        "error_description": f"Payment {said.status}" if failed else None,
        "error_reason": "payment_failed" if failed else None,
        "acquirer_data": {"bank_transaction_id": said.bank or None},
        "created_at": stamp(said.at),
    }


def order_entity(payment: Payment, said: Statement) -> dict[str, Any]:
    """An order; it stays paid once it is."""
    paid = said.status is Status.PAID
    return {
        "id": said.order,
        "entity": "order",
        "amount": said.amount_paise,
        "amount_paid": said.amount_paise if paid else 0,
        "amount_due": 0 if paid else said.amount_paise,
        "currency": said.currency,
        "receipt": said.reference,
        "status": "created" if said.status is Status.OPEN else "paid" if paid else "attempted",
        "attempts": 0 if said.status is Status.OPEN else 1,
        "notes": payment.more["notes"],
        "created_at": stamp(payment.made_at),
    }


def refund_entity(till: Till, payment: Payment, refund: Refund) -> dict[str, Any]:
    """A refund."""
    notes, receipt = payment.more.get("refund_notes", {}).get(refund.id, ({}, None))
    return {
        "id": refund.id,
        "entity": "refund",
        "amount": refund.amount_paise,
        "currency": payment.currency,
        "payment_id": payment.txn,
        "notes": notes or [],
        "receipt": receipt,
        "status": "failed" if refund.failed else "processed" if till.is_done(refund) else "pending",
        "speed_processed": "normal",
        "speed_requested": "normal",
        "created_at": stamp(refund.made_at),
    }


def recon_entity(till: Till, line: Line) -> dict[str, Any]:
    """A settled line."""
    payment = till.payment("razorpay", line.txn.removesuffix("X"))
    refunded = till.refund("razorpay", line.txn)
    paid = payment or (refunded[0] if refunded else None)
    incoming = line.kind == "PAYMENT"
    return {
        "entity_id": line.txn,
        "type": line.kind.lower(),
        "debit": 0 if incoming else line.net_paise,
        "credit": line.net_paise if incoming else 0,
        "amount": line.gross_paise,
        "currency": "INR",
        "fee": line.fee_paise + line.tax_paise,  # as Razorpay has it: the fee with its tax
        "tax": line.tax_paise,
        "settled": True,
        "created_at": _midnight(line),
        "settled_at": _midnight(line),
        "settlement_id": f"setl_{line.on:%Y%m%d}",
        "settlement_utr": line.utr,
        "payment_id": None if incoming or paid is None else paid.txn,
        "order_id": paid.order if paid else None,
        "order_receipt": line.reference if incoming else paid.reference if paid else None,
        "description": None,
        "notes": "{}",
    }


def stamp(at: datetime) -> int:
    """Seconds since 1970, as all of Razorpay's times are."""
    return int(at.timestamp())


def _midnight(line: Line) -> int:
    return int(datetime(line.on.year, line.on.month, line.on.day, tzinfo=_IST).timestamp())
