"""`hear`: the one function by which what a gateway says changes a try, however it came: by return, notice, query or settlement.

Promises that one statement counts once, that what the gateway proved is compared with what was stored before it counts, that a
try only goes forward, and that message, step and all that follows from a success are written together or not at all.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.contracts.paying import Channel, GatewayEvent, PaymentOutcome
from engine.contracts.signing import HttpReply
from engine.errors import Conflict, Unavailable
from engine.money.orders.finding import attempt_by_id
from engine.money.orders.inbox import Received, fit, keep_received, key_of, known_verdict
from engine.money.orders.nouns import Attempt
from engine.money.orders.tables import AttemptState, Verdict
from engine.money.orders.trying import Step, hold_attempt
from engine.money.paying.cashier import Cashier
from engine.money.paying.moving import RANK, doubted, go
from engine.scope import PLATFORM
from engine.store import uow

__all__ = ["Heard", "hear", "lacks", "mismatch"]

_log = logging.getLogger(__name__)
_TRIES = 8
_MEETS_ITSELF = frozenset({"integrity", "attempt_version"})  # the same message, or another one, was quicker
_GOES_TO = {
    PaymentOutcome.SUCCEEDED: AttemptState.SUCCEEDED,
    PaymentOutcome.PENDING: AttemptState.PENDING,
    PaymentOutcome.FAILED: AttemptState.FAILED,
}
_ENDED = frozenset({AttemptState.FAILED, AttemptState.ABANDONED, AttemptState.START_FAILED})


@dataclass(frozen=True, slots=True)
class Heard:
    """What was made of a message, where its try stands now, and what the gateway's server is answered, if it is one."""

    verdict: Verdict
    because: str
    state: AttemptState | None = None
    order_id: UUID | None = None
    replayed: bool = False
    reply: HttpReply | None = None


async def hear(
    attempt: Attempt, event: GatewayEvent, received: Received, *, merchant: str, cashier: Cashier, at: datetime, actor: str = ""
) -> Heard:
    """Takes a verified statement about a try; `merchant` is what names the office in the parameters that the try began with.

    The same statement once more gives what was made of it the first time. Raises Unavailable if the database does not take it.
    """
    key = key_of(attempt, event.key)
    for _ in range(_TRIES):
        if (known := await known_verdict(attempt.gateway, key)) is not None:
            now = await attempt_by_id(PLATFORM, attempt.id)
            anew = f"{key_of(attempt, event.key)}@{now.version}"
            if key == anew or not _counts_anew(now, known[0], event, received, merchant):
                return Heard(*known, state=now.state, order_id=now.order_id, replayed=True)
            key = anew
            continue
        try:
            async with uow():
                return await _take(attempt.id, key, event, received, merchant, cashier, at, actor or f"gateway:{attempt.gateway}")
        except Conflict as conflict:
            if conflict.code not in _MEETS_ITSELF:
                raise
            _log.info("a payment message met another one", extra={"reference": attempt.reference, "problem": conflict.say})
    _log.error("a payment message was not taken", extra={"reference": attempt.reference})
    raise Unavailable("Too many messages about this payment came at once; this one is to be sent again.", code="busy")


async def _take(
    attempt_id: UUID, key: str, event: GatewayEvent, received: Received, merchant: str, cashier: Cashier, at: datetime, actor: str
) -> Heard:
    now = await hold_attempt(attempt_id)
    wrong = mismatch(now, event, merchant, received.channel)
    to, because = _where(now.state, event.outcome, wrong)
    verdict = Verdict.IGNORED if to is None else Verdict.REVIEW if to is AttemptState.REVIEW else Verdict.APPLIED
    if doubt := _doubt(now, event, wrong):
        verdict, because = Verdict.REVIEW, doubt
    inbox = await keep_received(received, now.gateway, key, verdict, because, event=event, attempt=now)
    if to is not None:
        now = await go(now, Step(to, because, actor, at, inbox=inbox, event=fit(event)), cashier=cashier)
    if doubt:
        now = await doubted(now, doubt, cashier=cashier, actor=actor, at=at)
    return Heard(verdict, because, state=now.state, order_id=now.order_id)


def _doubt(now: Attempt, event: GatewayEvent, wrong: str) -> str:
    """Why a person looks at a payment that counts already: another success of the same try is told, or one that differs. A success is
    never taken back; but money that came twice must not lie there unseen. Empty where nothing is to be looked at."""
    if now.state is not AttemptState.SUCCEEDED or event.reference != now.reference:  # of another payment it says nothing about this one
        return ""
    if event.outcome is PaymentOutcome.CONTRADICTS:
        return "it counts already, and what is told of it now contradicts itself"
    if event.outcome is not PaymentOutcome.SUCCEEDED:
        return ""
    if wrong:
        return f"it counts already, and a second success is told of it that differs: {wrong}"
    theirs = fit(event).gateway_txn_id
    if now.gateway_txn_id and theirs and theirs != now.gateway_txn_id:
        return f"it counts already, and a second success is told of it: {theirs}"
    return ""


def _counts_anew(now: Attempt, verdict: Verdict, event: GatewayEvent, received: Received, merchant: str) -> bool:
    """Whether an answer to our own question moves the try now, although it moved nothing when it came first: a person let the try
    out of REVIEW meanwhile, to be asked about again."""
    if received.channel is not Channel.QUERY or verdict is Verdict.APPLIED:
        return False
    return _where(now.state, event.outcome, mismatch(now, event, merchant, received.channel))[0] is not None


def mismatch(attempt: Attempt, event: GatewayEvent, merchant: str, channel: Channel) -> str:
    """What of a statement differs from what was stored when the try began; empty if nothing does.

    A question goes out under the office's own credentials, so its answer need not repeat the merchant.
    """
    if event.reference != attempt.reference:
        return "it is about another reference"
    if event.merchant is None and channel is not Channel.QUERY and event.outcome is PaymentOutcome.SUCCEEDED:
        return "it does not say who was paid"
    if event.merchant is not None and event.merchant != merchant:
        return "it names another merchant"
    if event.amount_paise is None and event.outcome is PaymentOutcome.SUCCEEDED:
        return "it does not say how much was paid"
    if event.amount_paise is not None and event.amount_paise != attempt.amount_paise:
        return "it names another amount"
    if event.currency is None and event.outcome is PaymentOutcome.SUCCEEDED:
        return "it does not say in which currency"
    if event.currency is not None and event.currency != "INR":
        return "it names another currency"
    return ""


def lacks(event: GatewayEvent) -> bool:
    """Whether a success leaves something out that must be compared first: the gateway is asked then."""
    return event.outcome is PaymentOutcome.SUCCEEDED and None in (event.merchant, event.amount_paise, event.currency)


def _where(state: AttemptState, outcome: PaymentOutcome, wrong: str) -> tuple[AttemptState | None, str]:
    """The state into which a statement takes a try, or None if it stays where it is; and why."""
    to, contradicts = _GOES_TO.get(outcome), outcome is PaymentOutcome.CONTRADICTS
    if to is None and not contradicts:
        return None, f"it says {outcome}, which moves nothing"
    if state is AttemptState.REVIEW:
        return None, "a person looks at this payment, and decides"
    if wrong or contradicts or to is None:
        may_be_money = state in _ENDED and (contradicts or to is AttemptState.SUCCEEDED)
        stops = RANK[state] < RANK[AttemptState.FAILED] or may_be_money
        return (AttemptState.REVIEW if stops else None), wrong or "its parts contradict each other"
    if RANK[to] > RANK[state]:
        return to, f"the gateway says {outcome}"
    return None, f"it is {state} already"
