"""Where a try goes, with all that follows from it, in one unit of work: the only module that moves one.

`hearing` comes here with what was received, `starting` with a definite refusal, `asking` when the time is over, and `reviewing`
with what a person decided.
"""

import logging
from datetime import datetime
from uuid import UUID

from engine.errors import Conflict
from engine.money.orders.closing import mark_paid, prolong
from engine.money.orders.finding import order_by_id
from engine.money.orders.nouns import Attempt
from engine.money.orders.tables import AttemptState, Disposition, PaidBy
from engine.money.orders.trying import Step, doubt_attempt, hold_attempt, move_attempt
from engine.money.paying.cashier import Cashier
from engine.money.paying.settled import settle_excess, settle_order
from engine.people.telling import tell_administrators
from engine.scope import PLATFORM
from engine.store import audit, uow

__all__ = ["RANK", "abandon", "doubted", "fail_start", "go", "release"]

_log = logging.getLogger(__name__)

# A try only goes to a higher rank; REVIEW has none: only a person lets it go.
RANK = {
    AttemptState.CREATED: 0,
    AttemptState.STARTED: 1,
    AttemptState.PENDING: 2,
    AttemptState.START_FAILED: 3,
    AttemptState.FAILED: 3,
    AttemptState.ABANDONED: 3,
    AttemptState.SUCCEEDED: 4,
}
_ACTS = {
    AttemptState.PENDING: "payment_pending",
    AttemptState.START_FAILED: "payment_start_failed",
    AttemptState.FAILED: "payment_failed",
    AttemptState.ABANDONED: "payment_abandoned",
    AttemptState.REVIEW: "payment_review",
    AttemptState.SUCCEEDED: "payment_succeeded",
}
_SYSTEM = "system:payments"


async def go(attempt: Attempt, step: Step, *, cashier: Cashier) -> Attempt:
    """Moves a try that the caller's unit of work holds, and does what follows. Raises Conflict (`attempt_version`) if it changed."""
    if step.to is AttemptState.SUCCEEDED:
        return await _succeed(attempt, step, cashier=cashier)
    moved = await move_attempt(attempt, step)
    if step.to in {AttemptState.FAILED, AttemptState.ABANDONED, AttemptState.START_FAILED}:
        await prolong(attempt.order_id, step.at)
    if step.to is AttemptState.REVIEW:
        await _ask_a_person(moved, step, cashier)
    await _note(moved, step)
    return moved


async def _succeed(attempt: Attempt, step: Step, *, cashier: Cashier) -> Attempt:
    paid = await mark_paid(attempt.order_id, PaidBy.GATEWAY, at=step.at)
    disposition = Disposition.APPLIED if paid else Disposition.EXCESS
    moved = await move_attempt(
        attempt, Step(step.to, step.because, step.actor, step.at, disposition=disposition, inbox=step.inbox, event=step.event)
    )
    order = await order_by_id(PLATFORM, attempt.order_id)
    settle = settle_order if paid else settle_excess
    await settle(order, moved, base=cashier.base, box=cashier.box, actor=step.actor, at=step.at)
    await _note(moved, step)
    return moved


async def fail_start(attempt: Attempt, because: str, *, cashier: Cashier, actor: str, at: datetime) -> None:
    """Ends a try of which the gateway said for certain that it did not begin. One that was heard of meanwhile stays as it is."""
    async with uow():
        now = await hold_attempt(attempt.id)
        if now.state in {AttemptState.CREATED, AttemptState.STARTED}:
            await go(now, Step(AttemptState.START_FAILED, because, actor, at), cashier=cashier)


async def abandon(attempt_id: UUID, *, cashier: Cashier, at: datetime) -> bool:
    """Gives up a try of which nothing certain was heard in five days; a late success still counts. False if it was over already."""
    async with uow():
        now = await hold_attempt(attempt_id)
        if now.state not in {AttemptState.CREATED, AttemptState.STARTED, AttemptState.PENDING}:
            return False
        because = "nothing certain was heard of it in five days; the settlement file has the last word"
        await go(now, Step(AttemptState.ABANDONED, because, _SYSTEM, at), cashier=cashier)
    return True


async def release(attempt_id: UUID, to: AttemptState, because: str, *, cashier: Cashier, actor: str, at: datetime) -> Attempt:
    """Lets a try out of REVIEW by a person's decision: SUCCEEDED with all that follows, FAILED, or PENDING to be asked about again.

    Raises Conflict if it is not in REVIEW any more.
    """
    if to not in {AttemptState.SUCCEEDED, AttemptState.FAILED, AttemptState.PENDING}:
        raise ValueError("A review ends in a success, in a failure, or by asking again.")
    async with uow():
        now = await hold_attempt(attempt_id)
        if now.state is not AttemptState.REVIEW:
            raise Conflict("This payment is not under review any more. Load it again.", code="attempt_state")
        return await go(now, Step(to, because, actor, at), cashier=cashier)


async def doubted(attempt: Attempt, because: str, *, cashier: Cashier, actor: str, at: datetime) -> Attempt:
    """Keeps in mind that a person must look at a payment that counts, in the caller's unit of work; nothing of it is taken back."""
    now = await doubt_attempt(attempt, at)
    text = (
        f"The payment {attempt.reference} waits for a person to look at: {because}. It goes on counting as it was. Look at the gateway's "
        f"own list whether money came twice.\n\n{cashier.base}/payments/review\n"
    )
    await tell_administrators(
        attempt.agency_id, "A payment was told twice", text, box=cashier.box, purpose="doubt", at=at, about=attempt.order_id
    )
    await audit(
        "payment_doubted",
        room="money",
        subject=attempt.reference,
        actor=actor,
        at=at,
        agency=attempt.agency_id,
        office=attempt.office_id,
        detail={"gateway": attempt.gateway, "amount_paise": attempt.amount_paise},
    )
    return now


async def _ask_a_person(attempt: Attempt, step: Step, cashier: Cashier) -> None:
    text = (
        f"The payment {attempt.reference} was stopped for a person to look at: {step.because}. Nothing was issued for it, and the "
        f"exporter sees that it is looked at.\n\n{cashier.base}/payments/review\n"
    )
    await tell_administrators(
        attempt.agency_id, "A payment waits for you", text, box=cashier.box, purpose="review", at=step.at, about=attempt.order_id
    )


async def _note(attempt: Attempt, step: Step) -> None:
    detail = {"gateway": attempt.gateway, "amount_paise": attempt.amount_paise, "disposition": str(attempt.disposition)}
    await audit(
        _ACTS[attempt.state],
        room="money",
        subject=attempt.reference,
        actor=step.actor,
        at=step.at,
        agency=attempt.agency_id,
        office=attempt.office_id,
        detail=detail,
    )
    _log.info("payment moved", extra={"reference": attempt.reference, "state": str(attempt.state)})
