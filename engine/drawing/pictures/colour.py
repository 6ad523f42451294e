"""Coloured ink told from grey and black print, in optical density, where shadow and paper are only a shift towards grey.

Promises: `Hue` says whether a picture's ink is coloured and how strongly; a picture of black ink has none.
"""

from dataclasses import dataclass

import numpy as np

from engine.drawing.pictures.opencv import opencv
from engine.drawing.pictures.paper import Map, Rows

__all__ = ["Hue", "chroma_of", "find_hue"]

# Density differences between channels below this are camera, paper and JPEG.
_GREY = 0.16


@dataclass(frozen=True, slots=True)
class Hue:
    """The coloured ink of a picture: its usual chroma, and how much dark there is that has none, to one part coloured."""

    chroma: float
    grey_share: float


def chroma_of(even: Map) -> Map:
    """How far each pixel's optical densities are from grey, a little smoothed: cameras and JPEG blur colour anyway."""
    cv2 = opencv()
    density = -cv2.log(np.maximum(even, np.float32(0.03)))
    red, green, blue = cv2.split(density)
    first = cv2.GaussianBlur((red - green) * np.float32(0.7071), (0, 0), 1.2)
    second = cv2.GaussianBlur((red + green - 2 * blue) * np.float32(0.4082), (0, 0), 1.2)
    result: Map = cv2.magnitude(first, second)
    return result


def find_hue(chroma: Map, ink: Rows) -> Hue | None:
    """The colour of the pixels that are taken for ink (a mask of 0 and 1), or None if they are black and grey."""
    inked = ink > 0
    count = int(inked.sum())
    if count < 30:
        return None
    noise = 4 * float(np.median(chroma[::3, ::3])) / 1.18
    values = chroma[inked]
    coloured = values[values > max(_GREY, noise)]
    if coloured.size < max(30, 0.05 * count):
        return None
    usual = float(np.percentile(coloured, 70))
    if usual < 1.5 * max(_GREY, noise / 2):
        return None
    core = int((values > 0.5 * usual).sum())
    grey = int((values < 0.25 * usual).sum())
    if core < 0.04 * count:
        return None
    return Hue(usual, grey / max(1, core))
