"""What the office decides about money, on its pages: refunds once for each form, reviews, doubts, silence, unknown ends, settlements."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from engine.config import DgftSection
from engine.money.ledger import balance, check_books
from engine.money.orders import AttemptState, Order, OrderState, attempts_of, lines_of, order_by_id, order_by_reference
from engine.money.orders.tables import AttemptRow, RefundRow, RefundState
from engine.money.paying import submit_refunds
from engine.money.settling.tables import SettlementFileRow, SettlementLineRow
from engine.people.access import RoleKind
from engine.scope import PLATFORM
from engine.site import Site
from engine.store import uow
from plugins.payment.sandbox.rehearsal.settlement import as_csv
from plugins.payment.sandbox.rehearsal.settlement import lines_of as settled_lines
from plugins.payment.sandbox.rehearsal.till import Payment
from plugins.payment.sandbox.server import RehearsalGateway
from tests.admin.conftest import BASE
from tests.admin.purse import fund
from tests.admin.test_money_pages import Counter
from tests.admin.till_of_site import KEY, MERCHANT, cashier_of, take_payments
from tests.admin.world import World, build
from tests.rehearsal import sandboxes


class Office(Counter):
    """The counter, seen from behind; `gateway` is the gateway's other half."""

    gateway: RehearsalGateway

    def payment(self) -> Payment:
        return self.gateway.till.payments[-1]

    async def told(self, **word: Any) -> httpx.Response:
        """What the gateway's server sends now."""
        posts, _ = await self.gateway.control.emit(self.payment(), {"deliver": False, **word})
        path = f"/cb/pay/sandbox/s/{self.office}"
        return await self.client.post(path, content=posts[0].body, headers={"content-type": posts[0].media_type})

    async def begun(self) -> Order:
        """An order whose payment began at the gateway; the firm's person is at the browser then."""
        await self.enter(RoleKind.EXPORTER)
        assert (await self.pay(await self.filed(), "gateway")).status_code == 200
        return await self.order()

    async def paid(self) -> Order:
        """An order that was paid through the gateway; its administrator is at the browser then."""
        order = await self.begun()
        await self.gateway.control.pay(self.payment(), "success")
        assert (await self.told()).status_code == 200
        await self.enter(RoleKind.ADMINISTRATOR)
        return await self.now(order)

    async def topped_up(self, rupees: str = "500") -> Order:
        await self.enter(RoleKind.EXPORTER)
        assert (await self.post(f"/wallet/{self.office}/{self.firm}/top-up", amount=rupees)).status_code == 200
        order = await self.order()
        await self.gateway.control.pay(self.payment(), "success")
        await self.told()
        await self.enter(RoleKind.ADMINISTRATOR)
        return await self.now(order)

    async def now(self, order: Order) -> Order:
        return await order_by_id(PLATFORM, order.id)

    async def attempt(self, order: Order) -> Any:
        return (await attempts_of(order))[0]

    async def key(self, order: Order) -> str:
        found = re.search(r'name="key" value="([0-9a-f-]{36})"', (await self.get(f"/payments/{order.reference}/refund")).text)
        assert found
        return found[1]

    async def gives_back(self, order: Order, **fields: str) -> httpx.Response:
        return await self.post(f"/payments/{order.reference}/refund", **fields)

    async def refunds(self, order: Order) -> list[dict[str, Any]]:
        return list(await RefundRow.select().where(RefundRow.order == order.id))


@pytest.fixture(scope="module")
async def opened(opening: Any, worlds: list[World], clock: Any) -> AsyncIterator[tuple[httpx.AsyncClient, World]]:
    async with opening(dgft=DgftSection()) as client:
        if not worlds:
            worlds.append(await build(clock.now()))
        await take_payments(client.app.state["parts"].site, UUID(worlds[0].pairs["office"].own))
        yield client, worlds[0]


@pytest.fixture
async def office(opened: tuple[httpx.AsyncClient, World], clock: Any, monkeypatch: pytest.MonkeyPatch) -> Office:
    client, world = opened
    clock.forward(minutes=2)
    gateway = RehearsalGateway(sandboxes({MERCHANT: KEY}), now=clock.now, series=f"D{clock.now():%H%M}")
    monkeypatch.setattr(Site, "cashier", cashier_of(httpx.ASGITransport(gateway)))
    found = Office(client, client.app.state["parts"].site, world, clock)  # type: ignore[attr-defined]
    found.gateway = gateway
    return found


# --- giving back ------------------------------------------------------------------------------------


@pytest.mark.parametrize("together", [False, True])
async def test_a_part_of_a_fee_goes_back_once_however_often_the_form_is_sent(office: Office, together: bool) -> None:
    order = await office.paid()
    assert f"/payments/{order.reference}/refund" in (await office.get(f"/payments/{order.reference}")).text
    [line] = await lines_of(order)
    form = {"what": str(line.id), "amount": "50.50", "back_to": "source", "reason": "The goods were fewer.", "key": await office.key(order)}
    calls = [office.gives_back(order, **form) for _ in range(3)]
    answers = await asyncio.gather(*calls) if together else [await call for call in calls]
    assert [(each.status_code, each.headers.get("location")) for each in answers] == [(303, f"/payments/{order.reference}#refunds")] * 3
    [refund] = await office.refunds(order)
    assert (refund["amount_paise"], refund["back_to"], refund["reason"]) == (5050, "source", "The goods were fewer.")
    assert "50.50" in (await office.get(f"/payments/{order.reference}")).text
    again = await office.gives_back(
        order, **{**form, "amount": "10", "key": await office.key(order)}
    )  # a form of its own is a refund of its own
    assert (again.status_code, len(await office.refunds(order))) == (303, 2)
    await submit_refunds(office.site.cashier(), office.clock.now())
    assert {each["state"] for each in await office.refunds(order)} <= {"done", "pending"}
    assert await check_books(None, None) == []


async def test_a_form_that_was_refused_is_mended_and_done_once(office: Office) -> None:
    order = await office.paid()
    [line] = await lines_of(order)
    key = await office.key(order)
    good = {"what": str(line.id), "amount": "10", "back_to": "source", "reason": "A slip.", "key": key}
    left = line.amount_paise - line.refunded_paise
    for wrong, box in (
        ({"what": ""}, "what"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "1e2"}, "amount"),
        ({"amount": "0"}, "amount"),
        ({"amount": f"{left // 100 + 1}"}, "amount"),
        ({"back_to": ""}, "back_to"),
        ({"back_to": "nowhere"}, "back_to"),
        ({"reason": " "}, "reason"),
    ):
        answer = await office.gives_back(order, **{**good, **wrong})
        assert (answer.status_code, f'href="#{box}"' in answer.text, key in answer.text) == (422, True, True), wrong
    assert await office.refunds(order) == []
    assert (await office.gives_back(order, **good)).status_code == 303
    other = await office.gives_back(order, **{**good, "amount": "11"})  # the key of a form that was sent
    assert (other.status_code, key in other.text) == (409, False)
    for spoilt in ("", "x", "0" * 200):
        assert (await office.gives_back(order, **{**good, "key": spoilt})).status_code == 422
    assert len(await office.refunds(order)) == 1


async def test_a_whole_fee_stays_while_its_application_needs_it(office: Office) -> None:
    order = await office.paid()
    [line] = await lines_of(order)
    answer = await office.gives_back(order, what=str(line.id), back_to="source", reason="All of it.", key=await office.key(order))
    assert (answer.status_code, "still under way" in answer.text) == (409, True)
    assert await office.refunds(order) == []


async def test_what_the_wallet_paid_goes_back_there_at_once(office: Office) -> None:
    await office.enter(RoleKind.EXPORTER)
    reference = await office.filed()
    order = await office.begun()
    await fund(order.agency_id, office.office, office.firm, 1_000_00, office.clock.now())
    assert (await office.pay(reference, "wallet")).status_code == 303
    order = await office.order()
    await office.enter(RoleKind.ADMINISTRATOR)
    page = (await office.get(f"/payments/{order.reference}/refund")).text
    assert ('value="wallet" checked' in page, 'value="source"' in page) == (True, False)
    before = (await balance(PLATFORM, office.office, office.firm)).available_paise
    [line] = await lines_of(order)
    form = {"what": str(line.id), "amount": "20", "back_to": "wallet", "reason": "A part.", "key": await office.key(order)}
    for _ in range(2):
        assert (await office.gives_back(order, **form)).status_code == 303
    assert (await balance(PLATFORM, office.office, office.firm)).available_paise == before + 20_00


async def test_a_top_up_goes_back_as_far_as_the_wallet_has_it_and_once(office: Office) -> None:
    order = await office.topped_up()
    attempt = await office.attempt(order)
    before = (await balance(PLATFORM, office.office, office.firm)).available_paise
    form = {"what": str(attempt.id), "amount": "200", "back_to": "source", "reason": "Not needed.", "key": await office.key(order)}
    for _ in range(2):
        assert (await office.gives_back(order, **form)).status_code == 303
    assert (await balance(PLATFORM, office.office, office.firm)).available_paise == before - 200_00
    much = await office.gives_back(order, **{**form, "amount": "300.01", "key": await office.key(order)})
    assert (much.status_code, "300.00 are left" in much.text) == (422, True)
    wallet = await office.gives_back(order, **{**form, "back_to": "wallet", "amount": "1", "key": await office.key(order)})
    assert (wallet.status_code, 'href="#back_to"' in wallet.text) == (422, True)
    await office.gives_back(order, **{**form, "amount": "", "key": await office.key(order)})
    assert sum(each["amount_paise"] for each in await office.refunds(order)) == order.amount_paise
    assert "Nothing of this order can go back" in (await office.get(f"/payments/{order.reference}/refund")).text
    assert await check_books(None, None) == []


async def test_a_refund_is_of_this_order_and_of_this_agency_alone(office: Office) -> None:
    one, other = await office.paid(), await office.paid()
    [foreign] = await lines_of(other)
    key = await office.key(one)
    form = {"amount": "1", "back_to": "source", "reason": "x", "key": key}
    assert (await office.gives_back(one, what=str(foreign.id), **form)).status_code == 404
    assert (await office.gives_back(one, what=str((await office.attempt(one)).id), **form)).status_code == 404
    assert (await office.get(f"/payments/{office.world.pairs['order'].foreign}/refund")).status_code == 404
    await office.enter(RoleKind.EXPORTER)
    assert "/refund" not in (await office.get(f"/payments/{one.reference}")).text
    assert await office.refunds(one) == []


async def test_an_old_proof_gives_nothing_back(office: Office) -> None:
    order = await office.paid()
    [line] = await lines_of(order)
    form = {"what": str(line.id), "amount": "1", "back_to": "source", "reason": "x", "key": await office.key(order)}
    office.clock.forward(minutes=office.site.config.access.fresh_minutes + 1)
    asked = await office.get(f"/payments/{order.reference}/refund")
    assert (asked.status_code, asked.headers["location"].startswith("/account/prove")) == (303, True)
    office.clock.forward(minutes=2 * office.site.config.access.fresh_minutes)  # a form that was open has some minutes more
    sent = await office.gives_back(order, **form)
    assert (sent.status_code, "#refunds" in sent.headers["location"]) == (303, False)
    assert await office.refunds(order) == []


# --- what a person looks at -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "spoil", "state"),
    [
        ("succeeded", "merchant", AttemptState.SUCCEEDED),
        ("failed", "amount", AttemptState.FAILED),
        ("pending", "amount", AttemptState.PENDING),
    ],
)
async def test_a_review_tells_the_firm_to_wait_and_the_office_what_to_do(
    office: Office, decision: str, spoil: str, state: AttemptState
) -> None:
    order = await office.begun()
    await office.gateway.control.pay(office.payment(), "success")
    assert (await office.told(spoil=spoil)).status_code == 200
    page = (await office.get(f"/payments/{order.reference}")).text
    assert "The office looks at this payment" in page
    assert "Do not pay again" in page
    assert "Pay again" not in page.replace("Do not pay again", "")
    await office.enter(RoleKind.ADMINISTRATOR)
    attempt = await office.attempt(order)
    queue = (await office.get("/payments/review")).text
    assert f"/payments/review/{attempt.id}" in queue
    assert f"Because it names another {spoil}." in queue
    assert "Ask the gateway again" in (await office.get(f"/payments/review/{attempt.id}")).text
    assert (await office.post(f"/payments/review/{attempt.id}", decision=decision, reason="")).status_code == 422
    for status in (303, 409 if decision != "succeeded" else 404):
        answer = await office.post(f"/payments/review/{attempt.id}", decision=decision, back_to="by_hand", reason="Seen in its list.")
        assert answer.status_code in {status, 409, 422}
    assert (await office.attempt(order)).state is state
    assert (await office.now(order)).state is (OrderState.PAID if state is AttemptState.SUCCEEDED else OrderState.OPEN)
    assert f"/payments/review/{attempt.id}" not in (await office.get("/payments/review")).text


async def test_less_money_than_the_order_comes_to_is_not_said_to_have_paid_it(office: Office) -> None:
    order = await office.begun()
    await office.gateway.control.pay(office.payment(), "tampered_amount_valid_signature")
    assert (await office.told(spoil="amount")).status_code == 200
    await office.enter(RoleKind.ADMINISTRATOR)
    attempt = await office.attempt(order)
    answer = await office.post(f"/payments/review/{attempt.id}", decision="succeeded", reason="Seen in its list.")
    assert (answer.status_code, "so little pays nothing here" in answer.text) == (422, True)
    assert (await office.attempt(order)).state is AttemptState.REVIEW
    assert (await office.now(order)).state is OrderState.OPEN


async def test_a_second_success_of_one_payment_is_looked_at_and_goes_on_counting(office: Office) -> None:
    order = await office.begun()
    await office.gateway.control.pay(office.payment(), "success")
    await office.told()
    office.payment().txn = "SBT999999999"
    assert (await office.told()).status_code == 200
    page = (await office.get(f"/payments/{order.reference}")).text
    assert "looks whether money came twice" in page
    await office.enter(RoleKind.ADMINISTRATOR)
    attempt = await office.attempt(order)
    assert "SBT999999999" in (await office.get("/payments/review")).text
    look = (await office.get(f"/payments/review/{attempt.id}")).text
    assert "This payment goes on counting" in look
    assert (await office.post(f"/payments/review/{attempt.id}", reason="")).status_code == 422
    assert (await office.post(f"/payments/review/{attempt.id}", reason="Given back on its own page.")).status_code == 303
    assert (await office.attempt(order)).doubted_at is None
    assert (await office.now(order)).state is OrderState.PAID
    assert "SBT999999999" not in (await office.get("/payments/review")).text


async def changed(attempt: Any, **columns: Any) -> None:
    async with uow():
        await AttemptRow.update({getattr(AttemptRow, name): value for name, value in columns.items()}).where(AttemptRow.id == attempt.id)


async def test_a_silent_try_and_one_that_was_given_up_say_what_to_do(office: Office) -> None:
    order = await office.begun()
    attempt, path = await office.attempt(order), f"/payments/{order.reference}"
    page = (await office.get(path)).text
    assert "A payment is under way" in page
    assert "Pay again all the same" in page
    await changed(attempt, made_at=office.clock.now() - timedelta(minutes=16))
    page = (await office.get(path)).text
    assert "Nothing heard yet" in page
    assert "within five days of the payment" in page
    assert "Ask the gateway now" in page
    await changed(attempt, state="abandoned", query_due_at=None)
    page = (await office.get(path)).text
    assert "Nothing certain was heard of this payment in five days." in page
    assert "Should it come after all, it still counts." in page
    await office.enter(RoleKind.ADMINISTRATOR)
    assert "given up" in (await office.get(path)).text
    await office.gateway.control.pay(office.payment(), "success")
    assert (await office.post(f"{path}/ask")).status_code == 303
    assert (await office.now(order)).state is OrderState.PAID


@pytest.mark.parametrize(("done", "state"), [("yes", "done"), ("no", "failed")])
async def test_a_refund_of_which_nobody_knows_is_ended_by_what_a_person_saw(office: Office, done: str, state: str) -> None:
    order = await office.paid()
    [line] = await lines_of(order)
    await office.gives_back(order, what=str(line.id), amount="5", back_to="source", reason="A part.", key=await office.key(order))
    [refund] = await office.refunds(order)
    path = f"/payments/refunds/{refund['id']}"
    assert "Did the money go back?" not in (await office.get(path)).text  # it is the gateway's turn
    assert (await office.post(path, done=done, reason="Seen.")).status_code in {409, 422}
    async with uow():
        await RefundRow.update({RefundRow.state: str(RefundState.UNKNOWN), RefundRow.query_due_at: None}).where(
            RefundRow.id == refund["id"]
        )
    assert path in (await office.get("/payments/review")).text
    page = (await office.get(path)).text
    assert "Did the money go back?" in page
    assert "what you say here is final" in page
    for fields in ({"reason": "Seen."}, {"done": done}, {"done": "perhaps", "reason": "Seen."}):
        assert (await office.post(path, **fields)).status_code == 422
    assert (await office.post(path, done=done, reason="Seen in its list.")).status_code == 303
    assert (await office.refunds(order))[0]["state"] == state
    assert (await office.post(path, done=done, reason="Again.")).status_code in {409, 422}
    assert await check_books(None, None) == []


# --- settlement -------------------------------------------------------------------------------------


async def test_a_settlement_file_is_read_once_and_a_line_that_nobody_knows_is_closed(office: Office) -> None:
    order = await office.paid()
    path, token = f"/offices/{office.office}/settlements", re.compile(r'name="_csrf_token" value="([^"]+)"')
    payment = office.payment()
    data = as_csv(MERCHANT, settled_lines(office.gateway.till, "sandbox", MERCHANT))
    assert payment.txn.encode() in data
    stranger = data.replace(payment.reference.encode(), b"Z" * 20).replace(payment.txn.encode(), b"SBT888888888")
    stranger = re.sub(rb"\nSL[0-9A-Z]+,", b"\nSLSTRANGE1,", stranger)

    async def bring(content: bytes, name: str = "day.csv") -> httpx.Response:
        office.clock.forward(minutes=1)
        found = token.search((await office.get(path)).text)
        assert found
        headers = {"accept": "text/html", "origin": BASE, "referer": f"{BASE}{path}"}
        return await office.client.post(path, data={"_csrf_token": found[1]}, files={"file": (name, content, "text/csv")}, headers=headers)

    first, again = await bring(data), await bring(data)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["location"].endswith("told=new")
    assert again.headers["location"].endswith("told=known")
    files = await SettlementFileRow.count().where(SettlementFileRow.office == office.office)
    [line] = await SettlementLineRow.select().where(SettlementLineRow.gateway_txn_id == payment.txn)
    assert line["match"] == "matched"
    for wrong in (b"", b"x", data[:-5], data.replace(b"236", b"237", 1) if b"236" in data else b"y"):
        answer = await bring(wrong)
        assert (answer.status_code, 'href="#file"' in answer.text) == (422, True), wrong
    assert await SettlementFileRow.count().where(SettlementFileRow.office == office.office) == files
    assert (await bring(stranger, "other.csv")).status_code == 303
    [unknown] = await SettlementLineRow.select().where(SettlementLineRow.gateway_txn_id == "SBT888888888")
    assert unknown["match"] == "missing_here"
    at = f"{path}/lines/{unknown['id']}"
    assert at in (await office.get(path)).text
    assert (await office.post(at, act="close", reason=" ")).status_code == 422
    assert (await office.post(at, act="close", reason="Another system's payment.")).status_code == 303
    [closed] = await SettlementLineRow.select().where(SettlementLineRow.id == unknown["id"])
    assert (closed["because"], bool(closed["closed_by"])) == ("Another system's payment.", True)
    assert at not in (await office.get(path)).text
    assert (await office.now(order)).state is OrderState.PAID
    assert await order_by_reference(PLATFORM, order.reference)
