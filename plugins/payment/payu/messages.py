"""PayU's two hashed messages: the form that the payer's browser carries there, and what comes back with the browser and from the server.

The hash of what comes back covers state, amount, our reference, the key and what we sent of the payer. It covers neither PayU's
own id of the payment nor anything else, so nothing else of it is believed: the id is learnt by asking.
"""

import re
from collections.abc import Mapping

from engine.api import GatewayContext, GatewayEvent, PaymentLimits, PaymentOutcome, Refused, StartPayment, Untrusted
from plugins.payment.payu.settings import product
from plugins.payment.payu.wire import fields_of_form, hashed, is_hash, paise_of, rupees_of, statement_key, untrusted

__all__ = ["event_in", "form_of", "located", "outcome_of"]

_UDFS = ("udf1", "udf2", "udf3", "udf4", "udf5")
_HASHED = ("key", "txnid", "amount", "productinfo", "firstname", "email", *_UDFS)
_EMPTY = ("",) * 5  # udf6 to udf10: with the bars around them, six in a row
_OUTCOMES: Mapping[str, PaymentOutcome] = {
    "success": PaymentOutcome.SUCCEEDED,
    "pending": PaymentOutcome.PENDING,
    "failure": PaymentOutcome.FAILED,
    "failed": PaymentOutcome.FAILED,
}
_HASH_FIELD = re.compile(rb"(?:^|&)hash=[^&]")
_REFERENCE = re.compile(r"[A-Z0-9]{1,25}", re.ASCII)
_ADDRESS = re.compile(r"https?://[!-{}~]{1,400}", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9/-]{1,60}", re.ASCII)
_EMAIL = re.compile(r"[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9.-]{1,80}", re.ASCII)
_MOST_NAME, _MOST_EMAIL = 60, 50


def form_of(ctx: GatewayContext, payment: StartPayment, limits: PaymentLimits) -> dict[str, str]:
    """The form of a payment, hashed; the salt is in none of its fields. Raises Refused for what cannot be sent."""
    _require_sendable(payment, limits)
    udfs = [*payment.tags, *[""] * len(_UDFS)][: len(_UDFS)]
    fields = {
        "key": ctx.values["key"],
        "txnid": payment.reference,
        "amount": rupees_of(payment.amount_paise),
        "productinfo": product(ctx.settings),
        "firstname": _name(payment.payer_name),
        "email": _email(payment.payer_email, ctx.values["contact_email"]),
        **dict(zip(_UDFS, udfs, strict=True)),
    }
    mark = hashed(*(fields[name] for name in _HASHED), *_EMPTY, ctx.secrets["salt"])
    phone = _phone(payment.payer_phone) or ctx.values["contact_phone"]
    return {**fields, "phone": phone, "surl": payment.return_url, "furl": payment.return_url, "hash": mark}


def _require_sendable(payment: StartPayment, limits: PaymentLimits) -> None:
    if not _REFERENCE.fullmatch(payment.reference):
        raise Refused("The reference of the payment must be 1 to 25 capitals and digits.", code="reference")
    if payment.currency != "INR" or not limits.least_paise <= payment.amount_paise <= limits.most_paise:
        say = f"PayU takes rupees, from {rupees_of(limits.least_paise)} to {rupees_of(limits.most_paise)} at a time."
        raise Refused(say, code="amount")
    if not _ADDRESS.fullmatch(payment.return_url):
        raise Refused("The address that the payer returns to cannot be sent to PayU.", code="return_url")
    if len(payment.tags) > 7 or not all(_TAG.fullmatch(tag) for tag in payment.tags):
        raise Refused("A payment has at most seven tags of letters, digits, / and -.", code="tags")


def _name(name: str) -> str:
    """A name as PayU takes it: letters, digits, blanks, dots and hyphens."""
    plain = re.sub(r"[^A-Za-z0-9 .-]+", " ", name)
    return " ".join(plain.split())[:_MOST_NAME].strip() or "Exporter"


def _email(address: str, otherwise: str) -> str:
    return address if _EMAIL.fullmatch(address) and len(address) <= _MOST_EMAIL else otherwise


def _phone(number: str) -> str:
    """The digits of a telephone number, if they are as many as one has."""
    digits = re.sub(r"[ ()+-]", "", number)
    return digits if re.fullmatch(r"[0-9]{10,12}", digits) else ""


def outcome_of(status: str) -> PaymentOutcome:
    """What a state of PayU's means; a state that is not known means nothing."""
    return _OUTCOMES.get(status, PaymentOutcome.UNKNOWN)


def event_in(ctx: GatewayContext, body: bytes) -> GatewayEvent:
    """What a return or a notice states, once its hash is good under this office's salt. Raises Untrusted.

    PayU India pays in rupees alone, and its messages name no currency.
    """
    if not _HASH_FIELD.search(body):
        raise untrusted("unsigned", "it carries no hash")
    fields = fields_of_form(body, (*_HASHED, "status", "hash"), optional=("additionalCharges",))
    covered = [fields["status"], *_EMPTY, *(fields[name] for name in reversed(_HASHED))]
    charges = fields.get("additionalCharges", "")
    if charges and paise_of(charges) is None:
        raise untrusted("fields", "its additional charges are no amount")
    before = [charges] if charges else []  # what the payer was charged beside the amount stands before the salt
    if not is_hash(fields["hash"], hashed(*before, ctx.secrets["salt"], *covered)):
        raise untrusted("hash", "its hash is not PayU's for this office")
    status, amount, reference = fields["status"], paise_of(fields["amount"]), fields["txnid"]
    if not _REFERENCE.fullmatch(reference):
        raise untrusted("fields", "it names no reference of ours")
    outcome = outcome_of(status)
    if outcome is PaymentOutcome.SUCCEEDED and amount is None:
        outcome = PaymentOutcome.CONTRADICTS
    return GatewayEvent(
        key=statement_key(reference=reference, status=status, amount_paise=amount, outcome=outcome),
        outcome=outcome,
        reference=reference,
        merchant=fields["key"],
        amount_paise=amount,
        currency="INR",
        code=status[:20],
        say=f"PayU says {outcome}.",
        detail={"additional_charges": charges[:20]} if charges else {},
    )


def located(body: bytes) -> str | None:
    """The reference that a message names, believed for nothing."""
    try:
        reference = fields_of_form(body, ("txnid",))["txnid"]
    except Untrusted:
        return None
    return reference if _REFERENCE.fullmatch(reference) else None
