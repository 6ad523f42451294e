"""A try is written before the gateway is asked; what its answer means is told apart by what may have happened."""

import asyncio
from datetime import timedelta

import pytest

from engine.contracts.paying import PaymentOutcome
from engine.errors import Conflict, NotFound, Refused, TooMany, Unavailable, Unresolved, Untrusted
from engine.filing import find
from engine.money.orders import AttemptState, OrderState, attempts_of, cancel_order, expire_due, moves_of, open_top_up
from engine.money.orders.tables import AttemptRow
from engine.money.orders.trying import ASKED, due_after
from engine.money.paying import ask_due, open_fee_order, start_payment
from engine.scope import PLATFORM, Scope
from engine.store.tables import AuditEntry
from tests.money.till import BASE, Till, signed


async def test_the_try_stands_before_the_gateway_is_asked(till: Till) -> None:
    order = await till.order()
    seen = []

    async def look(payment) -> None:
        seen.extend(await AttemptRow.select().where(AttemptRow.reference == payment.reference))

    till.gateway.on_start = look
    attempt = await till.start(order)
    assert [(row["state"], row["amount_paise"]) for row in seen] == [("started", order.amount_paise)]
    [wanted] = till.gateway.starts
    assert wanted.return_url == f"{BASE}/cb/pay/scripted/r/{till.tokens[attempt.id]}"
    assert wanted.notice_url == f"{BASE}/cb/pay/scripted/s/{till.office.id}"
    assert till.tokens[attempt.id] not in str(seen)  # only its hash is kept
    assert (wanted.payer_name, wanted.tags[0]) == ("KONKAN KERNELS LLP", order.reference)
    assert [(before, after) for _, before, after, _, _ in await moves_of(attempt)] == [("created", "started")]


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (Unavailable("down"), Unavailable),
        (TooMany("slow", retry_after_s=3), Unavailable),
        (Refused("no", code="credentials"), Refused),
    ],
)
async def test_a_definite_no_leaves_the_order_as_it_was(till: Till, raised: Exception, said: type[Exception]) -> None:  # P15
    order = await till.order()
    till.gateway.on_start = raised
    with pytest.raises(said) as caught:
        await till.start(order)
    assert "Nothing was paid" in str(caught.value)
    [attempt] = await attempts_of(order)
    assert (attempt.state, attempt.query_due_at) == (AttemptState.START_FAILED, None)
    till.gateway.on_start = None
    assert (await till.start(order)).state is AttemptState.STARTED  # at once, without `again`


@pytest.mark.parametrize("raised", [Unresolved("silent"), Untrusted("odd"), Conflict("known"), RuntimeError("broke k9XvQ2mNpR7sT4wZ")])
async def test_silence_is_no_failure(till: Till, raised: Exception) -> None:  # P12
    order = await till.order()
    till.gateway.on_start = raised
    with pytest.raises(Unresolved) as caught:
        await till.start(order)
    assert "k9XvQ2mNpR7sT4wZ" not in str(caught.value)
    [attempt] = await attempts_of(order)
    assert (attempt.state, caught.value.reference) == (AttemptState.STARTED, attempt.reference)
    till.gateway.on_start = None
    with pytest.raises(Conflict, match="under way"):
        await till.start(order)
    till.gateway.answers[attempt.reference] = PaymentOutcome.NOT_FOUND
    till.later(minutes=16)
    await ask_due(till.cashier, till.at)
    again = await till.start(order)
    assert again.reference != attempt.reference
    till.gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    till.later(minutes=30)
    await ask_due(till.cashier, till.at)
    assert (await till.of(order)).state is OrderState.PAID


async def test_a_second_try_waits_unless_the_payer_says_again(till: Till) -> None:  # P11, P20
    order = await till.order()
    first = await till.start(order)
    with pytest.raises(Conflict) as caught:
        await till.start(order)
    assert caught.value.code == "payment_under_way"
    second = await till.start(order, again=True)
    assert await AuditEntry.count().where(AuditEntry.act == "payment_again") == 1
    assert first.reference != second.reference
    await till.notice(signed(till.told(first)))
    await till.notice(signed(till.told(second, txn="T2")))
    assert [(await till.now(each)).disposition for each in (first, second)] == ["applied", "excess"]
    with pytest.raises(Conflict) as over:
        await till.start(order)
    assert over.value.code == "order_state"


async def test_of_two_who_press_at_one_moment_one_begins(till: Till) -> None:
    order = await till.order()
    wait = asyncio.Event()

    async def slow(payment) -> None:
        await wait.wait()

    till.gateway.on_start = slow
    calls = [
        asyncio.create_task(start_payment(till.scope, order.reference, cashier=till.cashier, actor="test", at=till.at)) for _ in range(4)
    ]
    done, left = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    while len(left) > 1:
        more, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
        done |= more
    assert all(isinstance(call.exception(), Conflict) for call in done)
    wait.set()
    await asyncio.wait(left)
    assert len(await attempts_of(order)) == 1


async def test_the_schedule_ends_after_five_days_and_a_late_success_still_counts(till: Till) -> None:
    order = await till.order()
    attempt = await till.start(order)
    asked = 0
    while (due := (await till.now(attempt)).query_due_at) is not None:
        till.clock.at = due
        await ask_due(till.cashier, till.at)
        asked += 1
    assert (asked, len(till.gateway.asked)) == (len(ASKED), len(ASKED))
    assert (await till.now(attempt)).state is AttemptState.ABANDONED
    assert till.at - attempt.made_at < timedelta(days=5.6)
    assert (await till.of(order)).open
    await till.notice(signed(till.told(attempt)))
    assert (await till.of(order)).state is OrderState.PAID


async def test_the_schedule_is_late_by_the_reference_and_never_early(till: Till) -> None:
    dues = {due_after(reference, till.at, 0) for reference in ("A" * 20, "B" * 20, "C" * 20)}
    assert len(dues) == 3
    assert all(till.at + timedelta(minutes=1) <= due <= till.at + timedelta(seconds=66.1) for due in dues if due)
    assert due_after("A" * 20, till.at, len(ASKED)) is None


async def test_a_gateway_that_is_silent_when_asked_fails_nothing(till: Till) -> None:
    attempt = await till.start(await till.order())
    for error in (Unavailable("x"), Unresolved("x"), Untrusted("x"), TooMany("x", retry_after_s=1), RuntimeError("x")):
        till.gateway.answers[attempt.reference] = error
        till.clock.at = (await till.now(attempt)).query_due_at or till.at
        assert await ask_due(till.cashier, till.at) == 1
        assert (await till.now(attempt)).state is AttemptState.STARTED


@pytest.mark.parametrize(("error", "questions"), [(Unresolved("odd", code="not_believed"), 2), (Unresolved("x", code="silent"), 1)])
async def test_an_answer_that_is_not_believed_is_asked_for_with_the_key_in_use_too(
    till: Till, error: Exception, questions: int, monkeypatch: pytest.MonkeyPatch
) -> None:  # P16, P17: many a gateway answers a key that it knows no more with what no key proves
    order, keys = await till.order(), []
    attempt = await till.start(order)
    await till.parameters("MUM01", "anotherKEYanother1")
    asked = till.gateway.query

    async def query(ctx, reference, **more):
        keys.append(ctx.secrets["key"].value)
        if keys[-1] != "anotherKEYanother1":
            raise error
        return await asked(ctx, reference, **more)

    monkeypatch.setattr(till.gateway, "query", query)
    till.gateway.answers[attempt.reference] = PaymentOutcome.SUCCEEDED
    till.later(minutes=2)
    await ask_due(till.cashier, till.at)
    assert len(keys) == questions
    assert (await till.of(order)).state is (OrderState.PAID if questions == 2 else OrderState.OPEN)


async def test_of_two_workers_one_asks(till: Till) -> None:
    await till.start(await till.order())
    till.later(minutes=2)
    assert sum(await asyncio.gather(ask_due(till.cashier, till.at), ask_due(till.cashier, till.at))) == 1


async def test_an_order_expires_a_day_after_its_last_try_and_never_while_one_is_under_way(till: Till) -> None:
    order = await till.order()
    attempt = await till.start(order)
    till.later(hours=30)
    assert await expire_due(till.at) == 0
    await till.notice(signed(till.told(attempt, "failed")))
    till.later(hours=23)
    assert await expire_due(till.at) == 0
    till.later(hours=2)
    assert await expire_due(till.at) == 1
    assert (await till.of(order)).state is OrderState.EXPIRED
    with pytest.raises(Conflict):
        await till.start(order)


async def test_an_order_with_a_try_under_way_is_not_cancelled(till: Till) -> None:
    order = await till.order()
    attempt = await till.start(order)
    with pytest.raises(Conflict) as caught:
        await cancel_order(till.scope, order.reference, actor="test", at=till.at)
    assert caught.value.code == "payment_under_way"
    await till.notice(signed(till.told(attempt, "failed")))
    await cancel_order(till.scope, order.reference, actor="test", at=till.at)
    with pytest.raises(Conflict):
        await cancel_order(till.scope, order.reference, actor="test", at=till.at)


async def test_what_is_somebody_elses_reads_like_what_is_not_there(till: Till) -> None:
    order = await till.order()
    draft = await till.filed()
    for scope in (Scope.exporter(till.rival.id), Scope.agency(till.rival.id), Scope.broker(frozenset())):
        for reference in (order.reference, "Z" * 20, "nonsense", "\x00"):
            with pytest.raises(NotFound, match="There is no such order"):
                await start_payment(scope, reference, cashier=till.cashier, actor="test", at=till.at)
            with pytest.raises(NotFound, match="There is no such order"):
                await cancel_order(scope, reference, actor="test", at=till.at)
        with pytest.raises(NotFound):
            await open_fee_order(scope, [draft.reference], actor="test", at=till.at)
        with pytest.raises(NotFound):
            await open_top_up(scope, till.office.id, till.firm.id, 5000, actor="test", at=till.at)


async def test_a_gateway_takes_only_amounts_within_its_limits(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await till.order()
    from dataclasses import replace

    monkeypatch.setattr(type(till.gateway), "limits", replace(till.gateway.limits, most_paise=order.amount_paise - 1))
    with pytest.raises(Refused, match="takes amounts from"):
        await till.start(order)
    assert await attempts_of(order) == []


async def test_another_gateway_than_the_offices_is_refused(till: Till) -> None:
    order = await till.order()
    with pytest.raises(Refused, match="takes no payments through paytm"):
        await till.start(order, gateway="paytm")


async def test_a_top_up_goes_through_the_gateway_into_the_wallet_once(till: Till) -> None:
    order = await open_top_up(till.scope, till.office.id, till.firm.id, 50000, actor="test", at=till.at)
    attempt = await till.start(order)
    assert await till.available() == 0
    for _ in range(3):
        await till.notice(signed(till.told(attempt)))
    assert await till.available() == 50000
    counted = await till.counted()
    assert (counted["receipt"], counted["ledger_journal"], counted["cover"]) == (1, 1, 0)
    await till.sound()


@pytest.mark.parametrize("paise", [0, -1, 99, 10_00_000_01, 2**70])
async def test_a_top_up_is_an_amount(till: Till, paise: int) -> None:
    with pytest.raises(Refused):
        await open_top_up(till.scope, till.office.id, till.firm.id, paise, actor="test", at=till.at)


async def test_a_payment_moves_the_application_nowhere(till: Till) -> None:
    draft = await till.filed()
    order = await open_fee_order(till.scope, [draft.reference], actor="test", at=till.at)
    attempt = await till.start(order)
    await till.notice(signed(till.told(attempt)))
    assert (await find(PLATFORM, draft.reference)).state == "filed"
