"""How well a cleaning went: what is hopeless is refused, the rest gets a score and its faults, each with what mends it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.contracts.drawing import ImageFault
from engine.drawing.pictures.figures import is_solid
from engine.drawing.pictures.ink import Ink
from engine.drawing.pictures.opencv import opencv
from engine.drawing.pictures.reading import Rows
from engine.errors import Refused

__all__ = ["OUT_OF_FOCUS", "SAY", "Verdict", "judge", "refuse_hopeless", "refuse_no_paper", "refuse_solid"]

OUT_OF_FOCUS = (
    "The picture is so far out of focus that no ink can be told from the paper; hold the camera still, a hand's breadth further away, "
    "and tap on the ink to focus."
)

SAY = {
    ImageFault.BLURRED: "The picture is out of focus: its edges are blurred. Hold the camera still, and tap on the ink to focus.",
    ImageFault.CLIPPED: "The ink reaches the edge of the picture; leave some paper around it.",
    ImageFault.TOO_SMALL: "The ink is small in the picture; take the photo from nearer, or scan at 300 dpi.",
    ImageFault.NO_INK: "Hardly any ink was found; use dark ink on plain paper.",
    ImageFault.BACKGROUND_LEFT: "Some of the background was left; crop the picture to the ink, on plain paper.",
    ImageFault.PALE: "The ink is pale; press harder or use fresh ink.",
    ImageFault.SPECKS: "There are specks around the ink; use clean white paper.",
    ImageFault.LINES_LEFT: "Lines of the paper may be left beside the ink; use plain paper.",
    ImageFault.PRINT_BENEATH: "There is print beneath the ink; use blank paper, for black ink and print cannot be told apart.",
}
_GREY_BENEATH = 0.45
# Edges spread over this many working pixels are blurred; over as many as the second, pale ink and a haze around it follow from that.
_BLURRED, _VERY_BLURRED = 2.5, 4.0
# Beyond this the strokes themselves have run: the mask of a smear is as thick as the smear, and the fitted terms take it for a bold hand.
_SMEARED, _FOR_EACH = 6.0, 10.0
_SOLID = (
    "This is a solid figure, not the impression of a stamp and not a signature: it has no letters and no lines. "
    "Send a photo of the stamp's impression or of the signature, on plain paper."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score, 0 to 100, the faults, and a sentence for each."""

    score: int
    faults: tuple[ImageFault, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What can be counted on the mask: cover, ink on the picture's border, pieces, the reach of the largest, dust,
    how much of the rest is plain paper, and how thick strokes are, in working pixels."""

    cover: float
    border: float
    pieces: int
    largest: float
    dust: float
    clear: float
    thick: float


def _shape(ink: Ink) -> _Shape:
    cv2 = opencv()
    mask = (ink.alpha > 96).astype(np.uint8)
    count, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise Refused("The picture is empty: there is no ink in it.", rule="image ink")
    frame = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    largest = float(stats[1:, 2:4].max()) / frame
    border = float(np.mean([side.mean() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1])]))
    clear = 1.0
    if ink.dark is not None and not ink.seen.print_around:
        paper = cv2.dilate(mask, np.ones((7, 7), np.uint8)) == 0
        clear = float((np.abs(ink.dark[paper]) < 0.25 * ink.seen.depth).mean()) if paper.any() else 0.0
    dust = float(areas[areas < 12].sum() / max(1, areas.sum()))
    rim = mask - cv2.erode(mask, np.ones((3, 3), np.uint8))
    thick = 2 * float(mask.sum()) / max(1.0, float(rim.sum()))
    return _Shape(float(mask.mean()), border, count - 1, largest, dust, clear, thick)


def refuse_no_paper(ink: Ink) -> None:
    """Refuses a picture whose rest is nothing like paper."""
    if _shape(ink).clear < 0.9:
        if ink.seen.blur > _VERY_BLURRED:
            raise Refused(OUT_OF_FOCUS, rule="image ink")
        raise Refused("The background cannot be removed; use a photo of the ink alone on plain paper.", rule="image background")


def refuse_hopeless(ink: Ink) -> None:
    """Refuses what is no picture of a mark on paper, naming the reason."""
    shape = _shape(ink)
    if shape.cover < 0.0008:
        raise Refused("The picture is empty: there is no ink in it.", rule="image ink")
    if shape.cover > 0.5:
        refuse_solid(ink)
        raise Refused("The background cannot be removed; use a photo of the ink alone on plain paper.", rule="image background")
    if shape.border > (0.06 if ink.dark is not None else 0.35):
        raise Refused(
            "The ink reaches the edge of the picture, or the background was not removed; leave some paper around it.",
            rule="image background",
        )
    if shape.pieces > 220 and shape.largest < 0.25:
        raise Refused("This is a page of print, or a pattern; send a photo of the stamp or the signature alone.", rule="image background")


def refuse_solid(ink: Ink) -> None:
    """Refuses a filled figure without letters and lines; blurred letters are one too, and then that is what is said."""
    if is_solid(ink.alpha):
        raise Refused(OUT_OF_FOCUS if ink.seen.blur > _VERY_BLURRED else _SOLID, rule="image ink")


def judge(ink: Ink, alpha: Rows, zoom: float) -> Verdict:
    """The verdict on ink that was found; `alpha` is its part with ink, `zoom` how much larger it is shown than it came."""
    shape = _shape(ink)
    side = max(alpha.shape) / zoom
    faults = tuple(_faults(ink, shape, side, zoom))
    return Verdict(_score(ink, shape, side, max(alpha.shape)), faults, tuple(SAY[fault] for fault in faults))


def _score(ink: Ink, shape: _Shape, side: float, part: int) -> int:
    """What F1 against the true ink can be expected, drawn out so that 50 is where a person should look again.

    The weights were fitted once, by least squares, on the corpus of `engine.bench.studio`, seed 1.
    """
    seen = ink.seen
    drawn = shape.thick * min(1.0, 400 / part)
    expected = (
        0.713
        + 0.257 * seen.steady
        - 0.143 * max(0.0, seen.blur - 1.6) / max(3.0, shape.thick)
        + 0.042 * min(1.0, side / 300)
        - 0.142 / max(1.0, drawn)
        - 0.211 * max(0.0, 0.5 - seen.depth)
    )
    penalty = 35.0 * seen.print_around + 12 * (seen.grey_share > _GREY_BENEATH and not seen.print_left_out)
    penalty += min(20, 400 * shape.dust) + (15 if shape.border > 0 else 0) + 300 * max(0.0, 0.985 - shape.clear)
    penalty += _FOR_EACH * max(0.0, seen.smear - _SMEARED) if side > 200 else 0.0
    return max(0, min(100, round(100 * (expected - 0.72) / 0.26 - penalty)))


def _faults(ink: Ink, shape: _Shape, side: float, zoom: float) -> Iterator[ImageFault]:
    """What is wrong, the most telling first: what only follows from a picture out of focus is not named beside it."""
    seen = ink.seen
    blurred = seen.blur > (_BLURRED if side > 200 else _VERY_BLURRED * max(1.0, zoom))
    smeared = blurred and seen.blur > _VERY_BLURRED
    found = {
        ImageFault.BLURRED: blurred,
        ImageFault.CLIPPED: shape.border > 0,
        ImageFault.TOO_SMALL: side < 200,
        ImageFault.BACKGROUND_LEFT: shape.clear < 0.985 and not smeared,
        ImageFault.NO_INK: shape.cover < 0.002 and not blurred,
        ImageFault.PALE: (seen.depth < 0.42 or seen.steady < 0.82) and not smeared,
        ImageFault.SPECKS: shape.dust > 0.012 or (shape.pieces > 90 and shape.largest < 0.5),
        ImageFault.LINES_LEFT: seen.lines > 0 and seen.depth < 0.6,
        ImageFault.PRINT_BENEATH: seen.print_around or (seen.grey_share > _GREY_BENEATH and not seen.print_left_out),
    }
    yield from (fault for fault, there in found.items() if there)
