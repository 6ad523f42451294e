"""One run of the benchmark, start to end, in a folder that is removed afterwards."""

import asyncio
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.bench.batch import Batch, memory_after, through_corridor, through_drawing
from engine.bench.origin import measure_origin, through_growth
from engine.bench.pipelines import Pipelines, measure_pipelines
from engine.bench.result import Result
from engine.bench.serving import Register, Served, example_row, fill, free_port, measure_look_ups
from engine.bench.stage import Demonstration, site_config, stopped_clock
from engine.bench.studio import measure_studio
from engine.clock import SystemClock, ist_day
from engine.config import Config
from engine.registry import load

__all__ = ["measure"]

_BATCH = 24
_BATCH_ROUNDS = 3
_DRAWN_FOR_MEMORY = 50
_ROWS, _MOST_ROWS = 10_000, 1_000_000
_ASKING_S = 3.0
_PICTURES_SEED = 1
_GROWING = frozenset({"AIFTA", "IJCEPA", "MERCOSUR"})  # columns, one wide block, two joined tables


@dataclass(frozen=True, slots=True)
class _Batches:
    drawing: Batch
    corridor: Batch
    rss_mib: float


def measure(config: Config, demonstration: Demonstration, *, rounds: int = 15, quick: bool = False, full: bool = False) -> Result:
    """Measures our pipeline beside the naive one, in turn, on a throw-away site that draws as `config` says.

    `quick` measures the pipelines alone, without batches and servers; `full` asks a register of a million certificates
    too. Needs no network but loopback. Raises PluginError if a certificate that either pipeline made is not sound.
    """
    with tempfile.TemporaryDirectory(prefix="ecoo-bench-") as name, _quiet("engine", "pyhanko"):
        folder = Path(name)
        site = site_config(folder / "site", config)
        pipelines = measure_pipelines(site, demonstration, folder / "naive", rounds=rounds)
        if quick:
            return Result(pipelines, None, None, None, None, None, None)
        fresh = site_config(folder / "batch", config)  # certificates that were cut short must not be taken up again
        batches = asyncio.run(_batches(fresh, demonstration, pipelines, min(rounds, _BATCH_ROUNDS)))
        served = _serve(folder, site, demonstration, rounds=min(rounds, _BATCH_ROUNDS), full=full)
        today = ist_day(SystemClock().now())
        origin = measure_origin(today, rounds=rounds)
        growth = asyncio.run(_growth(site, today, rounds=min(rounds, _BATCH_ROUNDS)))
        studio = asyncio.run(measure_studio(_PICTURES_SEED))
        return Result(pipelines, batches.drawing, batches.corridor, served, batches.rss_mib, origin, growth, studio)


async def _growth(site: Config, today: date, *, rounds: int) -> float:
    forms = [form for form in load().in_force(today) if form.scheme in _GROWING]
    return await through_growth(forms, today, rounds=rounds, memory_mib=site.drawing.memory_mib)


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Keeps these loggers from telling of every certificate, and of every default that the naive pipeline leaves as it is."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


async def _batches(site: Config, demonstration: Demonstration, pipelines: Pipelines, rounds: int) -> _Batches:
    memory_mib = site.drawing.memory_mib
    await demonstration.make(site, stopped_clock())
    return _Batches(
        drawing=await through_drawing(pipelines.requests(_BATCH), rounds=rounds, memory_mib=memory_mib),
        corridor=await through_corridor(site, demonstration.officer, count=_BATCH, rounds=rounds),
        rss_mib=await memory_after(pipelines.requests(_DRAWN_FOR_MEMORY), memory_mib=memory_mib),
    )


def _serve(folder: Path, site: Config, demonstration: Demonstration, *, rounds: int, full: bool) -> Served:
    like = example_row(site.folder / "ecoo.db")
    registers = []
    for rows in (_ROWS, _MOST_ROWS) if full else (_ROWS,):
        port = free_port()
        config = site_config(folder / f"register-{rows}", site, port=port)
        asyncio.run(_make(config, demonstration))
        numbers, codes = fill(config.folder / "ecoo.db", like, rows)
        registers.append(Register(rows, config.path, port, demonstration.key(config), numbers, codes))
    return measure_look_ups(registers, rounds=rounds, seconds=_ASKING_S, folder=folder)


async def _make(config: Config, demonstration: Demonstration) -> None:
    await demonstration.make(config, SystemClock())
