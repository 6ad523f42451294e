"""What the lines of books and statements are about: the order behind each subject, be it an order's own reference or a refund's."""

from collections.abc import Iterable

from engine.money.orders.tables import OrderRow, RefundRow
from engine.scope import Scope
from engine.store.scoped import covering

__all__ = ["orders_behind"]


async def orders_behind(scope: Scope, subjects: Iterable[str]) -> dict[str, str]:
    """The order's reference by subject, as far as the scope covers it; subjects that are neither an order nor a refund are left out."""
    wanted = sorted({subject for subject in subjects if subject})
    if not wanted:
        return {}
    orders = OrderRow.select(OrderRow.reference).where(OrderRow.reference.is_in(wanted))
    refunds = RefundRow.select(RefundRow.reference, RefundRow.order.reference.as_alias("of")).where(RefundRow.reference.is_in(wanted))
    found = {row["reference"]: row["reference"] for row in await covering(scope, orders, OrderRow)}
    return found | {row["reference"]: row["of"] for row in await covering(scope, refunds, RefundRow)}
