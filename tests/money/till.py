"""A till: two offices that take payments through a gateway of a few lines, filed applications, and their firm."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from engine.application import Application, ApplicationState
from engine.contracts.paying import GatewayEvent, PaymentLimits, PaymentOutcome, StartedPayment, StartPayment
from engine.contracts.payment import GatewayContext, GatewayField
from engine.contracts.signing import HttpReply, RawCallback, Redirect
from engine.errors import Untrusted
from engine.filing import Draft, find, move, save_draft
from engine.mail.tables import LetterRow
from engine.money.fees import NewFee, Rounding, add_fee
from engine.money.gateways import Tester, save_parameters
from engine.money.gateways.tables import ActivationRow
from engine.money.ledger import Book, Entry, JournalKind, balance, check_books, clearing, post, wallet
from engine.money.orders import Attempt, Order, attempts_of, order_by_id
from engine.money.orders.tables import AttemptRow, InboxRow, MoveRow, OrderRow
from engine.money.paying import Cashier, hear_notice, hear_return, open_fee_order, start_payment
from engine.money.tables import CoverRow
from engine.money.terms import NewTerms, set_terms
from engine.people import ExporterHere, OfficeHere, add_agency, add_exporter_user, add_office, appoint_administrator, register_exporter
from engine.people.changes.tables import ChangeRow
from engine.people.offices.keeping import office_by_id
from engine.people.tables import Office
from engine.scope import PLATFORM, Scope
from engine.store import SecretBox, uow
from tests.clocks import StillClock

__all__ = ["BASE", "KEY", "START", "Scripted", "Till", "make_till", "signed"]

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
BASE = "https://coo.example.in"
KEY = "k9XvQ2mNpR7sT4wZ"


def signed(body: dict[str, Any], key: str = KEY) -> bytes:
    """A message as the scripted gateway signs it."""
    text = json.dumps(body, sort_keys=True).encode()
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest().encode() + b"." + text


class Scripted:
    """A gateway whose messages are JSON behind their checksum, and whose answers a test lays out."""

    id, title = "scripted", "Scripted"
    config_fields: Sequence[Any] = ()
    limits = PaymentLimits(least_paise=100, most_paise=1_00_000_00, keeps_versions_days=10)
    fields = (
        GatewayField("merchant", "Merchant ID", "", "[A-Z0-9]+", "", "MUM01"),
        GatewayField("key", "Checksum", "", "[A-Za-z0-9]+", "", KEY, secret=True),
    )

    def __init__(self) -> None:
        self.starts: list[StartPayment] = []
        self.asked: list[str] = []
        self.on_start: Any = None
        self.answers: dict[str, Any] = {}

    def validate_config(self, settings: Any) -> Sequence[str]:
        return ()

    def hosts(self, settings: Any) -> Sequence[str]:
        return ()

    def validate(self, values: Any) -> Sequence[Any]:
        return ()

    async def test_connection(self, ctx: GatewayContext) -> Any:
        raise NotImplementedError

    async def start(self, ctx: GatewayContext, payment: StartPayment) -> StartedPayment:
        self.starts.append(payment)
        if isinstance(self.on_start, Exception):
            raise self.on_start
        if self.on_start is not None:
            await self.on_start(payment)
        return StartedPayment(Redirect("https://pay.example.in/" + payment.reference), "G" + payment.reference)

    def locate(self, raw: RawCallback) -> str | None:
        return str(json.loads(raw.body.partition(b".")[2])["reference"])

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        mark, _, text = raw.body.partition(b".")
        if not hmac.compare_digest(mark, signed_mark(ctx, text)):
            raise Untrusted("The checksum is wrong.")
        told = json.loads(text)
        return event_of(told)

    def acknowledge(self, accepted: bool) -> HttpReply:
        return HttpReply(200, b"OK") if accepted else HttpReply(400, b"NO")

    async def query(self, ctx: GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0) -> GatewayEvent:
        self.asked.append(reference)
        answer = self.answers.get(reference, PaymentOutcome.NOT_FOUND)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, GatewayEvent):
            return answer
        told = {"outcome": str(answer), "reference": reference, "amount": amount_paise, "merchant": ctx.values["merchant"]}
        return event_of(told)


def signed_mark(ctx: GatewayContext, text: bytes) -> bytes:
    return hmac.new(ctx.secrets["key"].value.encode(), text, hashlib.sha256).hexdigest().encode()


def event_of(told: dict[str, Any]) -> GatewayEvent:
    """The statement of a message; what it leaves out is None."""
    key = told.get("key") or "/".join(str(told.get(name)) for name in ("reference", "txn", "outcome", "amount"))
    return GatewayEvent(
        key=key,
        outcome=PaymentOutcome(told["outcome"]),
        reference=told["reference"],
        merchant=told.get("merchant"),
        amount_paise=told.get("amount"),
        currency=told.get("currency", "INR"),
        gateway_txn_id=told.get("txn", ""),
        code=told.get("code", ""),
        say=told.get("say", ""),
    )


@dataclass
class Till:
    """What the tests of paying act on; `clock` stands until a test moves it."""

    gateway: Scripted
    cashier: Cashier
    box: SecretBox
    clock: StillClock
    office: OfficeHere
    other: OfficeHere
    firm: ExporterHere
    rival: ExporterHere
    application: Application
    administrator: UUID
    tokens: dict[UUID, str] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        return self.clock.now()

    @property
    def scope(self) -> Scope:
        return Scope.exporter(self.firm.id)

    def later(self, **span: float) -> None:
        self.clock.forward(**span)

    @asynccontextmanager
    async def after(self, **span: float) -> AsyncIterator[None]:
        """So much later, for as long as the block lasts."""
        then = self.clock.at
        self.clock.forward(**span)
        yield
        self.clock.at = then

    # --- what is owed -------------------------------------------------------------------------

    async def filed(self, *, office: OfficeHere | None = None, firm: ExporterHere | None = None) -> Draft:
        draft = await save_draft(self.application, exporter=firm or self.firm, office=office or self.office, actor="test", at=self.at)
        async with uow():
            await move(draft, ApplicationState.FILED, actor="test", at=self.at, frm=(ApplicationState.DRAFT,))
        return await find(PLATFORM, draft.reference)

    async def order(self, count: int = 1) -> Order:
        drafts = [await self.filed() for _ in range(count)]
        return await open_fee_order(self.scope, [draft.reference for draft in drafts], actor="test", at=self.at)

    async def terms(self, office: OfficeHere | None = None, **more: str) -> None:
        here = office or self.office
        told = {
            "on_rejection": "refund",
            "on_withdrawal": "refund",
            "fee_taken": "filing",
            "top_up_is": "deposit",
            "receipt_code": here.code,
        }
        await set_terms(Scope.agency(here.agency_id), here, NewTerms(**{**told, **more}), actor="test", at=self.at)

    async def parameters(self, merchant: str, key: str = KEY, office: OfficeHere | None = None) -> UUID:
        """A version that is in use from now on, as a confirmed change would put it."""
        here = office or self.office
        scope = Scope.agency(here.agency_id)
        told = {"merchant": merchant, "key": key}
        id = await save_parameters(scope, here, self.gateway, told, shared=True, box=self.box, actor="test", at=self.at)  # type: ignore[arg-type]
        change = ChangeRow(
            agency=here.agency_id,
            office=here.id,
            kind="payment_parameters",
            subject=str(here.id),
            state="done",
            asked_by=self.administrator,
            asked_as="administrator",
            asked_at=self.at,
            decided_at=self.at,
        )
        change.live_key = str(change.id)
        async with uow():
            await activate(here, id, change, self.at)
        return id

    async def fund(self, paise: int, office: OfficeHere | None = None) -> None:
        here = office or self.office
        entries = [Entry(clearing("scripted"), wallet(self.firm.id), paise)]
        book = Book(here.agency_id, here.id)
        key = f"fund:{uuid4()}"
        await post(book, JournalKind.TOP_UP, entries, key=key, subject="fund", exporter_id=self.firm.id, actor="test", at=self.at)

    async def available(self) -> int:
        return (await balance(PLATFORM, self.office.id, self.firm.id)).available_paise

    async def switch_wallet(self, on: bool) -> None:
        async with uow():
            await Office.update({Office.wallet: on}).where(Office.id == self.office.id)

    # --- paying -------------------------------------------------------------------------------

    async def start(self, order: Order, **more: Any) -> Attempt:
        """A try that began; its token is kept."""
        await start_payment(self.scope, order.reference, cashier=self.cashier, actor="test", at=self.at, **more)
        return await self.newest(order)

    async def newest(self, order: Order) -> Attempt:
        wanted = self.gateway.starts[-1]
        [attempt] = [each for each in await attempts_of(order) if each.reference == wanted.reference]
        self.tokens[attempt.id] = wanted.return_url.rpartition("/")[2]
        return attempt

    def told(self, attempt: Attempt, outcome: str = "succeeded", **more: Any) -> dict[str, Any]:
        plain = {"outcome": outcome, "reference": attempt.reference, "merchant": "MUM01", "amount": attempt.amount_paise, "txn": "T1"}
        return {**plain, **more}

    def raw(self, body: bytes, method: str = "POST") -> RawCallback:
        return RawCallback(method, {"content-type": "application/json"}, {}, body, self.at)

    async def notice(self, body: bytes, *, office: OfficeHere | None = None, address: str = "192.0.2.1") -> Any:
        account = str((office or self.office).id)
        return await hear_notice("scripted", account, self.raw(body), cashier=self.cashier, address=address, at=self.at)

    async def back(self, attempt: Attempt, body: bytes, *, address: str = "192.0.2.1", method: str = "POST") -> Any:
        token = self.tokens[attempt.id]
        return await hear_return(token, self.raw(body, method), cashier=self.cashier, gateway="scripted", address=address, at=self.at)

    # --- what is there afterwards -------------------------------------------------------------

    async def now(self, attempt: Attempt) -> Attempt:
        return Attempt.of((await AttemptRow.select().where(AttemptRow.id == attempt.id))[0])

    async def of(self, order: Order) -> Order:
        return await order_by_id(PLATFORM, order.id)

    async def counted(self) -> dict[str, int]:
        """How many rows of each kind there are: what one payment makes is made once."""
        from engine.money.ledger.tables import JournalRow
        from engine.money.receipts.tables import ReceiptRow

        tables = (InboxRow, MoveRow, JournalRow, ReceiptRow, CoverRow, LetterRow)
        paid = await OrderRow.count().where(OrderRow.state == "paid")
        return {table._meta.tablename: int(await table.count()) for table in tables} | {"paid": int(paid)}

    async def sound(self) -> None:
        """The books are right."""
        assert await check_books(None, None) == []


async def activate(office: OfficeHere, id: UUID, change: ChangeRow, at: datetime) -> None:
    """Ends what is in use and puts the version into use."""
    for row in await ActivationRow.select(ActivationRow.id).where(ActivationRow.live_key == str(office.id)):
        ended = {ActivationRow.live_key: str(row["id"]), ActivationRow.ended_at: at}
        await ActivationRow.update(ended).where(ActivationRow.id == row["id"])
    await ChangeRow.insert(change)
    await ActivationRow.insert(
        ActivationRow(agency=office.agency_id, office=office.id, parameters=id, change=change.id, live_key=str(office.id), activated_at=at)
    )


async def make_till(box: SecretBox, application: Application) -> Till:
    """Fills an empty database."""
    gateway, clock = Scripted(), StillClock(START)
    registry: Any = SimpleNamespace(gateways={"scripted": gateway}, gateway=lambda id: {"scripted": gateway}[id])
    cashier = Cashier(Tester(registry, {}, True, box, clock), BASE)
    agency = await add_agency("EIA", "Export Agency", actor="test", at=START)
    offices = []
    for code, state in (("MUM", "27"), ("DEL", "07")):
        id = await add_office(agency, code, f"Office {code}", "A City", actor="test", at=START, state=state, gstin="")
        offices.append(await office_by_id(PLATFORM, id))
    administrator = await appoint_administrator(agency, email="ann@example.in", name="Ann", actor="test", at=START)
    firms = [
        await register_exporter(iec, name, gstin, actor="test", at=START)
        for iec, name, gstin in (("AAACK1234F", "KONKAN KERNELS LLP", "27AAACK1234F1Z5"), ("AAACR9876K", "RIVAL EXPORTS", ""))
    ]
    await add_exporter_user(
        firms[0].id, email="pay@konkan.example.in", name="Payer", rights="see,prepare,submit,pay", actor="test", at=START
    )
    till = Till(gateway, cashier, box, clock, *offices, *firms, application, administrator)
    fee = NewFee(None, "", "", 20000, 1800, "998599", Rounding.PAISA, till.at.date())
    await add_fee(Scope.agency(agency), agency, fee, actor="test", at=START)
    await till.switch_wallet(True)
    till.office = replace(till.office, wallet=True)
    for office, merchant in zip(offices, ("MUM01", "DEL01"), strict=True):
        await till.terms(office)
        await till.parameters(merchant, KEY if merchant == "MUM01" else "delhiDELHIdelhi1", office)
    return till
