"""What waits for a person: payments under review, and refunds that no gateway ends. Each decision has a reason, and is audited.

One person decides, with a fresh proof, which the page asks for; the audit says who.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from engine.errors import Conflict, Refused
from engine.money.fees import rupees
from engine.money.orders.finding import attempt_by_id
from engine.money.orders.nouns import Attempt
from engine.money.orders.tables import AttemptRow, AttemptState, InboxRow, RefundRow, RefundState, RefundTo, RefundWhy, Verdict
from engine.money.orders.trying import hold_attempt, settle_doubt
from engine.money.paying.cashier import Cashier
from engine.money.paying.moving import release
from engine.money.paying.refund_ending import end_done, end_failed
from engine.money.paying.refund_rows import Refund, hold_refund, note_refund, refund_by_id
from engine.money.paying.refunding import require_wallet_on
from engine.people.plain_text import reason_of
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = [
    "ReviewDecision",
    "answer_doubt",
    "decide_refund",
    "doubt_about",
    "doubted_queue",
    "refund_otherwise",
    "refunds_waiting",
    "release_review",
    "review_queue",
]

_MOST = 200


class ReviewDecision(StrEnum):
    """What a person found: the money came, it did not, or the gateway is to be asked again."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ASK_AGAIN = "pending"


async def review_queue(scope: Scope, *, office_id: UUID | None = None, most: int = 50) -> Sequence[Attempt]:
    """Payments under review that the scope covers; who waits longest first."""
    query = covering(scope, AttemptRow.select().where(AttemptRow.state == str(AttemptState.REVIEW)), AttemptRow)
    if office_id is not None:
        query = query.where(AttemptRow.office == office_id)
    return [Attempt.of(row) for row in await query.order_by(AttemptRow.changed_at).limit(min(max(most, 1), _MOST))]


async def release_review(
    scope: Scope, attempt_id: UUID, decision: ReviewDecision, reason: str, *, cashier: Cashier, actor: str, at: datetime
) -> Attempt:
    """Lets a payment out of review by what a person found, with all that follows from it. What a message about another payment stopped
    is no success by anybody's word: that money paid the other one. Nor is less money than the order comes to.

    Raises NotFound for a payment that the scope does not cover, Conflict if it is not under review any more, Refused without a reason.
    """
    why = reason_of(reason, most=200)
    attempt = await attempt_by_id(scope, attempt_id)
    async with uow():
        if decision is ReviewDecision.SUCCEEDED:
            await _require_its_money(attempt)
        released = await release(attempt.id, AttemptState(decision), f"a person decided: {why}", cashier=cashier, actor=actor, at=at)
        await audit(
            "payment_review_released",
            room="money",
            subject=attempt.reference,
            actor=actor,
            at=at,
            agency=attempt.agency_id,
            office=attempt.office_id,
            detail={"decision": str(decision), "reason_sha256": hashlib.sha256(why.encode()).hexdigest()},
        )
    return released


async def _require_its_money(attempt: Attempt) -> None:
    """Raises Refused where the message that stopped a payment names another one, as whoever paid once and brings it everywhere has it,
    or less than was to be paid: a wallet would be filled with money that nobody sent."""
    mine = (InboxRow.attempt == attempt.id, InboxRow.verdict == str(Verdict.REVIEW))
    query = InboxRow.select(InboxRow.reference, InboxRow.amount_paise).where(*mine)
    row = await query.order_by(InboxRow.received_at, ascending=False).first()
    if row is None:
        return
    if row["reference"] != attempt.reference:
        say = (
            "The message that stopped this payment is about another one, so it is no word of this money. Ask the gateway again: it decides."
        )
        raise Refused(say, code="review_of_another", box="decision", rule="word of this payment")
    if row["amount_paise"] is not None and row["amount_paise"] < attempt.amount_paise:
        say = (
            f"The gateway names Rs {rupees(row['amount_paise'])}, and Rs {rupees(attempt.amount_paise)} were to be paid: so little pays "
            "nothing here. Ask the gateway again; or say that the payment failed, and give what came back in the gateway's own list."
        )
        raise Refused(say, code="review_amount", box="decision", rule="no less than the order")


async def doubted_queue(scope: Scope, *, office_id: UUID | None = None, most: int = 50) -> Sequence[Attempt]:
    """Payments that count, and of which another success was told, that the scope covers; who waits longest first."""
    query = covering(scope, AttemptRow.select().where(AttemptRow.doubted_at.is_not_null()), AttemptRow)
    if office_id is not None:
        query = query.where(AttemptRow.office == office_id)
    return [Attempt.of(row) for row in await query.order_by(AttemptRow.doubted_at).limit(min(max(most, 1), _MOST))]


async def doubt_about(attempt: Attempt) -> str:
    """What the latest message said because of which a person must look at a payment that counts."""
    mine = (InboxRow.attempt == attempt.id, InboxRow.verdict == str(Verdict.REVIEW))
    row = await InboxRow.select(InboxRow.because).where(*mine).order_by(InboxRow.received_at, ascending=False).first()
    return str(row["because"]) if row else ""


async def answer_doubt(scope: Scope, attempt_id: UUID, reason: str, *, actor: str, at: datetime) -> Attempt:
    """Ends the doubt about a payment that counts: a person looked, and says what they found and did. The payment stays as it is.

    Raises NotFound for a payment that the scope does not cover, Conflict if nothing is to be looked at, Refused without a reason.
    """
    why = reason_of(reason, most=200)
    attempt = await attempt_by_id(scope, attempt_id)
    async with uow():
        now = await hold_attempt(attempt.id)
        if now.doubted_at is None:
            raise Conflict("Nothing is to be looked at about this payment any more. Load it again.", code="attempt_state")
        settled = await settle_doubt(now, f"a person looked: {why}", actor=actor, at=at)
        await audit(
            "payment_doubt_answered",
            room="money",
            subject=attempt.reference,
            actor=actor,
            at=at,
            agency=attempt.agency_id,
            office=attempt.office_id,
            detail={"reason_sha256": hashlib.sha256(why.encode()).hexdigest()},
        )
    return settled


async def refunds_waiting(scope: Scope, *, office_id: UUID | None = None, most: int = 50) -> Sequence[Refund]:
    """Refunds that wait for the office's hand or decision; who waits longest first."""
    by_hand = (RefundRow.state == str(RefundState.REQUESTED)) & (RefundRow.back_to == str(RefundTo.BY_HAND))
    failed = (RefundRow.state == str(RefundState.FAILED)) & (RefundRow.why != str(RefundWhy.TOP_UP))
    open_states = [str(RefundState.UNKNOWN), str(RefundState.PENDING)]
    silent = RefundRow.state.is_in(open_states) & RefundRow.query_due_at.is_null()
    query = covering(scope, RefundRow.select().where(by_hand | failed | silent), RefundRow)
    if office_id is not None:
        query = query.where(RefundRow.office == office_id)
    return [Refund.of(row) for row in await query.order_by(RefundRow.changed_at).limit(min(max(most, 1), _MOST))]


async def refund_otherwise(
    scope: Scope, refund_id: UUID, *, back_to: RefundTo = RefundTo.BY_HAND, reason: str, actor: str, at: datetime
) -> Refund:
    """Ends a refund that its gateway does not do, or refused for certain: the office moved the money itself, or it goes to the wallet.

    Raises NotFound, Refused without a reason or for the source, where it failed, Conflict for a refund that does not wait for this.
    """
    why = reason_of(reason, most=300)
    found = await refund_by_id(scope, refund_id)
    if back_to is RefundTo.SOURCE:
        raise Refused("The gateway does not do it. Say that the office moved the money, or credit the wallet.", box="back_to", rule="how")
    if back_to is RefundTo.WALLET:
        await require_wallet_on(found.office_id)
    async with uow():
        now = await hold_refund(found.id)
        waits = now.state is RefundState.FAILED or (now.state is RefundState.REQUESTED and now.back_to is RefundTo.BY_HAND)
        if not waits or (now.why is RefundWhy.TOP_UP and (now.state is RefundState.FAILED or back_to is RefundTo.WALLET)):
            raise Conflict(f"The refund {now.reference} does not wait for the office's hand. Load it again.", code="refund_state")
        by_hand = back_to is RefundTo.BY_HAND
        await note_refund("refund_by_person", now, actor, at, to=str(back_to), reason_sha256=hashlib.sha256(why.encode()).hexdigest())
        return await end_done(now, actor=actor, at=at, back_to=str(back_to), by_hand=by_hand, code="by_person", say=why)


async def decide_refund(scope: Scope, refund_id: UUID, *, done: bool, reason: str, actor: str, at: datetime) -> Refund:
    """Ends a refund of which nobody knows, once asking is over: a person saw at the gateway, or at the bank, whether it was done.

    Raises NotFound, Refused without a reason, Conflict for a refund that is still asked about or is over.
    """
    why = reason_of(reason, most=300)
    found = await refund_by_id(scope, refund_id)
    async with uow():
        now = await hold_refund(found.id)
        if now.state not in (RefundState.UNKNOWN, RefundState.PENDING) or now.query_due_at is not None:
            raise Conflict(f"The refund {now.reference} is over, or is still asked about. Load it again.", code="refund_state")
        await note_refund("refund_by_person", now, actor, at, done=done, reason_sha256=hashlib.sha256(why.encode()).hexdigest())
        if done:
            return await end_done(now, actor=actor, at=at, code="by_person", say=why)
        return await end_failed(now, code="by_person", say=why, actor=actor, at=at)
