"""Counters of tries: memory answers, rows are shared, old rows go."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from litestar.connection import ASGIConnection

from admin.limits import Limits, address_of
from engine.errors import TooMany
from engine.store import connect, uow
from engine.store.tables import TryCount


@pytest.fixture
async def rows(story: Any) -> AsyncIterator[None]:
    database = await connect(story.config.database.url)
    async with uow():
        await TryCount.delete(force=True)
    yield
    await database.close()


async def test_two_processes_count_together_after_a_flush(rows: None, clock: Any) -> None:
    one, two = Limits(clock), Limits(clock)
    for _ in range(3):
        one.hit("verify", "1.2.3.4", 5)
    await one.flush()
    two.hit("verify", "1.2.3.4", 5)
    await two.flush()
    two.hit("verify", "1.2.3.4", 5)
    with pytest.raises(TooMany):
        two.hit("verify", "1.2.3.4", 5)
    two.hit("verify", "1.2.3.5", 5)
    one.hit("other", "1.2.3.4", 5)


async def test_a_flush_writes_what_was_counted_once(rows: None, clock: Any) -> None:
    limits = Limits(clock)
    for _ in range(4):
        limits.hit("verify", "a", 100)
    await limits.flush()
    await limits.flush()
    found = await TryCount.select().where(TryCount.subject == "a")
    assert [row["tries"] for row in found] == [4]


async def test_a_running_site_shares_what_it_counts_by_itself_and_once_more_at_its_end(
    rows: None, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin.limits._FLUSH_S", 0.0)
    limits = Limits(clock)
    async with limits.sharing():
        limits.hit("verify", "a", 100)
        async with asyncio.timeout(30):
            while not await TryCount.exists().where(TryCount.subject == "a"):
                await asyncio.sleep(0)
        monkeypatch.setattr("admin.limits._FLUSH_S", 3600.0)
        limits.hit("verify", "a", 100)
    [found] = await TryCount.select().where(TryCount.subject == "a")
    assert found["tries"] == 2


async def test_a_new_minute_begins_at_nothing_and_old_rows_go(rows: None, clock: Any) -> None:
    limits = Limits(clock)
    limits.hit("verify", "a", 1)
    await limits.flush()
    clock.forward(minutes=11)
    limits.hit("verify", "a", 1)
    await limits.flush()
    kept = await TryCount.select()
    assert [row["window_at"] for row in kept] == [clock.now().replace(second=0, microsecond=0)]
    assert clock.now() - kept[0]["window_at"] < timedelta(minutes=1)


async def test_many_addresses_fill_neither_memory_nor_one_write(rows: None, clock: Any) -> None:
    limits = Limits(clock)
    for number in range(60_000):
        limits.hit("verify", f"10.0.{number // 256}.{number % 256}", 5)
    for _ in range(9):
        limits.hit("verify", "10.0.0.1", 10)
    await limits.flush()
    written = await TryCount.select().where(TryCount.subject.like("10.0.%"))
    assert len(written) <= 300
    assert max(row["tries"] for row in written) == 10
    assert len(limits._counts) <= 50_000


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("not an address", "not an address"),
    ],
)
def test_one_household_is_one_address(host: str, counted: str) -> None:
    connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection({"type": "http", "client": (host, 1), "state": {}})  # type: ignore[arg-type,typeddict-item]
    assert address_of(connection) == counted
