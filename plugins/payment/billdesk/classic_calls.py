"""The classic interface at work: leading the payer there, asking 0122 about a payment, and 0400 for a refund."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from engine.api import (
    IST,
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
    TooMany,
    Unresolved,
    Untrusted,
)
from plugins.payment.billdesk import reports
from plugins.payment.billdesk.classic import IN_ANSWER, IN_MESSAGE, NOTHING, event_of, opened, signed
from plugins.payment.billdesk.parameters import mark_of
from plugins.payment.billdesk.settings import address, codes, setting
from plugins.payment.billdesk.wire import check_status, code_or, form_value, misread, paise_of, rupees_of, short

__all__ = ["event_in", "query", "query_refund", "refund", "start", "test"]

_MOMENT, _DAY = "%Y%m%d%H%M%S", "%Y%m%d"
_TAGS = 7
_QUERY_STATUS = 31
_LAST_REFUND = 30
_REFUND_ANSWER = 13
_TAKEN_ON = frozenset({"0699", "0799"})


def start(ctx: GatewayContext, payment: StartPayment) -> StartedPayment:
    """The message that the payer's browser carries to BillDesk; nobody is asked before."""
    url = address(ctx.settings, "classic_pay_url", rehearsal=ctx.rehearsal)
    infos = [*payment.tags, *[NOTHING] * (_TAGS - len(payment.tags))]
    security = ctx.values.get("security_id") or NOTHING
    fields = [ctx.values["merchant_id"], payment.reference, NOTHING, rupees_of(payment.amount_paise), NOTHING, NOTHING, NOTHING, "INR"]
    fields += [NOTHING, "R", security, NOTHING, NOTHING, "F", *infos, payment.return_url]
    return StartedPayment(FormPost(url, {"msg": signed(mark_of(ctx), fields)}))


def event_in(ctx: GatewayContext, body: bytes) -> GatewayEvent:
    """What a return or a notice states. Raises Untrusted."""
    mark = mark_of(ctx)
    return event_of(opened(mark, form_value(body, "msg"), count=IN_MESSAGE.count), IN_MESSAGE, proven=mark.proves)


async def query(ctx: GatewayContext, reference: str) -> GatewayEvent:
    """What BillDesk says of a payment. The answer came over TLS from BillDesk's host, so here a CRC is enough beside it."""
    return _event(_read(ctx, await _ask(ctx, reference), reference))


async def refund(ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
    """Asks for a refund, once. What BillDesk takes on is PENDING: nobody has the money yet."""
    if not wanted.gateway_txn_id:
        raise Refused("BillDesk's number of this payment is not known, so it cannot be refunded there.", code="no_transaction")
    asked = ["0400", ctx.values["merchant_id"], wanted.gateway_txn_id, _ist(wanted.paid_at, _DAY), wanted.payment_reference]
    asked += [rupees_of(wanted.paid_paise), rupees_of(wanted.amount_paise), _ist(ctx.clock.now(), _MOMENT), wanted.reference]
    message = signed(mark_of(ctx), [*asked, NOTHING, NOTHING, NOTHING])
    answer = await ctx.line.post(setting(ctx.settings, "classic_refund_url"), {"msg": message})
    fields = _fields(ctx, answer, count=_REFUND_ANSWER)
    echoed = (fields[1], fields[2], fields[4], paise_of(fields[6]))
    if echoed != (asked[1], asked[2], asked[4], wanted.amount_paise):
        raise misread("it is about another refund")
    return _refund_report(fields, wanted.amount_paise)


def _refund_report(fields: Sequence[str], amount_paise: int) -> RefundReport:
    """0699 and 0799 are taken on if BillDesk says Y too, and everything else is refused if it says N; what contradicts itself is UNKNOWN."""
    status, id, error, reason, process = (short(text, most=120) for text in fields[8:13])
    if status in _TAKEN_ON and process == "Y":
        return RefundReport(RefundOutcome.PENDING, id, amount_paise, status, "BillDesk took the refund on.")
    if status not in _TAKEN_ON and process == "N":
        say = f"BillDesk refused the refund: {reason or error or 'it gave no reason'}."
        raise Refused(say, code=code_or(error, code_or(status)))
    return RefundReport(RefundOutcome.UNKNOWN, id, None, status[:20], "BillDesk did not say clearly whether it took the refund on.")


async def query_refund(ctx: GatewayContext, wanted: RefundWanted, gateway_refund_id: str) -> RefundReport:
    """What became of a refund, as far as the status answer of its payment says: it names the last refund alone.

    A refund that it does not name is UNKNOWN. One that it names is PENDING, unless the operator set where the status stands and
    which codes end it: both are BillDesk's to confirm.
    """
    fields = _read(ctx, await _ask(ctx, wanted.payment_reference), wanted.payment_reference)
    named = short(fields[_LAST_REFUND])
    if not named or named not in {wanted.reference, gateway_refund_id}:
        return RefundReport(RefundOutcome.UNKNOWN, gateway_refund_id, None, "", "BillDesk's status answer does not name this refund.")
    column = setting(ctx.settings, "classic_refund_column")
    status = short(fields[int(column)], most=20) if column else ""
    outcome, say = RefundOutcome.PENDING, "BillDesk has taken the refund on."
    if status and status in codes(ctx.settings, "refund_done_codes"):
        outcome, say = RefundOutcome.DONE, "BillDesk says that the refund is done."
    elif status and status in codes(ctx.settings, "refund_failed_codes"):
        outcome, say = RefundOutcome.FAILED, "BillDesk says that the refund failed."
    return RefundReport(outcome, gateway_refund_id, None, status, say)


async def test(ctx: GatewayContext) -> ConnectionReport:
    """Asks about a payment that nobody made: an answer with a good checksum that knows no such payment proves ID and key."""
    reference = f"TEST{secrets.token_hex(8).upper()}"
    answer = await _ask(ctx, reference)
    try:
        event = _event(_read(ctx, answer, reference))
    except (Unresolved, TooMany):
        return reports.not_believed(answer)
    if event.outcome is PaymentOutcome.NOT_FOUND and event.merchant == ctx.values["merchant_id"]:
        return reports.passed()
    return reports.other_answer(event.code)


async def _ask(ctx: GatewayContext, reference: str) -> GatewayAnswer:
    asked = ["0122", ctx.values["merchant_id"], reference, _ist(ctx.clock.now(), _MOMENT)]
    return await ctx.line.post(setting(ctx.settings, "classic_query_url"), {"msg": signed(mark_of(ctx), asked)})


def _read(ctx: GatewayContext, answer: GatewayAnswer, reference: str) -> list[str]:
    """The fields of an answer about that reference. Raises Unresolved for every other one."""
    fields = _fields(ctx, answer, count=IN_ANSWER.count)
    if fields[0] != "0130" or fields[IN_ANSWER.reference] != reference:
        raise misread("it answers another question")
    return fields


def _event(fields: Sequence[str]) -> GatewayEvent:
    """Y is about a payment that BillDesk knows; N says that it knows none, if nothing else in the answer says otherwise. An answer that
    knows none and calls it a success contradicts itself."""
    if fields[_QUERY_STATUS] == "Y":
        return event_of(fields, IN_ANSWER, proven=True)
    status = short(fields[IN_ANSWER.status])
    outcome = PaymentOutcome.CONTRADICTS if status == "0300" else PaymentOutcome.UNKNOWN
    if fields[_QUERY_STATUS] == "N" and not status and not short(fields[IN_ANSWER.txn]):
        outcome = PaymentOutcome.NOT_FOUND
    return event_of(fields, IN_ANSWER, proven=True, outcome=outcome)


def _fields(ctx: GatewayContext, answer: GatewayAnswer, *, count: int) -> list[str]:
    """The fields of an answer to our own question. The bare word ERROR and an empty body say nothing. Raises Unresolved."""
    check_status(answer.status)
    body = answer.body.strip(b"\r\n")
    if answer.status != 200 or body in {b"", b"ERROR"}:
        raise misread("it says nothing but that something went wrong", code="no_answer")
    try:
        return opened(mark_of(ctx), body, count=count)
    except Untrusted as error:
        raise misread("its checksum or its form is wrong") from error


def _ist(at: datetime, form: str) -> str:
    return at.astimezone(IST).strftime(form)
