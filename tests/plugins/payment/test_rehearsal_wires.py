"""The rehearsal server's wires, each met by a hand that knows the published format and neither the plugins' code nor the server's."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.rehearsal import BILLDESK, BILLDESK_JOSE, PAYU, RAZORPAY, Rehearsal, rehearsing

REFERENCE = "ABCDEFGHJKLMNPQRST23"
RETURN = "http://127.0.0.1:9/return"
NOTICES = "http://127.0.0.1:9/notice"


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    with rehearsing() as served:
        for each in (BILLDESK, BILLDESK_JOSE, RAZORPAY, PAYU):
            served.control("merchants", wire=each.wire, merchant=each.id, notices=NOTICES)
        yield served


def sent_form(message: Any) -> dict[str, str]:
    """The fields of a message that the server posted, or showed as the browser's."""
    body = message["body"] if isinstance(message, dict) else message.body.decode()
    return {name: value[0] for name, value in parse_qs(body, keep_blank_values=True).items()}


# --- BillDesk classic ----------------------------------------------------------------------------


def piped(*fields: str) -> str:
    text = "|".join(fields)
    return f"{text}|{hmac.new(BILLDESK.secrets['checksum'].encode(), text.encode(), 'sha256').hexdigest().upper()}"


def billdesk(rehearsal: Rehearsal, door: str, *fields: str) -> httpx.Response:
    return httpx.post(f"{rehearsal.address}/pgidsk/{door}", data={"msg": piped(*fields)})


def classic_payment(rehearsal: Rehearsal, reference: str = REFERENCE) -> httpx.Response:
    fields = [BILLDESK.id, reference, "NA", "236.00", "NA", "NA", "NA", "INR", "NA", "R", "NA", "NA", "NA", "F", "MUM", *["NA"] * 6, RETURN]
    return billdesk(rehearsal, "PGIMerchantPayment", *fields)


def test_billdesk_classic_pays_answers_and_refunds(rehearsal: Rehearsal) -> None:
    question = ("0122", BILLDESK.id, REFERENCE, "20260401120000")
    unknown = billdesk(rehearsal, "PGIQueryController", *question).text.split("|")
    assert (len(unknown), unknown[0], unknown[31]) == (33, "0130", "N")
    assert "REHEARSAL" in classic_payment(rehearsal).text
    done = rehearsal.pay(REFERENCE)
    rehearsal.advance()
    back = sent_form(done["return"])["msg"]
    assert back == sent_form(rehearsal.posted[0])["msg"] == piped(*back.split("|")[:-1])
    fields = back.split("|")
    assert len(fields) == 26
    assert (fields[0], fields[1], fields[2], fields[4], fields[8], fields[14]) == (
        BILLDESK.id,
        REFERENCE,
        done["txn"],
        "236.00",
        "INR",
        "0300",
    )
    assert fields[16] == "MUM"
    known = billdesk(rehearsal, "PGIQueryController", *question).text
    assert known == piped(*known.split("|")[:-1])
    assert (known.split("|")[15], known.split("|")[31]) == ("0300", "Y")
    refund = ("0400", BILLDESK.id, done["txn"], "20260401", REFERENCE, "236.00", "36.00", "20260402120000", "RREF1", "NA", "NA", "NA")
    answer = billdesk(rehearsal, "PGIRefundController", *refund).text.split("|")
    assert (len(answer), answer[0], answer[8], answer[12]) == (14, "0410", "0799", "Y")
    again = billdesk(rehearsal, "PGIQueryController", *question).text.split("|")
    assert again[27:31] == ["0799", "36.00", "20260401", "RREF1"]
    beyond = billdesk(rehearsal, "PGIRefundController", *refund[:6], "200.01", *refund[7:8], "RREF2", *refund[9:]).text.split("|")
    assert (beyond[8], beyond[12]) == ("NA", "N")


def test_billdesk_classic_answers_error_to_what_is_not_signed(rehearsal: Rehearsal) -> None:
    text = piped("0122", BILLDESK.id, REFERENCE, "20260401120000")
    for wrong in (text.lower(), text[:-1], f"{text}x", text.replace(BILLDESK.id, "OTHER"), "", "|||"):
        assert httpx.post(f"{rehearsal.address}/pgidsk/PGIQueryController", data={"msg": wrong}).text == "ERROR"


# --- BillDesk JOSE -------------------------------------------------------------------------------


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sealed(content: dict[str, Any], **header: str) -> str:
    head = {"alg": "HS256", "clientid": BILLDESK_JOSE.more["client_id"]} | header
    text = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(content).encode())}"
    return f"{text}.{b64(hmac.digest(BILLDESK_JOSE.secrets['signing'].encode(), text.encode(), 'sha256'))}"


def unsealed(compact: str) -> dict[str, Any]:
    text, _, mark = compact.rpartition(".")
    assert mark == b64(hmac.digest(BILLDESK_JOSE.secrets["signing"].encode(), text.encode(), "sha256"))
    head, content = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in text.split("."))
    assert head["alg"] == "HS256"
    return dict(content)


def jose(rehearsal: Rehearsal, operation: str, content: dict[str, Any], trace: str = "", **header: str) -> httpx.Response:
    jose.count += 1  # type: ignore[attr-defined]
    headers = {"content-type": "application/jose", "accept": "application/jose", "bd-timestamp": "20260401120000"}
    headers["bd-traceid"] = trace or f"TRACE{jose.count}"  # type: ignore[attr-defined]
    return httpx.post(f"{rehearsal.address}/payments/ve1_2/{operation}", content=sealed(content, **header), headers=headers)


jose.count = 0  # type: ignore[attr-defined]


def jose_order(reference: str = REFERENCE) -> dict[str, Any]:
    told = {"mercid": BILLDESK_JOSE.id, "orderid": reference, "amount": "236.00", "currency": "356", "ru": RETURN, "itemcode": "DIRECT"}
    return {**told, "order_date": "2026-04-01T12:00:00+05:30", "device": {"init_channel": "internet", "user_agent": "x"}}


def test_billdesk_jose_pays_answers_and_refunds(rehearsal: Rehearsal) -> None:
    order = unsealed(jose(rehearsal, "orders/create", jose_order()).text)
    [link] = order["links"]
    assert (
        httpx.post(link["href"], data={"merchantid": BILLDESK_JOSE.id, "bdorderid": order["bdorderid"], "rdata": "wrong"}).status_code
        == 400
    )
    page = httpx.post(
        link["href"], data={"merchantid": BILLDESK_JOSE.id, "bdorderid": order["bdorderid"], "rdata": link["parameters"]["rdata"]}
    )
    assert "REHEARSAL" in page.text
    asked = {"mercid": BILLDESK_JOSE.id, "orderid": REFERENCE}
    missing = jose(rehearsal, "transactions/get", asked)
    assert (missing.status_code, unsealed(missing.text)["status"]) == (404, 404)
    done = rehearsal.pay(REFERENCE)
    rehearsal.advance()
    back = unsealed(sent_form(done["return"])["transaction_response"])
    assert back == unsealed(rehearsal.posted[0].body.decode()) == unsealed(jose(rehearsal, "transactions/get", asked).text)
    assert (back["orderid"], back["mercid"], back["amount"], back["currency"]) == (REFERENCE, BILLDESK_JOSE.id, "236.00", "356")
    assert (back["auth_status"], back["transaction_error_type"]) == ("0300", "success")
    wanted = {
        **asked,
        "transactionid": done["txn"],
        "transaction_date": back["transaction_date"],
        "txn_amount": "236.00",
        "currency": "356",
    }
    made = jose(rehearsal, "refunds/create", {**wanted, "refund_amount": "100.00", "merc_refund_ref_no": "RREF1"})
    assert unsealed(made.text)["refund_status"] == "0799"
    assert (
        unsealed(jose(rehearsal, "refunds/get", {"mercid": BILLDESK_JOSE.id, "merc_refund_ref_no": "RREF1"}).text)["refund_amount"]
        == "100.00"
    )
    assert jose(rehearsal, "refunds/get", {"mercid": BILLDESK_JOSE.id, "merc_refund_ref_no": "RREF2"}).status_code == 404


def test_billdesk_jose_takes_a_trace_once_an_order_once_and_no_other_algorithm(rehearsal: Rehearsal) -> None:
    assert jose(rehearsal, "orders/create", jose_order(), trace="SAME").status_code == 200
    assert jose(rehearsal, "transactions/get", {"mercid": BILLDESK_JOSE.id, "orderid": REFERENCE}, trace="SAME").status_code == 409
    rehearsal.advance(86_400)
    assert jose(rehearsal, "transactions/get", {"mercid": BILLDESK_JOSE.id, "orderid": REFERENCE}, trace="SAME").status_code == 404
    assert jose(rehearsal, "orders/create", jose_order()).status_code == 409
    for header in ({"alg": "none"}, {"alg": "HS512"}, {"clientid": "other"}):
        assert jose(rehearsal, "orders/create", jose_order("X"), **header).status_code == 401


# --- Razorpay ------------------------------------------------------------------------------------


def razorpay(rehearsal: Rehearsal, method: str, path: str, *, secret: str = "", **more: Any) -> httpx.Response:
    auth = (RAZORPAY.id, secret or RAZORPAY.secrets["key"])
    return httpx.request(method, f"{rehearsal.address}/v1{path}", auth=auth, **more)


def test_razorpay_pays_answers_and_refunds(rehearsal: Rehearsal) -> None:
    order = razorpay(
        rehearsal, "POST", "/orders", json={"amount": 23600, "currency": "INR", "receipt": REFERENCE, "notes": {"a": "b"}}
    ).json()
    assert (order["entity"], order["status"], order["receipt"]) == ("order", "created", REFERENCE)
    assert razorpay(rehearsal, "GET", f"/orders?receipt={REFERENCE}").json()["items"] == [order]
    assert razorpay(rehearsal, "GET", f"/orders/{order['id']}/payments").json()["count"] == 0
    form = {"key_id": RAZORPAY.id, "order_id": order["id"], "amount": "23600", "callback_url": RETURN}
    assert "REHEARSAL" in httpx.post(f"{rehearsal.address}/v1/checkout/embedded", data=form).text
    done = rehearsal.pay(REFERENCE)
    rehearsal.advance()
    back = sent_form(done["return"])
    signed = f"{order['id']}|{done['txn']}".encode()
    assert back["razorpay_signature"] == hmac.new(RAZORPAY.secrets["key"].encode(), signed, "sha256").hexdigest()
    [notice] = rehearsal.posted
    mark = hmac.new(RAZORPAY.secrets["webhook"].encode(), notice.body, "sha256").hexdigest()
    assert notice.headers["X-Razorpay-Signature"] == mark
    event = json.loads(notice.body)
    assert event["event"] == "payment.captured"
    payment = event["payload"]["payment"]["entity"]
    assert (payment["id"], payment["amount"], payment["status"], payment["order_id"]) == (done["txn"], 23600, "captured", order["id"])
    assert razorpay(rehearsal, "GET", f"/orders/{order['id']}/payments").json()["items"] == [payment]
    key = {"X-Refund-Idempotency": "REFUNDREFUND01"}
    first = razorpay(rehearsal, "POST", f"/payments/{done['txn']}/refund", json={"amount": 10000}, headers=key)
    again = razorpay(rehearsal, "POST", f"/payments/{done['txn']}/refund", json={"amount": 10000}, headers=key)
    assert first.json() == again.json()
    assert first.json()["status"] == "processed"
    assert razorpay(rehearsal, "POST", f"/payments/{done['txn']}/refund", json={"amount": 1}, headers=key).status_code == 400
    assert razorpay(rehearsal, "GET", f"/payments/{done['txn']}/refunds").json()["items"] == [first.json()]
    recon = razorpay(rehearsal, "GET", "/settlements/recon/combined?year=2026&month=4").json()["items"]
    assert sorted((each["type"], each["amount"]) for each in recon) == [("payment", 23600), ("refund", 10000)]
    assert all(each["settled"] and each["settlement_utr"] for each in recon)


def test_razorpay_refuses_wrong_keys_and_receipts(rehearsal: Rehearsal) -> None:
    told = {"amount": 23600, "currency": "INR", "receipt": REFERENCE}
    assert razorpay(rehearsal, "POST", "/orders", secret="x", json=told).status_code == 401
    assert razorpay(rehearsal, "POST", "/orders", json={**told, "receipt": "x" * 41}).status_code == 400
    assert razorpay(rehearsal, "POST", "/orders", json={**told, "amount": 99}).status_code == 400
    assert razorpay(rehearsal, "POST", "/orders", json={**told, "amount": "23600"}).status_code == 400


@pytest.mark.parametrize("scenario", ["failure", "pending_forever"])
def test_razorpay_fails_without_a_signature_and_pends_as_authorized(rehearsal: Rehearsal, scenario: str) -> None:
    order = razorpay(rehearsal, "POST", "/orders", json={"amount": 23600, "currency": "INR", "receipt": REFERENCE}).json()
    httpx.post(f"{rehearsal.address}/v1/checkout/embedded", data={"key_id": RAZORPAY.id, "order_id": order["id"], "callback_url": RETURN})
    back = sent_form(rehearsal.pay(REFERENCE, scenario)["return"])
    rehearsal.advance()
    event = json.loads(rehearsal.posted[0].body)["event"]
    assert ("error[code]" in back, event) == ((True, "payment.failed") if scenario == "failure" else (False, "payment.authorized"))


# --- PayU ----------------------------------------------------------------------------------------


def sha512(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


def payu_form(**changed: str) -> dict[str, str]:
    told = {
        "key": PAYU.id,
        "txnid": REFERENCE,
        "amount": "236.00",
        "productinfo": "MUM",
        "firstname": "A",
        "email": "a@b.example",
    } | changed
    mark = sha512(
        f"{told['key']}|{told['txnid']}|{told['amount']}|{told['productinfo']}|{told['firstname']}|{told['email']}|||||||||||{PAYU.secrets['salt']}"
    )
    return {**told, "phone": "9999999999", "surl": RETURN, "furl": f"{RETURN}/no", "hash": mark}


def payu(rehearsal: Rehearsal, command: str, var1: str, **more: str) -> dict[str, Any]:
    told = {"key": PAYU.id, "command": command, "var1": var1, "hash": sha512(f"{PAYU.id}|{command}|{var1}|{PAYU.secrets['salt']}")}
    return dict(httpx.post(f"{rehearsal.address}/merchant/postservice.php?form=2", data={**told, **more}).json())


def test_payu_pays_answers_and_refunds(rehearsal: Rehearsal) -> None:
    assert payu(rehearsal, "verify_payment", REFERENCE)["transaction_details"][REFERENCE]["status"] == "Not Found"
    assert "REHEARSAL" in httpx.post(f"{rehearsal.address}/_payment", data=payu_form()).text
    done = rehearsal.pay(REFERENCE)
    rehearsal.advance()
    back = sent_form(done["return"])
    assert back == sent_form(rehearsal.posted[0])
    assert back["hash"] == sha512(f"{PAYU.secrets['salt']}|success|||||||||||a@b.example|A|MUM|236.00|{REFERENCE}|{PAYU.id}")
    assert (back["status"], back["mihpayid"], back["amount"]) == ("success", done["txn"], "236.00")
    assert int(done["txn"]) > 2**53
    told = payu(rehearsal, "verify_payment", REFERENCE)["transaction_details"][REFERENCE]
    assert (told["status"], told["mihpayid"], told["amt"]) == ("success", done["txn"], "236.00")
    refund = payu(rehearsal, "cancel_refund_transaction", done["txn"], var2="RREF1", var3="100.00")
    assert (refund["status"], refund["error_code"]) == (1, 102)
    assert payu(rehearsal, "cancel_refund_transaction", done["txn"], var2="RREF1", var3="100.00")["error_code"] == 227
    actions = payu(rehearsal, "check_action_status", refund["request_id"])["transaction_details"][refund["request_id"]]
    assert (actions[refund["request_id"]]["status"], actions[refund["request_id"]]["token"]) == ("success", "RREF1")
    assert payu(rehearsal, "get_settlement_details", "2026-04-02")["Txn_details"][0]["txnid"] == REFERENCE


def test_payu_goes_to_furl_for_a_failure_and_refuses_a_wrong_hash(rehearsal: Rehearsal) -> None:
    assert httpx.post(f"{rehearsal.address}/_payment", data={**payu_form(), "amount": "2.00"}).status_code == 400
    assert httpx.post(f"{rehearsal.address}/_payment", data=payu_form()).status_code == 200
    assert rehearsal.pay(REFERENCE, "failure")["return"]["url"] == f"{RETURN}/no"
    assert httpx.post(f"{rehearsal.address}/_payment", data=payu_form()).status_code == 400
    told = {"key": PAYU.id, "command": "verify_payment", "var1": REFERENCE, "hash": "0" * 128}
    assert httpx.post(f"{rehearsal.address}/merchant/postservice.php?form=2", data=told).json()["status"] == 0
