"""The rounds of refunds: what was asked for is handed to its gateway once, and what is not certain is asked about.

A refund is SUBMITTED, committed, before the gateway hears of it. What then stays without an answer is UNKNOWN, and is only asked
about: by its own reference, which it keeps for ever. Only when the gateway says again and again that it never heard of it, it is handed
over once more, under that same reference, which is the gateway's guard against a second one.
"""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime, timedelta

from engine.contracts.paying import RefundOutcome, RefundReport, Refunds, RefundWanted
from engine.contracts.payment import GatewayContext
from engine.errors import Conflict, EngineError, PluginError, Refused, TooMany, Unavailable, Untrusted
from engine.money.orders.finding import attempt_by_id
from engine.money.orders.inbox import bounded
from engine.money.orders.nouns import Attempt
from engine.money.orders.tables import RefundRow, RefundState, RefundTo
from engine.money.paying.cashier import Cashier, said
from engine.money.paying.refund_ending import end_done, end_failed
from engine.money.paying.refund_rows import Refund, claim_due_refunds, hold_refund, move_refund, next_question, note_refund
from engine.money.paying.versions import version_to_act
from engine.people.telling import tell_administrators
from engine.scope import PLATFORM
from engine.store import uow

__all__ = ["ask_refund", "ask_refunds", "submit_refunds"]

_log = logging.getLogger(__name__)
_SYSTEM = "system:refunds"
_AT_ONCE = 40
_BESIDE = 8
_LOST_AFTER = timedelta(minutes=10)  # longer than a call takes: who submitted it is gone
_UNHEARD = 4  # so many questions, over three quarters of an hour, before a refund that nobody knows is handed over again
_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
_OPEN = (RefundState.SUBMITTED, RefundState.PENDING, RefundState.UNKNOWN)


async def submit_refunds(cashier: Cashier, at: datetime) -> int:
    """The round of refunds that wait to be handed to their gateway; gives how many were. Those whose submission was cut off are
    UNKNOWN from now on."""
    await _find_lost(at)
    due = await claim_due_refunds([RefundState.REQUESTED], at, _AT_ONCE)
    await _beside_each_other([_submit(refund, cashier, at) for refund in due])
    return len(due)


async def ask_refunds(cashier: Cashier, at: datetime) -> int:
    """The round of refunds about which nothing certain is known; gives how many were asked about."""
    due = await claim_due_refunds([RefundState.UNKNOWN, RefundState.PENDING], at, _AT_ONCE)
    await _beside_each_other([ask_refund(refund, cashier=cashier, at=at) for refund in due])
    return len(due)


async def ask_refund(refund: Refund, *, cashier: Cashier, at: datetime) -> Refund:
    """Asks the gateway about a refund that was submitted, and gives it as it stands then."""
    reached = await _reach(refund, cashier, at)
    if reached is None or refund.state not in _OPEN:
        return refund
    gateway, context, attempt = reached
    if not isinstance(gateway, Refunds):
        return refund
    try:
        report = _checked(await gateway.query_refund(context, _wanted(refund, attempt), refund.gateway_refund_id), context)
    except Exception as error:  # asking has no effect, so nothing is learnt, whatever broke
        _told(refund, "asked about in vain", error)
        report = RefundReport(RefundOutcome.UNKNOWN, code=_code(error))
    return await _hear(refund, report, cashier, at, asked=True)


async def _submit(refund: Refund, cashier: Cashier, at: datetime) -> None:
    """Hands one refund over; Conflict if another worker did."""
    reached = await _reach(refund, cashier, at)
    if reached is None:
        return  # the claim ends by itself, and it is tried again
    gateway, context, attempt = reached
    if not isinstance(gateway, Refunds) or _too_old(gateway, attempt, at):
        await _leave_to_hands(refund, gateway, cashier, at)
        return
    async with uow():
        submitted = await move_refund(refund, RefundState.SUBMITTED, at=at, queries=0)
        await note_refund("refund_submitted", submitted, _SYSTEM, at)
    try:
        report = _checked(await gateway.refund(context, _wanted(submitted, attempt)), context)
    except (Unavailable, TooMany) as error:
        await _try_again(submitted, refund.queries, error, at)
        return
    except Conflict as error:  # it knows our reference already
        report = RefundReport(RefundOutcome.UNKNOWN, code=error.code)
    except Refused as error:
        if error.code == "credentials":  # the office's parameters are wrong, and the refund is not
            await _try_again(submitted, refund.queries, error, at)
            return
        report = RefundReport(RefundOutcome.FAILED, code=said(error.code, 60, context.secrets), say=said(error.say, 300, context.secrets))
    except Exception as error:  # it was sent, perhaps: nobody knows
        _told(submitted, "handed over, and not answered", error)
        report = RefundReport(RefundOutcome.UNKNOWN, code=_code(error))
    await _hear(submitted, report, cashier, at, asked=False)


async def _hear(refund: Refund, report: RefundReport, cashier: Cashier, at: datetime, *, asked: bool) -> Refund:
    """Takes what the gateway said of a refund. One that is over stays as it is."""
    told = {"code": report.code, "say": report.say, "gateway_refund_id": report.gateway_refund_id or refund.gateway_refund_id}
    outcome = report.outcome
    if report.amount_paise not in (None, refund.amount_paise):
        told |= {"code": "amount", "say": "The gateway names another amount."}
        outcome = RefundOutcome.UNKNOWN
    async with uow():
        now = await hold_refund(refund.id)
        if now.state not in _OPEN:
            return now
        if outcome is RefundOutcome.DONE:
            return await end_done(now, actor=_SYSTEM, at=at, **told)
        if outcome is RefundOutcome.FAILED:
            failed = await end_failed(now, actor=_SYSTEM, at=at, **told)
            await _ask_a_person(failed, "The gateway refused it.", cashier, at)
            return failed
        if outcome is RefundOutcome.NOT_FOUND and asked and now.state is RefundState.UNKNOWN and now.queries >= _UNHEARD:
            again = await move_refund(now, RefundState.REQUESTED, at=at, due=at, queries=0)
            await note_refund("refund_unheard", again, _SYSTEM, at)
            return again
        return await _go_on(now, outcome, told, cashier, at)


async def _go_on(now: Refund, outcome: RefundOutcome, told: dict[str, str], cashier: Cashier, at: datetime) -> Refund:
    """It is not over: PENDING if the gateway took it on, UNKNOWN else. What was PENDING stays so while a question brings nothing."""
    silent = outcome is RefundOutcome.UNKNOWN and now.state is RefundState.PENDING and told["code"] != "amount"
    to = RefundState.PENDING if outcome is RefundOutcome.PENDING or silent else RefundState.UNKNOWN
    due = next_question(now, at)
    moved = await move_refund(now, to, at=at, due=due, queries=now.queries + 1, **told)
    if to is not now.state:
        await note_refund("refund_pending" if to is RefundState.PENDING else "refund_unknown", moved, _SYSTEM, at, code=told["code"])
    if due is None:
        await _ask_a_person(moved, "Nobody knows how it ended, and the gateway was asked for half a month.", cashier, at)
    return moved


# --- what is asked, and of whom --------------------------------------------------------------------


async def _reach(refund: Refund, cashier: Cashier, at: datetime) -> tuple[object, GatewayContext, Attempt] | None:
    """The gateway of a refund, with the parameters of its payment's merchant; None, and said in the log, if they do not open."""
    if refund.attempt_id is None:
        return None
    attempt = await attempt_by_id(PLATFORM, refund.attempt_id)
    gateway = cashier.registry.gateways.get(attempt.gateway)
    try:
        parameters = await version_to_act(attempt, cashier, at)
        return (gateway, cashier.context(parameters), attempt) if gateway is not None else None
    except EngineError as error:
        _told(refund, "not handed over: its parameters do not open", error)
        return None


def _wanted(refund: Refund, attempt: Attempt) -> RefundWanted:
    if attempt.succeeded_at is None:
        raise PluginError("A refund is of a payment that succeeded.", code="refund_of_nothing")
    return RefundWanted(
        reference=refund.reference,
        amount_paise=refund.amount_paise,
        payment_reference=attempt.reference,
        gateway_txn_id=attempt.gateway_txn_id,
        gateway_order_id=attempt.gateway_order_id,
        paid_paise=attempt.amount_paise,
        paid_at=attempt.succeeded_at,
    )


def _checked(report: RefundReport, context: GatewayContext) -> RefundReport:
    """The report of a plugin, bounded and without a secret in it. Raises Untrusted for what is none."""
    if not isinstance(report, RefundReport) or not isinstance(report.outcome, RefundOutcome):
        raise Untrusted("The payment gateway's plugin did not say what became of the refund.", code="no_report")
    code, say = said(report.code, 60, context.secrets), said(report.say, 300, context.secrets)
    return replace(report, code=code, say=say, gateway_refund_id=bounded(report.gateway_refund_id, 120))


def _too_old(gateway: Refunds, attempt: Attempt, at: datetime) -> bool:
    days = getattr(getattr(gateway, "limits", None), "refund_days", None)
    return days is not None and attempt.succeeded_at is not None and at - attempt.succeeded_at > timedelta(days=days)


# --- what is not certain --------------------------------------------------------------------------


async def _find_lost(at: datetime) -> None:
    """What was SUBMITTED long ago and never answered is UNKNOWN: its process ended between the two."""
    lost = (RefundRow.state == str(RefundState.SUBMITTED), RefundRow.changed_at <= at - _LOST_AFTER)
    for row in await RefundRow.select(RefundRow.id).where(*lost).limit(_AT_ONCE):
        async with uow():
            now = await hold_refund(row["id"])
            if now.state is RefundState.SUBMITTED and now.changed_at <= at - _LOST_AFTER:
                unknown = await move_refund(now, RefundState.UNKNOWN, at=at, due=at, code="cut_off")
                await note_refund("refund_unknown", unknown, _SYSTEM, at, code="cut_off")


async def _try_again(submitted: Refund, tries: int, error: EngineError, at: datetime) -> None:
    """Nothing was sent: it is REQUESTED still, and handed over again after a pause."""
    pause = min(_PAUSE * 2 ** min(tries, 10), _LONGEST_PAUSE)
    if isinstance(error, TooMany):
        pause = max(pause, timedelta(seconds=error.retry_after_s))
    async with uow():
        await move_refund(submitted, RefundState.REQUESTED, at=at, due=at + pause, queries=tries + 1, code=error.code)
    _told(submitted, "not handed over", error)


async def _leave_to_hands(refund: Refund, gateway: object, cashier: Cashier, at: datetime) -> None:
    """The gateway does not give it back any more, or never does: the office moves the money itself."""
    able = isinstance(gateway, Refunds)
    say = "The payment is older than the gateway refunds." if able else "The gateway gives no money back by itself."
    async with uow():
        moved = await move_refund(refund, RefundState.REQUESTED, at=at, back_to=str(RefundTo.BY_HAND), code="by_hand", say=say)
        await note_refund("refund_by_hand_needed", moved, _SYSTEM, at)
        await _ask_a_person(moved, say, cashier, at)


async def _ask_a_person(refund: Refund, because: str, cashier: Cashier, at: datetime) -> None:
    text = (
        f"The refund {refund.reference} waits for the office. {because} Look at it, and decide how the firm gets its money:"
        f"\n\n{cashier.base}/payments/refunds/{refund.reference}\n"
    )
    await tell_administrators(refund.agency_id, "A refund waits for you", text, box=cashier.box, purpose="refund", at=at, about=refund.id)


async def _beside_each_other(deeds: list[Awaitable[object]]) -> None:
    """Several at a time; one that is silent, or that somebody else moved, holds up no other."""
    room = asyncio.Semaphore(_BESIDE)

    async def one(deed: Awaitable[object]) -> None:
        async with room:
            try:
                await deed
            except EngineError as error:  # it is due again once the claim is over
                _log.warning("a refund was passed over", extra={"problem": error.code})

    await asyncio.gather(*(one(deed) for deed in deeds))


def _code(error: BaseException) -> str:
    return error.code if isinstance(error, EngineError) else "plugin"


def _told(refund: Refund, what: str, error: BaseException) -> None:
    _log.warning("a refund was %s", what, extra={"reference": refund.reference, "problem": _code(error)})
