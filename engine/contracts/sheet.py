"""The geometry of a sheet: sheet.toml as frozen data, in millimetres, with the arithmetic of what fits where.

A page is one strip that every page has, a head (`first`, then `continued`), the goods table, and on the last page the
`closing` part with code, stamp and signature. Parts stack; so every rectangle is known before anything is drawn, and
a form's boxes learn from here how wide and how many lines they are. What stands in them is the form's business.
"""

import math

import msgspec

__all__ = ["Cell", "Closing", "Code", "Column", "Geometry", "Goods", "Line", "Part", "Space", "Text"]

MM_PER_POINT = 25.4 / 72

# Version 10, error level M: 57 modules a side hold 213 bytes or 311 characters of base32, room for the sealed record.
CODE_MODULES = 57
QUIET_MODULES = 4


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

    `filled = false` keeps the space below the heading for the sheet's own words; such a box takes nothing else.
    """

    field: str | None = None
    filled: bool = True


class Line(_Node, frozen=True, kw_only=True):
    """A thin rule: across if `w` is given, down if `h` is; dotted where a hand or a typewriter writes."""

    x: float
    y: float
    w: float = 0
    h: float = 0
    dotted: bool = False


class Text(Space, frozen=True, kw_only=True):
    """Words outside the boxes. `say` names them in braces; a text whose every name is empty is left out.

    Names are `wording.KEY`, `heading` (the title's lines), `no.FIELD` (a box's number), `copy` (the leaf's title),
    `number`, `page`, `pages`, or a key of the certificate's values. A text too long for its space is set smaller, down
    to `least` points if that is given; then it is refused.
    """

    name: str
    say: str
    pt: float
    least: float | None = None
    bold: bool = False
    align: str = "left"


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
    """One column of the goods table; a form may set another width, as long as all add up to the table's."""

    field: str
    w: float


class Goods(_Node, frozen=True, kw_only=True):
    """The goods table between head and closing: columns, the size of its text, and the words that end and continue it."""

    columns: tuple[Column, ...]
    pt: float
    end: str
    total_field: str
    weight_field: str
    gap_lines: int = 1


class Geometry(_Node, frozen=True, kw_only=True):
    """A whole sheet. `top` and `bottom` are where the frame of the form begins and ends on the page."""

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
    rule_pt: float
    every: Part
    first: Part
    continued: Part
    goods: Goods
    closing: Closing

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
        taken = heading_lines * self.leading(self.heading_pt) + 0.7
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

    def goods_room(self, *, first: bool, last: bool, heading_lines: int) -> float:
        """The height in mm that goods rows may fill on a page of that kind, below the headings."""
        head = (self.first if first else self.continued).height
        tail = self.closing.height if last else 0.0
        return self.bottom - self.top - head - tail - self.goods_height(heading_lines) - 2 * self.pad

    def goods_lines(self, *, first: bool, last: bool, heading_lines: int, below: int = 4) -> int:
        """How many lines of goods a page of that kind holds.

        One stays for where the goods go on, or on the last page `below`: a blank one, the totals, and the end mark.
        """
        room = self.goods_room(first=first, last=last, heading_lines=heading_lines)
        return math.floor(room / self.leading(self.goods.pt) + 1e-6) - (below if last else 1)
