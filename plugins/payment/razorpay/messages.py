"""What Razorpay says of a payment: its payment entity, the return of the payer's browser, and webhooks.

A return proves that the payer went through the checkout of one order, and carries neither amount nor state: it is a reason to
ask. A webhook about a payment names the order; our reference is on the order, and in the notes of the payment, which the payer's
browser carried there. So a note leads to a try, and only the order's id that was stored with the try makes it that try's payment.
"""

from collections.abc import Mapping
from typing import Any

from engine.api import GatewayContext, GatewayEvent, PaymentOutcome, RawCallback, Untrusted
from plugins.payment.razorpay.parameters import webhook_secrets
from plugins.payment.razorpay.wire import (
    fields_of_form,
    is_id,
    is_reference,
    is_signed,
    moment,
    object_in,
    paise_of,
    part,
    short,
    statement_key,
    text_of,
    untrusted,
)

__all__ = ["SIGNATURE", "event_of_payment", "located", "nothing_found", "returned", "told"]

SIGNATURE, _EVENT_ID = "x-razorpay-signature", "x-razorpay-event-id"
_RETURNED = ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")
_OUTCOMES: Mapping[str, PaymentOutcome] = {
    "captured": PaymentOutcome.SUCCEEDED,
    "authorized": PaymentOutcome.PENDING,
    "created": PaymentOutcome.PENDING,
    "failed": PaymentOutcome.FAILED,
}
_STATUS_OF_EVENT = {
    "payment.authorized": "authorized",
    "payment.captured": "captured",
    "payment.failed": "failed",
    "order.paid": "captured",
}


def event_of_payment(
    payment: Mapping[str, Any],
    *,
    reference: str,
    merchant: str | None = None,
    known: bool = True,
    detail: Mapping[str, str] | None = None,
) -> GatewayEvent:
    """What a believed payment entity states. Only what is captured is money; what went back as a whole is no statement that we know.

    With `known` false the statement around it says something else than the entity, so nothing is concluded from it.
    """
    status, amount = short(text_of(payment, "status"), most=20), paise_of(payment)
    outcome = _OUTCOMES.get(status, PaymentOutcome.UNKNOWN)
    whole = amount is not None and bool(text_of(payment, "currency")) and is_id(text_of(payment, "id"), "pay")
    contradicts = payment.get("captured") is (status != "captured") and status in {"captured", "failed"}
    if not known:
        outcome = PaymentOutcome.UNKNOWN
    elif contradicts or (outcome is PaymentOutcome.SUCCEEDED and not whole):
        outcome = PaymentOutcome.CONTRADICTS
    order, id = short(text_of(payment, "order_id")), short(text_of(payment, "id"))
    bank = text_of(part(payment, "acquirer_data"), "bank_transaction_id") or text_of(part(payment, "acquirer_data"), "rrn")
    said = {"method": text_of(payment, "method"), "bank": text_of(payment, "bank"), "bank_reference": bank}
    said |= {"reason": text_of(payment, "error_reason"), **(detail or {})}
    return GatewayEvent(
        key=statement_key(order=order, payment=id, code=status, amount_paise=amount, outcome=outcome),
        outcome=outcome,
        reference=reference,
        merchant=merchant,
        amount_paise=amount,
        currency=short(text_of(payment, "currency"), most=8) or None,
        gateway_txn_id=id,
        gateway_order_id=order,
        code=status,
        say=short(text_of(payment, "error_description"), most=200),
        occurred_at=moment(payment),
        detail={name: word for name, text in said.items() if (word := short(text, most=40))},
    )


def nothing_found(reference: str, order: str = "") -> GatewayEvent:
    """That Razorpay knows no order of ours, or none that anybody tried to pay."""
    key = statement_key(order=order, payment=reference, code="", amount_paise=None, outcome=PaymentOutcome.NOT_FOUND)
    say = "Razorpay knows no payment of this reference."
    return GatewayEvent(key, PaymentOutcome.NOT_FOUND, reference, None, None, None, gateway_order_id=order, say=say)


def returned(ctx: GatewayContext, body: bytes, order: str) -> GatewayEvent:
    """What the payer's browser brings back: that the payer paid something under the order that was stored, to be asked about.

    The signature is checked over the order that was stored, whichever the form names. Raises Untrusted.
    """
    if _RETURNED[-1].encode() not in body:  # a payment that failed or was given up comes back so
        raise untrusted("unsigned", "it carries no signature")
    fields = fields_of_form(body, _RETURNED)
    payment, named = fields["razorpay_payment_id"], fields["razorpay_order_id"]
    if not order or not is_id(payment, "pay"):
        raise untrusted("fields", "it belongs to no order of ours")
    if not is_signed(f"{order}|{payment}".encode(), fields["razorpay_signature"], ctx.secrets["key_secret"]) or named != order:
        raise untrusted("signature", "its signature is not Razorpay's for this order")
    key = statement_key(order=order, payment=payment, code="returned", amount_paise=None, outcome="hint")
    say = "The payer came back from Razorpay's checkout."
    return GatewayEvent(
        key, PaymentOutcome.SUCCEEDED, "", None, None, None, gateway_txn_id=payment, gateway_order_id=order, code="returned", say=say
    )


def told(ctx: GatewayContext, raw: RawCallback, order: str) -> GatewayEvent:
    """What a webhook states, once its signature over the raw bytes is good under a webhook secret of this office.

    An event about something else than a payment of ours is UNKNOWN, and names no try. Raises Untrusted.
    """
    signature = raw.headers.get(SIGNATURE, "")
    tried = [is_signed(raw.body, signature, secret) for secret in webhook_secrets(ctx)]  # each of them, always
    if True not in tried:
        raise untrusted("signature", "its signature is not Razorpay's for this office")
    event = object_in(raw.body)
    payment = part(event, "payload", "payment", "entity")
    kind = text_of(event, "event")
    known = _STATUS_OF_EVENT.get(kind) == text_of(payment, "status")
    detail = {"event": kind, "event_id": raw.headers.get(_EVENT_ID, "")}
    return event_of_payment(payment, reference=_reference(event, order), merchant=_merchant(event), known=known, detail=detail)


def _reference(event: Mapping[str, Any], order: str) -> str:
    """Our reference, once the payment is bound to it: by the order that stands beside it, or by the one that was stored.

    Else what Razorpay calls it, which is no reference of ours.
    """
    payment, beside = part(event, "payload", "payment", "entity"), part(event, "payload", "order", "entity")
    named = text_of(payment, "order_id")
    if order and named != order:
        return short(named) or short(text_of(event, "event")) or "nothing"
    if beside and text_of(beside, "id") == named and is_reference(text_of(beside, "receipt")):
        return text_of(beside, "receipt")
    note = text_of(part(payment, "notes"), "reference")
    return note if order and is_reference(note) else short(named) or short(text_of(event, "event")) or "nothing"


def _merchant(event: Mapping[str, Any]) -> str:
    """The account that the event names, which the engine compares with the office's."""
    return short(text_of(event, "account_id")) or "no account"


def located(raw: RawCallback) -> str | None:
    """The reference that a webhook names, believed for nothing. A return names none: its address is the try's own."""
    try:
        event = object_in(raw.body)
    except Untrusted:
        return None
    receipt = text_of(part(event, "payload", "order", "entity"), "receipt")
    note = text_of(part(event, "payload", "payment", "entity", "notes"), "reference")
    return next((text for text in (receipt, note) if is_reference(text)), None)
