"""Paying from the e-wallet: taken at once or set aside, never more than is there, and never twice."""

import asyncio

import pytest

from engine.errors import Conflict, Refused
from engine.filing import find
from engine.money import cover_of, post_cover
from engine.money.ledger import balance
from engine.money.orders import OrderState, lines_of, open_top_up
from engine.money.paying import pay_by_wallet
from engine.money.receipts.tables import ReceiptRow
from engine.money.tables import CoverKind
from engine.scope import PLATFORM
from engine.store import uow
from tests.money.till import Till, signed


async def covers(till: Till, order) -> list[str]:
    drafts = [await find(PLATFORM, line.reference) for line in await lines_of(order)]
    found = [await cover_of(draft) for draft in drafts]
    return [str(each.kind) for each in found if each is not None]


async def test_a_fee_is_taken_at_filing_where_the_terms_say_so(till: Till) -> None:
    order = await till.order(2)
    await till.fund(100_000)
    paid = await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    assert (paid.state, paid.paid_by) == (OrderState.PAID, "wallet")
    found = await balance(till.scope, till.office.id, till.firm.id)
    assert (found.posted_paise, found.held_paise) == (100_000 - 47_200, 0)
    assert await covers(till, order) == [CoverKind.ORDER] * 2
    assert await ReceiptRow.count() == 1
    again = await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)  # the same form, sent twice
    assert again.state is OrderState.PAID
    assert await till.available() == 52_800
    await till.sound()


async def test_a_fee_is_set_aside_until_each_certificate_is_issued(till: Till) -> None:
    await till.terms(fee_taken="issue")
    order = await till.order(2)
    await till.fund(50_000)
    await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    found = await balance(till.scope, till.office.id, till.firm.id)
    assert (found.posted_paise, found.held_paise, found.available_paise) == (50_000, 47_200, 2_800)
    assert await covers(till, order) == [CoverKind.HOLD] * 2
    assert await ReceiptRow.count() == 0
    first, second = await lines_of(order)
    async with uow():
        await post_cover(first.application_id, actor="test", at=till.at)
    found = await balance(till.scope, till.office.id, till.firm.id)
    assert (found.posted_paise, found.held_paise) == (26_400, 23_600)
    assert await ReceiptRow.count() == 1
    with pytest.raises(Conflict):
        async with uow():
            await post_cover(first.application_id, actor="test", at=till.at)
    async with uow():
        await post_cover(second.application_id, actor="test", at=till.at)
    assert await ReceiptRow.count() == 2
    await till.sound()


@pytest.mark.parametrize("taken", ["filing", "issue"])
async def test_a_wallet_that_is_short_says_how_much_is_missing_and_how_else_to_pay(till: Till, taken: str) -> None:
    await till.terms(fee_taken=taken)
    order = await till.order()
    await till.fund(20_000)
    with pytest.raises(Refused) as caught:
        await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    assert (caught.value.code, caught.value.rule) == ("insufficient_funds", "wallet balance")
    for words in ("Rs 36.00 are missing", "payment gateway", "previous platform"):
        assert words in caught.value.say
    assert (await till.of(order)).open
    assert await covers(till, order) == []
    assert (await till.start(order)).state == "started"  # the gateway is open to it


async def test_a_wallet_that_is_off_says_so(till: Till) -> None:
    order = await till.order()
    await till.fund(50_000)
    await till.switch_wallet(False)
    with pytest.raises(Refused) as caught:
        await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    assert caught.value.code == "wallet_off"
    assert "payment gateway" in caught.value.say
    with pytest.raises(Refused, match="keeps no e-wallets"):
        await open_top_up(till.scope, till.office.id, till.firm.id, 5000, actor="test", at=till.at)


async def test_a_top_up_is_not_paid_by_wallet(till: Till) -> None:
    order = await open_top_up(till.scope, till.office.id, till.firm.id, 5000, actor="test", at=till.at)
    await till.fund(50_000)
    with pytest.raises(Refused, match="does not fill itself"):
        await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)


async def test_the_wallet_waits_while_a_payment_is_under_way(till: Till) -> None:  # P11
    order = await till.order()
    await till.fund(50_000)
    attempt = await till.start(order)
    with pytest.raises(Conflict) as caught:
        await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    assert caught.value.code == "payment_under_way"
    await pay_by_wallet(till.scope, order.reference, again=True, actor="test", at=till.at)
    await till.notice(signed(till.told(attempt)))
    assert (await till.now(attempt)).disposition == "excess"
    assert await till.available() == 26_400
    await till.sound()


async def test_many_orders_at_one_moment_spend_what_is_there_and_no_more(till: Till) -> None:
    orders = [await till.order() for _ in range(6)]
    await till.fund(3 * 23_600 + 100)
    calls = [pay_by_wallet(till.scope, order.reference, actor="test", at=till.at) for order in orders]
    found = await asyncio.gather(*calls, return_exceptions=True)
    short = [each for each in found if isinstance(each, Refused)]
    assert len(short) == 3
    assert all("Rs 235.00 are missing" in each.say for each in short)
    assert await till.available() == 100
    assert (await till.counted())["cover"] == 3
    await till.sound()


async def test_one_order_pressed_many_times_is_paid_once(till: Till) -> None:
    order = await till.order()
    await till.fund(200_000)
    calls = [pay_by_wallet(till.scope, order.reference, actor="test", at=till.at) for _ in range(5)]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, Conflict) or each.state is OrderState.PAID for each in found)
    assert await till.available() == 200_000 - 23_600
    counted = await till.counted()
    assert (counted["cover"], counted["receipt"]) == (1, 1)
