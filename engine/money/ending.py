"""The end of an application as its money sees it: issued, so that what was set aside is taken; or ended without a certificate, so
that the fee goes where the order's frozen terms say. And the exporter's deed that ends one: withdrawing it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from engine.application import ApplicationState
from engine.errors import Conflict, Forbidden
from engine.filing import Draft, find, move
from engine.filing.tables import ApplicationRow
from engine.money.covering import cover_of
from engine.money.ledger import let_go, take_hold
from engine.money.orders.closing import cancel_within, end_line, hold_open, under_way
from engine.money.orders.finding import line_by_id, live_line, order_by_id
from engine.money.orders.nouns import Order, OrderLine
from engine.money.orders.tables import PaidBy, RefundTo
from engine.money.paying.refunding import refund_line
from engine.money.paying.settled import book_of
from engine.money.receipts import make_receipt
from engine.money.replacing import let_go_of_replaced
from engine.money.tables import CoverKind, CoverRow, CoverState
from engine.money.terms import OnEnding, terms_by_id
from engine.people.offices.keeping import office_by_id
from engine.scope import PLATFORM, Scope, ScopeKind
from engine.store import uow

__all__ = ["post_cover", "release_cover", "withdraw_application"]

# What an exporter may take back: filed, or back with them for an answer. Once it is approved, a certificate is being made.
_WITHDRAWABLE = (ApplicationState.FILED, ApplicationState.QUERIED)


async def withdraw_application(scope: Scope, reference: str, *, actor: str, at: datetime) -> Draft:
    """Withdraws a filed application that is not approved, and gives it as it stands then; its fee goes where the terms of its order
    say. An open order that names it is cancelled, and the other applications of that order may be paid in a new one.

    Raises NotFound for one that the scope does not cover, Forbidden for whoever is not the exporter's, and Conflict for one that
    is not filed, or while a payment for it is under way.
    """
    draft = await find(scope, reference)
    if scope.kind not in {ScopeKind.EXPORTER, ScopeKind.BROKER, ScopeKind.PLATFORM}:
        raise Forbidden("Only the exporter withdraws an application; an office rejects it.", code="withdraw")
    async with uow():
        await move(draft, ApplicationState.WITHDRAWN, actor=actor, at=at, frm=_WITHDRAWABLE)
        await _require_no_payment(draft)
        await release_cover(draft.id, actor=actor, at=at)
    return await find(scope, reference)


async def post_cover(application_id: UUID, *, actor: str, at: datetime) -> None:
    """Takes what the cover set aside, in the unit of work of the issue. Raises Conflict if there is no open cover."""
    posted = (
        await CoverRow.update({CoverRow.state: str(CoverState.POSTED), CoverRow.ended_at: at})
        .where(CoverRow.live_key == str(application_id), CoverRow.state == str(CoverState.OPEN))
        .returning(*CoverRow.all_columns())
    )
    if len(posted) != 1:
        raise Conflict("The application has no open cover.", code="cover_missing")
    if posted[0]["kind"] == CoverKind.HOLD:
        await _take(posted[0], await line_by_id(PLATFORM, posted[0]["order_line"]), actor, at)


async def release_cover(application_id: UUID, *, actor: str, at: datetime) -> None:
    """Lets go of what was set aside, money and claim alike, in the caller's unit of work: the application ended without a certificate.

    An order that is open for it is cancelled. What was paid goes where the order's terms say for an application that was
    withdrawn, or else was rejected.
    """
    await let_go_of_replaced(application_id, at)
    line = await live_line(application_id)
    if line is not None:
        await cancel_within(await order_by_id(PLATFORM, line.order_id), actor=actor, at=at)
    ended = {CoverRow.state: str(CoverState.RELEASED), CoverRow.ended_at: at, CoverRow.live_key: str(uuid4())}
    released = (
        await CoverRow.update(ended)
        .where(CoverRow.live_key == str(application_id), CoverRow.state == str(CoverState.OPEN))
        .returning(*CoverRow.all_columns())
    )
    for cover in released:
        if cover["order_line"] is not None:
            await _give_back(cover, await line_by_id(PLATFORM, cover["order_line"]), actor, at)


async def _require_no_payment(draft: Draft) -> None:
    """Raises Conflict while money for its fee may come at any moment: it would come for nothing."""
    line = await live_line(draft.id)
    if line is None or await cover_of(draft) is not None:
        return
    order = await order_by_id(PLATFORM, line.order_id)
    if await hold_open(order) and await under_way(order):
        say = f"A payment for {draft.reference} is under way (order {order.reference}). Withdraw it once that is over."
        raise Conflict(say, code="payment_under_way", reference=draft.reference)


async def _give_back(cover: Mapping[str, Any], line: OrderLine, actor: str, at: datetime) -> None:
    """What the terms say of a fee that brought no certificate."""
    order = await order_by_id(PLATFORM, line.order_id)
    ending = await _ending(order, line)
    if cover["kind"] == CoverKind.HOLD:
        if ending is OnEnding.KEEP:
            await _take(cover, line, actor, at)
            return
        await let_go(book_of(line), cover["hold"], key=f"void:{line.id}", subject=order.reference, actor=actor, at=at)
        await end_line(line, at=at)
        return
    if ending is OnEnding.KEEP or not line.amount_paise:
        return
    from_wallet = order.paid_by is PaidBy.WALLET  # back the way it came is into the wallet again
    credited = ending is OnEnding.WALLET and (await office_by_id(PLATFORM, line.office_id)).wallet  # switched off since: as it came
    back_to = RefundTo.WALLET if credited or from_wallet else RefundTo.SOURCE
    reason = f"The application {line.reference} ended without a certificate."
    await refund_line(PLATFORM, line.id, amount_paise=None, back_to=back_to, reason=reason, actor=actor, at=at)


async def _ending(order: Order, line: OrderLine) -> OnEnding:
    terms = await terms_by_id(PLATFORM, order.terms_id)
    row = (await ApplicationRow.select(ApplicationRow.state).where(ApplicationRow.id == line.application_id))[0]
    return terms.on_withdrawal if row["state"] == ApplicationState.WITHDRAWN else terms.on_rejection


async def _take(cover: Mapping[str, Any], line: OrderLine, actor: str, at: datetime) -> None:
    """The fee that was set aside is the office's now, and has its receipt."""
    order = await order_by_id(PLATFORM, line.order_id)
    posted = await take_hold(book_of(line), cover["hold"], key=f"post:{line.id}", subject=order.reference, actor=actor, at=at)
    await make_receipt(order.id, journal_id=posted.journal_id, line_ids=[line.id], actor=actor, at=at)
