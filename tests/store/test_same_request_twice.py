"""The same request twice has one effect and one answer."""

import asyncio
from datetime import datetime, timedelta

import pytest

from engine.errors import Conflict
from engine.store import uow
from engine.store.idempotency import KEPT_FOR, first_answer, forget_expired, remember_answer
from engine.store.tables import Idempotency, Setting


async def act(key: str, request: bytes, at: datetime) -> str:
    """A door that does something once per key."""
    if (known := await first_answer("exporter", key, request, at=at)) is not None:
        return known
    async with uow():
        await Setting.insert(Setting(name=f"effect of {key}", value=""))
        await remember_answer("exporter", key, request, "done", at=at)
    return "done"


async def test_a_repeat_gets_the_first_answer_and_does_nothing(database, at: datetime) -> None:
    assert [await act("k", b"r", at) for _ in range(3)] == ["done"] * 3
    assert await Setting.count().where(Setting.name == "effect of k") == 1


async def test_another_request_under_the_same_key_is_refused(database, at: datetime) -> None:
    await act("k", b"r", at)
    with pytest.raises(Conflict) as refused:
        await act("k", b"another", at)
    assert refused.value.code == "idempotency_key_reused"


async def test_the_same_key_of_another_actor_is_another_key(database, at: datetime) -> None:
    await act("k", b"r", at)
    assert await first_answer("broker", "k", b"r", at=at) is None


async def test_50_repeats_at_once_have_one_effect(database, at: datetime) -> None:
    answers = await asyncio.gather(*(act("k", b"r", at) for _ in range(50)), return_exceptions=True)
    assert {str(answer) for answer in answers if not isinstance(answer, Conflict)} == {"done"}
    assert await Idempotency.count() == 1


async def test_an_answer_is_forgotten_with_the_effect_that_failed(database, at: datetime) -> None:
    async def failing() -> None:
        async with uow():
            await remember_answer("exporter", "k", b"r", "done", at=at)
            raise Conflict("the effect failed")

    with pytest.raises(Conflict):
        await failing()
    assert await first_answer("exporter", "k", b"r", at=at) is None


async def test_a_key_is_unknown_from_its_last_moment_on_also_before_the_sweep(database, at: datetime) -> None:
    await act("k", b"r", at)
    over = at + KEPT_FOR
    assert await first_answer("exporter", "k", b"r", at=over - timedelta(microseconds=1)) == "done"
    assert await first_answer("exporter", "k", b"r", at=over) is None
    assert await first_answer("exporter", "k", b"another", at=over) is None


async def test_a_key_can_be_used_again_after_its_time(database, at: datetime) -> None:
    over = at + KEPT_FOR
    await remember_answer("exporter", "k", b"r", "first", at=at)
    with pytest.raises(Conflict):
        await remember_answer("exporter", "k", b"r", "too early", at=over - timedelta(microseconds=1))
    await remember_answer("exporter", "k", b"another", "second", at=over)
    assert await first_answer("exporter", "k", b"another", at=over) == "second"
    assert await Idempotency.count() == 1


async def test_answers_whose_time_is_over_are_deleted_in_parts(database, at: datetime) -> None:
    for index in range(7):
        await remember_answer("exporter", f"old {index}", b"r", "done", at=at)
    await remember_answer("exporter", "new", b"r", "done", at=at + timedelta(seconds=1))
    assert await forget_expired(at + KEPT_FOR - timedelta(seconds=1)) == 0
    assert await forget_expired(at + KEPT_FOR, most=3) == 7
    assert await Idempotency.select(Idempotency.key) == [{"key": "new"}]
