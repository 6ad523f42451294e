"""A fee order as the exporter opens it: of applications that no cover is there for yet. One that comes to nothing is paid at once."""

from collections.abc import Sequence
from datetime import datetime

from engine.errors import Conflict, Problem, Refused
from engine.money.covering import cover_line, cover_of
from engine.money.orders.closing import mark_paid
from engine.money.orders.finding import lines_of, order_by_id
from engine.money.orders.nouns import Order
from engine.money.orders.opening import Owed, amount_of, write_fee_order
from engine.money.orders.tables import PaidBy
from engine.money.paying.settled import announce_settled
from engine.money.tables import CoverKind
from engine.scope import Scope
from engine.store import audit, uow

__all__ = ["open_fee_order"]


async def open_fee_order(scope: Scope, references: Sequence[str], *, actor: str, at: datetime) -> Order:
    """An order for the fees of 1 to 50 filed applications of one firm at one office, its break-up and terms frozen.

    Asked for the same applications again while it is open, it gives the same order. A fee of nothing is paid at once: the
    applications have their covers, and no document is made of it. Raises as `amount_of` does, Conflict for an application that
    another order is there for, and Refused for one that is covered otherwise.
    """
    owed = await amount_of(scope, references, at=at)
    await _require_uncovered(owed)
    async with uow():
        order = await write_fee_order(scope, owed, actor=actor, at=at)
        if order.open and order.amount_paise == 0:
            await _settle_nothing(order, actor, at)
    return await order_by_id(scope, order.id)


async def _require_uncovered(owed: Owed) -> None:
    problems = []
    for line in owed.lines:
        cover = await cover_of(line.draft)
        if cover is not None and cover.kind is CoverKind.WAIVER:
            say = f"The fee of {line.draft.reference} was waived; nothing is owed for it."
            problems.append(Problem("applications", "not covered", say))
    if problems:
        raise Refused.because(problems)


async def _settle_nothing(order: Order, actor: str, at: datetime) -> None:
    if not await mark_paid(order.id, PaidBy.NOTHING, at=at):
        raise Conflict(f"The order {order.reference} is not open any more; load it again.", code="order_state", reference=order.reference)
    for line in await lines_of(order):
        await cover_line(line, at=at)
    await announce_settled(order, "", at)
    await audit("order_paid", room="money", subject=order.reference, actor=actor, at=at, agency=order.agency_id, office=order.office_id)
