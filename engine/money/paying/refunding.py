"""Asking for money back: of a fee, or of a top-up that was not used. Excess payments are `excess`'s.

Promises that no more goes back than was paid, however many ask at once: what is asked for is counted on the fee and on the try by
guarded updates, in the unit of work that writes the refund. What goes to the wallet is there when that unit of work ends; what goes
back the way it came waits for the round of `refund_asking`. Nobody is asked here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Conflict, Refused
from engine.money.fees import rupees
from engine.money.ledger import Book, Entry, clearing, hold, wallet
from engine.money.ledger.tables import JournalRow
from engine.money.orders.finding import attempt_by_id, line_by_id, order_by_id
from engine.money.orders.nouns import Attempt, Order, OrderLine
from engine.money.orders.tables import AttemptRow, AttemptState, Disposition, OrderLineRow, OrderState, PaidBy, Purpose, RefundTo, RefundWhy
from engine.money.paying.refund_ending import end_done, hold_key
from engine.money.paying.refund_rows import Refund, add_refund, note_refund
from engine.money.tables import CoverKind, CoverRow, CoverState
from engine.people.offices.keeping import office_by_id
from engine.people.plain_text import reason_of
from engine.scope import PLATFORM, Scope
from engine.store import uow

__all__ = ["never_taken", "refund_line", "refund_top_up", "require_wallet_on", "take_from_attempt"]


async def refund_line(
    scope: Scope,
    order_line_id: UUID,
    *,
    amount_paise: int | None = None,
    back_to: RefundTo = RefundTo.SOURCE,
    reason: str,
    actor: str,
    at: datetime,
) -> Refund:
    """Gives a fee back, all that is left of it or a part, the way it was paid, to the wallet, or by the office's hand.

    What was paid from the wallet goes back there whatever `back_to` says. To the wallet it is DONE at once. A whole fee goes back only
    once its application has no open cover any more: release the cover first, in the same unit of work. Raises NotFound for a fee
    that the scope does not cover; Refused for an amount that is more than is left, and without a reason; Conflict for a fee that
    is not paid, or is only set aside.
    """
    why = reason_of(reason, most=300)
    line = await line_by_id(scope, order_line_id)
    order = await order_by_id(PLATFORM, line.order_id)
    if order.state is not OrderState.PAID:
        raise Conflict(f"The order {order.reference} is not paid, so nothing of it can go back.", code="order_state")
    by_wallet = order.paid_by is PaidBy.WALLET
    goes_to = RefundTo.WALLET if by_wallet else back_to
    if goes_to is RefundTo.WALLET and not by_wallet:
        await require_wallet_on(order.office_id)
    async with uow():
        amount, left = await _take_from_line(line, amount_paise)
        await _require_taken(line, left)
        attempt = None if by_wallet else await _applied(order)
        if attempt is not None:
            await take_from_attempt(attempt, amount)
        refund = await add_refund(
            order.owner,
            order_id=order.id,
            attempt_id=attempt.id if attempt else None,
            line_id=line.id,
            why=RefundWhy.FEE,
            back_to=goes_to,
            amount_paise=amount,
            reason=why,
            actor=actor,
            at=at,
        )
        await note_refund("refund_requested", refund, actor, at)
        return await end_done(refund, actor=actor, at=at) if goes_to is RefundTo.WALLET else refund


async def refund_top_up(
    scope: Scope,
    attempt_id: UUID,
    *,
    amount_paise: int | None = None,
    back_to: RefundTo = RefundTo.SOURCE,
    reason: str,
    actor: str,
    at: datetime,
) -> Refund:
    """Gives a top-up back as far as the wallet still has it: all that is left of that payment, or a part.

    The amount is set aside in the wallet until it is known how the refund ended. Raises NotFound for a payment that the scope does not
    cover; Refused where the wallet has too little available (`insufficient_funds`), for too large an amount, and without a reason;
    Conflict for a payment that is no top-up.
    """
    why = reason_of(reason, most=300)
    attempt = await attempt_by_id(scope, attempt_id)
    order = await order_by_id(PLATFORM, attempt.order_id)
    if order.purpose is not Purpose.TOP_UP or attempt.disposition is not Disposition.APPLIED:
        raise Conflict(f"The payment {attempt.reference} is no top-up of a wallet.", code="attempt_state")
    if back_to is RefundTo.WALLET:
        raise Refused("It is in the wallet already.", box="back_to", rule="out of the wallet")
    async with uow():
        amount = attempt.amount_paise - attempt.refunded_paise if amount_paise is None else amount_paise
        await take_from_attempt(attempt, amount)
        refund = await add_refund(
            order.owner,
            order_id=order.id,
            attempt_id=attempt.id,
            line_id=None,
            why=RefundWhy.TOP_UP,
            back_to=back_to,
            amount_paise=amount,
            reason=why,
            actor=actor,
            at=at,
        )
        entries = [Entry(wallet(order.exporter_id), clearing(attempt.gateway), amount)]
        book = Book(order.agency_id, order.office_id)
        await hold(book, entries, key=hold_key(refund.id), subject=refund.reference, exporter_id=order.exporter_id, actor=actor, at=at)
        await note_refund("refund_requested", refund, actor, at)
    return refund


async def take_from_attempt(attempt: Attempt, amount_paise: int) -> None:
    """Counts an amount as going back of a successful try, in the caller's unit of work. Raises Refused for more than is left of it."""
    _require_amount(amount_paise)
    room = (AttemptRow.id == attempt.id, AttemptRow.state == str(AttemptState.SUCCEEDED))
    changed: dict[Any, Any] = {
        AttemptRow.refunded_paise: AttemptRow.refunded_paise + amount_paise,
        AttemptRow.version: AttemptRow.version + 1,
    }
    enough = AttemptRow.refunded_paise <= AttemptRow.amount_paise - amount_paise
    if not await AttemptRow.update(changed).where(*room, enough).returning(AttemptRow.id):
        [row] = await AttemptRow.select(AttemptRow.amount_paise, AttemptRow.refunded_paise).where(AttemptRow.id == attempt.id)
        raise _too_much(row, amount_paise)


async def require_wallet_on(office_id: UUID) -> None:
    """Raises Refused unless the office keeps e-wallets."""
    office = await office_by_id(PLATFORM, office_id)
    if not office.wallet:
        say = f"The office {office.agency_code} {office.code} has its e-wallets switched off, so nothing can be credited to one."
        raise Refused(say, code="wallet_off", box="wallet", rule="wallet on")


async def _take_from_line(line: OrderLine, amount_paise: int | None) -> tuple[int, int]:
    """Counts an amount as going back of a fee, all that is left if none is named; gives it, and what is left of the fee then."""
    amount = line.amount_paise - line.refunded_paise if amount_paise is None else amount_paise
    _require_amount(amount)
    enough = OrderLineRow.refunded_paise <= OrderLineRow.amount_paise - amount
    changed: dict[Any, Any] = {OrderLineRow.refunded_paise: OrderLineRow.refunded_paise + amount}
    taken = await OrderLineRow.update(changed).where(OrderLineRow.id == line.id, enough).returning(OrderLineRow.refunded_paise)
    if not taken:
        [row] = await OrderLineRow.select(OrderLineRow.amount_paise, OrderLineRow.refunded_paise).where(OrderLineRow.id == line.id)
        raise _too_much(row, amount)
    return amount, line.amount_paise - int(taken[0]["refunded_paise"])


async def _require_taken(line: OrderLine, left_paise: int) -> None:
    """Raises Conflict for a fee that is only set aside, or whose application still goes on and needs it."""
    row = await CoverRow.select().where(CoverRow.order_line == line.id).first()
    if row is None:
        return
    if line.id in await never_taken([line.id]):
        say = f"The fee of {line.reference} was set aside in the wallet and never taken, so there is nothing to give back."
        raise Conflict(say, code="fee_not_taken")
    if row["state"] == CoverState.OPEN and left_paise <= 0:
        say = f"The application {line.reference} is still under way and needs its fee; it is withdrawn or rejected first."
        raise Conflict(say, code="application_under_way")


async def never_taken(line_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the fees that were only set aside in a wallet: let go since, or not taken yet."""
    rows = await CoverRow.select(CoverRow.order_line).where(CoverRow.order_line.is_in(list(line_ids)), CoverRow.kind == str(CoverKind.HOLD))
    keys = {f"post:{row['order_line']}": UUID(str(row["order_line"])) for row in rows}
    if not keys:
        return set()
    taken = {row["key"] for row in await JournalRow.select(JournalRow.key).where(JournalRow.key.is_in(list(keys)))}
    return {id for key, id in keys.items() if key not in taken}


async def _applied(order: Order) -> Attempt:
    """The try that paid the order."""
    rows = await AttemptRow.select().where(AttemptRow.applied_key == str(order.id))
    if not rows:
        raise Conflict(f"The order {order.reference} was paid by no payment that could go back.", code="order_state")
    return Attempt.of(rows[0])


def _require_amount(amount_paise: int) -> None:
    if amount_paise <= 0:
        raise Refused("There is nothing left to give back.", code="refund_amount", box="amount", rule="amount of a refund")


def _too_much(row: Mapping[str, Any], amount_paise: int) -> Refused:
    left = row["amount_paise"] - row["refunded_paise"]
    say = (
        f"Rs {rupees(row['amount_paise'])} were paid and Rs {rupees(row['refunded_paise'])} go back already: Rs {rupees(left)} are left, "
        f"and not Rs {rupees(amount_paise)}."
    )
    return Refused(say, code="refund_amount", box="amount", rule="no more than was paid")
