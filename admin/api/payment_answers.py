"""What the API answers about payments, as types. Amounts are whole paise of INR; times are UTC ending in Z."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from admin.pages.payment_words import attempt_words, standing_of
from engine.clock import utc_text
from engine.contracts.paying import StartedPayment
from engine.contracts.signing import FormPost
from engine.money.ledger import Balance, StatementPage
from engine.money.orders import Attempt, Order, OrderLine
from engine.money.paying.refund_rows import Refund
from engine.money.receipts import Receipt

__all__ = [
    "AttemptAnswer",
    "HandoverAnswer",
    "OrderAnswer",
    "OrderLineAnswer",
    "OrderList",
    "OrderShort",
    "PartAnswer",
    "ReceiptAnswer",
    "ReceiptList",
    "RefundAnswer",
    "RefundList",
    "StatementAnswer",
    "StatementLineAnswer",
    "WalletAnswer",
]


class PartAnswer(Struct, frozen=True):
    """A part of a fee: the fee itself, or one of its taxes, with its rate in the name."""

    name: str
    amount_paise: int


class OrderLineAnswer(Struct, frozen=True):
    """The fee of one application in an order, frozen, and how much of it goes back."""

    application: str
    scheme: str
    parts: list[PartAnswer]
    amount_paise: int
    refunded_paise: int

    @classmethod
    def of(cls, line: OrderLine) -> "OrderLineAnswer":
        """A line with its break-up."""
        parts = [PartAnswer(name, paise) for name, paise in line.breakup.lines]
        return cls(line.reference, line.scheme, parts, line.amount_paise, line.refunded_paise)


class AttemptAnswer(Struct, frozen=True):
    """One try to pay through a gateway. `disposition` says what became of the money of one that succeeded; `say` is for people."""

    reference: str
    gateway: str
    amount_paise: int
    state: str
    disposition: str
    say: str
    made_at: str
    changed_at: str

    @classmethod
    def of(cls, attempt: Attempt, at: datetime) -> "AttemptAnswer":
        """A try as its payer sees it."""
        told = {"state": str(attempt.state), "disposition": str(attempt.disposition), "say": attempt_words(attempt, at)[2]}
        times = {"made_at": utc_text(attempt.made_at), "changed_at": utc_text(attempt.changed_at)}
        return cls(reference=attempt.reference, gateway=attempt.gateway, amount_paise=attempt.amount_paise, **told, **times)


class OrderShort(Struct, frozen=True):
    """One line of a list of orders. `paid_by` is null until it is paid."""

    reference: str
    purpose: str
    agency: str
    office: str
    iec: str
    amount_paise: int
    state: str
    paid_by: str | None
    made_at: str
    expires_at: str
    settled_at: str | None

    @classmethod
    def of(cls, order: Order, names: Mapping[Any, str]) -> "OrderShort":
        """An order in short; `names` are the codes of its agency and office, and its firm's IEC, by their ids."""
        return cls(
            reference=order.reference,
            purpose=str(order.purpose),
            agency=names[order.agency_id],
            office=names[order.office_id],
            iec=names[order.exporter_id],
            amount_paise=order.amount_paise,
            state=str(order.state),
            paid_by=str(order.paid_by) if order.paid_by else None,
            made_at=utc_text(order.made_at),
            expires_at=utc_text(order.expires_at),
            settled_at=utc_text(order.settled_at) if order.settled_at else None,
        )


class OrderList(Struct, frozen=True):
    """A page of orders, newest first; `next_before` is null on the last one."""

    orders: list[OrderShort]
    next_before: str | None


class OrderAnswer(Struct, frozen=True):
    """An order with its break-up and every try to pay it. `say` is how it stands, and `refund_rule` what becomes of its fees if no
    certificate comes of them; empty for a top-up. `receipts` are ids."""

    order: OrderShort
    say: str
    refund_rule: str
    lines: list[OrderLineAnswer]
    attempts: list[AttemptAnswer]
    receipts: list[str]

    @classmethod
    def of(
        cls,
        order: Order,
        names: Mapping[Any, str],
        *,
        lines: Sequence[OrderLine],
        attempts: Sequence[Attempt],
        receipts: Sequence[Receipt],
        refund_rule: str,
        at: datetime,
    ) -> "OrderAnswer":
        """An order in full."""
        standing = standing_of(order, attempts, at)
        return cls(
            order=OrderShort.of(order, names),
            say=standing.say or standing.title,
            refund_rule=refund_rule,
            lines=[OrderLineAnswer.of(line) for line in lines],
            attempts=[AttemptAnswer.of(attempt, at) for attempt in attempts],
            receipts=[str(receipt.id) for receipt in receipts],
        )


class HandoverAnswer(Struct, frozen=True):
    """Where the payer's browser goes now: with `POST` it sends `fields` there as a form, with `GET` it follows the address.

    The order changes by what the gateway says, never by the browser's coming back: look at the order.
    """

    method: str
    url: str
    fields: dict[str, str]
    order: str
    attempt: str

    @classmethod
    def of(cls, started: StartedPayment, order: Order, attempt: Attempt) -> "HandoverAnswer":
        """The hand-over of a try that began."""
        form = isinstance(started.handover, FormPost)
        fields = dict(started.handover.fields) if isinstance(started.handover, FormPost) else {}
        return cls("POST" if form else "GET", started.handover.url, fields, order.reference, attempt.reference)


class WalletAnswer(Struct, frozen=True):
    """A wallet of a firm at one office: what it holds, what of it is set aside, what can be spent. `on` is whether the office keeps
    wallets now; `as_of` is the moment of its last line, or null."""

    agency: str
    office: str
    iec: str
    on: bool
    frozen: bool
    posted_paise: int
    held_paise: int
    available_paise: int
    as_of: str | None

    @classmethod
    def of(cls, found: Balance, *, agency: str, office: str, iec: str, on: bool) -> "WalletAnswer":
        """The balance of a wallet."""
        paise = (found.posted_paise, found.held_paise, found.available_paise)
        return cls(agency, office, iec, on, found.frozen, *paise, utc_text(found.as_of) if found.as_of else None)


class StatementLineAnswer(Struct, frozen=True):
    """One line of a wallet: debit and credit are what it moved; one that sets an amount aside or lets it go moves nothing."""

    seq: int
    at: str
    kind: str
    phase: str
    subject: str
    reason: str
    amount_paise: int
    debit_paise: int
    credit_paise: int
    balance_paise: int
    held_paise: int


class StatementAnswer(Struct, frozen=True):
    """A page of a statement, newest first; `next_before` is null at its end."""

    lines: list[StatementLineAnswer]
    next_before: int | None

    @classmethod
    def of(cls, page: StatementPage) -> "StatementAnswer":
        """A page."""
        same = ("seq", "subject", "reason", "amount_paise", "debit_paise", "credit_paise", "balance_paise", "held_paise")
        lines = [
            StatementLineAnswer(
                at=utc_text(line.at), kind=str(line.kind), phase=str(line.phase), **{name: getattr(line, name) for name in same}
            )
            for line in page.lines
        ]
        return cls(lines, page.further)


class ReceiptAnswer(Struct, frozen=True):
    """A receipt or voucher in short; its PDF has the rest."""

    id: str
    kind: str
    title: str
    number: str
    dated_on: str
    amount_paise: int
    corrects: str
    content_sha256: str

    @classmethod
    def of(cls, receipt: Receipt) -> "ReceiptAnswer":
        """A receipt."""
        content = receipt.content
        told = {"title": content.title, "dated_on": content.dated_on, "corrects": content.corrects[0]}
        return cls(
            id=str(receipt.id),
            kind=str(receipt.kind),
            number=receipt.number,
            amount_paise=receipt.amount_paise,
            content_sha256=receipt.content_sha256,
            **told,
        )


class ReceiptList(Struct, frozen=True):
    """A page of receipts, newest first; `next_before` is the id to go on from, null on the last one."""

    receipts: list[ReceiptAnswer]
    next_before: str | None


class RefundAnswer(Struct, frozen=True):
    """Money that goes back: of which order, why, how, how much, and where it stands."""

    reference: str
    why: str
    back_to: str
    amount_paise: int
    state: str
    reason: str
    asked_at: str
    changed_at: str

    @classmethod
    def of(cls, refund: Refund) -> "RefundAnswer":
        """A refund."""
        words = {name: str(getattr(refund, name)) for name in ("reference", "why", "back_to", "state", "reason")}
        times = {"asked_at": utc_text(refund.asked_at), "changed_at": utc_text(refund.changed_at)}
        return cls(amount_paise=refund.amount_paise, **words, **times)


class RefundList(Struct, frozen=True):
    """A page of refunds, newest first; `next_before` is null on the last one."""

    refunds: list[RefundAnswer]
    next_before: str | None
