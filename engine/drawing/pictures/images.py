"""Stamps and signatures, cleaned once at upload: a phone photo in, one ink colour on nothing out, with a score.

Promises: size, pixels and format are read from the header before anything is decoded; nothing of the file but its
ink comes out; what cannot be cleaned is refused with the reason. Runs in a limited child process, which alone
imports OpenCV.
"""

import io
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageOps, UnidentifiedImageError

from engine.contracts.drawing import CleanImage, ImageKind, ImageRequest
from engine.drawing.pictures.ink import opencv, quality, separate
from engine.errors import PluginError, Refused

if TYPE_CHECKING:
    import numpy as np

__all__ = ["clean_now", "inspect_image"]

MAX_BYTES = 8 * 1024 * 1024
MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
SIDE_PX = 400
# Photos are worked on at this size: the shading of paper is smooth, and ink is drawn at 400 px at most.
_WORK_PX = 1000
_SMALLEST = {ImageKind.STAMP: (80, 80), ImageKind.SIGNATURE: (80, 20)}
_LEVELS = 8


def clean_now(request: ImageRequest) -> CleanImage:
    """The cleaned picture. Raises Refused with a sentence saying what is wrong with the upload."""
    picture = _decode(request.data)
    ink = separate(picture)
    alpha = _cropped(ink.alpha)
    _check_size(alpha, request.kind)
    alpha = _levels(_fitted(alpha))
    score, notes = quality(ink)
    height, width = alpha.shape
    return CleanImage(png=_png(alpha, ink.colour), width_px=width, height_px=height, quality=score, notes=notes)


def inspect_image(clean: CleanImage) -> None:
    """Passes a cleaned picture that is what it says; raises PluginError otherwise. A plugin's answer passes the same way."""
    try:
        with Image.open(io.BytesIO(clean.png), formats=("PNG",)) as picture:
            picture.load()
            size, mode, extra = picture.size, picture.mode, dict(picture.info)
            alpha = picture.convert("RGBA").getchannel("A").tobytes()
            colours = picture.convert("RGB").getcolors(maxcolors=1)
    except (OSError, ValueError, SyntaxError) as error:
        raise _bad("it is no PNG") from error
    if size != (clean.width_px, clean.height_px) or max(size) > SIDE_PX:
        raise _bad(f"it is {size[0]} x {size[1]} px; at most {SIDE_PX} px a side are allowed")
    if mode != "RGBA" or min(alpha) > 0 or max(alpha) < 128:
        raise _bad("it has no transparent background, or no ink")
    if colours is None:
        raise _bad("it has more than one colour")
    if extra or not 0 <= clean.quality <= 100:
        raise _bad("it carries more than a picture, or a quality that is not 0 to 100")


def _bad(what: str) -> PluginError:
    return PluginError(f"The cleaned picture was not accepted: {what}.", code="image_inspection")


# --- reading ----------------------------------------------------------------------------------


def _decode(data: bytes) -> "np.ndarray[Any, Any]":
    """The upload as rows of RGBA, at working size."""
    import numpy as np

    if len(data) > MAX_BYTES:
        raise Refused("The picture is larger than 8 MB; send a smaller one.", rule="image size")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise Refused("The picture has more than 40 million pixels; send a smaller one.", rule="image size")
            picture.draft("RGB", (_WORK_PX, _WORK_PX))
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail((_WORK_PX, _WORK_PX), Image.Resampling.BOX, reducing_gap=None)
            return np.asarray(upright.convert("RGBA"))
    except Image.DecompressionBombError as error:
        raise Refused("The picture has more than 40 million pixels; send a smaller one.", rule="image size") from error
    except UnidentifiedImageError as error:
        raise Refused("The file is not a picture we take; send a PNG, JPEG, WebP or TIFF.", rule="image format") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Refused("The picture is broken or was cut off; send it again.", rule="image format") from error


# --- writing ----------------------------------------------------------------------------------


def _cropped(alpha: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """The ink with a narrow margin around it."""
    import numpy as np

    rows, columns = (np.flatnonzero((alpha > 96).any(axis=axis)) for axis in (1, 0))
    margin = 4
    top, left = max(0, rows[0] - margin), max(0, columns[0] - margin)
    return alpha[top : rows[-1] + margin + 1, left : columns[-1] + margin + 1]


def _check_size(alpha: "np.ndarray[Any, Any]", kind: ImageKind) -> None:
    """Refuses ink of so few pixels that it would print as blots."""
    height, width = alpha.shape
    wide, high = _SMALLEST[kind]
    if width < wide or height < high:
        raise Refused(
            f"The ink is only {width} x {height} pixels; take the photo from nearer, so that it is at least {wide} x {high}.",
            rule="image size",
        )


def _fitted(alpha: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """The ink no larger than it is kept."""
    cv2 = opencv()
    height, width = alpha.shape
    scale = min(1.0, SIDE_PX / max(height, width))
    if scale == 1.0:
        return alpha
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    smaller: np.ndarray[Any, Any] = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    return smaller


def _levels(alpha: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Alpha in eight levels: edges stay soft, and the file stays a tenth of its size."""
    import numpy as np

    step = 255 / (_LEVELS - 1)
    return (np.round(alpha / step) * step).astype(np.uint8)


def _png(alpha: "np.ndarray[Any, Any]", colour: tuple[int, int, int]) -> bytes:
    """A PNG of one colour whose alpha is the ink, and nothing else in the file."""
    mask = Image.fromarray(alpha)
    picture = Image.new("RGBA", mask.size, (*colour, 0))
    picture.putalpha(mask)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
