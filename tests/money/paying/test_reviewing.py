"""Payments under review: a person decides, with a reason, once, and what follows is what always follows."""

import asyncio

import pytest

from engine.contracts.paying import PaymentOutcome
from engine.errors import Conflict, NotFound, Refused
from engine.money.orders import Attempt, order_by_id
from engine.money.orders.tables import AttemptState, Disposition, OrderState
from engine.money.paying import ReviewDecision, ask, release_review, review_queue
from engine.money.receipts import receipts_of_order
from engine.money.settling import check_clearing
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store.tables import AuditEntry
from tests.money.giving import office_scope
from tests.money.till import Till, signed

WHY = "Seen in the gateway's own list."


async def stopped(till: Till, **more: object) -> Attempt:
    """A payment whose message names another amount."""
    order = await till.order()
    attempt = await till.start(order)
    await till.notice(signed(till.told(attempt, **{"amount": attempt.amount_paise + 1, **more})))
    now = await till.now(attempt)
    assert now.state is AttemptState.REVIEW
    return now


async def test_who_waits_for_a_person_is_in_the_queue_of_its_office_alone(till: Till) -> None:
    attempt = await stopped(till)
    assert [each.id for each in await review_queue(office_scope(till))] == [attempt.id]
    assert await review_queue(office_scope(till), office_id=till.other.id) == []
    for scope in (PUBLIC, Scope.exporter(till.rival.id), Scope.offices(till.office.agency_id, frozenset({till.other.id}))):
        assert await review_queue(scope) == []
        with pytest.raises(NotFound):
            await release_review(scope, attempt.id, ReviewDecision.SUCCEEDED, WHY, cashier=till.cashier, actor="test", at=till.at)


async def test_a_payment_that_a_person_found_pays_its_order_with_all_that_follows(till: Till) -> None:
    attempt = await stopped(till)
    await release_review(
        office_scope(till), attempt.id, ReviewDecision.SUCCEEDED, WHY, cashier=till.cashier, actor="account:ann", at=till.at
    )
    now = await till.now(attempt)
    assert (now.state, now.disposition) == (AttemptState.SUCCEEDED, Disposition.APPLIED)
    assert len(await receipts_of_order(office_scope(till), now.order_id)) == 1
    [entry] = await AuditEntry.select().where(AuditEntry.act == "payment_review_released")
    assert entry["actor"] == "account:ann"
    assert WHY not in entry["detail"]
    await till.sound()
    assert await check_clearing(None) == []


@pytest.mark.parametrize("decision", list(ReviewDecision))
async def test_less_money_than_was_to_be_paid_is_no_success_by_anybodys_word(till: Till, decision: ReviewDecision) -> None:
    attempt = await stopped(till, amount=100)
    act = release_review(office_scope(till), attempt.id, decision, WHY, cashier=till.cashier, actor="test", at=till.at)
    if decision is not ReviewDecision.SUCCEEDED:
        assert (await act).state is not AttemptState.SUCCEEDED
        return
    with pytest.raises(Refused) as refused:
        await act
    assert refused.value.code == "review_amount"
    assert (await till.now(attempt)).state is AttemptState.REVIEW
    assert await receipts_of_order(office_scope(till), attempt.order_id) == []
    await till.sound()


async def test_a_payment_that_did_not_come_fails_and_another_try_may_begin(till: Till) -> None:
    attempt = await stopped(till)
    await release_review(office_scope(till), attempt.id, ReviewDecision.FAILED, WHY, cashier=till.cashier, actor="test", at=till.at)
    assert (await till.now(attempt)).state is AttemptState.FAILED
    assert await receipts_of_order(office_scope(till), attempt.order_id) == []


async def test_asking_again_lets_the_gateway_have_the_word(till: Till) -> None:
    attempt = await stopped(till)
    await release_review(office_scope(till), attempt.id, ReviewDecision.ASK_AGAIN, WHY, cashier=till.cashier, actor="test", at=till.at)
    till.gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    await ask(attempt.id, cashier=till.cashier, at=till.at)
    assert (await till.now(attempt)).state is AttemptState.SUCCEEDED


async def test_a_decision_is_made_once_however_many_decide_at_once(till: Till) -> None:
    attempt = await stopped(till)
    decisions = (ReviewDecision.SUCCEEDED, ReviewDecision.FAILED, ReviewDecision.SUCCEEDED)
    done = await asyncio.gather(
        *(
            release_review(office_scope(till), attempt.id, decision, WHY, cashier=till.cashier, actor="test", at=till.at)
            for decision in decisions
        ),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["Attempt", "Conflict", "Conflict"]
    assert await AuditEntry.count().where(AuditEntry.act == "payment_review_released") == 1
    await till.sound()


async def test_a_decision_has_a_reason_and_is_about_what_is_under_review(till: Till) -> None:
    attempt = await stopped(till)
    with pytest.raises(Refused, match="reason"):
        await release_review(office_scope(till), attempt.id, ReviewDecision.FAILED, " ", cashier=till.cashier, actor="test", at=till.at)
    other = await till.start(await till.order())
    with pytest.raises(Conflict):
        await release_review(office_scope(till), other.id, ReviewDecision.FAILED, WHY, cashier=till.cashier, actor="test", at=till.at)


async def test_money_found_for_an_order_that_is_paid_meanwhile_is_excess(till: Till) -> None:
    attempt = await stopped(till)
    order_id = attempt.order_id
    second = await till.start(await order_by_id(PLATFORM, order_id), again=True)
    await till.notice(signed(till.told(second, txn="T2")))
    await release_review(office_scope(till), attempt.id, ReviewDecision.SUCCEEDED, WHY, cashier=till.cashier, actor="test", at=till.at)
    assert (await till.now(attempt)).disposition is Disposition.EXCESS
    assert (await order_by_id(PLATFORM, order_id)).state is OrderState.PAID
    assert await check_clearing(None) == []
