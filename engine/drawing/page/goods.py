"""The goods table: ruled headings, rows in columns, totals, and an end that nothing can be added below.

A column of a page is one block of lines with blank lines between rows, so sixty rows cost six blocks; every row's lines
are placed by themselves, so that reading back finds each.
"""

from collections.abc import Mapping

from engine.contracts.drawing import DrawRequest
from engine.contracts.form import Box
from engine.contracts.sheet import Geometry, Space
from engine.drawing.page.pagination import paginate, taken
from engine.drawing.page.sketch import Block, Sketch
from engine.drawing.page.words import Words
from engine.errors import PluginError

__all__ = ["GoodsTable"]

# Less empty space than this below the last row needs no stroke through it.
_STROKE_MM = 12.0


class GoodsTable:
    """The rows of one certificate, broken into lines and pages."""

    def __init__(self, request: DrawRequest) -> None:
        self.form = request.form
        self.request = request
        self.words = Words(request)
        self.sheet: Geometry = request.form.sheet.geometry
        self.columns = tuple(self._box(column.field) for column in self.sheet.goods.columns)
        self.headings = {box.no: self.form.heading_lines(box, box.width_mm) for box in self.columns}
        self.heading_lines = max(len(lines) for lines in self.headings.values())
        self.rows = [{box.no: self.form.lines_of(box, row.get(box.no, ())) for box in self.columns} for row in request.filled.rows]
        self.heights = [max((len(lines) for lines in row.values()), default=1) for row in self.rows]
        self.pages = paginate(self.heights, self._room, self.sheet.goods.gap_lines)

    def draw(self, sketch: Sketch, page: int, top: float) -> None:
        """Adds the table of one page, from `top` to the closing part or the end of the form."""
        last = page == len(self.pages) - 1
        bottom = self.sheet.bottom - (self.sheet.closing.height if last else 0.0)
        rows, start = self.pages[page], top + self.sheet.goods_height(self.heading_lines) + self.sheet.pad
        used = taken([self.heights[index] for index in rows], self.sheet.goods.gap_lines)
        floor = bottom if last else bottom - self._depth(1) - 2 * self.sheet.pad
        end = self._last(sketch, start, used) if last else start + self._depth(used) + self.sheet.pad
        if not last:
            self._go_on(sketch, page, bottom)
            end = end if floor - end > _STROKE_MM else bottom
        for box, x in self._offsets():
            self._heading(sketch, box, x, top, end)
            self._rows(sketch, box, x + self.sheet.pad, start, rows)
        self._close(sketch, end, floor, bottom)

    # --- one page -----------------------------------------------------------------------------

    def _heading(self, sketch: Sketch, box: Box, x: float, top: float, end: float) -> None:
        """A column's heading and the rules on both sides of it, down to where the rows end."""
        width, height, pad = box.width_mm + 2 * self.sheet.pad, self.sheet.goods_height(self.heading_lines), self.sheet.pad
        sketch.rule(x, top, width, height)
        sketch.rule(x, top + height, width, end - top - height)
        space = Space(x=x + pad, y=pad, w=box.width_mm, h=0)
        sketch.write(f"heading {box.no}", space, top, self.headings[box.no], self.sheet.heading_pt)

    def _rows(self, sketch: Sketch, box: Box, x: float, top: float, rows: range) -> None:
        """One column of the page as one block; the lines of each row are placed by themselves."""
        lines: list[str] = []
        for index in rows:
            mine = self.rows[index][box.no]
            if any(mine):
                sketch.place(f"{box.no}[{index}]", x, top + self._depth(len(lines)), box.width_mm, self._depth(len(mine)), mine)
            lines += [*mine, *[""] * (self.heights[index] - len(mine) + self.sheet.goods.gap_lines)]
        while lines and not lines[-1]:
            lines.pop()
        if lines:
            blank = next(number for number, line in enumerate(lines) if line)
            corner = self.sheet.left + x, top + self._depth(blank)
            sketch.block(Block(*corner, box.width_mm, tuple(lines[blank:]), self.sheet.goods.pt))

    def _last(self, sketch: Sketch, start: float, used: int) -> float:
        """Totals and end mark below the last row; gives the height at which the table is ruled off."""
        goods, totals = self.sheet.goods, self._totals()
        line = used + 1 if used else 0
        for box, x in self._offsets():
            if lines := totals.get(box.field):
                sketch.check("total", self.form.regular, lines)
                if box.field == goods.weight_field:
                    sketch.rule(x, start + self._depth(line) - self._depth(1) / 2, box.width_mm + 2 * self.sheet.pad, 0)
                space = Space(x=x + self.sheet.pad, y=self._depth(line), w=box.width_mm, h=0)
                sketch.write(f"total {box.no}", space, start, lines, goods.pt)
        line += max((len(lines) for lines in totals.values()), default=0)
        box, x = next((box, x) for box, x in self._offsets() if box.field == goods.total_field)
        sketch.write(
            "end of goods",
            Space(x=x + self.sheet.pad, y=self._depth(line), w=box.width_mm, h=0),
            start,
            (goods.end,),
            goods.pt,
            align="center",
        )
        return start + self._depth(line + 1) + self.sheet.pad

    def _close(self, sketch: Sketch, end: float, floor: float, bottom: float) -> None:
        """A stroke through the space that is left, as forms are closed by hand, down to where words stand again."""
        sketch.rule(0, end, self.sheet.form_width, max(0.0, bottom - end))
        if floor - end > _STROKE_MM:
            sketch.rule(0, floor, self.sheet.form_width, 0)
            sketch.rule(0, end, self.sheet.form_width, floor - end, diagonal=True)

    def _go_on(self, sketch: Sketch, page: int, bottom: float) -> None:
        """On which page the goods go on."""
        goods, pad = self.sheet.goods, self.sheet.pad
        box, x = next((box, x) for box, x in self._offsets() if box.field == goods.total_field)
        words = f"{self.words.wording('continued_below')} {page + 2}".strip()
        space = Space(x=x + pad, y=-pad - self._depth(1), w=box.width_mm, h=0)
        sketch.write("goes on", space, bottom, (words,), goods.pt, align="right")

    # --- pieces -------------------------------------------------------------------------------

    def _totals(self) -> Mapping[str, tuple[str, ...]]:
        """The totals by field, or nothing if the certificate has none."""
        goods, values = self.sheet.goods, self.request.values
        figures = tuple(values[key] for key in ("total_weight", "total_value") if values.get(key))
        if not figures:
            return {}
        wrapped = self.form.lines_of(self._box(goods.weight_field), figures)
        return {goods.total_field: (self.words.wording("total"),), goods.weight_field: wrapped}

    def _offsets(self) -> list[tuple[Box, float]]:
        """The columns with the x at which each begins."""
        x, found = 0.0, []
        for box in self.columns:
            found.append((box, x))
            x += box.width_mm + 2 * self.sheet.pad
        return found

    def _room(self, *, first: bool, last: bool) -> int:
        below = 2 + max((len(lines) for lines in self._totals().values()), default=0)
        return self.sheet.goods_lines(first=first, last=last, heading_lines=self.heading_lines, below=below)

    def _depth(self, lines: int) -> float:
        """How far below the first line of the goods that many lines reach."""
        return lines * self.sheet.leading(self.sheet.goods.pt)

    def _box(self, name: str) -> Box:
        box = next((box for box in self.form.boxes if box.field == name), None)
        if box is None:
            raise PluginError(f"The form {self.form.scheme} has no box for the column {name!r} of its sheet {self.form.sheet.name}.")
        return box
