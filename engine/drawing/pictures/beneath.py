"""Black print beneath black ink, which no colour tells apart: what can be told by size and place is left out, and said.

Promises: nothing is touched unless there is print from edge to edge; what lies within the frame of a stamp stays.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.contracts.drawing import ImageKind
from engine.drawing.pictures.ink import Ink
from engine.drawing.pictures.opencv import opencv
from engine.drawing.pictures.paper import Map, Rows

__all__ = ["without_print"]

_CROWD = 40
_SPAN = 0.85


def without_print(ink: Ink, kind: ImageKind) -> Ink:
    """The ink less the printed words around it, marked if there were any."""
    if ink.dark is None or ink.seen.print_left_out:
        return ink
    pieces = _pieces((ink.alpha > 96).astype(np.uint8))
    if len(pieces.boxes) < _CROWD:
        return ink
    height, width = ink.alpha.shape
    left, top, right, bottom = pieces.boxes.T
    main = pieces.main
    spans = ((right.max() - left.min()) / width, (bottom.max() - top.min()) / height)
    if max(spans) < _SPAN or (~pieces.within).sum() < 25 or pieces.sides[main] < 0.2 * max(width, height):
        return ink
    alpha = _darker(ink.alpha, ink.dark, pieces)
    pieces = _pieces((alpha > 96).astype(np.uint8))
    if not len(pieces.boxes):
        return ink
    keep = pieces.within if kind == ImageKind.STAMP else pieces.sides >= 0.3 * pieces.sides[pieces.main]
    there = np.concatenate([[False], keep])[pieces.labels].astype(np.uint8)
    alpha = np.where(opencv().dilate(there, np.ones((3, 3), np.uint8)) > 0, alpha, 0).astype(np.uint8)
    return replace(ink, alpha=alpha, seen=replace(ink.seen, print_around=True))


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What hangs together in a mask: labels, and by piece its box (left, top, right, bottom) and longer side."""

    labels: Any
    boxes: Any
    sides: Any

    @property
    def main(self) -> int:
        """The piece that reaches furthest."""
        return int(self.sides.argmax())

    @property
    def within(self) -> Any:
        """Which pieces lie in the frame of that one."""
        frame = self.boxes[self.main]
        return (self.boxes[:, :2] >= frame[:2] - 8).all(axis=1) & (self.boxes[:, 2:] <= frame[2:] + 8).all(axis=1)


def _pieces(mask: Rows) -> _Pieces:
    _, labels, stats, _ = opencv().connectedComponentsWithStats(mask, connectivity=8)
    boxes = stats[1:, :4].copy()
    sides = boxes[:, 2:].max(axis=1, initial=0)
    boxes[:, 2:] += boxes[:, :2]
    return _Pieces(labels, boxes, sides)


def _darker(alpha: Rows, dark: Map, pieces: _Pieces) -> Rows:
    """The part of the ink that is darker than the print around it, if the mark is: with its soft edges."""
    cv2 = opencv()
    outside = np.concatenate([[False], ~pieces.within])[pieces.labels] & (alpha > 160)
    inside = (pieces.labels == pieces.main + 1) & (alpha > 160)
    if not outside.any() or not inside.any():
        return alpha
    printed, marked = float(np.percentile(dark[outside], 75)), float(np.percentile(dark[inside], 75))
    if printed > 0.88 * marked:
        return alpha
    core = (dark > 0.5 * (printed + marked)).astype(np.uint8)
    core = cv2.morphologyEx(core, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    kept: Rows = np.where(cv2.dilate(core, np.ones((3, 3), np.uint8)) > 0, alpha, 0).astype(np.uint8)
    return kept
