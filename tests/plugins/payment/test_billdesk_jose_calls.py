"""BillDesk's JOSE API asked: orders, transactions, refunds and the test without a charge, on a line that answers as it is told."""

import json
import re

import pytest

from engine.api import (
    Conflict,
    ConnectionOutcome,
    FormPost,
    GatewayAnswer,
    PaymentOutcome,
    RefundOutcome,
    Refused,
    Secret,
    TooMany,
    Unavailable,
    Unresolved,
    Untrusted,
)
from plugins.payment.billdesk.jose import Envelope
from tests.plugins.payment.billdesk_bench import (
    BILLDESK,
    CLIENT,
    ENCRYPTION,
    KEY,
    KEY_ID,
    MERCHANT,
    REFERENCE,
    RETURN_URL,
    Told,
    context,
    jws,
    payment,
    posted,
    told,
    transaction,
    unjws,
    wanted,
)

PAY = "https://pay.billdesk.com/web/v1_2/embeddedsdk"
NOT_FOUND = {"status": "404", "error_type": "invalid_data_error", "error_code": "GNIDE0001", "message": "No such order"}
UNBELIEVED = [
    (b"", 200),
    (b"ERROR", 200),
    (json.dumps(transaction()).encode(), 200),
    (json.dumps(NOT_FOUND).encode(), 404),
    (b"<html>Bad gateway</html>", 502),
    (b"Forbidden", 403),
    (jws(transaction(), key="another0key0of0nobody").encode(), 200),
    (jws(NOT_FOUND, key="another0key0of0nobody").encode(), 404),
    (jws(transaction(), header={"alg": "none"}).encode(), 200),
    (jws(transaction(), header={"alg": "HS512"}).encode(), 200),
    (jws([]).encode(), 200),
]


def order(**changed):
    """An order that BillDesk made, as its answer has it."""
    link = {
        "href": PAY,
        "rel": "redirect",
        "method": "POST",
        "parameters": {"mercid": MERCHANT, "bdorderid": "OBD77", "rdata": "cGF5ZXI.abc-_~1"},
        "headers": {"authorization": "OToken 0123456789ABCDEF"},
    }
    made = {"objectid": "order", "mercid": MERCHANT, "orderid": REFERENCE, "bdorderid": "OBD77", "amount": "236.00", "status": "ACTIVE"}
    return made | {"links": [{"href": "https://api.billdesk.com/x", "rel": "self", "method": "GET"}, link]} | changed


# --- orders -------------------------------------------------------------------------------------


async def test_an_order_is_made_first_and_the_payer_is_led_to_it():
    line = told(jws(order()))
    started = await BILLDESK.start(context("jose-hmac", line, settings={"jose_device_ip": "203.0.113.7"}), payment())
    [(url, sent, headers)] = line.calls
    assert url == "https://api.billdesk.com/payments/ve1_2/orders/create"
    header, content = unjws(sent)
    assert header == {"alg": "HS256", "clientid": CLIENT}
    assert content == {
        "mercid": MERCHANT,
        "orderid": REFERENCE,
        "amount": "236.00",
        "currency": "356",
        "order_date": "2026-11-23T01:30:00+05:30",
        "ru": RETURN_URL,
        "itemcode": "DIRECT",
        "device": {"init_channel": "internet", "user_agent": "ecoo", "ip": "203.0.113.7"},
        "additional_info": {"additional_info1": "MUM", "additional_info2": "COO/2627/7"},
    }
    assert (headers["content-type"], headers["Accept"], headers["BD-Timestamp"]) == (
        "application/jose",
        "application/jose",
        "20261123013000",
    )
    assert started.gateway_order_id == "OBD77"
    assert started.handover == FormPost(PAY, {"merchantid": MERCHANT, "bdorderid": "OBD77", "rdata": "cGF5ZXI.abc-_~1"})


async def test_nothing_about_the_payer_is_sent():
    line = told(jws(order()))
    about = {"payer_name": "Asha Rao", "payer_email": "asha@example.in", "payer_phone": "9876543210"}
    await BILLDESK.start(context("jose-hmac", line), payment(**about))
    assert not [text for text in about.values() if text in json.dumps(unjws(line.calls[0][1]))]


async def test_each_request_has_another_trace_id():
    line = told(jws(transaction()))
    for _ in range(4):
        await BILLDESK.query(context("jose-hmac", line), REFERENCE)
    traces = {headers["BD-Traceid"] for _, _, headers in line.calls}
    assert len(traces) == 4
    assert all(re.fullmatch("[A-Z0-9]{20}", trace) for trace in traces)


async def test_the_symmetric_scheme_speaks_by_the_same_calls():
    envelope = Envelope(CLIENT, Secret(KEY), Secret(ENCRYPTION), KEY_ID)
    line = told(envelope.seal(order()))
    started = await BILLDESK.start(context("jose-symmetric", line), payment())
    assert started.gateway_order_id == "OBD77"
    assert envelope.open(line.calls[0][1])["orderid"] == REFERENCE
    with pytest.raises(Unresolved):
        await BILLDESK.start(context("jose-symmetric", told(jws(order()))), payment())


async def test_the_page_that_the_order_names_is_used_at_the_operators_host_alone():
    [own, link] = order()["links"]
    elsewhere = [
        "https://pay.billdesk.com.evil.example/web",
        "https://evil.example/",
        "http://pay.billdesk.com/web",
        "javascript:alert(1)",
        "https://pay.billdesk.com@evil.example/",
        "https://pay.billdesk.com:444/web",
        "//evil.example",
        "https://[",
        "https://pay.billdesk.com/\r\nx",
    ]
    for href in elsewhere:
        with pytest.raises(Refused, match="jose_pay_url does not name"):
            await BILLDESK.start(context("jose-hmac", told(jws(order(links=[own, link | {"href": href}])))), payment())
    there = await BILLDESK.start(context("jose-hmac", told(jws(order(links=[link | {"href": f"{PAY}/v2"}])))), payment())
    assert there.handover.url == f"{PAY}/v2"
    silent = {name: value for name, value in link.items() if name != "href"}
    assert (await BILLDESK.start(context("jose-hmac", told(jws(order(links=[silent])))), payment())).handover.url == PAY


@pytest.mark.parametrize(
    "answer",
    [
        order(mercid="OTHER99"),
        order(orderid="ANOTHERREFERENCE2345"),
        order(bdorderid=""),
        order(bdorderid="O" * 61),
        order(bdorderid="a b"),
        order(links=[]),
        order(links="x"),
        order(links=[None, 7, {"rel": "redirect"}]),
        order(links=[{"rel": "redirect", "parameters": [], "headers": []}]),
        order(links=[{"rel": "redirect", "parameters": {"rdata": "a\nb"}}]),
        order(links=[{"rel": "redirect", "parameters": {"rdata": ["x"]}}]),
        {},
        transaction(),
    ],
)
async def test_an_order_that_is_not_whole_and_ours_is_not_used(answer):
    with pytest.raises(Unresolved):
        await BILLDESK.start(context("jose-hmac", told(jws(answer))), payment())


@pytest.mark.parametrize(("body", "status"), UNBELIEVED)
async def test_an_answer_that_is_not_believed_resolves_nothing(body, status):
    for asked in (
        BILLDESK.start(context("jose-hmac", told(body, status)), payment()),
        BILLDESK.query(context("jose-hmac", told(body, status)), REFERENCE),
        BILLDESK.refund(context("jose-hmac", told(body, status)), wanted()),
        BILLDESK.query_refund(context("jose-hmac", told(body, status)), wanted()),
    ):
        with pytest.raises(Unresolved) as raised:
            await asked
        assert KEY not in f"{raised.value!r} {raised.value.as_json()}"


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, Refused, "GNIDE0001"),
        (422, Refused, "GNIDE0001"),
        (401, Refused, "credentials"),
        (403, Refused, "credentials"),
        (409, Conflict, "duplicate_reference"),
        (408, Unresolved, "GNIDE0001"),
        (500, Unresolved, "GNIDE0001"),
        (503, Unresolved, "GNIDE0001"),
        (200, Unresolved, "GNIDE0001"),
    ],
)
async def test_a_signed_error_is_a_no_only_where_it_is_one(status, error, code):
    for asked in (
        BILLDESK.start(context("jose-hmac", told(jws(NOT_FOUND), status)), payment()),
        BILLDESK.refund(context("jose-hmac", told(jws(NOT_FOUND), status)), wanted()),
    ):
        with pytest.raises(error) as raised:
            await asked
        assert (type(raised.value), raised.value.code) == (error, code)


async def test_the_words_of_a_refusal_are_cut_and_printable():
    odd = NOT_FOUND | {"message": "no\x1b[2J\u202e" + "x" * 500, "error_code": "a b;"}
    with pytest.raises(Refused) as refused:
        await BILLDESK.start(context("jose-hmac", told(jws(odd), 400)), payment())
    assert refused.value.code == "refused"
    assert refused.value.say.isprintable()
    assert refused.value.say.isascii()
    assert len(refused.value.say) < 200


async def test_silence_passes_through_and_haste_is_told():
    with pytest.raises(TooMany):
        await BILLDESK.start(context("jose-hmac", told(b"", 429)), payment())
    for silence in (Unavailable("x"), Unresolved("x"), Untrusted("x")):
        with pytest.raises(type(silence)):
            await BILLDESK.start(context("jose-hmac", Told(silence)), payment())


async def test_no_payer_is_led_over_plain_http_outside_a_rehearsal():
    line = told(jws(order()))
    with pytest.raises(Refused, match="jose_pay_url must be https"):
        await BILLDESK.start(context("jose-hmac", line, settings={"jose_pay_url": "http://127.0.0.1:8002/pay"}), payment())
    assert line.calls == []


# --- transactions -------------------------------------------------------------------------------


async def test_a_transaction_is_asked_by_our_reference():
    line = told(jws(transaction()))
    event = await BILLDESK.query(context("jose-hmac", line), REFERENCE)
    assert line.calls[0][0] == "https://api.billdesk.com/payments/ve1_2/transactions/get"
    assert unjws(line.calls[0][1])[1] == {"mercid": MERCHANT, "orderid": REFERENCE}
    assert event == BILLDESK.verify(context("jose-hmac"), posted(jws(transaction()).encode()))


async def test_not_found_is_a_signed_404_or_a_code_that_the_operator_set():
    async def outcome(status: int, settings: dict[str, str], told_of=NOT_FOUND):
        return (await BILLDESK.query(context("jose-hmac", told(jws(told_of), status), settings=settings), REFERENCE)).outcome

    assert await outcome(404, {}) is PaymentOutcome.NOT_FOUND
    assert await outcome(422, {"jose_missing_codes": "XX, GNIDE0001"}) is PaymentOutcome.NOT_FOUND
    for status, settings, content in (
        (422, {}, NOT_FOUND),
        (400, {"jose_missing_codes": "GNIDE0002"}, NOT_FOUND),
        (400, {"jose_missing_codes": ""}, {}),
        (404, {}, transaction()),
        (500, {}, NOT_FOUND),
        (200, {"jose_missing_codes": "GNIDE0001"}, NOT_FOUND),
    ):
        with pytest.raises(Unresolved):
            await outcome(status, settings, content)


async def test_the_answer_to_another_question_is_no_answer():
    with pytest.raises(Unresolved):
        await BILLDESK.query(context("jose-hmac", told(jws(transaction(orderid="ANOTHERREFERENCE2345")))), REFERENCE)


# --- refunds ------------------------------------------------------------------------------------


def refunded(**changed):
    given = {"objectid": "refund", "mercid": MERCHANT, "refundid": "RX1", "refund_amount": "100.00", "refund_status": "0799"}
    return given | {"merc_refund_ref_no": "REF7REFUNDREFERENCE2", "transactionid": "BDTXN0001"} | changed


async def test_a_refund_is_asked_with_our_reference_and_is_pending():
    line = told(jws(refunded()))
    report = await BILLDESK.refund(context("jose-hmac", line), wanted())
    assert line.calls[0][0] == "https://api.billdesk.com/payments/ve1_2/refunds/create"
    assert unjws(line.calls[0][1])[1] == {
        "mercid": MERCHANT,
        "orderid": REFERENCE,
        "transactionid": "BDTXN0001",
        "transaction_date": "2026-11-23T00:15:00+05:30",
        "txn_amount": "236.00",
        "refund_amount": "100.00",
        "currency": "356",
        "merc_refund_ref_no": "REF7REFUNDREFERENCE2",
    }
    assert (report.outcome, report.gateway_refund_id, report.amount_paise, report.code) == (RefundOutcome.PENDING, "RX1", 10000, "0799")


@pytest.mark.parametrize(
    ("status", "settings", "asked", "found"),
    [
        ("0699", {}, RefundOutcome.PENDING, RefundOutcome.PENDING),
        ("0799", {}, RefundOutcome.PENDING, RefundOutcome.PENDING),
        ("0002", {}, RefundOutcome.PENDING, RefundOutcome.PENDING),
        ("0799", {"refund_done_codes": "0699, 0799"}, RefundOutcome.PENDING, RefundOutcome.DONE),
        ("0998", {"refund_failed_codes": "0998"}, RefundOutcome.FAILED, RefundOutcome.FAILED),
        ("0998", {}, RefundOutcome.UNKNOWN, RefundOutcome.UNKNOWN),
        ("799", {"refund_done_codes": "0799"}, RefundOutcome.UNKNOWN, RefundOutcome.UNKNOWN),
    ],
)
async def test_a_refund_ends_only_by_the_codes_that_the_operator_set(status, settings, asked, found):
    body = jws(refunded(refund_status=status))
    assert (await BILLDESK.refund(context("jose-hmac", told(body), settings=settings), wanted())).outcome is asked
    line = told(body)
    assert (await BILLDESK.query_refund(context("jose-hmac", line, settings=settings), wanted(), "RX1")).outcome is found
    assert unjws(line.calls[0][1])[1] == {"mercid": MERCHANT, "merc_refund_ref_no": "REF7REFUNDREFERENCE2"}


@pytest.mark.parametrize(
    "changed",
    [
        {"merc_refund_ref_no": "ANOTHER"},
        {"refund_amount": "236.00"},
        {"refund_amount": None},
        {"merc_refund_ref_no": None},
        {"refund_amount": "NaN"},
    ],
)
async def test_another_refund_is_no_answer(changed):
    body = jws(refunded(**changed))
    for asked in (
        BILLDESK.refund(context("jose-hmac", told(body)), wanted()),
        BILLDESK.query_refund(context("jose-hmac", told(body)), wanted()),
    ):
        with pytest.raises(Unresolved):
            await asked


async def test_a_refund_that_billdesk_never_heard_of_is_not_found():
    assert (await BILLDESK.query_refund(context("jose-hmac", told(jws(NOT_FOUND), 404)), wanted())).outcome is RefundOutcome.NOT_FOUND
    with pytest.raises(Unresolved):
        await BILLDESK.query_refund(context("jose-hmac", told(jws(NOT_FOUND), 400)), wanted())


async def test_a_refund_of_an_unknown_transaction_is_refused_unasked():
    line = told(b"")
    with pytest.raises(Refused, match="number of this payment is not known"):
        await BILLDESK.refund(context("jose-hmac", line), wanted(gateway_txn_id=""))
    assert line.calls == []


# --- the test without a charge ------------------------------------------------------------------


class Echo(Told):
    """A line that sends back what it was sent."""

    def __init__(self) -> None:
        super().__init__(GatewayAnswer(200, b""))

    def _told(self, url, sent, headers):
        super()._told(url, sent, headers)
        return GatewayAnswer(404, sent)


@pytest.mark.parametrize(
    ("line", "outcome", "code"),
    [
        (told(jws(NOT_FOUND), 404), ConnectionOutcome.PASSED, "ok"),
        (told(jws(NOT_FOUND), 401), ConnectionOutcome.FAILED, "refused"),
        (told(jws(NOT_FOUND | {"message": "Merchant is not active"}), 403), ConnectionOutcome.FAILED, "refused"),
        (told(jws(NOT_FOUND | {"message": "IP address not whitelisted"}), 403), ConnectionOutcome.INCONCLUSIVE, "ip_blocked"),
        (told(jws(NOT_FOUND | {"message": "Request IP is not allowed \ud800"}), 401), ConnectionOutcome.INCONCLUSIVE, "ip_blocked"),
        (told(b"Forbidden", 403), ConnectionOutcome.INCONCLUSIVE, "ip_blocked"),
        (told(json.dumps(NOT_FOUND), 404), ConnectionOutcome.INCONCLUSIVE, "no_answer"),
        (told(jws(NOT_FOUND, key="another0key0of0nobody"), 404), ConnectionOutcome.INCONCLUSIVE, "no_answer"),
        (told(jws(transaction(), key="another0key0of0nobody")), ConnectionOutcome.INCONCLUSIVE, "not_believed"),
        (told(jws(transaction())), ConnectionOutcome.INCONCLUSIVE, "other_answer"),
        (told(jws(NOT_FOUND), 400), ConnectionOutcome.INCONCLUSIVE, "other_answer"),
        (told(jws({}), 500), ConnectionOutcome.INCONCLUSIVE, "other_answer"),
        (told(b"", 429), ConnectionOutcome.INCONCLUSIVE, "too_often"),
    ],
)
async def test_only_a_signed_not_found_proves_the_keys(line, outcome, code):
    report = await BILLDESK.test_connection(context("jose-hmac", line))
    assert (report.outcome, report.code) == (outcome, code)
    assert KEY not in report.say
    assert unjws(line.calls[0][1])[1]["orderid"].startswith("TEST")


async def test_our_own_question_sent_back_is_no_proof():
    """It is signed with our key, and says nothing of an error: not with the status 404 either."""
    report = await BILLDESK.test_connection(context("jose-hmac", Echo()))
    assert report.outcome is ConnectionOutcome.INCONCLUSIVE
    for asked in (
        BILLDESK.start(context("jose-hmac", Echo()), payment()),
        BILLDESK.query(context("jose-hmac", Echo()), REFERENCE),
        BILLDESK.refund(context("jose-hmac", Echo()), wanted()),
        BILLDESK.query_refund(context("jose-hmac", Echo()), wanted()),
    ):
        with pytest.raises(Unresolved):
            await asked
