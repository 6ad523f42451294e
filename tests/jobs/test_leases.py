"""A worker that is silent for a whole lease is taken over, once, and one that lives never is."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine import config as configuration
from engine.errors import ConfigError
from engine.jobs import Lease
from engine.jobs.tables import WorkerRow

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LEASE_S = 30.0


class Work:
    """A job engine that remembers whose runs were given back."""

    def __init__(self, *executors: str) -> None:
        self.running = set(executors)
        self.given_back: list[str] = []
        self.broken = False

    async def executors(self) -> set[str]:
        return set(self.running)

    async def take_over(self, executor: str) -> int:
        if self.broken:
            raise ConnectionError("gone")
        self.given_back.append(executor)
        self.running.discard(executor)
        return 1


class Tick:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def tick() -> Tick:
    return Tick()


def lease(name: str, work: Work, tick: Tick) -> Lease:
    return Lease(name, lease_s=LEASE_S, work=work, tick=tick)


async def turns(tick: Tick, *leases: Lease, count: int) -> int:
    """So many turns of each of them, in the time that they take."""
    taken = 0
    for _ in range(count):
        for each in leases:
            taken += await each.turn(AT)
        tick.now += leases[0].every_s
    return taken


async def names() -> set[str]:
    return {row["name"] for row in await WorkerRow.select(WorkerRow.name)}


async def test_a_worker_that_falls_silent_is_taken_over_after_a_lease_and_not_before(database, tick: Tick) -> None:
    work = Work("a")
    dead, alive = lease("a", work, tick), lease("b", work, tick)
    await turns(tick, dead, alive, count=5)
    assert await turns(tick, alive, count=2) == 0
    assert await turns(tick, alive, count=1) == 1
    assert work.given_back == ["a"]
    assert await names() == {"b"}


async def test_workers_that_live_leave_each_other_alone(database, tick: Tick) -> None:
    work = Work("a", "b")
    assert await turns(tick, lease("a", work, tick), lease("b", work, tick), count=20) == 0
    assert await names() == {"a", "b"}


async def test_a_dead_worker_is_taken_over_by_one_of_many(database, tick: Tick) -> None:
    work = Work("a")
    await lease("a", work, tick).beat(AT)
    others = [lease(name, work, tick) for name in "bcde"]
    await turns(tick, *others, count=3)
    for each in others:
        await each.beat(AT)
    assert sum(await asyncio.gather(*(each.look() for each in others))) == 1
    assert await turns(tick, *others, count=8) == 0
    assert work.given_back == ["a"]


async def test_what_a_worker_dies_over_is_taken_up_by_the_next(database, tick: Tick) -> None:
    work = Work("a")
    await lease("a", work, tick).beat(AT)
    first, second = lease("b", work, tick), lease("c", work, tick)
    await turns(tick, first, second, count=3)
    work.broken = True
    with pytest.raises(ConnectionError):
        await first.look()
    work.broken = False
    assert await turns(tick, second, count=2) == 0, "a lease had not passed since the first one began"
    assert await turns(tick, second, count=1) == 1
    assert work.given_back == ["b"]
    assert await turns(tick, second, count=1) == 1
    assert work.given_back == ["b", "a"]


async def test_a_worker_that_was_only_slow_goes_on_and_is_known_again(database, tick: Tick) -> None:
    work = Work()
    slow, other = lease("a", work, tick), lease("b", work, tick)
    await slow.beat(AT)
    assert await turns(tick, other, count=4) == 1
    await slow.beat(AT)
    assert await names() == {"a", "b"}
    assert await turns(tick, slow, other, count=8) == 0


async def test_an_executor_of_which_only_the_job_engine_knows_gets_a_lease_too(database, tick: Tick) -> None:
    work = Work("embedded")
    alive = lease("a", work, tick)
    assert await turns(tick, alive, count=3) == 0
    assert await turns(tick, alive, count=1) == 1
    assert work.given_back == ["embedded"]


async def test_who_stood_still_itself_has_witnessed_nobodys_silence(database, tick: Tick) -> None:
    work = Work("a")
    other, alive = lease("a", work, tick), lease("b", work, tick)
    await turns(tick, other, alive, count=3)
    tick.now += 10 * LEASE_S  # the database was away, for all of them
    assert await alive.turn(AT) == 0
    assert await turns(tick, other, alive, count=5) == 0
    assert work.given_back == []


def test_a_lease_of_no_time_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "engine.toml"
    path.write_text("[serve]\nlease_s = 0\n")
    with pytest.raises(ConfigError, match=r"serve\.lease_s"):
        configuration.load(path, {})
