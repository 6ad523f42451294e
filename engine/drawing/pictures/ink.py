"""Ink from paper: how dark each pixel is beside the ink around it, what of it is print or a line, and the one colour.

Promises: light, shadow and tint are divided out before anything is judged; coloured ink is kept and grey print beneath it left;
printed lines go and the strokes that cross them stay; pale ink counts where there is no darker ink beside it.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from engine.drawing.pictures.colour import Hue, chroma_of, find_hue
from engine.drawing.pictures.opencv import opencv
from engine.drawing.pictures.paper import Map, Rows, Ruling, band, darkness, evened, rulings, without_rulings
from engine.errors import Refused

__all__ = ["Ink", "Plan", "Seen", "is_cut_out", "separate"]

# Below this distance from paper nothing is told from grain.
_FAINT = 0.07
# Edges softer than this, in working pixels, are sharpened first, in that many steps.
_SOFT, _STEPS = 1.6, 14
_WIDEST, _SMALLEST = 2.5, 120  # how spread an edge is that one window still sees, and how small a picture may become for it
_TRANSPARENT, _OPAQUE = 16, 240
_NO_INK = "No ink can be told from the background; use dark ink on plain paper, evenly lit."


@dataclass(frozen=True, slots=True)
class Seen:
    """What was met on the way, for the score: all as parts of 1 but the counts."""

    depth: float
    grain: float
    steady: float = 1.0
    blur: float = 0.0
    smear: float = 0.0
    lines: int = 0
    print_left_out: bool = False
    grey_share: float = 0.0
    coloured: bool = False
    print_around: bool = False


@dataclass(frozen=True, slots=True)
class Ink:
    """The ink of a picture: how opaque each pixel is, the one colour it has, and what was seen."""

    alpha: Rows
    colour: tuple[int, int, int]
    seen: Seen
    dark: Map | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the first look at the whole picture settled, for a second at the part with the ink."""

    lines: tuple[Ruling, ...] = ()
    hue: Hue | None = None
    drop_grey: bool = False

    def nearer(self, left: float, top: float, scale: float) -> "Plan":
        """The plan for the part that begins at `left`, `top` of the whole as it was worked on, `scale` times as large."""
        return replace(self, lines=tuple(line.in_part(left, top, scale) for line in self.lines))


def separate(rgba: Rows, *, shift: int = 0, plan: Plan | None = None) -> tuple[Ink, Plan]:
    """The ink of a picture given as rows of RGBA, and the plan to see a part of it by.

    `shift`, -50 to 50, moves the threshold: up keeps only darker ink. Raises Refused if there is no ink.
    """
    if is_cut_out(rgba):
        return Ink(rgba[..., 3], _colour(rgba[..., :3], rgba[..., 3]), Seen(1.0, 0.0)), Plan()
    return _from_paper(_on_white(rgba), shift, plan)


def is_cut_out(rgba: Rows) -> bool:
    """Whether the ink is alone already: much is transparent, and what is not is no paper."""
    given = rgba[..., 3]
    opaque = rgba[..., :3][given >= _OPAQUE]
    return float((given < _TRANSPARENT).mean()) > 0.2 and (not len(opaque) or float(np.median(opaque.mean(axis=1))) < 200)


def _on_white(rgba: Rows) -> Rows:
    """What is transparent shows white."""
    alpha = rgba[..., 3:]
    if int(alpha.min()) == 255:
        return np.ascontiguousarray(rgba[..., :3])
    share = alpha.astype(np.float32) / 255
    blended: Rows = (rgba[..., :3] * share + 255 * (1 - share)).astype(np.uint8)
    return blended


def _from_paper(rgb: Rows, shift: int, plan: Plan | None) -> tuple[Ink, Plan]:
    """The ink of an opaque picture."""
    cv2 = opencv()
    if float(np.median(rgb[::4, ::4])) < 30:
        raise Refused(
            "No ink can be told from the background: the picture is dark all over; take it again in better light.", rule="image background"
        )
    even = evened(rgb)
    dark = darkness(even)
    lines = plan.lines if plan else rulings(dark)
    half = max(2, round(max(dark.shape) / 330))
    if lines:
        dark = without_rulings(dark, lines, half)
    grain = _grain(dark)
    dark = cv2.GaussianBlur(dark, (0, 0), 0.8 if grain < 0.03 else 1.3)
    chroma = chroma_of(even)
    depth = _depth(dark, grain)
    first = (dark > max(0.45 * depth, 4 * grain, _FAINT)).astype(np.uint8)
    between = band(lines, dark.shape, half) if lines else None
    hue, drop = (plan.hue, plan.drop_grey) if plan else _coloured(chroma, first, between)
    if hue and drop:
        dark = _colour_only(dark, chroma, hue)
        depth = _depth(dark, grain)
    blur = _blur(dark, depth)
    smear = _smear(dark, depth, blur)
    if blur > _SOFT:
        dark = _focused(dark, min(blur, 7.0))
        depth = _depth(dark, grain)
    mask_map, threshold = _ramp(dark, depth, grain, shift)
    kept = _kept(mask_map, dark, depth, chroma if hue else None, hue, between)
    alpha = _alpha(dark, threshold, kept)
    steady = _steady(dark, threshold, kept)
    seen = Seen(depth, grain, steady, blur, smear, len(lines), drop, hue.grey_share if hue else 0.0, hue is not None)
    colour = _colour((np.clip(even, 0, 1) * 255).astype(np.uint8), alpha, darkest=not drop)
    return Ink(alpha, colour, seen, dark), Plan(lines, hue, drop)


def _grain(dark: Map) -> float:
    """The noise of the paper: how much neighbours differ, the median."""
    height, width = (side // 2 * 2 for side in dark.shape)
    even = dark[:height, :width]
    here = even[1:-1:2, 1:-1:2]
    beside = even[:-2:2, 1:-1:2] + even[2::2, 1:-1:2] + even[1:-1:2, :-2:2] + even[1:-1:2, 2::2]
    return 1.32 * float(np.median(np.abs(here - 0.25 * beside)))


def _depth(dark: Map, grain: float) -> float:
    """How dark the ink is: the middle of what Otsu's threshold takes for ink. Raises Refused if there is none."""
    cv2 = opencv()
    scaled = (np.clip(dark, 0, 1) * 255).astype(np.uint8)
    edge = float(cv2.threshold(scaled, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]) / 255
    strong = dark[dark > max(edge, _FAINT, 3 * grain)]
    if strong.size < 25:
        raise Refused(_NO_INK, rule="image ink")
    depth = float(np.percentile(strong, 60))
    if depth < max(0.12, 5 * grain):
        raise Refused(_NO_INK, rule="image ink")
    return depth


def _blur(dark: Map, depth: float) -> float:
    """How far the edges of the ink are spread, as the deviation of a bell in pixels: from how steep its steepest edges are."""
    cv2 = opencv()
    steep = cv2.magnitude(cv2.Sobel(dark, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(dark, cv2.CV_32F, 0, 1, scale=0.125))
    edge = (cv2.dilate(dark, np.ones((9, 9), np.uint8)) > 0.6 * depth) & (dark < 0.75 * depth) & (dark > 0.25 * depth)
    if edge.sum() < 50:
        return 0.0
    peak = cv2.dilate(dark, np.ones((15, 15), np.uint8))[edge]
    near = cv2.dilate(steep, np.ones((7, 7), np.uint8))[edge]
    return float(np.median(peak / np.maximum(near, 1e-4))) / 2.2


def _smear(dark: Map, depth: float, blur: float) -> float:
    """The same for edges spread so far that their foot and their height are not seen in one window: looked at smaller and smaller, in
    pixels of the picture as it was given."""
    cv2 = opencv()
    found, size = blur, 1
    while found / size > _WIDEST and min(dark.shape) > _SMALLEST:
        dark, size = cv2.resize(dark, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), 2 * size
        if not (looked := _blur(dark, depth)):
            break
        found = looked * size
    return found


def _focused(dark: Map, blur: float) -> Map:
    """The darkness before it was blurred, by Richardson and Lucy's steps."""
    cv2 = opencv()
    height, width = dark.shape
    rows, columns = np.flatnonzero((dark > 0.1).any(axis=1)), np.flatnonzero((dark > 0.1).any(axis=0))
    if not len(rows):
        return dark
    room = round(4 * blur) + 2
    window = (slice(max(0, rows[0] - room), min(height, rows[-1] + room)), slice(max(0, columns[0] - room), min(width, columns[-1] + room)))
    given = np.maximum(dark[window], 1e-3)
    guess = given.copy()
    for _ in range(_STEPS):
        again = cv2.GaussianBlur(guess, (0, 0), blur)
        guess *= cv2.GaussianBlur(given / np.maximum(again, 1e-4), (0, 0), blur)
    sharp = dark.copy()
    sharp[window] = np.minimum(guess, 1.0)
    return sharp


def _coloured(chroma: Map, first: Rows, between: Rows | None) -> tuple[Hue | None, bool]:
    """The ink's hue, and whether what is grey is print to be left."""
    cv2 = opencv()
    judged = first if between is None else first * (1 - between)
    hue = find_hue(chroma, judged)
    if hue is None:
        return None, False
    grey = ((judged > 0) & (chroma < 0.3 * hue.chroma)).astype(np.uint8)
    core = ((judged > 0) & (chroma > 0.5 * hue.chroma)).astype(np.uint8)
    count, _, stats, centres = cv2.connectedComponentsWithStats(grey, connectivity=8)
    big = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= 8]
    if len(big) < 12:
        return hue, False
    rows, columns = np.flatnonzero(core.any(axis=1)), np.flatnonzero(core.any(axis=0))
    outside = [n for n in big if not (columns[0] - 9 <= centres[n][0] <= columns[-1] + 9 and rows[0] - 9 <= centres[n][1] <= rows[-1] + 9)]
    return hue, len(outside) >= 8 and len(outside) > 0.3 * len(big)


def _colour_only(dark: Map, chroma: Map, hue: Hue) -> Map:
    """The darkness of coloured ink: print falls away, however dark."""
    share = np.clip((chroma / hue.chroma - 0.22) / 0.3, 0, 1)
    return dark * share


def _ramp(dark: Map, depth: float, grain: float, shift: int) -> tuple[Rows, Map]:
    """What is ink, and from which darkness on: half of the darkest ink near by, within bounds."""
    cv2 = opencv()
    reach = max(5, round(max(dark.shape) / 60)) | 1
    near = cv2.dilate(cv2.GaussianBlur(dark, (0, 0), 1.2), np.ones((reach, reach), np.uint8))
    near = np.minimum(cv2.blur(near, (reach, reach)), np.float32(1.15 * depth))
    floor = max(_FAINT, 0.27 * depth, 3.5 * grain)
    threshold = np.maximum(np.float32(0.47) * near, np.float32(floor)) * np.float32(1 + shift / 60)
    return (dark > threshold).astype(np.uint8), threshold


def _kept(mask: Rows, dark: Map, depth: float, chroma: Map | None, hue: Hue | None, between: Rows | None) -> Rows:
    """The mask without specks, faint patches, shadows' edges in grey beside coloured ink, and what is left of lines."""
    cv2 = opencv()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float32)
    if count < 2:
        raise Refused(_NO_INK, rule="image ink")
    flat = labels.ravel()
    darkest = np.zeros(count, np.float32)
    np.maximum.at(darkest, flat[flat > 0], dark.ravel()[flat > 0])
    sized = areas >= max(5, 0.0006 * areas[1:].max())
    keep = sized & (darkest > 0.5 * depth)
    keep |= sized & (darkest > 0.38 * depth) & _within(stats, keep)
    if hue is not None and chroma is not None and hue.grey_share < 0.2:
        mean = np.bincount(flat, chroma.ravel(), count) / np.maximum(areas, 1)
        keep &= mean > 0.25 * hue.chroma
    if between is not None:
        along = np.bincount(flat, between.ravel(), count) / np.maximum(areas, 1)
        keep &= along < 0.75
    keep[0] = False
    kept: Rows = keep[labels].astype(np.uint8)
    return kept


def _within(stats: Rows, strong: Rows) -> Rows:
    """Which pieces lie in the frame around the strong ones: there, paler ink is believed too."""
    there = stats[strong & (np.arange(len(stats)) > 0)]
    if not len(there):
        return strong
    left, top = there[:, 0].min(), there[:, 1].min()
    right, bottom = (there[:, 0] + there[:, 2]).max(), (there[:, 1] + there[:, 3]).max()
    inside: Rows = (
        (stats[:, 0] >= left) & (stats[:, 1] >= top) & (stats[:, 0] + stats[:, 2] <= right) & (stats[:, 1] + stats[:, 3] <= bottom)
    )
    return inside


def _steady(dark: Map, threshold: Map, kept: Rows) -> float:
    """How little the ink would change with the threshold: F1 of what a lower one and a higher one give."""
    cv2 = opencv()
    around = cv2.dilate(kept, np.ones((5, 5), np.uint8)) > 0
    ratio = dark[around] / threshold[around]
    low, high = int((ratio > 0.75).sum()), int((ratio > 1.25).sum())
    return 2 * high / max(1, low + high)


def _alpha(dark: Map, threshold: Map, kept: Rows) -> Rows:
    """Opacity: half at the threshold, soft to both sides of it, nothing away from what is kept."""
    cv2 = opencv()
    soft = np.clip((dark / threshold - 1) / 0.5 + 0.5, 0, 1) * 255
    around = cv2.dilate(kept, np.ones((3, 3), np.uint8))
    alpha: Rows = (soft * around).astype(np.uint8)
    return alpha


def _colour(rgb: Rows, alpha: Rows, *, darkest: bool = False) -> tuple[int, int, int]:
    """The one colour of the ink: the middle of its most opaque pixels, or of the darkest of them; dark enough to be seen in print."""
    core = rgb[alpha >= _OPAQUE]
    if not len(core):
        raise Refused("The picture is empty: there is no ink in it.", rule="image ink")
    if darkest:
        level = core.mean(axis=1)
        core = core[level <= np.percentile(level, 40)]
    red, green, blue = (int(value) for value in np.median(core, axis=0))
    shade = min(1.0, 140 / max(1.0, 0.30 * red + 0.59 * green + 0.11 * blue))
    return round(red * shade), round(green * shade), round(blue * shade)
