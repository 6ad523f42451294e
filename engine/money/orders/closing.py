"""The end of an order: paid, cancelled, or expired. It leaves OPEN once, by one guarded write, and never comes back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Conflict
from engine.money.orders.finding import order_by_reference
from engine.money.orders.nouns import GOOD_FOR, UNDER_WAY, Order, OrderLine
from engine.money.orders.tables import AttemptRow, OrderLineRow, OrderRow, OrderState, PaidBy
from engine.scope import Scope
from engine.store import audit, uow

__all__ = ["cancel_order", "cancel_within", "end_line", "expire_due", "hold_open", "mark_paid", "prolong", "under_way"]

_AT_ONCE = 200
_ACTS = {OrderState.EXPIRED: "order_expired", OrderState.CANCELLED: "order_cancelled"}


async def hold_open(order: Order) -> bool:
    """Whether the order is open still; if so, it stays so until the caller's unit of work ends."""
    held = OrderRow.update({OrderRow.state: OrderRow.state}).where(OrderRow.id == order.id, OrderRow.state == str(OrderState.OPEN))
    return bool(await held.returning(OrderRow.id))


async def mark_paid(order_id: UUID, by: PaidBy, *, at: datetime) -> bool:
    """Moves an open order to PAID in the caller's unit of work; False if it is open no more. What follows from it is the caller's."""
    paid = {OrderRow.state: str(OrderState.PAID), OrderRow.paid_by: str(by), OrderRow.settled_at: at}
    return bool(await OrderRow.update(paid).where(OrderRow.id == order_id, OrderRow.state == str(OrderState.OPEN)).returning(OrderRow.id))


async def under_way(order: Order) -> bool:
    """Whether a try to pay it may still bring money by itself."""
    return await AttemptRow.exists().where(AttemptRow.order == order.id, AttemptRow.state.is_in([str(state) for state in UNDER_WAY]))


async def cancel_order(scope: Scope, reference: str, *, actor: str, at: datetime) -> None:
    """Cancels an open order: its applications owe their fee anew. Raises NotFound, and Conflict for one that is over, or while
    a try to pay it is under way."""
    order = await order_by_reference(scope, reference)
    async with uow():
        if not await hold_open(order):
            raise Conflict(f"The order {order.reference} is over already; load it again.", code="order_state", reference=order.reference)
        if await under_way(order):
            say = f"A payment of the order {order.reference} is under way. Wait until it is over, then cancel what is not paid."
            raise Conflict(say, code="payment_under_way", reference=order.reference)
        await _end(order, OrderState.CANCELLED, actor, at)


async def cancel_within(order: Order, *, actor: str, at: datetime) -> bool:
    """Cancels an order in the caller's unit of work because one of its applications ended; False if it was not open any more.

    Money that comes all the same belongs to nobody's fee then, and is given back as excess.
    """
    if not await hold_open(order):
        return False
    await _end(order, OrderState.CANCELLED, actor, at)
    return True


async def expire_due(at: datetime) -> int:
    """The round of orders that nobody paid in time; one with a try under way waits. Gives how many expired."""
    due = OrderRow.select().where(OrderRow.state == str(OrderState.OPEN), OrderRow.expires_at <= at)
    expired = 0
    for row in await due.order_by(OrderRow.expires_at).limit(_AT_ONCE):
        order = Order.of(row)
        async with uow():
            if not await hold_open(order):
                continue
            if await under_way(order):
                await prolong(order.id, at)
            elif await OrderRow.exists().where(OrderRow.id == order.id, OrderRow.expires_at <= at):  # no try ended meanwhile
                await _end(order, OrderState.EXPIRED, "system:orders", at)
                expired += 1
    return expired


async def prolong(order_id: UUID, at: datetime) -> None:
    """Lets an open order wait its time again, in the caller's unit of work: a try to pay it ended, or goes on."""
    longer: dict[Any, Any] = {OrderRow.expires_at: at + GOOD_FOR}
    await OrderRow.update(longer).where(OrderRow.id == order_id, OrderRow.state == str(OrderState.OPEN))


async def end_line(line: OrderLine, *, at: datetime) -> None:
    """Ends a line in the caller's unit of work: its application owes that fee no more. Once is enough."""
    await _end_lines([line.id], at)


async def _end(order: Order, state: OrderState, actor: str, at: datetime) -> None:
    ended = {OrderRow.state: str(state), OrderRow.settled_at: at}
    await OrderRow.update(ended).where(OrderRow.id == order.id, OrderRow.state == str(OrderState.OPEN))
    rows = await OrderLineRow.select(OrderLineRow.id).where(OrderLineRow.order == order.id)
    await _end_lines([row["id"] for row in rows], at)
    await audit(_ACTS[state], room="money", subject=order.reference, actor=actor, at=at, agency=order.agency_id, office=order.office_id)


async def _end_lines(ids: Sequence[UUID], at: datetime) -> None:
    for id in ids:
        ended = {OrderLineRow.live_key: str(id), OrderLineRow.ended_at: at}
        await OrderLineRow.update(ended).where(OrderLineRow.id == id, OrderLineRow.ended_at.is_null())
