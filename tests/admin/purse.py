"""What one firm paid at one office: an application with its paid order, receipt, refund and wallet, a payment that nobody owed, and a
settlement file. Made by the rooms' own doors, but for what only a gateway could have said."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID, uuid4

from engine.application import Application, ApplicationState
from engine.filing import Draft, find, move, read, save_draft
from engine.money.ledger import Book, Entry, JournalKind, clearing, post, wallet
from engine.money.orders import attempts_of, lines_of, order_by_reference
from engine.money.orders.tables import AttemptRow, RefundTo
from engine.money.paying import open_fee_order, pay_by_wallet
from engine.money.paying.refunding import refund_line
from engine.money.receipts import receipts_of_order
from engine.money.settling.tables import Match, SettlementFileRow, SettlementLineRow
from engine.money.terms import NewTerms, set_terms
from engine.people import exporter_by_id
from engine.people.offices.keeping import office_by_id
from engine.people.tables import Office
from engine.scope import PLATFORM, Scope
from engine.store import uow

__all__ = ["excess", "filed_at_office", "fund", "money_of"]


@cache
def application() -> Application:
    """The AIFTA example."""
    return read((files("plugins") / "templates" / "aifta" / "example.json").read_bytes())


async def filed_at_office(office: UUID, exporter: UUID, at: datetime) -> Draft:
    """A filed application of that firm at that office."""
    firm = await exporter_by_id(PLATFORM, exporter)
    assert firm
    draft = await save_draft(application(), exporter=firm, office=await office_by_id(PLATFORM, office), actor="test", at=at)
    async with uow():
        await move(draft, ApplicationState.FILED, actor="test", at=at, frm=(ApplicationState.DRAFT,))
    return await find(PLATFORM, draft.reference)


async def fund(agency: UUID, office: UUID, exporter: UUID, paise: int, at: datetime) -> None:
    """Money in the firm's wallet there."""
    entries = [Entry(clearing("sandbox"), wallet(exporter), paise)]
    subject, key = "a top-up", f"fund:{uuid4()}"
    await post(Book(agency, office), JournalKind.TOP_UP, entries, key=key, subject=subject, exporter_id=exporter, actor="test", at=at)


async def money_of(agency: UUID, office: UUID, exporter: UUID, parameters: UUID, code: str, at: datetime) -> dict[str, str]:
    """The ids of it all, by the names of path parameters; the office keeps wallets from then on."""
    scope, here = Scope.agency(agency), await office_by_id(PLATFORM, office)
    async with uow():
        await Office.update({Office.wallet: True}).where(Office.id == office)
    told = {"on_rejection": "refund", "on_withdrawal": "wallet", "fee_taken": "filing", "top_up_is": "deposit", "receipt_code": code}
    await set_terms(scope, here, NewTerms(**told), actor="test", at=at)
    await fund(agency, office, exporter, 1_000_00, at)
    paid, waiting = [await filed_at_office(office, exporter, at) for _ in range(2)]
    whole = Scope.exporter(exporter)
    order = await open_fee_order(whole, [paid.reference], actor="test", at=at)
    order = await pay_by_wallet(whole, order.reference, actor="test", at=at)
    [line] = await lines_of(order)
    refund = await refund_line(PLATFORM, line.id, amount_paise=100, back_to=RefundTo.WALLET, reason="A part", actor="test", at=at)
    receipts = await receipts_of_order(PLATFORM, order.id)
    attempt = await excess(order, parameters, at)
    file, settled = await _settled(agency, office, parameters, at)
    assert (await attempts_of(await order_by_reference(PLATFORM, order.reference)))[0].id == attempt
    return {
        "application": waiting.reference,
        "order": order.reference,
        "receipt": str(receipts[0].id),
        "attempt": str(attempt),
        "refund": str(refund.id),
        "firm": str(exporter),
        "settlement": str(file),
        "line": str(settled),
    }


async def excess(order: Any, parameters: UUID, at: datetime) -> UUID:
    """A payment of an order that the wallet paid already."""
    row = AttemptRow(
        order=order.id,
        **order.owner,
        reference=f"X{uuid4().hex[:19].upper()}",
        token_sha256=uuid4().hex,
        gateway="sandbox",
        parameters=parameters,
        amount_paise=order.amount_paise,
        state="succeeded",
        disposition="excess",
        made_by="test",
        made_at=at,
        changed_at=at,
        succeeded_at=at,
    )
    row.applied_key = str(row.id)
    async with uow():
        await AttemptRow.insert(row)
    return UUID(str(row.id))


async def _settled(agency: UUID, office: UUID, parameters: UUID, at: datetime) -> tuple[UUID, UUID]:
    whose: dict[str, Any] = {"agency": agency, "office": office, "gateway": "sandbox"}
    sums = {"gross_paise": 100_00, "fee_paise": 2_00, "tax_paise": 36, "net_paise": 97_64}
    file = SettlementFileRow(
        **whose, **sums, parameters=parameters, name="settled.csv", sha256=uuid4().hex, lines=1, imported_by="test", imported_at=at
    )
    line = SettlementLineRow(
        **whose,
        **sums,
        file=file.id,
        line_key=f"pay:{uuid4().hex}",
        kind="payment",
        reference="23456789ABCDEFGHJKMN",
        gateway_txn_id="T1",
        utr="UTR1",
        settled_on=at.date(),
        match=str(Match.MISSING_HERE),
        changed_at=at,
    )
    line.matched_key = str(line.id)
    async with uow():
        await SettlementFileRow.insert(file)
        await SettlementLineRow.insert(line)
    return UUID(str(file.id)), UUID(str(line.id))
