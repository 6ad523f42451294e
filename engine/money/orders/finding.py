"""Finding orders and tries: by their reference under a scope, and, for callbacks, by the token or the reference of a try."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from engine.errors import NotFound
from engine.money.orders.nouns import Attempt, Order, OrderLine
from engine.money.orders.tables import AttemptRow, AttemptState, MoveRow, OrderLineRow, OrderRow, OrderState
from engine.scope import Scope
from engine.store.paging import newest_first
from engine.store.scoped import covering

__all__ = [
    "attempt_by_id",
    "attempt_by_reference",
    "attempt_by_token",
    "attempts_of",
    "line_by_id",
    "lines_of",
    "live_line",
    "moves_of",
    "order_by_id",
    "order_by_reference",
    "orders_of",
    "sha256_of_token",
]

_REFERENCE = re.compile(r"[2-9A-HJKMNP-Z]{20}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,80}", re.ASCII)
_MOST = 200


async def order_by_reference(scope: Scope, reference: str) -> Order:
    """The order of that reference. Raises NotFound if there is none, or if it is not yours: the two read the same."""
    spelt = reference.strip().upper()
    rows = await covering(scope, OrderRow.select().where(OrderRow.reference == spelt), OrderRow) if _REFERENCE.fullmatch(spelt) else []
    if not rows:
        raise NotFound("There is no such order.", code="order", box="reference", rule="known reference")
    return Order.of(rows[0])


async def order_by_id(scope: Scope, id: UUID) -> Order:
    """The order of that row. Raises NotFound as `order_by_reference` does."""
    rows = await covering(scope, OrderRow.select().where(OrderRow.id == id), OrderRow)
    if not rows:
        raise NotFound("There is no such order.", code="order", box="reference", rule="known reference")
    return Order.of(rows[0])


async def orders_of(
    scope: Scope,
    *,
    office_id: UUID | None = None,
    exporter_id: UUID | None = None,
    state: OrderState | None = None,
    before: datetime | None = None,
    behind: UUID | None = None,
    most: int = 50,
) -> Sequence[Order]:
    """The orders that the scope covers, the newest first; those made before that moment, where one is given, and of that moment those
    behind the order of the id `behind`."""
    query = OrderRow.select()
    if office_id is not None:
        query = query.where(OrderRow.office == office_id)
    if exporter_id is not None:
        query = query.where(OrderRow.exporter == exporter_id)
    if state is not None:
        query = query.where(OrderRow.state == str(state))
    query = newest_first(query, OrderRow.made_at, OrderRow.id, before=before, behind=behind).limit(min(max(most, 1), _MOST))
    return [Order.of(row) for row in await covering(scope, query, OrderRow)]


async def lines_of(order: Order) -> Sequence[OrderLine]:
    """The lines of an order that a scope found, in order."""
    query = OrderLineRow.select(*OrderLine.columns()).where(OrderLineRow.order == order.id)
    return [OrderLine.of(row) for row in await query.order_by(OrderLineRow.line)]


async def line_by_id(scope: Scope, id: UUID) -> OrderLine:
    """One line. Raises NotFound if there is none, or if it is not yours."""
    rows = await covering(scope, OrderLineRow.select(*OrderLine.columns()).where(OrderLineRow.id == id), OrderLineRow)
    if not rows:
        raise NotFound("There is no such line of an order.", code="order_line")
    return OrderLine.of(rows[0])


async def live_line(application_id: UUID) -> OrderLine | None:
    """The line by which an application, which a scope found, owes its fee or paid it; None if it stands in no order that counts."""
    rows = await OrderLineRow.select(*OrderLine.columns()).where(OrderLineRow.live_key == str(application_id))
    return OrderLine.of(rows[0]) if rows else None


async def attempts_of(order: Order) -> Sequence[Attempt]:
    """The tries to pay an order that a scope found, the newest first."""
    query = AttemptRow.select().where(AttemptRow.order == order.id).order_by(AttemptRow.made_at, ascending=False)
    return [Attempt.of(row) for row in await query.order_by(AttemptRow.id)]


async def attempt_by_id(scope: Scope, id: UUID) -> Attempt:
    """One try. Raises NotFound if there is none, or if it is not yours."""
    rows = await covering(scope, AttemptRow.select().where(AttemptRow.id == id), AttemptRow)
    if not rows:
        raise NotFound("There is no such try to pay.", code="attempt")
    return Attempt.of(rows[0])


async def attempt_by_token(token: str) -> Attempt | None:
    """The try whose return address has that token, for the callback, which has no scope; None if there is none."""
    if not _TOKEN.fullmatch(token):
        return None
    rows = await AttemptRow.select().where(AttemptRow.token_sha256 == sha256_of_token(token))
    return Attempt.of(rows[0]) if rows else None


async def attempt_by_reference(gateway: str, reference: str) -> Attempt | None:
    """The try that this gateway knows by that reference, for the callback, which has no scope; None if there is none."""
    if not _REFERENCE.fullmatch(reference):
        return None
    rows = await AttemptRow.select().where(AttemptRow.reference == reference, AttemptRow.gateway == gateway)
    return Attempt.of(rows[0]) if rows else None


async def moves_of(attempt: Attempt) -> Sequence[tuple[datetime, AttemptState, AttemptState, str, str]]:
    """The steps of a try that a scope found, the first one first: when, from where, to where, by whom, and why."""
    rows = await MoveRow.select().where(MoveRow.attempt == attempt.id).order_by(MoveRow.step)
    return [
        (row["moved_at"], AttemptState(row["state_before"]), AttemptState(row["state_after"]), row["actor"], row["because"]) for row in rows
    ]


def sha256_of_token(token: str) -> str:
    """What is kept of the token in a return address."""
    return hashlib.sha256(token.encode()).hexdigest()
