"""Orders: what is owed, the tries to pay it, and all that was received about them. No ledger, no receipt, no network.

A fee order is opened by `engine.money.paying.open_fee_order`, which also asks for covers; where a try goes is decided in
`engine.money.paying.hearing` alone.
"""

from engine.money.orders.closing import cancel_order, expire_due
from engine.money.orders.finding import (
    attempt_by_id,
    attempt_by_reference,
    attempt_by_token,
    attempts_of,
    line_by_id,
    lines_of,
    moves_of,
    order_by_id,
    order_by_reference,
    orders_of,
)
from engine.money.orders.nouns import Attempt, Order, OrderLine, new_reference
from engine.money.orders.opening import MOST_LINES, Owed, OwedLine, amount_of, open_top_up
from engine.money.orders.tables import AttemptState, Disposition, OrderState, PaidBy, Purpose, Verdict

__all__ = [
    "MOST_LINES",
    "Attempt",
    "AttemptState",
    "Disposition",
    "Order",
    "OrderLine",
    "OrderState",
    "Owed",
    "OwedLine",
    "PaidBy",
    "Purpose",
    "Verdict",
    "amount_of",
    "attempt_by_id",
    "attempt_by_reference",
    "attempt_by_token",
    "attempts_of",
    "cancel_order",
    "expire_due",
    "line_by_id",
    "lines_of",
    "moves_of",
    "new_reference",
    "open_top_up",
    "order_by_id",
    "order_by_reference",
    "orders_of",
]
