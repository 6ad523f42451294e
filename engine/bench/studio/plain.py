"""The plain way to clean a picture, which ours is measured beside: flat field, Otsu's threshold, one colour.

What a good developer writes in a day, with the checks for empty, filled and edge-to-edge pictures. Needs OpenCV, so it runs
in a child process.
"""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from engine.drawing.pictures.opencv import opencv
from engine.errors import Refused

__all__ = ["clean_plainly", "warm_plainly"]

_WORK_PX = 1000
_FAINT = 38

Rows = np.ndarray[Any, np.dtype[np.uint8]]


def warm_plainly() -> None:
    """Imports what is needed, before the child's doors are closed."""
    opencv()


def clean_plainly(data: bytes) -> tuple[bytes, tuple[float, float, float, float]]:
    """The ink as a PNG mask at most 400 px a side, and where it lay: left, top, right, bottom as parts of the upright picture."""
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "TIFF")) as picture:
        picture.draft("RGB", (_WORK_PX, _WORK_PX))
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        upright.thumbnail((_WORK_PX, _WORK_PX), Image.Resampling.BOX, reducing_gap=None)
        alpha = _separated(np.asarray(upright.convert("RGB")))
    rows, columns = (np.flatnonzero((alpha > 96).any(axis=axis)) for axis in (1, 0))
    top, bottom = max(0, int(rows[0]) - 4), int(rows[-1]) + 5
    left, right = max(0, int(columns[0]) - 4), int(columns[-1]) + 5
    bottom, right = min(bottom, alpha.shape[0]), min(right, alpha.shape[1])
    if right - left < 80 or bottom - top < 20:
        raise Refused("The ink is too small.", rule="image size")
    mask = Image.fromarray(alpha[top:bottom, left:right])
    mask.thumbnail((400, 400), Image.Resampling.BOX)
    out = io.BytesIO()
    mask.save(out, "PNG")
    height, width = alpha.shape
    return out.getvalue(), (left / width, top / height, right / width, bottom / height)


def _separated(rgb: Rows) -> Rows:
    """How opaque each pixel is. Raises Refused for an empty, a filled and an edge-to-edge picture."""
    cv2 = opencv()
    height, width = rgb.shape[:2]
    small = cv2.resize(rgb, (max(8, width // 8), max(8, height // 8)), interpolation=cv2.INTER_AREA)
    blank = cv2.medianBlur(cv2.dilate(small, np.ones((9, 9), np.uint8)), 21)
    paper = np.maximum(cv2.resize(blank, (width, height), interpolation=cv2.INTER_LINEAR), 1)
    dark = cv2.GaussianBlur(255 - cv2.divide(rgb, paper, scale=255).min(axis=2), (0, 0), 0.8)
    edge = float(cv2.threshold(dark, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0])
    strong = dark[dark > edge]
    depth = float(np.median(strong)) if strong.size else 0.0
    if edge < _FAINT or depth < 1.6 * _FAINT:
        raise Refused("No ink can be told from the background.", rule="image ink")
    ramp = np.interp(np.arange(256), [0.7 * edge, min(250.0, 0.5 * (edge + depth))], [0, 255]).astype(np.uint8)
    alpha = _without_specks(ramp[dark])
    cover = float((alpha > 96).mean())
    sides = sum(float((side > 96).mean()) for side in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])) / 4
    if not 0.0008 <= cover <= 0.5 or sides > 0.35:
        raise Refused("The background cannot be removed.", rule="image background")
    return alpha


def _without_specks(alpha: Rows) -> Rows:
    cv2 = opencv()
    _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0).astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    keep = areas >= max(6, 0.0004 * areas[1:].max(initial=0))
    keep[0] = False
    kept: Rows = np.where(keep[labels], alpha, 0).astype(np.uint8)
    return kept
