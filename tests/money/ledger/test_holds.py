"""What is set aside is no longer available, and ends once: taken or let go, whole or by its lines."""

import asyncio
from uuid import uuid4

import pytest

from engine.errors import Conflict, NotFound, Refused
from engine.money.ledger import check_books, lines_held
from engine.money.ledger.tables import JournalRow
from engine.scope import PLATFORM
from engine.store import uow
from tests.money.ledger.desk import Desk


async def right(desk: Desk) -> bool:
    return await check_books(PLATFORM, desk.here.office_id) == []


async def test_what_is_set_aside_is_not_available_and_not_gone(desk: Desk) -> None:
    await desk.fill(100)
    await desk.hold(60)
    now = await desk.balance()
    assert (now.posted_paise, now.held_paise, now.available_paise) == (100, 60, 40)
    for spend in (desk.pay, desk.hold):
        with pytest.raises(Refused) as refused:
            await spend(41)
        assert refused.value.code == "insufficient_funds"
    await desk.pay(40)
    assert await desk.stands() == (60, 60)
    assert await right(desk)


async def test_a_hold_is_taken(desk: Desk) -> None:
    await desk.fill(100)
    held = await desk.hold(50, 10)
    await desk.take(held.journal_id)
    assert await desk.stands() == (40, 0)
    assert await right(desk)


async def test_a_hold_is_let_go(desk: Desk) -> None:
    await desk.fill(100)
    held = await desk.hold(50, 10)
    await desk.let_go(held.journal_id)
    assert await desk.stands() == (100, 0)
    assert await right(desk)


async def test_a_hold_ends_once(desk: Desk) -> None:
    await desk.fill(200)
    await desk.hold(90)  # so that the counters alone would allow it
    for first, second in ((desk.take, desk.let_go), (desk.let_go, desk.take), (desk.take, desk.take), (desk.let_go, desk.let_go)):
        held = await desk.hold(10)
        await first(held.journal_id, key=f"end:{held.journal_id}")
        before = await desk.stands()
        assert (await first(held.journal_id, key=f"end:{held.journal_id}")).replayed
        with pytest.raises(Conflict) as conflict:
            await second(held.journal_id)
        assert conflict.value.code == "hold_ended"
        with pytest.raises(Conflict) as reused:
            await (desk.let_go if first == desk.take else desk.take)(held.journal_id, key=f"end:{held.journal_id}")
        assert reused.value.code == "ledger_key_reused"
        assert await desk.stands() == before
    assert await right(desk)


async def test_a_hold_ended_many_ways_at_once_ends_one_way(desk: Desk) -> None:
    await desk.fill(1_000)
    await desk.hold(500)
    held = await desk.hold(100)
    ends = [desk.take(held.journal_id) if index % 2 else desk.let_go(held.journal_id) for index in range(16)]
    answers = await asyncio.gather(*ends, return_exceptions=True)
    done = [index for index, answer in enumerate(answers) if not isinstance(answer, BaseException)]
    assert len(done) == 1
    assert {answer.code for answer in answers if isinstance(answer, Conflict)} == {"hold_ended"}
    assert await desk.stands() == (900 if done[0] % 2 else 1_000, 500)
    assert await JournalRow.count() == 4
    assert await right(desk)


async def test_the_lines_of_a_hold_end_one_by_one(desk: Desk) -> None:
    await desk.fill(100)
    held = await desk.hold(10, 20, 30)
    await desk.take(held.journal_id, lines={1})
    await desk.let_go(held.journal_id, lines={3})
    assert await desk.stands() == (90, 20)
    for lines in ({1, 2}, {3}, None):
        with pytest.raises(Conflict) as conflict:
            await desk.take(held.journal_id, lines=lines)
        assert conflict.value.code == "hold_ended"
    assert await desk.stands() == (90, 20)
    await desk.take(held.journal_id, lines=[2, 2])
    assert await desk.stands() == (70, 0)
    assert [line.entry.amount_paise for line in await lines_held(desk.here, held.journal_id)] == [10, 20, 30]
    assert await right(desk)


async def test_overlapping_lines_at_once_end_once_each(desk: Desk) -> None:
    await desk.fill(1_000)
    held = await desk.hold(1, 10, 100)
    wanted = [{1, 2}, {2, 3}, {1, 3}, {2}, {1, 2, 3}] * 2
    answers = await asyncio.gather(*(desk.take(held.journal_id, lines=lines) for lines in wanted), return_exceptions=True)
    taken = [line for lines, answer in zip(wanted, answers, strict=True) if not isinstance(answer, BaseException) for line in lines]
    assert taken
    assert len(taken) == len(set(taken))
    paise = sum(10 ** (line - 1) for line in taken)
    assert await desk.stands() == (1_000 - paise, 111 - paise)
    assert await right(desk)


async def test_what_is_no_hold_of_this_office_is_not_there(desk: Desk) -> None:
    filled = await desk.fill(100)
    held = await desk.hold(10)
    taken = await desk.take(held.journal_id, lines=[1])
    cases = [
        (desk.beside, held.journal_id, None),
        (desk.foreign, held.journal_id, None),
        (desk.here, uuid4(), None),
        (desk.here, filled.journal_id, None),
        (desk.here, taken.journal_id, None),
        (desk.here, held.journal_id, [2]),
        (desk.here, held.journal_id, [0]),
        (desk.here, held.journal_id, []),
    ]
    said = set()
    for book, id, lines in cases:
        for end in (desk.take, desk.let_go):
            with pytest.raises(NotFound) as unknown:
                await end(id, book, lines=lines)
            said.add((unknown.value.code, unknown.value.say))
    assert len(said) == 1
    assert await desk.stands() == (90, 0)


async def test_a_hold_that_ended_leaves_nothing_half_done_in_the_callers_work(desk: Desk) -> None:
    await desk.fill(100)
    await desk.hold(50)
    held = await desk.hold(10)
    await desk.let_go(held.journal_id)
    async with uow():
        with pytest.raises(Conflict):
            await desk.take(held.journal_id)
        await desk.pay(5)
    assert await desk.stands() == (95, 50)
    assert await right(desk)


async def test_the_same_hold_many_times_at_once_sets_aside_once(desk: Desk) -> None:
    await desk.fill(100)
    answers = await asyncio.gather(*(desk.hold(60, key="hold:1") for _ in range(12)))
    assert len({answer.journal_id for answer in answers}) == 1
    assert await desk.stands() == (100, 60)
