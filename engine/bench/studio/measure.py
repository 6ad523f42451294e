"""Ours beside the plain way on the whole corpus, each picture in turn, in child processes with the limits of production."""

import asyncio
import io
import statistics
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from PIL import Image

from engine.bench.studio.corpus import Case, cases, hopeless
from engine.bench.studio.truth import Place, overlap
from engine.children import Children
from engine.contracts.drawing import CleanImage, ImageFault, ImageRequest
from engine.drawing import deeds
from engine.drawing.pictures.images import Cleaned
from engine.errors import Refused

__all__ = ["Studio", "Trial", "judged", "measure_studio", "tried"]

_MEMORY_MIB, _TIMEOUT_S = 768, 60.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One picture cleaned by both. F1 is None where the cleaner refused; honest says whether it should not have."""

    name: str
    honest: bool
    ours: float | None
    plain: float | None
    quality: int | None
    ours_ms: float
    plain_ms: float


@dataclass(frozen=True, slots=True)
class Studio:
    """Both cleaners on one corpus. A refused honest picture counts as F1 0."""

    trials: tuple[Trial, ...]
    peak_mib: float

    @property
    def f1(self) -> tuple[float, float]:
        """The mean over the honest pictures: ours, plain."""
        honest = [trial for trial in self.trials if trial.honest]
        return statistics.fmean(trial.ours or 0.0 for trial in honest), statistics.fmean(trial.plain or 0.0 for trial in honest)

    @property
    def refused(self) -> tuple[int, int]:
        """How many of the hopeless were refused: ours, plain."""
        lost = [trial for trial in self.trials if not trial.honest]
        return sum(trial.ours is None for trial in lost), sum(trial.plain is None for trial in lost)

    @property
    def honest_refused(self) -> tuple[int, int]:
        """How many honest pictures were refused: ours, plain."""
        honest = [trial for trial in self.trials if trial.honest]
        return sum(trial.ours is None for trial in honest), sum(trial.plain is None for trial in honest)

    @property
    def correlation(self) -> float:
        """How the score goes with the true F1, over the honest pictures that were cleaned."""
        pairs = [
            (trial.ours, float(trial.quality))
            for trial in self.trials
            if trial.honest and trial.ours is not None and trial.quality is not None
        ]
        return statistics.correlation([one for one, _ in pairs], [two for _, two in pairs]) if len(pairs) > 2 else 0.0

    @property
    def photo_ms(self) -> tuple[float, float]:
        """The median for a 12-megapixel photo: ours, plain; 0 if there was none."""
        large = [trial for trial in self.trials if "photo12" in trial.name] or [Trial("", True, None, None, None, 0.0, 0.0)]
        return statistics.median(trial.ours_ms for trial in large), statistics.median(trial.plain_ms for trial in large)

    def by_condition(self) -> Mapping[str, tuple[float, float]]:
        """Mean F1 by condition: ours, plain."""
        names = dict.fromkeys(trial.name.split("-")[1] for trial in self.trials if trial.honest)
        return {
            name: Studio(tuple(trial for trial in self.trials if trial.honest and trial.name.split("-")[1] == name), 0.0).f1
            for name in names
        }

    def plain(self) -> str:
        """The figures as a table."""
        rows = [f"{'mean F1 against the true ink':<34} {'ours':>8} {'plain':>8}"]
        rows += [f"  {name:<32} {ours:>8.3f} {plain:>8.3f}" for name, (ours, plain) in {**self.by_condition(), "all": self.f1}.items()]
        lost = sum(not trial.honest for trial in self.trials)
        rows.append(f"{f'hopeless pictures refused, of {lost}':<34} {self.refused[0]:>8} {self.refused[1]:>8}")
        rows.append(f"{'honest pictures refused':<34} {self.honest_refused[0]:>8} {self.honest_refused[1]:>8}")
        rows.append(f"{'12-megapixel photo, median ms':<34} {self.photo_ms[0]:>8.0f} {self.photo_ms[1]:>8.0f}")
        rows.append(f"score and true F1 correlate by {self.correlation:.2f}; peak memory of the child {self.peak_mib:.0f} MiB")
        return "\n".join(rows)


async def measure_studio(seed: int, *, pictures: Iterable[Case] | None = None) -> Studio:
    """Cleans the corpus of that seed, or these pictures of it, by both ways in turn."""
    from engine.bench.studio.plain import clean_plainly, warm_plainly

    ours = Children(
        count=1, memory_mib=_MEMORY_MIB, timeout_s=_TIMEOUT_S, name="studio", initializer=deeds.warm_images,
        answers=(Cleaned, CleanImage, ImageFault), blame=Refused,
    )  # fmt: skip
    plain = Children(count=1, memory_mib=2 * _MEMORY_MIB, timeout_s=_TIMEOUT_S, name="plain", initializer=warm_plainly)
    trials, peak = [], 0.0
    try:
        await asyncio.gather(ours.start(), plain.start())
        for case in pictures if pictures is not None else (*cases(seed), *hopeless(seed)):
            made, ours_ms = await _timed(ours, deeds.clean_and_place, ImageRequest(case.kind, case.data))
            rough, plain_ms = await _timed(plain, clean_plainly, case.data)
            trials.append(judged(case, made, rough, ours_ms, plain_ms))
        peak = await ours.run(deeds.peak_mib)
    finally:
        await asyncio.gather(ours.close(), plain.close())
    return Studio(tuple(trials), peak)


async def _timed(pool: Children, fn: object, *args: object) -> tuple[object, float]:
    start = time.perf_counter()
    try:
        answer: object = await pool.run(fn, *args)  # type: ignore[arg-type]
    except Refused:
        answer = None
    return answer, 1000 * (time.perf_counter() - start)


def tried(case: Case) -> Trial:
    """One picture cleaned by both in this process, untimed."""
    from engine.bench.studio.plain import clean_plainly
    from engine.drawing.pictures.images import made

    answers: list[object] = []
    for clean in (lambda: made(ImageRequest(case.kind, case.data)), lambda: clean_plainly(case.data)):
        try:
            answers.append(clean())
        except Refused:
            answers.append(None)
    return judged(case, answers[0], answers[1], 0.0, 0.0)


def judged(case: Case, made: object, rough: object, ours_ms: float, plain_ms: float) -> Trial:
    """What came of a picture, beside its truth."""
    ours = _f1(case, made.image.png, made.place) if isinstance(made, Cleaned) else None
    plain = _f1(case, *rough) if isinstance(rough, tuple) else None
    quality = made.image.quality if isinstance(made, Cleaned) else None
    return Trial(case.name, case.truth is not None, ours, plain, quality, ours_ms, plain_ms)


def _f1(case: Case, png: bytes, place: Place) -> float:
    if case.truth is None:
        return 0.0
    with Image.open(io.BytesIO(png)) as picture:
        return overlap(picture.getchannel("A") if picture.mode == "RGBA" else picture.convert("L"), place, case.truth)
