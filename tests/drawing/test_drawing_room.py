"""The drawing room: everything in children, and plugins under the same inspection."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.contracts.drawing import CleanImage, Drawing, DrawRequest, ImageKind, ImageRequest
from engine.contracts.form import Filled
from engine.drawing import DrawingRoom
from engine.drawing.draw import draw_now
from engine.errors import PluginError, Refused

Certificate = Callable[..., DrawRequest]
MEMORY_MIB = 512


def room_with(**hooks: Callable[..., Any]) -> DrawingRoom:
    relay = SimpleNamespace(**{"coo_draw": lambda request: None, "coo_clean_image": lambda request: None, **hooks})
    return DrawingRoom(processes=1, timeout_s=60, memory_mib=MEMORY_MIB, hooks=relay)


@pytest.fixture
async def room() -> AsyncIterator[DrawingRoom]:
    """A room without plugins."""
    made = DrawingRoom(processes=2, timeout_s=60, memory_mib=MEMORY_MIB, hooks=None)
    await made.start()
    yield made
    await made.close()


async def test_certificates_are_drawn_side_by_side_in_small_processes_without_opencv(room: DrawingRoom, certificate: Certificate) -> None:
    requests = [certificate(scheme, items) for scheme, items in (("AIFTA", 1), ("NP", 5), ("AIFTA", 60), ("NP", 2))]
    drawings = await asyncio.gather(*(room.draw(request) for request in requests))
    assert [drawing.sha256 for drawing in drawings] == [draw_now(request).sha256 for request in requests]
    for pid in room._press.pids:
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
        assert int(status["VmHWM"].split()[0]) < 200 * 1024
        assert "cv2" not in Path(f"/proc/{pid}/maps").read_text()


async def test_what_cannot_be_drawn_comes_out_as_the_refusal_it_is(room: DrawingRoom, certificate: Certificate) -> None:
    request = certificate()
    too_long = replace(request, filled=Filled({**request.filled.boxes, "1": ("x",) * 50}, request.filled.rows))
    with pytest.raises(Refused) as refused:
        await room.draw(too_long)
    assert refused.value.problems[0].box == "box 1"
    assert (await room.draw(request)).pages == 1


async def test_a_stamp_is_cleaned_and_a_page_is_shown(room: DrawingRoom, certificate: Certificate, stamp_png: bytes) -> None:
    cleaned = await room.clean(ImageRequest(ImageKind.STAMP, stamp_png))
    drawing = await room.draw(certificate(stamp=cleaned.png))
    assert (await room.picture(drawing.pdf, 0, 72)).startswith(b"\x89PNG")
    for pdf, page, dpi in ((drawing.pdf, 1, 72), (drawing.pdf, 0, 5000), (b"no", 0, 72)):
        with pytest.raises(Refused):
            await room.picture(pdf, page, dpi)
    with pytest.raises(Refused, match="not a picture"):
        await room.clean(ImageRequest(ImageKind.STAMP, b"no"))


async def test_a_plugins_drawing_is_taken_only_if_it_passes_inspection(certificate: Certificate) -> None:
    request = certificate()
    drawing = draw_now(request)
    honest, lying = room_with(coo_draw=lambda request: drawing), room_with(coo_draw=lambda request: draw_now(certificate("AIFTA", 4)))
    assert await honest.draw(request) is drawing
    with pytest.raises(PluginError, match="not accepted"):
        await lying.draw(request)
    await asyncio.gather(honest.close(), lying.close())


async def test_a_plugin_that_fails_or_answers_something_else_is_named_by_its_hook(certificate: Certificate) -> None:
    def broken(request: DrawRequest) -> Drawing:
        raise RuntimeError("oops")

    failing, odd = room_with(coo_draw=broken), room_with(coo_draw=lambda request: b"%PDF")
    for made in (failing, odd):
        with pytest.raises(PluginError, match="coo_draw"):
            await made.draw(certificate())
        await made.close()


async def test_a_plugins_picture_is_taken_only_if_it_passes_inspection(stamp_png: bytes) -> None:
    wrong = CleanImage(stamp_png, 1, 1, 100)
    made = room_with(coo_clean_image=lambda request: wrong)
    with pytest.raises(PluginError, match="not accepted"):
        await made.clean(ImageRequest(ImageKind.STAMP, stamp_png))
    await made.close()


async def test_a_drawing_over_its_time_is_given_up(certificate: Certificate) -> None:
    made = DrawingRoom(processes=1, timeout_s=0.05, memory_mib=MEMORY_MIB, hooks=None)
    with pytest.raises(PluginError, match=r"longer than 0\.05 seconds"):
        await made.draw(certificate(items=200))
    await made.close()
