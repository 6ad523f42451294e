"""The first page of each built-in pack's example: where its boxes stand, and what it looks like."""

import io
import json
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageChops

from engine.contracts.drawing import Drawing
from engine.contracts.form import Form
from engine.drawing.draw import draw_now
from engine.filing import read
from engine.packs import builtin_packs
from engine.templating import sample_request
from engine.templating.previewing import day_of

Golden = Callable[[str, bytes], bytes]

PAGES = Path(__file__).parent / "golden" / "packs"
SCHEMES = tuple(pack.name.upper() for pack in builtin_packs(files("plugins") / "templates"))


def drawn(form: Form) -> Drawing:
    """The form's example as it would be issued."""
    return draw_now(sample_request(form, read(form.example), day_of(form, date(2026, 11, 22))))


def test_every_golden_page_is_of_a_pack_that_is_there() -> None:
    assert {path.stem for path in PAGES.iterdir()} == set(SCHEMES)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_example_of_a_pack_stands_and_looks_as_it_did(forms: dict[str, Form], golden: Golden, scheme: str) -> None:
    drawing = drawn(forms[scheme])
    spots = {
        spot.box: [round(each, 1) for each in (spot.rect.x_mm, spot.rect.y_mm, spot.rect.w_mm, spot.rect.h_mm)]
        for spot in drawing.placed
        if spot.rect.page == 0
    }
    now = json.dumps({"pages": drawing.pages, "first": spots}, ensure_ascii=False).replace('], "', '],\n"')
    assert json.loads(golden(f"packs/{scheme}.json", now.encode())) == json.loads(now)
    shown = page_of(drawing)
    out = io.BytesIO()
    shown.save(out, "PNG", optimize=True)
    then = Image.open(io.BytesIO(golden(f"packs/{scheme}.png", out.getvalue()))).convert("L")
    assert then.size == shown.size
    difference = np.asarray(ImageChops.difference(then, shown))
    assert difference.mean() < 1.0
    assert (difference > 80).mean() < 0.002


def page_of(drawing: Drawing) -> Image.Image:
    """The first page at 50 dpi, in sixteen greys."""
    document = pdfium.PdfDocument(drawing.pdf)
    shown: Image.Image = document[0].render(scale=50 / 72, grayscale=True).to_pil().convert("L")
    document.close()
    return shown.point(lambda level: level // 17 * 17)
