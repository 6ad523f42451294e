"""A mark so far out of focus that no ink is found any more: told from a sheet on which there is nothing.

Promises: a blank sheet, a faint mark with sharp edges and the shadow of a hand are not called out of focus.
"""

import numpy as np

from engine.drawing.pictures.opencv import opencv
from engine.drawing.pictures.paper import Map, Rows

__all__ = ["is_out_of_focus"]

_SIDE = 250
# How much darker than paper a smear is at least, and how far its edges are spread, in pixels at that size.
_LEAST_DARK, _LEAST_SPREAD = 0.06, 2.5
_MOSTLY = 0.6


def is_out_of_focus(rgba: Rows) -> bool:
    """Whether something dark without any edge lies in the midst of the paper."""
    cv2 = opencv()
    dark = _beside_the_light(rgba)
    peak = float(np.percentile(dark, 99.5))
    if peak < _LEAST_DARK:
        return False
    there = (dark > 0.5 * peak).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(there, connectivity=8)
    left, top, wide, high, area = stats.T
    within = (left > 1) & (top > 1) & (left + wide < dark.shape[1] - 1) & (top + high < dark.shape[0] - 1)
    within[0] = False
    if float(area[within].sum()) < _MOSTLY * max(1, int(there.sum())):
        return False
    steep = cv2.magnitude(cv2.Sobel(dark, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(dark, cv2.CV_32F, 0, 1, scale=0.125))
    steepest = float(np.percentile(steep[within[labels]], 98)) if count > 1 else 1.0
    return peak / max(steepest, 1e-4) / 2.2 > _LEAST_SPREAD


def _beside_the_light(rgba: Rows) -> Map:
    """How much darker than its light each part is, small and without grain. The light bends at most once across the picture."""
    cv2 = opencv()
    grey = rgba[..., :3].mean(axis=2, dtype=np.float32)
    scale = _SIDE / max(grey.shape)
    size = (max(8, round(grey.shape[1] * scale)), max(8, round(grey.shape[0] * scale)))
    small = cv2.GaussianBlur(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), (0, 0), 1.5)
    x, y = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]))
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values, used = small.ravel().astype(np.float64), np.ones(small.size, bool)
    light = values
    for _ in range(4):
        light = terms @ np.linalg.lstsq(terms[used], values[used], rcond=None)[0]
        used = values > 0.98 * light
        if used.sum() < 60:
            break
    dark: Map = (1 - values / np.maximum(light, 1)).astype(np.float32).reshape(small.shape)
    return dark
