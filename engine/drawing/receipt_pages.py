"""A receipt or voucher on A4 pages, drawn from what was frozen and from nothing else; the same receipt has the same bytes.

A letter that the font cannot draw stands as `?`, and the paper says so: a receipt is never refused for somebody's name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from engine.contracts.drawing import Mark
from engine.drawing.leaflet import HEIGHT, MARGIN, ROOM, WIDTH, Leaflet
from engine.money.fees import rupees
from engine.money.fees.breakup import percent
from engine.money.receipts import ContentLine, ReceiptContent

__all__ = ["draw_receipt"]

_TOP, _BOTTOM = 18.0, HEIGHT - 20.0
_PAD = 1.8
_SIZE, _SMALL = 9.0, 8.0
_HALF = ROOM / 2
_ENDING = 32.0  # the row of sums, and the sum in figures and in words
_UNDRAWN = "A letter that cannot be drawn here stands as ?; the receipt's page shows it."


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the table: what it shows, what it is called, how wide it is, and how its text stands."""

    what: str
    head: str
    width: float
    align: str = "right"


class _Paper:
    """The leaflet of one receipt, and whether a letter of it could not be drawn."""

    def __init__(self, content: ReceiptContent, mark: Mark) -> None:
        self.content, self.mark = content, mark
        self.leaflet = Leaflet("receipt", top=_TOP, bottom=_BOTTOM)
        self.undrawn = False

    def drawable(self, text: str) -> str:
        """The text with a `?` for each letter that the fonts cannot draw."""
        fonts = self.leaflet.fonts
        for letter in {*fonts.regular.missing(text), *fonts.bold.missing(text)}:
            text, self.undrawn = text.replace(letter, "?"), True
        return text

    def text(self, text: str, x: float, y: float, w: float, size: float = _SIZE, *, bold: bool = False, align: str = "left") -> float:
        """Writes text, and gives the height it takes."""
        return self.leaflet.write(self.drawable(text), x, y, w, size, bold=bold, align=align, most=40) if text else 0.0

    def height(self, text: str, w: float, size: float = _SIZE, *, bold: bool = False) -> float:
        """How high text would be."""
        return self.leaflet.height(self.drawable(text), w, size, bold=bold) if text else 0.0


def draw_receipt(content: ReceiptContent, *, mark: Mark = Mark.NONE) -> bytes:
    """The receipt as PDF. Raises PluginError if the renderer broke a promise."""
    paper = _Paper(content, mark)
    paper.leaflet.need(60)
    _head(paper)
    _parties(paper)
    _facts(paper)
    columns = _columns(content)
    _table(paper, columns)
    _sum(paper)
    _notes(paper)
    _feet(paper)
    return paper.leaflet.pdf(
        title=f"{content.title} {content.number}",
        author=paper.drawable(content.parties.agency),
        subject=f"{content.title} {content.number}",
        mark=str(mark),
        dated=date.fromisoformat(content.dated_on),
    )


def _head(paper: _Paper) -> None:
    """Who it is from, and what it is."""
    leaflet, parties = paper.leaflet, paper.content.parties
    leaflet.y += paper.text(parties.agency, MARGIN, leaflet.y, ROOM, 14, bold=True)
    leaflet.y += paper.text(f"{parties.office} ({parties.office_code})", MARGIN, leaflet.y + 0.5, ROOM, 10) + 2.5
    leaflet.box(MARGIN, leaflet.y, ROOM, 0)
    leaflet.y += 4.0
    title = paper.text(paper.content.title, MARGIN, leaflet.y, ROOM * 0.5, 13, bold=True)
    left = MARGIN + ROOM * 0.5
    number = paper.text(f"No. {paper.content.number}", left, leaflet.y, ROOM * 0.5, 11, bold=True, align="right")
    number += paper.text(f"Date: {_day(paper.content.dated_on)}", left, leaflet.y + number, ROOM * 0.5, align="right")
    leaflet.y += max(title, number) + 4.0


def _parties(paper: _Paper) -> None:
    """Office and firm, side by side."""
    leaflet, parties = paper.leaflet, paper.content.parties
    sides = (
        ("Issued by", parties.agency, parties.address, [("State", parties.state), ("GSTIN", parties.gstin)]),
        ("Issued to", parties.firm, parties.firm_address, [("IEC", parties.iec), ("GSTIN", parties.firm_gstin or "not registered")]),
    )
    width, bottoms = _HALF - 2 * _PAD, []
    for index, (head, name, address, marks) in enumerate(sides):
        x, y = MARGIN + index * _HALF + _PAD, leaflet.y + _PAD
        y += paper.text(head, x, y, width, _SMALL)
        y += paper.text(name, x, y, width, 10, bold=True)
        y += paper.text(address, x, y, width) + 0.8
        for label, value in marks:
            y += paper.text(f"{label}: {value}", x, y, width) if value else 0.0
        bottoms.append(y)
    height = max(bottoms) + _PAD - leaflet.y
    leaflet.box(MARGIN, leaflet.y, _HALF, height)
    leaflet.box(MARGIN + _HALF, leaflet.y, _HALF, height)
    leaflet.y += height + 4.0


def _facts(paper: _Paper) -> None:
    """The references, each beside its label."""
    content, leaflet = paper.content, paper.leaflet
    number, day = content.corrects
    facts = [("Takes back", f"No. {number} of {_day(day)}")] if number else []
    facts += content.references
    facts += [("Place of supply", content.place_of_supply)] if content.place_of_supply else []
    for label, value in facts:
        leaflet.need(paper.height(value, ROOM - 45))
        paper.text(f"{label}:", MARGIN, leaflet.y, 44)
        leaflet.y += paper.text(value, MARGIN + 45, leaflet.y, ROOM - 45) + 0.6
    leaflet.y += 3.5


def _columns(content: ReceiptContent) -> list[_Column]:
    """The columns that this receipt needs: those of a tax only where there is one, with its rate where all lines have the same."""
    taxed, between = content.taxed, any(line.igst_paise for line in content.lines)
    money = [_Column("base", "Taxable value (Rs)" if taxed else "Amount (Rs)", 25.0)]
    if taxed:
        rates = {line.gst_rate_bp for line in content.lines}
        rate = rates.pop() if len(rates) == 1 else 0
        half, whole = (f"\nat {percent(rate, halves=2)}", f"\nat {percent(rate)}") if rate else ("", "")
        apart = [_Column("cgst", f"CGST (Rs){half}", 21.0), _Column("sgst", f"{_tax_name(content)} (Rs){half}", 21.0)]
        money += [_Column("igst", f"IGST (Rs){whole}", 24.0)] if between else apart
        money.append(_Column("total", "Total (Rs)", 25.0))
    sac = [_Column("sac", "SAC", 15.0, "left")] if any(line.sac for line in content.lines) else []
    room = ROOM - 8.0 - sum(column.width for column in (*sac, *money))
    return [_Column("number", "", 8.0, "left"), _Column("words", "Particulars", room, "left"), *sac, *money]


def _tax_name(content: ReceiptContent) -> str:
    return next((line.tax_name for line in content.lines if line.tax_name), "SGST")


def _cells(number: str, line: ContentLine, columns: Sequence[_Column]) -> list[str]:
    """A line's cells; each tax with its rate below where the column does not say it for all lines."""
    half, whole = f"at {percent(line.gst_rate_bp, halves=2)}", f"at {percent(line.gst_rate_bp)}"
    shown = {
        "number": (number, ""),
        "words": (f"{line.words}, {line.application}" if line.application else line.words, ""),
        "sac": (line.sac, ""),
        "base": (rupees(line.base_paise), ""),
        "cgst": (rupees(line.cgst_paise), half),
        "sgst": (rupees(line.sgst_paise), half),
        "igst": (rupees(line.igst_paise), whole),
        "total": (rupees(line.total_paise), ""),
    }
    texts = [(*shown[column.what], column.head) for column in columns]
    return [text if not rate or "\n" in head else f"{text}\n{rate}" for text, rate, head in texts]


def _table(paper: _Paper, columns: Sequence[_Column]) -> None:
    """The lines, and their sums where there is more than one; the heads are said again on each page. The last line stays on one page
    with what they come to."""
    content = paper.content
    several = len(content.lines) > 1
    _row(paper, columns, [column.head for column in columns], bold=True, keep=20.0)
    for number, line in enumerate(content.lines, start=1):
        last = number == len(content.lines)
        _row(paper, columns, _cells(str(number), line, columns), heads=True, keep=_ENDING if last and several else 0.0)
    if several:
        parts = content.parts
        sums = {
            "base": parts.base_paise,
            "cgst": parts.cgst_paise,
            "sgst": parts.sgst_paise,
            "igst": parts.igst_paise,
            "total": parts.total_paise,
        }
        words = [rupees(sums[column.what]) if column.what in sums else "" for column in columns[2:]]
        _row(paper, columns, ["", "Together", *words], bold=True, heads=True)


def _row(
    paper: _Paper, columns: Sequence[_Column], cells: Sequence[str], *, bold: bool = False, heads: bool = False, keep: float = 0.0
) -> None:
    """One row, on a new page if it, and `keep` below it, have no room on this one."""
    leaflet = paper.leaflet
    pairs = list(zip(columns, cells, strict=True))
    height = max(paper.height(cell, column.width - 2 * _PAD, _SMALL, bold=bold) for column, cell in pairs) + 1.3 * _PAD
    if leaflet.need(height + keep) and heads:
        _row(paper, columns, [column.head for column in columns], bold=True)
    x = MARGIN
    for column, cell in pairs:
        leaflet.box(x, leaflet.y, column.width, height)
        paper.text(cell, x + _PAD, leaflet.y + _PAD, column.width - 2 * _PAD, _SMALL, bold=bold, align=column.align)
        x += column.width
    leaflet.y += height


def _sum(paper: _Paper) -> None:
    """The sum, in figures and in words."""
    leaflet, content = paper.leaflet, paper.content
    words = f"In words: {content.amount_words}"
    leaflet.need(12 + paper.height(words, ROOM))
    leaflet.y += 4.0
    leaflet.y += paper.text(f"Rs {rupees(content.amount_paise)}", MARGIN, leaflet.y, ROOM, 12, bold=True, align="right") + 1.0
    leaflet.y += paper.text(words, MARGIN, leaflet.y, ROOM, align="right") + 5.0


def _notes(paper: _Paper) -> None:
    notes = [*paper.content.notes, "Made electronically by the office; it bears no signature."]
    notes += [_UNDRAWN] if paper.undrawn else []
    for note in notes:
        paper.leaflet.need(paper.height(note, ROOM, _SMALL))
        paper.leaflet.y += paper.text(note, MARGIN, paper.leaflet.y, ROOM, _SMALL) + 0.8


def _feet(paper: _Paper) -> None:
    """The foot of every page, once it is known how many there are."""
    leaflet, filled = paper.leaflet, paper.leaflet.pages
    for index, page in enumerate(filled):
        leaflet.pages = [page]
        leaflet.box(MARGIN, HEIGHT - 16.0, ROOM, 0)
        paper.text(f"{paper.content.title} {paper.content.number}", MARGIN, HEIGHT - 14.5, ROOM - 40, 7.5)
        paper.text(f"Page {index + 1} of {len(filled)}", WIDTH - MARGIN - 40, HEIGHT - 14.5, 40, 7.5, align="right")
    leaflet.pages = filled


def _day(iso: str) -> str:
    """A date as paper says it: 22 November 2026."""
    day = date.fromisoformat(iso)
    return f"{day.day} {day:%B} {day.year}"
