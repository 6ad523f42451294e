"""Paying as a firm does it, and the office's money as its administrator sees it; and what must not be possible there."""

import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from admin.pages.payment_words import standing_of
from engine.config import DgftSection
from engine.money.orders import AttemptState, Order, OrderState, PaidBy, attempts_of, order_by_reference
from engine.money.orders.tables import AttemptRow, OrderRow, Purpose, RefundRow
from engine.people.access import RoleKind
from engine.people.tables import Exporter, ExporterUser
from engine.scope import PLATFORM
from engine.site import Site
from engine.store import uow
from tests.admin.conftest import BASE, TOKEN
from tests.admin.purse import excess, filed_at_office, fund
from tests.admin.till_of_site import GATEWAY_URL, cashier_of, take_payments
from tests.admin.world import World, build
from tests.money.till import START


@dataclass
class Counter:
    """A browser at a site where the world's own office takes payments."""

    client: httpx.AsyncClient
    site: Site
    world: World
    clock: Any

    @property
    def office(self) -> UUID:
        return UUID(self.world.pairs["office"].own)

    @property
    def firm(self) -> UUID:
        return UUID(self.world.pairs["firm"].own)

    async def enter(self, role: RoleKind) -> None:
        await self.world.enter(self.client, role, self.clock.now())

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers={"accept": "text/html"})

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        token = TOKEN.search((await self.get("/account")).text)
        assert token
        return await self.client.post(
            path, data={"_csrf_token": token[1], **fields}, headers={"accept": "text/html", "origin": BASE, "referer": f"{BASE}{path}"}
        )

    async def filed(self) -> str:
        return (await filed_at_office(self.office, self.firm, self.clock.now())).reference

    async def pay(self, reference: str, way: str, **more: str) -> httpx.Response:
        return await self.post("/pay/fees", application=reference, way=way, amount=await self.amount(reference), **more)

    async def amount(self, reference: str) -> str:
        found = re.search(r'name="amount" value="(\d+)"', (await self.get(f"/pay/fees?application={reference}")).text)
        assert found
        return found[1]

    async def order(self) -> Order:
        [row] = await OrderRow.select(OrderRow.reference).order_by(OrderRow.made_at, ascending=False).limit(1)
        return await order_by_reference(PLATFORM, row["reference"])


@pytest.fixture(scope="module")
async def opened(opening: Any, worlds: list[World], clock: Any) -> AsyncIterator[tuple[httpx.AsyncClient, World]]:
    async with opening(dgft=DgftSection()) as client:
        if not worlds:
            worlds.append(await build(clock.now()))
        await take_payments(client.app.state["parts"].site, UUID(worlds[0].pairs["office"].own))
        yield client, worlds[0]


@pytest.fixture
async def counter(opened: tuple[httpx.AsyncClient, World], clock: Any, monkeypatch: pytest.MonkeyPatch) -> Counter:
    client, world = opened
    clock.forward(minutes=2)
    monkeypatch.setattr(Site, "cashier", cashier_of())
    found = Counter(client, client.app.state["parts"].site, world, clock)  # type: ignore[attr-defined]
    await found.enter(RoleKind.EXPORTER)
    return found


# --- paying ----------------------------------------------------------------------------------------


async def test_what_is_owed_and_the_rule_of_refunds_are_shown_before_anything_is_written(counter: Counter) -> None:
    reference, before = await counter.filed(), await OrderRow.count()
    assert reference in (await counter.get("/pay")).text
    page = (await counter.get(f"/pay/fees?application={reference}")).text
    assert "If the application is rejected, the fee is paid back the way it was paid; if you withdraw it" in page
    assert "through the gateway" in page
    assert "Available at" in page
    assert await OrderRow.count() == before


async def test_the_hand_over_posts_to_the_gateway_s_host_and_its_policy_names_that_one_alone(counter: Counter) -> None:
    answer = await counter.pay(await counter.filed(), "gateway")
    assert answer.status_code == 200
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["form-action"] == f"'self' {GATEWAY_URL}"
    assert policy["default-src"] == "'none'"
    assert re.search(rf'<form method="post" action="{GATEWAY_URL}/[^"]+" id="hand-over">', answer.text)
    assert (await counter.get("/pay")).headers["content-security-policy"].count("8002") == 0


async def test_a_gateway_that_leads_elsewhere_is_not_followed(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.payment.sandbox.gateway.Sandbox.hosts", lambda *_: ("pay.example.in",))
    monkeypatch.setattr("engine.money.gateways.line.HttpLine.__init__", _any_host(monkeypatch))
    answer = await counter.pay(await counter.filed(), "gateway")
    assert answer.status_code == 500
    assert "8002" not in answer.text


def _any_host(monkeypatch: pytest.MonkeyPatch) -> Any:
    from engine.money.gateways.line import HttpLine

    made = HttpLine.__init__

    def init(self: Any, hosts: Any, **more: Any) -> None:
        made(self, [*hosts, "127.0.0.1:8002"], **more)

    return init


async def test_a_second_payment_begins_beside_the_first_by_the_payer_s_own_word_alone(counter: Counter) -> None:
    await counter.pay(await counter.filed(), "gateway")
    order = await counter.order()
    page = (await counter.get(f"/payments/{order.reference}")).text
    assert "Do not pay again" in page
    again = await counter.post(f"/payments/{order.reference}/gateway")
    assert (again.status_code, len(await attempts_of(order))) == (409, 1)
    assert "Wait a quarter of an hour" in again.text
    assert (await counter.post(f"/payments/{order.reference}/gateway", again="yes")).status_code == 200
    assert len(await attempts_of(order)) == 2


async def test_the_same_form_twice_makes_one_order(counter: Counter) -> None:
    reference, before = await counter.filed(), await OrderRow.count()
    amount = await counter.amount(reference)
    for _ in range(2):
        await counter.post("/pay/fees", application=reference, way="gateway", amount=amount)
    assert await OrderRow.count() == before + 1
    assert len(await attempts_of(await counter.order())) == 1


async def test_an_amount_that_is_not_the_one_shown_pays_nothing(counter: Counter) -> None:
    reference, before = await counter.filed(), await OrderRow.count()
    answer = await counter.post("/pay/fees", application=reference, way="wallet", amount="1")
    assert (answer.status_code, await OrderRow.count()) == (409, before)
    assert "has changed since the page was shown" in answer.text


async def test_a_gateway_that_cannot_be_reached_leaves_the_order_as_it_was(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    monkeypatch.setattr(Site, "cashier", cashier_of(httpx.MockTransport(dead)))
    answer = await counter.pay(await counter.filed(), "gateway")
    assert answer.status_code == 503
    assert "Nothing was paid" in answer.text
    order = await counter.order()
    assert (order.state, [each.state for each in await attempts_of(order)]) == (OrderState.OPEN, [AttemptState.START_FAILED])
    assert "try again" in (await counter.get(f"/payments/{order.reference}")).text


async def test_a_wallet_that_is_short_says_how_much_is_missing_and_one_that_suffices_pays(counter: Counter) -> None:
    reference = await counter.filed()
    agency = (await counter.order()).agency_id
    page = (await counter.get(f"/pay/fees?application={reference}")).text
    await fund(agency, counter.office, counter.firm, 1_000_00, counter.clock.now())
    assert "Available at" in page
    answer = await counter.pay(reference, "wallet")
    assert answer.status_code == 303
    order = await counter.order()
    assert (order.state, order.paid_by) == (OrderState.PAID, PaidBy.WALLET)
    assert "paid from the e-wallet" in (await counter.get(answer.headers["location"])).text
    statement = (await counter.get(f"/wallet/{counter.office}/{counter.firm}")).text
    assert order.reference in statement


async def test_who_lacks_the_right_to_pay_sees_and_pays_nothing(counter: Counter) -> None:
    reference = await counter.filed()
    await counter.pay(reference, "gateway")
    order, account = await counter.order(), counter.world.accounts[RoleKind.EXPORTER]
    for rights, path in (("see", "/pay"), ("see", f"/pay/fees?application={reference}")):
        async with uow():
            await ExporterUser.update({ExporterUser.rights: rights}).where(ExporterUser.account == account)
        try:
            assert (await counter.get(path)).status_code == 403
            page = await counter.get(f"/payments/{order.reference}")
            assert page.status_code == 200
            assert "Pay again" not in page.text
            for deed in ("gateway", "wallet", "cancel", "ask", "credit"):
                assert (await counter.post(f"/payments/{order.reference}/{deed}", again="yes")).status_code == 403
            assert (await counter.post(f"/wallet/{counter.office}/{counter.firm}/top-up", amount="5")).status_code == 403
        finally:
            async with uow():
                await ExporterUser.update({ExporterUser.rights: "see,prepare,submit,pay,sign"}).where(ExporterUser.account == account)
    assert len(await attempts_of(order)) == 1


async def test_a_broker_pays_for_nobody_who_did_not_grant_it(counter: Counter) -> None:
    await counter.enter(RoleKind.BROKER)
    assert (await counter.get("/pay")).status_code == 200
    from engine.people.tables import BrokerGrant

    grant = UUID(counter.world.pairs["grant"].own)
    async with uow():
        await BrokerGrant.update({BrokerGrant.rights: "see"}).where(BrokerGrant.id == grant)
    try:
        order = counter.world.pairs["order"].own
        assert (await counter.get(f"/payments/{order}")).status_code == 200
        assert (await counter.post(f"/payments/{order}/gateway")).status_code == 404
        assert counter.world.pairs["application"].own not in (await counter.get("/pay")).text
    finally:
        async with uow():
            await BrokerGrant.update({BrokerGrant.rights: "see,submit,pay"}).where(BrokerGrant.id == grant)


async def test_withdrawing_tells_what_becomes_of_the_fee_and_does_it_once(counter: Counter) -> None:
    reference = await counter.filed()
    assert "No fee was paid" in (await counter.get(f"/applications/{reference}/withdraw")).text
    await fund((await counter.order()).agency_id, counter.office, counter.firm, 1_000_00, counter.clock.now())
    await counter.pay(reference, "wallet")
    assert "is credited to your e-wallet" in (await counter.get(f"/applications/{reference}/withdraw")).text
    assert (await counter.post(f"/applications/{reference}/withdraw")).status_code == 303
    assert (await counter.post(f"/applications/{reference}/withdraw")).status_code == 409
    order = await counter.order()
    assert "goes back" in (await counter.get(f"/payments/{order.reference}")).text


@pytest.mark.parametrize("amount", ["", "-5", "1e5", "0", "0.99", "99999999", "١٢", "5\u202e"])
async def test_an_amount_that_is_none_tops_nothing_up(counter: Counter, amount: str) -> None:
    before = await OrderRow.count()
    answer = await counter.post(f"/wallet/{counter.office}/{counter.firm}/top-up", amount=amount)
    assert (answer.status_code, await OrderRow.count()) == (422, before)


def test_every_state_has_its_words() -> None:
    at = START
    told = dict.fromkeys(("id", "reference", "agency_id", "office_id", "exporter_id", "terms_id", "made_by"), "x")
    for state in OrderState:
        order = Order(
            **told, purpose=Purpose.FEES, amount_paise=1, state=state, paid_by=PaidBy.GATEWAY, made_at=at, expires_at=at, settled_at=at
        )  # type: ignore[arg-type]
        assert standing_of(order, (), at).title
        assert bool(standing_of(order, (), at).pays) == (state is OrderState.OPEN)


# --- the office ------------------------------------------------------------------------------------


async def test_terms_have_no_default_and_name_each_choice_that_is_missing(counter: Counter) -> None:
    await counter.enter(RoleKind.ADMINISTRATOR)
    answer = await counter.post(f"/offices/{counter.office}/terms", receipt_code="m")
    assert answer.status_code == 422
    for box in ("on_rejection", "on_withdrawal", "fee_taken", "top_up_is", "receipt_code"):
        assert f'href="#{box}"' in answer.text
    assert "checked" not in answer.text.partition("</form>")[2].partition("receipt_code")[0]


async def test_an_excess_goes_back_with_a_reason_and_leaves_the_queue(counter: Counter) -> None:
    await counter.enter(RoleKind.ADMINISTRATOR)
    known = await AttemptRow.select(AttemptRow.parameters).where(AttemptRow.id == UUID(counter.world.pairs["attempt"].own)).first()
    order = await order_by_reference(PLATFORM, counter.world.pairs["order"].own)
    id = str(await excess(order, known["parameters"], counter.clock.now()))  # the world's own is other tests'
    queue = (await counter.get("/payments/review")).text
    assert f"/payments/review/{id}" in queue
    assert counter.world.pairs["attempt"].foreign not in queue
    for fields in ({}, {"back_to": "by_hand", "reason": ""}, {"back_to": "wallet", "reason": "x"}, {"reason": "x"}):
        assert (await counter.post(f"/payments/review/{id}", **fields)).status_code == 422
    done = await counter.post(f"/payments/review/{id}", back_to="by_hand", reason="The bank wired it")
    assert done.status_code == 303
    page = (await counter.get("/payments/review")).text
    assert f"/payments/review/{id}" not in page
    [refund] = await RefundRow.select().where(RefundRow.attempt == UUID(id))
    assert (refund["back_to"], refund["state"], refund["reason"]) == ("by_hand", "requested", "The bank wired it")
    for status in (303, 409):  # it is ended once: what is done is not done again
        answer = await counter.post(f"/payments/refunds/{refund['id']}", back_to="by_hand", reason="UTR 42")
        assert answer.status_code == status
    [refund] = await RefundRow.select().where(RefundRow.attempt == UUID(id))
    assert refund["state"] == "done"


async def test_a_stale_proof_opens_no_decision(counter: Counter) -> None:
    await counter.enter(RoleKind.ADMINISTRATOR)
    counter.clock.forward(minutes=counter.site.config.access.fresh_minutes + 1)
    for path in (f"/payments/review/{counter.world.pairs['attempt'].own}", f"/offices/{counter.office}/terms"):
        answer = await counter.get(path)
        assert (answer.status_code, answer.headers["location"].startswith("/account/prove")) == (303, True)


async def test_a_wallet_is_frozen_for_a_reason_that_its_firm_reads(counter: Counter) -> None:
    path = f"/offices/{counter.office}/wallets/{counter.firm}"
    await counter.enter(RoleKind.ADMINISTRATOR)
    assert (await counter.post(path, act="freeze", reason="")).status_code == 422
    assert (await counter.post(path, act="freeze", reason="We look into a chargeback.")).status_code == 303
    try:
        await counter.enter(RoleKind.EXPORTER)
        assert "We look into a chargeback." in (await counter.get(f"/wallet/{counter.office}/{counter.firm}")).text
        answer = await counter.pay(await counter.filed(), "wallet")
        assert answer.status_code == 422
        assert "frozen" in answer.text
    finally:
        await counter.enter(RoleKind.ADMINISTRATOR)
        assert (await counter.post(path, act="thaw", reason="It was right.")).status_code == 303


async def test_receipts_and_journals_leave_as_files_that_nothing_calculates(counter: Counter) -> None:
    await counter.enter(RoleKind.ADMINISTRATOR)
    path = f"/offices/{counter.office}/books/export"
    for what in ("receipts", "journals"):
        counter.clock.forward(minutes=1)
        answer = await counter.get(f"{path}?what={what}&kind=csv")
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert len(rows) > 1
        assert "attachment" in answer.headers["content-disposition"]
    assert (await counter.get(f"{path}?what=receipts&kind=xlsx")).content.startswith(b"PK")
    for wrong in ("what=secrets", "kind=exe", "since=2026-13-01", "since=2020-01-01&until=2026-01-01", "since=2026-05-02&until=2026-05-01"):
        counter.clock.forward(minutes=1)
        assert (await counter.get(f"{path}?{wrong}")).status_code == 422
    assert (await counter.get(f"/offices/{counter.office}/books?before=x")).status_code == 422
    assert (await counter.get(f"/offices/{counter.office}/books?account=wallet:x")).status_code == 404


@pytest.mark.parametrize("path", ["/payments?before=x", "/payments/refunds?before=-1"])
async def test_a_mark_that_no_page_gave_is_refused(counter: Counter, path: str) -> None:
    await counter.enter(RoleKind.ADMINISTRATOR)
    assert (await counter.get(path)).status_code == 422


async def test_the_registers_of_firms_stay_apart(counter: Counter) -> None:
    firms = await Exporter.select(Exporter.id)
    foreign = counter.world.pairs["firm"].foreign
    assert str(foreign) in {str(each["id"]) for each in firms}
    assert (await counter.get(f"/wallet/{counter.office}/{foreign}")).status_code == 404
    assert foreign not in (await counter.get("/wallet")).text
