"""What a hand can do: the doors of the rooms of money, called as pages, gateways and rounds call them. Arguments and answers are JSON."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.application import Application, ApplicationState
from engine.contracts.signing import FormPost, RawCallback
from engine.filing import find, move, save_draft
from engine.money import post_cover, release_cover, withdraw_application
from engine.money.ledger import seal_journals
from engine.money.orders import Order, attempts_of, cancel_order, expire_due, lines_of, open_top_up, order_by_reference
from engine.money.orders.tables import RefundTo
from engine.money.paying import (
    Cashier,
    Heard,
    Refund,
    ReviewDecision,
    ask,
    ask_due,
    ask_refunds,
    credit_excess,
    decide_refund,
    hear_notice,
    hear_return,
    open_fee_order,
    pay_by_wallet,
    refund_excess,
    refund_line,
    refund_otherwise,
    refund_top_up,
    release_review,
    start_payment,
    submit_refunds,
    tell_refunds,
)
from engine.money.settling import chase_settlements, import_settlement
from engine.people import exporter_by_id
from engine.people.offices.keeping import office_by_id
from engine.scope import PLATFORM, Scope
from engine.store import FileStore, uow
from engine.store.audit import seal

__all__ = ["DEEDS", "Desk"]

Deed = Callable[..., Awaitable[Any]]
REASON = "A day of money."


@dataclass(frozen=True)
class Desk:
    """What a hand works with."""

    cashier: Cashier
    files: FileStore
    application: Application


# --- applications ------------------------------------------------------------------------------------


async def file(desk: Desk, *, office: str, firm: str, mark: str, at: datetime) -> str:
    """Writes an application and files it, without examining it: what the rooms of money find."""
    exporter = await exporter_by_id(PLATFORM, UUID(firm))
    assert exporter is not None
    async with uow():
        draft = await save_draft(desk.application, exporter=exporter, office=await office_by_id(PLATFORM, UUID(office)), actor=mark, at=at)
        await move(draft, ApplicationState.FILED, actor=mark, at=at, frm=(ApplicationState.DRAFT,))
    return draft.reference


async def withdraw(desk: Desk, *, firm: str, reference: str, mark: str, at: datetime) -> str:
    return str((await withdraw_application(Scope.exporter(UUID(firm)), reference, actor=mark, at=at)).state)


async def reject(desk: Desk, *, reference: str, mark: str, at: datetime) -> str:
    """What an officer's refusal does to state and money."""
    draft = await find(PLATFORM, reference)
    async with uow():
        await move(draft, ApplicationState.REJECTED, actor=mark, at=at, frm=(ApplicationState.FILED,))
        await release_cover(draft.id, actor=mark, at=at)
    return "rejected"


async def issue(desk: Desk, *, reference: str, mark: str, at: datetime) -> str:
    """What the last unit of work of an issue does to state and money; nothing is drawn."""
    draft = await find(PLATFORM, reference)
    async with uow():
        await move(draft, ApplicationState.ISSUED, actor=mark, at=at, frm=(ApplicationState.FILED,))
        await post_cover(draft.id, actor=mark, at=at)
    return "issued"


# --- orders and tries --------------------------------------------------------------------------------


async def order(desk: Desk, *, firm: str, references: list[str], mark: str, at: datetime) -> dict[str, Any]:
    return await _order(await open_fee_order(Scope.exporter(UUID(firm)), references, actor=mark, at=at))


async def top_up(desk: Desk, *, firm: str, office: str, paise: int, mark: str, at: datetime) -> dict[str, Any]:
    return await _order(await open_top_up(Scope.exporter(UUID(firm)), UUID(office), UUID(firm), paise, actor=mark, at=at))


async def look(desk: Desk, *, reference: str, mark: str, at: datetime) -> dict[str, Any]:
    """What the firm sees of its order."""
    return await _order(await order_by_reference(PLATFORM, reference))


async def cancel(desk: Desk, *, firm: str, reference: str, mark: str, at: datetime) -> None:
    await cancel_order(Scope.exporter(UUID(firm)), reference, actor=mark, at=at)


async def wallet(desk: Desk, *, firm: str, reference: str, again: bool, mark: str, at: datetime) -> str:
    return str((await pay_by_wallet(Scope.exporter(UUID(firm)), reference, again=again, actor=mark, at=at)).state)


async def start(desk: Desk, *, firm: str, reference: str, again: bool, mark: str, at: datetime) -> dict[str, Any]:
    """Where the payer's browser goes."""
    scope = Scope.exporter(UUID(firm))
    started = await start_payment(scope, reference, cashier=desk.cashier, again=again, actor=mark, at=at)
    mine = [each for each in await attempts_of(await order_by_reference(scope, reference)) if each.made_by == mark]
    form = started.handover if isinstance(started.handover, FormPost) else None
    return {
        "attempt": str(mine[0].id),
        "reference": mine[0].reference,
        "url": started.handover.url,
        "form": dict(form.fields) if form else None,
    }


# --- word from outside -------------------------------------------------------------------------------


async def returned(desk: Desk, *, gateway: str, token: str, raw: Mapping[str, Any], mark: str, at: datetime) -> dict[str, Any]:
    told = await hear_return(token, _raw(raw, at), cashier=desk.cashier, gateway=gateway, address=raw["address"], at=at)
    return _heard(told)


async def notice(desk: Desk, *, gateway: str, office: str, raw: Mapping[str, Any], mark: str, at: datetime) -> dict[str, Any]:
    return _heard(await hear_notice(gateway, office, _raw(raw, at), cashier=desk.cashier, address=raw["address"], at=at))


async def poll(desk: Desk, *, attempt: str, mark: str, at: datetime) -> dict[str, Any] | None:
    told = await ask(UUID(attempt), cashier=desk.cashier, at=at)
    return _heard(told) if told else None


async def settlement(desk: Desk, *, office: str, data: str, mark: str, at: datetime) -> dict[str, Any]:
    bytes_, cashier = base64.b64decode(data), desk.cashier
    told = await import_settlement(PLATFORM, UUID(office), "settlement.csv", bytes_, cashier=cashier, files=desk.files, actor=mark, at=at)
    return {"lines": told.lines, "known": told.known, "repeated": told.repeated}


# --- money that goes back, and what a person decides -------------------------------------------------


async def give_back_fee(desk: Desk, *, line: str, paise: int | None, back_to: str, mark: str, at: datetime) -> dict[str, Any]:
    to = RefundTo(back_to)
    return _refund(await refund_line(PLATFORM, UUID(line), amount_paise=paise, back_to=to, reason=REASON, actor=mark, at=at))


async def give_back_top_up(desk: Desk, *, attempt: str, paise: int | None, back_to: str, mark: str, at: datetime) -> dict[str, Any]:
    to = RefundTo(back_to)
    return _refund(await refund_top_up(PLATFORM, UUID(attempt), amount_paise=paise, back_to=to, reason=REASON, actor=mark, at=at))


async def give_back_excess(desk: Desk, *, attempt: str, back_to: str, mark: str, at: datetime) -> dict[str, Any]:
    id, to = UUID(attempt), RefundTo(back_to)
    if to is RefundTo.WALLET:
        return _refund(await credit_excess(PLATFORM, id, actor=mark, at=at))
    return _refund(await refund_excess(PLATFORM, id, back_to=to, reason=REASON, actor=mark, at=at))


async def otherwise(desk: Desk, *, refund: str, back_to: str, mark: str, at: datetime) -> dict[str, Any]:
    return _refund(await refund_otherwise(PLATFORM, UUID(refund), back_to=RefundTo(back_to), reason=REASON, actor=mark, at=at))


async def decide(desk: Desk, *, refund: str, done: bool, mark: str, at: datetime) -> dict[str, Any]:
    return _refund(await decide_refund(PLATFORM, UUID(refund), done=done, reason=REASON, actor=mark, at=at))


async def review(desk: Desk, *, attempt: str, decision: str, mark: str, at: datetime) -> str:
    to = ReviewDecision(decision)
    return str((await release_review(PLATFORM, UUID(attempt), to, REASON, cashier=desk.cashier, actor=mark, at=at)).state)


# --- rounds ------------------------------------------------------------------------------------------


async def round_of(desk: Desk, *, which: str, mark: str, at: datetime) -> int:
    """One round of a process that works, as `engine.rounds` has it."""
    return await _ROUNDS[which](desk.cashier, at)


_ROUNDS: Mapping[str, Callable[[Cashier, datetime], Awaitable[int]]] = {
    "payments": ask_due,
    "submit": submit_refunds,
    "refunds": ask_refunds,
    "tell": tell_refunds,
    "orders": lambda cashier, at: expire_due(at),
    "settlement": chase_settlements,
    "journal": lambda cashier, at: seal_journals(at),
    "audit": lambda cashier, at: seal(at),
}

DEEDS: Mapping[str, Deed] = {
    each.__name__: each
    for each in (
        file, withdraw, reject, issue, order, top_up, look, cancel, wallet, start, returned, notice, poll, settlement,
        give_back_fee, give_back_top_up, give_back_excess, otherwise, decide, review, round_of,
    )
}  # fmt: skip


async def _order(found: Order) -> dict[str, Any]:
    lines = [{"id": str(line.id), "application": line.reference, "paise": line.amount_paise} for line in await lines_of(found)]
    told = {"id": str(found.id), "reference": found.reference, "paise": found.amount_paise, "made_by": found.made_by}
    return {**told, "state": str(found.state), "paid_by": str(found.paid_by or ""), "lines": lines}


def _refund(found: Refund) -> dict[str, Any]:
    return {"id": str(found.id), "reference": found.reference, "paise": found.amount_paise, "state": str(found.state)}


def _heard(told: Heard) -> dict[str, Any]:
    status = told.reply.status if told.reply else None
    return {"verdict": str(told.verdict), "state": str(told.state or ""), "replayed": told.replayed, "status": status}


def _raw(raw: Mapping[str, Any], at: datetime) -> RawCallback:
    return RawCallback("POST", raw["headers"], {}, base64.b64decode(raw["body"]), at)
