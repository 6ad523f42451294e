"""An application that ends without a certificate: the claim, the hold and the fee go where the order's frozen terms say."""

import pytest

from engine.application import ApplicationState
from engine.errors import Conflict, Forbidden, NotFound
from engine.filing import find, move
from engine.money import cover_of, release_cover, withdraw_application
from engine.money.ledger import balance
from engine.money.orders import OrderState, lines_of
from engine.money.orders.tables import RefundRow
from engine.money.paying import open_fee_order, pay_by_wallet
from engine.money.receipts.tables import ReceiptRow
from engine.scope import PLATFORM, Scope
from engine.store import uow
from tests.money.till import Till, signed


async def paid_by_gateway(till: Till, count: int = 1):
    order = await till.order(count)
    attempt = await till.start(order)
    await till.notice(signed(till.told(attempt)))
    return await till.of(order)


async def paid_by_wallet(till: Till, count: int = 1):
    order = await till.order(count)
    await till.fund(order.amount_paise)
    return await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)


async def withdraw(till: Till, line, scope: Scope | None = None):
    return await withdraw_application(scope or till.scope, line.reference, actor="test", at=till.at)


async def reject(till: Till, line) -> None:
    draft = await find(PLATFORM, line.reference)
    async with uow():
        await move(draft, ApplicationState.REJECTED, actor="test", at=till.at, frm=(ApplicationState.FILED,))
        await release_cover(draft.id, actor="test", at=till.at)


@pytest.mark.parametrize("how", [withdraw, reject])
async def test_a_fee_goes_back_the_way_it_came(till: Till, how) -> None:  # P24
    order = await paid_by_gateway(till, 2)
    first, second = await lines_of(order)
    await how(till, first)
    [refund] = await RefundRow.select()
    assert (refund["state"], refund["back_to"], refund["amount_paise"]) == ("requested", "source", 23_600)
    assert refund["order_line"] == first.id
    assert await cover_of(await find(PLATFORM, first.reference)) is None
    assert await cover_of(await find(PLATFORM, second.reference)) is not None
    await till.sound()


@pytest.mark.parametrize(("ending", "how"), [("on_withdrawal", withdraw), ("on_rejection", reject)])
async def test_a_fee_is_kept_where_the_terms_say_so_of_that_ending(till: Till, ending: str, how) -> None:
    await till.terms(**{ending: "keep"})
    order = await paid_by_gateway(till)
    [line] = await lines_of(order)
    await till.terms()  # later terms change nothing
    await how(till, line)
    assert await RefundRow.count() == 0
    assert (await till.counted())["ledger_journal"] == 1


@pytest.mark.parametrize("how", [withdraw, reject])
async def test_a_fee_goes_into_the_wallet_where_the_terms_say_so(till: Till, how) -> None:
    await till.terms(on_rejection="wallet", on_withdrawal="wallet")
    [line] = await lines_of(await paid_by_gateway(till))
    await how(till, line)
    assert await till.available() == 23_600
    await till.sound()


async def test_a_fee_that_the_wallet_paid_goes_back_into_it(till: Till) -> None:
    [line] = await lines_of(await paid_by_wallet(till))
    assert await till.available() == 0
    await withdraw(till, line)
    assert await till.available() == 23_600
    await till.sound()


@pytest.mark.parametrize("word", ["refund", "wallet"])
async def test_what_was_set_aside_is_let_go(till: Till, word: str) -> None:
    await till.terms(fee_taken="issue", on_withdrawal=word)
    first, second = await lines_of(await paid_by_wallet(till, 2))
    await withdraw(till, first)
    found = await balance(PLATFORM, till.office.id, till.firm.id)
    assert (found.available_paise, found.held_paise) == (23_600, 23_600)
    assert await cover_of(await find(PLATFORM, second.reference)) is not None
    assert (await RefundRow.count(), await ReceiptRow.count()) == (0, 0)
    await till.sound()


async def test_what_was_set_aside_is_taken_where_the_fee_is_kept(till: Till) -> None:
    await till.terms(fee_taken="issue", on_rejection="keep")
    [line] = await lines_of(await paid_by_wallet(till))
    await reject(till, line)
    found = await balance(PLATFORM, till.office.id, till.firm.id)
    assert (found.posted_paise, found.held_paise, await ReceiptRow.count()) == (0, 0, 1)
    await till.sound()


async def test_an_unpaid_application_takes_its_open_order_with_it(till: Till) -> None:
    order = await till.order(2)
    first, second = await lines_of(order)
    await withdraw(till, first)
    assert (await till.of(order)).state is OrderState.CANCELLED
    anew = await open_fee_order(till.scope, [second.reference], actor="test", at=till.at)
    assert anew.open


async def test_nothing_is_withdrawn_while_a_payment_for_it_is_under_way(till: Till) -> None:
    order = await till.order()
    attempt = await till.start(order)
    [line] = await lines_of(order)
    with pytest.raises(Conflict) as caught:
        await withdraw(till, line)
    assert caught.value.code == "payment_under_way"
    assert (await find(PLATFORM, line.reference)).state is ApplicationState.FILED
    await till.notice(signed(till.told(attempt, "failed")))
    assert (await withdraw(till, line)).state is ApplicationState.WITHDRAWN
    await till.notice(signed(till.told(attempt)))  # late: for nobody's fee any more
    assert (await till.now(attempt)).disposition == "excess"


async def test_only_its_own_exporter_withdraws_and_only_what_is_not_approved(till: Till) -> None:
    [line] = await lines_of(await paid_by_gateway(till))
    with pytest.raises(NotFound):
        await withdraw(till, line, Scope.exporter(till.rival.id))
    with pytest.raises(Forbidden):
        await withdraw(till, line, Scope.agency(till.office.agency_id))
    draft = await find(PLATFORM, line.reference)
    async with uow():
        await move(draft, ApplicationState.APPROVED, actor="test", at=till.at, frm=(ApplicationState.FILED,))
    with pytest.raises(Conflict):
        await withdraw(till, line)
    assert await RefundRow.count() == 0
