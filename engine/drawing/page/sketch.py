"""Pages in the making: blocks of lines, rules, and what must be readable where. Pure data; nothing is drawn here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.contracts.drawing import Placed, Rect
from engine.contracts.form import Face
from engine.contracts.sheet import Geometry, Space
from engine.errors import Problem

__all__ = ["Block", "Page", "Rule", "Sketch"]


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one size from one top left corner; a blank line keeps its height. Millimetres, from the page's corner."""

    x: float
    y: float
    w: float
    lines: tuple[str, ...]
    size_pt: float
    bold: bool = False
    align: str = "left"


@dataclass(frozen=True, slots=True)
class Rule:
    """A black line from a corner across (`w`) or down (`h`), or with both a rectangle's outline or its rising diagonal."""

    x: float
    y: float
    w: float
    h: float
    dotted: bool = False
    diagonal: bool = False


@dataclass(slots=True)
class Page:
    """What one page shows."""

    blocks: list[Block] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)


class Sketch:
    """Collects pages. Every `x` it is given counts from the left rule of the form, every `y` from the page's top."""

    def __init__(self, sheet: Geometry) -> None:
        self.sheet = sheet
        self.pages: list[Page] = []
        self.placed: list[Placed] = []
        self.problems: list[Problem] = []

    @property
    def now(self) -> int:
        """The page that is being filled, from 0."""
        return len(self.pages) - 1

    def turn(self) -> None:
        """Begins the next page."""
        self.pages.append(Page())

    def rule(self, x: float, y: float, w: float, h: float, *, dotted: bool = False, diagonal: bool = False) -> None:
        """Adds a rule; the same one twice is one."""
        rule = Rule(round(self.sheet.left + x, 3), round(y, 3), round(w, 3), round(h, 3), dotted, diagonal)
        if rule not in self.pages[-1].rules:
            self.pages[-1].rules.append(rule)

    def block(self, block: Block) -> None:
        """Adds lines to be drawn; who places them says so with `place`."""
        self.pages[-1].blocks.append(block)

    def place(self, name: str, x: float, y: float, w: float, h: float, lines: tuple[str, ...]) -> None:
        """Says which lines must be read back in that rectangle."""
        self.placed.append(Placed(name, Rect(self.now, self.sheet.left + x, y, w, h), lines))

    def write(
        self, name: str, space: Space, top: float, lines: tuple[str, ...], size_pt: float, *, bold: bool = False, align: str = "left"
    ) -> None:
        """Draws and places lines in a space below `top`; no line, nothing to do."""
        if not any(lines):
            return
        height = max(space.h, len(lines) * self.sheet.leading(size_pt))
        self.block(Block(self.sheet.left + space.x, top + space.y, space.w, lines, size_pt, bold, align))
        self.place(name, space.x, top + space.y, space.w, height, lines)

    def check(self, name: str, face: Face, lines: Sequence[str]) -> None:
        """Notes a problem for characters that the font cannot draw."""
        if missing := face.missing("".join(lines)):
            shown = ", ".join(f"U+{ord(char):04X}" for char in missing[:5])
            say = f"The {name} of the certificate has characters that the form's font cannot draw: {shown}. Write them in Latin letters."
            self.problems.append(Problem(name, "font can draw it", say))
