"""Paying from the e-wallet: by the order's terms the fee is taken at once, or set aside, application by application, until each is
issued. The wallet's account refuses what it has not, however many pay from it at one moment."""

from collections.abc import Sequence
from datetime import datetime

from engine.errors import Conflict, Refused
from engine.money.covering import cover_line
from engine.money.fees import rupees
from engine.money.ledger import JournalKind, balance, hold, post, wallet
from engine.money.orders.closing import hold_open, mark_paid
from engine.money.orders.finding import lines_of, order_by_id, order_by_reference
from engine.money.orders.nouns import Order, OrderLine
from engine.money.orders.tables import OrderState, PaidBy, Purpose
from engine.money.paying.settled import announce_settled, book_of, fee_entries
from engine.money.paying.starting import require_no_other_try
from engine.money.receipts import make_receipt
from engine.money.terms import FeeTaken, terms_by_id
from engine.people import OfficeHere
from engine.people.offices.keeping import office_by_id
from engine.scope import PLATFORM, Scope
from engine.store import audit, uow

__all__ = ["hold_key", "pay_by_wallet"]

_BY_GATEWAY = "You can pay this order through the office's payment gateway instead."


async def pay_by_wallet(scope: Scope, order_reference: str, *, again: bool = False, actor: str, at: datetime) -> Order:
    """Pays a fee order from the firm's e-wallet at its office, and gives the order as it stands then; one that the wallet paid
    already stays so.

    Raises Refused where the wallet is off, frozen or short, saying how much is missing and how else to pay; Conflict for an order
    that is over, and, unless the payer says `again`, while a payment through the gateway may still come.
    """
    order = await order_by_reference(scope, order_reference)
    if order.state is OrderState.PAID and order.paid_by is PaidBy.WALLET:  # the same form, sent twice
        return order
    office = await office_by_id(PLATFORM, order.office_id)
    _require_wallet(order, office)
    await _require_enough(scope, order, office)
    lines = await lines_of(order)
    terms = await terms_by_id(PLATFORM, order.terms_id)
    try:
        async with uow():
            if not await hold_open(order):
                say = f"The order {order.reference} is not open any more; load it again."
                raise Conflict(say, code="order_state", reference=order.reference)
            await require_no_other_try(order, again=again, actor=actor, at=at)
            await mark_paid(order.id, PaidBy.WALLET, at=at)
            if terms.fee_taken is FeeTaken.AT_ISSUE:
                await _set_aside(order, lines, actor, at)
            else:
                await _take(order, lines, actor, at)
            await announce_settled(order, "", at)
            await _note(order, str(terms.fee_taken), actor, at)
    except Refused as refusal:
        if refusal.code != "insufficient_funds":
            raise
        await _require_enough(scope, order, office)  # another deed was quicker: say what is missing now
        raise
    return await order_by_id(scope, order.id)


def hold_key(line: OrderLine) -> str:
    """The key of the journal that sets a line's fee aside."""
    return f"hold:{line.id}"


def _require_wallet(order: Order, office: OfficeHere) -> None:
    if order.purpose is not Purpose.FEES:
        raise Refused("A top-up is paid through the gateway: a wallet does not fill itself.", box="order", rule="fees are paid by wallet")
    if not office.wallet:
        say = f"The office {office.agency_code} {office.code} has its e-wallets switched off. {_BY_GATEWAY}"
        raise Refused(say, code="wallet_off", box="wallet", rule="wallet on")


async def _require_enough(scope: Scope, order: Order, office: OfficeHere) -> None:
    """Raises Refused telling what is missing. What only moves inside the books decides later, for certain."""
    found = await balance(scope, office.id, order.exporter_id)
    if found.frozen:
        say = f"Your e-wallet at the office {office.code} is frozen; ask the office why. {_BY_GATEWAY}"
        raise Refused(say, code="wallet_frozen", box="wallet", rule="wallet not frozen")
    if found.available_paise >= order.amount_paise:
        return
    missing = order.amount_paise - found.available_paise
    say = (
        f"Your e-wallet at the office {office.code} has Rs {rupees(found.available_paise)} available, and the order "
        f"{order.reference} needs Rs {rupees(order.amount_paise)}: Rs {rupees(missing)} are missing. Top it up, or pay otherwise: "
        f"{_BY_GATEWAY[0].lower()}{_BY_GATEWAY[1:]} A balance that you still have on the previous platform was not carried over; until it "
        "is, it can be used there alone."
    )
    raise Refused(say, code="insufficient_funds", box="wallet", rule="wallet balance")


async def _take(order: Order, lines: Sequence[OrderLine], actor: str, at: datetime) -> None:
    """The fee leaves the wallet now."""
    entries = fee_entries(wallet(order.exporter_id), lines)
    key, kind = f"fee:{order.id}", JournalKind.FEE
    posted = await post(book_of(order), kind, entries, key=key, subject=order.reference, exporter_id=order.exporter_id, actor=actor, at=at)
    await make_receipt(order.id, journal_id=posted.journal_id, actor=actor, at=at)
    for line in lines:
        await cover_line(line, at=at)


async def _set_aside(order: Order, lines: Sequence[OrderLine], actor: str, at: datetime) -> None:
    """Each fee is held by itself: each application ends by itself."""
    for line in lines:
        entries = fee_entries(wallet(order.exporter_id), [line])
        held = None
        if entries:
            subject = order.reference
            posted = await hold(
                book_of(order), entries, key=hold_key(line), subject=subject, exporter_id=order.exporter_id, actor=actor, at=at
            )
            held = posted.journal_id
        await cover_line(line, hold=held, at=at)


async def _note(order: Order, taken: str, actor: str, at: datetime) -> None:
    detail = {"amount_paise": order.amount_paise, "by": "wallet", "taken": taken}
    await audit(
        "order_paid",
        room="money",
        subject=order.reference,
        actor=actor,
        at=at,
        agency=order.agency_id,
        office=order.office_id,
        detail=detail,
    )
