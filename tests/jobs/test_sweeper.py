"""Sweeps: what must be there is awaited at the start, everything else comes beside it."""

import asyncio

from engine.jobs import Sweep, Sweeper


class Act:
    """Counts its rounds; each waits until it may go on."""

    def __init__(self, *, free: bool = True) -> None:
        self.begun = 0
        self.round = asyncio.Event()
        self.free = asyncio.Event()
        if free:
            self.free.set()

    async def __call__(self) -> None:
        self.begun += 1
        self.round.set()
        await self.free.wait()


async def test_the_start_waits_for_what_must_be_there_and_for_nothing_else() -> None:
    needed, slow = Act(), Act(free=False)
    sweeper = Sweeper([Sweep("slow", 3600.0, slow), Sweep("needed", 3600.0, needed, awaited=True)])
    async with asyncio.timeout(10):
        await sweeper.start()
        assert needed.begun == 1
        await slow.round.wait()
        sweeper.wake("needed")
        needed.round.clear()
        await needed.round.wait()
    assert (needed.begun, slow.begun) == (2, 1)
    await sweeper.stop()


async def test_housekeeping_comes_after_its_time_or_when_it_is_woken() -> None:
    late = Act()
    sweeper = Sweeper([Sweep("late", 3600.0, late, after_s=3600.0)])
    await sweeper.start()
    await asyncio.sleep(0)
    assert late.begun == 0
    sweeper.wake("late")
    async with asyncio.timeout(10):
        await late.round.wait()
    await sweeper.stop()


async def test_a_first_round_that_fails_stops_neither_the_start_nor_the_next_one() -> None:
    rounds, again = 0, asyncio.Event()

    async def fail() -> None:
        nonlocal rounds
        rounds += 1
        if rounds > 1:
            again.set()
        raise ConnectionError("gone")

    sweeper = Sweeper([Sweep("failing", 3600.0, fail, awaited=True)])
    await sweeper.start()
    assert rounds == 1
    sweeper.wake("failing")
    async with asyncio.timeout(10):
        await again.wait()
    await sweeper.stop()
