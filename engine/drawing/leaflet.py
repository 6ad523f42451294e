"""A plain paper of the office's, on A4: pages of wrapped text, outlines and pictures, filled from the top.

Promises: text is escaped and set in embedded fonts, the same paper has the same bytes, and `read_back` lets none out that does not
show what was written on it. What is on the paper is the caller's.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date

from jinja2.sandbox import ImmutableSandboxedEnvironment

from engine.contracts.drawing import Rect
from engine.contracts.form import Face
from engine.contracts.sheet import MM_PER_POINT
from engine.drawing.markup import family
from engine.drawing.page.sketch import Block, Page, Rule
from engine.drawing.paper import Under, to_pdf
from engine.errors import PluginError, Refused
from engine.packs import FONTS, read_face

__all__ = ["HEIGHT", "MARGIN", "ROOM", "WIDTH", "Leaflet"]

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 16.0
ROOM = WIDTH - 2 * MARGIN
_SLACK_PT = 1.5
_MOST_PAGES = 200


@dataclass(frozen=True, slots=True)
class _Fonts:
    regular: Face
    bold: Face

    def face(self, bold: bool) -> Face:
        return self.bold if bold else self.regular


class Leaflet:
    """Pages that are filled from the top; whoever needs more room than is left begins the next one.

    `what` is what the paper is called where it cannot be drawn (`specimen sheet`). `top` and `bottom` bound what is filled.
    """

    def __init__(self, what: str, *, top: float, bottom: float) -> None:
        self.what, self.top, self.bottom = what, top, bottom
        self.fonts = _Fonts(read_face(FONTS / "DejaVuSans.ttf"), read_face(FONTS / "DejaVuSans-Bold.ttf"))
        self.pages: list[Page] = []
        self.pictures: list[tuple[Rect, bytes]] = []
        self.y = bottom

    def need(self, height: float) -> bool:
        """Room for so much; True if a new page was begun for it."""
        if self.pages and self.y + height <= self.bottom:
            return False
        if len(self.pages) >= _MOST_PAGES:
            raise Refused(f"The {self.what} would have more than {_MOST_PAGES} pages; ask for less.", rule="sheet size")
        self.pages.append(Page())
        self.y = self.top
        return True

    def write(
        self, text: str, x: float, y: float, w: float, size_pt: float, *, bold: bool = False, align: str = "left", most: int = 9
    ) -> float:
        """Writes wrapped text and gives the height it takes; set smaller while it takes more than `most` lines."""
        face = self.fonts.face(bold)
        if missing := face.missing(text):
            raise Refused(
                f"The {self.what} cannot show '{text}': its font cannot draw U+{ord(missing[0]):04X}. Write it in Latin letters.",
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
        """An outline, or a line where it has no height or no width."""
        self.pages[-1].rules.append(Rule(round(x, 3), round(y, 3), round(w, 3), round(h, 3)))

    def picture(self, png: bytes, x: float, y: float, w: float, h: float) -> None:
        """A picture as large as the space allows."""
        self.pictures.append((Rect(len(self.pages) - 1, x, y, w, h), png))

    def pdf(self, *, title: str, author: str, subject: str, mark: str, dated: date) -> bytes:
        """The paper as PDF, read back. Raises PluginError if the renderer broke a promise."""
        under = Under(
            pages=self.pages,
            rule_pt=0.5,
            qr=Rect(-1, 0, 0, 1, 1),
            rows=(),
            pictures=self.pictures,
            mark=mark,
            mark_font=f"{family(self.fonts.bold)}_00",
        )
        html = self._html(title, author, subject)
        pdf = to_pdf(html, under, fonts=(self.fonts.regular.path, self.fonts.bold.path), dated=dated)
        self._read_back(pdf)
        return pdf

    def _read_back(self, pdf: bytes) -> None:
        """Raises PluginError unless every page can be read and shows its words and its pictures."""
        import pypdfium2 as pdfium

        from engine.drawing.inspecting.readback import read_page

        document = pdfium.PdfDocument(pdf)
        if len(document) != len(self.pages):
            raise PluginError(f"The {self.what} has {len(document)} pages instead of {len(self.pages)}.", code="drawing_inspection")
        for index, page in enumerate(self.pages):
            seen = read_page(document[index])
            read = _plain("".join(run.text for run in seen.runs))
            lost = [line for block in page.blocks for line in block.lines if _plain(line) not in read]
            pictures = sum(rect.page == index for rect, _ in self.pictures)
            outside = any(run.x0 < 0 or run.y0 < 0 or run.x1 > WIDTH or run.y1 > HEIGHT for run in seen.runs)
            if lost or outside or len(seen.pictures) != pictures:
                raise PluginError(f"The {self.what} does not show on page {index + 1} what it should.", code="drawing_inspection")

    def _html(self, title: str, author: str, subject: str) -> str:
        """The text of all pages as HTML, every character of it escaped."""
        template = ImmutableSandboxedEnvironment(autoescape=True, trim_blocks=True).from_string(_TEMPLATE)
        height = HEIGHT / MM_PER_POINT
        return template.render(
            title=title,
            author=author,
            subject=subject,
            regular=family(self.fonts.regular),
            regular_path=self.fonts.regular.path,
            bold=family(self.fonts.bold),
            bold_path=self.fonts.bold.path,
            width=f"{WIDTH / MM_PER_POINT:.4f}",
            height=f"{height:.4f}",
            pages=[[_styled(block, index * height) for block in page.blocks] for index, page in enumerate(self.pages)],
        )


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
<meta name="subject" content="{{ subject }}">
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
