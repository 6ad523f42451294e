"""Reads a drawing back with another library (pdfium) before anybody signs it.

Promises: what passes has the pages, boxes and lines that were asked for, each where it was said to be, nothing
readable anywhere else, visible and in embedded fonts; the code on the paper is the code of the address; and nothing
in the file acts: no form, link, script, attachment or encryption. A drawing of a plugin passes the same way.
"""

import re
from collections.abc import Iterable

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from engine.contracts.drawing import Drawing, DrawRequest, Mark, Placed, Rect
from engine.contracts.sheet import CODE_MODULES, MM_PER_POINT, QUIET_MODULES
from engine.drawing.code import modules
from engine.drawing.inspecting.readback import Seen, read_code, read_page
from engine.errors import PluginError

__all__ = ["inspect"]

# Names of the PDF language by which a file acts, hides or carries something. ReportLab writes none of them.
_ACTIVE = "AcroForm OpenAction AA JavaScript JS Launch EmbeddedFiles RichMedia XFA Encrypt ObjStm OCProperties Annots"
_ACTIVE_NAME = re.compile(rb"/(" + b"|".join(name.encode() for name in _ACTIVE.split()) + rb")(?![A-Za-z0-9_])")
_ESCAPED_NAME = re.compile(rb"/[A-Za-z0-9]*#[0-9A-Fa-f]{2}")
# Streams and strings are data: a number such as EIC/2026/JS/1 in the title is no script.
_DATA = re.compile(rb"stream\r?\n.*?endstream|\((?:\\.|[^\\()])*\)", re.DOTALL)

_EDGE_MM = 0.3


def inspect(drawing: Drawing, request: DrawRequest) -> None:
    """Passes a drawing that shows what was asked for, or raises PluginError saying what it does not show."""
    _nothing_active(drawing.pdf)
    _says_everything(drawing, request)
    try:
        document = pdfium.PdfDocument(drawing.pdf)
    except pdfium.PdfiumError as error:
        raise _wrong("the file is not a PDF that can be read") from error
    try:
        _document_is_still(document)
        if len(document) != drawing.pages:
            raise _wrong(f"the file has {len(document)} pages, not the {drawing.pages} that were said")
        for number in range(drawing.pages):
            page = document[number]
            _page_shows(page, number, drawing, request)
            page.close()
    finally:
        document.close()


def _document_is_still(document: pdfium.PdfDocument) -> None:
    """Refuses forms, scripts and attachments, as pdfium sees them."""
    form = document.get_formtype() != raw.FORMTYPE_NONE
    if form or raw.FPDFDoc_GetJavaScriptActionCount(document) > 0 or raw.FPDFDoc_GetAttachmentCount(document) > 0:
        raise _wrong("the file has a form, a script or an attachment")


def _page_shows(page: pdfium.PdfPage, number: int, drawing: Drawing, request: DrawRequest) -> None:
    """One page shows what was placed on it, and leaves the signature its space."""
    size = request.form.sheet.geometry
    if any(abs(a * MM_PER_POINT - b) > _EDGE_MM for a, b in zip(page.get_size(), (size.width, size.height), strict=True)):
        raise _wrong(f"page {number + 1} is not of the size of the form")
    placed = [spot for spot in drawing.placed if spot.rect.page == number]
    seen = read_page(page)
    try:
        _only_what_was_placed(seen, placed, number, request.mark)
    except PluginError:
        seen = read_page(page, exact=True)
        _only_what_was_placed(seen, placed, number, request.mark)
    _pictures_given(seen, number, request)
    if number == drawing.qr.page:
        _code_reads(page, drawing.qr, request.qr_text)
    if number == drawing.signature.page:
        _signature_is_free(seen, drawing.signature)


def _wrong(what: str) -> PluginError:
    return PluginError(f"The drawing was not accepted: {what}.", code="drawing_inspection")


def _nothing_active(pdf: bytes) -> None:
    """Refuses a file that does anything but show pages."""
    outline = _DATA.sub(b"", pdf)
    if found := _ACTIVE_NAME.search(outline):
        raise _wrong(f"the file has /{found.group(1).decode()}, which a certificate must not have")
    if _ESCAPED_NAME.search(outline):
        raise _wrong("the file writes a name in escapes, which hides what it does")


def _says_everything(drawing: Drawing, request: DrawRequest) -> None:
    """The places named by the drawing hold every line of the request: boxes, goods rows, and the number on each page."""
    form, filled = request.form, request.filled
    said = {spot.box: spot.lines for spot in drawing.placed}
    expected = {no: form.lines_of(form.box(no), paragraphs) for no, paragraphs in filled.boxes.items()}
    for index, row in enumerate(filled.rows):
        expected |= {f"{no}[{index}]": form.lines_of(form.box(no), paragraphs) for no, paragraphs in row.items()}
    for box, lines in expected.items():
        if any(lines) and said.get(box) != lines:
            raise _wrong(f"box {box} does not hold the lines it was given")
    for page in range(drawing.pages):
        if not any(spot.rect.page == page and request.number in "".join(spot.lines) for spot in drawing.placed):
            raise _wrong(f"page {page + 1} does not show the number")


def _only_what_was_placed(seen: Seen, placed: list[Placed], page: int, mark: Mark) -> None:
    """Every line of every place is there, in its rectangle, and no other text is on the page."""
    marks = [run.text for run in seen.runs if run.turned]
    if marks != ([mark.value] if mark.value else []):
        raise _wrong(f"page {page + 1} has the marks {marks}, not {[mark.value] if mark.value else []}")
    waiting: dict[int, list[tuple[float, float, str]]] = {id(spot): [] for spot in placed}
    for run in seen.runs:
        if run.turned or not run.text.strip():
            continue
        spot = _home(run.x0, run.x1, (run.y0 + run.y1) / 2, placed)
        if spot is None:
            raise _wrong(f"{run.text[:40]!r} stands outside every box of page {page + 1}")
        waiting[id(spot)].append((run.baseline, run.x0, run.text))
    for spot in placed:
        if (found := _lines(waiting[id(spot)])) != [line for line in spot.lines if line]:
            raise _wrong(f"box {spot.box} on page {page + 1} reads {' / '.join(found)[:80]!r}, not {' / '.join(spot.lines)[:80]!r}")


def _home(x0: float, x1: float, middle: float, placed: Iterable[Placed]) -> Placed | None:
    """The place whose rectangle holds a run of text from edge to edge."""
    for spot in placed:
        rect = spot.rect
        if rect.x_mm - _EDGE_MM <= x0 and x1 <= rect.x_mm + rect.w_mm + _EDGE_MM and rect.y_mm <= middle <= rect.y_mm + rect.h_mm:
            return spot
    return None


def _lines(runs: list[tuple[float, float, str]]) -> list[str]:
    """Runs as lines of text, from the top, each from the left; runs on one baseline are one line."""
    lines: list[tuple[float, str]] = []
    for baseline, _, text in sorted(runs, key=lambda run: (round(run[0], 1), run[1])):
        if lines and abs(lines[-1][0] - baseline) < _EDGE_MM:
            lines[-1] = (baseline, lines[-1][1] + text)
        else:
            lines.append((baseline, text))
    return [text.strip() for _, text in lines]


def _pictures_given(seen: Seen, page: int, request: DrawRequest) -> None:
    """No more pictures than were given."""
    given = sum(picture is not None for picture in (request.stamp, request.appearance))
    if len(seen.pictures) > given:
        raise _wrong(f"page {page + 1} shows {len(seen.pictures)} pictures; {given} were given")


def _signature_is_free(seen: Seen, space: Rect) -> None:
    """Neither text nor picture reaches into the space of the visible signature."""
    right, bottom = space.x_mm + space.w_mm, space.y_mm + space.h_mm
    level = [(run.x0, run.y0, run.x1, run.y1) for run in seen.runs if not run.turned and run.text.strip()]
    pictures = [(rect.x_mm, rect.y_mm, rect.x_mm + rect.w_mm, rect.y_mm + rect.h_mm) for rect in seen.pictures]
    for x0, y0, x1, y1 in (*level, *pictures):
        if min(x1, right) - max(x0, space.x_mm) > _EDGE_MM and min(y1, bottom) - max(y0, space.y_mm) > _EDGE_MM:
            raise _wrong("something stands where the signature will be shown")


def _code_reads(page: pdfium.PdfPage, qr: Rect, text: str) -> None:
    """The modules on the paper, quiet zone included, are those of the address."""
    seen = read_code(page, qr)
    quiet = bytes(CODE_MODULES + 2 * QUIET_MODULES)
    side = bytes(QUIET_MODULES)
    expected = [*[quiet] * QUIET_MODULES, *[side + row + side for row in modules(text)], *[quiet] * QUIET_MODULES]
    if seen != expected:
        wrong = sum(a != b for mine, other in zip(seen, expected, strict=True) for a, b in zip(mine, other, strict=True))
        raise _wrong(f"the QR code on the page is not that of the address: {wrong} modules differ")
