"""What one subject may do in a day, over all processes, until midnight in India."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import TooMany
from engine.store.engines import Engine
from engine.store.quota import take_of_day
from engine.store.tables import TryCount

EVENING = datetime(2026, 11, 22, 18, 29, tzinfo=UTC)  # 23:59 in India


@pytest.fixture(autouse=True)
async def database(built_database: Engine) -> None:
    """Every test here has the tables."""


async def test_a_days_work_is_taken_and_no_more_and_a_new_day_begins_at_midnight_in_india() -> None:
    for _ in range(3):
        await take_of_day("upload", "one", 3, at=EVENING)
    with pytest.raises(TooMany) as told:
        await take_of_day("upload", "one", 3, at=EVENING)
    assert told.value.retry_after_s == 60
    await take_of_day("upload", "another", 3, at=EVENING)
    await take_of_day("registration", "one", 3, at=EVENING)
    await take_of_day("upload", "one", 3, at=EVENING + timedelta(minutes=1))


async def test_of_many_at_once_no_more_are_taken() -> None:
    told = await asyncio.gather(*(take_of_day("upload", "one", 4, at=EVENING) for _ in range(10)), return_exceptions=True)
    assert sum(each is None for each in told) == 4
    assert all(each is None or isinstance(each, TooMany) for each in told)


async def test_the_row_outlasts_the_sweep_of_old_counters_for_as_long_as_it_counts() -> None:
    await take_of_day("upload", "one", 3, at=EVENING - timedelta(hours=20))
    [row] = await TryCount.select(TryCount.window_at)
    assert row["window_at"] == EVENING + timedelta(minutes=1)
