"""The paper of a picture: its light, shadow and tint divided out, and the lines that are printed across it.

Promises: `evened` gives reflectances in which paper is 1, whatever light fell on it; `rulings` finds lines that run from
edge to edge of the picture, which no stamp and no hand does; `without_rulings` takes their part away and leaves what crosses them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.drawing.pictures.opencv import opencv

__all__ = ["Map", "Ruling", "band", "darkness", "evened", "paper_of", "rulings", "without_rulings"]

Map = np.ndarray[Any, np.dtype[Any]]
Rows = np.ndarray[Any, np.dtype[np.uint8]]
# Ink thinner than this part of the picture's longer side is filled up when the paper beneath it is guessed.
_WIDEST = 0.16
# Darker than these parts of the brightest paper, and with lighter paper all around, is no paper; the darker, at one side of the picture.
_ISLANDS = (0.5, 0.36, 0.24)
_SEGMENTS = 24
_REACH = 6
_LEAN = 0.16
_MOST_RULINGS = 90


@dataclass(frozen=True, slots=True)
class Ruling:
    """A printed line: where it lies (row by column, or column by row if upright), as a parabola in working pixels."""

    bend: float
    slope: float
    start: float
    upright: bool

    def at(self, along: Map) -> Map:
        """Where the line is across, for positions along it."""
        return (self.bend * along + self.slope) * along + self.start

    def in_part(self, left: float, top: float, scale: float) -> "Ruling":
        """The same line in a part of the picture that begins at `left`, `top` and is shown `scale` times as large."""
        along, across = (top, left) if self.upright else (left, top)
        start = float(self.at(np.float32(along))) - across  # type: ignore[arg-type]
        return Ruling(self.bend / scale, self.slope + 2 * self.bend * along, start * scale, self.upright)


def paper_of(rgb: Rows) -> Map:
    """What the paper would look like without ink: closed over strokes, so that the edges of shadows stay where they are."""
    cv2 = opencv()
    height, width = rgb.shape[:2]
    shrink = max(1.0, max(height, width) / 334)
    size = (max(4, round(width / shrink)), max(4, round(height / shrink)))
    small = cv2.GaussianBlur(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), (0, 0), 0.8)
    reach = max(3, round(_WIDEST * max(size))) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (reach, reach))
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    closed = _without_islands(closed, reach)
    smooth = cv2.GaussianBlur(cv2.medianBlur(closed, 5), (0, 0), 1.0)
    paper: Map = cv2.resize(smooth.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.maximum(paper, 1.0)


def _without_islands(closed: Rows, reach: int) -> Rows:
    """The paper with what lies dark in the midst of it filled up: ink in one solid piece. Shadows come in from the edge."""
    cv2 = opencv()
    white = np.maximum(np.percentile(closed.reshape(-1, 3), 95, axis=0), 1)
    light = (closed / white).min(axis=2)
    found = np.zeros(light.shape, np.uint8)
    for level in _ISLANDS:
        _, labels, stats, _ = cv2.connectedComponentsWithStats((light < level).astype(np.uint8), connectivity=4)
        left, top, wide, high, area = stats.T
        touched = (left == 0).astype(int) + (top == 0) + (left + wide == light.shape[1]) + (top + high == light.shape[0])
        island = (touched <= (level < _ISLANDS[0])) & (area > reach * reach / 2)
        island[0] = False
        found |= island[labels].astype(np.uint8)
    if not found.any():
        return closed
    around = cv2.dilate(found, np.ones((5, 5), np.uint8)) == 0
    share = cv2.GaussianBlur(around.astype(np.float32), (0, 0), reach)
    near = cv2.GaussianBlur(closed * around[..., None].astype(np.float32), (0, 0), reach)
    filled: Rows = np.where(around[..., None], closed, np.clip(near / np.maximum(share, 1e-3)[..., None], 0, 255)).astype(np.uint8)
    return filled


def evened(rgb: Rows) -> Map:
    """Reflectance by channel, paper at 1."""
    even = rgb.astype(np.float32) / paper_of(rgb)
    middle = np.median(even[::3, ::3].reshape(-1, 3), axis=0)
    even /= np.maximum(middle, 0.3).astype(np.float32)
    return np.minimum(even, np.float32(1.25))


def darkness(even: Map) -> Map:
    """How much darker than paper, 0 to 1, all channels alike."""
    dark: Map = 1 - even.mean(axis=2)
    return dark


# --- printed lines ----------------------------------------------------------------------------


def rulings(dark: Map) -> tuple[Ruling, ...]:
    """The printed lines of ruled and squared paper, lying and upright."""
    lying = _family(dark)
    upright = [Ruling(one.bend, one.slope, one.start, upright=True) for one in _family(np.ascontiguousarray(dark.T))]
    found = [family for family in (lying, upright) if len(family) >= 3]
    return tuple(one for family in found for one in family)


def _family(dark: Map) -> list[Ruling]:
    """Nearly level lines that run from one side to the other."""
    cv2 = opencv()
    ridge = cv2.GaussianBlur(dark, (0, 0), 1.0)
    ridge = cv2.morphologyEx(ridge, cv2.MORPH_CLOSE, np.ones((3, 1), np.uint8)) - cv2.morphologyEx(
        ridge, cv2.MORPH_OPEN, np.ones((15, 1), np.uint8)
    )
    width = dark.shape[1]
    grain = float(np.median(np.abs(ridge - np.median(ridge)))) * 1.5
    level = max(0.025, float(np.median(ridge)) + 2.2 * grain)
    half = cv2.resize((ridge > level).astype(np.uint8) * 255, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    half = ((half > 100) * 255).astype(np.uint8)
    if float((half > 0).mean()) > 0.4:
        return []
    votes = int(0.34 * half.shape[1])
    found = cv2.HoughLines(half, 1, np.pi / 360, votes, min_theta=np.pi / 2 - _LEAN, max_theta=np.pi / 2 + _LEAN)
    if found is None:
        return []
    lines: list[Ruling] = []
    tried: list[tuple[float, float]] = []
    for rho, theta in found.reshape(-1, 2)[:1500]:
        ends = tuple(2 * (rho - x / 2 * np.cos(theta)) / np.sin(theta) for x in (0.0, width))
        if any(_near(ends, other) for other in tried):
            continue
        tried.append((float(ends[0]), float(ends[1])))
        line = _followed(ridge, ends, level)
        if line is not None:
            lines.append(line)
        if len(lines) >= _MOST_RULINGS or len(tried) > 220:
            break
    return lines


def _near(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two lines are too near to each other to be two, or cross."""
    left, right = one[0] - other[0], one[1] - other[1]
    return left * right <= 0 or min(abs(left), abs(right)) < 6


def _followed(ridge: Map, ends: Sequence[float], level: float) -> Ruling | None:
    """The line along its ridge, or None if it does not run from edge to edge."""
    height, width = ridge.shape
    along = np.arange(width, dtype=np.float32)
    straight = ends[0] + (ends[1] - ends[0]) * along / max(1, width)
    inside = (straight > 2) & (straight < height - 3)
    if inside.mean() < 0.35:
        return None
    rows = np.clip(np.round(straight)[None, :] + np.arange(-_REACH, _REACH + 1)[:, None], 0, height - 1).astype(np.intp)
    strip = np.where(inside[None, :], ridge[rows, along.astype(np.intp)[None, :]], 0)
    parts = np.array_split(np.flatnonzero(inside), _SEGMENTS)
    peaks = np.array([strip[:, part].mean(axis=1) for part in parts if len(part)])
    best = peaks.argmax(axis=1)
    there = peaks.max(axis=1) > level
    if there.mean() < 0.62 or not there[:2].any() or not there[-2:].any():
        return None
    at = np.array([part.mean() for part in parts if len(part)])
    across = np.round(straight)[at.astype(int)] + best - _REACH
    keep = there.copy()
    fit = np.polyfit(at[keep], across[keep], 1)
    for degree in (1, 2, 2):
        off = np.abs(np.polyval(fit, at) - across)
        keep = there & (off < max(1.5, float(np.median(off[there]))))
        if keep.sum() < 0.4 * len(at):
            return None
        fit = np.polyfit(at[keep], across[keep], degree)
    bend, slope, start = np.concatenate([np.zeros(3 - len(fit)), fit])
    line = Ruling(float(bend), float(slope), float(start), upright=False)
    return line if _unbroken(ridge, line, 0.6 * level) else None


def _unbroken(ridge: Map, line: Ruling, level: float) -> bool:
    """Whether the ridge is there nearly everywhere along the line, and narrow: rows of print have gaps and height."""
    height, width = ridge.shape
    along = np.arange(width)
    middle = np.round(line.at(along.astype(np.float32))).astype(np.intp)
    inside = (middle > 2) & (middle < height - 3)
    rows, columns = middle[inside], along[inside]
    if not len(rows):
        return False
    there = np.maximum.reduce([ridge[rows + off, columns] for off in (-1, 0, 1)]) > level
    beside = np.maximum.reduce([ridge[np.clip(rows + off, 0, height - 1), columns] for off in (-6, -5, 5, 6)]) > level
    return float(there.mean()) > 0.78 and float(beside.mean()) < 0.4


def band(lines: Sequence[Ruling], shape: tuple[int, ...], half: int) -> Rows:
    """Where the lines are, `half` pixels to either side, as a mask of 0 and 1."""
    mask: Rows = np.zeros(shape[:2], np.uint8)
    for line in lines:
        plane = mask.T if line.upright else mask
        along = np.arange(plane.shape[1])
        middle = np.round(line.at(along.astype(np.float32))).astype(np.intp)
        for off in range(-half, half + 1):
            rows = middle + off
            good = (rows >= 0) & (rows < plane.shape[0])
            plane[rows[good], along[good]] = 1
    return mask


def without_rulings(dark: Map, lines: Sequence[Ruling], half: int) -> Map:
    """The darkness less what the lines bring: their own level along them, which strokes that cross hardly move."""
    left = dark.copy()
    for line in lines:
        plane = left.T if line.upright else left
        _take_line(plane, line, half)
    return left


def _take_line(plane: Map, line: Ruling, half: int) -> None:
    """Subtracts one line in place."""
    cv2 = opencv()
    height, width = plane.shape
    along = np.arange(width, dtype=np.float32)
    middle = line.at(along)
    inside = (middle > half + 1) & (middle < height - half - 2)
    if inside.sum() < 16:
        return
    offsets = np.arange(-half - 1, half + 2, dtype=np.float32)
    strip = cv2.remap(
        np.ascontiguousarray(plane), np.repeat(along[None, :], len(offsets), 0), middle[None, :] + offsets[:, None], cv2.INTER_LINEAR
    )
    reach = min(width, max(31, width // 7)) | 1
    own = _running_median(strip, reach)
    rows = np.round(middle).astype(np.intp)
    for off in range(-half, half + 1):
        at = rows + off
        good = inside & (at >= 0) & (at < height)
        place = np.clip(at - middle + half + 1, 0, len(offsets) - 1.001)
        low = place.astype(np.intp)
        share = place - low
        columns = np.arange(width)
        level = own[low, columns] * (1 - share) + own[low + 1, columns] * share
        value = plane[at[good], columns[good]] - 1.1 * np.maximum(level[good], 0)
        plane[at[good], columns[good]] = np.maximum(value, 0)


def _running_median(strip: Map, reach: int) -> Map:
    """The median along each row over `reach` columns, found at a few places and drawn out between them."""
    width = strip.shape[1]
    places = np.unique(np.linspace(0, width - 1, max(2, 4 * width // reach)).astype(int))
    half = reach // 2
    levels = np.array([np.percentile(strip[:, max(0, at - half) : at + half + 1], 42, axis=1) for at in places])
    levels = np.minimum(levels, 1.25 * np.percentile(strip, 45, axis=1)[None, :] + 0.01)
    return np.array([np.interp(np.arange(width), places, levels[:, row]) for row in range(strip.shape[0])], np.float32)
