"""HTML to PDF by xhtml2pdf, with the rules, code, pictures and marks painted beneath the text.

Promises: the same input gives the same bytes; nothing is fetched, and no file is read but the two fonts; whatever
xhtml2pdf or ReportLab would only warn of is an error; every font in the file is embedded. One drawing at a time per
process: ReportLab keeps its fonts in module globals.
"""

import hashlib
import io
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFImageXObject
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject
from xhtml2pdf.config.resources import ResourceAccessError, ResourceAccessPolicy, render_budget, use_policy
from xhtml2pdf.context import pisaContext
from xhtml2pdf.default import DEFAULT_PAGE_NAME
from xhtml2pdf.document import pisaStory
from xhtml2pdf.files import cleanFiles
from xhtml2pdf.util import reset_caches
from xhtml2pdf.xhtml2pdf_reportlab import PmlBaseDoc

from engine.contracts.drawing import Rect
from engine.contracts.sheet import CODE_MODULES, MM_PER_POINT, QUIET_MODULES
from engine.drawing.code import runs
from engine.drawing.page.sketch import Page, Rule
from engine.errors import PluginError

__all__ = ["Under", "to_pdf"]

_LOCK = threading.Lock()
_LOGGERS = ("xhtml2pdf", "reportlab", "svglib", "PIL")

# Where two runs of modules touch, some viewers show a hairline of paper between them; a fiftieth more height closes it.
_OVERLAP = 0.02
_MARK_GREY = 0.9


@dataclass(frozen=True, slots=True)
class Under:
    """What is painted beneath the text: rules of every page, the code, pictures (rectangle and PNG), the mark's words."""

    pages: Sequence[Page]
    rule_pt: float
    qr: Rect
    rows: tuple[bytes, ...]
    pictures: Sequence[tuple[Rect, bytes]]
    mark: str
    mark_font: str


def to_pdf(html: str, under: Under, *, fonts: Sequence[str], dated: date) -> bytes:
    """The PDF of the HTML over what lies beneath it, dated on that day. Raises PluginError for whatever went not quite right."""
    with _LOCK, _plain_streams(), _no_warnings() as said:
        try:
            data = _build(html, under, fonts, dated)
        except (ResourceAccessError, OSError, ValueError, KeyError, AttributeError, TypeError, IndexError, NotImplementedError) as error:
            raise PluginError(f"The sheet cannot be drawn: {type(error).__name__}: {error}.") from error
        finally:
            cleanFiles()
            reset_caches()
    if said:
        raise PluginError(f"The renderer complained about the sheet, so nothing was drawn: {said[0]}")
    return data


def _build(html: str, under: Under, fonts: Sequence[str], dated: date) -> bytes:
    """One document: xhtml2pdf reads the HTML into a story, ReportLab lays it on our canvas."""
    policy = _policy(tuple(str(Path(font).parent) for font in fonts))
    out = io.BytesIO()
    with use_policy(policy), render_budget(policy):
        context = pisaContext("")
        context.resource_policy = policy
        pisaStory(html, context=context, resource_policy=policy)
        if context.err or context.warn:
            raise PluginError(f"The renderer complained about the sheet: {context.log[0][2]}")
        _keep_line_heights(context)
        template = context.templateList[DEFAULT_PAGE_NAME]
        template.onPage = lambda canvas, document: _paint(canvas, document.page - 1, under)
        document = _document(context, out, under.mark_font)
        document.dated = dated
        document.addPageTemplates([template])
        document.pisaPositioned = context.positioned
        document.build(context.story)
    return out.getvalue()


def _keep_line_heights(context: Any) -> None:
    """Makes lines as high as the HTML says: xhtml2pdf stretches them to the font's own height, so rows would drift."""
    for entry in context.positioned:
        for flowable in entry.box.content:
            flowable.autoLeading = "off"


def _document(context: Any, out: io.BytesIO, font: str) -> "_Document":
    """ReportLab's document with the metadata of the HTML; invariant, so that equal input gives equal bytes.

    It begins in the form's own font: ReportLab would name Helvetica, unembedded, on every page.
    """
    return _Document(
        out,
        pagesize=context.pageSize,
        title=context.meta["title"].strip(),
        author=context.meta["author"].strip(),
        subject=context.meta["subject"].strip(),
        creator="ecoo",
        initialFontName=font,
        lang=context.lang_tag or "en",
        invariant=1,
        pageCompression=1,
        showBoundary=0,
        allowSplitting=1,
    )


@lru_cache(maxsize=8)
def _policy(folders: tuple[str, ...]) -> ResourceAccessPolicy:
    """No network, no file but the fonts', and limits on size, depth and time."""
    return ResourceAccessPolicy.server(folders[0], extra_roots=tuple(Path(folder) for folder in folders[1:]), allow_remote=False)


class _Document(PmlBaseDoc):  # type: ignore[misc]  # xhtml2pdf ships no types
    """ReportLab's document, dated as it is told: for invariant files it would print the year 2000."""

    dated: date

    def _makeCanvas(self, filename: Any = None, canvasmaker: Any = None) -> Any:
        canvas = super()._makeCanvas(filename=filename, canvasmaker=canvasmaker)
        moment = datetime(self.dated.year, self.dated.month, self.dated.day, tzinfo=UTC)
        stamp = canvas._doc._timeStamp
        stamp.t, stamp.lt = moment.timestamp(), moment.timetuple()
        stamp.YMDhms = tuple(stamp.lt)[:6]
        return canvas


def _paint(canvas: Canvas, page: int, under: Under) -> None:
    """Everything beneath the text of one page, in drawing order."""
    if under.mark:
        _paint_mark(canvas, under)
    canvas.saveState()
    for rule in under.pages[page].rules:
        _paint_rule(canvas, rule, under.rule_pt)
    canvas.restoreState()
    for rect, png in under.pictures:
        if rect.page == page:
            _paint_picture(canvas, rect, png)
    if under.qr.page == page:
        _paint_code(canvas, under)


def _y(canvas: Canvas, y_mm: float) -> float:
    """The point above the page's bottom edge of a millimetre below its top edge."""
    return float(canvas._pagesize[1]) - y_mm / MM_PER_POINT


def _paint_rule(canvas: Canvas, rule: Rule, width_pt: float) -> None:
    """One rule, dotted line or outline."""
    x, y = rule.x / MM_PER_POINT, _y(canvas, rule.y)
    w, h = rule.w / MM_PER_POINT, rule.h / MM_PER_POINT
    canvas.setLineWidth(width_pt * (0.8 if rule.dotted else 1))
    canvas.setDash([0.6, 1.6] if rule.dotted else [])
    if rule.diagonal:
        canvas.line(x, y - h, x + w, y)
    elif w and h:
        canvas.rect(x, y - h, w, h, stroke=1, fill=0)
    else:
        canvas.line(x, y, x + w, y - h)


def _paint_picture(canvas: Canvas, rect: Rect, png: bytes) -> None:
    """A picture as large as its space allows, in the middle of it."""
    picture = _picture(png)
    scale = min(rect.w_mm / picture.width, rect.h_mm / picture.height)
    w, h = picture.width * scale, picture.height * scale
    x, y = rect.x_mm + (rect.w_mm - w) / 2, rect.y_mm + (rect.h_mm - h) / 2
    canvas.saveState()
    canvas.translate(x / MM_PER_POINT, _y(canvas, y + h))
    canvas.scale(w / MM_PER_POINT, h / MM_PER_POINT)
    canvas.doForm(_in_file(canvas, picture))
    canvas.restoreState()


@lru_cache(maxsize=32)
def _picture(png: bytes) -> PDFImageXObject:
    """A picture as ReportLab's object, decoded and compressed once per process: it is the same on every certificate."""
    return PDFImageXObject(hashlib.sha256(png).hexdigest(), ImageReader(io.BytesIO(png)), mask="auto")


def _in_file(canvas: Canvas, kept: PDFImageXObject) -> str:
    """The name of the picture in the file that is being written; its own copy goes there, with its shades if it has any."""
    document = canvas._doc
    if not canvas.hasForm(kept.name):
        picture = copy(kept)
        shades = getattr(kept, "_smask", None)
        if shades is not None:
            picture.smask = document.Reference(copy(shades), document.getXObjectName(shades.name))
        document.Reference(picture, document.getXObjectName(picture.name))
        document.addForm(picture.name, picture)
    return str(kept.name)


def _paint_code(canvas: Canvas, under: Under) -> None:
    """The code as rectangles of one path, on white paper as wide as scanners ask for."""
    module = under.qr.w_mm / CODE_MODULES / MM_PER_POINT
    canvas.saveState()
    canvas.translate(under.qr.x_mm / MM_PER_POINT, _y(canvas, under.qr.y_mm))
    canvas.scale(module, -module)
    canvas.setFillGray(1)
    canvas.rect(-QUIET_MODULES, -QUIET_MODULES, CODE_MODULES + 2 * QUIET_MODULES, CODE_MODULES + 2 * QUIET_MODULES, stroke=0, fill=1)
    canvas.setFillGray(0)
    rectangles = [f"{column} {row} {columns} {rows + _OVERLAP:g} re" for column, row, columns, rows in runs(under.rows)]
    canvas.drawPath(PDFPathObject(code=rectangles), stroke=0, fill=1)
    canvas.restoreState()


def _paint_mark(canvas: Canvas, under: Under) -> None:
    """The mark across the page, light grey, beneath everything."""
    width, height = canvas._pagesize
    size = min(120.0, 0.92 * width * 100 / pdfmetrics.stringWidth(under.mark, under.mark_font, 100))
    canvas.saveState()
    canvas.setFillGray(_MARK_GREY)
    canvas.setFont(under.mark_font, size)
    canvas.translate(width / 2, height / 2)
    canvas.rotate(52)
    canvas.drawCentredString(0, -size / 3, under.mark)
    canvas.restoreState()


@contextmanager
def _plain_streams() -> Iterator[None]:
    """Leaves ASCII85 out while drawing: it makes the file larger and the drawing slower, for mail of the nineties."""
    before, rl_config.useA85 = rl_config.useA85, 0
    try:
        yield
    finally:
        rl_config.useA85 = before


@contextmanager
def _no_warnings() -> Iterator[list[str]]:
    """Collects what the libraries warn of, which they otherwise only log."""
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield said
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
