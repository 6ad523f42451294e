"""The geometry of a sheet: sheet.toml as frozen data, in millimetres, with the arithmetic of what fits where.

A page is one strip that every page has, a head (`first`, then `continued`), the goods table, and on the last page the
`closing` part with code, stamp and signature. Parts stack; so every rectangle is known before anything is drawn, and
a form's boxes learn from here how wide and how many lines they are. What stands in them is the form's business.
"""

import math
import re
from collections.abc import Callable

import msgspec

__all__ = ["Cell", "Closing", "Code", "Column", "Geometry", "Goods", "Headings", "Line", "Part", "Space", "Text", "names_in", "say"]

MM_PER_POINT = 25.4 / 72

# How many lines the headings of the goods table take, and those of the table joined to it: 0 if there is none.
Headings = tuple[int, int]

# Version 10, error level M: 57 modules a side hold 213 bytes or 311 characters of base32, room for the sealed record.
CODE_MODULES = 57
QUIET_MODULES = 4


_NAME = re.compile(r"\{([a-z_]+(?:\.[a-z_0-9]+)?)\}")


def names_in(pattern: str) -> tuple[str, ...]:
    """The names in braces of a sheet's text."""
    return tuple(_NAME.findall(pattern))


def say(pattern: str, word: Callable[[str], str]) -> str:
    """A sheet's text with its names filled in; empty if every name in it is, and without what hung on an empty one.

    Filled once and never again: a value that itself holds braces, markup or a formula stays the text it is.
    """
    words = {name: word(name) for name in names_in(pattern)}
    if words and not any(words.values()):
        return ""
    said = _NAME.sub(lambda match: words[match.group(1)], pattern)
    return "\n".join(line for line in (part.strip(" ,") for part in said.split("\n")) if line)


class _Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of sheet.toml: immutable and closed to unknown keys."""


class Space(_Node, frozen=True, kw_only=True):
    """A rectangle from the left edge of the form and the top of its part."""

    x: float
    y: float
    w: float
    h: float


class Cell(Space, frozen=True, kw_only=True):
    """A ruled rectangle; with `field`, the box of that field: its heading, and below it what fills it.

    `filled = false` keeps the space below the heading for the sheet's own words; such a box takes nothing else. `keep`
    is how many mm between the heading and what fills the box belong to the sheet's words. `given` is a pattern as in a
    text's `say`: the rectangle is ruled only if it says something, as with a tick box whose words not every form has.
    """

    field: str | None = None
    filled: bool = True
    keep: float = 0
    given: str = ""


class Line(_Node, frozen=True, kw_only=True):
    """A thin rule: across if `w` is given, down if `h` is; dotted where a hand or a typewriter writes. `given` as in a cell."""

    x: float
    y: float
    w: float = 0
    h: float = 0
    dotted: bool = False
    given: str = ""


class Text(Space, frozen=True, kw_only=True):
    """Words outside the boxes. `say` names them in braces; a text whose every name is empty is left out.

    Names are `wording.KEY`, `heading` (the title's lines), `no.FIELD` (a box's number), `copy` (the leaf's title),
    `number`, `page`, `pages`, or a key of the certificate's values. A text too long for its space is set smaller, down
    to `least` points if that is given; then it is refused. With `foot` it stands on the foot of its space, as on a dotted
    line. `given` as in a cell.
    """

    name: str
    say: str
    pt: float
    least: float | None = None
    bold: bool = False
    align: str = "left"
    foot: bool = False
    given: str = ""


class Part(_Node, frozen=True, kw_only=True):
    """A band across the page: what is ruled and written in it, from its own top."""

    height: float
    cells: tuple[Cell, ...] = ()
    lines: tuple[Line, ...] = ()
    texts: tuple[Text, ...] = ()


class Code(_Node, frozen=True, kw_only=True):
    """Where the QR stands: its top left corner with the quiet zone, and the size of one module."""

    x: float
    y: float
    module: float

    @property
    def side(self) -> float:
        """The code's side without its quiet zone."""
        return CODE_MODULES * self.module

    @property
    def quiet(self) -> float:
        """The width of the white border that scanners need."""
        return QUIET_MODULES * self.module


class Closing(Part, frozen=True, kw_only=True):
    """The part that ends a certificate: declaration, certification, and the spaces of code, pictures and signature."""

    code: Code
    stamp: Space
    appearance: Space
    signature: Space


class Column(_Node, frozen=True, kw_only=True):
    """One column of the goods table. `instead` are the fields that a form may put in place of `field`, each with its width.

    An `optional` column stands only on a form that has a box for it. What such a column or an unusual width takes, the
    column of the total gives. A form may set other widths, as long as all add up to the table's.
    """

    field: str
    w: float
    instead: dict[str, float] = {}
    optional: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that may fill this column."""
        return (self.field, *self.instead)

    def width(self, field: str) -> float:
        """How wide the column is if that field fills it."""
        return self.instead.get(field, self.w)


class Goods(_Node, frozen=True, kw_only=True):
    """The goods table between head and closing: columns, the size of its text, and the words that end and continue it.

    `joined` are the columns of a second table below it, which has one row for each row above; a field of the first table
    that stands there again, such as the order number, joins the two.
    """

    columns: tuple[Column, ...]
    pt: float
    end: str
    total_field: str
    weight_field: str
    gap_lines: int = 1
    joined: tuple[Column, ...] = ()


class Geometry(_Node, frozen=True, kw_only=True):
    """A whole sheet. `top` and `bottom` are where the frame of the form begins and ends on the page.

    What fills a box is set in `box_pt`; too long for it, smaller, down to `box_least` if that is given.
    """

    contract: int
    width: float
    height: float
    left: float
    top: float
    bottom: float
    right: float
    pad: float
    lead: float
    heading_pt: float
    box_pt: float
    box_least: float | None = None
    rule_pt: float
    every: Part
    first: Part
    continued: Part
    goods: Goods
    closing: Closing

    @property
    def texts(self) -> tuple[Text, ...]:
        """Every text of every part."""
        return tuple(text for part in (self.every, self.first, self.continued, self.closing) for text in part.texts)

    @property
    def form_width(self) -> float:
        """The width of the form between its outer rules."""
        return self.right - self.left

    def leading(self, size_pt: float) -> float:
        """The distance of two lines of that size, in mm."""
        return size_pt * MM_PER_POINT * self.lead

    def cell(self, field: str) -> Cell | None:
        """The cell in which the box of that field is drawn, or None."""
        cells = (*self.first.cells, *self.continued.cells, *self.closing.cells)
        return next((cell for cell in cells if cell.field == field), None)

    def content(self, cell: Cell, heading_lines: int) -> Space:
        """The space below a cell's heading, inside its padding."""
        taken = heading_lines * self.leading(self.heading_pt) + 0.7 + cell.keep
        return Space(
            x=cell.x + self.pad,
            y=cell.y + self.pad + taken,
            w=cell.w - 2 * self.pad,
            h=cell.h - 2 * self.pad - taken,
        )

    def lines_in(self, space: Space, size_pt: float) -> int:
        """How many lines of that size the space holds."""
        return max(0, math.floor(space.h / self.leading(size_pt) + 1e-6))

    def goods_height(self, heading_lines: int) -> float:
        """The height of the goods table's own headings."""
        return heading_lines * self.leading(self.heading_pt) + 2 * self.pad

    def goods_room(self, *, first: bool, last: bool, headings: Headings) -> float:
        """The height in mm that goods rows may fill on a page of that kind, below the headings of its tables."""
        head = (self.first if first else self.continued).height
        tail = self.closing.height if last else 0.0
        tables = sum(self.goods_height(lines) + 2 * self.pad for lines in headings if lines)
        return self.bottom - self.top - head - tail - tables

    def goods_lines(self, *, first: bool, last: bool, headings: Headings, below: int = 4) -> int:
        """How many lines of goods a page of that kind holds.

        One stays for where the goods go on, or on the last page `below`: a blank one, the totals, and the end mark.
        """
        room = self.goods_room(first=first, last=last, headings=headings)
        return math.floor(room / self.leading(self.goods.pt) + 1e-6) - (below if last else 1)
