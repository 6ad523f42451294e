"""What is drawn, and what a drawing is: bytes, their hash, and where each box landed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from engine.contracts.form import Filled, Form
from engine.errors import Refused

__all__ = [
    "Adjust",
    "CleanImage",
    "Developed",
    "DrawRequest",
    "Drawing",
    "ImageFault",
    "ImageKind",
    "ImageRequest",
    "Mark",
    "Placed",
    "Preview",
    "Rect",
]


class Mark(StrEnum):
    """Words across the page: a preview before approval, a demonstration site's certificate, or none."""

    NONE = ""
    SPECIMEN = "SPECIMEN"
    DEMONSTRATION = "DEMONSTRATION"


class ImageKind(StrEnum):
    """What a picture is of."""

    STAMP = "stamp"
    SIGNATURE = "signature"


class ImageFault(StrEnum):
    """What keeps a cleaned picture from being a good one."""

    BLURRED = "blurred"
    CLIPPED = "clipped"
    TOO_SMALL = "too_small"
    NO_INK = "no_ink"
    BACKGROUND_LEFT = "background_left"
    PALE = "pale"
    SPECKS = "specks"
    LINES_LEFT = "lines_left"
    PRINT_BENEATH = "print_beneath"

    def __reduce_ex__(self, _: object) -> tuple[type["ImageFault"], tuple[str]]:
        # By its value: Enum's own way calls getattr, which no answer of a child may.
        return ImageFault, (self.value,)


@dataclass(frozen=True, slots=True)
class Adjust:
    """What a person sets where the automatic result is not good enough. Raises Refused naming what is out of range.

    `threshold` is -50 to 50: up keeps only darker ink, down keeps paler ink too. `crop` is left, top, right and bottom in
    thousandths of the upright picture, None for all of it. What was cropped is then turned clockwise by `rotation`, in
    tenths of a degree, -1800 to 1800.
    """

    threshold: int = 0
    crop: tuple[int, int, int, int] | None = None
    rotation: int = 0

    def __post_init__(self) -> None:
        _require_whole("threshold", self.threshold, -50, 50)
        _require_whole("rotation", self.rotation, -1800, 1800)
        if self.crop is None:
            return
        if not isinstance(self.crop, tuple) or len(self.crop) != 4:
            raise Refused("The adjustment crop must be four numbers: left, top, right, bottom.", rule="crop")
        for edge in self.crop:
            _require_whole("crop", edge, 0, 1000)
        left, top, right, bottom = self.crop
        if right <= left or bottom <= top:
            raise Refused("The adjustment crop leaves nothing: its right must be beyond its left, its bottom beyond its top.", rule="crop")


def _require_whole(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Refused(f"The adjustment {name} must be a whole number from {least} to {most}.", rule=name)


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A picture as it was uploaded: untrusted bytes; and what a person adjusted."""

    kind: ImageKind
    data: bytes = field(repr=False)
    adjust: Adjust = Adjust()


@dataclass(frozen=True, slots=True)
class CleanImage:
    """A cleaned picture: PNG with alpha, one ink colour, at most 400 px a side, no metadata. Quality is 0 to 100.

    `faults` says what keeps it from being better, `notes` in sentences what mends each.
    """

    png: bytes = field(repr=False)
    width_px: int
    height_px: int
    quality: int
    notes: tuple[str, ...] = ()
    faults: tuple[ImageFault, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """An upload as pages may show it: a JPEG of our own encoding, upright, at most 800 px a side, no metadata."""

    jpeg: bytes = field(repr=False)
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True)
class Developed:
    """An upload looked at once: as pages may show it, and cleaned; or `problem`, the sentence that says why it cannot be."""

    preview: Preview
    clean: CleanImage | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DrawRequest:
    """Everything a page shows, decided before: drawing invents no word.

    `values` are the single facts a sheet prints outside the numbered boxes or inside a certification: `number`,
    `agency`, `office`, `officer`, `designation`, `exporter`, `place`, `declared_place`, `declared_on`, `country`,
    `destination`, `endorsement`, `verify_text`, `tick_third_party` (an X or nothing) and the like. `qr_text` is the address in capitals. `leaf` names a
    printable leaf, None is the electronic copy. Pictures are cleaned PNGs; None leaves the space empty.
    """

    form: Form
    filled: Filled
    number: str
    issued_on: date
    qr_text: str
    values: Mapping[str, str]
    stamp: bytes | None = None
    appearance: bytes | None = None
    mark: Mark = Mark.NONE
    leaf: str | None = None


@dataclass(frozen=True, slots=True)
class Rect:
    """A place on a page: page from 0, millimetres from the page's top left corner."""

    page: int
    x_mm: float
    y_mm: float
    w_mm: float
    h_mm: float


@dataclass(frozen=True, slots=True)
class Placed:
    """One box on one page and the lines it must show there. Row boxes are named `7[0]`, `7[1]` by item."""

    box: str
    rect: Rect
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """An unsigned PDF that was inspected, and where everything is.

    `signature` is the space for the visible signature field; `qr` that of the code without its quiet zone.
    """

    pdf: bytes = field(repr=False)
    pages: int
    placed: tuple[Placed, ...] = field(repr=False)
    qr: Rect
    signature: Rect

    @property
    def sha256(self) -> str:
        """The hash that the signatory is shown and that signing binds."""
        return hashlib.sha256(self.pdf).hexdigest()
