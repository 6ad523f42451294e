"""BillDesk's classic interface asked: status, refunds, and the test without a charge, on a line that answers as it is told."""

import pytest

from engine.api import ConnectionOutcome, GatewayAnswer, PaymentOutcome, RefundOutcome, Refused, TooMany, Unavailable, Unresolved, Untrusted
from tests.plugins.payment.billdesk_bench import (
    BILLDESK,
    KEY,
    MERCHANT,
    REFERENCE,
    UNKNOWN,
    Told,
    answer,
    context,
    form,
    mark,
    piped,
    posted,
    response,
    told,
    wanted,
)

ALGORITHMS = ("hmac-sha256", "sha256", "crc32")
PROTOCOL_FAILURES = [
    (b"", 200),
    (b"ERROR", 200),
    (b"ERROR\r\n", 200),
    (b"\r\n", 200),
    (b"<html>Service Unavailable</html>", 200),
    (b"\x00\xff\xfe", 200),
    (b"|" * 9000, 200),
    (b"A" * 100_000, 200),
    (piped(answer()).encode(), 500),
    (piped(answer()).encode(), 302),
    (piped(answer(), key="another0key0of0nobody").encode(), 200),
    (piped(answer())[:-64].encode() + mark("|".join(answer())).lower().encode(), 200),
    (piped(answer()[:-1]).encode(), 200),
    (piped([*answer(), "NA"]).encode(), 200),
    (piped(response()).encode(), 200),
    (piped(answer(UniqueTxnID="ANOTHERREFERENCE2345")).encode(), 200),
    (piped(answer(RequestType="0122")).encode(), 200),
    (piped(answer(), "crc32").encode(), 200),
]


async def asked(line: Told, **values: str):
    return await BILLDESK.query(context("classic", line, **values), REFERENCE)


# --- the status question ------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_a_status_is_asked_by_our_reference_in_indian_time(algorithm):
    line = told(piped(answer(), algorithm))
    event = await asked(line, algorithm=algorithm)
    [(url, sent, _)] = line.calls
    assert url == "https://www.billdesk.com/pgidsk/PGIQueryController"
    assert sent == {"msg": piped(["0122", MERCHANT, REFERENCE, "20261123013000"], algorithm)}
    assert (event.outcome, event.amount_paise, event.merchant, event.currency, event.gateway_txn_id) == (
        PaymentOutcome.SUCCEEDED,
        23600,
        MERCHANT,
        "INR",
        "BDTXN0001",
    )


async def test_an_answer_and_a_callback_of_one_statement_have_one_key():
    callback = BILLDESK.verify(context("classic"), posted(form(piped(response()))))
    assert (await asked(told(piped(answer())))).key == callback.key
    assert (await asked(told(piped(answer(AuthStatus="0002"))))).key != callback.key


async def test_the_answer_to_a_crc_hint_is_another_statement_so_it_is_not_taken_for_a_copy():
    hint = BILLDESK.verify(context("classic", algorithm="crc32"), posted(form(piped(response(), "crc32"))))
    event = await asked(told(piped(answer(), "crc32")), algorithm="crc32")
    assert (event.outcome, event.amount_paise) == (PaymentOutcome.SUCCEEDED, 23600)
    assert event.key != hint.key


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"AuthStatus": "0300"}, PaymentOutcome.SUCCEEDED),
        ({"AuthStatus": "0002"}, PaymentOutcome.PENDING),
        ({"AuthStatus": "0399"}, PaymentOutcome.FAILED),
        ({"AuthStatus": "0001"}, PaymentOutcome.UNKNOWN),
        ({"AuthStatus": "0007"}, PaymentOutcome.UNKNOWN),
        (UNKNOWN, PaymentOutcome.NOT_FOUND),
        ({"QueryStatus": "N"}, PaymentOutcome.CONTRADICTS),
        (UNKNOWN | {"TxnReferenceNo": "BDTXN0001"}, PaymentOutcome.UNKNOWN),
        (UNKNOWN | {"AuthStatus": "0300"}, PaymentOutcome.CONTRADICTS),
        ({"QueryStatus": "n"}, PaymentOutcome.CONTRADICTS),
        ({"QueryStatus": "NA"}, PaymentOutcome.CONTRADICTS),
        ({"QueryStatus": ""}, PaymentOutcome.CONTRADICTS),
        ({"TxnAmount": "NA"}, PaymentOutcome.CONTRADICTS),
    ],
)
async def test_only_a_clear_n_is_not_found_and_contradictions_are_for_a_person(changed, outcome):
    assert (await asked(told(piped(answer(**changed))))).outcome is outcome


async def test_another_merchant_in_a_genuine_answer_is_told_to_the_engine():
    assert (await asked(told(piped(answer(MerchantID="OTHER99"))))).merchant == "OTHER99"


@pytest.mark.parametrize(("body", "status"), PROTOCOL_FAILURES)
async def test_an_answer_that_cannot_be_believed_is_no_verdict(body, status):
    with pytest.raises(Unresolved) as raised:
        await asked(told(body, status))
    assert KEY not in f"{raised.value!r} {raised.value.as_json()}"


async def test_haste_and_silence_are_told_apart():
    with pytest.raises(TooMany) as slow:
        await asked(told(b"", 429))
    assert slow.value.retry_after_s == 60
    for silence in (Unavailable("x"), Unresolved("x"), Untrusted("x")):
        with pytest.raises(type(silence)):
            await asked(Told(silence))


# --- refunds ------------------------------------------------------------------------------------


def refunded(**changed: str) -> list[str]:
    """The 13 fields that answer a refund: the echo, then status, id, error, reason, process."""
    given = {
        "type": "0410",
        "merchant": MERCHANT,
        "txn": "BDTXN0001",
        "day": "20261123",
        "reference": REFERENCE,
        "paid": "236.00",
        "amount": "100.00",
        "moment": "20261123013000",
        "status": "0799",
        "id": "BDREF9",
        "error": "NA",
        "reason": "NA",
        "process": "Y",
    }
    assert not changed.keys() - given.keys()
    return list((given | changed).values())


async def test_a_refund_is_asked_as_described_and_is_pending_though_it_was_taken_on():
    line = told(piped(refunded()))
    report = await BILLDESK.refund(context("classic", line), wanted())
    [(url, sent, _)] = line.calls
    fields = ["0400", MERCHANT, "BDTXN0001", "20261123", REFERENCE, "236.00", "100.00", "20261123013000", "REF7REFUNDREFERENCE2"]
    assert url == "https://www.billdesk.com/pgidsk/PGIRefundController"
    assert sent == {"msg": piped([*fields, "NA", "NA", "NA"])}
    assert (report.outcome, report.gateway_refund_id, report.amount_paise, report.code) == (RefundOutcome.PENDING, "BDREF9", 10000, "0799")


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"status": "0699"}, RefundOutcome.PENDING),
        ({"process": "N"}, RefundOutcome.UNKNOWN),
        ({"process": "NA"}, RefundOutcome.UNKNOWN),
        ({"process": "y"}, RefundOutcome.UNKNOWN),
        ({"status": "0001"}, RefundOutcome.UNKNOWN),
        ({"status": "799"}, RefundOutcome.UNKNOWN),
        ({"status": "NA", "process": "NA"}, RefundOutcome.UNKNOWN),
        ({"status": "0002", "process": ""}, RefundOutcome.UNKNOWN),
    ],
)
async def test_a_refund_that_is_not_clearly_taken_on_or_refused_is_unknown(changed, outcome):
    assert (await BILLDESK.refund(context("classic", told(piped(refunded(**changed)))), wanted())).outcome is outcome


async def test_a_refund_that_billdesk_refuses_is_refused_by_its_code():
    line = told(piped(refunded(status="NA", id="NA", error="ERR_REF009", reason="Refund window \x1b over", process="N")))
    with pytest.raises(Refused, match=r"Refund window \? over") as refused:
        await BILLDESK.refund(context("classic", line), wanted())
    assert refused.value.code == "ERR_REF009"


@pytest.mark.parametrize(("code", "shown"), [("drop table;", "refused"), ("", "refused"), ("NA", "refused"), ("E" * 90, "refused")])
async def test_a_code_that_is_none_is_not_taken_over(code, shown):
    with pytest.raises(Refused) as refused:
        await BILLDESK.refund(context("classic", told(piped(refunded(status="NA", error=code, process="N")))), wanted())
    assert refused.value.code == shown


@pytest.mark.parametrize(
    "line",
    [
        *(told(body, status) for body, status in PROTOCOL_FAILURES),
        *(
            told(piped(refunded(**changed)))
            for changed in (
                {"merchant": "OTHER99"},
                {"txn": "BDTXN0002"},
                {"reference": "ANOTHERREFERENCE2345"},
                {"amount": "236.00"},
                {"amount": "NA"},
            )
        ),
        told(piped(refunded(), key="another0key0of0nobody")),
        told(piped([*refunded(), "NA"])),
    ],
)
async def test_a_refund_without_a_believable_answer_may_have_happened(line):
    with pytest.raises(Unresolved):
        await BILLDESK.refund(context("classic", line), wanted())
    assert len(line.calls) == 1


async def test_a_refund_of_an_unknown_transaction_is_refused_unasked():
    line = told(b"")
    with pytest.raises(Refused, match="number of this payment is not known"):
        await BILLDESK.refund(context("classic", line), wanted(gateway_txn_id=""))
    assert line.calls == []


NAMED = {"LastRefundRefNo": "REF7REFUNDREFERENCE2", "RefundStatus": "0799"}


@pytest.mark.parametrize(
    ("changed", "settings", "outcome"),
    [
        ({}, {}, RefundOutcome.UNKNOWN),
        ({"LastRefundRefNo": "SOMEOTHERREFUND", "RefundStatus": "0799"}, {}, RefundOutcome.UNKNOWN),
        (UNKNOWN, {}, RefundOutcome.UNKNOWN),
        (NAMED, {}, RefundOutcome.PENDING),
        ({"LastRefundRefNo": "BDREF9"}, {}, RefundOutcome.PENDING),
        (NAMED, {"refund_done_codes": "0799"}, RefundOutcome.PENDING),
        (NAMED, {"classic_refund_column": "27"}, RefundOutcome.PENDING),
        (NAMED, {"classic_refund_column": "27", "refund_done_codes": "0699,0799"}, RefundOutcome.DONE),
        (NAMED, {"classic_refund_column": "26", "refund_done_codes": "0699,0799"}, RefundOutcome.PENDING),
        (NAMED, {"classic_refund_column": "27", "refund_failed_codes": "0799"}, RefundOutcome.FAILED),
        ({"RefundStatus": "0799"}, {"classic_refund_column": "27", "refund_done_codes": "0799"}, RefundOutcome.UNKNOWN),
    ],
)
async def test_a_refund_ends_only_by_what_the_operator_had_confirmed(changed, settings, outcome):
    line = told(piped(answer(**changed)))
    report = await BILLDESK.query_refund(context("classic", line, settings=settings), wanted(), "BDREF9")
    assert report.outcome is outcome
    assert line.calls[0][1]["msg"].startswith(f"0122|{MERCHANT}|{REFERENCE}|")


async def test_no_refund_is_named_by_nothing():
    """An answer without a last refund names none, also where we know no id of BillDesk's."""
    for nothing in ("NA", ""):
        line = told(piped(answer(LastRefundRefNo=nothing)))
        assert (await BILLDESK.query_refund(context("classic", line), wanted())).outcome is RefundOutcome.UNKNOWN


@pytest.mark.parametrize(("body", "status"), PROTOCOL_FAILURES)
async def test_the_question_about_a_refund_believes_no_more_than_the_other(body, status):
    with pytest.raises(Unresolved):
        await BILLDESK.query_refund(context("classic", told(body, status)), wanted())


# --- the test without a charge ------------------------------------------------------------------


class Knowing(Told):
    """A line that answers the very reference it was asked about, with these changes."""

    def __init__(self, key: str = KEY, **changed: str) -> None:
        super().__init__(GatewayAnswer(200, b""))
        self.key, self.changed = key, changed

    def _told(self, url, sent, headers):
        super()._told(url, sent, headers)
        reference = sent["msg"].split("|")[2]
        return GatewayAnswer(200, piped(answer(**({"UniqueTxnID": reference} | UNKNOWN | self.changed)), key=self.key).encode())


async def test_a_signed_answer_that_knows_no_such_payment_passes():
    line = Knowing()
    report = await BILLDESK.test_connection(context("classic", line))
    assert (report.outcome, report.code) == (ConnectionOutcome.PASSED, "ok")
    assert line.calls[0][1]["msg"].split("|")[0] == "0122"


async def test_each_test_asks_about_another_payment():
    line = Knowing()
    for _ in range(3):
        await BILLDESK.test_connection(context("classic", line))
    assert len({sent["msg"].split("|")[2] for _, sent, _ in line.calls}) == 3


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (told(b"ERROR"), "bare_error"),
        (told(b""), "bare_error"),
        (told(b"<html>busy</html>"), "not_believed"),
        (told(piped(answer(**UNKNOWN))), "not_believed"),
        (told(b"Forbidden", 403), "ip_blocked"),
        (told(b"Your IP 203.0.113.7 is not whitelisted", 200), "ip_blocked"),
        (told(b"IP address not allowed", 401), "ip_blocked"),
        (told(b"", 429), "too_often"),
        (told(b"oops", 500), "no_answer"),
        (Knowing(key="another0key0of0nobody"), "not_believed"),
        (Knowing(MerchantID="OTHER99"), "other_answer"),
        (Knowing(QueryStatus="Y", AuthStatus="0300"), "other_answer"),
        (Knowing(UniqueTxnID=REFERENCE), "not_believed"),
    ],
)
async def test_what_is_doubtful_is_inconclusive(line, code):
    report = await BILLDESK.test_connection(context("classic", line))
    assert (report.outcome, report.code) == (ConnectionOutcome.INCONCLUSIVE, code)
    assert KEY not in report.say


async def test_silence_passes_through():
    with pytest.raises(Unresolved):
        await BILLDESK.test_connection(context("classic", Told(Unresolved("silent"))))
