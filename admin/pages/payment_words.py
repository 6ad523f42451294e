"""What the pages say of an order and of each try to pay it: one sentence for every state, and what to do now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.money.orders import Attempt, AttemptState, Disposition, Order, OrderState, PaidBy, Purpose
from engine.money.orders.tables import RefundState, RefundTo, RefundWhy
from engine.money.paying.refund_rows import Refund

__all__ = ["Standing", "attempt_words", "order_tag", "refund_tag", "refund_words", "standing_of"]

_BANK = (
    "If money left your account and the office never got it, your bank must put it back by itself within five days of the payment "
    "(T+5), and owes ₹\u00a0100 for each day after that: so says the Reserve Bank of India."
)
_PENDING = (
    "Do not pay again: this payment is under way, and the bank has not said yet how it ends. The gateway is asked by itself, and you "
    "get a letter as soon as it is certain."
)
_SILENT = (
    "Nothing was heard of this payment for a quarter of an hour. The gateway goes on being asked for five days. If you did not pay, or "
    "went back, you may pay again; should both payments come, the second one is given back whole."
)
_REVIEW = (
    "Do not pay again: a person at the office looks at this payment, because what the gateway said of it does not agree with the order. "
    "They decide whether it counts or goes back, and you get a letter. Your application keeps its place meanwhile."
)
_PENDING_STAFF = "The bank has not said yet how it ends. The gateway is asked by itself, and the firm is told as soon as it is certain."
_REVIEW_STAFF = (
    "What the gateway said of this payment does not agree with the order. A person decides whether it counts; until then the firm "
    "reads that it must not pay again."
)
_ATTEMPT = {
    AttemptState.PENDING: _PENDING,
    AttemptState.REVIEW: _REVIEW,
    AttemptState.START_FAILED: "The gateway could not be reached, or refused to begin. Nothing was paid.",
    AttemptState.FAILED: "The gateway says that this payment failed.",
    AttemptState.ABANDONED: f"Nothing certain was heard of this payment in five days. {_BANK} Should it come after all, it still counts.",
}
_DOUBTED = (
    "The gateway told of another success of this very try; a person at the office looks whether money came twice. If it did, the second "
    "payment is given back."
)
_SUCCEEDED = {
    Disposition.APPLIED: "This payment came, and paid the order.",
    Disposition.EXCESS: "This payment came although the order needed it no more. Nothing is lost: it is given back whole.",
    Disposition.REFUNDED: "This payment came although the order needed it no more, and was given back.",
    Disposition.CREDITED: "This payment came although the order needed it no more, and was credited to the e-wallet.",
}
_CAME = {
    Disposition.EXCESS: ("warn", "to be given back"),
    Disposition.REFUNDED: ("off", "given back"),
    Disposition.CREDITED: ("off", "in the e-wallet"),
}
_TAGS = {
    AttemptState.CREATED: ("warn", "begun"),
    AttemptState.STARTED: ("warn", "begun"),
    AttemptState.PENDING: ("warn", "pending"),
    AttemptState.REVIEW: ("warn", "under review"),
    AttemptState.START_FAILED: ("bad", "not begun"),
    AttemptState.FAILED: ("bad", "failed"),
    AttemptState.ABANDONED: ("bad", "given up"),
    AttemptState.SUCCEEDED: ("", "paid"),
}
_ORDER_TAGS = {
    OrderState.OPEN: ("warn", "waits for payment"),
    OrderState.PAID: ("", "paid"),
    OrderState.EXPIRED: ("off", "expired"),
    OrderState.CANCELLED: ("off", "cancelled"),
}
_OPEN_TAGS = {
    AttemptState.CREATED: ("warn", "under way"),
    AttemptState.STARTED: ("warn", "under way"),
    AttemptState.PENDING: ("warn", "under way"),
    AttemptState.REVIEW: ("warn", "under review"),
    AttemptState.FAILED: ("bad", "not paid"),
    AttemptState.START_FAILED: ("bad", "not paid"),
    AttemptState.ABANDONED: ("bad", "not paid"),
}
_ENDED = (AttemptState.FAILED, AttemptState.START_FAILED, AttemptState.ABANDONED)
_REFUND = {
    RefundState.REQUESTED: ("warn", "begun", "It is asked of the gateway within minutes."),
    RefundState.SUBMITTED: ("warn", "asked", "The gateway was asked and has not answered yet; it is not asked a second time."),
    RefundState.PENDING: ("warn", "on its way", "The gateway took it on; banks need some days."),
    RefundState.UNKNOWN: ("warn", "not known", "The gateway did not say whether it was done. It is asked, and nothing is sent twice."),
    RefundState.DONE: ("", "done", ""),
    RefundState.FAILED: ("bad", "refused", "The gateway refused it; the office finds another way, and you lose nothing."),
}
_WHERE = {RefundTo.SOURCE: "back the way it came", RefundTo.WALLET: "to the e-wallet", RefundTo.BY_HAND: "by the office itself"}
_WHY = {RefundWhy.FEE: "fee", RefundWhy.EXCESS: "payment that nobody owed", RefundWhy.TOP_UP: "top-up that was not used"}


@dataclass(frozen=True, slots=True)
class Standing:
    """How an order stands, on top of its page. `tone` is done, due or alert; `pays` offers the ways to pay, `again` says that one
    payment is under way beside which another may begin by the payer's own word alone. `staff` is what persons of the office read in the
    place of `say`."""

    tone: str
    title: str
    say: str
    pays: bool = False
    again: bool = False
    asks: bool = False
    staff: str = ""


def standing_of(order: Order, attempts: Sequence[Attempt], at: datetime, *, ended: bool = False) -> Standing:
    """How an order stands, from itself and its tries, the newest first; `ended` says that all its applications are over."""
    if order.state is OrderState.PAID:
        return Standing("done", "Paid", _paid(order, ended))
    if order.state is not OrderState.OPEN:
        say = _over(order)
        return Standing("note", "Expired" if order.state is OrderState.EXPIRED else "Cancelled", say)
    under_way = [attempt for attempt in attempts if attempt.under_way]
    if any(attempt.state is AttemptState.REVIEW for attempt in under_way):
        return Standing("due", "The office looks at this payment", _REVIEW, staff=_REVIEW_STAFF)
    if any(attempt.blocks(at) for attempt in under_way):
        return Standing("due", "A payment is under way", _PENDING, again=True, asks=True, staff=_PENDING_STAFF)
    if under_way:
        return Standing("due", "Nothing heard yet", f"{_SILENT} {_BANK}", pays=True, asks=True)
    last = attempts[0] if attempts else None
    if last is not None and last.state in _ENDED:
        bank = f" {_BANK}" if last.state is AttemptState.FAILED else ""
        say = f"{_ATTEMPT[last.state]} The order is not paid: try again.{bank}"
        return Standing("alert", "Not paid", say, pays=True, asks=last.state is not AttemptState.START_FAILED)
    return Standing("note", "Waits for payment", "", pays=True)


def _paid(order: Order, ended: bool) -> str:
    if order.purpose is Purpose.TOP_UP:
        return "The amount is in the e-wallet."
    if order.paid_by is PaidBy.NOTHING:
        return "Nothing was owed for it; the applications go on to the office."
    how = "from the e-wallet" if order.paid_by is PaidBy.WALLET else "through the payment gateway"
    if ended:
        return f"The fee was paid {how}. No application of this order goes on; what goes back stands below."
    return f"The fee was paid {how}; the applications go on to the office. Nothing more is to be done."


def _over(order: Order) -> str:
    if order.purpose is Purpose.TOP_UP:
        return "Nothing was added to the e-wallet by it. Should a payment still come, it is given back whole."
    what = "was not paid in time" if order.state is OrderState.EXPIRED else "was cancelled"
    return (
        f"It {what}. Its applications stay filed, and their fees can be paid in a new order. Should a payment still come, it is given back."
    )


def attempt_words(attempt: Attempt, at: datetime) -> tuple[str, str, str]:
    """The tone and the word of a try's tag, and the sentence beside it."""
    tone, word = _TAGS[attempt.state]
    if attempt.state is AttemptState.SUCCEEDED and attempt.doubted_at is not None:
        return "warn", "under review", f"{_SUCCEEDED[attempt.disposition]} {_DOUBTED}"
    if attempt.state is AttemptState.SUCCEEDED:
        say = _SUCCEEDED[attempt.disposition]
        return (*_CAME.get(attempt.disposition, (tone, word)), say)
    if attempt.state in (AttemptState.CREATED, AttemptState.STARTED):
        return tone, word, _PENDING if attempt.blocks(at) else f"{_SILENT} {_BANK}"
    return tone, word, _ATTEMPT[attempt.state]


def order_tag(order: Order, last: AttemptState | None = None) -> tuple[str, str]:
    """The tone and the word of an order's tag; `last` is the state of the newest try to pay it, for one that waits for its payment."""
    return _OPEN_TAGS.get(last, _ORDER_TAGS[order.state]) if order.open and last is not None else _ORDER_TAGS[order.state]


def refund_tag(state: RefundState) -> str:
    """The word of a refund's tag."""
    return _REFUND[state][1]


def refund_words(refund: Refund) -> tuple[str, str, str, str]:
    """The tone and the word of a refund's tag, the sentence beside it, and what goes back where."""
    tone, word, say = _REFUND[refund.state]
    if refund.state is RefundState.REQUESTED and refund.back_to is RefundTo.BY_HAND:
        say = "The office moves this money itself."
    if refund.by_hand and refund.state is RefundState.DONE:
        say = "The office moved this money itself."
    return tone, word, say, f"{_WHY[refund.why]}, {_WHERE[refund.back_to]}"
