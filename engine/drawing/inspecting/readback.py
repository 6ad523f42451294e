"""What pdfium sees on a page: runs of text with their places, pictures, and the modules of a code.

Reads and judges nothing but what makes reading honest: text must be visible, plainly painted and in an embedded font.
"""

import ctypes
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from engine.contracts.drawing import Rect
from engine.contracts.sheet import CODE_MODULES, MM_PER_POINT, QUIET_MODULES
from engine.errors import PluginError

__all__ = ["Run", "Seen", "read_code", "read_page"]

# Darker than this grey counts as ink; the marks beneath the text are lighter.
_INK = 0x60
_PIXELS_PER_MODULE = 4


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text as it was painted: millimetres from the page's top left corner; `turned` if it does not run level."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    baseline: float
    turned: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything on one page that is read or looked at; rules are neither."""

    runs: tuple[Run, ...]
    pictures: tuple[Rect, ...]


def read_page(page: pdfium.PdfPage, *, exact: bool = False) -> Seen:
    """What one page shows. Raises PluginError for text that is hidden, and for objects that a certificate has none of.

    pdfium guesses spaces where letters stand wide apart; `exact` reads letter by letter without the guesses, four times
    as slowly.
    """
    if raw.FPDFPage_GetAnnotCount(page) > 0:
        raise _wrong("the page has links or notes")
    height = page.get_height()
    text = raw.FPDFText_LoadPage(page)
    try:
        return _read(page, text, height, _letters(text) if exact else None)
    finally:
        raw.FPDFText_ClosePage(text)


def _read(page: pdfium.PdfPage, text: raw.FPDF_TEXTPAGE, height: float, letters: dict[int, str] | None) -> Seen:
    runs: list[Run] = []
    pictures: list[Rect] = []
    embedded: dict[int, bool] = {}
    for item in _objects(page):
        kind = raw.FPDFPageObj_GetType(item)
        if kind == raw.FPDF_PAGEOBJ_TEXT:
            _check_font(item, embedded)
            runs.append(_run(item, text, height, letters))
        elif kind == raw.FPDF_PAGEOBJ_IMAGE:
            x0, y0, x1, y1 = _bounds(item, height)
            pictures.append(Rect(0, x0, y0, x1 - x0, y1 - y0))
        elif kind != raw.FPDF_PAGEOBJ_PATH:
            raise _wrong("the page has an object that is neither text, rule nor picture")
    return Seen(tuple(runs), tuple(pictures))


def _wrong(what: str) -> PluginError:
    return PluginError(f"The drawing was not accepted: {what}.", code="drawing_inspection")


def _objects(page: pdfium.PdfPage) -> Iterator[raw.FPDF_PAGEOBJECT]:
    for index in range(raw.FPDFPage_CountObjects(page)):
        yield raw.FPDFPage_GetObject(page, index)


def _check_font(item: raw.FPDF_PAGEOBJECT, embedded: dict[int, bool]) -> None:
    """Refuses text in a font that the file does not carry."""
    font = raw.FPDFTextObj_GetFont(item)
    key = _address(font)
    if key not in embedded:
        embedded[key] = raw.FPDFFont_GetIsEmbedded(font) == 1
    if not embedded[key]:
        raise _wrong("a font is not embedded, so the page would look different elsewhere")


_buffer = (ctypes.c_ushort * 4096)()
_floats = tuple(ctypes.c_float() for _ in range(4))
_colours = tuple(ctypes.c_uint() for _ in range(4))
_matrix = raw.FS_MATRIX()


def _letters(text: raw.FPDF_TEXTPAGE) -> dict[int, str]:
    """The text of each object by its address, of the letters that were painted and none that pdfium added."""
    said: dict[int, str] = {}
    for index in range(raw.FPDFText_CountChars(text)):
        if raw.FPDFText_IsGenerated(text, index) != 1:
            key = _address(raw.FPDFText_GetTextObject(text, index))
            said[key] = said.get(key, "") + chr(raw.FPDFText_GetUnicode(text, index))
    return said


def _address(handle: object) -> int:
    """What tells one of pdfium's objects from another."""
    return ctypes.cast(handle, ctypes.c_void_p).value or 0  # type: ignore[arg-type]  # handles are ctypes pointers


def _said(item: raw.FPDF_PAGEOBJECT, text: raw.FPDF_TEXTPAGE) -> str:
    """The text of one object as pdfium reads it."""
    size = raw.FPDFTextObj_GetText(item, text, _buffer, len(_buffer) * 2)
    return bytes(_buffer)[: max(0, size - 2)].decode("utf-16-le", "replace")


def _run(item: raw.FPDF_PAGEOBJECT, text: raw.FPDF_TEXTPAGE, height: float, letters: dict[int, str] | None) -> Run:
    """One run of text, refused if it cannot be seen."""
    said = _said(item, text) if letters is None else letters.get(_address(item), "")
    raw.FPDFPageObj_GetMatrix(item, _matrix)
    turned = abs(_matrix.b) > 1e-3 or abs(_matrix.c) > 1e-3
    x0, y0, x1, y1 = _bounds(item, height)
    _check_visible(item, said, turned=turned)
    baseline = (height - _matrix.f) * MM_PER_POINT
    # pdfium reads a hyphen that ends a line as a break of the word; a text of ours has no control characters.
    said = said.replace("\x02", "-")
    return Run(unicodedata.normalize("NFC", said), x0, y0, x1, y1, baseline, turned)


def _check_visible(item: raw.FPDF_PAGEOBJECT, said: str, *, turned: bool) -> None:
    """Text is filled, in a dark colour, and says itself; only a mark, which is turned, may be pale."""
    plain = raw.FPDFTextObj_GetTextRenderMode(item) == raw.FPDF_TEXTRENDERMODE_FILL
    raw.FPDFPageObj_GetFillColor(item, *_colours)
    red, green, blue, alpha = (colour.value for colour in _colours)
    dark = max(red, green, blue) <= _INK and alpha == 255
    if said.strip() and not (plain and (dark or turned)):
        raise _wrong(f"{said[:40]!r} cannot be seen on the page")
    if raw.FPDFPageObj_CountMarks(item) > 0:
        raise _wrong(f"{said[:40]!r} is marked to be read as something else")


def _bounds(item: raw.FPDF_PAGEOBJECT, height: float) -> tuple[float, float, float, float]:
    """An object's left, top, right and bottom, in mm from the page's top left corner."""
    raw.FPDFPageObj_GetBounds(item, *_floats)
    left, bottom, right, top = (value.value for value in _floats)
    return left * MM_PER_POINT, (height - top) * MM_PER_POINT, right * MM_PER_POINT, (height - bottom) * MM_PER_POINT


def read_code(page: pdfium.PdfPage, qr: Rect) -> list[bytes]:
    """The modules of the code and its quiet zone as rows from the top, 1 for dark: the middle of each, as rendered."""
    quiet = QUIET_MODULES * qr.w_mm / CODE_MODULES
    count = CODE_MODULES + 2 * QUIET_MODULES
    width, height = (side * MM_PER_POINT for side in page.get_size())
    side = qr.w_mm + 2 * quiet
    left, top = qr.x_mm - quiet, qr.y_mm - quiet
    scale = count * _PIXELS_PER_MODULE * MM_PER_POINT / side
    crop = (left, height - top - side, width - left - side, top)
    bitmap = page.render(scale=scale, crop=tuple(edge / MM_PER_POINT for edge in crop), grayscale=True, may_draw_forms=False)
    pixels, stride = bytes(bitmap.buffer), bitmap.stride
    middle = _PIXELS_PER_MODULE // 2
    rows = []
    for row in range(count):
        start = (row * _PIXELS_PER_MODULE + middle) * stride + middle
        line = pixels[start : start + count * _PIXELS_PER_MODULE : _PIXELS_PER_MODULE]
        rows.append(bytes(value < 128 for value in line))
    bitmap.close()
    return rows
