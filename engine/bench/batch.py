"""A batch through the product as it runs: queue, job engine, drawing processes, signer, register.

Measured twice: with one drawing process and with two. Beside it the drawing alone, because on a machine with two cores
the first drawing process shares them with signing and rows, and only drawing alone shows how well it scales.
"""

import asyncio
import dataclasses
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.bench.stage import approve_example, stopped_clock
from engine.config import Config
from engine.contracts.drawing import DrawRequest
from engine.drawing import DrawingRoom
from engine.errors import PluginError
from engine.issuing.tables import ApprovalRow, ApprovalState
from engine.site import Site, open_site

__all__ = ["Batch", "memory_after", "through_corridor", "through_drawing"]

_LOOK_S = 0.02
_LONGEST_S = 120.0


@dataclass(frozen=True, slots=True)
class Batch:
    """How many certificates a second one drawing process and two of them gave, each the median of its rounds."""

    one: float
    two: float
    scaling: float

    @classmethod
    def of(cls, ones: Sequence[float], twos: Sequence[float]) -> "Batch":
        """The medians; the scaling is the median of each round's own."""
        scaling = statistics.median(two / one for one, two in zip(ones, twos, strict=True))
        return cls(statistics.median(ones), statistics.median(twos), scaling)

    def as_json(self) -> dict[str, float]:
        """The figures, rounded to what they mean."""
        return {"one_process": round(self.one, 2), "two_processes": round(self.two, 2), "scaling": round(self.scaling, 3)}


async def through_corridor(config: Config, officer: str, *, count: int, rounds: int) -> Batch:
    """`count` approved applications to ISSUED, in turn on a site with one drawing process and on one with two."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for processes in rates:
            drawing = dataclasses.replace(config.drawing, processes=processes)
            async with open_site(dataclasses.replace(config, drawing=drawing), work=True, clock=stopped_clock()) as site:
                await _issue(site, officer, 2 * processes)
                rates[processes].append(await _issue(site, officer, count))
    return Batch.of(rates[1], rates[2])


async def _issue(site: Site, officer: str, count: int) -> float:
    """Certificates a second, from the start of the queue to the last one issued; approving them is not counted."""
    for _ in range(count):
        await approve_example(site, officer)
    start = time.perf_counter()
    await site.start_queued()
    while open_rows := await ApprovalRow.select(ApprovalRow.last_problem).where(ApprovalRow.state != str(ApprovalState.DONE)):
        problem = next((row["last_problem"] for row in open_rows if row["last_problem"]), "")
        if problem or time.perf_counter() - start > _LONGEST_S:
            raise PluginError(f"A batch of {count} certificates was not issued: {problem or f'it took over {_LONGEST_S:g} seconds.'}")
        await asyncio.sleep(_LOOK_S)
    return count / (time.perf_counter() - start)


async def through_drawing(requests: Sequence[DrawRequest], *, rounds: int, memory_mib: int) -> Batch:
    """The requests drawn and inspected, in turn by one process and by two, all warm."""
    rooms = {n: DrawingRoom(processes=n, timeout_s=60, memory_mib=memory_mib) for n in (1, 2)}
    rates: dict[int, list[float]] = {1: [], 2: []}
    try:
        for processes, room in rooms.items():
            await room.start()
            await asyncio.gather(*(room.draw(requests[0]) for _ in range(2 * processes)))
        for _ in range(rounds):
            for processes, room in rooms.items():
                start = time.perf_counter()
                await asyncio.gather(*map(room.draw, requests))
                rates[processes].append(len(requests) / (time.perf_counter() - start))
    finally:
        for room in rooms.values():
            await room.close()
    return Batch.of(rates[1], rates[2])


async def memory_after(requests: Sequence[DrawRequest], *, memory_mib: int) -> float:
    """MiB of memory that one drawing process holds after it drew these requests."""
    room = DrawingRoom(processes=1, timeout_s=60, memory_mib=memory_mib)
    try:
        await room.start()
        for request in requests:
            await room.draw(request)
        return max(_resident_mib(pid) for pid in room.pids)
    finally:
        await room.close()


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
