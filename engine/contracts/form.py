"""The template's contract: a pack is a folder, a form is its version as frozen data, and a sheet draws it.

What the font can draw travels in the form, so filing refuses a character or an overflow without importing drawing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from importlib.resources.abc import Traversable
from typing import Annotated

import msgspec

from engine.contracts.rules import OriginRules
from engine.contracts.sheet import MM_PER_POINT, Geometry, Text, names_in, say
from engine.errors import Problem

__all__ = ["Box", "Face", "Filled", "Form", "Leaf", "Pack", "Paper", "Retrospective", "Sheet", "ThirdPartyWords"]


@dataclass(frozen=True, slots=True)
class Pack:
    """A folder that brings one scheme: form.toml, origin.toml, example.json, and sheets of its own if it has any."""

    name: str
    folder: Traversable


class Filled(msgspec.Struct, frozen=True):
    """What each box says, before it is broken into lines: paragraphs by box number, and one mapping per goods row.

    Row boxes (5 to 10 on a 12-box form) appear in `rows` only, all other boxes in `boxes` only.
    """

    boxes: dict[str, tuple[str, ...]]
    rows: tuple[dict[str, tuple[str, ...]], ...]


# Scripts that are right glyph by glyph. Devanagari, Arabic, Thai and others need shaping, which the press does not do:
# they would print wrongly without an error, so filing refuses them with the box named.
_DRAWABLE = (
    (0x20, 0x7E),  # Basic Latin
    (0xA0, 0xAC),  # Latin-1, without the soft hyphen
    (0xAE, 0x24F),  # Latin-1 and Latin Extended-A, -B
    (0x370, 0x3FF),  # Greek
    (0x400, 0x52F),  # Cyrillic
    (0x1E00, 0x1EFF),  # Latin Extended Additional: Vietnamese
    (0x1F00, 0x1FFF),  # Greek Extended
    (0x2010, 0x2027),  # dashes, quotes, bullets
    (0x2030, 0x205E),  # per mille, primes
    (0x2070, 0x20C0),  # superscripts, subscripts, currency signs with the rupee
    (0x2100, 0x22FF),  # letterlike, number forms, arrows, mathematics
)


_STEP_PT = 0.2
_ABSENT = 600.0  # the advance of a character without a glyph, which filing refuses anyway


@dataclass(frozen=True, slots=True)
class Face:
    """One font: its file by hash, and the advance width of every character it can draw, in 1/1000 em."""

    name: str
    path: str
    sha256: str
    advances: Mapping[int, float] = field(repr=False)

    def missing(self, text: str) -> str:
        """The characters of the text that this font cannot draw right, each once, in order."""
        seen: dict[str, None] = {}
        for char in text:
            point = ord(char)
            if char != "\n" and (point not in self.advances or not any(a <= point <= b for a, b in _DRAWABLE)):
                seen[char] = None
        return "".join(seen)

    def width_mm(self, text: str, size_pt: float) -> float:
        """How wide the text is, unbroken."""
        return sum(self.advances.get(ord(char), _ABSENT) for char in text) * size_pt * MM_PER_POINT / 1000

    def wrap(self, paragraph: str, width_mm: float, size_pt: float) -> tuple[str, ...]:
        """The lines of a paragraph: broken at spaces, a word wider than the box broken where it must be."""
        lines: list[str] = []
        for part in paragraph.split("\n"):
            line = ""
            for word in part.split():
                joined = f"{line} {word}" if line else word
                if self.width_mm(joined, size_pt) <= width_mm:
                    line = joined
                    continue
                if line:
                    lines.append(line)
                while self.width_mm(word, size_pt) > width_mm:
                    cut = self._cut(word, width_mm, size_pt)
                    lines.append(word[:cut])
                    word = word[cut:]
                line = word
            lines.append(line)
        return tuple(lines)

    def _cut(self, word: str, width_mm: float, size_pt: float) -> int:
        """How many characters of a too wide word fit on one line; at least one."""
        room = width_mm * 1000 / (size_pt * MM_PER_POINT)
        for cut, char in enumerate(word):
            room -= self.advances.get(ord(char), _ABSENT)
            if room < 0:
                return max(cut, 1)
        return len(word)


@dataclass(frozen=True, slots=True)
class Box:
    """A numbered space of the form. `field` names what fills it; `lines` is how many fit, or None for a goods column.

    `smaller` are the sizes it may be set in where that is not enough, each with the lines that fit then, the largest first.
    A `joined` column stands in the table below the goods, one row for each of theirs.
    """

    no: str
    heading: str
    field: str
    width_mm: float
    lines: int | None
    size_pt: float = 7.5
    holds: str = ""
    smaller: tuple[tuple[float, int], ...] = ()
    joined: bool = False

    @property
    def in_rows(self) -> bool:
        """Whether the box is a column of the goods table, or of the one joined to it."""
        return self.lines is None

    @property
    def sizes(self) -> tuple[tuple[float, int], ...]:
        """Every size in points that its text may be set in, with how many lines fit then, the largest first."""
        return ((self.size_pt, self.lines or 0), *self.smaller)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A printable copy beside the electronic one: its name, what it is headed with, and whether it leaves ink space."""

    name: str
    title: str
    ink: bool


class ThirdPartyWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a form names a firm of a third country that invoices the goods, where it has no box of its own for it.

    `goods` is added to the first line of the goods and `remarks` to the remarks, with `{name}`, `{address}`, `{country}`;
    `invoice` to the first line's invoice, with `{number}` and `{dated_on}` of that firm's own invoice; a line with these is
    left out where the firm has none.
    """

    goods: str | None = None
    invoice: str | None = None
    remarks: str | None = None
    source: str | None = None


class Retrospective(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a certificate counts as issued retrospectively: more than `after_days` (working days if so) after the goods left,
    and at the latest `max_months` after that. What nobody could source is None."""

    after_days: Annotated[int, msgspec.Meta(ge=0, le=366)] | None = None
    working_days: bool = False
    max_months: Annotated[int, msgspec.Meta(ge=1, le=60)] | None = None
    rule: str = ""
    source: str | None = None


class Paper(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the printable leaves are printed on, as far as the agreement says."""

    size: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page layout that forms share, named `pack:sheet`: HTML in Jinja's sandbox and the geometry it is drawn by."""

    name: str
    html: str = field(repr=False)
    geometry: Geometry = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """One version of one scheme's form. `sha256` covers form.toml, origin.toml, the sheet and the fonts.

    `unconfirmed` names what nobody could source, `weak` what rests on a weaker source; while either is not empty, a live site
    issues only after a named administrator confirmed the form. `row_lines` is how many lines one goods row may take at most.
    """

    scheme: str
    version: str
    sha256: str
    title: str
    form_name: str
    heading: tuple[str, ...]
    preferential: bool
    partners: frozenset[str]
    issuer_kinds: tuple[str, ...]
    kinds: tuple[str, ...]
    hs_digits: tuple[int, ...]
    sheet: Sheet
    boxes: tuple[Box, ...]
    regular: Face
    bold: Face
    row_lines: int
    origin: OriginRules
    leaves: tuple[Leaf, ...] = ()
    wording: Mapping[str, str] = field(default_factory=dict)
    unconfirmed: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    third_party: ThirdPartyWords | None = None
    retrospective: Retrospective | None = None
    paper: Paper | None = None
    language: str = ""
    validity_months: int | None = None
    effective_from: date | None = None
    effective_until: date | None = None
    sources: tuple[str, ...] = ()
    example: bytes = field(default=b"", repr=False)

    def serves(self, country: str) -> bool:
        """Whether the agreement covers that destination."""
        return "*" in self.partners or country in self.partners

    def box(self, no: str) -> Box:
        """The box of that number."""
        return next(box for box in self.boxes if box.no == no)

    @property
    def names_third_party(self) -> bool:
        """Whether the form has a place for a firm of a third country that invoices the goods: a box, or words of the scheme."""
        return self.third_party is not None or any(box.field == "third_party" for box in self.boxes)

    def lines_of(self, box: Box, paragraphs: tuple[str, ...]) -> tuple[str, ...]:
        """The lines a box's paragraphs are drawn in."""
        return self.fitted(box, paragraphs)[1]

    def fitted(self, box: Box, paragraphs: tuple[str, ...]) -> tuple[float, tuple[str, ...]]:
        """The largest size in points at which a box's paragraphs have room, else its least; and their lines at that size."""
        size, lines = box.size_pt, self._lines(box, paragraphs, box.size_pt)
        for smaller, room in box.smaller if len(lines) > (box.lines or 0) else ():
            size, lines = smaller, self._lines(box, paragraphs, smaller)
            if len(lines) <= room:
                break
        return size, lines

    def _lines(self, box: Box, paragraphs: tuple[str, ...], size_pt: float) -> tuple[str, ...]:
        return tuple(line for text in paragraphs for line in self.regular.wrap(text, box.width_mm, size_pt))

    def heading_lines(self, box: Box, width_mm: float) -> tuple[str, ...]:
        """A box's number and heading, broken for that width."""
        return self.regular.wrap(f"{box.no}. {box.heading}", width_mm, self.sheet.geometry.heading_pt)

    def problems(self, filled: Filled) -> list[Problem]:
        """What could not be drawn: a character without a glyph, a box or a goods row that overflows."""
        found: list[Problem] = []
        for no, paragraphs in filled.boxes.items():
            box = self.box(no)
            found += self._glyphs(f"box {no}", paragraphs)
            size, lines = self.fitted(box, paragraphs)
            room = dict(box.sizes)[size]
            if len(lines) > room:
                say = f"Box {no} ({box.heading}) has room for {room} lines; this needs {len(lines)}. Shorten it."
                found.append(Problem(f"box {no}", "fits the box", say))
        for index, row in enumerate(filled.rows):
            found += self._row_problems(index, row)
        return found

    def sized(self, text: Text, words: str) -> tuple[float, tuple[str, ...]]:
        """The largest size in points, down to the text's least, at which the words of a sheet's text have room; and their lines."""
        face, size = self.bold if text.bold else self.regular, text.pt
        while True:
            lines = tuple(line for part in words.split("\n") if part for line in face.wrap(part, text.w, size))
            if text.least is None or size <= text.least or len(lines) <= self.sheet.geometry.lines_in(text, size):
                return size, lines
            size = max(text.least, round(size - _STEP_PT, 2))

    def worded_problems(self, values: Mapping[str, str]) -> list[Problem]:
        """Which texts of the sheet, outside the boxes, have no room for these values; texts that need other values are not tried."""
        found: list[Problem] = []
        for text in self.sheet.geometry.texts:
            names = names_in(text.say)
            if names and values.keys() >= set(names):
                found += self.no_room(text, *self.sized(text, say(text.say, lambda name: values[name])))
        return found

    def no_room(self, text: Text, size_pt: float, lines: tuple[str, ...]) -> list[Problem]:
        """The problem of a sheet's text whose lines have no room at that size; none if they have."""
        room = self.sheet.geometry.lines_in(text, size_pt)
        if len(lines) <= room:
            return []
        sentence = f"The {text.name} of the certificate needs {len(lines)} lines and the form has room for {room}; shorten it."
        return [Problem(text.name, "fits the form", sentence)]

    def _row_problems(self, index: int, row: Mapping[str, tuple[str, ...]]) -> list[Problem]:
        """What of one goods row could not be drawn. Its lines in the joined table take room from those in the first."""
        found: list[Problem] = []
        lines = {no: len(self.lines_of(self.box(no), paragraphs)) for no, paragraphs in row.items()}
        below = {field for column in self.sheet.geometry.goods.joined for field in column.fields}
        joined = max((max(1, count) for no, count in lines.items() if self.box(no).field in below), default=0)
        for no, paragraphs in row.items():
            where = f"items[{index}], box {no}"
            found += self._glyphs(where, paragraphs)
            need = lines[no] if self.box(no).joined else lines[no] + joined
            if need > self.row_lines:
                say = (
                    f"Item {index + 1} needs {need} lines in box {no}; a page has room for {self.row_lines}. Split the item or shorten it."
                )
                found.append(Problem(where, "fits the page", say))
        return found

    def _glyphs(self, where: str, paragraphs: tuple[str, ...]) -> list[Problem]:
        missing = self.regular.missing("".join(paragraphs))
        if not missing:
            return []
        shown = ", ".join(f"{char} (U+{ord(char):04X})" if char.isprintable() else f"U+{ord(char):04X}" for char in missing[:5])
        return [
            Problem(
                where,
                "font can draw it",
                f"{where[0].upper()}{where[1:]} has characters that the form's font cannot draw: {shown}. Write them in Latin letters.",
            )
        ]
