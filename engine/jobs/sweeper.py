"""Looks at the rows every few seconds and starts what nobody started: after a crash, a restore, a lost message."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

__all__ = ["Sweep", "Sweeper"]

_log = logging.getLogger(__name__)
Sweep = tuple[str, float, Callable[[], Awaitable[object]]]


class Sweeper:
    """Runs each sweep on its own interval in seconds until stopped. A sweep that fails is logged and tried again."""

    def __init__(self, sweeps: Sequence[Sweep]) -> None:
        self._sweeps = sweeps
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = {name: asyncio.Event() for name, _, _ in sweeps}

    def wake(self, name: str) -> None:
        """Runs that sweep now instead of at its next turn."""
        self._wake[name].set()

    async def start(self) -> None:
        """Runs every sweep once, then keeps them going."""
        for name, _, act in self._sweeps:
            await self._once(name, act)
        self._tasks = [asyncio.create_task(self._keep(*sweep), name=f"sweep-{sweep[0]}") for sweep in self._sweeps]

    async def stop(self) -> None:
        """Ends the sweeps."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _keep(self, name: str, every_s: float, act: Callable[[], Awaitable[object]]) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake[name].wait(), every_s)
            self._wake[name].clear()
            await self._once(name, act)

    @staticmethod
    async def _once(name: str, act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except Exception as error:
            _log.error("sweep_failed", extra={"sweep": name, "problem": getattr(error, "code", type(error).__name__)})
