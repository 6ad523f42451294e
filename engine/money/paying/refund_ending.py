"""How a refund ends, in the caller's unit of work: DONE with its journal, its document and its announcement, or FAILED.

What a gateway gave back leaves the clearing account, what the office moved itself leaves its bank account, and what is credited is in
the wallet. A refund is DONE once: its row moves by compare-and-swap, its journal has one key, its document one subject.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.money.fees.shares import Parts
from engine.money.ledger import (
    Account,
    Book,
    Entry,
    JournalKind,
    bank,
    clearing,
    fee_income,
    gst,
    let_go,
    post,
    refund_payable,
    take_hold,
    wallet,
)
from engine.money.ledger.tables import JournalRow
from engine.money.orders.tables import AttemptRow, Disposition, OrderLineRow, RefundRow, RefundState, RefundTo, RefundWhy
from engine.money.paying.refund_rows import Refund, move_refund, note_refund
from engine.money.receipts import make_credit_receipt, make_refund_document, parts_going_back
from engine.store.tables import Announcement
from engine.store.unit import joining

__all__ = ["end_done", "end_failed", "hold_key"]


def hold_key(refund_id: UUID) -> str:
    """The key of the journal that sets a top-up aside while it is given back."""
    return f"refund-hold:{refund_id}"


async def end_done(refund: Refund, *, actor: str, at: datetime, **changes: Any) -> Refund:
    """The refund is DONE: money is back. `changes` are further columns. Raises Conflict (`refund_version`) if it changed since."""
    async with joining():
        done = await move_refund(refund, RefundState.DONE, at=at, **changes)
        if done.why is RefundWhy.EXCESS:
            journal = await _post(done, [Entry(refund_payable(), await _where_to(done), done.amount_paise)], actor, at)
            await _dispose(done)
            if done.back_to is RefundTo.WALLET:
                await make_credit_receipt(done.id, journal_id=journal, actor=actor, at=at)
        else:
            parts, journal = await (_end_fee if done.why is RefundWhy.FEE else _end_top_up)(done, actor, at)
            await make_refund_document(done.id, parts=parts, journal_id=journal, actor=actor, at=at)
        await _announce(done, at)
        await note_refund("refund_done", done, actor, at)
    return done


async def end_failed(refund: Refund, *, code: str, say: str, actor: str, at: datetime, **changes: Any) -> Refund:
    """The refund is FAILED, for certain: nothing went back. A fee or an excess is still owed, and waits for the office's hand; a top-up
    is available in the wallet again, and may be asked for anew."""
    async with joining():
        failed = await move_refund(refund, RefundState.FAILED, at=at, code=code[:60], say=say[:300], **changes)
        if failed.why is RefundWhy.TOP_UP:
            await _let_go(failed, actor, at)
            less: dict[Any, Any] = {
                AttemptRow.refunded_paise: AttemptRow.refunded_paise - failed.amount_paise,
                AttemptRow.version: AttemptRow.version + 1,
            }
            await AttemptRow.update(less).where(AttemptRow.id == failed.attempt_id)
        await note_refund("refund_failed", failed, actor, at, code=code[:60])
    return failed


def _book(refund: Refund) -> Book:
    return Book(refund.agency_id, refund.office_id)


async def _post(refund: Refund, entries: Sequence[Entry], actor: str, at: datetime) -> UUID:
    posted = await post(
        _book(refund),
        JournalKind.REFUND,
        entries,
        key=f"refund:{refund.id}",
        subject=refund.reference,
        exporter_id=refund.exporter_id,
        reason=refund.reason,
        actor=actor,
        at=at,
    )
    return posted.journal_id


async def _where_to(refund: Refund) -> Account:
    """The account that the money leaves for the firm, or the firm's wallet."""
    if refund.back_to is RefundTo.WALLET:
        return wallet(refund.exporter_id)
    return bank() if refund.back_to is RefundTo.BY_HAND else clearing(await _gateway(refund))


async def _gateway(refund: Refund) -> str:
    [row] = await AttemptRow.select(AttemptRow.gateway).where(AttemptRow.id == refund.attempt_id)
    return str(row["gateway"])


# --- a fee -----------------------------------------------------------------------------------------


async def _end_fee(refund: Refund, actor: str, at: datetime) -> tuple[Parts, UUID]:
    """Takes the fee's share out of income and taxes. The fee stays held, so that shares of it are told one after the other."""
    held = OrderLineRow.update({OrderLineRow.refunded_paise: OrderLineRow.refunded_paise}).where(OrderLineRow.id == refund.line_id)
    [line] = await held.returning(*OrderLineRow.all_columns())
    parts = await parts_going_back(refund.id)
    journal = await _post(refund, _fee_entries(line, parts, await _where_to(refund)), actor, at)
    done = await RefundRow.select(RefundRow.amount_paise).where(
        RefundRow.order_line == line["id"], RefundRow.state == str(RefundState.DONE)
    )
    if sum(row["amount_paise"] for row in done) == line["amount_paise"]:  # its application owes it no more
        ended = {OrderLineRow.live_key: str(line["id"]), OrderLineRow.ended_at: at}
        await OrderLineRow.update(ended).where(OrderLineRow.id == line["id"], OrderLineRow.ended_at.is_null())
    return parts, journal


def _fee_entries(line: Mapping[str, Any], parts: Parts, to: Account) -> list[Entry]:
    sums = {
        fee_income(line["scheme"]): parts.base_paise,
        gst("cgst"): parts.cgst_paise,
        gst("sgst"): parts.sgst_paise,
        gst("igst"): parts.igst_paise,
    }
    return [Entry(account, to, paise) for account, paise in sums.items() if paise]


# --- an excess payment, and a top-up ----------------------------------------------------------------


async def _dispose(refund: Refund) -> None:
    """Says at the try where its money went."""
    where = Disposition.CREDITED if refund.back_to is RefundTo.WALLET else Disposition.REFUNDED
    told = {AttemptRow.disposition: str(where), AttemptRow.version: AttemptRow.version + 1}
    await AttemptRow.update(told).where(AttemptRow.id == refund.attempt_id, AttemptRow.disposition == str(Disposition.EXCESS))


async def _hold_of(refund: Refund) -> UUID:
    [row] = await JournalRow.select(JournalRow.id).where(JournalRow.key == hold_key(refund.id))
    return UUID(str(row["id"]))


async def _let_go(refund: Refund, actor: str, at: datetime) -> None:
    key = f"refund-void:{refund.id}"
    await let_go(_book(refund), await _hold_of(refund), key=key, subject=refund.reference, actor=actor, at=at)


async def _end_top_up(refund: Refund, actor: str, at: datetime) -> tuple[Parts, UUID]:
    """Takes what was set aside for the gateway; what the office moves itself leaves the bank instead. The payment stays held, so that
    shares of it are told one after the other."""
    await AttemptRow.update({AttemptRow.version: AttemptRow.version}).where(AttemptRow.id == refund.attempt_id)
    parts = await parts_going_back(refund.id)
    if refund.back_to is RefundTo.BY_HAND:
        await _let_go(refund, actor, at)
        return parts, await _post(refund, [Entry(wallet(refund.exporter_id), bank(), refund.amount_paise)], actor, at)
    key = f"refund:{refund.id}"
    taken = await take_hold(_book(refund), await _hold_of(refund), key=key, subject=refund.reference, actor=actor, at=at)
    return parts, taken.journal_id


# --- telling ------------------------------------------------------------------------------------------


async def _announce(refund: Refund, at: datetime) -> None:
    payload = json.dumps({"refund": refund.reference, "back_to": str(refund.back_to), "amount_paise": refund.amount_paise})
    await Announcement.insert(Announcement(topic="coo_refund_settled", payload=payload, made_at=at, due_at=at))
