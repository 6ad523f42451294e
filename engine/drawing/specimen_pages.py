"""The specimen sheet: an agency's stamps and signatures on A4 pages, for partner customs to compare certificates with.

Promises: every name, date and picture that was asked for is on a page, inside its space, and read back from there; a name as
long as the register takes fits; the same sheet has the same bytes. Knows of no row: what it shows is handed in.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.contracts.drawing import Rect
from engine.contracts.form import Face
from engine.contracts.sheet import MM_PER_POINT
from engine.drawing.markup import family
from engine.drawing.page.sketch import Block, Page, Rule
from engine.drawing.paper import Under, to_pdf
from engine.drawing.specimens import SheetHand, SheetOffice, SheetPicture, SpecimenSheet
from engine.errors import PluginError, Refused
from engine.packs import FONTS, read_face

__all__ = ["draw_specimens"]

_WIDTH, _HEIGHT, _MARGIN = 210.0, 297.0, 16.0
_TOP, _BOTTOM = 39.0, _HEIGHT - 19.0
_ROOM = _WIDTH - 2 * _MARGIN
_STAMP_CELL = (_ROOM / 3, 52.0)
_STAMP_PICTURE = 38.0
_NAME, _HAND, _SINCE = 82.0, 62.0, _ROOM - 82.0 - 62.0
_HAND_ROW = 24.0
_PAD = 2.0
_SLACK_PT = 1.5
_MOST_PAGES = 200


@dataclass(frozen=True, slots=True)
class _Fonts:
    regular: Face
    bold: Face

    def face(self, bold: bool) -> Face:
        return self.bold if bold else self.regular


class _Pages:
    """Pages that are filled from the top; whoever needs more room than is left begins the next one."""

    def __init__(self, sheet: SpecimenSheet, fonts: _Fonts) -> None:
        self.sheet, self.fonts = sheet, fonts
        self.pages: list[Page] = []
        self.pictures: list[tuple[Rect, bytes]] = []
        self.y = _BOTTOM

    def need(self, height: float) -> bool:
        """Room for so much; True if a new page was begun for it."""
        if self.pages and self.y + height <= _BOTTOM:
            return False
        if len(self.pages) >= _MOST_PAGES:
            raise Refused(f"The sheet would have more than {_MOST_PAGES} pages; ask for fewer offices.", rule="sheet size")
        self.pages.append(Page())
        self.y = _TOP
        return True

    def write(
        self, text: str, x: float, y: float, w: float, size_pt: float, *, bold: bool = False, align: str = "left", most: int = 9
    ) -> float:
        """Writes wrapped text and gives the height it takes; set smaller while it takes more than `most` lines."""
        face = self.fonts.face(bold)
        if missing := face.missing(text):
            raise Refused(
                f"The sheet cannot show '{text}': its font cannot draw U+{ord(missing[0]):04X}. Write it in Latin letters.",
                rule="font can draw it",
            )
        lines = face.wrap(text, w, size_pt)
        while len(lines) > most and size_pt > 5.0:
            size_pt -= 0.5
            lines = face.wrap(text, w, size_pt)
        self.pages[-1].blocks.append(Block(x, y, w, lines, size_pt, bold, align))
        return len(lines) * _leading(size_pt)

    def height(self, text: str, w: float, size_pt: float, *, bold: bool = False) -> float:
        """How much height text takes, unwritten."""
        return len(self.fonts.face(bold).wrap(text, w, size_pt)) * _leading(size_pt)

    def box(self, x: float, y: float, w: float, h: float) -> None:
        self.pages[-1].rules.append(Rule(round(x, 3), round(y, 3), round(w, 3), round(h, 3)))

    def picture(self, png: bytes, x: float, y: float, w: float, h: float) -> None:
        self.pictures.append((Rect(len(self.pages) - 1, x, y, w, h), png))


def draw_specimens(sheet: SpecimenSheet) -> bytes:
    """The sheet as PDF. Raises Refused for a name that cannot be drawn, PluginError if the renderer broke a promise."""
    fonts = _Fonts(read_face(FONTS / "DejaVuSans.ttf"), read_face(FONTS / "DejaVuSans-Bold.ttf"))
    made = _Pages(sheet, fonts)
    for office in sheet.offices:
        _office(made, office)
    if not made.pages:
        made.need(20)
        made.write("No office had a stamp or an officer on that day.", _MARGIN, made.y, _ROOM, 10)
    _frame(made)
    under = Under(
        pages=made.pages,
        rule_pt=0.5,
        qr=Rect(-1, 0, 0, 1, 1),
        rows=(),
        pictures=made.pictures,
        mark=str(sheet.mark),
        mark_font=f"{family(fonts.bold)}_00",
    )
    pdf = to_pdf(_html(made), under, fonts=(fonts.regular.path, fonts.bold.path), dated=sheet.dated)
    _read_back(pdf, made)
    return pdf


def _office(made: _Pages, office: SheetOffice) -> None:
    """An office: its name, its stamps in rows of three, its officers one below the other; headings are said again on each page."""
    first = min(_stamps_height(office), 60.0) + (_HAND_ROW if office.officers else 0.0)
    made.need(_heading_height(made, office) + max(first, _HAND_ROW))
    _heading(made, office, again=False)
    for row in _threes(office.stamps):
        if made.need(_STAMP_CELL[1]):
            _heading(made, office, again=True)
        for index, stamp in enumerate(row):
            _stamp(made, stamp, _MARGIN + index * _STAMP_CELL[0])
        made.y += _STAMP_CELL[1]
    if not office.stamps:
        made.y += made.write("No stamp on that day.", _MARGIN + _PAD, made.y + _PAD, _ROOM, 9) + 2 * _PAD
    made.y += 2.5
    for hand in office.officers:
        for picture in hand.pictures or (None,):
            height = max(_HAND_ROW, _name_height(made, hand) + 2 * _PAD)
            if made.need(height):
                _heading(made, office, again=True)
            _hand(made, hand, picture, height)
    if not office.officers:
        made.y += made.write("No officer on that day.", _MARGIN + _PAD, made.y + _PAD, _ROOM, 9) + 2 * _PAD
    made.y += 8.0


def _heading_height(made: _Pages, office: SheetOffice) -> float:
    return made.height(office.name, _ROOM, 11, bold=True) + made.height(office.place, _ROOM, 8.5) + 4.0


def _heading(made: _Pages, office: SheetOffice, *, again: bool) -> None:
    name = f"{office.name} (continued)" if again else office.name
    made.y += made.write(name, _MARGIN, made.y, _ROOM, 11, bold=True)
    if not again:
        made.y += made.write(office.place, _MARGIN, made.y, _ROOM, 8.5)
    made.y += 2.0


def _stamps_height(office: SheetOffice) -> float:
    return -(-len(office.stamps) // 3) * _STAMP_CELL[1] if office.stamps else 8.0


def _threes(stamps: Sequence[SheetPicture]) -> Iterator[Sequence[SheetPicture]]:
    for start in range(0, len(stamps), 3):
        yield stamps[start : start + 3]


def _stamp(made: _Pages, stamp: SheetPicture, x: float) -> None:
    w, h = _STAMP_CELL
    made.box(x, made.y, w, h)
    side = _STAMP_PICTURE
    made.picture(stamp.png, x + (w - side) / 2, made.y + _PAD, side, side)
    words = " ".join(filter(None, [f"Stamp, {stamp.since}", stamp.until]))
    made.write(words, x + _PAD, made.y + side + 2 * _PAD, w - 2 * _PAD, 8, align="center", most=2)


def _name_height(made: _Pages, hand: SheetHand) -> float:
    width = _NAME - 2 * _PAD
    return made.height(hand.name, width, 9.5, bold=True) + made.height(hand.designation, width, 8.5)


def _hand(made: _Pages, hand: SheetHand, picture: SheetPicture | None, height: float) -> None:
    """One row: name and designation, the hand, since when."""
    y, x = made.y, _MARGIN
    for width in (_NAME, _HAND, _SINCE):
        made.box(x, y, width, height)
        x += width
    used = made.write(hand.name, _MARGIN + _PAD, y + _PAD, _NAME - 2 * _PAD, 9.5, bold=True)
    made.write(hand.designation, _MARGIN + _PAD, y + _PAD + used, _NAME - 2 * _PAD, 8.5)
    left = _MARGIN + _NAME
    if picture is None:
        made.write("No signature picture on that day.", left + _PAD, y + _PAD, _HAND - 2 * _PAD, 8.5)
    else:
        made.picture(picture.png, left + _PAD, y + _PAD, _HAND - 2 * _PAD, height - 2 * _PAD)
        words = " ".join(filter(None, [picture.since, picture.until]))
        made.write(words, left + _HAND + _PAD, y + _PAD, _SINCE - 2 * _PAD, 8)
    made.y += height


def _frame(made: _Pages) -> None:
    """Head and foot of every page, once it is known how many there are."""
    sheet, filled = made.sheet, made.pages
    for index, page in enumerate(filled):
        made.pages = [page]
        used = made.write(sheet.agency, _MARGIN, 13.0, _ROOM, 14, bold=True, most=2)
        used += made.write(f"Specimen stamps and signatures in force on {sheet.day}", _MARGIN, 13.5 + used, _ROOM, 10.5)
        page.rules.append(Rule(_MARGIN, 13.0 + used + 3.0, _ROOM, 0))
        page.rules.append(Rule(_MARGIN, _HEIGHT - 16.0, _ROOM, 0))
        made.write(f"{sheet.code}. Made on {sheet.made}.", _MARGIN, _HEIGHT - 14.5, _ROOM - 40, 7.5)
        made.write(f"Page {index + 1} of {len(filled)}", _WIDTH - _MARGIN - 40, _HEIGHT - 14.5, 40, 7.5, align="right")
    made.pages = filled


def _read_back(pdf: bytes, made: _Pages) -> None:
    """Raises PluginError unless every page can be read and shows its words and its pictures."""
    import pypdfium2 as pdfium

    from engine.drawing.inspecting.readback import read_page

    document = pdfium.PdfDocument(pdf)
    if len(document) != len(made.pages):
        raise PluginError(f"The specimen sheet has {len(document)} pages instead of {len(made.pages)}.", code="drawing_inspection")
    for index, page in enumerate(made.pages):
        seen = read_page(document[index])
        read = _plain("".join(run.text for run in seen.runs))
        lost = [line for block in page.blocks for line in block.lines if _plain(line) not in read]
        pictures = sum(rect.page == index for rect, _ in made.pictures)
        outside = any(run.x0 < 0 or run.y0 < 0 or run.x1 > _WIDTH or run.y1 > _HEIGHT for run in seen.runs)
        if lost or outside or len(seen.pictures) != pictures:
            raise PluginError(f"The specimen sheet does not show on page {index + 1} what it should.", code="drawing_inspection")


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


def _leading(size_pt: float) -> float:
    return 1.25 * size_pt * MM_PER_POINT


_TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{ title }}</title>
<meta name="author" content="{{ author }}">
<meta name="subject" content="Specimen stamps and signatures of {{ day }}">
<style>
@font-face { font-family: "{{ regular }}"; src: url("{{ regular_path }}"); }
@font-face { font-family: "{{ bold }}"; src: url("{{ bold_path }}"); }
@page { size: {{ width }}pt {{ height }}pt; margin: 0; }
body { font-family: "{{ regular }}"; margin: 0; padding: 0; }
div { position: absolute; color: #000000; }
.b { font-family: "{{ bold }}"; }
</style>
</head>
<body>
{%- for blocks in pages %}
{%- for b in blocks %}
<div{% if b.bold %} class="b"{% endif %} style="top: {{ b.top }}pt; left: {{ b.left }}pt; width: {{ b.width }}pt; font-size: {{ b.size }}pt; line-height: {{ b.leading }}pt; text-align: {{ b.align }}">
{%- for line in b.lines %}{{ line }}{% if not loop.last %}<br>{% endif %}{% endfor -%}
</div>
{%- endfor %}
{%- if not loop.last %}<pdf:nextpage>{% endif %}
{%- endfor %}
</body>
</html>
"""


def _html(made: _Pages) -> str:
    """The text of all pages as HTML, every character of it escaped."""
    template = ImmutableSandboxedEnvironment(autoescape=True, trim_blocks=True).from_string(_TEMPLATE)
    fonts, height = made.fonts, _HEIGHT / MM_PER_POINT
    return template.render(
        title=f"Specimen stamps and signatures, {made.sheet.code}",
        author=made.sheet.agency,
        day=made.sheet.day,
        regular=family(fonts.regular),
        regular_path=fonts.regular.path,
        bold=family(fonts.bold),
        bold_path=fonts.bold.path,
        width=f"{_WIDTH / MM_PER_POINT:.4f}",
        height=f"{height:.4f}",
        pages=[[_styled(block, index * height) for block in page.blocks] for index, page in enumerate(made.pages)],
    )


def _styled(block: Block, page_top_pt: float) -> dict[str, object]:
    shift = {"center": _SLACK_PT / 2, "right": _SLACK_PT}.get(block.align, 0.0)
    return {
        "left": f"{block.x / MM_PER_POINT - shift:.3f}",
        "top": f"{page_top_pt + block.y / MM_PER_POINT:.3f}",
        "width": f"{block.w / MM_PER_POINT + _SLACK_PT:.3f}",
        "size": f"{block.size_pt:g}",
        "leading": f"{_leading(block.size_pt) / MM_PER_POINT:.4f}",
        "align": block.align,
        "bold": block.bold,
        "lines": block.lines,
    }
