"""The lines of the failure table that are about what the site asks, gives back and reconciles: P12 to P15, P18 to P20 and P24.

And what stands in place of a scenario that cannot happen on a wire: each such function shows that it cannot, and what keeps the money
safe instead.
"""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from engine.application import ApplicationState
from engine.errors import Refused
from engine.filing import find, move
from engine.money import cover_of, release_cover
from engine.money.orders import Attempt, Order, lines_of
from engine.money.orders.tables import OrderRow, RefundRow
from engine.money.paying import ask, ask_refunds, refund_line, submit_refunds
from engine.money.receipts import receipts_of_order
from engine.money.settling import chase_settlements, import_settlement, lines_of_file, open_lines, unsettled
from engine.money.terms import NewTerms, set_terms
from engine.people import make_key
from engine.scope import PLATFORM
from engine.store import uow
from tests.plugins.payment.shop_bench import Shop

__all__ = ["ASKED", "asks_nobody_first", "reads_no_file", "starts_without_it"]

CUT = "nobody knows yet whether a payment began"
DOWN = "The payment gateway cannot be reached just now. Nothing was paid"


async def start_cut_off(shop: Shop) -> None:
    """P12: a start without an answer is neither a payment nor a failure; a new reference only once the gateway was asked and time went by."""
    with shop.struck("start_timeout_no_effect"):
        order, page = await shop.order()
    assert CUT in page.text
    first = await shop.newest(order)
    await shop.ends(order, "open", "started")
    assert (await shop.again(order)).status_code == 409
    await shop.asks(minutes=16)
    await shop.ends(order, "open", "started")
    assert (await shop.go_on(await shop.again(order))).status_code == 200
    second = await shop.newest(order)
    assert second.reference != first.reference
    await shop.pays(second)
    await shop.ends(order, "paid", "started", "succeeded, applied", journals=["payment"])
    with shop.struck("start_timeout_with_effect"):
        order, page = await shop.order()
    assert CUT in page.text
    await shop.pays(await shop.newest(order), "return_only")  # the order stood at the gateway, and was paid there all the same
    await shop.asks(minutes=2)
    await shop.paid(order)


async def asks_nobody_first(shop: Shop) -> None:
    """No start can be cut off: our server asks nobody. The browser that never arrives leaves a try that is asked about, and no failure."""
    with shop.struck("start_timeout_with_effect"):
        order, page = await shop.order()
    assert page.status_code == 200
    first = await shop.newest(order)
    assert shop.asked("start", first.reference) == 0
    assert (await shop.again(order)).status_code == 409
    await shop.asks(minutes=16)
    assert shop.asked("query", first.reference) == 1
    await shop.ends(order, "open", "started")
    assert (await shop.go_on(await shop.again(order))).status_code == 200
    second = await shop.newest(order)
    assert second.reference != first.reference
    await shop.pays(second)
    await shop.ends(order, "paid", "started", "succeeded, applied", journals=["payment"])


async def refund_cut_off(shop: Shop) -> None:
    """P13: a refund without an answer is asked about under its own reference, and handed over once."""
    order, attempt = await _bought(shop)
    await shop.at_gateway(shop.rehearsal.script, attempt.reference, "refund_timeout_with_effect")
    [line] = await lines_of(order)
    at = shop.clock.now()
    refund = await refund_line(shop.staff, line.id, amount_paise=10_000, reason="A part of it", actor="test", at=at)
    await submit_refunds(shop.cashier, at)
    assert (await _refunds(order))[0]["state"] == "unknown"
    await submit_refunds(shop.cashier, at)
    assert shop.asked("refund", refund.reference) == 1
    for _ in range(3):
        shop.clock.forward(hours=1)
        await ask_refunds(shop.cashier, shop.clock.now())
        await submit_refunds(shop.cashier, shop.clock.now())
    assert [(row["state"], row["amount_paise"]) for row in await _refunds(order)] == [("done", 10_000)]
    assert shop.asked("refund", refund.reference) == 1
    assert shop.payment(attempt).refunded_paise == 10_000
    assert len(await receipts_of_order(PLATFORM, order.id)) == 2
    await shop.sound()


async def refund_too_much(shop: Shop) -> None:
    """P14: more than was paid, and the same twice, are refused before the gateway hears of anything."""
    order, attempt = await _bought(shop)
    [line] = await lines_of(order)
    whole = order.amount_paise

    async def ask_for(paise: int) -> Any:
        return await refund_line(shop.staff, line.id, amount_paise=paise, reason="Too much", actor="test", at=shop.clock.now())

    for paise in (whole + 1, 0, -1):
        with pytest.raises(Refused):
            await ask_for(paise)
    refund = await ask_for(whole - 100)
    for paise in (whole - 100, 101):
        with pytest.raises(Refused):
            await ask_for(paise)
    done = await asyncio.gather(*(ask_for(40) for _ in range(4)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Refund", "Refund", "Refused", "Refused"]
    assert not any(call["operation"] == "refund" and call.get("reference") == refund.reference for call in shop.rehearsal.gateway.calls)
    await submit_refunds(shop.cashier, shop.clock.now())
    assert shop.payment(attempt).refunded_paise == whole - 20
    await _until_done(shop)
    await shop.sound()


async def gateway_down(shop: Shop) -> None:
    """P15: the payer reads that nothing was paid; the application stays as it was, and is paid as soon as the gateway is there."""
    with shop.unplugged():
        order, page = await shop.order()
    assert (page.status_code, DOWN in page.text) == (503, True)
    await shop.ends(order, "open", "start_failed")
    [line] = await lines_of(order)
    draft = await find(PLATFORM, line.reference)
    assert (draft.state, await cover_of(draft)) == (ApplicationState.FILED, None)
    assert (await shop.go_on(await shop.again(order))).status_code == 200
    await shop.pays(await shop.newest(order))
    await shop.ends(order, "paid", "start_failed", "succeeded, applied", journals=["payment"])


async def starts_without_it(shop: Shop) -> None:
    """The gateway can be down without our noticing at checkout, as only the browser goes there: nothing fails by it, and nothing is paid."""
    with shop.unplugged():
        order, page = await shop.order()
        assert page.status_code == 200
        await shop.asks(minutes=2)
    await shop.ends(order, "open", "started")
    [line] = await lines_of(order)
    assert await cover_of(await find(PLATFORM, line.reference)) is None
    assert (await shop.go_on(await shop.again(order, again="yes"))).status_code == 200
    await shop.pays(await shop.newest(order))
    await shop.ends(order, "paid", "started", "succeeded, applied", journals=["payment"])


async def settled_although_failed(shop: Shop) -> None:
    """P18: the file alone pays nothing; the question that follows from it does, and the line matches."""
    order, attempt = await shop.begun()
    await shop.pays(attempt, "failure")
    await shop.ends(order, "open", "failed")
    await shop.message(attempt, status="paid")
    line = await _settled(shop, attempt)
    assert str(line.match) == "not_paid_here"
    await shop.ends(order, "open", "failed")
    await chase_settlements(shop.cashier, shop.clock.now())
    await shop.paid(order)
    [line] = [each for each in await lines_of_file(PLATFORM, line.file_id, most=500) if each.reference == attempt.reference]
    assert str(line.match) == "matched"
    assert line.id not in {each.id for each in await open_lines(PLATFORM, shop.office.id)}


async def paid_and_not_settled(shop: Shop) -> None:
    """P19: what no file has on the third working day waits for the staff; what one has does not."""
    (order, lost), (_, there) = [await _bought(shop) for _ in range(2)]
    await shop.at_gateway(shop.rehearsal.script, lost.reference, "settlement", how="missing_there")
    assert str((await _settled(shop, there)).match) == "matched"
    assert lost.reference not in await shop.reconciliation()
    shop.clock.forward(days=6)
    page = await shop.reconciliation()
    assert (lost.reference in page, there.reference in page, "Paid, and in no file" in page) == (True, False, True)
    await shop.paid(order)


async def reads_no_file(shop: Shop) -> None:
    """No settlement file is read, so none can say more than we know: a late success is found by asking, and what succeeded stays listed."""
    order, attempt = await shop.begun()
    await shop.pays(attempt, "failure")
    await shop.ends(order, "open", "failed")
    with pytest.raises(Refused, match="reads no settlement files"):
        await _import(shop, b"anything")
    await shop.message(attempt, status="paid")
    await ask(attempt.id, cashier=shop.cashier, at=shop.clock.now())
    await shop.paid(order)
    assert attempt.id in {
        each.id for each in await unsettled(shop.staff, shop.office.id, at=shop.clock.now() + timedelta(days=6), most=500)
    }
    assert "gives no files that are read here" in await shop.reconciliation()


async def sent_twice(shop: Shop) -> None:
    """P20: the same form twice, also at once, is one order with one try; so is the same request of a program under its key."""
    reference = await shop.filed()
    form = await shop.asked_for(reference)
    pages = await asyncio.gather(*(shop.press("/pay/fees", "/pay", **form) for _ in range(3)))
    assert sorted(page.status_code for page in pages) == [200, 409, 409]
    order = await shop.order_of(reference)
    await shop.ends(order, "open", "started")
    rights = frozenset({"see", "pay"})
    key = await make_key("program", rights=rights, exporter=shop.firm.id, valid_for=timedelta(days=1), actor="test", at=shop.clock.now())
    headers = {"authorization": f"Bearer {key}", "idempotency-key": uuid4().hex}
    body, orders = {"applications": [await shop.filed()]}, f"{shop.base}/api/v1/orders"
    answers = [await shop.crowd.post(orders, json=body, headers=headers) for _ in range(2)]
    assert [each.status_code for each in answers] == [201, 201], answers[0].text
    assert answers[0].json() == answers[1].json()
    made = answers[0].json()["order"]["reference"]
    started = [await shop.crowd.post(f"{orders}/{made}/payments", headers={"authorization": f"Bearer {key}"}) for _ in range(2)]
    assert [each.status_code for each in started] == [201, 409]
    [row] = await OrderRow.select(OrderRow.id).where(OrderRow.reference == made)
    assert [str(each.state) for each in (await shop.tries(row["id"]))] == ["started"]


async def rejected(shop: Shop) -> None:
    """P24: the fee goes back the way it came, into the wallet, or is kept, as the terms said before it was paid."""
    for word in ("keep", "wallet", "refund"):
        told = {"on_rejection": word, "on_withdrawal": word, "fee_taken": "filing", "top_up_is": "deposit", "receipt_code": "MUM"}
        await set_terms(shop.staff, shop.office, NewTerms(**told), actor="test", at=shop.clock.now())
        order, attempt = await _bought(shop)
        [line] = await lines_of(order)
        draft = await find(PLATFORM, line.reference)
        async with uow():
            await move(draft, ApplicationState.REJECTED, actor="test", at=shop.clock.now(), frm=(ApplicationState.FILED,))
            await release_cover(draft.id, actor="test", at=shop.clock.now())
        await submit_refunds(shop.cashier, shop.clock.now())
        await _until_done(shop)
        ended = [(row["back_to"], row["state"], row["amount_paise"]) for row in await _refunds(order)]
        assert ended == {"keep": [], "wallet": [("wallet", "done", 23_600)], "refund": [("source", "done", 23_600)]}[word]
        assert shop.payment(attempt).refunded_paise == (order.amount_paise if word == "refund" else 0)
        assert str((await shop.now(order)).state) == "paid"
        assert await cover_of(await find(PLATFORM, line.reference)) is None
        await shop.sound()


async def _bought(shop: Shop) -> tuple[Order, Attempt]:
    order, attempt = await shop.begun()
    await shop.pays(attempt)
    await shop.paid(order)
    return order, await shop.newest(order)


async def _refunds(order: Order) -> list[dict[str, Any]]:
    return list(await RefundRow.select().where(RefundRow.order == order.id))


async def _until_done(shop: Shop) -> None:
    """The site asks about refunds once more, as what a gateway only took on is not done yet."""
    shop.clock.forward(hours=1)
    await ask_refunds(shop.cashier, shop.clock.now())


async def _settled(shop: Shop, attempt: Attempt) -> Any:
    """A day later the office fetches the gateway's files and imports them; the line about a try."""
    shop.clock.forward(days=1)
    files = [(await _import(shop, data)).file_id for data in await _files(shop)]
    lines = [each for id in files for each in await lines_of_file(PLATFORM, id, most=500)]
    [line] = [each for each in lines if each.reference == attempt.reference]
    return line


async def _import(shop: Shop, data: bytes) -> Any:
    at, files = shop.clock.now(), shop.site.files
    return await import_settlement(shop.staff, shop.office.id, "day", data, cashier=shop.cashier, files=files, actor="test", at=at)


async def _files(shop: Shop) -> list[bytes]:
    """The settlements as the gateway gives them out: in one file, or by months."""
    address, today = shop.rehearsal.address, shop.clock.now()
    if shop.wire.gateway == "sandbox":
        answers = [await shop.crowd.get(f"{address}/rehearsal/settlement", params={"merchant": shop.merchant.id})]
    else:
        months = sorted({(day.year, day.month) for day in (today - timedelta(days=30), today)})
        url, pair = f"{address}/v1/settlements/recon/combined", httpx.BasicAuth(shop.merchant.id, shop.merchant.secrets["key"])
        answers = [await shop.crowd.get(url, params={"year": year, "month": month}, auth=pair) for year, month in months]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.content for answer in answers if b'"items": []' not in answer.content]


ASKED = {
    "P12": start_cut_off,
    "P13": refund_cut_off,
    "P14": refund_too_much,
    "P15": gateway_down,
    "P18": settled_although_failed,
    "P19": paid_and_not_settled,
    "P20": sent_twice,
    "P24": rejected,
}
