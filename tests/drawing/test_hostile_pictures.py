"""Strangers' files: bombs, polyglots, many pages, odd depths, and hundreds of mutated pictures; the child outlives them or is replaced."""

import asyncio
import io
import random
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.contracts.drawing import Adjust, CleanImage, ImageFault, ImageKind, ImageRequest
from engine.drawing import DrawingRoom, deeds
from engine.drawing.pictures.developing import preview_now
from engine.drawing.pictures.images import clean_now, inspect_image
from engine.errors import Refused
from tests.drawing.picture_corpus import PROVE

Photo = Callable[..., bytes]
Ink = np.ndarray[Any, Any]
MUTATED = 20_000 if PROVE else 100


@pytest.fixture
async def room() -> AsyncIterator[DrawingRoom]:
    """A room whose images' child has the limits of production."""
    made = DrawingRoom(processes=1, timeout_s=60, memory_mib=512)
    yield made
    await made.close()


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def seeds(photo: Photo, ink: Ink) -> list[bytes]:
    """A small picture in every format that is taken."""
    with Image.open(io.BytesIO(photo(ink))) as picture:
        small = picture.resize((170, 170))
    return [saved(small, "PNG"), saved(small, "JPEG", quality=80), saved(small, "WEBP"), saved(small, "TIFF"),
            saved(small, "TIFF", compression="tiff_lzw"), saved(small.convert("P"), "PNG"), saved(small.convert("CMYK"), "JPEG"),
            saved(small, "JPEG", progressive=True)]  # fmt: skip


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The file with bytes changed, cut out, doubled or swapped, mostly near its head, where formats decide."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = min(len(changed) - 1, int(len(changed) * chance.random() ** chance.choice((1, 3, 6))))
        match chance.randrange(5):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                changed[at] = chance.choice((0, 1, 127, 128, 255))
            case 2:
                del changed[at : at + chance.randint(1, 40)]
            case 3:
                changed[at:at] = changed[at : at + chance.randint(1, 40)]
            case _:
                changed[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\x80\0"))
        if len(changed) < 8:
            break
    return bytes(changed)


@pytest.mark.filterwarnings("ignore")  # Pillow's own, about what was broken on purpose
def test_mutated_pictures_are_cleaned_or_refused_and_nothing_else(photo: Photo, stamp_ink: Ink) -> None:
    chance, kinds = random.Random(31), seeds(photo, stamp_ink)
    ended, rules = {"cleaned": 0, "refused": 0}, set()
    for round_ in range(MUTATED):
        data = mutated(kinds[round_ % len(kinds)], chance)
        try:
            cleaned = clean_now(ImageRequest(ImageKind.STAMP, data, Adjust(threshold=chance.randint(-50, 50))))
        except Refused as refused:
            ended["refused"] += 1
            rules.add(refused.rule)
        else:
            inspect_image(cleaned)
            ended["cleaned"] += 1
    assert min(ended.values()) > MUTATED // 20
    assert rules <= {"image format", "image size", "image ink", "image background"}


async def test_the_child_serves_the_next_one_after_hostile_files(room: DrawingRoom, photo: Photo, stamp_ink: Ink) -> None:
    good, chance = photo(stamp_ink), random.Random(77)
    kinds = seeds(photo, stamp_ink)
    for data in [mutated(chance.choice(kinds), chance) for _ in range(10)] + [bomb(6000, 6000), bomb(30_000, 30_000)]:
        answer = await asyncio.gather(room.clean(ImageRequest(ImageKind.STAMP, data)), return_exceptions=True)
        assert isinstance(answer[0], CleanImage | Refused)
    assert (await room.clean(ImageRequest(ImageKind.STAMP, good))).quality > 50
    assert (await room.develop(ImageRequest(ImageKind.STAMP, good))).preview.width_px == 800


def bomb(width: int, height: int) -> bytes:
    """A PNG of that size, all of one colour: kilobytes that unfold to many megabytes."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer = zlib.compressobj(9)
    row = b"\0" + b"\xee" * width
    body = b"".join(packer.compress(row) for _ in range(min(height, 6000))) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bomb(30_000, 30_000)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it was decoded"))
    for read in (lambda: clean_now(ImageRequest(ImageKind.STAMP, data)), lambda: preview_now(data)):
        with pytest.raises(Refused, match="40 million"):
            read()


def test_several_pages_or_frames_are_refused_with_their_number() -> None:
    pages = [Image.new("RGB", (200, 200), (200 - 60 * n, 220, 220)) for n in range(3)]
    for kind, options in (("TIFF", {}), ("WEBP", {"duration": 40}), ("PNG", {"duration": 40})):
        with pytest.raises(Refused, match="3 pictures or pages"):
            clean_now(ImageRequest(ImageKind.STAMP, saved(pages[0], kind, save_all=True, append_images=pages[1:], **options)))


def test_a_phones_jpeg_with_a_second_picture_is_taken_for_its_first(photo: Photo, stamp_ink: Ink) -> None:
    with Image.open(io.BytesIO(photo(stamp_ink))) as picture:
        data = saved(picture, "MPO", save_all=True, append_images=[Image.new("RGB", (400, 400))])
    assert clean_now(ImageRequest(ImageKind.STAMP, data)).quality > 50


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "I;16", "LA", "RGBA"])
def test_every_kind_of_pixel_is_read(photo: Photo, stamp_ink: Ink, mode: str) -> None:
    with Image.open(io.BytesIO(photo(stamp_ink, colour=(20, 20, 25), noise=1.0))) as picture:
        grey = picture.convert("L")
        if mode == "I;16":
            deep = Image.fromarray((np.asarray(grey).astype(np.uint16)) * 257)
            data = saved(deep, "PNG")
        else:
            data = saved(
                (grey if mode in {"1", "L", "LA"} else picture).convert(mode, dither=Image.Dither.NONE), "TIFF" if mode == "CMYK" else "PNG"
            )
    cleaned = clean_now(ImageRequest(ImageKind.STAMP, data))
    assert 350 <= cleaned.width_px <= 400


@pytest.mark.parametrize("tail", [b"PK\x03\x04 a zip", b"<script>alert(1)</script>", b"%PDF-1.7 a page", b"MZ" + bytes(200)])
def test_what_hangs_on_a_picture_stays_behind(photo: Photo, stamp_ink: Ink, tail: bytes) -> None:
    for data in seeds(photo, stamp_ink)[:3]:
        cleaned = clean_now(ImageRequest(ImageKind.STAMP, data + tail))
        assert tail not in cleaned.png
        assert cleaned.png.endswith(b"IEND\xaeB`\x82")
        assert tail not in preview_now(data + tail).jpeg


async def test_a_photo_of_twelve_megapixels_stays_within_the_childs_memory(room: DrawingRoom, photo: Photo, stamp_ink: Ink) -> None:
    with Image.open(io.BytesIO(photo(stamp_ink))) as picture:
        data = saved(picture.resize((4000, 3000)), "JPEG", quality=85)
    held = bytearray(600 << 20)  # what this process holds is not the child's
    held[::4096] = b"x" * len(held[::4096])
    assert (await room.clean(ImageRequest(ImageKind.STAMP, data))).quality > 40
    assert await room._images.run(deeds.peak_mib) < 512
    assert held


async def test_a_picture_that_takes_too_long_ends_its_child_and_the_next_is_served(room: DrawingRoom, photo: Photo, stamp_ink: Ink) -> None:
    good = photo(stamp_ink)
    spin = "import engine.drawing.deeds as d; d._CPU_S = 0\nwith d._little_time():\n while True: pass"
    with pytest.raises(Refused, match="died"):
        await room._images.run(exec, spin)
    assert (await room.clean(ImageRequest(ImageKind.STAMP, good))).quality > 50


async def test_faults_come_out_of_the_child_as_what_they_are(room: DrawingRoom, photo: Photo, stamp_ink: Ink) -> None:
    with Image.open(io.BytesIO(photo(stamp_ink))) as picture:
        data = saved(picture.resize((180, 180)), "PNG")
    cleaned = await room.clean(ImageRequest(ImageKind.STAMP, data))
    assert cleaned.faults[0] is ImageFault.TOO_SMALL
    assert len(cleaned.notes) == len(cleaned.faults)


async def test_opencv_is_in_the_images_child_alone(room: DrawingRoom, certificate: Callable[..., Any], stamp_png: bytes) -> None:
    await room.clean(ImageRequest(ImageKind.STAMP, stamp_png))
    await room.draw(certificate())
    assert ["cv2" in Path(f"/proc/{pid}/maps").read_text() for pid in (*room._press.pids, *room._images.pids)] == [False, True]
