"""Runs of jobs in a process that works alone: a few at a time, each once, none lost and none left to nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from engine.jobs import StepOutcome
from engine.jobs.engine import JobEngine

Starting = Callable[..., AbstractAsyncContextManager[JobEngine]]


class Work:
    """A job of one step, which waits until it may go on."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.moved = asyncio.Event()
        self.free = asyncio.Event()

    async def step(self, id: str) -> StepOutcome:
        self.begun.append(id)
        self.moved.set()
        await self.free.wait()
        self.ended.append(id)
        self.moved.set()
        return StepOutcome.NEXT

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                self.moved.clear()
                await self.moved.wait()


@pytest.fixture
def starting(tmp_path: Path) -> Starting:
    """Opens the job engine over one database, as this executor, with that work."""

    @asynccontextmanager
    async def opened(work: Work, *, executor: str = "embedded", alone: bool = True) -> AsyncIterator[JobEngine]:
        engine = JobEngine(f"sqlite:///{tmp_path / 'jobs.db'}", executor=executor, concurrency=2, alone=alone)
        await engine.start({"job": [("step", work.step)]})
        try:
            yield engine
        finally:
            await engine.stop()

    return opened


async def test_a_few_run_at_a_time_each_once_and_the_others_count_as_under_way(starting: Starting) -> None:
    work = Work()
    async with starting(work) as engine:
        keys = [await engine.enqueue("job", id, 0) for id in ("a", "b", "c", "d", "a", "c")]
        await work.until(lambda: len(work.begun) == 2)
        assert await engine.under_way("job") == set(keys)
        assert not any([await engine.is_over("job", id, 0) for id in "abcd"])
        assert set(work.begun) == {"a", "b"}, "who waits longest is begun first; which of two at once is open"
        work.free.set()
        await work.until(lambda: len(work.ended) == 4)
        while await engine.under_way("job"):
            await asyncio.sleep(0)
        assert all([await engine.is_over("job", id, 0) for id in "abcd"])
        assert set(work.begun[2:]) == {"c", "d"}
        assert len(work.begun) == 4


async def test_who_works_alone_takes_over_the_runs_of_the_workers_that_were_there_before(
    starting: Starting, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []

    async def executors(self: JobEngine) -> frozenset[str]:
        return frozenset({"embedded", "worker-1"})

    async def take_over(self: JobEngine, executor: str) -> int:
        taken.append(executor)
        return 1

    monkeypatch.setattr(JobEngine, "executors", executors)
    monkeypatch.setattr(JobEngine, "take_over", take_over)
    async with starting(Work()):
        assert taken == ["worker-1"]
    taken.clear()
    async with starting(Work(), executor="worker-2", alone=False):
        assert taken == [], "among several workers the lease decides"
