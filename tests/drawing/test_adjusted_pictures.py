"""What a person adjusts: more or less ink, a part of the picture, a turn; and the preview they look at."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.contracts.drawing import Adjust, CleanImage, ImageKind, ImageRequest
from engine.drawing.pictures.developing import preview_now
from engine.drawing.pictures.images import clean_now, inspect_image
from engine.errors import Refused

Photo = Callable[..., bytes]
Ink = np.ndarray[Any, Any]


def clean(data: bytes, **adjust: Any) -> CleanImage:
    cleaned = clean_now(ImageRequest(ImageKind.STAMP, data, Adjust(**adjust)))
    inspect_image(cleaned)
    return cleaned


def inked(cleaned: CleanImage) -> int:
    with Image.open(io.BytesIO(cleaned.png)) as picture:
        return int((np.asarray(picture.getchannel("A")) > 127).sum())


def test_the_same_bytes_and_adjustments_give_the_same_picture(photo: Photo, stamp_ink: Ink) -> None:
    data = photo(stamp_ink)
    for adjust in ({}, {"threshold": 20, "crop": (50, 50, 950, 950), "rotation": -45}):
        assert clean(data, **adjust).png == clean(data, **adjust).png


def test_a_higher_threshold_keeps_less_ink_and_a_lower_one_more(photo: Photo, stamp_ink: Ink) -> None:
    data = photo(stamp_ink)
    less, as_it_is, more = (inked(clean(data, threshold=value)) for value in (40, 0, -40))
    assert less < as_it_is < more


def test_a_crop_keeps_what_lies_in_it(photo: Photo) -> None:
    ink = np.zeros((600, 800), np.float32)
    ink[200:400, 100:108], ink[200:208, 100:300], ink[392:400, 100:300], ink[200:400, 292:300] = 1, 1, 1, 1
    ink[150:450, 600:606] = 1
    data = photo(ink)
    whole, left = clean(data), clean(data, crop=(0, 0, 600, 1000))
    assert whole.width_px > 1.5 * whole.height_px
    assert abs(left.width_px - left.height_px) < 20


def test_a_rotation_turns_clockwise(photo: Photo) -> None:
    ink = np.zeros((600, 800), np.float32)
    ink[280:300, 200:600] = 1
    ink[200:280, 200:220] = 1
    data = photo(ink)
    flat, upright = clean(data), clean(data, rotation=900)
    assert flat.width_px > 3 * flat.height_px
    assert upright.height_px > 3 * upright.width_px
    with Image.open(io.BytesIO(upright.png)) as picture:
        alpha = np.asarray(picture.getchannel("A")) > 127
    top, bottom = alpha[: len(alpha) // 5], alpha[-len(alpha) // 5 :]
    assert top.sum() > 1.5 * bottom.sum()
    slanted = clean(data, rotation=150)
    assert flat.height_px < slanted.height_px < upright.height_px


@pytest.mark.parametrize(
    ("adjust", "name"),
    [
        ({"threshold": 51}, "threshold"),
        ({"threshold": -51}, "threshold"),
        ({"threshold": True}, "threshold"),
        ({"threshold": 1.5}, "threshold"),
        ({"rotation": 1801}, "rotation"),
        ({"rotation": -1801}, "rotation"),
        ({"crop": (0, 0, 1001, 1000)}, "crop"),
        ({"crop": (-1, 0, 1000, 1000)}, "crop"),
        ({"crop": (500, 0, 500, 1000)}, "crop"),
        ({"crop": (0, 900, 1000, 100)}, "crop"),
        ({"crop": (0, 0, 1000)}, "crop"),
        ({"crop": "all"}, "crop"),
    ],
)
def test_what_is_out_of_range_is_refused_by_its_name(adjust: dict[str, Any], name: str) -> None:
    with pytest.raises(Refused, match=name) as refused:
        Adjust(**adjust)
    assert refused.value.rule == name


def test_the_ends_of_the_ranges_are_taken(photo: Photo, stamp_ink: Ink) -> None:
    data = photo(stamp_ink)
    for adjust in ({"threshold": 50, "rotation": 1800}, {"threshold": -50, "rotation": -1800, "crop": (0, 0, 1000, 1000)}):
        assert clean(data, **adjust).quality >= 0


def test_a_crop_of_next_to_nothing_is_refused(photo: Photo, stamp_ink: Ink) -> None:
    with pytest.raises(Refused, match="only"):
        clean(photo(stamp_ink), crop=(500, 500, 501, 501))


def test_a_preview_is_upright_small_and_ours() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret place 19.07,72.87"
    upload = io.BytesIO()
    Image.new("RGB", (1600, 1200), (200, 180, 160)).save(upload, "JPEG", exif=exif, comment=b"secret comment")
    shown = preview_now(upload.getvalue() + b"<script>secret</script>")
    assert (shown.width_px, shown.height_px) == (600, 800)
    assert b"secret" not in shown.jpeg
    with Image.open(io.BytesIO(shown.jpeg)) as picture:
        assert (picture.format, picture.size, dict(picture.getexif())) == ("JPEG", (600, 800), {})


def test_a_preview_shows_what_is_transparent_as_white(stamp_png: bytes) -> None:
    shown = preview_now(stamp_png)
    with Image.open(io.BytesIO(shown.jpeg)) as picture:
        corner = picture.convert("RGB").getpixel((2, 2))
    assert isinstance(corner, tuple)
    assert min(corner) > 250


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"GIF89a", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n"])
def test_a_preview_of_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="picture"):
        preview_now(data)
