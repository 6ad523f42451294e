"""Attacks on paying: what would give a fee back twice, leave a certificate unpaid, or make money vanish between two deeds."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from engine.application import ApplicationState
from engine.contracts.paying import PaymentOutcome
from engine.errors import EngineError, Refused
from engine.filing import find, move
from engine.filing.tables import ApplicationRow
from engine.money.covering import cover_line, cover_of, waive
from engine.money.ending import post_cover, withdraw_application
from engine.money.orders import AttemptState, Disposition, OrderState, PaidBy, cancel_order, lines_of, open_top_up
from engine.money.orders.closing import expire_due
from engine.money.orders.tables import AttemptRow, OrderLineRow, OrderRow, RefundTo
from engine.money.paying import (
    Refund,
    ReviewDecision,
    ask_due,
    credit_excess,
    open_fee_order,
    pay_by_wallet,
    refund_excess,
    refund_line,
    refund_top_up,
    release_review,
    submit_refunds,
)
from engine.money.receipts import receipts_of_order
from engine.money.settling import check_covers, check_every_clearing
from engine.money.tables import CoverRow
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.money.giving import office_scope, paid, with_refunds
from tests.money.till import Till, signed

WHY = "An attack of a test."


async def _all(*deeds: Any) -> list[Any]:
    """What became of deeds that began at once; anything but an answer or an error of ours fails the test."""
    done = await asyncio.gather(*deeds, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException) and not isinstance(each, EngineError):
            raise each
    return done


async def test_parts_of_a_fee_that_go_back_at_once_never_make_the_whole_of_one_that_is_needed(till: Till) -> None:
    order = await till.order()
    await paid(till, order)
    [line] = await lines_of(order)
    half = line.amount_paise // 2

    async def part() -> Any:
        return await refund_line(office_scope(till), line.id, amount_paise=half, reason=WHY, actor="test", at=till.at)

    done = await _all(part(), part(), part())
    assert [type(each).__name__ for each in done].count("Refund") == 1
    [row] = await OrderLineRow.select(OrderLineRow.refunded_paise).where(OrderLineRow.id == line.id)
    assert row["refunded_paise"] == half


async def test_a_payment_that_a_person_lets_be_asked_about_is_asked_about_by_the_round(till: Till) -> None:
    attempt = await till.start(await till.order())
    await till.notice(signed(till.told(attempt, amount=1)))
    assert (await till.now(attempt)).state is AttemptState.REVIEW
    await release_review(office_scope(till), attempt.id, ReviewDecision.ASK_AGAIN, WHY, cashier=till.cashier, actor="test", at=till.at)
    till.gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    till.later(hours=1)
    assert await ask_due(till.cashier, till.at) == 1
    assert (await till.now(attempt)).state is AttemptState.SUCCEEDED


async def test_a_fee_that_is_waived_while_it_is_being_paid_is_owed_back(till: Till) -> None:
    draft = await till.filed()
    order = await open_fee_order(till.scope, [draft.reference], actor="test", at=till.at)
    attempt = await till.start(order)
    await waive(draft, by="account:1", reason=WHY, at=till.at)
    await till.notice(signed(till.told(attempt)))
    assert (await till.of(order)).state is OrderState.CANCELLED
    assert (await till.now(attempt)).disposition is Disposition.EXCESS
    await till.sound()


@pytest.mark.parametrize("round", range(3))
async def test_an_application_is_not_withdrawn_while_a_payment_begins(till: Till, round: int) -> None:
    order = await till.order()
    [line] = await lines_of(order)
    await _all(withdraw_application(till.scope, line.reference, actor="test", at=till.at), till.start(order))
    state = (await till.of(order)).state
    tries = await AttemptRow.count().where(AttemptRow.order == order.id)
    assert not (state is OrderState.CANCELLED and tries), "a payment began for an order that was being cancelled"


async def test_a_hint_that_is_repeated_without_end_asks_the_gateway_a_bounded_number_of_times(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.money.paying.asking._MOST_SOON", 5)
    attempt = await till.start(await till.order())
    hint = signed({"outcome": "succeeded", "reference": attempt.reference, "merchant": "MUM01", "txn": "T1"})
    for _ in range(12):
        assert (await till.back(attempt, hint)).state is AttemptState.STARTED
    assert len(till.gateway.asked) == 5
    assert (await till.notice(signed(till.told(attempt)))).state is AttemptState.SUCCEEDED  # what says all of it needs no question


async def test_an_excess_that_is_refunded_credited_and_wired_at_once_goes_back_once(till: Till) -> None:
    with_refunds(till)
    order = await till.order()
    first, second = await till.start(order), await till.start(order, again=True)
    for number, attempt in enumerate((first, second)):
        await till.notice(signed(till.told(attempt, txn=f"T{number}")))
    scope, before = office_scope(till), await till.available()
    told: dict[str, Any] = {"reason": WHY, "actor": "test", "at": till.at}
    done = await _all(
        refund_excess(scope, second.id, **told),
        credit_excess(till.scope, second.id, **told),
        refund_excess(scope, second.id, back_to=RefundTo.BY_HAND, **told),
        credit_excess(till.scope, second.id, **told),
        credit_excess(till.scope, first.id, **told),  # it paid the order, so nothing of it is to spare
    )
    [kept] = [each for each in done if isinstance(each, Refund)]
    await submit_refunds(till.cashier, till.at)
    credited = second.amount_paise if kept.back_to is RefundTo.WALLET else 0
    assert (await till.available()) - before == credited
    assert len(till.gateway.given) == (kept.back_to is RefundTo.SOURCE)  # type: ignore[attr-defined]
    assert (await till.now(second)).refunded_paise == second.amount_paise
    await till.sound()


async def test_a_wallet_is_given_back_and_spent_at_once_and_never_both(till: Till) -> None:
    with_refunds(till)
    orders = [await till.order() for _ in range(3)]
    fee = orders[0].amount_paise
    topped = await open_top_up(till.scope, till.office.id, till.firm.id, fee, actor="test", at=till.at)
    attempt = await paid(till, topped)
    told: dict[str, Any] = {"reason": WHY, "actor": "test", "at": till.at}
    done = await _all(
        *(pay_by_wallet(till.scope, order.reference, actor="test", at=till.at) for order in orders),
        *(refund_top_up(office_scope(till), attempt.id, **told) for _ in range(3)),
        refund_top_up(office_scope(till), attempt.id, amount_paise=1, **told),
    )
    spent = sum([fee for order in orders if (await till.of(order)).state is OrderState.PAID])
    back = sum(each.amount_paise for each in done if isinstance(each, Refund))
    assert 0 < spent + back <= fee
    assert await till.available() == fee - spent - back
    assert (await till.now(attempt)).refunded_paise == back
    await till.sound()


async def test_an_order_that_is_paid_cancelled_and_withdrawn_in_every_way_at_once_loses_and_makes_no_money(till: Till) -> None:
    await till.fund(1_000_00)
    order = await till.order()
    [line] = await lines_of(order)
    before, attempts = await till.available(), [await till.start(order, again=number > 0) for number in range(2)]
    await _all(
        *(till.notice(signed(till.told(attempt, txn=attempt.reference[:5]))) for attempt in attempts),
        pay_by_wallet(till.scope, order.reference, again=True, actor="test", at=till.at),
        cancel_order(till.scope, order.reference, actor="test", at=till.at),
        withdraw_application(till.scope, line.reference, actor="test", at=till.at),
        expire_due(till.at + timedelta(days=2)),
    )
    now, tries = await till.of(order), [await till.now(each) for each in attempts]
    applied = [each for each in tries if each.disposition is Disposition.APPLIED]
    assert [each.state for each in tries] == [AttemptState.SUCCEEDED] * 2  # money that came is counted, whatever became of the order
    assert len(applied) == (now.state is OrderState.PAID and now.paid_by is PaidBy.GATEWAY)
    draft = await find(till.scope, line.reference)
    went = before - await till.available()
    if draft.state is ApplicationState.WITHDRAWN:
        assert went == 0  # a wallet that paid has it back
        assert await cover_of(draft) is None
    else:
        assert went == (order.amount_paise if now.paid_by is PaidBy.WALLET else 0)
        assert (await cover_of(draft) is not None) == (now.state is OrderState.PAID)
    await till.sound()


async def test_a_fee_that_is_set_aside_is_taken_or_let_go_and_never_both(till: Till) -> None:
    await till.terms(fee_taken="issue")
    await till.fund(1_000_00)
    order = await till.order()
    [line] = await lines_of(order)
    before = await till.available()
    await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    draft = await find(till.scope, line.reference)

    async def issue() -> None:
        async with uow():
            await move(draft, ApplicationState.APPROVED, actor="test", at=till.at, frm=(ApplicationState.FILED,))
            await post_cover(draft.id, actor="test", at=till.at)

    await _all(issue(), withdraw_application(till.scope, line.reference, actor="test", at=till.at), issue(), issue())
    taken = (await find(till.scope, line.reference)).state is ApplicationState.APPROVED
    assert before - await till.available() == (order.amount_paise if taken else 0)
    assert len(await receipts_of_order(till.scope, order.id)) == taken
    await till.sound()


async def test_one_payment_that_is_brought_to_every_order_pays_one_whatever_a_person_says(till: Till) -> None:
    first, second = await till.start(await till.order()), await till.start(await till.order())
    genuine = signed(till.told(first))
    assert (await till.notice(genuine)).state is AttemptState.SUCCEEDED
    assert (await till.back(second, genuine)).state is AttemptState.REVIEW
    told: dict[str, Any] = {"cashier": till.cashier, "actor": "test", "at": till.at}
    with pytest.raises(Refused, match="another one"):
        await release_review(office_scope(till), second.id, ReviewDecision.SUCCEEDED, WHY, **told)
    assert (await till.now(second)).state is AttemptState.REVIEW
    await release_review(office_scope(till), second.id, ReviewDecision.ASK_AGAIN, WHY, **told)
    assert await ask_due(till.cashier, till.at) == 1  # the gateway knows no money of it
    assert (await till.now(second)).state is AttemptState.PENDING
    await till.notice(signed(till.told(second, txn="T2")))
    assert (await till.now(second)).disposition is Disposition.APPLIED


# --- with the database in hand --------------------------------------------------------------------


async def test_a_fee_that_somebody_marks_as_paid_in_the_database_is_found_at_night(till: Till) -> None:
    order, honest = await till.order(), await till.order()
    await till.fund(1_000_00)
    await pay_by_wallet(till.scope, honest.reference, actor="test", at=till.at)
    assert await check_covers() == []
    [line] = await lines_of(order)
    paid_for = {OrderRow.state: "paid", OrderRow.paid_by: "wallet", OrderRow.settled_at: till.at}
    async with uow():
        await OrderRow.update(paid_for).where(OrderRow.id == order.id)
        await cover_line(line, at=till.at)
    [say] = await check_covers()
    assert line.reference in say
    assert await check_every_clearing(till.at) >= 1
    [entry] = await AuditEntry.select().where(AuditEntry.act == "covers_wrong")
    assert line.reference in str(entry["detail"])


async def test_a_hold_that_is_marked_as_taken_and_a_cover_that_is_gone_are_found_at_night(till: Till) -> None:
    await till.terms(fee_taken="issue")
    await till.fund(1_000_00)
    order = await till.order(2)
    await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
    first, second = await lines_of(order)
    assert await check_covers() == []
    async with uow():
        taken = {CoverRow.state: "posted", CoverRow.ended_at: till.at}
        await CoverRow.update(taken).where(CoverRow.application == first.application_id)
        await CoverRow.delete().where(CoverRow.application == second.application_id)
        await ApplicationRow.update({ApplicationRow.state: "issued"}).where(ApplicationRow.id == second.application_id)
    assert [line.reference in say for line, say in zip((first, second), await check_covers(), strict=True)] == [True, True]
