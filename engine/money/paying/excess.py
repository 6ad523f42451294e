"""Money that came although nothing was owed: it goes back the way it came, or, if the exporter wants, into the wallet. Always whole."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from engine.errors import Conflict, Refused
from engine.money.orders.finding import attempt_by_id, order_by_id
from engine.money.orders.nouns import Attempt
from engine.money.orders.tables import AttemptRow, Disposition, RefundTo, RefundWhy
from engine.money.paying.refund_ending import end_done
from engine.money.paying.refund_rows import Refund, add_refund, note_refund
from engine.money.paying.refunding import require_wallet_on, take_from_attempt
from engine.people.plain_text import reason_of
from engine.scope import PLATFORM, Scope
from engine.store import uow
from engine.store.scoped import covering

__all__ = ["credit_excess", "excess_queue", "refund_excess"]

_BY_CHOICE = "The exporter chose the wallet."


async def excess_queue(scope: Scope, *, office_id: UUID | None = None, most: int = 50) -> Sequence[Attempt]:
    """Excess payments that the scope covers and nothing of which goes back yet; who waits longest first."""
    waits = (AttemptRow.disposition == str(Disposition.EXCESS), AttemptRow.refunded_paise == 0)
    query = covering(scope, AttemptRow.select().where(*waits), AttemptRow)
    if office_id is not None:
        query = query.where(AttemptRow.office == office_id)
    return [Attempt.of(row) for row in await query.order_by(AttemptRow.succeeded_at).limit(min(max(most, 1), 200))]


async def refund_excess(
    scope: Scope, attempt_id: UUID, *, back_to: RefundTo = RefundTo.SOURCE, reason: str, actor: str, at: datetime
) -> Refund:
    """Gives an excess payment back: the way it came, which the round of refunds does, or by the office's hand.

    Raises NotFound for a payment that the scope does not cover, Conflict for one that is no excess, Refused if it goes back already.
    """
    if back_to is RefundTo.WALLET:
        raise Refused("Into the wallet it goes by the exporter's own choice.", box="back_to", rule="exporter's choice")
    return await _give_back(scope, attempt_id, back_to, reason_of(reason, most=300), actor, at)


async def credit_excess(scope: Scope, attempt_id: UUID, *, reason: str = _BY_CHOICE, actor: str, at: datetime) -> Refund:
    """Puts an excess payment into the firm's wallet at that office, at once, because the exporter wants it there.

    Raises as `refund_excess` does, and Refused where the office keeps no wallets.
    """
    return await _give_back(scope, attempt_id, RefundTo.WALLET, reason_of(reason, most=300), actor, at)


async def _give_back(scope: Scope, attempt_id: UUID, back_to: RefundTo, reason: str, actor: str, at: datetime) -> Refund:
    attempt = await attempt_by_id(scope, attempt_id)
    if attempt.disposition not in (Disposition.EXCESS, Disposition.REFUNDED, Disposition.CREDITED):
        raise Conflict(f"The payment {attempt.reference} is no excess: nothing of it is to spare.", code="attempt_state")
    if back_to is RefundTo.WALLET:
        await require_wallet_on(attempt.office_id)
    order = await order_by_id(PLATFORM, attempt.order_id)
    async with uow():
        await take_from_attempt(attempt, attempt.amount_paise)
        refund = await add_refund(
            order.owner,
            order_id=order.id,
            attempt_id=attempt.id,
            line_id=None,
            why=RefundWhy.EXCESS,
            back_to=back_to,
            amount_paise=attempt.amount_paise,
            reason=reason,
            actor=actor,
            at=at,
        )
        await note_refund("refund_requested", refund, actor, at)
        return await end_done(refund, actor=actor, at=at) if back_to is RefundTo.WALLET else refund
