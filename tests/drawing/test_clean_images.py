"""Stamps and signatures: photos come out clean, and what cannot be cleaned is refused with the reason."""

import io
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from engine.contracts.drawing import CleanImage, ImageKind, ImageRequest
from engine.drawing.pictures.images import clean_now, inspect_image
from engine.errors import PluginError, Refused

Photo = Callable[..., bytes]
Ink = np.ndarray[Any, Any]


def clean(data: bytes, kind: ImageKind = ImageKind.STAMP) -> CleanImage:
    cleaned = clean_now(ImageRequest(kind, data))
    inspect_image(cleaned)
    return cleaned


def as_png(picture: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG", **options)
    return out.getvalue()


def overlap(cleaned: CleanImage, ink: Ink) -> float:
    """F1 of the cleaned ink against the true one, both cut to the ink."""
    alpha = np.asarray(Image.open(io.BytesIO(cleaned.png)).getchannel("A")) > 127
    rows, columns = np.flatnonzero((ink > 0.5).any(axis=1)), np.flatnonzero((ink > 0.5).any(axis=0))
    true = Image.fromarray((ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] * 255).astype(np.uint8))
    mine_rows, mine_columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    mine = alpha[mine_rows[0] : mine_rows[-1] + 1, mine_columns[0] : mine_columns[-1] + 1]
    truth = np.asarray(true.resize((mine.shape[1], mine.shape[0]))) > 127
    return float(2 * (mine & truth).sum() / (mine.sum() + truth.sum()))


@pytest.mark.parametrize("colour", [(70, 40, 150), (30, 30, 40), (160, 40, 50), (20, 110, 60)])
def test_a_photo_of_a_stamp_comes_out_as_its_ink(photo: Photo, stamp_ink: Ink, colour: tuple[int, int, int]) -> None:
    cleaned = clean(photo(stamp_ink, colour=colour))
    assert overlap(cleaned, stamp_ink) > 0.9
    assert cleaned.quality >= 80
    assert max(cleaned.width_px, cleaned.height_px) == 400
    with Image.open(io.BytesIO(cleaned.png)) as picture:
        red, green, blue = picture.convert("RGB").getpixel((0, 0))  # type: ignore[misc]
        assert int(np.argmax((red, green, blue))) == int(np.argmax(colour))
        assert len(set(picture.getchannel("A").tobytes())) <= 8
    assert len(cleaned.png) < 40_000


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_every_accepted_format_is_cleaned(photo: Photo, stamp_ink: Ink, kind: str) -> None:
    assert clean(photo(stamp_ink, kind=kind)).quality >= 70


def test_a_signature_is_cleaned(photo: Photo) -> None:
    import cv2

    ink = np.zeros((300, 800), np.uint8)
    points = np.array([[60 + 5 * n, int(150 + 70 * np.sin(n / 6) * np.cos(n / 17))] for n in range(136)], np.int32)
    cv2.polylines(ink, [points], False, 255, 5, cv2.LINE_AA)
    cleaned = clean(photo(ink.astype(np.float32) / 255, colour=(25, 35, 110)), ImageKind.SIGNATURE)
    assert cleaned.width_px == 400
    assert cleaned.height_px < 200


def test_a_picture_that_is_transparent_already_is_taken_as_it_is(stamp_png: bytes) -> None:
    cleaned = clean(stamp_png)
    assert cleaned.quality >= 70
    assert 200 <= cleaned.width_px <= 300


def test_cleaning_a_cleaned_picture_changes_next_to_nothing(stamp_png: bytes) -> None:
    once = clean(stamp_png)
    twice = clean(once.png)
    assert abs(once.width_px - twice.width_px) <= 4


def test_metadata_stays_behind(stamp_png: bytes) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "secret place 19.07,72.87")
    cleaned = clean(as_png(Image.open(io.BytesIO(stamp_png)), pnginfo=info, dpi=(300, 300)))
    assert b"secret" not in cleaned.png
    assert {bytes(cleaned.png[at + 4 : at + 8]) for at in _chunks(cleaned.png)} == {b"IHDR", b"IDAT", b"IEND"}


def _chunks(png: bytes) -> list[int]:
    found, at = [], 8
    while at < len(png):
        found.append(at)
        at += 12 + int.from_bytes(png[at : at + 4])
    return found


def blank(level: int = 235, size: tuple[int, int] = (600, 600)) -> Image.Image:
    rng = np.random.default_rng(3)
    return Image.fromarray(np.clip(rng.normal(level, 3, (*size, 3)), 0, 255).astype(np.uint8))


def bad_pictures(good: bytes) -> dict[str, tuple[bytes, str]]:
    rng = np.random.default_rng(5)
    noise = Image.fromarray(rng.integers(0, 255, (500, 500, 3), dtype=np.uint8))
    clear = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    tiny = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    tiny.paste((0, 0, 90, 255), (200, 200, 230, 215))
    small = as_png(Image.new("1", (8, 8)))
    header = b"IHDR" + (50_000).to_bytes(4) * 2 + small[24:29]
    huge = small[:12] + header + zlib.crc32(header).to_bytes(4) + small[33:]
    return {
        "nothing": (b"", "not a picture"),
        "words": (b"hello, world" * 20, "not a picture"),
        "drawing": (b"<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>", "not a picture"),
        "pdf": (b"%PDF-1.4\n%%EOF", "not a picture"),
        "gif": (_as(blank(), "GIF"), "not a picture"),
        "too many bytes": (good + b"\0" * 9_000_000, "8 MB"),
        "too many pixels": (huge, "40 million"),
        "cut off": (good[: len(good) // 2], "broken or was cut off"),
        "blank paper": (as_png(blank()), "No ink|empty"),
        "all dark": (as_png(blank(20)), "No ink|background"),
        "noise": (as_png(noise), "background|No ink|edge"),
        "nothing on nothing": (as_png(clear), "empty"),
        "tiny": (as_png(tiny), "only 3"),
        "full": (as_png(Image.new("RGBA", (300, 300), (10, 10, 90, 255))), "No ink|background|empty"),
    }


def _as(picture: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    "name",
    ["nothing", "words", "drawing", "pdf", "gif", "too many bytes", "too many pixels", "cut off", "blank paper", "all dark", "noise",
     "nothing on nothing", "tiny", "full"],
)  # fmt: skip
def test_a_bad_picture_is_refused_with_the_reason(photo: Photo, stamp_ink: Ink, name: str) -> None:
    data, reason = bad_pictures(photo(stamp_ink))[name]
    with pytest.raises(Refused, match=reason):
        clean(data)


def test_a_plugins_picture_passes_the_same_inspection(stamp_png: bytes) -> None:
    good = clean(stamp_png)
    inspect_image(good)
    two = Image.open(io.BytesIO(good.png)).copy()
    two.putpixel((5, 5), (255, 0, 0, 255))
    wrong = [
        replace(good, width_px=good.width_px + 1),
        replace(good, quality=101),
        replace(good, png=b"GIF89a"),
        replace(good, png=as_png(two)),
        CleanImage(as_png(Image.new("RGBA", (500, 500), (0, 0, 0, 0))), 500, 500, 50),
        CleanImage(as_png(Image.new("RGB", (50, 50))), 50, 50, 50),
        replace(good, png=as_png(Image.open(io.BytesIO(good.png)), dpi=(72, 72))),
    ]
    for picture in wrong:
        with pytest.raises(PluginError, match="cleaned picture was not accepted"):
            inspect_image(picture)
