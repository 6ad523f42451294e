"""Fair timing: the cases take turns, and what counts is the median of each round's ratio to the first case.

A machine that slows down for a while slows every case of that round, so ratios hold where absolute times do not.
"""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Case", "Timed", "in_turn"]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to time: `ready` makes its argument beforehand, untimed; `act` is what is timed."""

    name: str
    act: Callable[[Any], object]
    ready: Callable[[], Any] = lambda: None


@dataclass(frozen=True, slots=True)
class Timed:
    """What a case took, in milliseconds of wall clock, and how many times as fast as the first case it is.

    `cpu_ms` is the processor time of the process, all its threads together, in the same runs.
    """

    ms: float
    cpu_ms: float
    ratio: float
    rounds: int

    def as_json(self) -> dict[str, float | int]:
        """The figures, rounded to what they mean."""
        return {"ms": round(self.ms, 3), "cpu_ms": round(self.cpu_ms, 3), "ratio": round(self.ratio, 3), "rounds": self.rounds}


def in_turn(cases: Sequence[Case], *, rounds: int, warm_up: int = 1) -> Mapping[str, Timed]:
    """Times the cases A B C, A B C and so on, after `warm_up` untimed rounds; in the order given, the first is the measure."""
    for _ in range(warm_up):
        for case in cases:
            case.act(case.ready())
    wall: dict[str, list[float]] = {case.name: [] for case in cases}
    processor: dict[str, list[float]] = {case.name: [] for case in cases}
    for _ in range(rounds):
        for case in cases:
            taken, spent = _time(case)
            wall[case.name].append(taken)
            processor[case.name].append(spent)
    first = wall[cases[0].name]
    return {
        name: Timed(
            ms=statistics.median(taken) * 1e3,
            cpu_ms=statistics.median(processor[name]) * 1e3,
            ratio=statistics.median(a / b for a, b in zip(first, taken, strict=True)),
            rounds=rounds,
        )
        for name, taken in wall.items()
    }


def _time(case: Case) -> tuple[float, float]:
    """Seconds of wall clock and of processor for one act."""
    argument = case.ready()
    gc.collect()
    spent, start = time.process_time(), time.perf_counter()
    case.act(argument)
    taken = time.perf_counter() - start
    return taken, time.process_time() - spent
