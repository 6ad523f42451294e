"""Ink from paper: light and shadow divided out, the ink told from the rest by its own darkness, and how well it went.

The paper's shading is estimated on a small copy, where ink is dilated away, and divided out; what is then darker than
Otsu's threshold is ink, with a ramp around it for soft edges.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError, Refused

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Ink", "opencv", "quality", "separate"]

# Below this distance from paper, in 255ths, nothing is told from grain and noise.
_FAINT = 38
_TRANSPARENT, _OPAQUE = 16, 240


@dataclass(frozen=True, slots=True)
class Ink:
    """The ink of a picture: how opaque each pixel is, the one colour it has, and how far that stands from the paper."""

    alpha: "np.ndarray[Any, Any]"
    colour: tuple[int, int, int]
    contrast: float


def separate(rgba: "np.ndarray[Any, Any]") -> Ink:
    """The ink of a picture given as rows of RGBA. Raises Refused if there is none, or nothing but."""
    given = rgba[..., 3]
    cut_out = float((given < _TRANSPARENT).mean()) > 0.2
    ink = Ink(given, _colour(rgba[..., :3], given), 1.0) if cut_out else _from_paper(rgba[..., :3])
    _check_cover(ink.alpha)
    return ink


def _from_paper(rgb: "np.ndarray[Any, Any]") -> Ink:
    """The ink of an opaque picture."""
    import numpy as np

    cv2 = opencv()
    even = cv2.divide(rgb, _paper(rgb), scale=255)
    dark = cv2.GaussianBlur(255 - even.min(axis=2), (0, 0), 0.8)
    edge = float(cv2.threshold(dark, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0])
    strong = dark[dark > edge]
    depth = float(np.median(strong)) if strong.size else 0.0
    if edge < _FAINT or depth < 1.6 * _FAINT:
        raise Refused("No ink can be told from the background; use dark ink on plain paper, evenly lit.", rule="image ink")
    ramp = np.interp(np.arange(256), [0.7 * edge, min(250.0, 0.5 * (edge + depth))], [0, 255]).astype(np.uint8)
    alpha = _without_specks(ramp[dark])
    return Ink(alpha, _colour(even, alpha), depth / 255)


def _paper(rgb: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """What the paper would look like without ink: shading, shadow and tint."""
    import numpy as np

    cv2 = opencv()
    height, width = rgb.shape[:2]
    small = cv2.resize(rgb, (max(8, width // 8), max(8, height // 8)), interpolation=cv2.INTER_AREA)
    blank = cv2.medianBlur(cv2.dilate(small, np.ones((9, 9), np.uint8)), 21)
    paper: np.ndarray[Any, Any] = np.maximum(cv2.resize(blank, (width, height), interpolation=cv2.INTER_LINEAR), 1)
    return paper


def _without_specks(alpha: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """The ink without single dots of dust: pieces far smaller than the largest one."""
    import numpy as np

    cv2 = opencv()
    _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0).astype(np.uint8), connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA]
    if len(areas) < 2:
        return alpha
    keep = areas >= max(6, 0.0004 * areas[1:].max())
    keep[0] = False
    kept: np.ndarray[Any, Any] = np.where(keep[labels], alpha, 0).astype(np.uint8)
    return kept


def _colour(rgb: "np.ndarray[Any, Any]", alpha: "np.ndarray[Any, Any]") -> tuple[int, int, int]:
    """The one colour of the ink: the middle of its most opaque pixels, dark enough to be seen in print."""
    import numpy as np

    core = rgb[alpha >= _OPAQUE]
    if not len(core):
        raise Refused("The picture is empty: there is no ink in it.", rule="image ink")
    red, green, blue = (int(value) for value in np.median(core.reshape(-1, 3), axis=0))
    shade = min(1.0, 140 / max(1.0, 0.30 * red + 0.59 * green + 0.11 * blue))
    return round(red * shade), round(green * shade), round(blue * shade)


def _check_cover(alpha: "np.ndarray[Any, Any]") -> None:
    """Refuses a blank sheet, a filled one, and a background that did not come off."""
    cover = float((alpha > 96).mean())
    if cover < 0.0008:
        raise Refused("The picture is empty: there is no ink in it.", rule="image ink")
    if cover > 0.5:
        raise Refused("The background cannot be removed; use a photo of the ink alone on plain paper.", rule="image background")
    border = [alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]]
    if sum(float((side > 96).mean()) for side in border) / 4 > 0.35:
        raise Refused(
            "The ink reaches the edge of the picture, or the background was not removed; leave some paper around it.",
            rule="image background",
        )


def quality(ink: Ink) -> tuple[int, tuple[str, ...]]:
    """The score, 0 to 100, and what would make it better."""
    import numpy as np

    cv2 = opencv()
    alpha = ink.alpha
    notes: list[str] = []
    soft = float(((alpha > 16) & (alpha < 224)).sum() / max(1, (alpha >= 224).sum()))
    rows, columns = (np.flatnonzero((alpha > 96).any(axis=axis)) for axis in (1, 0))
    side = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    pieces = cv2.connectedComponentsWithStats((alpha > 96).astype(np.uint8), connectivity=8)[2][1:, cv2.CC_STAT_AREA]
    dust = float(pieces[pieces < 12].sum() / max(1, pieces.sum()))
    score = (
        100
        - min(30, 12 * max(0.0, soft - 1))
        - min(35, 100 * max(0.0, 1 - side / 300))
        - min(25, 400 * dust)
        - min(30, 90 * max(0.0, 0.5 - ink.contrast))
    )
    if soft > 2:
        notes.append("The edges are blurred; hold the camera still and in focus.")
    if side < 300:
        notes.append("The ink is small in the picture; take the photo from nearer.")
    if dust > 0.02:
        notes.append("There are specks around the ink; use clean white paper.")
    if ink.contrast < 0.5:
        notes.append("The ink is pale; press harder or use fresh ink.")
    return max(0, min(100, round(score))), tuple(notes)


def opencv() -> Any:
    """OpenCV, imported when it is needed. Raises ConfigError naming the apt packages it lacks."""
    try:
        import cv2
    except ImportError as error:
        raise ConfigError("Pictures cannot be cleaned: OpenCV needs the Debian packages libgl1 and libglib2.0-0.") from error
    cv2.setNumThreads(1)
    return cv2
