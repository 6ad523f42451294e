"""What Razorpay's browser and server bring, believed for their signatures alone; each is made by hmac here, without the plugin's code."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from engine.api import PaymentOutcome, RawCallback, Untrusted
from plugins.payment.razorpay.gateway import Razorpay
from tests.plugins.payment.gateway_bench import REFERENCE, context, posted

RAZORPAY = Razorpay()
KEY_ID, KEY, HOOK, OLD = "rzp_live_COOMUM0100000", "r4zorKeySecretOfNoBank00", "r4zorWebhookSecretOfNoBank", "0lderWebhookSecretOfNoBank"
ORDER, PAYMENT, ACCOUNT = "order_EKwxwAgItmmXdp", "pay_29QQoUBi66xm2f", "acc_BFQ7uQEaa7j2z7"
SECRETS = {"key_secret": KEY, "webhook_secret": HOOK, "previous_webhook_secret": ""}


def office(secrets: dict[str, str] | None = None, **values: str) -> Any:
    return context(None, {"key_id": KEY_ID, "account_id": ACCOUNT} | values, SECRETS | (secrets or {}))


def entity(**changed: Any) -> dict[str, Any]:
    """A payment entity of Razorpay's, captured."""
    told = {"id": PAYMENT, "entity": "payment", "amount": 23600, "currency": "INR", "status": "captured", "order_id": ORDER}
    told |= {"method": "netbanking", "captured": True, "bank": "HDFC", "email": "a@firm.example", "contact": "+919876543210"}
    told |= {"notes": {"reference": REFERENCE}, "acquirer_data": {"bank_transaction_id": "0125836177"}, "created_at": 1775025000}
    return told | changed


def event(name: str = "payment.captured", order: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    payload: dict[str, Any] = {"payment": {"entity": entity(**changed)}}
    if order is not None:
        payload["order"] = {"entity": {"id": ORDER, "entity": "order", "amount": 23600, "receipt": REFERENCE, "status": "paid"} | order}
    return {"entity": "event", "account_id": ACCOUNT, "event": name, "contains": list(payload), "payload": payload}


def hook(told: Any, secret: str = HOOK, *, mark: str = "", event_id: str = "evt_1") -> RawCallback:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    mark = mark or hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return posted(body, **{"x-razorpay-signature": mark, "x-razorpay-event-id": event_id})


def mark_of(order: str = ORDER, payment: str = PAYMENT, key: str = KEY) -> str:
    return hmac.new(key.encode(), f"{order}|{payment}".encode(), hashlib.sha256).hexdigest()


def back(**changed: str) -> dict[str, str]:
    return {"razorpay_payment_id": PAYMENT, "razorpay_order_id": ORDER, "razorpay_signature": mark_of()} | changed


def verified(raw: RawCallback, ctx: Any = None, order: str = ORDER) -> Any:
    return RAZORPAY.verify(ctx or office(), raw, gateway_order_id=order)


# --- the return ---------------------------------------------------------------------------------


def test_both_signatures_are_those_that_openssl_makes():
    made = "45c556303168a2368480dffc1e90bb450eefcb8f41a92206c15a04eded70badb"
    assert verified(posted(urlencode(back(razorpay_signature=made)).encode())).gateway_txn_id == PAYMENT
    made = "2a35bfc992d13dadd8443dc2d0fe010cdbd7f3c910f045846092d258eb2c4247"
    assert verified(hook(b'{"event":"payment.captured"}', mark=made)).reference == "payment.captured"


def test_a_return_is_a_reason_to_ask_and_carries_no_amount():
    found = verified(posted(urlencode(back()).encode()))
    assert found.outcome is PaymentOutcome.SUCCEEDED
    assert (found.merchant, found.amount_paise, found.currency, found.reference) == (None, None, None, "")
    assert (found.gateway_txn_id, found.gateway_order_id) == (PAYMENT, ORDER)


@pytest.mark.parametrize(
    "fields",
    [
        back(razorpay_signature=mark_of().upper()),
        back(razorpay_signature=mark_of()[:-1]),
        back(razorpay_signature=""),
        back(razorpay_signature=mark_of(key=HOOK)),
        back(razorpay_payment_id="pay_29QQoUBi66xm2g"),
        back(razorpay_order_id="order_EKwxwAgItmmXdq"),
        back(razorpay_order_id="order_OTHER", razorpay_signature=mark_of(order="order_OTHER")),
        back(razorpay_payment_id=f"{PAYMENT}|x", razorpay_signature=mark_of(payment=f"{PAYMENT}|x")),
        back(razorpay_payment_id="", razorpay_signature=mark_of(payment="")),
        {name: text for name, text in back().items() if name != "razorpay_order_id"},
        {"error[code]": "BAD_REQUEST_ERROR", "error[description]": "Payment failed"},
    ],
)
def test_a_return_that_does_not_prove_this_order_is_not_believed(fields):
    with pytest.raises(Untrusted) as raised:
        verified(posted(urlencode(fields).encode()))
    assert KEY not in f"{raised.value!r}{raised.value.as_json()}"


def test_a_genuine_return_of_another_order_proves_nothing_for_this_one():
    genuine = posted(urlencode(back()).encode())
    for stored in ("order_ANOTHER0000001", "", "order_EKwxwAgItmmXdp|"):
        with pytest.raises(Untrusted):
            verified(genuine, order=stored)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff",
        urlencode(back()).encode() + b"&razorpay_payment_id=" + PAYMENT.encode(),
        urlencode(back()).encode("utf-16-le"),
        urlencode(back()).encode() + b"&x=" + b"a" * 40_000,
        urlencode(back()).encode() + b"&x=1" * 70,
        urlencode(back(razorpay_payment_id="pay_\u0662\u0669")).encode(),
        json.dumps(back()).encode(),
    ],
)
def test_a_body_that_is_no_plain_form_is_not_believed(body):
    with pytest.raises(Untrusted):
        verified(posted(body))


# --- webhooks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "outcome"),
    [
        ("payment.captured", "captured", "succeeded"),
        ("order.paid", "captured", "succeeded"),
        ("payment.authorized", "authorized", "pending"),
        ("payment.failed", "failed", "failed"),
        ("payment.authorized", "captured", "unknown"),
        ("payment.captured", "authorized", "unknown"),
        ("payment.captured", "refunded", "unknown"),
        ("payment.captured", "Captured", "unknown"),
        ("refund.processed", "captured", "unknown"),
        ("payment.dispute.created", "captured", "unknown"),
    ],
)
def test_only_what_is_captured_is_money_and_authorized_is_pending(name, status, outcome):
    assert verified(hook(event(name, status=status, captured=status == "captured"))).outcome == outcome


def test_a_webhook_says_who_was_paid_how_much_for_what():
    found = verified(hook(event(), event_id="evt_77"))
    shown = (found.reference, found.merchant, found.amount_paise, found.currency, found.gateway_txn_id, found.gateway_order_id)
    assert shown == (REFERENCE, ACCOUNT, 23600, "INR", PAYMENT, ORDER)
    assert found.detail["event_id"] == "evt_77"
    assert "firm.example" not in repr(found)
    assert "9876543210" not in repr(found)


def test_one_statement_has_one_key_whatever_the_unsigned_header_says():
    first = verified(hook(event(), event_id="evt_1"))
    assert verified(hook(event(), event_id="evt_2")).key == first.key
    assert verified(hook(event("order.paid", {}))).key == first.key
    others = [event(amount=23700), event(id="pay_ANOTHER0000001"), event("payment.authorized", status="authorized", captured=False)]
    assert first.key not in {verified(hook(each)).key for each in others}


def test_the_previous_webhook_secret_counts_while_it_is_filled():
    old = hook(event(), OLD)
    with pytest.raises(Untrusted):
        verified(old)
    assert verified(old, office({"previous_webhook_secret": OLD})).outcome is PaymentOutcome.SUCCEEDED
    assert verified(hook(event()), office({"previous_webhook_secret": OLD})).outcome is PaymentOutcome.SUCCEEDED


@pytest.mark.parametrize("secret", ["", KEY, "AnotherOfficesWebhookSecret"])
def test_another_secret_proves_nothing_and_an_empty_one_least(secret):
    for ctx in (office(), office({"webhook_secret": ""})):
        with pytest.raises(Untrusted):
            verified(hook(event(), secret), ctx)


def test_every_altered_byte_is_noticed():
    genuine = hook(event())
    for place in range(0, len(genuine.body), 7):
        changed = bytearray(genuine.body)
        changed[place] ^= 1
        with pytest.raises(Untrusted):
            verified(hook(bytes(changed), mark=genuine.headers["x-razorpay-signature"]))
    for mark in (genuine.headers["x-razorpay-signature"].upper(), genuine.headers["x-razorpay-signature"][:-1], "0" * 64, "\u0660" * 64):
        with pytest.raises(Untrusted):
            verified(hook(genuine.body, mark=mark))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"event": NaN}',
        b'{"event": 1, "event": 2}',
        b"\xef\xbb\xbf{}",
        b"{" * 5000,
        b"[" * 200_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
        json.dumps(event()).encode("utf-16"),
        b" " * 300_000,
    ],
)
def test_signed_or_not_what_is_no_plain_json_object_is_refused(body):
    with pytest.raises(Untrusted):
        verified(hook(body))


@pytest.mark.parametrize("amount", [236.0, "23600", True, -23600, 10**15, None, [23600], {"value": 23600}])
def test_an_amount_that_is_no_whole_number_of_paise_is_for_a_person(amount):
    found = verified(hook(event(amount=amount)))
    assert (found.outcome, found.amount_paise) == (PaymentOutcome.CONTRADICTS, None)


def test_a_captured_payment_that_says_it_is_not_is_for_a_person():
    assert verified(hook(event(captured=False))).outcome is PaymentOutcome.CONTRADICTS
    assert verified(hook(event(currency=None))).outcome is PaymentOutcome.CONTRADICTS
    assert verified(hook(event(id="x"))).outcome is PaymentOutcome.CONTRADICTS


def test_the_payers_note_alone_binds_a_payment_to_no_try():
    """The note passes through the payer's browser: with another try's reference in it, the order's id must not fit."""
    stolen = hook(event(notes={"reference": "ANOTHERATTEMPTREF234"}))
    assert RAZORPAY.locate(stolen) == "ANOTHERATTEMPTREF234"
    assert verified(stolen, order="order_OFANOTHERTRY01").reference == ORDER
    assert verified(stolen, order="").reference == ORDER
    assert verified(hook(event(notes=[])), order=ORDER).reference == ORDER


def test_the_order_beside_the_payment_tells_our_reference():
    assert verified(hook(event(order={}, notes=[])), order="").reference == REFERENCE
    assert verified(hook(event(order={"id": "order_OTHER000000001"}, notes=[])), order="").reference == ORDER
    assert verified(hook(event(order={"receipt": "somebody's else"}, notes=[])), order="").reference == ORDER
    assert verified(hook(event(order={}, notes=[])), order="order_STORED00000001").reference == ORDER


def test_the_account_names_the_office_whatever_its_key_is():
    assert verified(hook(event())).merchant == verified(hook(event()), office(key_id="rzp_live_ANOTHERKEY0001")).merchant == ACCOUNT
    told = event() | {"account_id": "acc_ANOTHER000000"}
    assert verified(hook(told)).merchant == "acc_ANOTHER000000"
    nameless = event()
    del nameless["account_id"]
    assert verified(hook(nameless)).merchant == "no account"


def test_an_event_about_no_payment_is_taken_and_means_nothing():
    found = verified(hook({"entity": "event", "event": "settlement.processed", "payload": {}}))
    assert (found.outcome, found.reference, found.amount_paise) == (PaymentOutcome.UNKNOWN, "settlement.processed", None)


@pytest.mark.parametrize(
    ("raw", "reference"),
    [
        (hook(event()), REFERENCE),
        (hook(event(order={"receipt": "RECEIPT2345678901234"})), "RECEIPT2345678901234"),
        (hook(event(notes={"reference": "a b"})), None),
        (hook(event(notes={"reference": ["x"]})), None),
        (hook(event(notes=[])), None),
        (hook(b"{"), None),
        (hook(b"[" * 200_000), None),
        (posted(urlencode(back()).encode()), None),
    ],
)
def test_a_webhook_names_its_try_and_junk_names_none(raw, reference):
    assert RAZORPAY.locate(raw) == reference


def test_it_acknowledges_with_a_short_text():
    assert (RAZORPAY.acknowledge(True).status, RAZORPAY.acknowledge(False).status) == (200, 400)
