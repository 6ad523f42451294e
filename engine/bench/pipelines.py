"""The naive pipeline and ours in turn, in this one process: whole certificates, and their parts alone."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from engine.bench.naive import Naive
from engine.bench.ours import DrawsHere, Ours
from engine.bench.stage import Demonstration, Numbered, Stage, on_stage
from engine.bench.timing import Case, Timed, in_turn
from engine.config import Config
from engine.contracts.drawing import DrawRequest
from engine.drawing.draw import draw_now, draw_uninspected

__all__ = ["Pipelines", "measure_pipelines"]


@dataclass(frozen=True, slots=True)
class Pipelines:
    """What everything took, each group against its own first case, and what the later measurements go on with.

    `whole` are certificates from input to row; `pdfs` holds one certificate of each pipeline, its signature proven.
    """

    whole: Mapping[str, Timed]
    signing: Mapping[str, Timed]
    drawing: Mapping[str, Timed]
    pdfs: Mapping[str, bytes]
    request: DrawRequest

    def requests(self, count: int) -> list[DrawRequest]:
        """The request as if for so many numbers."""
        stem = self.request.number[:-5]
        return [replace(self.request, number=f"{stem}{index:05d}") for index in range(count)]


def measure_pipelines(config: Config, demonstration: Demonstration, folder: Path, *, rounds: int) -> Pipelines:
    """Times everything on a new site. Raises PluginError if a PDF of ours or of the naive pipeline is not sound."""
    room = DrawsHere(processes=1, timeout_s=config.drawing.timeout_s, memory_mib=config.drawing.memory_mib)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            stage = runner.run(stack.enter_async_context(on_stage(config, demonstration, room)))
            first = runner.run(stage.number())
            naive = _naive(folder, stage, first)
            stack.callback(naive.close)
            return _measure(runner, stage, naive, first, rounds)
        finally:
            runner.run(stack.aclose())
            runner.run(room.close())


def _naive(folder: Path, stage: Stage, first: Numbered) -> Naive:
    stamp, appearance = first.request.stamp or b"", first.request.appearance or b""
    return Naive(folder, key=stage.key, chain=first.signatory.chain, stamp=stamp, appearance=appearance)


def _measure(runner: asyncio.Runner, stage: Stage, naive: Naive, first: Numbered, rounds: int) -> Pipelines:
    ours, request = Ours(stage), first.request
    drawing, drawn = draw_now(request), naive.draw(request)
    pdfs = {"naive": naive.issue(request), "product": runner.run(ours.issue(first))}
    ours.prove(pdfs["naive"])

    def number() -> Numbered:
        return runner.run(stage.number())

    whole = [
        Case("naive", lambda ready: naive.issue(ready.request), number),
        Case("product", lambda ready: runner.run(ours.issue(ready)), number),
        Case("unproven", lambda ready: runner.run(ours.issue_unproven(ready)), number),
        Case("corridor", lambda approval: runner.run(stage.walk(approval)), lambda: runner.run(stage.approve())),
    ]
    signing = [
        Case("naive_signing", lambda _: naive.sign(drawn)),
        Case("signing", lambda _: runner.run(ours.sign(first, drawing))),
        Case("verifying", lambda _: ours.prove(pdfs["product"])),
    ]
    drawings = [
        Case("naive_drawing", lambda _: naive.draw(request)),
        Case("drawing", lambda _: draw_uninspected(request)),
        Case("drawing_inspected", lambda _: draw_now(request)),
    ]
    return Pipelines(
        whole=in_turn(whole, rounds=rounds),
        signing=in_turn(signing, rounds=rounds),
        drawing=in_turn(drawings, rounds=rounds),
        pdfs=pdfs,
        request=request,
    )
