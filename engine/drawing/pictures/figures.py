"""Solid figures, which neither a stamp nor a hand leaves: a disc, a bar, a cat, a logo of one piece.

Promises: what is written or engraved is never one. However much ink a seal took, letters stay in it as pieces or as holes, and
a pen's stroke is long for its width; a figure is thick almost everywhere and has little outline for its ink.
"""

import math

import numpy as np

from engine.drawing.pictures.opencv import opencv
from engine.drawing.pictures.paper import Rows

__all__ = ["is_solid"]

# Judged at this size; thick is what a disc of the second fits into. Both in pixels.
_SIDE, _THICK = 400, 25
# A disc has 1, a cat 3, a gear 5; a seal of solid ink with two words cut out of it 9, a stamp of words 20 to 100.
_LEAST_OUTLINE = 7.5
_MOSTLY = 0.7


def is_solid(alpha: Rows) -> bool:
    """Whether the ink, as a map of opacity, is one filled figure or a few, without letters or lines."""
    cv2 = opencv()
    mask = _fitted((alpha > 127).astype(np.uint8))
    area = int(mask.sum())
    if not area:
        return False
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_THICK, _THICK))
    if int(cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc).sum()) < _MOSTLY * area:
        return False
    outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    length = sum(float(cv2.arcLength(cv2.approxPolyDP(outline, 2, True), True)) for outline in outlines)
    return length * length / (4 * math.pi * area) < _LEAST_OUTLINE


def _fitted(mask: Rows) -> Rows:
    """The mask cut to its ink, at the size it is judged at, with smooth edges and paper around it."""
    cv2 = opencv()
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return mask
    part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] * 255
    scale = _SIDE / max(part.shape)
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    sized = cv2.resize(part, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    small = cv2.copyMakeBorder((sized > 127).astype(np.uint8), 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=0)
    round_about = np.ones((3, 3), np.uint8)
    fitted: Rows = cv2.morphologyEx(cv2.morphologyEx(small, cv2.MORPH_CLOSE, round_about), cv2.MORPH_OPEN, round_about)
    return fitted
