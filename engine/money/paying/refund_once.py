"""Money goes back because a person of the office says so in a form: once for each form, however often it is sent."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.errors import Conflict, NotFound, Refused
from engine.money.orders.finding import attempts_of, lines_of, order_by_reference
from engine.money.orders.nouns import Attempt, Order, OrderLine
from engine.money.orders.tables import Disposition, OrderState, PaidBy, Purpose, RefundTo
from engine.money.paying.refunding import never_taken, refund_line, refund_top_up
from engine.scope import Scope
from engine.store import uow
from engine.store.idempotency import first_answer, remember_answer

__all__ = ["RefundAsked", "Refundable", "refund_once", "refundable"]


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """What a form asks: which fee of the order or which payment of a top-up, how much (None: all that is left), whereto and why."""

    order: str
    what: UUID
    amount_paise: int | None
    back_to: RefundTo
    reason: str

    @property
    def told(self) -> bytes:
        """All of it, as the same form tells it again."""
        return "\n".join((self.order, str(self.what), str(self.amount_paise), str(self.back_to), self.reason)).encode()


@dataclass(frozen=True, slots=True)
class Refundable:
    """What can still go back of an order: its fees, or the payment of a top-up, each with what is left of it; and the ways that there are."""

    lines: tuple[tuple[OrderLine, int], ...] = ()
    top_up: tuple[Attempt, int] | None = None
    ways: tuple[RefundTo, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether there is anything to give back."""
        return bool(self.lines or self.top_up)


async def refundable(order: Order, *, wallet: bool) -> Refundable:
    """What can still go back of an order; `wallet` says whether its office keeps e-wallets."""
    if order.state is not OrderState.PAID or order.paid_by is PaidBy.NOTHING:
        return Refundable()
    if order.purpose is Purpose.TOP_UP:
        applied = [each for each in await attempts_of(order) if each.disposition is Disposition.APPLIED]
        left = [(each, each.amount_paise - each.refunded_paise) for each in applied if each.amount_paise > each.refunded_paise]
        return Refundable(top_up=left[0], ways=(RefundTo.SOURCE, RefundTo.BY_HAND)) if left else Refundable()
    lines = [(line, line.amount_paise - line.refunded_paise) for line in await lines_of(order)]
    ways = (RefundTo.SOURCE, RefundTo.BY_HAND, *((RefundTo.WALLET,) if wallet else ()))
    only_set_aside = await never_taken([line.id for line, _ in lines])
    left_over = tuple((line, paise) for line, paise in lines if paise > 0 and line.id not in only_set_aside)
    return Refundable(lines=left_over, ways=(RefundTo.WALLET,) if order.paid_by is PaidBy.WALLET else ways)


async def refund_once(scope: Scope, asked: RefundAsked, *, key: str, actor: str, at: datetime) -> bool:
    """Gives back what a form asks for; False if this very form was sent before, and nothing is done then.

    `key` is the form's own. Raises NotFound for what is no part of that order or not covered by the scope, Conflict if the key was used
    for something else, and what `refund_line` and `refund_top_up` raise: nothing is kept then, and the form may be sent again.
    """
    name = f"refund:{_key(key)}"
    order = await order_by_reference(scope, asked.order)
    if await first_answer(actor, name, asked.told, at=at) is not None:
        return False
    lines = {line.id for line in await lines_of(order)}
    tries = {attempt.id for attempt in await attempts_of(order)} if order.purpose is Purpose.TOP_UP else set()
    if asked.what not in lines | tries:
        raise NotFound("There is no such fee or payment in this order.", code="refund_of")
    deed = refund_line if asked.what in lines else refund_top_up
    try:
        async with uow():
            await remember_answer(actor, name, asked.told, order.reference, at=at)
            await deed(scope, asked.what, amount_paise=asked.amount_paise, back_to=asked.back_to, reason=asked.reason, actor=actor, at=at)
    except Conflict as conflict:
        if conflict.code == "integrity" and await first_answer(actor, name, asked.told, at=at) is not None:
            return False  # the same form was quicker beside this one
        raise
    return True


def _key(text: str) -> str:
    """The key of a form. Raises Refused for what no form of ours sent."""
    try:
        return hashlib.sha256(UUID(text).bytes).hexdigest()
    except ValueError:
        raise Refused("Open the form again, and send it from there.", box="key", rule="sent from the form") from None
