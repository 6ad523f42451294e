"""Razorpay's API asked: orders, payments, refunds and the test without a charge, on a line that answers as it is told."""

import base64
import json
from typing import Any

import pytest

from engine.api import (
    Conflict,
    ConnectionOutcome,
    FormPost,
    GatewayAnswer,
    PaymentOutcome,
    RefundOutcome,
    Refused,
    TooMany,
    Unavailable,
    Unresolved,
    Untrusted,
)
from tests.plugins.payment.gateway_bench import REFERENCE, REFUND, RETURN_URL, Line, context, line, nobody, payment, wanted
from tests.plugins.payment.test_razorpay_messages import HOOK, KEY, KEY_ID, ORDER, PAYMENT, RAZORPAY, SECRETS, entity, event, hook

PAIR = "Basic " + base64.b64encode(f"{KEY_ID}:{KEY}".encode()).decode()
API = "https://api.razorpay.com/v1"
NONSENSE = [
    GatewayAnswer(200, b""),
    GatewayAnswer(200, b"[]"),
    GatewayAnswer(200, b"{}"),
    GatewayAnswer(200, b'{"entity": "collection", "count": 1, "count": 1, "items": [{}]}'),
    GatewayAnswer(200, b'{"entity": "collection", "count": NaN, "items": []}'),
    GatewayAnswer(200, b'{"entity": "collection", "count": 2, "items": [{}]}'),
    GatewayAnswer(200, b'{"entity": "collection", "count": 1.0, "items": [{}]}'),
    GatewayAnswer(200, b'{"entity": "collection", "count": true, "items": [{}]}'),
    GatewayAnswer(200, b"<html>maintenance</html>"),
    GatewayAnswer(500, b'{"error": {"code": "SERVER_ERROR"}}'),
    GatewayAnswer(502, b"bad gateway"),
    GatewayAnswer(404, b"not found"),
    GatewayAnswer(400, b"{}"),
    GatewayAnswer(408, b'{"error": {"code": "BAD_REQUEST_ERROR"}}'),
]


def office(asked: Line, *, rehearsal: bool = False, **values: str) -> Any:
    return context(asked, {"key_id": KEY_ID, "account_id": ""} | values, SECRETS, rehearsal=rehearsal)


def order(**changed: Any) -> dict[str, Any]:
    told = {"id": ORDER, "entity": "order", "amount": 23600, "currency": "INR", "receipt": REFERENCE, "status": "created", "attempts": 0}
    return told | changed


def several(*items: Any) -> dict[str, Any]:
    return {"entity": "collection", "count": len(items), "items": list(items)}


def error(description: str, code: str = "BAD_REQUEST_ERROR", status: int = 400) -> GatewayAnswer:
    return GatewayAnswer(status, json.dumps({"error": {"code": code, "description": description, "reason": "NA"}}).encode())


# --- the start ----------------------------------------------------------------------------------


async def test_an_order_is_made_under_our_reference_and_the_payer_is_led_to_it():
    asked = line(order())
    started = await RAZORPAY.start(office(asked), payment())
    [(url, sent, headers)] = asked.calls
    assert (url, headers["authorization"], headers["content-type"]) == (f"{API}/orders", PAIR, "application/json")
    notes = {"reference": REFERENCE, "tag1": "MUM", "tag2": "COO/2627/7"}
    assert json.loads(sent) == {"amount": 23600, "currency": "INR", "receipt": REFERENCE, "notes": notes}
    assert isinstance(started.handover, FormPost)
    assert (started.handover.url, started.gateway_order_id) == (f"{API}/checkout/embedded", ORDER)
    assert dict(started.handover.fields) == {
        "key_id": KEY_ID,
        "amount": "23600",
        "currency": "INR",
        "order_id": ORDER,
        "name": "Certificate of Origin",
        "notes[reference]": REFERENCE,
        "callback_url": RETURN_URL,
        "cancel_url": RETURN_URL,
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": 23601},
        {"amount": "23600"},
        {"amount": 23600.0},
        {"currency": "USD"},
        {"receipt": "ANOTHERREFERENCE2345"},
        {"entity": "payment"},
        {"id": "order/../payments"},
        {"id": None},
    ],
)
async def test_an_order_that_is_not_ours_is_no_order(changed):
    with pytest.raises(Unresolved):
        await RAZORPAY.start(office(line(order(**changed))), payment())


@pytest.mark.parametrize("answer", [*NONSENSE, order(id="")])
async def test_nonsense_begins_nothing_and_refuses_nothing(answer):
    with pytest.raises(Unresolved) as raised:
        await RAZORPAY.start(office(line(answer)), payment())
    assert KEY not in f"{raised.value!r}{raised.value.as_json()}"


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (GatewayAnswer(401, b"anything"), Refused, "credentials"),
        (error("Authentication failed", status=401), Refused, "credentials"),
        (GatewayAnswer(429, b""), TooMany, "too_many"),
        (error("The amount must be at least INR 1.00"), Refused, "BAD_REQUEST_ERROR"),
        (error("No.", code="drop table;"), Refused, "refused"),
        (error("Receipt already exists"), Conflict, "duplicate_reference"),
        (error("x", status=409), Conflict, "duplicate_reference"),
    ],
)
async def test_a_clear_no_is_told_apart(answer, kind, code):
    with pytest.raises(Refused) as raised:
        await RAZORPAY.start(office(line(answer)), payment())
    assert (type(raised.value), raised.value.code) == (kind, code)


async def test_silence_passes_as_it_is():
    for silence in (Unavailable("x"), Unresolved("x"), Untrusted("x")):
        with pytest.raises(type(silence)):
            await RAZORPAY.start(office(line(silence)), payment())


@pytest.mark.parametrize(
    "changed",
    [
        {"reference": "a b"},
        {"reference": ""},
        {"amount_paise": 99},
        {"amount_paise": 10**12},
        {"currency": "USD"},
        {"return_url": "javascript:alert(1)"},
        {"tags": ("a|b",)},
        {"tags": ("A",) * 8},
    ],
)
async def test_what_cannot_be_sent_is_refused_before_anything_is_sent(changed):
    with pytest.raises(Refused):
        await RAZORPAY.start(office(nobody()), payment(**changed))


async def test_a_key_without_money_pays_nothing_outside_rehearsals():
    test_key = "rzp_test_COOMUM0100000"
    with pytest.raises(Refused, match="test mode") as refused:
        await RAZORPAY.start(office(nobody(), key_id=test_key), payment())
    assert refused.value.code == "test_key"
    assert (await RAZORPAY.test_connection(office(nobody(), key_id=test_key))).outcome is ConnectionOutcome.FAILED
    assert (await RAZORPAY.start(office(line(order()), key_id=test_key, rehearsal=True), payment())).gateway_order_id == ORDER


# --- the question -------------------------------------------------------------------------------


async def asked_about(asked: Line, stored: str = ORDER) -> Any:
    return await RAZORPAY.query(office(asked), REFERENCE, gateway_order_id=stored, amount_paise=23600)


async def test_the_payments_of_the_stored_order_are_asked_for():
    asked = line(several(entity()))
    found = await asked_about(asked)
    assert [(url, headers["authorization"]) for url, _, headers in asked.calls] == [(f"{API}/orders/{ORDER}/payments", PAIR)]
    shown = (found.outcome, found.reference, found.amount_paise, found.currency, found.gateway_txn_id)
    assert shown == (PaymentOutcome.SUCCEEDED, REFERENCE, 23600, "INR", PAYMENT)


async def test_the_answer_and_the_webhook_of_one_statement_have_one_key():
    told = RAZORPAY.verify(office(nobody()), hook(event()), gateway_order_id=ORDER)
    assert (await asked_about(line(several(entity())))).key == told.key


async def test_an_order_whose_id_was_never_heard_is_looked_for_by_our_reference():
    asked = line(several(order()), several(entity()))
    found = await asked_about(asked, "")
    assert [url for url, _, _ in asked.calls] == [f"{API}/orders?receipt={REFERENCE}&count=5", f"{API}/orders/{ORDER}/payments"]
    assert (found.outcome, found.gateway_order_id) == (PaymentOutcome.SUCCEEDED, ORDER)
    assert (await asked_about(line(several()), "")).outcome is PaymentOutcome.NOT_FOUND


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ([], "not_found"),
        (["failed"], "failed"),
        (["created"], "pending"),
        (["failed", "authorized"], "pending"),
        (["authorized", "captured", "failed"], "succeeded"),
        (["captured", "captured"], "succeeded"),
        (["refunded", "failed"], "unknown"),
        (["somethingnew"], "unknown"),
    ],
)
async def test_the_best_of_an_orders_payments_counts(states, outcome):
    payments = [
        entity(id=f"pay_{place:014d}", status=status, captured=status in {"captured", "refunded"}) for place, status in enumerate(states)
    ]
    for order_of_answer in (payments, payments[::-1]):
        found = await asked_about(line(several(*order_of_answer)))
        assert found.outcome == outcome
    assert found.detail.get("captured", "") == ("2" if states == ["captured", "captured"] else "")


async def test_the_same_double_charge_is_always_told_by_the_same_payment():
    first, second = entity(id="pay_A0000000000001", created_at=1), entity(id="pay_B0000000000001", created_at=2)
    keys = {(await asked_about(line(several(*each)))).key for each in ((first, second), (second, first))}
    assert len(keys) == 1


@pytest.mark.parametrize(
    "answer",
    [
        *NONSENSE,
        several(entity(order_id="order_ANOTHER00000001")),
        several(entity(), entity(order_id=None)),
        several(order()),
        several("x"),
        several(*[entity()] * 101),
    ],
)
async def test_an_answer_that_is_no_whole_answer_to_this_question_is_no_verdict(answer):
    with pytest.raises(Unresolved):
        await asked_about(line(answer))


@pytest.mark.parametrize("items", [[order(receipt="ANOTHERREFERENCE2345")], [order(id="order_x/../y")], [entity()], [order(), {}]])
async def test_orders_that_are_not_under_our_reference_are_not_taken(items):
    with pytest.raises(Unresolved):
        await asked_about(line(several(*items), several(entity())), "")


async def test_a_no_to_a_question_is_told_apart():
    assert (await asked_about(line(error("The id provided does not exist")))).outcome is PaymentOutcome.NOT_FOUND
    with pytest.raises(TooMany):
        await asked_about(line(b"", status=429))
    with pytest.raises(Refused) as refused:
        await asked_about(line(b"", status=401))
    assert refused.value.code == "credentials"


# --- refunds ------------------------------------------------------------------------------------


def refunded(**changed: Any) -> dict[str, Any]:
    told = {"id": "rfnd_FP8QHiV938haTz", "entity": "refund", "amount": 10000, "currency": "INR", "payment_id": PAYMENT}
    return told | {"notes": {"reference": REFUND}, "receipt": REFUND, "status": "pending"} | changed


async def test_a_refund_is_asked_for_once_under_our_reference():
    asked = line(refunded())
    report = await RAZORPAY.refund(office(asked), wanted(PAYMENT, ORDER))
    [(url, sent, headers)] = asked.calls
    assert (url, headers["X-Refund-Idempotency"]) == (f"{API}/payments/{PAYMENT}/refund", REFUND)
    assert json.loads(sent) == {"amount": 10000, "receipt": REFUND, "notes": {"reference": REFUND}}
    assert (report.outcome, report.gateway_refund_id, report.amount_paise) == (RefundOutcome.PENDING, "rfnd_FP8QHiV938haTz", 10000)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("processed", "done"), ("pending", "pending"), ("failed", "failed"), ("Processed", "unknown"), (None, "unknown")],
)
async def test_only_a_processed_refund_is_done(status, outcome):
    for report in (
        await RAZORPAY.refund(office(line(refunded(status=status))), wanted(PAYMENT)),
        await RAZORPAY.query_refund(office(line(several(refunded(status=status)))), wanted(PAYMENT)),
    ):
        assert report.outcome == outcome


@pytest.mark.parametrize(
    "changed", [{"amount": 10001}, {"amount": "10000"}, {"payment_id": "pay_ANOTHER0000001"}, {"id": "x"}, {"currency": "USD"}]
)
async def test_another_refund_is_no_answer(changed):
    with pytest.raises(Unresolved):
        await RAZORPAY.refund(office(line(refunded(**changed))), wanted(PAYMENT))
    with pytest.raises(Unresolved):
        await RAZORPAY.query_refund(office(line(several(refunded(**changed)))), wanted(PAYMENT))


@pytest.mark.parametrize("answer", NONSENSE)
async def test_a_refund_without_a_clear_answer_may_have_happened(answer):
    with pytest.raises(Unresolved):
        await RAZORPAY.refund(office(line(answer)), wanted(PAYMENT))
    with pytest.raises(Unresolved):
        await RAZORPAY.query_refund(office(line(answer)), wanted(PAYMENT))


async def test_a_refund_that_is_refused_or_known_is_told_apart():
    with pytest.raises(Conflict):
        await RAZORPAY.refund(office(line(error("Different request body sent for the same Idempotency key"))), wanted(PAYMENT))
    with pytest.raises(Conflict):
        await RAZORPAY.refund(office(line(error("still running", status=409))), wanted(PAYMENT))
    with pytest.raises(Refused, match="greater than") as refused:
        await RAZORPAY.refund(office(line(error("The total refund amount is greater than the payment\x1b amount"))), wanted(PAYMENT))
    assert "\x1b" not in refused.value.say


async def test_a_refund_is_found_among_those_of_its_payment():
    other = refunded(id="rfnd_OTHER000000001", receipt="OTHERREFUNDREFERENCE", notes=[], amount=1)
    asked = line(several(other, refunded(receipt=None)))
    report = await RAZORPAY.query_refund(office(asked), wanted(PAYMENT))
    assert [url for url, _, _ in asked.calls] == [f"{API}/payments/{PAYMENT}/refunds?count=100"]
    assert report.gateway_refund_id == "rfnd_FP8QHiV938haTz"
    assert (await RAZORPAY.query_refund(office(line(several(other))), wanted(PAYMENT))).outcome is RefundOutcome.NOT_FOUND
    by_id = line(several(other, refunded(receipt=None, notes=[])))
    assert (await RAZORPAY.query_refund(office(by_id), wanted(PAYMENT), "rfnd_FP8QHiV938haTz")).outcome is RefundOutcome.PENDING


async def test_a_payment_whose_id_is_not_known_is_looked_for_first():
    asked = line(several(entity()), refunded())
    await RAZORPAY.refund(office(asked), wanted("", ORDER))
    assert [url for url, _, _ in asked.calls] == [f"{API}/orders/{ORDER}/payments", f"{API}/payments/{PAYMENT}/refund"]
    for txn in ("", "pay_x/../../orders", "403993715521889530"):
        with pytest.raises(Refused) as refused:
            await RAZORPAY.refund(office(line(several(entity(status="failed", captured=False)))), wanted(txn, ORDER))
        assert refused.value.code == "no_transaction"


@pytest.mark.parametrize("changed", [{"reference": "short"}, {"reference": "A" * 41}, {"amount_paise": 0}, {"currency": "USD"}])
async def test_a_refund_that_cannot_be_guarded_is_not_sent(changed):
    with pytest.raises(Refused):
        await RAZORPAY.refund(office(nobody()), wanted(PAYMENT, **changed))


# --- the test without a charge ------------------------------------------------------------------


async def test_a_list_of_orders_proves_the_key():
    for listed in (several(), several(order())):
        asked = line(listed)
        report = await RAZORPAY.test_connection(office(asked))
        assert (report.outcome, [(url, sent) for url, sent, _ in asked.calls]) == (
            ConnectionOutcome.PASSED,
            [(f"{API}/orders?count=1", None)],
        )
        assert "webhook" in report.say


async def test_a_refused_key_fails_and_what_is_doubtful_decides_nothing():
    assert (await RAZORPAY.test_connection(office(line(b"", status=401)))).outcome is ConnectionOutcome.FAILED
    for answer in (GatewayAnswer(429, b""), error("no")):
        report = await RAZORPAY.test_connection(office(line(answer)))
        assert report.outcome is ConnectionOutcome.INCONCLUSIVE
    for answer in NONSENSE:
        with pytest.raises(Unresolved):
            await RAZORPAY.test_connection(office(line(answer)))
    assert HOOK not in repr(report)
