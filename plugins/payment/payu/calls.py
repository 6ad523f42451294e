"""PayU's commands: what became of a payment, refunds, and the test without a charge.

A command carries a hash of its first variable. Its answer carries none: it is believed because it came over the checked line, and
if it is whole and answers what was asked.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Any

from engine.api import (
    Conflict,
    ConnectionOutcome,
    ConnectionReport,
    GatewayContext,
    GatewayEvent,
    PaymentOutcome,
    RefundOutcome,
    RefundReport,
    RefundWanted,
    Refused,
    TooMany,
    Untrusted,
)
from plugins.payment.payu.messages import outcome_of
from plugins.payment.payu.settings import service_url
from plugins.payment.payu.wire import hashed, misread, moment, object_in, paise_of, part, rupees_of, short, statement_key, text_of

__all__ = ["query", "query_refund", "refund", "test"]

_SLOWER_S = 60
_NOT_FOUND = "Not Found"
_KNOWN_ALREADY = "227"
_QUEUED = "102"
_WRONG_PAIR = re.compile(r"invalid\W+(?:merchant\W+)?(?:hash|key|salt)\b|hash\W+(?:mismatch|is\W+invalid)", re.IGNORECASE)
_TXN = re.compile(r"[0-9]{1,40}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9]{1,25}", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9_]{1,40}", re.ASCII)
_REFERENCE = re.compile(r"[A-Z0-9]{1,25}", re.ASCII)
_DOUBTFUL = ConnectionOutcome.INCONCLUSIVE
_REFUNDS: Mapping[str, RefundOutcome] = {
    "success": RefundOutcome.DONE,
    "failure": RefundOutcome.FAILED,
    "queued": RefundOutcome.PENDING,
    "requested": RefundOutcome.PENDING,
    "in progress": RefundOutcome.PENDING,
    "pending": RefundOutcome.PENDING,
    "od_hit": RefundOutcome.PENDING,
}
_SAYS = {
    RefundOutcome.DONE: "PayU says that the refund is done.",
    RefundOutcome.PENDING: "PayU has taken the refund on.",
    RefundOutcome.FAILED: "PayU says that the refund failed.",
    RefundOutcome.UNKNOWN: "PayU says something of this refund that is not known here.",
}


async def query(ctx: GatewayContext, reference: str) -> GatewayEvent:
    """What PayU says of an attempt, by our reference."""
    if not _REFERENCE.fullmatch(reference):
        raise Refused("PayU knows references of 1 to 25 capitals and digits.", code="reference")
    details = part(await _asked(ctx, "verify_payment", reference), "transaction_details")
    if set(details) != {reference} or not isinstance(details[reference], dict):
        raise misread("it answers another question")
    return _event(details[reference], reference)


def _event(told: Mapping[str, Any], reference: str) -> GatewayEvent:
    """What the details of a payment state; Unresolved if they are those of another one."""
    status, txn = short(text_of(told, "status"), most=20), short(text_of(told, "mihpayid"))
    if status == _NOT_FOUND:
        key = statement_key(reference=reference, status=status, amount_paise=None, outcome=PaymentOutcome.NOT_FOUND)
        say = "PayU knows no payment of this reference."
        return GatewayEvent(key, PaymentOutcome.NOT_FOUND, reference, None, None, None, code="not_found", say=say)
    if text_of(told, "txnid") not in {"", reference} or not status:
        raise misread("it is about another payment")
    amount, outcome = _amount(told), outcome_of(status)
    if outcome is PaymentOutcome.SUCCEEDED and (amount is None or not _TXN.fullmatch(txn)):
        outcome = PaymentOutcome.CONTRADICTS
    named = {"bank_reference": "bank_ref_num", "mode": "mode", "bank": "bankcode", "state": "unmappedstatus", "error": "error_code"}
    return GatewayEvent(
        key=statement_key(reference=reference, status=status, amount_paise=amount, outcome=outcome),
        outcome=outcome,
        reference=reference,
        merchant=None,
        amount_paise=amount,
        currency="INR",
        gateway_txn_id=txn if _TXN.fullmatch(txn) else "",
        code=status,
        say=short(text_of(told, "error_Message"), most=200),
        occurred_at=moment(text_of(told, "addedon")),
        detail={name: word for name, theirs in named.items() if (word := short(text_of(told, theirs), most=40))},
    )


def _amount(told: Mapping[str, Any]) -> int | None:
    """The amount as we sent it. PayU names it twice; what lies between them can only be what it charged beside. Else it is none."""
    named = [paise_of(text_of(told, name)) if told.get(name) is not None else -1 for name in ("transaction_amount", "amt")]
    sent, shown = named
    if sent is None or shown is None or sent == shown == -1:
        return None
    if -1 in named or sent == shown:
        return max(sent, shown)
    charges = paise_of(text_of(told, "additional_charges"))
    return sent if charges is not None and sent + charges == shown else None


async def refund(ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
    """Asks for a refund, once. What PayU queues is PENDING. Raises Conflict for a token that PayU knows already."""
    if not _TOKEN.fullmatch(wanted.reference) or wanted.currency != "INR" or wanted.amount_paise <= 0:
        raise Refused("A refund needs a token of 1 to 25 letters and digits, and an amount in rupees.", code="refund")
    txn = await _payment(ctx, wanted)
    if not txn:
        raise Refused("PayU knows no successful payment that could be refunded.", code="no_transaction")
    told = await _asked(ctx, "cancel_refund_transaction", txn, var2=wanted.reference, var3=rupees_of(wanted.amount_paise))
    status, code, id = text_of(told, "status"), text_of(told, "error_code"), short(text_of(told, "request_id"))
    if code == _KNOWN_ALREADY:
        raise Conflict("PayU knows this refund already.", code="duplicate_reference")
    if status == "1" and id and text_of(told, "mihpayid") in {"", txn}:
        outcome = RefundOutcome.PENDING if code in {"", _QUEUED} else RefundOutcome.UNKNOWN
        return RefundReport(outcome, id, None, code[:20], _SAYS[outcome])
    if status == "0" and _CODE.fullmatch(code):
        reason = short(text_of(told, "msg"), most=160).rstrip(".") or "it gave no reason"
        raise Refused(f"PayU refused the refund: {reason}.", code=code)
    raise misread("it says neither yes nor no")


async def query_refund(ctx: GatewayContext, wanted: RefundWanted, gateway_refund_id: str) -> RefundReport:
    """What became of a refund, found by our token among what was done to its payment; NOT_FOUND if it is not there."""
    txn = await _payment(ctx, wanted)
    if not txn:
        return RefundReport(RefundOutcome.NOT_FOUND, say="PayU knows no successful payment of this reference.")
    details = part(await _asked(ctx, "check_action_status", txn, var2="payuid"), "transaction_details")
    if set(details) != {txn}:
        raise misread("it answers another question")
    found = [each for each in part(details, txn).values() if isinstance(each, dict) and text_of(each, "token") == wanted.reference]
    if not found:
        return RefundReport(RefundOutcome.NOT_FOUND, say="PayU knows no refund of this token.")
    if len(found) > 1 or text_of(found[0], "mihpayid") not in {"", txn}:
        raise misread("it names this refund more than once, or with another payment")
    return _refund_report(found[0], wanted)


def _refund_report(told: Mapping[str, Any], wanted: RefundWanted) -> RefundReport:
    """What an action says. Its amount may be the payment's: PayU describes it so, and shows the refund's. Another one is Unresolved."""
    amount = paise_of(text_of(told, "amt"))
    if amount not in {wanted.amount_paise, wanted.paid_paise}:
        raise misread("it is about a refund of another amount")
    status = short(text_of(told, "status"), most=20)
    outcome = _REFUNDS.get(status.lower(), RefundOutcome.UNKNOWN)
    own = amount if amount == wanted.amount_paise else None
    return RefundReport(outcome, short(text_of(told, "request_id")), own, status, _SAYS[outcome])


async def _payment(ctx: GatewayContext, wanted: RefundWanted) -> str:
    """PayU's id of the payment, asked for where it is not known: a message does not prove it. Nothing if no payment succeeded."""
    if _TXN.fullmatch(wanted.gateway_txn_id):
        return wanted.gateway_txn_id
    event = await query(ctx, wanted.payment_reference)
    return event.gateway_txn_id if event.outcome is PaymentOutcome.SUCCEEDED else ""


async def test(ctx: GatewayContext) -> ConnectionReport:
    """Asks about a payment that nobody made: who is told that there is none has the right salt."""
    try:
        event = await query(ctx, f"TEST{secrets.token_hex(8).upper()}")
    except TooMany:
        return ConnectionReport(_DOUBTFUL, "too_often", "PayU was asked too often. Test again in some minutes.")
    except Refused as refused:
        if refused.code == "credentials":
            say = "PayU refuses this Key with this Salt. Compare both with PayU's dashboard."
            return ConnectionReport(ConnectionOutcome.FAILED, "credentials", say)
        return ConnectionReport(_DOUBTFUL, "other_answer", "PayU answered something else than it was asked. Ask PayU.")
    if event.outcome is PaymentOutcome.NOT_FOUND:
        return ConnectionReport(ConnectionOutcome.PASSED, "ok", "PayU knows this Key, and the Salt is right.")
    return ConnectionReport(_DOUBTFUL, "other_answer", "PayU answered something else than it was asked. Ask PayU.")


async def _asked(ctx: GatewayContext, command: str, var1: str, **more: str) -> dict[str, Any]:
    """The answer to a command. Raises Refused (`credentials`) for a wrong key or salt, TooMany for haste, else Unresolved."""
    key = ctx.values["key"]
    fields = {"key": key, "command": command, "var1": var1, **more, "hash": hashed(key, command, var1, ctx.secrets["salt"])}
    answer = await ctx.line.post(service_url(ctx.settings), fields, headers={"accept": "application/json"})
    if answer.status == 429:
        raise TooMany("PayU was asked too often; wait a minute.", retry_after_s=_SLOWER_S)
    if answer.status == 401:
        raise Refused("PayU refuses the Key with the Salt.", code="credentials")
    if answer.status != 200:
        raise misread("it says neither yes nor no", code="no_answer")
    try:
        told = object_in(answer.body)
    except Untrusted as error:
        raise misread("it is no plain JSON", code="no_answer") from error
    if text_of(told, "status") not in {"0", "1"}:
        raise misread("it says neither yes nor no", code="no_answer")
    if text_of(told, "status") == "0" and "transaction_details" not in told and _WRONG_PAIR.search(text_of(told, "msg")[:200]):
        raise Refused("PayU refuses the Key with the Salt.", code="credentials")
    return told
