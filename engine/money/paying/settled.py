"""What a success does, in the unit of work that moves the try: order paid, journal posted, receipt made, covers, announcement, letter.

Money for which nothing was owed any more is EXCESS: it stands as payable back to the firm, and both sides are told. None is lost.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from engine.money.covering import cover_line
from engine.money.fees import rupees
from engine.money.ledger import Account, Book, Entry, JournalKind, clearing, fee_income, gst, post, refund_payable, wallet
from engine.money.orders.finding import lines_of
from engine.money.orders.nouns import Attempt, Order, OrderLine
from engine.money.orders.tables import Purpose
from engine.money.receipts import make_receipt
from engine.people import id_of_actor
from engine.people.telling import tell_administrators, tell_firm
from engine.store import SecretBox, audit
from engine.store.tables import Announcement

__all__ = ["announce_settled", "book_of", "fee_entries", "settle_excess", "settle_order"]


def book_of(owner: Order | Attempt | OrderLine) -> Book:
    """The books of the office."""
    return Book(owner.agency_id, owner.office_id)


def fee_entries(source: Account, lines: Sequence[OrderLine]) -> list[Entry]:
    """From where the money is to what it was for: the income of each scheme, and each tax."""
    sums: dict[Account, int] = defaultdict(int)
    for line in lines:
        sums[fee_income(line.scheme)] += line.breakup.base_paise
        sums[gst("cgst")] += line.breakup.cgst_paise
        sums[gst("sgst")] += line.breakup.sgst_paise
        sums[gst("igst")] += line.breakup.igst_paise
    return [Entry(source, credit, paise) for credit, paise in sums.items() if paise]


async def settle_order(order: Order, attempt: Attempt, *, base: str, box: SecretBox, actor: str, at: datetime) -> None:
    """What follows once this try paid the order, which is marked PAID already."""
    if order.purpose is Purpose.TOP_UP:
        key, kind = f"topup:{attempt.id}", JournalKind.TOP_UP
        entries = [Entry(clearing(attempt.gateway), wallet(order.exporter_id), attempt.amount_paise)]
        lines: Sequence[OrderLine] = ()
    else:
        key, kind, lines = f"pay:{order.id}", JournalKind.PAYMENT, await lines_of(order)
        entries = fee_entries(clearing(attempt.gateway), lines)
    posted = await post(book_of(order), kind, entries, key=key, subject=order.reference, exporter_id=order.exporter_id, actor=actor, at=at)
    await make_receipt(order.id, journal_id=posted.journal_id, attempt_id=attempt.id, actor=actor, at=at)
    for line in lines:
        await cover_line(line, at=at)
    await announce_settled(order, attempt.gateway, at)
    await _note("order_paid", order, actor, at, attempt=attempt.reference, gateway=attempt.gateway)
    what = "was paid" if order.purpose is Purpose.FEES else "is in your e-wallet"
    text = (
        f"the amount of Rs {rupees(order.amount_paise)} of the order {order.reference} {what}. The receipt lies with the order:"
        f"\n\n{base}/payments/{order.reference}\n"
    )
    await _tell(order, "Your payment was received", text, attempt.made_by, box=box, at=at)


async def settle_excess(order: Order, attempt: Attempt, *, base: str, box: SecretBox, actor: str, at: datetime) -> None:
    """What follows where money came and its order needed it no more: it is owed back, and the firm and the office are told."""
    entries = [Entry(clearing(attempt.gateway), refund_payable(), attempt.amount_paise)]
    await post(
        book_of(order),
        JournalKind.EXCESS,
        entries,
        key=f"excess:{attempt.id}",
        subject=order.reference,
        exporter_id=order.exporter_id,
        actor=actor,
        at=at,
    )
    await _note("payment_excess", order, actor, at, attempt=attempt.reference, gateway=attempt.gateway, state=str(order.state))
    text = (
        f"a payment of Rs {rupees(attempt.amount_paise)} came for the order {order.reference}, which is {order.state} and needs it no more. "
        "The office gives it back or, if you ask for it, puts it into your e-wallet. Nothing is lost:"
        f"\n\n{base}/payments/{order.reference}\n"
    )
    await _tell(order, "A payment came twice or late", text, attempt.made_by, box=box, at=at)
    text = (
        f"A payment of Rs {rupees(attempt.amount_paise)} came for the order {order.reference}, which is {order.state} and needs it no more "
        f"(reference {attempt.reference}). Decide where it goes:\n\n{base}/payments/{order.reference}\n"
    )
    subject = "A payment came that nothing was owed for"
    await tell_administrators(order.agency_id, subject, text, box=box, purpose="excess", at=at, about=order.id)


async def announce_settled(order: Order, gateway: str, at: datetime) -> None:
    """Tells the plugins, after the commit, that the order is paid; no gateway is the wallet, or nothing to pay."""
    payload = json.dumps({"order": order.reference, "gateway": gateway, "amount_paise": order.amount_paise})
    await Announcement.insert(Announcement(topic="coo_payment_settled", payload=payload, made_at=at, due_at=at))


async def _note(act: str, order: Order, actor: str, at: datetime, **detail: object) -> None:
    told = {"amount_paise": order.amount_paise, "purpose": str(order.purpose), **detail}
    await audit(act, room="money", subject=order.reference, actor=actor, at=at, agency=order.agency_id, office=order.office_id, detail=told)


async def _tell(order: Order, subject: str, text: str, made_by: str, *, box: SecretBox, at: datetime) -> None:
    """To the firm's persons who may pay, and to whoever began the payment."""
    await tell_firm(
        order.exporter_id,
        "pay",
        subject,
        f"Madam, Sir,\n\n{text}",
        box=box,
        purpose="payment",
        at=at,
        about=order.id,
        also=_account(made_by),
    )


def _account(actor: str) -> UUID | None:
    return UUID(id_of_actor(actor)) if actor.startswith("account:") else None
