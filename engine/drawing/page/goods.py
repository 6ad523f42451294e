"""The goods table: ruled headings, rows in columns, totals, and an end that nothing can be added below.

A column of a page is one block of lines with blank lines between rows, so sixty rows cost six blocks; every row's lines
are placed by themselves, so that reading back finds each. Where the sheet joins a second table to the goods, each page has
it below the first, with the rows of that page.
"""

from collections.abc import Mapping, Sequence

from engine.contracts.drawing import DrawRequest
from engine.contracts.form import Box
from engine.contracts.sheet import Column, Geometry, Space
from engine.drawing.page.pagination import paginate, taken
from engine.drawing.page.sketch import Block, Sketch
from engine.drawing.page.words import Words
from engine.errors import PluginError

__all__ = ["GoodsTable"]

# Less empty space than this below the last row needs no stroke through it.
_STROKE_MM = 12.0

# Which totals a column of weights may end with; quantities of different units have none.
_TOTALS = {
    "weight_value": ("total_weight", "total_value"),
    "weight_quantity": ("total_weight",),
    "gross_weight": ("total_weight",),
    "value": ("total_value",),
}


_Columns = list[tuple[Box, float, float]]
"""The columns of one table: the box of each, the x at which it begins, and its width, in mm."""


class GoodsTable:
    """The rows of one certificate, broken into lines and pages."""

    def __init__(self, request: DrawRequest) -> None:
        self.form = request.form
        self.request = request
        self.words = Words(request)
        self.sheet: Geometry = request.form.sheet.geometry
        self.gap = self.sheet.goods.gap_lines
        self.columns = self._columns(self.sheet.goods.columns)
        self.joined = self._columns(self.sheet.goods.joined)
        self.headings = (self._heading_lines(self.columns), self._heading_lines(self.joined))
        boxes = {box.no: box for box, _, _ in (*self.columns, *self.joined)}
        self.rows = [{no: self.form.lines_of(box, row.get(no, ())) for no, box in boxes.items()} for row in request.filled.rows]
        self.heights = [self._height(row, self.columns) for row in self.rows]
        self.below = [self._height(row, self.joined) for row in self.rows]
        self.pages = paginate([a + b for a, b in zip(self.heights, self.below, strict=True)], self._room, self.gap)

    def draw(self, sketch: Sketch, page: int, top: float) -> None:
        """Adds the tables of one page, from `top` to the closing part or the end of the form."""
        last = page == len(self.pages) - 1
        bottom = self.sheet.bottom - (self.sheet.closing.height if last else 0.0)
        rows, start = self.pages[page], self._start(top, self.headings[0])
        used = taken([self.heights[index] for index in rows], self.gap)
        floor = bottom if last else bottom - self._depth(1) - 2 * self.sheet.pad
        end = self._last(sketch, start, used) if last else start + self._depth(used) + self.sheet.pad
        end = end if last or self.joined or floor - end > _STROKE_MM else bottom
        self._table(sketch, self.columns, self.headings[0], (top, end), rows, self.heights, self.gap)
        if self.joined:
            top, end = end, self._start(end, self.headings[1]) + self._depth(sum(self.below[index] for index in rows)) + self.sheet.pad
            self._table(sketch, self.joined, self.headings[1], (top, end), rows, self.below, 0)
        if not last:
            self._go_on(sketch, page, bottom)
        self._close(sketch, end, floor, bottom)

    # --- one page -----------------------------------------------------------------------------

    def _table(
        self,
        sketch: Sketch,
        columns: _Columns,
        heading_lines: int,
        span: tuple[float, float],
        rows: range,
        heights: Sequence[int],
        gap: int,
    ) -> None:
        """One table of a page, ruled from the top of its headings to where it ends."""
        top, end = span
        for box, x, width in columns:
            again = columns is self.joined and not box.joined
            self._heading(sketch, box, (x, width), (top, end), heading_lines)
            self._rows(sketch, box, x + self.sheet.pad, self._start(top, heading_lines), rows, heights, gap, " again" if again else "")

    def _heading(self, sketch: Sketch, box: Box, across: tuple[float, float], span: tuple[float, float], heading_lines: int) -> None:
        """A column's heading and the rules on both sides of it, down to where the rows end."""
        (x, width), (top, end), height, pad = across, span, self.sheet.goods_height(heading_lines), self.sheet.pad
        sketch.rule(x, top, width, height)
        sketch.rule(x, top + height, width, end - top - height)
        space = Space(x=x + pad, y=pad, w=width - 2 * pad, h=0)
        sketch.write(f"heading {box.no}", space, top, self.form.heading_lines(box, space.w), self.sheet.heading_pt)

    def _rows(self, sketch: Sketch, box: Box, x: float, top: float, rows: range, heights: Sequence[int], gap: int, again: str) -> None:
        """One column of the page as one block; the lines of each row are placed by themselves."""
        lines: list[str] = []
        for index in rows:
            mine = self.rows[index][box.no]
            if any(mine):
                sketch.place(f"{box.no}[{index}]{again}", x, top + self._depth(len(lines)), box.width_mm, self._depth(len(mine)), mine)
            lines += [*mine, *[""] * (heights[index] - len(mine) + gap)]
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
        for key, lines in totals.items():
            box, x, width = self._column(key)
            sketch.check("total", self.form.regular, lines)
            if key == goods.weight_field:
                sketch.rule(x, start + self._depth(line) - self._depth(1) / 2, width, 0)
            sketch.write(f"total {box.no}", self._within(x, width, self._depth(line)), start, lines, goods.pt)
        line += max((len(lines) for lines in totals.values()), default=0)
        _, x, width = self._column(goods.total_field)
        sketch.write("end of goods", self._within(x, width, self._depth(line)), start, (goods.end,), goods.pt, align="center")
        return start + self._depth(line + 1) + self.sheet.pad

    def _close(self, sketch: Sketch, end: float, floor: float, bottom: float) -> None:
        """A stroke through the space that is left, as forms are closed by hand, down to where words stand again."""
        sketch.rule(0, end, self.sheet.form_width, max(0.0, bottom - end))
        if floor - end > _STROKE_MM:
            sketch.rule(0, floor, self.sheet.form_width, 0)
            sketch.rule(0, end, self.sheet.form_width, floor - end, diagonal=True)

    def _go_on(self, sketch: Sketch, page: int, bottom: float) -> None:
        """On which page the goods go on."""
        _, x, width = self._column(self.sheet.goods.total_field)
        words = f"{self.words.wording('continued_below')} {page + 2}".strip()
        space = self._within(x, width, -self.sheet.pad - self._depth(1))
        sketch.write("goes on", space, bottom, (words,), self.sheet.goods.pt, align="right")

    # --- pieces -------------------------------------------------------------------------------

    def _totals(self) -> Mapping[str, tuple[str, ...]]:
        """The totals by the sheet's field of their column, or nothing if the certificate has none that these columns show."""
        goods, values = self.sheet.goods, self.request.values
        box, _, _ = self._column(goods.weight_field)
        figures = tuple(values[key] for key in _TOTALS.get(box.field, ()) if values.get(key))
        if not figures:
            return {}
        return {goods.total_field: (self.words.wording("total"),), goods.weight_field: self.form.lines_of(box, figures)}

    def _columns(self, columns: Sequence[Column]) -> _Columns:
        """The columns that this form has, from the left; one that stands in both tables has the width that its table gives it."""
        x, found = 0.0, []
        for column in columns:
            box = next((box for box in self.form.boxes if box.field in column.fields), None)
            if box is None and not column.optional:
                raise PluginError(
                    f"The form {self.form.scheme} has no box for the column {column.field!r} of its sheet {self.form.sheet.name}."
                )
            if box is not None:
                again = columns is self.sheet.goods.joined and not box.joined
                width = column.w if again else box.width_mm + 2 * self.sheet.pad
                found.append((box, x, width))
                x += width
        return found

    def _column(self, field: str) -> tuple[Box, float, float]:
        """The column of the goods that the sheet calls by that field, whatever field the form has put there."""
        fields = next((column.fields for column in self.sheet.goods.columns if column.field == field), ())
        found = next((entry for entry in self.columns if entry[0].field in fields), None)
        if found is None:
            raise PluginError(f"The sheet {self.form.sheet.name} has no column {field!r} for its totals.")
        return found

    def _heading_lines(self, columns: _Columns) -> int:
        pad = self.sheet.pad
        return max((len(self.form.heading_lines(box, width - 2 * pad)) for box, _, width in columns), default=0)

    def _height(self, row: Mapping[str, tuple[str, ...]], columns: _Columns) -> int:
        """How many lines a row takes in those columns."""
        return max((len(row[box.no]) for box, _, _ in columns), default=0)

    def _room(self, *, first: bool, last: bool) -> int:
        below = 2 + max((len(lines) for lines in self._totals().values()), default=0)
        return self.sheet.goods_lines(first=first, last=last, headings=self.headings, below=below)

    def _start(self, top: float, heading_lines: int) -> float:
        """Where the first line of a table stands whose headings begin at `top`."""
        return top + self.sheet.goods_height(heading_lines) + self.sheet.pad

    def _within(self, x: float, width: float, y: float) -> Space:
        return Space(x=x + self.sheet.pad, y=y, w=width - 2 * self.sheet.pad, h=0)

    def _depth(self, lines: int) -> float:
        """How far below the first line of the goods that many lines reach."""
        return lines * self.sheet.leading(self.sheet.goods.pt)
