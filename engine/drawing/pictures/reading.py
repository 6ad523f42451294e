"""Uploaded pictures, read: strangers' bytes in, rows of RGBA out, upright and no larger than asked.

Promises: bytes, format, frames and pixels are judged from the header before anything is decoded; large JPEGs are decoded
small; nothing of the file but its pixels goes on.
"""

import io
import struct
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from engine.errors import Refused

__all__ = ["MAX_BYTES", "MAX_PIXELS", "read_upright"]

MAX_BYTES = 8 * 1024 * 1024
MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_DEEP = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
_TOO_MANY = "The picture has more than 40 million pixels; send a smaller one."

Rows = np.ndarray[Any, np.dtype[np.uint8]]


def read_upright(data: bytes, side_px: int, enough_px: int | None = None) -> Rows:
    """The picture as its camera meant it, at most `side_px` a side, as rows of RGBA.

    A JPEG is decoded at a half, a quarter or an eighth of its size as long as its longer side keeps `enough_px` (else `side_px`). Raises Refused naming `image size` or `image format`, with a sentence that says what to send instead.
    """
    if len(data) > MAX_BYTES:
        raise Refused("The picture is larger than 8 MB; send a smaller one.", rule="image size")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            _check_header(picture)
            share = (enough_px or side_px) / max(picture.size)
            picture.draft("RGB", (max(1, int(picture.width * share)), max(1, int(picture.height * share))))
            picture.load()
            return np.asarray(_upright(picture, side_px))
    except Image.DecompressionBombError as error:
        raise Refused(_TOO_MANY, rule="image size") from error
    except UnidentifiedImageError as error:
        raise Refused("The file is not a picture we take; send a PNG, JPEG, WebP or TIFF.", rule="image format") from error
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        TypeError,
        KeyError,
        IndexError,
        OverflowError,
        RuntimeError,
        ZeroDivisionError,
        AttributeError,
        struct.error,
    ) as error:
        raise Refused("The picture is broken or was cut off; send it again.", rule="image format") from error


def _check_header(picture: Image.Image) -> None:
    """Refuses by the header alone. A phone's JPEG may carry a second picture for its own use; the first is meant."""
    if picture.width * picture.height > MAX_PIXELS:
        raise Refused(_TOO_MANY, rule="image size")
    if picture.width < 1 or picture.height < 1:
        raise Refused("The picture is empty; send another.", rule="image size")
    frames = getattr(picture, "n_frames", 1)
    if picture.format in {"PNG", "WEBP", "TIFF"} and frames > 1:
        raise Refused(f"The file holds {frames} pictures or pages; send one picture alone.", rule="image format")


def _upright(picture: Image.Image, side_px: int) -> Image.Image:
    """Small first, then turned and made RGBA: the full size is held once."""
    if picture.mode in _DEEP:
        picture = _shallow(picture)
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    exif = picture.getexif()
    scale = side_px / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.BOX)
    turned = _TURNS.get(exif.get(0x0112, 1))
    return (picture.transpose(turned) if turned is not None else picture).convert("RGBA")


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def _shallow(picture: Image.Image) -> Image.Image:
    """A picture of 16 or more bits a pixel in 8."""
    values = np.asarray(picture, np.float32)
    top = 65535.0 if picture.mode.startswith("I") else float(np.nanmax(values, initial=1.0))
    return Image.fromarray(np.clip(np.nan_to_num(values) * (255.0 / max(top, 1e-6)), 0, 255).astype(np.uint8))
