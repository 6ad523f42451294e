"""The deeds of paying: a try begins, word of it is believed, an order is paid, money goes back."""

from engine.money.paying.asking import ask, ask_due
from engine.money.paying.cashier import Cashier
from engine.money.paying.excess import credit_excess, refund_excess
from engine.money.paying.hearing import Heard, hear
from engine.money.paying.ordering import open_fee_order
from engine.money.paying.receiving import hear_notice, hear_return
from engine.money.paying.refund_asking import ask_refunds, submit_refunds
from engine.money.paying.refund_once import RefundAsked, refund_once, refundable
from engine.money.paying.refund_rows import Refund, refund_by_reference, refunds_of, refunds_of_order
from engine.money.paying.refund_telling import tell_refunds
from engine.money.paying.refunding import refund_line, refund_top_up
from engine.money.paying.refusing import ALARM_AT, failing_callbacks
from engine.money.paying.reviewing import (
    ReviewDecision,
    answer_doubt,
    decide_refund,
    doubted_queue,
    refund_otherwise,
    refunds_waiting,
    release_review,
    review_queue,
)
from engine.money.paying.starting import start_payment
from engine.money.paying.wallet_paying import pay_by_wallet

__all__ = [
    "ALARM_AT",
    "Cashier",
    "Heard",
    "Refund",
    "RefundAsked",
    "ReviewDecision",
    "answer_doubt",
    "ask",
    "ask_due",
    "ask_refunds",
    "credit_excess",
    "decide_refund",
    "doubted_queue",
    "failing_callbacks",
    "hear",
    "hear_notice",
    "hear_return",
    "open_fee_order",
    "pay_by_wallet",
    "refund_by_reference",
    "refund_excess",
    "refund_line",
    "refund_once",
    "refund_otherwise",
    "refund_top_up",
    "refundable",
    "refunds_of",
    "refunds_of_order",
    "refunds_waiting",
    "release_review",
    "review_queue",
    "start_payment",
    "submit_refunds",
    "tell_refunds",
]
