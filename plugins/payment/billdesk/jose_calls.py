"""The JOSE API at work: making an order, leading the payer to it, asking about transactions, and refunds.

Every answer is an envelope, errors too, and is opened before its status counts for anything. An order that was made without
an answer costs nobody anything: no payer was led to it.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from engine.api import (
    IST,
    Conflict,
    ConnectionReport,
    FormPost,
    GatewayAnswer,
    GatewayContext,
    GatewayEvent,
    PaymentOutcome,
    RefundOutcome,
    RefundReport,
    RefundWanted,
    Refused,
    StartedPayment,
    StartPayment,
    Untrusted,
)
from plugins.payment.billdesk import reports
from plugins.payment.billdesk.jose import is_compact, text_of
from plugins.payment.billdesk.parameters import envelope_of
from plugins.payment.billdesk.settings import address, codes, setting
from plugins.payment.billdesk.wire import (
    check_status,
    code_or,
    form_value,
    misread,
    moment,
    paise_of,
    rupees_of,
    short,
    statement_key,
    untrusted,
)

__all__ = ["event_in", "query", "query_refund", "raw_envelope", "refund", "start", "test"]

_MEDIA = "application/jose"
_RUPEE = "356"  # ISO 4217, the number of INR
_FIELD = "transaction_response"
_PLAIN = re.compile(r"[!-~]{1,4000}", re.ASCII)
_TAKEN_ON = frozenset({"0699", "0799", "0002"})
_OUTCOMES: Mapping[str, PaymentOutcome] = {
    "0300": PaymentOutcome.SUCCEEDED,
    "0002": PaymentOutcome.PENDING,
    "0399": PaymentOutcome.FAILED,
}


async def start(ctx: GatewayContext, payment: StartPayment) -> StartedPayment:
    """Makes the order at BillDesk, and gives the form that leads the payer to it."""
    url = address(ctx.settings, "jose_pay_url", rehearsal=ctx.rehearsal)
    status, order = await _asked(ctx, "orders/create", _order(ctx, payment))
    _require_done(status, order, "bdorderid")
    theirs = text_of(order, "bdorderid")
    if (text_of(order, "mercid"), text_of(order, "orderid")) != (ctx.values["merchant_id"], payment.reference):
        raise misread("it is about another order")
    if not _PLAIN.fullmatch(theirs) or len(theirs) > 60:
        raise misread("its order has no number")
    return StartedPayment(_handover(ctx, url, order, theirs), theirs)


def _order(ctx: GatewayContext, payment: StartPayment) -> dict[str, Any]:
    """An order as BillDesk takes it, with no word about the payer. `device` is this site, which makes the order."""
    ip = setting(ctx.settings, "jose_device_ip")
    order: dict[str, Any] = {
        "mercid": ctx.values["merchant_id"],
        "orderid": payment.reference,
        "amount": rupees_of(payment.amount_paise),
        "currency": _RUPEE,
        "order_date": _iso(ctx.clock.now()),
        "ru": payment.return_url,
        "itemcode": "DIRECT",
        "device": {"init_channel": "internet", "user_agent": "ecoo"} | ({"ip": ip} if ip else {}),
    }
    if payment.tags:
        order["additional_info"] = {f"additional_info{place}": tag for place, tag in enumerate(payment.tags, 1)}
    return order


def _handover(ctx: GatewayContext, url: str, order: Mapping[str, Any], theirs: str) -> FormPost:
    """The form to BillDesk's page. The answer may name the page, but only at the host that the operator named; Refused for another."""
    links = order.get("links")
    link = next((each for each in links if isinstance(each, dict) and each.get("rel") == "redirect"), {}) if isinstance(links, list) else {}
    href = text_of(link, "href")
    if href and (not _PLAIN.fullmatch(href) or _origin(href) != _origin(url)):
        say = "BillDesk leads payers to a host that [gateways.billdesk] jose_pay_url does not name; tell the operator."
        raise Refused(say, code="pay_host")
    parameters, headers = link.get("parameters"), link.get("headers")
    token = text_of(parameters, "rdata") if isinstance(parameters, dict) else ""
    fields = {"merchantid": ctx.values["merchant_id"], "bdorderid": theirs}
    if token:
        fields["rdata"] = token
    elif isinstance(headers, dict) and (token := text_of(headers, "authorization")):
        fields["authorization"] = token
    if not token or not re.fullmatch(r"[ -~]{1,8000}", token):
        raise misread("its order has no token for the payer")
    return FormPost(href or url, fields)


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc.lower()


def raw_envelope(body: bytes) -> bytes:
    """The envelope of a return, which is a field of a form, or of a notice, which may be the body itself. Raises Untrusted."""
    return body if is_compact(body) else form_value(body, _FIELD)


def event_in(ctx: GatewayContext, body: bytes) -> GatewayEvent:
    """What a return or a notice states. Raises Untrusted."""
    transaction = envelope_of(ctx).open(raw_envelope(body))
    if not text_of(transaction, "orderid"):
        raise untrusted("fields", "it names no order")
    return _event(transaction)


async def query(ctx: GatewayContext, reference: str) -> GatewayEvent:
    """What BillDesk says of an order's transaction."""
    status, found = await _asked(ctx, "transactions/get", {"mercid": ctx.values["merchant_id"], "orderid": reference})
    if _is_missing(ctx, status, found):
        return _nothing(ctx, reference)
    if not 200 <= status < 300:
        raise misread("it is an error", code=_code(found, "no_answer"))
    if text_of(found, "orderid") != reference:
        raise misread("it answers another question")
    return _event(found)


async def refund(ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
    """Asks for a refund, once. What BillDesk takes on is PENDING: nobody has the money yet."""
    if not wanted.gateway_txn_id:
        raise Refused("BillDesk's number of this payment is not known, so it cannot be refunded there.", code="no_transaction")
    asked = {
        "mercid": ctx.values["merchant_id"],
        "orderid": wanted.payment_reference,
        "transactionid": wanted.gateway_txn_id,
        "transaction_date": _iso(wanted.paid_at),
        "txn_amount": rupees_of(wanted.paid_paise),
        "refund_amount": rupees_of(wanted.amount_paise),
        "currency": _RUPEE,
        "merc_refund_ref_no": wanted.reference,
    }
    status, told = await _asked(ctx, "refunds/create", asked)
    _require_done(status, told, "refund_status")
    report = _refund_report(ctx, told, wanted)
    return replace(report, outcome=RefundOutcome.PENDING) if report.outcome is RefundOutcome.DONE else report


async def query_refund(ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
    """What became of a refund: DONE and FAILED only by the codes that the operator set, for BillDesk publishes none that end it."""
    status, told = await _asked(ctx, "refunds/get", {"mercid": ctx.values["merchant_id"], "merc_refund_ref_no": wanted.reference})
    if _is_missing(ctx, status, told):
        return RefundReport(RefundOutcome.NOT_FOUND, code=_code(told), say="BillDesk knows no refund of this reference.")
    if not 200 <= status < 300:
        raise misread("it is an error", code=_code(told, "no_answer"))
    return _refund_report(ctx, told, wanted)


def _refund_report(ctx: GatewayContext, told: Mapping[str, Any], wanted: RefundWanted) -> RefundReport:
    """What a believed refund says. Raises Unresolved if it is another refund, or one of another amount."""
    amount = paise_of(text_of(told, "refund_amount"))
    if text_of(told, "merc_refund_ref_no") != wanted.reference or amount != wanted.amount_paise:
        raise misread("it is about another refund")
    status = short(text_of(told, "refund_status"), most=20)
    outcome, say = RefundOutcome.UNKNOWN, "BillDesk says something of this refund that is not known here."
    if status in codes(ctx.settings, "refund_done_codes"):
        outcome, say = RefundOutcome.DONE, "BillDesk says that the refund is done."
    elif status in codes(ctx.settings, "refund_failed_codes"):
        outcome, say = RefundOutcome.FAILED, "BillDesk says that the refund failed."
    elif status in _TAKEN_ON:
        outcome, say = RefundOutcome.PENDING, "BillDesk has taken the refund on."
    return RefundReport(outcome, short(text_of(told, "refundid")), amount, status, say)


async def test(ctx: GatewayContext) -> ConnectionReport:
    """Asks about an order that nobody made: a signed answer that knows no such order proves ID and keys."""
    asked = {"mercid": ctx.values["merchant_id"], "orderid": f"TEST{secrets.token_hex(8).upper()}"}
    answer = await _answer(ctx, "transactions/get", asked)
    try:
        told = envelope_of(ctx).open(answer.body)
    except Untrusted:
        return reports.not_believed(answer)
    if _is_missing(ctx, answer.status, told):
        return reports.passed()
    if reports.is_blocked(f"{text_of(told, 'message')} {text_of(told, 'error_type')}".encode("ascii", "replace")):
        return reports.blocked()
    return reports.refused() if answer.status in {401, 403} else reports.other_answer(_code(told))


async def _answer(ctx: GatewayContext, path: str, content: Mapping[str, Any]) -> GatewayAnswer:
    at = ctx.clock.now().astimezone(IST)
    headers = {"Accept": _MEDIA, "BD-Traceid": secrets.token_hex(10).upper(), "BD-Timestamp": at.strftime("%Y%m%d%H%M%S")}
    url = f"{setting(ctx.settings, 'jose_api_url').rstrip('/')}/{path}"
    return await ctx.line.send(url, envelope_of(ctx).seal(content), media_type=_MEDIA, headers=headers)


async def _asked(ctx: GatewayContext, path: str, content: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """The status and the content of an answer that is believed. Raises Unresolved for every other one, TooMany for haste."""
    answer = await _answer(ctx, path, content)
    check_status(answer.status)
    try:
        return answer.status, envelope_of(ctx).open(answer.body)
    except Untrusted as error:
        raise misread("it is not sealed as it must be") from error


def _require_done(status: int, told: Mapping[str, Any], proof: str) -> None:
    """Raises Refused for a believed no, Conflict if BillDesk knows our reference already, Unresolved for what is neither yes nor no."""
    if 200 <= status < 300 and text_of(told, proof):
        return
    if status == 409 and _is_error(told):
        raise Conflict("BillDesk knows this reference already.", code="duplicate_reference")
    if 400 <= status < 500 and status != 408 and _is_error(told):
        reason = short(text_of(told, "message"), most=160) or "it gave no reason"
        raise Refused(f"BillDesk refused: {reason}.", code="credentials" if status in {401, 403} else _code(told))
    raise misread("it says neither yes nor no", code=_code(told, "no_answer"))


def _is_missing(ctx: GatewayContext, status: int, told: Mapping[str, Any]) -> bool:
    """Whether a believed answer says that there is no such order or refund: the status 404 and an error, or a code that the operator set.

    Our own question, signed with the same key, is no such answer: it names no error.
    """
    if not _is_error(told) or 200 <= status < 300 or text_of(told, "auth_status") or text_of(told, "refund_status"):
        return False
    return status == 404 or text_of(told, "error_code") in codes(ctx.settings, "jose_missing_codes")


def _is_error(told: Mapping[str, Any]) -> bool:
    return any(text_of(told, name) for name in ("error_code", "error_type", "message"))


def _code(told: Mapping[str, Any], otherwise: str = "refused") -> str:
    return code_or(text_of(told, "error_code"), otherwise)


def _event(transaction: Mapping[str, Any]) -> GatewayEvent:
    """What a believed transaction states: CONTRADICTS where its status and its error type do, or a success has no amount."""
    status, kind = text_of(transaction, "auth_status"), text_of(transaction, "transaction_error_type")
    amount = paise_of(text_of(transaction, "amount"))
    outcome = _OUTCOMES.get(status, PaymentOutcome.UNKNOWN)
    if text_of(transaction, "objectid") not in {"", "transaction"}:
        outcome = PaymentOutcome.UNKNOWN
    elif _contradicts(outcome, kind) or (status == "0300" and amount is None):
        outcome = PaymentOutcome.CONTRADICTS
    reference, txn, code = (short(text_of(transaction, name)) for name in ("orderid", "transactionid", "auth_status"))
    currency = short(text_of(transaction, "currency"), most=8)
    named = ("bank_ref_no", "payment_method_type", "charge_amount", "surcharge", "discount", "transaction_error_type")
    return GatewayEvent(
        key=statement_key(reference=reference, txn=txn, code=code, amount_paise=amount, outcome=outcome),
        outcome=outcome,
        reference=reference,
        merchant=short(text_of(transaction, "mercid")) or None,
        amount_paise=amount,
        currency="INR" if currency == _RUPEE else currency or None,
        gateway_txn_id=txn,
        gateway_order_id=short(text_of(transaction, "bdorderid")),
        code=code,
        say=short(text_of(transaction, "transaction_error_desc"), most=200),
        occurred_at=moment(text_of(transaction, "transaction_date")),
        detail={name: word for name in named if (word := short(text_of(transaction, name), most=40))},
    )


def _contradicts(outcome: PaymentOutcome, kind: str) -> bool:
    """A success that is called something else, or a failure that is called a success."""
    return (outcome is PaymentOutcome.SUCCEEDED and kind not in {"", "success"}) or (outcome is PaymentOutcome.FAILED and kind == "success")


def _nothing(ctx: GatewayContext, reference: str) -> GatewayEvent:
    key = statement_key(reference=reference, txn="", code="", amount_paise=None, outcome=PaymentOutcome.NOT_FOUND)
    return GatewayEvent(key, PaymentOutcome.NOT_FOUND, reference, ctx.values["merchant_id"], None, None)


def _iso(at: datetime) -> str:
    return at.astimezone(IST).isoformat(timespec="seconds")
