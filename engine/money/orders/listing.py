"""What a list of orders says of each: what it is for, and how the newest try to pay it stands, in two queries for a page of them; and
which other amounts a gateway named for a try."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from engine.money.orders.nouns import Attempt, Order
from engine.money.orders.tables import AttemptRow, AttemptState, InboxRow, MoveRow, OrderLineRow, Verdict

__all__ = ["Glance", "amounts_named", "glances_of", "reasons_of"]


@dataclass(frozen=True, slots=True)
class Glance:
    """How many applications an order is for, the reference of the first, and the state of its newest try, if there is one."""

    lines: int = 0
    application: str = ""
    last: AttemptState | None = None


async def glances_of(orders: Sequence[Order]) -> dict[UUID, Glance]:
    """Of orders that a scope found, by their ids."""
    ids = [order.id for order in orders]
    if not ids:
        return {}
    lines: dict[UUID, list[str]] = {}
    asked = OrderLineRow.select(OrderLineRow.order, OrderLineRow.application.reference.as_alias("reference"))
    for row in await asked.where(OrderLineRow.order.is_in(ids)).order_by(OrderLineRow.line):
        lines.setdefault(row["order"], []).append(row["reference"])
    tried = AttemptRow.select(AttemptRow.order, AttemptRow.state).where(AttemptRow.order.is_in(ids))
    last = {row["order"]: AttemptState(row["state"]) for row in await tried.order_by(AttemptRow.made_at)}
    return {id: Glance(len(lines.get(id, ())), next(iter(lines.get(id, ())), ""), last.get(id)) for id in ids}


async def reasons_of(attempts: Sequence[Attempt]) -> dict[UUID, str]:
    """Why each of these tries, which a scope found, stands where it does: the reason of its last step, in one query for all."""
    ids = [attempt.id for attempt in attempts]
    if not ids:
        return {}
    steps = MoveRow.select(MoveRow.attempt, MoveRow.because).where(MoveRow.attempt.is_in(ids))
    return {row["attempt"]: row["because"] for row in await steps.order_by(MoveRow.step)}


async def amounts_named(attempt: Attempt) -> Sequence[int]:
    """The amounts other than its own, in paise, that messages named for a try that a scope found, each once; what proved nothing is
    left out."""
    asked = InboxRow.select(InboxRow.amount_paise).where(InboxRow.attempt == attempt.id, InboxRow.verdict != str(Verdict.REFUSED))
    rows = await asked.where(InboxRow.amount_paise.is_not_null(), InboxRow.amount_paise != attempt.amount_paise)
    return sorted({row["amount_paise"] for row in rows})
