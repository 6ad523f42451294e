"""Looks at the rows every few seconds and starts what nobody started: after a crash, a restore, a lost message."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

__all__ = ["Sweep", "Sweeper"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sweep:
    """An act on its own interval. The first round comes `after_s` seconds after the start, in the background; one that is
    `awaited` holds the start up instead, so only what is quick and must be there may be."""

    name: str
    every_s: float
    act: Callable[[], Awaitable[object]]
    awaited: bool = False
    after_s: float = 0.0


class Sweeper:
    """Runs each sweep on its own interval in seconds until stopped. A sweep that fails is logged and tried again."""

    def __init__(self, sweeps: Sequence[Sweep]) -> None:
        self._sweeps = sweeps
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = {sweep.name: asyncio.Event() for sweep in sweeps}

    def wake(self, name: str) -> None:
        """Runs that sweep now instead of at its next turn."""
        self._wake[name].set()

    async def start(self) -> None:
        """Starts every sweep, and gives back control when those that are awaited were run once."""
        for sweep in self._sweeps:
            if not sweep.awaited:
                self._tasks.append(asyncio.create_task(self._keep(sweep, sweep.after_s), name=f"sweep-{sweep.name}"))
        for sweep in self._sweeps:
            if sweep.awaited:
                await self._once(sweep)
                self._tasks.append(asyncio.create_task(self._keep(sweep, sweep.every_s), name=f"sweep-{sweep.name}"))

    async def stop(self) -> None:
        """Ends the sweeps."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _keep(self, sweep: Sweep, first_s: float) -> None:
        wait_s = first_s
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake[sweep.name].wait(), wait_s)
            self._wake[sweep.name].clear()
            await self._once(sweep)
            wait_s = sweep.every_s

    @staticmethod
    async def _once(sweep: Sweep) -> None:
        try:
            await sweep.act()
        except Exception as error:
            _log.error("sweep_failed", extra={"sweep": sweep.name, "problem": getattr(error, "code", type(error).__name__)})
