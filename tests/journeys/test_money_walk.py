"""An exporter who pays, and the office that is paid, at browsers, on the site as it is served beside the rehearsal gateway.

Wallet off and on, a top-up, a fee through the gateway with each way it can end, a fee from the wallet, and fees that go back.
Nobody waits for a span of time: what a page says decides, and the gateway's clock is moved by hand.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from engine.config import AccessSection, load
from engine.people import add_exporter_user
from engine.people.access import Device, RoleKind, Stage, roles_of
from engine.people.access.sessions import begin
from engine.people.tables import Account, Administrator, Exporter, Office
from engine.store import connect, uow
from tests.admin.purse import filed_at_office
from tests.journeys.test_first_day import read_until_serving

ECOO = str(Path(sys.executable).parent / "ecoo")
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
PAYER = "payer@devgad.example.in"
APPLICATIONS = 6
PATIENCE_MS = 60_000  # for what a round of the site does by itself


@dataclass
class Shop:
    """The served site, its gateway, and the sessions of the two who meet there."""

    url: str
    gateway: str
    office: str
    firm: str
    exporter: str
    administrator: str
    references: list[str]


async def _stock(config: Path) -> dict[str, Any]:
    """Files applications for the demonstration's firm, and signs its payer and the administrator in."""
    database = await connect(load(config, {}).database.url)
    try:
        at = datetime.now(UTC)
        [office], [firm], [head] = await Office.select(), await Exporter.select().limit(1), await Administrator.select().limit(1)
        await add_exporter_user(firm["id"], email=PAYER, name="Asha Payer", rights="see,prepare,submit,pay", actor="test", at=at)
        async with uow():  # the firm is as the registry has it, and is not asked about again meanwhile
            await Exporter.update({Exporter.status: "active", Exporter.sync_due_at: at + timedelta(days=1)}).where(
                Exporter.id == firm["id"]
            )
            await Account.update({Account.totp_sealed: "x", Account.totp_set_at: at}).where(Account.id == head["account"])
        [payer] = await Account.select(Account.id).where(Account.email == PAYER)
        filed = [(await filed_at_office(office["id"], firm["id"], at)).reference for _ in range(APPLICATIONS)]
        found: dict[str, Any] = {"office": str(office["id"]), "firm": str(firm["id"]), "references": filed}
        for account, kind in ((payer["id"], RoleKind.EXPORTER), (head["account"], RoleKind.ADMINISTRATOR)):
            acting = next(each.key for each in await roles_of(account, at) if each.kind is kind)
            async with uow():
                found[str(kind)] = await begin(account, Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=at, acting=acting)
        return found
    finally:
        await database.close()


@pytest.fixture
def shop(sites: Any, tmp_path: Path) -> Iterator[Shop]:
    config: Path = sites.make(tmp_path / "site", "sqlite")
    with ThreadPoolExecutor(1) as pool:
        stocked = pool.submit(asyncio.run, _stock(config)).result()
    ports = _free_ports(3)
    text = config.read_text(encoding="utf-8")
    for old, new in zip(("127.0.0.1:8001", "127.0.0.1:8002"), ports[1:], strict=True):
        assert old in text
        text = text.replace(old, f"127.0.0.1:{new}")
    config.write_text(text, encoding="utf-8")
    url, gateway = f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[2]}"
    env = {**os.environ, "ECOO_CONFIG": str(config), "PORT": str(ports[0])}
    server = subprocess.Popen([ECOO, "serve"], env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=tmp_path)
    try:
        read_until_serving(server, url)
        yield Shop(url, gateway, **stocked)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield launched
        launched.close()


@dataclass
class Walker:
    """Somebody at a browser of their own."""

    shop: Shop
    page: Page

    @classmethod
    def of(cls, shop: Shop, browser: Browser, token: str) -> "Walker":
        context = browser.new_context(base_url=shop.url)
        context.add_cookies([{"name": "session", "value": token, "url": shop.url}])
        return cls(shop, context.new_page())

    def go(self, path: str) -> None:
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == 200, f"{path} answers {answer.status}: {self.page.locator('main').inner_text()}"

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()

    def sees(self, *words: str) -> None:
        for word in words:
            expect(self.page.locator("main")).to_contain_text(word)

    def sees_at_last(self, word: str) -> None:
        """Loads the page anew until it says so: a round of the site does it."""
        ended = f"!document.querySelector('main').innerText.includes({word!r}) ? (location.reload(), false) : true"
        self.page.wait_for_function(ended, timeout=PATIENCE_MS, polling=500)

    # --- paying -------------------------------------------------------------------------------

    def choose(self, reference: str) -> None:
        self.go("/dashboard")
        self.page.get_by_role("link", name=f"pay for {reference}").click()
        self.sees("Nothing is paid yet", "If the application is rejected", reference)

    def at_the_gateway(self, outcome: str, *, returns: bool = True) -> None:
        """From our page to the gateway's, where the payment ends as one chooses."""
        self.page.get_by_role("button", name="Pay at 127.0.0.1").click()
        self.page.locator(f"button[value={outcome}]").click()
        if returns:
            self.press("Go back to the site")
            expect(self.page.locator("h1")).to_contain_text("₹")

    @property
    def order(self) -> str:
        return self.page.url.rpartition("/")[2]


def test_fees_are_paid_by_gateway_and_wallet_and_go_back(shop: Shop, browser: Browser) -> None:
    payer, office = Walker.of(shop, browser, shop.exporter), Walker.of(shop, browser, shop.administrator)
    first, second, third, fourth, fifth, sixth = shop.references
    _wallet_is_off(payer, office, first)
    _wallet_is_on_and_topped_up(payer, office)
    _gateway_succeeds(payer, first)
    _gateway_fails_and_then_succeeds(payer, second)
    _gateway_is_pending_and_then_succeeds(payer, third)
    _browser_never_returns(payer, fourth)
    _wallet_pays(payer, fifth)
    _fees_go_back(payer, fourth, fifth)
    payer.go("/pay")
    payer.sees(sixth)
    for paid in (first, second, third):
        expect(payer.page.locator("main")).not_to_contain_text(paid)
    _office_sees_it_in_its_books(office)


def _wallet_is_off(payer: Walker, office: Walker, reference: str) -> None:
    office.go(f"/offices/{office.shop.office}/change")
    office.page.locator("input[name=wallet]").uncheck()
    office.page.locator("main form button").last.click()
    payer.choose(reference)
    payer.sees("keeps no e-wallets", "through the gateway")
    payer.go(f"/wallet/{payer.shop.office}/{payer.shop.firm}")
    payer.sees("has its e-wallets switched off", "previous platform")


def _wallet_is_on_and_topped_up(payer: Walker, office: Walker) -> None:
    office.go(f"/offices/{office.shop.office}/change")
    office.page.locator("input[name=wallet]").check()
    office.page.locator("main form button").last.click()
    payer.go(f"/wallet/{payer.shop.office}/{payer.shop.firm}")
    payer.page.fill("#amount", "1,000.5.0")
    payer.press("Top up")
    payer.sees("at most two decimals")
    payer.page.fill("#amount", "1000")
    payer.press("Top up")
    payer.sees("Top-up of the e-wallet")
    payer.at_the_gateway("success")
    payer.sees("The amount is in the e-wallet", "Receipts")
    payer.go(f"/wallet/{payer.shop.office}/{payer.shop.firm}")
    payer.sees("₹\u00a01,000.00", "Top-up")


def _gateway_succeeds(payer: Walker, reference: str) -> None:
    payer.choose(reference)
    payer.press("through the gateway")
    payer.at_the_gateway("success")
    payer.sees("The fee was paid through the payment gateway", "This payment came, and paid the order")
    order = payer.page.url
    payer.page.locator("#receipts + ul a").first.click()
    payer.sees("Rupees", reference)
    with payer.page.expect_download() as download:
        payer.page.get_by_role("link", name="Download PDF").click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    payer.page.goto(order)


def _gateway_fails_and_then_succeeds(payer: Walker, reference: str) -> None:
    payer.choose(reference)
    payer.press("through the gateway")
    payer.at_the_gateway("failure")
    payer.sees("Not paid", "try again", "T+5")
    payer.press("through the gateway")
    payer.at_the_gateway("success")
    payer.sees("The fee was paid")


def _gateway_is_pending_and_then_succeeds(payer: Walker, reference: str) -> None:
    payer.choose(reference)
    payer.press("through the gateway")
    payer.at_the_gateway("pending_then_success")
    payer.sees("Do not pay again", "pending")
    payer.press("Ask the gateway now")
    payer.sees("Do not pay again")
    assert httpx.post(f"{payer.shop.gateway}/control/advance", json={"seconds": 660}).status_code == 200
    payer.press("Ask the gateway now")
    payer.sees("The fee was paid")


def _browser_never_returns(payer: Walker, reference: str) -> None:
    payer.choose(reference)
    payer.press("through the gateway")
    payer.at_the_gateway("no_return", returns=False)
    payer.go("/payments")
    payer.page.locator("tbody th a").first.click()
    payer.sees_at_last("The fee was paid")


def _wallet_pays(payer: Walker, reference: str) -> None:
    payer.choose(reference)
    payer.press("from the e-wallet")
    payer.sees("The fee was paid from the e-wallet", "its receipt is made when it is taken")
    payer.go(f"/wallet/{payer.shop.office}/{payer.shop.firm}")
    payer.sees("₹\u00a0764.00", "set aside")


def _fees_go_back(payer: Walker, by_gateway: str, by_wallet: str) -> None:
    """The demonstration's terms: a fee goes back the way it came; what the wallet set aside is let go."""
    for reference, says in ((by_gateway, "is paid back the way it was paid"), (by_wallet, "is let go")):
        payer.go("/dashboard")
        payer.page.get_by_role("link", name=f"withdraw {reference}").click()
        payer.sees(says)
        payer.press("Withdraw the application")
        expect(payer.page.locator("tr", has_text=reference)).to_contain_text("withdrawn")
    payer.go(f"/wallet/{payer.shop.office}/{payer.shop.firm}")
    payer.sees("no longer set aside")
    expect(payer.page.locator(".balances")).to_contain_text("Available₹\u00a01,000.00")
    payer.go("/payments")
    payer.page.locator("tbody tr", has_not_text="from the e-wallet").locator("th a").first.click()
    payer.sees("fee, back the way it came")
    payer.sees_at_last("done ₹")


def _office_sees_it_in_its_books(office: Walker) -> None:
    office.go("/payments/review")
    office.sees("Nothing waits")
    office.go(f"/offices/{office.shop.office}/books")
    office.sees("Fee paid through a gateway", "Top-up", "Refund")
    sums = office.page.locator("tfoot td")
    assert sums.nth(0).inner_text() == sums.nth(1).inner_text()
    office.go(f"/offices/{office.shop.office}/wallets")
    office.sees("₹\u00a01,000.00")
