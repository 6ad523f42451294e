"""An upload developed: decoded once for its preview and its ink, and shown even where it cannot be cleaned."""

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from engine.contracts.drawing import ImageKind, ImageRequest
from engine.drawing import DrawingRoom, deeds
from engine.drawing.pictures.developing import develop_now, preview_now
from engine.drawing.pictures.images import ENOUGH_PX, clean_now, decoded
from engine.errors import Refused

Photo = Callable[..., bytes]
Ink = np.ndarray[Any, Any]


def room_with(guest: Callable[..., Any]) -> DrawingRoom:
    relay = SimpleNamespace(coo_draw=lambda request: None, coo_clean_image=guest)
    return DrawingRoom(processes=1, timeout_s=60, memory_mib=512, hooks=relay)


def twelve_megapixels(upload: bytes) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(upload)) as picture:
        picture.resize((4000, 3000)).save(out, "JPEG", quality=85)
    return out.getvalue()


def test_an_upload_is_decoded_once_for_its_preview_and_its_ink(photo: Photo, stamp_ink: Ink, monkeypatch: pytest.MonkeyPatch) -> None:
    data, read = photo(stamp_ink), ImageFile.ImageFile.load
    decodings = []

    def counted(self: ImageFile.ImageFile) -> Any:
        if self.format == "JPEG" and self.tile:
            decodings.append(self.size)
        return read(self)

    monkeypatch.setattr(ImageFile.ImageFile, "load", counted)
    developed = develop_now(ImageRequest(ImageKind.STAMP, data))
    assert len(decodings) == 1
    assert developed.clean == clean_now(ImageRequest(ImageKind.STAMP, data))
    assert (developed.preview.width_px, developed.preview.height_px, developed.problem) == (800, 800, "")


def test_a_photo_of_twelve_megapixels_is_decoded_at_half_its_size(photo: Photo, stamp_ink: Ink) -> None:
    data = twelve_megapixels(photo(stamp_ink))
    assert decoded(data).shape == (1500, 2000, 4)
    assert ENOUGH_PX <= 2000
    developed = develop_now(ImageRequest(ImageKind.STAMP, data))
    assert developed.clean is not None
    assert developed.clean.quality >= 70
    assert (developed.preview.width_px, developed.preview.height_px) == (800, 600)


def test_what_cannot_be_cleaned_is_shown_with_the_reason() -> None:
    out = io.BytesIO()
    Image.new("RGB", (1000, 500), (236, 236, 232)).save(out, "PNG")
    developed = develop_now(ImageRequest(ImageKind.STAMP, out.getvalue()))
    assert developed.clean is None
    assert "No ink" in developed.problem
    assert developed.preview == preview_now(out.getvalue())
    with pytest.raises(Refused, match="not a picture"):
        develop_now(ImageRequest(ImageKind.STAMP, b"%PDF-1.7"))


def no_guest(request: ImageRequest) -> None:
    return None


def refusing(request: ImageRequest) -> None:
    raise Refused("The plugin takes no stamps on Sundays.")


async def test_the_room_gives_preview_and_ink_whoever_cleaned(photo: Photo, stamp_ink: Ink) -> None:
    request = ImageRequest(ImageKind.STAMP, photo(stamp_ink))
    ours = clean_now(request)
    for guest, clean, problem in (
        (no_guest, ours, ""),
        (lambda request: ours, ours, ""),
        (refusing, None, "The plugin takes no stamps on Sundays."),
    ):
        room = room_with(guest)
        developed = await room.develop(request)
        await room.close()
        assert (developed.clean, developed.problem, developed.preview.width_px) == (clean, problem, 800)


async def test_the_room_refuses_what_is_no_picture() -> None:
    room = room_with(no_guest)
    with pytest.raises(Refused, match="not a picture"):
        await room.develop(ImageRequest(ImageKind.STAMP, b"<svg/>"))
    await room.close()


async def test_what_costs_too_much_to_clean_is_shown_with_that_reason(
    photo: Photo, stamp_ink: Ink, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, data = room_with(no_guest), photo(stamp_ink)
    run = room._images.run

    async def too_long(fn: Any, *args: Any) -> Any:
        if fn is deeds.develop:
            raise Refused("It took longer than 20 seconds.")
        return await run(fn, *args)

    monkeypatch.setattr(room._images, "run", too_long)
    developed = await room.develop(ImageRequest(ImageKind.STAMP, data))
    await room.close()
    assert (developed.clean, developed.problem) == (None, "It took longer than 20 seconds.")
    assert developed.preview.width_px == 800
