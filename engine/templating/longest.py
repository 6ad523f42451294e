"""Every box of a form at its longest: as many full lines as it has room for, so that a cramped page shows before it is issued."""

from collections.abc import Iterator
from itertools import cycle

from engine.contracts.form import Box, Filled, Form

__all__ = ["longest"]

_WORDS = ("LONGEST", "legal", "value", "of", "this", "box,", "Wide", "MARKS", "0123456789", "and", "g, j, p, q, y")


def longest(form: Form, rows: int = 3) -> Filled:
    """What fills every box to its last line at its least size: whole boxes, and `rows` goods rows, the first as tall as a row may be."""
    boxes = {box.no: tuple(_lines(form, box, *box.sizes[-1])) for box in form.boxes if not box.in_rows}
    columns = [box for box in form.boxes if box.in_rows]
    again = {field for column in form.sheet.geometry.goods.joined for field in column.fields}
    below = 1 if again else 0
    heights = [form.row_lines - below, *[6] * (rows - 1)]
    filled = ({box.no: tuple(_lines(form, box, box.size_pt, 1 if box.field in again else height)) for box in columns} for height in heights)
    return Filled(boxes, tuple(filled))


def _lines(form: Form, box: Box, size_pt: float, count: int) -> Iterator[str]:
    """So many lines, each as full as words can make it; none is broken when it is drawn."""
    words = cycle(_WORDS)
    waiting = next(words)
    for _ in range(count):
        line = ""
        while form.regular.width_mm(joined := f"{line} {waiting}" if line else waiting, size_pt) <= box.width_mm:
            line, waiting = joined, next(words)
        if not line:  # a column narrower than a word
            line, waiting = form.regular.wrap(waiting, box.width_mm, size_pt)[0], next(words)
        yield line
