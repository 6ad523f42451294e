"""What is drawn, and what a drawing is: bytes, their hash, and where each box landed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from engine.contracts.form import Filled, Form

__all__ = ["CleanImage", "DrawRequest", "Drawing", "ImageKind", "ImageRequest", "Mark", "Placed", "Rect"]


class Mark(StrEnum):
    """Words across the page: a preview before approval, a demonstration site's certificate, or none."""

    NONE = ""
    SPECIMEN = "SPECIMEN"
    DEMONSTRATION = "DEMONSTRATION"


class ImageKind(StrEnum):
    """What a picture is of."""

    STAMP = "stamp"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """A picture as it was uploaded: untrusted bytes."""

    kind: ImageKind
    data: bytes


@dataclass(frozen=True, slots=True)
class CleanImage:
    """A cleaned picture: PNG with alpha, one ink colour, at most 400 px a side, no metadata. Quality is 0 to 100."""

    png: bytes
    width_px: int
    height_px: int
    quality: int
    notes: tuple[str, ...] = ()


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
