"""The pages of a form before anything is issued: its example, every box at its longest, and each leaf, marked SPECIMEN."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from PIL import Image

from engine.contracts.drawing import Drawing, Mark
from engine.contracts.form import Form
from engine.drawing import DrawingRoom
from engine.errors import Refused
from engine.filing import read
from engine.templating.longest import longest
from engine.templating.sample import sample_request

__all__ = ["Preview", "contact_sheet", "day_of", "preview", "with_pictures"]

_DPI = 110
_THUMB_DPI = 60
_GAP_PX = 14


@dataclass(frozen=True, slots=True)
class Preview:
    """One drawing of a preview: its name (`example`, `longest`, a leaf's name), the PDF and its pages as PNG."""

    name: str
    drawing: Drawing
    pictures: tuple[bytes, ...]


async def preview(form: Form, room: DrawingRoom, today: date) -> tuple[Preview, ...]:
    """Draws and inspects the form's example, its longest values and its leaves. Raises Refused naming what does not fit."""
    if not form.example:
        raise Refused(f"The pack of {form.scheme} has no example.json to draw.", box="example.json", rule="example to preview")
    application, on = read(form.example), day_of(form, today)
    wanted = {
        "example": sample_request(form, application, on),
        "longest": sample_request(form, application, on, filled=longest(form, len(application.items))),
        **{leaf.name: sample_request(form, application, on, leaf=leaf.name) for leaf in form.leaves},
    }
    found = []
    for name, request in wanted.items():
        drawing = await room.draw(replace(request, mark=Mark.SPECIMEN))
        pictures = tuple([await room.picture(drawing.pdf, page, _DPI) for page in range(drawing.pages)])
        found.append(Preview(name, drawing, pictures))
    return tuple(found)


async def with_pictures(form: Form, room: DrawingRoom, today: date, *, stamp: bytes | None, appearance: bytes | None) -> Drawing:
    """The form's example with these cleaned pictures in their places, marked SPECIMEN. Raises Refused for a form without one."""
    if not form.example:
        raise Refused(f"The pack of {form.scheme} has no example.json to draw.", box="scheme", rule="example to preview")
    request = sample_request(form, read(form.example), day_of(form, today))
    return await room.draw(replace(request, mark=Mark.SPECIMEN, stamp=stamp, appearance=appearance))


async def contact_sheet(forms: Sequence[Form], room: DrawingRoom, today: date, *, columns: int = 6) -> bytes:
    """The first page of each form's example side by side, as one PNG."""
    pages = []
    for form in forms:
        request = sample_request(form, read(form.example), day_of(form, today))
        drawing = await room.draw(replace(request, mark=Mark.SPECIMEN))
        pages.append(Image.open(io.BytesIO(await room.picture(drawing.pdf, 0, _THUMB_DPI))).convert("RGB"))
    width, height = max(page.width for page in pages) + _GAP_PX, max(page.height for page in pages) + _GAP_PX
    whole = Image.new("RGB", (width * min(columns, len(pages)) + _GAP_PX, height * math.ceil(len(pages) / columns) + _GAP_PX), "#d8d8d8")
    for index, page in enumerate(pages):
        whole.paste(page, (_GAP_PX + width * (index % columns), _GAP_PX + height * (index // columns)))
    out = io.BytesIO()
    whole.save(out, "PNG", optimize=True)
    return out.getvalue()


def day_of(form: Form, today: date) -> date:
    """Today, or the nearest day on which the form is in force."""
    day = max(today, form.effective_from or today)
    return min(day, form.effective_until or day)
