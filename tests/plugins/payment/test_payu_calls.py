"""PayU's commands: status, refunds and the test without a charge, on a line that answers as it is told."""

import hashlib
import json
from typing import Any

import pytest

from engine.api import (
    Conflict,
    ConnectionOutcome,
    GatewayAnswer,
    PaymentOutcome,
    RefundOutcome,
    Refused,
    TooMany,
    Unavailable,
    Unresolved,
    Untrusted,
)
from tests.plugins.payment.gateway_bench import REFERENCE, REFUND, Line, line, nobody, wanted
from tests.plugins.payment.test_payu_messages import KEY, PAYU, SALT, office, said, verified

SERVICE = "https://info.payu.in/merchant/postservice.php?form=2"
TXN = "403993715521937565"
NONSENSE = [
    GatewayAnswer(200, b""),
    GatewayAnswer(200, b"[]"),
    GatewayAnswer(200, b"{}"),
    GatewayAnswer(200, b"ERROR"),
    GatewayAnswer(200, b'{"status": 1, "status": 1}'),
    GatewayAnswer(200, b'{"status": NaN}'),
    GatewayAnswer(200, b'{"status": 1}'),
    GatewayAnswer(200, b'{"status": 0}'),
    GatewayAnswer(200, b'{"status": 0, "msg": "Something went wrong"}'),
    GatewayAnswer(200, b'{"status": true, "transaction_details": {}}'),
    GatewayAnswer(200, b'{"status": 1, "transaction_details": {"X": ' + b"9" * 5000 + b"}}"),
    GatewayAnswer(200, b"[" * 100_000),
    GatewayAnswer(200, b"<html>maintenance</html>"),
    GatewayAnswer(500, b'{"status": 1}'),
    GatewayAnswer(302, b""),
    GatewayAnswer(404, b"not found"),
]


def hash_of(command: str, var1: str) -> str:
    return hashlib.sha512(f"{KEY}|{command}|{var1}|{SALT}".encode()).hexdigest()


def details(**changed: Any) -> dict[str, Any]:
    told = {
        "mihpayid": TXN,
        "request_id": "",
        "bank_ref_num": "721522",
        "amt": "236.00",
        "transaction_amount": "236.00",
        "txnid": REFERENCE,
    }
    told |= {"additional_charges": "0.00", "firstname": "A Firm", "mode": "NB", "status": "success", "unmappedstatus": "captured"}
    told |= {"error_code": "E000", "error_Message": "NO ERROR", "net_amount_debit": 236, "addedon": "2026-04-01 12:00:00"}
    return told | changed


def about(told: Any, reference: str = REFERENCE, status: Any = 1) -> dict[str, Any]:
    return {"status": status, "msg": "1 out of 1 Transactions Fetched Successfully", "transaction_details": {reference: told}}


NOTHING = about({"mihpayid": "Not Found", "status": "Not Found"}, status=0)


async def asked(given: Line) -> Any:
    return await PAYU.query(office(given), REFERENCE, amount_paise=23600)


# --- the status ---------------------------------------------------------------------------------


async def test_a_status_is_asked_by_our_reference_with_the_hash_that_openssl_makes():
    given = line(about(details()))
    found = await asked(given)
    [(url, sent, _)] = given.calls
    mark = (
        "3773eb5ea58d46607e576d4634c26a7eaf505eac4035f3010ef47d047de944f5c09f24fb5513bea8d49f0995919934d9120a329b592685cc048e062bf2deefd0"
    )
    assert (url, sent) == (SERVICE, {"key": KEY, "command": "verify_payment", "var1": REFERENCE, "hash": mark})
    shown = (found.outcome, found.reference, found.amount_paise, found.currency, found.gateway_txn_id)
    assert shown == (PaymentOutcome.SUCCEEDED, REFERENCE, 23600, "INR", TXN)
    assert found.occurred_at.isoformat() == "2026-04-01T06:30:00+00:00"
    assert "A Firm" not in repr(found)


async def test_the_answer_and_the_return_of_one_statement_have_one_key():
    assert (await asked(line(about(details())))).key == verified(said()).key
    assert (await asked(line(about(details(status="pending"))))).key == verified(said(status="pending")).key


@pytest.mark.parametrize(("id", "shown"), [(403993715523186439, "403993715523186439"), ("403993715523186439", "403993715523186439")])
async def test_payus_id_is_a_text_and_loses_no_digit(id, shown):
    assert (await asked(line(about(details(mihpayid=id))))).gateway_txn_id == shown


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"status": "pending"}, "pending"),
        ({"status": "failure"}, "failed"),
        ({"status": "failed"}, "failed"),
        ({"status": "SUCCESS"}, "unknown"),
        ({"status": "initiated"}, "unknown"),
        ({"mihpayid": 4.03e17}, "contradicts"),
        ({"mihpayid": None}, "contradicts"),
        ({"amt": None, "transaction_amount": None}, "contradicts"),
        ({"amt": "236.00", "transaction_amount": "235.00"}, "contradicts"),
        ({"amt": "2.36e2", "transaction_amount": "236.00"}, "contradicts"),
        ({"amt": True, "transaction_amount": None}, "contradicts"),
        ({"amt": None}, "succeeded"),
        ({"transaction_amount": None}, "succeeded"),
        ({"amt": "240.72", "additional_charges": "4.72"}, "succeeded"),
        ({"amt": 236}, "succeeded"),
    ],
)
async def test_a_success_needs_an_amount_and_an_id_that_fit(changed, outcome):
    found = await asked(line(about(details(**changed))))
    assert found.outcome == outcome
    assert found.amount_paise == (23600 if outcome != "contradicts" or "amt" not in changed else None)


async def test_a_fraction_in_json_is_read_as_it_is_written_and_never_as_a_float():
    body = json.dumps(about(details())).replace(
        '"amt": "236.00", "transaction_amount": "236.00"', '"amt": 0.29, "transaction_amount": 0.290'
    )
    assert (await asked(line(body.encode()))).amount_paise == 29


async def test_a_payment_that_nobody_made_is_not_found():
    found = await asked(line(NOTHING))
    assert (found.outcome, found.reference, found.amount_paise) == (PaymentOutcome.NOT_FOUND, REFERENCE, None)


@pytest.mark.parametrize(
    "answer",
    [
        *NONSENSE,
        json.dumps(about(details())).encode()[:-1] + b', "transaction_details": ' + json.dumps({REFERENCE: details()}).encode() + b"}",
        about(details(), "ANOTHERREFERENCE2345"),
        about(details(txnid="ANOTHERREFERENCE2345")),
        about(details(status="")),
        about("Not Found"),
        {"status": 1, "transaction_details": {REFERENCE: details(), "ANOTHERREFERENCE2345": details()}},
        {"status": 1, "transaction_details": [details()]},
    ],
)
async def test_an_answer_that_is_no_whole_answer_to_this_question_is_no_verdict(answer):
    with pytest.raises(Unresolved) as raised:
        await asked(line(answer))
    assert SALT not in f"{raised.value!r}{raised.value.as_json()}{raised.value.__cause__!r}"


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (GatewayAnswer(401, b""), Refused, "credentials"),
        (GatewayAnswer(200, b'{"status": 0, "msg": "Invalid Hash."}'), Refused, "credentials"),
        (GatewayAnswer(200, b'{"status": "0", "msg": "Invalid Merchant Key"}'), Refused, "credentials"),
        (GatewayAnswer(429, b""), TooMany, "too_many"),
    ],
)
async def test_a_clear_no_is_told_apart(answer, kind, code):
    for ask in (asked(line(answer)), PAYU.refund(office(line(answer)), wanted(TXN))):
        with pytest.raises(Refused) as raised:
            await ask
        assert (type(raised.value), raised.value.code) == (kind, code)


async def test_silence_passes_as_it_is():
    for silence in (Unavailable("x"), Unresolved("x"), Untrusted("x")):
        with pytest.raises(type(silence)):
            await asked(line(silence))


async def test_a_reference_that_would_ask_about_two_is_not_sent():
    with pytest.raises(Refused):
        await PAYU.query(office(nobody()), f"{REFERENCE}|X")


# --- refunds ------------------------------------------------------------------------------------


QUEUED = {
    "status": 1,
    "msg": "Refund Request Queued",
    "request_id": "131278422",
    "bank_ref_num": None,
    "mihpayid": int(TXN),
    "error_code": 102,
}


async def test_a_refund_is_asked_for_once_under_our_token_and_is_pending():
    given = line(QUEUED)
    report = await PAYU.refund(office(given), wanted(TXN))
    [(url, sent, _)] = given.calls
    told = {"key": KEY, "command": "cancel_refund_transaction", "var1": TXN, "var2": REFUND, "var3": "100.00"}
    assert (url, sent) == (SERVICE, told | {"hash": hash_of("cancel_refund_transaction", TXN)})
    assert (report.outcome, report.gateway_refund_id) == (RefundOutcome.PENDING, "131278422")


async def test_a_refund_that_is_known_or_refused_is_told_apart():
    with pytest.raises(Conflict):
        await PAYU.refund(office(line({"status": 0, "msg": "Refund request with the same token exists", "error_code": 227})), wanted(TXN))
    with pytest.raises(Refused, match="Invalid amount") as refused:
        await PAYU.refund(office(line({"status": 0, "msg": "Refund FAILURE - Invalid amount\x1b", "error_code": 109})), wanted(TXN))
    assert (refused.value.code, "\x1b" in refused.value.say) == ("109", False)


@pytest.mark.parametrize(
    "answer", [*NONSENSE, QUEUED | {"request_id": None}, QUEUED | {"mihpayid": "1"}, QUEUED | {"status": 2}, QUEUED | {"status": "yes"}]
)
async def test_a_refund_without_a_clear_answer_may_have_happened(answer):
    with pytest.raises(Unresolved):
        await PAYU.refund(office(line(answer)), wanted(TXN))


async def test_a_payment_whose_id_was_not_proved_is_asked_for_first():
    given = line(about(details()), QUEUED)
    await PAYU.refund(office(given), wanted(""))
    assert [(sent["command"], sent["var1"]) for _, sent, _ in given.calls] == [
        ("verify_payment", REFERENCE),
        ("cancel_refund_transaction", TXN),
    ]
    for nothing in (NOTHING, about(details(status="failure"))):
        with pytest.raises(Refused) as refused:
            await PAYU.refund(office(line(nothing)), wanted("x|y"))
        assert refused.value.code == "no_transaction"
        assert (await PAYU.query_refund(office(line(nothing)), wanted(""))).outcome is RefundOutcome.NOT_FOUND


@pytest.mark.parametrize("changed", [{"reference": "a|b"}, {"reference": "A" * 26}, {"amount_paise": 0}, {"currency": "USD"}])
async def test_a_refund_that_cannot_be_guarded_is_not_sent(changed):
    with pytest.raises(Refused):
        await PAYU.refund(office(nobody()), wanted(TXN, **changed))


def action(**changed: Any) -> dict[str, Any]:
    told = {"mihpayid": TXN, "request_id": "131278422", "amt": "100.00", "action": "refund", "token": REFUND, "status": "queued"}
    return told | {"bank_ref_num": "", "mode": "NB"} | changed


def actions(*told: Any, txn: str = TXN) -> dict[str, Any]:
    return about({f"1312784{place:02d}": each for place, each in enumerate(told, 22)}, txn)


async def test_a_refund_is_found_by_its_token_among_what_was_done_to_the_payment():
    given = line(actions(action(token="", action="capture", amt="236.00", status="success"), action()))
    report = await PAYU.query_refund(office(given), wanted(TXN))
    [(_, sent, _)] = given.calls
    told = {"key": KEY, "command": "check_action_status", "var1": TXN, "var2": "payuid", "hash": hash_of("check_action_status", TXN)}
    assert sent == told
    assert (report.outcome, report.gateway_refund_id, report.amount_paise) == (RefundOutcome.PENDING, "131278422", 10000)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("success", "done"),
        ("SUCCESS", "done"),
        ("failure", "failed"),
        ("queued", "pending"),
        ("requested", "pending"),
        ("In Progress", "pending"),
        ("od_hit", "pending"),
        ("perhaps", "unknown"),
        ("", "unknown"),
    ],
)
async def test_only_a_refund_that_payu_processed_is_done(status, outcome):
    assert (await PAYU.query_refund(office(line(actions(action(status=status)))), wanted(TXN))).outcome == outcome


async def test_a_refund_that_payu_never_heard_of_is_not_found():
    for answer in (actions(action(token="OTHER")), about("No action status found", TXN, 0), actions()):
        assert (await PAYU.query_refund(office(line(answer)), wanted(TXN))).outcome is RefundOutcome.NOT_FOUND


async def test_the_payments_amount_beside_our_token_is_no_amount_of_the_refund():
    report = await PAYU.query_refund(office(line(actions(action(amt="236.00", status="success")))), wanted(TXN))
    assert (report.outcome, report.amount_paise) == (RefundOutcome.DONE, None)


@pytest.mark.parametrize(
    "answer",
    [
        *NONSENSE,
        actions(action(), action()),
        actions(action(amt="99.00")),
        actions(action(amt=None)),
        actions(action(mihpayid="1")),
        actions(action(), txn="1"),
    ],
)
async def test_an_answer_about_another_refund_is_no_verdict(answer):
    with pytest.raises(Unresolved):
        await PAYU.query_refund(office(line(answer)), wanted(TXN))


# --- the test without a charge ------------------------------------------------------------------


async def report_on(answer: Any) -> Any:
    return await PAYU.test_connection(office(line(answer)))


async def test_only_not_found_about_the_very_question_proves_the_salt():
    report = await report_on(lambda sent: about({"mihpayid": "Not Found", "status": "Not Found"}, sent["var1"], 0))
    assert report.outcome is ConnectionOutcome.PASSED
    report = await report_on(lambda sent: about(details(txnid=sent["var1"]), sent["var1"]))
    assert report.outcome is ConnectionOutcome.INCONCLUSIVE
    for answer in (NOTHING, *NONSENSE):
        with pytest.raises(Unresolved):
            await report_on(answer)


async def test_a_refused_pair_fails_and_haste_decides_nothing():
    report = await report_on({"status": 0, "msg": "Invalid Hash."})
    assert (report.outcome, report.code) == (ConnectionOutcome.FAILED, "credentials")
    assert (await report_on(GatewayAnswer(429, b""))).outcome is ConnectionOutcome.INCONCLUSIVE
    assert SALT not in repr(report)
