"""What was measured, as JSON for machines and as a table with the goals for people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.bench.batch import Batch
from engine.bench.origin import Origin
from engine.bench.pipelines import Pipelines
from engine.bench.serving import Served
from engine.bench.studio import Studio

__all__ = ["Figure", "Result"]

_SAY: Mapping[str, str] = {
    "naive": "naive: xhtml2pdf, QR as PNG, pyHanko defaults, a row",
    "product": "ours: drawn, inspected, signed, verified, stored",
    "unproven": "ours, without inspection and verification",
    "corridor": "ours, all five steps of the corridor, restartable",
    "naive_signing": "signing alone, pyHanko defaults, RSA-2048",
    "signing": "signing alone, ours, RSA-2048",
    "verifying": "verifying one signed file, ours",
    "naive_drawing": "drawing alone, naive",
    "drawing": "drawing alone, ours",
    "drawing_inspected": "drawing and inspection, ours",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure that has a goal. `value` is None if this run did not measure it."""

    name: str
    say: str
    value: float | None
    goal: float
    at_least: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the goal is met."""
        if self.value is None:
            return None
        return self.value >= self.goal if self.at_least else self.value < self.goal

    @property
    def line(self) -> str:
        """For the table."""
        value = "not measured" if self.value is None else f"{self.value:.2f}"
        word = {True: "met", False: "MISSED", None: ""}[self.met]
        return f"  {self.say:<58} {value:>12}   {'>=' if self.at_least else '< '} {self.goal:<6g} {word}".rstrip()


@dataclass(frozen=True, slots=True)
class Result:
    """All figures of one run; what was not measured is None."""

    pipelines: Pipelines
    drawing_batch: Batch | None
    corridor_batch: Batch | None
    served: Served | None
    drawing_rss_mib: float | None
    origin: Origin | None
    growth: float | None
    studio: Studio | None = None

    @property
    def figures(self) -> list[Figure]:
        """The figures with goals."""
        whole, ways = self.pipelines.whole, self.served.look_ups if self.served else {}
        batch, drawn, origin = self.corridor_batch, self.drawing_batch, self.origin
        least = {way: min(each.to_bare.values()) for way, each in ways.items()}
        flat = [each.flat for each in ways.values() if each.flat is not None]
        return [
            Figure("product_to_naive", "the whole product, certificates to naive", whole["product"].ratio, 1.2),
            Figure("unproven_to_naive", "without inspection and verification, to naive", whole["unproven"].ratio, 2.0),
            Figure("batch_scaling", "the corridor, two drawing processes to one", batch.scaling if batch else None, 1.8),
            Figure("drawing_scaling", "drawing alone, two processes to one", drawn.scaling if drawn else None, 1.8),
            Figure("code_to_bare", "look-ups by code to bare answers, over HTTP", least.get("code"), 0.4),
            Figure("number_to_bare", "look-ups by number, with a key, to bare answers", least.get("number"), 0.4),
            Figure("look_up_flat", "look-ups, a million certificates to ten thousand", min(flat, default=None), 0.8),
            Figure("drawing_rss_mib", "memory of a drawing process, MiB", self.drawing_rss_mib, 200, at_least=False),
            Figure("drawing_growth", "drawing 200 goods to 8 times 25", self.growth, 1.0, at_least=False),
            Figure("origin_ms", "1,000 inputs on every scheme, ms", origin.ms if origin else None, 100, at_least=False),
            Figure("origin_mib", "memory of that check, MiB", origin.peak_mib if origin else None, 50, at_least=False),
            *self._pictures(),
        ]

    def _pictures(self) -> list[Figure]:
        """The figures of cleaning stamps and signatures."""
        studio = self.studio
        return [
            Figure("studio_f1", "cleaned pictures against their true ink, mean F1", studio.f1[0] if studio else None, 0.92),
            Figure("studio_refused", "hopeless pictures refused, of 17", studio.refused[0] if studio else None, 16),
            Figure("studio_photo_ms", "a 12-megapixel photo, ms", studio.photo_ms[0] if studio else None, 1500, at_least=False),
            Figure("studio_mib", "memory of the child that cleans, MiB", studio.peak_mib if studio else None, 512, at_least=False),
        ]

    def as_json(self) -> dict[str, Any]:
        """All figures by name; times in milliseconds, ratios as times as fast as the first of their group."""
        whole = self.pipelines.whole
        return {
            "ratio_to_naive": round(whole["product"].ratio, 3),
            "certificates_per_second": round(1000 / whole["product"].ms, 2),
            "peers": {name: timed.as_json() for name, timed in whole.items()},
            "signing": {name: timed.as_json() for name, timed in self.pipelines.signing.items()},
            "drawing": {name: timed.as_json() for name, timed in self.pipelines.drawing.items()},
            "batch": self.corridor_batch.as_json() if self.corridor_batch else None,
            "drawing_batch": self.drawing_batch.as_json() if self.drawing_batch else None,
            "look_ups": self.served.as_json() if self.served else None,
            "drawing_rss_mib": round(self.drawing_rss_mib, 1) if self.drawing_rss_mib is not None else None,
            "file_bytes": {name: len(pdf) for name, pdf in self.pipelines.pdfs.items()},
            "goals": {
                each.name: {"value": each.value and round(each.value, 3), "goal": each.goal, "met": each.met} for each in self.figures
            },
        }

    def plain(self) -> str:
        """The figures as a table."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for group in (self.pipelines.whole, self.pipelines.signing, self.pipelines.drawing):
            yield f"{'one process, cases in turn':<54} {'ms':>9} {'a second':>9} {'ratio':>7}"
            for name, timed in group.items():
                yield f"  {_SAY[name]:<52} {timed.ms:>9.1f} {1000 / timed.ms:>9.1f} {timed.ratio:>7.2f}"
            yield ""
        for name, batch in (("corridor", self.corridor_batch), ("drawing alone", self.drawing_batch)):
            if batch:
                yield f"batch, {name}: {batch.one:.1f} a second with one drawing process, {batch.two:.1f} with two"
        if self.served:
            yield f"over HTTP, asked by {self.served.client}: {self.served.bare:.0f} bare answers a second"
            for way, each in self.served.look_ups.items():
                for rows, load in each.by_rows.items():
                    speed = f"{load.per_second:.0f} a second, half within {load.p50_ms:.1f} ms, 99 % within {load.p99_ms:.1f} ms"
                    yield f"  by {way:<6} of {rows:>7} certificates: {speed}"
        if self.studio:
            yield from ("", *self.studio.plain().splitlines())
        yield ""
        yield f"{'goals':<60} {'measured':>12}   goal"
        yield from (figure.line for figure in self.figures)
