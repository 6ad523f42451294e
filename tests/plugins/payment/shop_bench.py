"""A firm that pays and an office that is paid, on a whole site served beside the rehearsal gateway: all of it over real HTTP.

The payer's browser, the gateway's server and the site meet at three addresses of this machine. One clock is everybody's, and stands
still until a scenario moves it. Whoever signs in, files and pays does so by the site's own pages; the rounds of the site are run by hand.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest

from engine.config import AccessSection
from engine.filing import find
from engine.mail.tables import LetterRow
from engine.money.ledger import check_books, trial_balance
from engine.money.ledger.tables import JournalRow
from engine.money.orders import Attempt, Order, attempts_of, lines_of, moves_of, order_by_id, order_by_reference
from engine.money.orders.finding import live_line
from engine.money.orders.tables import InboxRow
from engine.money.paying import Cashier, ask_due
from engine.money.receipts import receipts_of_order
from engine.money.settling import check_clearing
from engine.money.tables import CoverRow
from engine.people import ExporterHere, OfficeHere
from engine.people.access import Device, Stage
from engine.people.access.sessions import begin
from engine.scope import PLATFORM, Scope
from engine.site import Site
from engine.store import uow
from plugins.payment.sandbox.rehearsal.till import Merchant, Payment
from tests.admin.purse import filed_at_office
from tests.admin.till_of_site import enter_parameters
from tests.clocks import StillClock
from tests.plugins.payment.wires_bench import Wire
from tests.rehearsal import Rehearsal

__all__ = ["Shop"]

TOKEN, AMOUNT = (re.compile(rf'name="{name}" value="([0-9a-f]+)"') for name in ("_csrf_token", "amount"))
FORM = re.compile(r'<form method="post" action="([^"]+)" id="hand-over">(.*?)</form>', re.DOTALL)
FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass
class Shop:
    """The served site, its two offices and their merchants at the gateway, the browsers of two firms and of the office's
    administrator; `crowd` has no cookies."""

    wire: Wire
    site: Site
    base: str
    rehearsal: Rehearsal
    office: OfficeHere
    other: OfficeHere
    firm: ExporterHere
    merchant: Merchant
    others: Merchant
    accounts: dict[str, UUID]
    payer: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)
    stranger: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)
    manager: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)
    crowd: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)
    log: pytest.LogCaptureFixture | None = None

    @property
    def clock(self) -> StillClock:
        return self.rehearsal.clock

    @property
    def cashier(self) -> Cashier:
        return self.site.cashier()

    @property
    def staff(self) -> Scope:
        return Scope.agency(self.office.agency_id)

    async def close(self) -> None:
        for browser in (self.payer, self.stranger, self.manager, self.crowd):
            await browser.aclose()

    async def enter_parameters(self) -> None:
        """The office enters what its merchant at the gateway has now, and takes it into use."""
        values = {**self.wire.shown(self.merchant), **self.wire.hidden(self.merchant)}
        await enter_parameters(self.site, self.office, self.wire.gateway, values)

    def proofless(self) -> list[str]:
        """What the log says of messages that proved nothing."""
        assert self.log is not None
        return [each.message for each in self.log.records if each.message == "a payment message proved nothing"]

    async def enter(self, who: str = "payer") -> httpx.AsyncClient:
        """A person signs in anew, as sessions end while time goes by."""
        async with uow():
            token = await begin(self.accounts[who], Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=self.clock.now())
        browser: httpx.AsyncClient = getattr(self, who)
        browser.cookies.clear()
        browser.cookies.set("session", token)
        return browser

    # --- the payer ------------------------------------------------------------------------------

    async def arrives(self) -> None:
        """The payer sits down, a moment after whatever was before."""
        self.clock.forward(seconds=1)
        await self.enter()

    async def filed(self) -> str:
        return (await filed_at_office(self.office.id, self.firm.id, self.clock.now())).reference

    async def press(self, path: str, page: str, **fields: Any) -> httpx.Response:
        """A form of the site's, taken from one of its pages."""
        token = TOKEN.search((await self.payer.get(self.base + page)).text)
        assert token, page
        return await self.payer.post(self.base + path, data={"_csrf_token": token[1], **fields}, headers={"origin": self.base})

    async def asked_for(self, *references: str) -> dict[str, Any]:
        """What the page of the fees asks the payer to send."""
        page = await self.payer.get(f"{self.base}/pay/fees", params={"application": references})
        amount = AMOUNT.search(page.text)
        assert amount, page.text
        return {"application": references, "way": "gateway", "amount": amount[1]}

    async def order(self) -> tuple[Order, httpx.Response]:
        """An application is filed, and its order opened by the page that leads to the gateway; with what the payer sees then."""
        await self.arrives()
        reference = await self.filed()
        page = await self.press("/pay/fees", "/pay", **await self.asked_for(reference))
        return await self.order_of(reference), page

    async def order_of(self, reference: str) -> Order:
        line = await live_line((await find(PLATFORM, reference)).id)
        assert line is not None
        return await order_by_id(PLATFORM, line.order_id)

    async def again(self, order: Order, **more: str) -> httpx.Response:
        """The payer presses once more on the order's page."""
        await self.arrives()
        return await self.press(f"/payments/{order.reference}/gateway", f"/payments/{order.reference}", **more)

    async def go_on(self, page: httpx.Response) -> httpx.Response:
        """The browser carries the form to the gateway, whose own page it gets."""
        assert page.status_code == 200, page.text
        form = FORM.search(page.text)
        assert form, page.text
        fields = {unescape(name): unescape(value) for name, value in FIELD.findall(form[2])}
        return await self.crowd.post(unescape(form[1]), data=fields)

    async def begun(self) -> tuple[Order, Attempt]:
        """A payer at the gateway's page, where the amount is shown."""
        order, page = await self.order()
        assert f"INR {order.amount_paise // 100}.{order.amount_paise % 100:02}" in (await self.go_on(page)).text
        return await self.now(order), await self.newest(order)

    async def pays(self, attempt: Attempt, scenario: str = "success", **told: Any) -> dict[str, Any]:
        """The payer presses the gateway's button; what the gateway's server says by itself was delivered when this returns."""
        await self.at_gateway(self.rehearsal.script, attempt.reference, scenario, **told)
        done: dict[str, Any] = await self.at_gateway(self.rehearsal.pay, attempt.reference)
        await self.told()
        return done

    async def sees(self, order: Order, *words: str) -> None:
        """What the payer reads of the order at the next login."""
        page = await (await self.enter()).get(f"{self.base}/payments/{order.reference}")
        assert page.status_code == 200
        for word in words:
            assert word in page.text, word

    async def reconciliation(self) -> str:
        """What the office's administrator reads of the settlement files."""
        page = await (await self.enter("manager")).get(f"{self.base}/offices/{self.office.id}/settlements")
        assert page.status_code == 200
        return page.text

    # --- the gateway ----------------------------------------------------------------------------

    async def at_gateway(self, deed: Callable[..., Any], *args: Any, **told: Any) -> Any:
        """A deed of the gateway's control API, which meanwhile may ask this site."""
        return await asyncio.to_thread(deed, *args, **told)

    async def told(self) -> None:
        """The gateway's server sends what is due."""
        await self.at_gateway(self.rehearsal.advance)

    def answered(self, attempt: Attempt) -> list[int]:
        """What its server was answered, message by message."""
        return [each.status for each in self.rehearsal.gateway.outbox.sent if each.reference == attempt.reference]

    async def message(self, attempt: Attempt, **told: Any) -> dict[str, Any]:
        """A message as the gateway would send it now, and does not."""
        found: list[dict[str, Any]] = await self.at_gateway(self.rehearsal.emit, attempt.reference, deliver=False, **told)
        return found[0]

    def payment(self, attempt: Attempt) -> Payment:
        """What the gateway knows of it."""
        found = self.rehearsal.gateway.till.payment(self.merchant.wire, attempt.reference)
        assert found is not None
        return found

    def asked(self, operation: str, reference: str) -> int:
        """How often the gateway heard a question of that kind under a reference."""
        calls = self.rehearsal.gateway.calls
        return sum(call["operation"] == operation and call.get("reference") == reference for call in calls)

    @contextlib.contextmanager
    def as_others(self, attempt: Attempt) -> Iterator[None]:
        """The gateway takes the payment for one of its other merchant's: its name stands in it, and its key marks it."""
        payment = self.payment(attempt)
        payment.merchant = self.others
        yield
        payment.merchant = self.merchant

    @contextlib.contextmanager
    def struck(self, scenario: str) -> Iterator[None]:
        """Every payment of the merchant is struck by a fault."""
        self.rehearsal.script(self.merchant.id, scenario)
        yield
        self.rehearsal.gateway.till._scripts.pop(self.merchant.id)

    @contextlib.contextmanager
    def unplugged(self) -> Iterator[None]:
        """Nobody listens where the gateway was."""
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            nowhere = f"127.0.0.1:{closed.getsockname()[1]}"
        plugged = self.site.config
        moved = {name: _moved(told, self.rehearsal.host, nowhere) for name, told in plugged.gateways.items()}
        self.site.config = replace(plugged, gateways=moved)
        yield
        self.site.config = plugged

    # --- what arrives ---------------------------------------------------------------------------

    async def notice(self, message: dict[str, Any], *, office: OfficeHere | None = None) -> httpx.Response:
        """The gateway's server tells of an office's payments."""
        url = self.cashier.notice_url(self.wire.gateway, (office or self.office).id)
        return await self.crowd.post(url, content=message["body"], headers=message["headers"])

    async def back(self, message: dict[str, Any], *, by: httpx.AsyncClient | None = None, attempt: Attempt | None = None) -> httpx.Response:
        """A browser comes back, to where the message wants or to another try's address."""
        url = self.payment(attempt).return_url if attempt else message["url"]
        return await (by or self.crowd).post(url, content=message["body"], headers=message["headers"])

    async def asks(self, **later: float) -> int:
        """So much later the site's round of questions comes by."""
        self.clock.forward(**later)
        return await ask_due(self.cashier, self.clock.now())

    # --- what is there afterwards ---------------------------------------------------------------

    async def now(self, order: Order) -> Order:
        return await order_by_reference(PLATFORM, order.reference)

    async def newest(self, order: Order) -> Attempt:
        return (await attempts_of(order))[0]

    async def tries(self, order_id: UUID) -> Sequence[Attempt]:
        return await attempts_of(await order_by_id(PLATFORM, order_id))

    async def letters(self, purpose: str, about: UUID) -> int:
        return int(await LetterRow.count().where(LetterRow.purpose == purpose, LetterRow.about == str(about)))

    async def verdicts(self, attempt: Attempt) -> list[str]:
        """What was made of each message about a try."""
        rows = await InboxRow.select(InboxRow.verdict).where(InboxRow.attempt == attempt.id)
        return sorted(row["verdict"] for row in rows)

    async def payable(self) -> int:
        """What the office owes back."""
        found = await trial_balance(PLATFORM, self.office.id)
        return sum(line.credits_paise - line.debits_paise for line in found.lines if str(line.role) == "refund_payable")

    async def ends(self, order: Order, state: str, *attempts: str, journals: Sequence[str] = ()) -> None:
        """The order and its tries, the oldest first, stand so; and exactly what follows from it was made, once, in sound books.

        An order that is paid has one receipt, and a cover for each application; any other one has neither.
        """
        now, tries = await self.now(order), list(reversed(await attempts_of(order)))
        assert (str(now.state), [_standing(each) for each in tries]) == (state, list(attempts))
        rows = await JournalRow.select(JournalRow.kind).where(JournalRow.subject == order.reference).order_by(JournalRow.recorded_at)
        assert [row["kind"] for row in rows] == list(journals)
        lines, receipts = await lines_of(order), await receipts_of_order(PLATFORM, order.id)
        covers = await CoverRow.count().where(CoverRow.order_line.is_in([line.id for line in lines]))
        paid = state == "paid"
        assert (len(receipts), covers) == (1 if paid else 0, len(lines) if paid else 0)
        assert all(receipt.amount_paise == order.amount_paise for receipt in receipts)
        for each in tries:
            assert sum(after == "succeeded" for _, _, after, _, _ in await moves_of(each)) == (str(each.state) == "succeeded")
        await self.sound()

    async def paid(self, order: Order) -> None:
        """The order is paid by its only try."""
        await self.ends(order, "paid", "succeeded, applied", journals=["payment"])

    async def sound(self) -> None:
        """The books come to zero, counters and transfers agree, and clearing holds to the paisa what came and was not settled."""
        assert await check_books(None, None) == []
        assert await check_clearing(None) == []
        found = await trial_balance(PLATFORM, self.office.id)
        assert sum(line.debits_paise - line.credits_paise for line in found.lines) == 0


def _standing(attempt: Attempt) -> str:
    return ", ".join(each for each in (str(attempt.state), str(attempt.disposition)) if each)


def _moved(told: dict[str, str], host: str, nowhere: str) -> dict[str, str]:
    return {name: text.replace(host, nowhere) for name, text in told.items()}
