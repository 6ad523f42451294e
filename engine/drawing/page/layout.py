"""Where every line, rule and picture of a certificate stands: a pure function of the request.

Promises: text is broken into lines here, with the very measure by which filing refused what does not fit, so that the
renderer never breaks one; every text has a rectangle of its own; the same request gives the same layout. It draws
nothing: `paper` does, and `inspection` reads back whether it did.
"""

from dataclasses import dataclass

from engine.contracts.drawing import DrawRequest, Placed, Rect
from engine.contracts.form import Box
from engine.contracts.sheet import Cell, Geometry, Line, Part, Space, Text
from engine.drawing.page.goods import GoodsTable
from engine.drawing.page.sketch import Page, Sketch
from engine.drawing.page.words import Words
from engine.errors import PluginError, Refused

__all__ = ["Layout", "lay_out"]


@dataclass(frozen=True, slots=True)
class Layout:
    """All pages, what must be readable where, and the spaces of code, pictures and signature."""

    pages: tuple[Page, ...]
    placed: tuple[Placed, ...]
    qr: Rect
    signature: Rect
    stamp: Rect
    appearance: Rect


def lay_out(request: DrawRequest) -> Layout:
    """The layout of a certificate. Raises Refused with every box or value that cannot be drawn."""
    known = {box.no for box in request.form.boxes}
    if strange := set(request.filled.boxes).union(*request.filled.rows) - known:
        raise PluginError(f"The form {request.form.scheme} has no box {', '.join(sorted(strange))}, which it was asked to fill.")
    if problems := request.form.problems(request.filled):
        raise Refused.because(problems)
    return _Composer(request).compose()


class _Composer:
    """Builds one layout, page after page."""

    def __init__(self, request: DrawRequest) -> None:
        self.request = request
        self.form = request.form
        self.sheet: Geometry = request.form.sheet.geometry
        self.words = Words(request)
        self.goods = GoodsTable(request)
        self.sketch = Sketch(self.sheet)
        self.total = len(self.goods.pages)

    def compose(self) -> Layout:
        """The whole certificate."""
        for page in range(self.total):
            self._page(page)
        if self.sketch.problems:
            raise Refused.because(self.sketch.problems)
        closing, top = self.sheet.closing, self._closing_top
        code = closing.code
        return Layout(
            pages=tuple(self.sketch.pages),
            placed=tuple(self.sketch.placed),
            qr=Rect(self.total - 1, self.sheet.left + code.x + code.quiet, top + code.y + code.quiet, code.side, code.side),
            signature=self._space(closing.signature, top),
            stamp=self._space(closing.stamp, top),
            appearance=self._space(closing.appearance, top),
        )

    @property
    def _closing_top(self) -> float:
        return self.sheet.bottom - self.sheet.closing.height

    def _page(self, page: int) -> None:
        """One page: its head, its goods, and on the last page the closing part."""
        self.sketch.turn()
        head = self.sheet.first if page == 0 else self.sheet.continued
        self._part(self.sheet.every, 0.0)
        self._part(head, self.sheet.top)
        self.goods.draw(self.sketch, page, self.sheet.top + head.height)
        if page == self.total - 1:
            self._part(self.sheet.closing, self._closing_top)

    def _part(self, part: Part, top: float) -> None:
        """A part's rules, boxes and texts, its top at that height of the page."""
        for cell in part.cells:
            if not self._given(cell):
                continue
            self.sketch.rule(cell.x, top + cell.y, cell.w, cell.h)
            box = next((box for box in self.form.boxes if box.field == cell.field), None)
            if box is not None:
                self._cell(cell, box, top)
        for line in filter(self._given, part.lines):
            self.sketch.rule(line.x, top + line.y, line.w, line.h, dotted=line.dotted)
        for text in filter(self._given, part.texts):
            self._text(text, top)

    def _cell(self, cell: Cell, box: Box, top: float) -> None:
        """A box outside the goods table: its heading, and what fills it."""
        pad = self.sheet.pad
        heading = self.form.heading_lines(box, cell.w - 2 * pad)
        space = Space(x=cell.x + pad, y=cell.y + pad, w=cell.w - 2 * pad, h=0)
        self.sketch.write(f"heading {box.no}", space, top, heading, self.sheet.heading_pt)
        size, lines = self.form.fitted(box, self.request.filled.boxes.get(box.no, ()))
        self.sketch.write(box.no, self.sheet.content(cell, len(heading)), top, lines, size)

    def _given(self, piece: Cell | Line | Text) -> bool:
        """Whether a rectangle, rule or text stands on this certificate: always, or if the words that it waits for say something."""
        return not piece.given or bool(self.words.say(piece.given, page=self.sketch.now, pages=self.total))

    def _text(self, text: Text, top: float) -> None:
        """Words of the sheet, from the form's wording and the certificate's values."""
        words = self.words.say(text.say, page=self.sketch.now, pages=self.total)
        size, lines = self.form.sized(text, words)
        self.sketch.check(text.name, self.form.bold if text.bold else self.form.regular, lines)
        self.sketch.problems += self.form.no_room(text, size, lines)
        space = self._on_its_foot(text, len(lines), size) if text.foot else text
        self.sketch.write(text.name, space, top, lines, size, bold=text.bold, align=text.align)

    def _on_its_foot(self, text: Text, lines: int, size_pt: float) -> Space:
        """What of a text's space its lines take, from below."""
        height = min(text.h, lines * self.sheet.leading(size_pt))
        return Space(x=text.x, y=text.y + text.h - height, w=text.w, h=height)

    def _space(self, space: Space, top: float) -> Rect:
        return Rect(self.total - 1, self.sheet.left + space.x, top + space.y, space.w, space.h)
