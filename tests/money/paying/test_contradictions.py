"""What contradicts itself, or what was believed before, stops for a person: nothing is guessed, and nothing that counts is taken back."""

import json

import pytest

from engine.contracts.paying import PaymentOutcome
from engine.errors import Conflict, NotFound, Refused
from engine.mail.tables import LetterRow
from engine.money.orders import AttemptState, Disposition, OrderState, Verdict, moves_of
from engine.money.orders.tables import InboxRow
from engine.money.paying import answer_doubt, ask, ask_due, doubted_queue, review_queue
from engine.money.paying.reviewing import doubt_about
from engine.scope import PLATFORM, Scope
from engine.store.tables import AuditEntry
from tests.money.till import Till, event_of, signed


@pytest.mark.parametrize("before", ["", "pending", "failed"])
async def test_a_message_whose_parts_contradict_each_other_is_for_a_person(till: Till, before: str) -> None:
    order = await till.order()
    attempt = await till.start(order)
    if before:
        await till.notice(signed(till.told(attempt, before)))
    heard = await till.notice(signed(till.told(attempt, "contradicts")))
    assert (heard.verdict, heard.state) == (Verdict.REVIEW, AttemptState.REVIEW)
    assert heard.because == "its parts contradict each other"
    assert (await till.of(order)).open
    assert [each.id for each in await review_queue(Scope.agency(till.office.agency_id))] == [attempt.id]
    counted = await till.counted()
    assert (counted["cover"], counted["ledger_journal"], counted["receipt"]) == (0, 0, 0)


async def test_an_answer_that_contradicts_itself_is_for_a_person_too(till: Till) -> None:
    attempt = await till.start(await till.order())
    till.gateway.answers[attempt.reference] = PaymentOutcome.CONTRADICTS
    assert (await ask(attempt.id, cashier=till.cashier, at=till.at)).state is AttemptState.REVIEW


async def test_what_says_nothing_that_is_known_goes_on_being_asked_about(till: Till) -> None:
    """Such as an error of the gateway's own: never a failure, and never a lock."""
    attempt = await till.start(await till.order())
    assert (await till.notice(signed(till.told(attempt, "unknown")))).state is AttemptState.STARTED
    till.gateway.answers[attempt.reference] = PaymentOutcome.UNKNOWN
    till.later(minutes=2)
    assert await ask_due(till.cashier, till.at) == 1
    assert (await till.now(attempt)).state is AttemptState.STARTED
    till.gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    till.later(minutes=5)
    assert await ask_due(till.cashier, till.at) == 1
    assert (await till.now(attempt)).state is AttemptState.SUCCEEDED


@pytest.mark.parametrize("amount", [23599, 23601])
async def test_a_late_success_of_another_amount_after_a_failure_is_for_a_person(till: Till, amount: int) -> None:
    attempt = await till.start(await till.order())
    await till.notice(signed(till.told(attempt, "failed")))
    assert (await till.notice(signed(till.told(attempt, amount=amount)))).verdict is Verdict.REVIEW
    assert (await till.now(attempt)).state is AttemptState.REVIEW


AGAIN = [
    {"txn": "T2"},
    {"txn": "T2", "amount": 1},
    {"amount": 23601},
    {"merchant": "DEL01", "key": "2"},
    {"currency": "USD", "key": "3"},
    {"outcome": "contradicts"},
]


@pytest.mark.parametrize("again", AGAIN, ids=str)
@pytest.mark.parametrize("by", ["notice", "answer"])
async def test_another_success_of_a_payment_that_counts_is_looked_at_and_takes_nothing_back(till: Till, again: dict, by: str) -> None:
    order = await till.order()
    attempt = await till.start(order)
    first = signed(till.told(attempt))
    await till.notice(first)
    before, letters = await till.counted(), await LetterRow.count()
    told = till.told(attempt, **again)
    till.gateway.answers[attempt.reference] = event_of(told)
    for _ in range(2):  # once more is nothing new
        heard = await till.notice(signed(told)) if by == "notice" else await ask(attempt.id, cashier=till.cashier, at=till.at)
        assert (heard.verdict, heard.state) == (Verdict.REVIEW, AttemptState.SUCCEEDED)
    now = await till.now(attempt)
    assert (now.disposition, now.gateway_txn_id, now.doubted_at) == (Disposition.APPLIED, "T1", till.at)
    assert (await till.of(order)).state is OrderState.PAID
    after = await till.counted()
    assert after == before | {"letter": before["letter"] + 1, "payment_inbox": before["payment_inbox"] + 1}
    assert await LetterRow.count() == letters + 1
    assert await AuditEntry.count().where(AuditEntry.act == "payment_doubted") == 1
    assert (await till.notice(first)).verdict is Verdict.APPLIED  # the first one stays what it was
    await till.sound()


async def test_the_same_success_once_more_is_no_doubt(till: Till) -> None:
    attempt = await till.start(await till.order())
    await till.notice(signed(till.told(attempt)))
    for told in (till.told(attempt, say="again", key="another"), till.told(attempt, txn="", key="third"), till.told(attempt, "failed")):
        assert (await till.notice(signed(told))).verdict is Verdict.IGNORED
    assert (await till.now(attempt)).doubted_at is None


async def test_an_old_success_of_another_payment_raises_no_doubt_about_this_one(till: Till) -> None:
    first, second = [await till.start(await till.order()) for _ in range(2)]
    old = signed(till.told(first, txn="T1"))
    await till.notice(old)
    await till.notice(signed(till.told(second, txn="T2")))
    heard = await till.back(second, old)
    assert (heard.verdict, heard.state) == (Verdict.IGNORED, AttemptState.SUCCEEDED)
    assert [(await till.now(each)).doubted_at for each in (first, second)] == [None, None]


async def test_a_person_answers_the_doubt_with_what_they_found(till: Till) -> None:
    attempt = await till.start(await till.order())
    await till.notice(signed(till.told(attempt)))
    await till.notice(signed(till.told(attempt, txn="T2")))
    own, other = Scope.agency(till.office.agency_id), till.scope
    [waiting] = await doubted_queue(own)
    assert (waiting.id, await doubt_about(waiting)) == (attempt.id, "it counts already, and a second success is told of it: T2")
    assert await doubted_queue(own, office_id=till.other.id) == []
    with pytest.raises(Refused):
        await answer_doubt(own, attempt.id, " ", actor="account:x", at=till.at)
    with pytest.raises(NotFound):
        await answer_doubt(Scope.exporter(till.rival.id), attempt.id, "Mine.", actor="account:x", at=till.at)
    settled = await answer_doubt(own, attempt.id, "The second one was given back.", actor="account:x", at=till.at)
    assert (settled.doubted_at, settled.state, settled.succeeded_at) == (None, AttemptState.SUCCEEDED, waiting.succeeded_at)
    assert await doubted_queue(own) == []
    last = (await moves_of(settled))[-1]
    assert last[1:] == (AttemptState.SUCCEEDED, AttemptState.SUCCEEDED, "account:x", "a person looked: The second one was given back.")
    [entry] = await AuditEntry.select().where(AuditEntry.act == "payment_doubt_answered")
    assert "given back" not in json.dumps(entry, default=str)
    with pytest.raises(Conflict):
        await answer_doubt(own, attempt.id, "Twice.", actor="account:x", at=till.at)
    assert other.exporter_ids
    assert await InboxRow.count().where(InboxRow.verdict == "review") == 1
    assert await doubted_queue(PLATFORM) == []
