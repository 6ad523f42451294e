"""One function believes what a gateway says: once, compared with what was stored, forward only."""

import asyncio
import json

import pytest

from engine.contracts.paying import PaymentOutcome
from engine.errors import Conflict, NotFound
from engine.mail.tables import LetterRow
from engine.money.ledger.tables import AccountRow
from engine.money.orders import AttemptState, Disposition, OrderState, Verdict, cancel_order, expire_due
from engine.money.orders.tables import InboxRow
from engine.money.paying import ask, ask_due, failing_callbacks
from engine.money.paying.moving import release
from engine.scope import PLATFORM
from engine.store.tables import AuditEntry
from tests.money.till import Till, event_of, signed


async def payable(till: Till) -> int:
    rows = await AccountRow.select().where(AccountRow.role == "refund_payable")
    return sum(row["credits_posted"] - row["debits_posted"] for row in rows)


async def test_a_notice_pays_the_order_its_covers_its_receipt_and_its_journal(till: Till) -> None:
    order = await till.order(3)
    attempt = await till.start(order)
    heard = await till.notice(signed(till.told(attempt)))
    assert (heard.verdict, heard.state, heard.reply.body) == (Verdict.APPLIED, AttemptState.SUCCEEDED, b"OK")
    paid, now = await till.of(order), await till.now(attempt)
    assert (paid.state, paid.paid_by, now.disposition, now.gateway_txn_id) == (OrderState.PAID, "gateway", Disposition.APPLIED, "T1")
    counted = await till.counted()
    assert (counted["receipt"], counted["ledger_journal"], counted["cover"], counted["paid"]) == (1, 1, 3, 1)
    assert counted["letter"] == 1
    await till.sound()


async def test_a_browser_that_never_returns_is_found_by_asking(till: Till) -> None:  # P1
    order = await till.order()
    attempt = await till.start(order)
    till.gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    assert await ask_due(till.cashier, till.at) == 0
    till.later(minutes=2)
    assert await ask_due(till.cashier, till.at) == 1
    assert (await till.of(order)).state is OrderState.PAID
    assert await ask_due(till.cashier, till.at) == 0


async def test_a_notice_before_the_start_call_is_over_counts(till: Till) -> None:  # P2
    order = await till.order()

    async def quick(payment) -> None:
        attempt = await till.newest(order)
        await till.notice(signed(till.told(attempt)))

    till.gateway.on_start = quick
    attempt = await till.start(order)
    assert (attempt.state, attempt.gateway_order_id) == (AttemptState.SUCCEEDED, "G" + attempt.reference)
    before = await till.counted()
    heard = await till.back(attempt, signed(till.told(attempt)))
    assert (heard.verdict, heard.replayed) == (Verdict.APPLIED, True)
    assert await till.counted() == before


@pytest.mark.parametrize("together", [False, True])
async def test_the_same_word_many_times_is_one_payment(till: Till, together: bool) -> None:  # P3
    attempt = await till.start(await till.order())
    body = signed(till.told(attempt))
    calls = [till.back(attempt, body) if each % 2 else till.notice(body) for each in range(8)]
    heard = await asyncio.gather(*calls) if together else [await call for call in calls]
    assert {each.verdict for each in heard} == {Verdict.APPLIED}
    assert sum(not each.replayed for each in heard) == 1
    assert {each.reply.status for each in heard if each.reply is not None} == {200}
    counted = await till.counted()
    assert (counted["receipt"], counted["ledger_journal"], counted["payment_inbox"], counted["cover"]) == (1, 1, 1, 1)


@pytest.mark.parametrize("late", ["pending", "failed"])
async def test_what_comes_after_a_success_moves_nothing(till: Till, late: str) -> None:  # P4
    attempt = await till.start(await till.order())
    await till.notice(signed(till.told(attempt)))
    heard = await till.notice(signed(till.told(attempt, late)))
    assert (heard.verdict, heard.state) == (Verdict.IGNORED, AttemptState.SUCCEEDED)
    assert heard.reply.status == 200


async def test_pending_is_a_normal_state_and_success_follows(till: Till) -> None:  # P5
    order = await till.order()
    attempt = await till.start(order)
    assert (await till.back(attempt, signed(till.told(attempt, "pending")))).state is AttemptState.PENDING
    till.later(days=2)
    await expire_due(till.at)
    assert (await till.of(order)).open
    assert (await till.notice(signed(till.told(attempt)))).state is AttemptState.SUCCEEDED
    assert (await till.of(order)).state is OrderState.PAID


async def test_a_late_success_after_a_failure_pays(till: Till) -> None:  # P6
    order = await till.order()
    attempt = await till.start(order)
    assert (await till.notice(signed(till.told(attempt, "failed")))).state is AttemptState.FAILED
    assert (await till.notice(signed(till.told(attempt)))).state is AttemptState.SUCCEEDED
    assert (await till.of(order)).state is OrderState.PAID


async def test_a_late_success_beside_one_that_paid_is_excess(till: Till) -> None:  # P6, P11
    order = await till.order()
    first = await till.start(order)
    await till.notice(signed(till.told(first, "failed")))
    second = await till.start(order)
    await till.notice(signed(till.told(second)))
    await till.notice(signed(till.told(first, txn="T2")))
    assert (await till.now(first)).disposition is Disposition.EXCESS
    assert (await till.now(second)).disposition is Disposition.APPLIED
    assert await payable(till) == order.amount_paise
    assert (await till.counted())["receipt"] == 1
    await till.sound()


@pytest.mark.parametrize("end", ["cancelled", "expired"])
async def test_money_for_an_order_that_is_over_is_never_lost(till: Till, end: str) -> None:
    order = await till.order()
    attempt = await till.start(order)
    await till.notice(signed(till.told(attempt, "failed")))
    if end == "cancelled":
        await cancel_order(till.scope, order.reference, actor="test", at=till.at)
    else:
        till.later(hours=25)
        assert await expire_due(till.at) == 1
    letters = await LetterRow.count()
    await till.notice(signed(till.told(attempt)))
    assert (await till.of(order)).state == end
    assert (await till.now(attempt)).disposition is Disposition.EXCESS
    assert await payable(till) == order.amount_paise
    assert await LetterRow.count() == letters + 2  # the firm's, and the administrator's
    assert (await till.counted())["cover"] == 0


WRONG = [
    {"amount": 1},
    {"amount": 23601},
    {"amount": -23600},
    {"amount": 2**80},
    {"merchant": "DEL01"},
    {"currency": "USD"},
    {"merchant": ""},
    {"currency": ""},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_a_signed_message_that_differs_goes_to_review(till: Till, wrong: dict[str, object]) -> None:  # P7, P9
    order = await till.order()
    attempt = await till.start(order)
    heard = await till.notice(signed(till.told(attempt, **wrong)))
    assert (heard.verdict, heard.state, heard.reply.status) == (Verdict.REVIEW, AttemptState.REVIEW, 200)
    assert (await till.of(order)).open
    counted = await till.counted()
    assert (counted["cover"], counted["ledger_journal"], counted["receipt"], counted["letter"]) == (0, 0, 0, 1)
    later = await till.notice(signed(till.told(attempt, txn="T9")))  # a lock: only a person lets it go
    assert (later.verdict, later.state) == (Verdict.IGNORED, AttemptState.REVIEW)


FORGED = [
    lambda body: b"",
    lambda body: body[:-1],
    lambda body: body[1:],
    lambda body: body.partition(b".")[0].upper() + b"." + body.partition(b".")[2],
    lambda body: b"." + body.partition(b".")[2],
    lambda body: body.partition(b".")[0][:-1] + b"." + body.partition(b".")[2],
    lambda body: body.replace(b"succeeded", b"SUCCEEDED"),
    lambda body: signed(json.loads(body.partition(b".")[2]), "delhiDELHIdelhi1"),
    lambda body: b"\x00\xff" * 50,
]


@pytest.mark.parametrize("forge", range(len(FORGED)))
@pytest.mark.parametrize("by", ["notice", "return"])
async def test_what_does_not_prove_who_sent_it_changes_nothing(till: Till, forge: int, by: str) -> None:  # P8, P9
    order = await till.order()
    attempt = await till.start(order)
    body = FORGED[forge](signed(till.told(attempt))) or (b"" if by == "notice" else b"x")
    for _ in range(2):
        heard = await (till.notice(body) if by == "notice" else till.back(attempt, body))
        assert heard.verdict is Verdict.REFUSED
        assert heard.reply is None or heard.reply.status == 400
    assert (await till.now(attempt)).state is AttemptState.STARTED
    assert (await till.counted())["payment_inbox"] == 1
    assert (await till.of(order)).open


async def test_a_notice_at_another_offices_address_touches_nothing(till: Till) -> None:  # P9
    order = await till.order()
    attempt = await till.start(order)
    genuine = signed(till.told(attempt))
    assert (await till.notice(genuine, office=till.other)).verdict is Verdict.REFUSED
    own_key = signed(till.told(attempt), "delhiDELHIdelhi1")
    heard = await till.notice(own_key, office=till.other)
    assert (heard.verdict, heard.because) == (Verdict.ORPHAN, "its reference is another office's")
    assert (await till.now(attempt)).state is AttemptState.STARTED
    assert (await till.notice(genuine)).verdict is Verdict.APPLIED  # whatever the other office said before takes no place of it


async def test_an_unknown_reference_is_kept_and_told_of(till: Till) -> None:  # P10
    told = {"outcome": "succeeded", "reference": "ZZZZZZZZZZZZZZZZZZZZ", "merchant": "MUM01", "amount": 5}
    for _ in range(2):
        heard = await till.notice(signed(told))
        assert (heard.verdict, heard.reply.status) == (Verdict.ORPHAN, 200)
    assert (await till.counted())["payment_inbox"] == 1
    assert await LetterRow.count() == 1
    assert await AuditEntry.count().where(AuditEntry.act == "payment_orphan") == 1


async def test_callbacks_that_fail_are_counted_and_told_once_a_day(till: Till) -> None:  # P16
    attempt = await till.start(await till.order())
    for number in range(5):
        await till.notice(signed(till.told(attempt, txn=f"T{number}"), "wrongWRONGwrong1"))
    assert await failing_callbacks(PLATFORM, till.office.id, at=till.at) == 5
    assert await failing_callbacks(PLATFORM, till.other.id, at=till.at) == 0
    assert await LetterRow.count() == 1
    with pytest.raises(NotFound):
        await failing_callbacks(till.scope, till.office.id, at=till.at)
    till.gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    assert (await ask(attempt.id, cashier=till.cashier, at=till.at)).state is AttemptState.SUCCEEDED


async def test_a_flood_of_what_proves_nothing_fills_no_disk(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.money.paying.refusing._OF_ADDRESS", 3)
    monkeypatch.setattr("engine.money.paying.refusing._OF_ALL", 5)
    attempt = await till.start(await till.order())
    for number in range(6):
        assert (await till.back(attempt, b"junk %d" % number)).verdict is Verdict.REFUSED
    assert await InboxRow.count() == 3
    for number in range(6):
        await till.notice(b"more %d" % number, address="198.51.100.2")
    assert await InboxRow.count() == 5
    assert (await till.notice(signed(till.told(attempt)))).verdict is Verdict.APPLIED


async def test_a_replaced_key_verifies_for_as_long_as_the_gateway_says(till: Till) -> None:  # P17
    attempts = [await till.start(await till.order()) for _ in range(3)]
    till.later(days=1)
    await till.parameters("MUM01", "anotherKEYanother1")
    assert (await till.notice(signed(till.told(attempts[0])))).verdict is Verdict.APPLIED
    assert (await till.notice(signed(till.told(attempts[1]), "anotherKEYanother1"))).verdict is Verdict.APPLIED
    till.later(days=11)
    assert (await till.notice(signed(till.told(attempts[2])))).verdict is Verdict.REFUSED
    assert (await till.now(attempts[2])).state is AttemptState.STARTED


async def test_the_merchant_is_that_of_the_parameters_that_the_try_began_with(till: Till) -> None:  # P17
    attempt = await till.start(await till.order())
    await till.parameters("MUM02", "anotherKEYanother1")
    assert (await till.notice(signed(till.told(attempt, merchant="MUM02"), "anotherKEYanother1"))).verdict is Verdict.REFUSED
    assert (await till.notice(signed(till.told(attempt, merchant="MUM02")))).verdict is Verdict.REVIEW


async def test_an_old_genuine_success_does_not_pay_another_order(till: Till) -> None:  # P21
    paid, owed = await till.order(), await till.order()
    first = await till.start(paid)
    old = signed(till.told(first))
    await till.notice(old)
    second = await till.start(owed)
    heard = await till.back(second, old)
    assert (heard.verdict, heard.state) == (Verdict.REVIEW, AttemptState.REVIEW)
    assert (await till.of(owed)).open
    assert (await till.notice(signed({**till.told(first), "reference": second.reference, "x": 1}, "guess"))).verdict is Verdict.REFUSED


async def test_a_return_with_nothing_asks_soon_and_moves_nothing(till: Till) -> None:  # P23
    attempt = await till.start(await till.order())
    before = await till.counted()
    heard = await till.back(attempt, b"", method="GET")
    assert (heard.verdict, heard.state, heard.order_id) == (Verdict.IGNORED, AttemptState.STARTED, attempt.order_id)
    assert await till.counted() == before
    till.gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    assert await ask_due(till.cashier, till.at) == 1
    assert (await till.now(attempt)).state is AttemptState.SUCCEEDED


async def test_a_token_that_no_try_has_is_nobodys(till: Till) -> None:
    attempt = await till.start(await till.order())
    till.tokens[attempt.id] = "A" * 32
    with pytest.raises(NotFound):
        await till.back(attempt, b"x")
    for account in ("not-a-uuid", "00000000-0000-0000-0000-000000000000", "\x00"):
        from engine.money.paying import hear_notice

        with pytest.raises(NotFound):
            await hear_notice("scripted", account, till.raw(b"x"), cashier=till.cashier, at=till.at)


@pytest.mark.parametrize("missing", ["amount", "merchant", "currency"])
async def test_a_success_that_leaves_something_out_is_believed_once_the_gateway_was_asked(till: Till, missing: str) -> None:
    order = await till.order()
    attempt = await till.start(order)
    short = signed({**till.told(attempt), missing: None})
    till.gateway.answers[attempt.reference] = PaymentOutcome.FAILED
    assert (await till.back(attempt, short)).state is AttemptState.FAILED  # the question decides
    assert till.gateway.asked == [attempt.reference]
    till.gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    assert (await till.back(attempt, short)).state is AttemptState.SUCCEEDED


async def test_a_query_that_does_not_say_how_much_was_paid_is_for_a_person(till: Till) -> None:
    attempt = await till.start(await till.order())
    told = {"outcome": "succeeded", "reference": attempt.reference, "currency": "INR"}
    till.gateway.answers[attempt.reference] = event_of(told)
    assert (await ask(attempt.id, cashier=till.cashier, at=till.at)).state is AttemptState.REVIEW


async def test_a_question_that_says_what_a_notice_said_is_nothing_new(till: Till) -> None:
    attempt = await till.start(await till.order())
    told = till.told(attempt)
    await till.notice(signed(told))
    till.gateway.answers[attempt.reference] = event_of(told)
    before = await till.counted()
    heard = await ask(attempt.id, cashier=till.cashier, at=till.at)
    assert (heard.verdict, heard.replayed) == (Verdict.APPLIED, True)
    assert await till.counted() == before


async def test_a_payment_let_out_of_review_is_asked_about_again(till: Till) -> None:
    order = await till.order()
    attempt = await till.start(order)
    await till.notice(signed(till.told(attempt, merchant="OTHER")))
    right = till.told(attempt)
    till.gateway.answers[attempt.reference] = event_of(right)
    assert (await ask(attempt.id, cashier=till.cashier, at=till.at)).state is AttemptState.REVIEW
    await release(attempt.id, AttemptState.PENDING, "compared by hand", cashier=till.cashier, actor="account:x", at=till.at)
    assert (await ask(attempt.id, cashier=till.cashier, at=till.at)).state is AttemptState.SUCCEEDED
    assert (await till.of(order)).state is OrderState.PAID
    with pytest.raises(Conflict):
        await release(attempt.id, AttemptState.FAILED, "too late", cashier=till.cashier, actor="account:x", at=till.at)


async def test_hostile_words_of_a_signed_message_are_kept_tame(till: Till) -> None:
    attempt = await till.start(await till.order())
    body = signed(till.told(attempt, txn="T\x00\u202e" + "9" * 500, say="paid\x00\n" + "k9XvQ2mNpR7sT4wZ", code="\u200b0300"))
    heard = await till.notice(body)
    assert heard.verdict is Verdict.APPLIED
    now = await till.now(attempt)
    assert now.gateway_txn_id == "T" + "9" * 119
    assert "k9XvQ2mNpR7sT4wZ" not in now.say
    assert now.code == "0300"


@pytest.mark.parametrize("broken", ["locate", "verify", "acknowledge"])
async def test_a_plugin_that_breaks_answers_no_fault_of_ours(till: Till, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attempt = await till.start(await till.order())

    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("k9XvQ2mNpR7sT4wZ")

    monkeypatch.setattr(till.gateway, broken, breaks)
    heard = await till.notice(signed(till.told(attempt)))
    assert heard.reply.status == (400 if broken == "verify" else 200)
