"""Workers that died: their work is taken over by those that live.

Each worker counts on in a row of its own. Who watches such a count stand still for the whole lease takes it for dead and
gives its runs back to the queue. No two machines' clocks are compared: a watcher measures the silence that it witnessed
itself. A worker that was only slow goes on beside the new run; the conditional writes of the steps make that harmless.
"""

import logging
import time
from collections.abc import Callable, Set
from datetime import datetime
from typing import Protocol

from engine.jobs.tables import WorkerRow
from engine.store import uow

__all__ = ["Lease", "Work"]

_log = logging.getLogger(__name__)
_TURNS = 3


class Work(Protocol):
    """What a lease asks of the job engine; `engine.jobs.engine.JobEngine` answers."""

    async def executors(self) -> Set[str]: ...

    async def take_over(self, executor: str) -> int: ...


class Lease:
    """One worker's sign of life, and its eye on the others. `tick` counts seconds, of which only differences matter."""

    def __init__(self, name: str, *, lease_s: float, work: Work, tick: Callable[[], float] = time.monotonic) -> None:
        self.every_s = lease_s / _TURNS
        self._name = name
        self._lease_s = lease_s
        self._work = work
        self._tick = tick
        self._looked_s = tick()
        self._silent: dict[str, tuple[int, float]] = {}
        self._known = False

    async def turn(self, at: datetime) -> int:
        """Says that this worker lives, then looks at the others; tells how many it took over."""
        await self.beat(at)
        return await self.look()

    async def beat(self, at: datetime) -> None:
        """Counts on. The first beat belongs before the first job, so that no work is ever under an unknown name."""
        async with uow():
            counted = (
                await WorkerRow.update({WorkerRow.beats: WorkerRow.beats + 1, WorkerRow.seen_at: at})
                .where(WorkerRow.name == self._name)
                .returning(WorkerRow.beats)
            )
            if not counted:
                await WorkerRow.insert(WorkerRow(name=self._name, beats=1, seen_at=at))
        if self._known and not counted:
            _log.warning("taken_for_dead", extra={"worker": self._name})
        self._known = True

    async def look(self) -> int:
        """Takes over from those whose count stood still for a lease; tells how many there were."""
        now = self._tick()
        if now - self._looked_s > 2 * self.every_s:
            self._silent.clear()  # this process or the database stood still itself: nobody's silence was witnessed
        self._looked_s = now
        beats = await self._others()
        self._silent = {
            name: seen if (seen := self._silent.get(name)) is not None and seen[0] == count else (count, now)
            for name, count in beats.items()
        }
        dead = [name for name, (_, since) in self._silent.items() if now - since >= self._lease_s]
        return sum([await self._take_over(name, beats[name]) for name in dead])

    async def _others(self) -> dict[str, int]:
        """Every other worker's count. An executor of which only the job engine knows is given a row, and so a lease."""
        rows = await WorkerRow.select(WorkerRow.name, WorkerRow.beats).where(WorkerRow.name != self._name)
        beats = {row["name"]: row["beats"] for row in rows}
        for name in await self._work.executors() - beats.keys() - {self._name}:
            async with uow():
                await WorkerRow.insert(WorkerRow(name=name, beats=0)).on_conflict(target=WorkerRow.name, action="DO NOTHING")
            beats[name] = 0
        return beats

    async def _take_over(self, name: str, beats: int) -> bool:
        """Gives its runs back to the queue, unless it lives after all or another worker is at it.

        The count is moved on first: the others wait for another lease, and take this up if we die before the row is gone.
        """
        async with uow():
            ours = (
                await WorkerRow.update({WorkerRow.beats: beats + 1})
                .where(WorkerRow.name == name, WorkerRow.beats == beats)
                .returning(WorkerRow.beats)
            )
        if not ours:
            return False
        runs = await self._work.take_over(name)
        async with uow():
            await WorkerRow.delete().where(WorkerRow.name == name, WorkerRow.beats == beats + 1)
        _log.warning("worker_taken_over", extra={"worker": name, "runs": runs})
        return True
