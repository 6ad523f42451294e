"""What a specimen sheet shows: an agency's stamps and signatures, decided before. Plain data; `specimen_pages` draws it."""

from dataclasses import dataclass, field
from datetime import date

from engine.contracts.drawing import Mark

__all__ = ["SheetHand", "SheetOffice", "SheetPicture", "SpecimenSheet"]


@dataclass(frozen=True, slots=True)
class SheetPicture:
    """A cleaned picture as PNG, and the words below or beside it: since when, and until when if it is over."""

    png: bytes = field(repr=False)
    since: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class SheetHand:
    """An officer; without pictures the sheet says that there is none."""

    name: str
    designation: str
    pictures: tuple[SheetPicture, ...]


@dataclass(frozen=True, slots=True)
class SheetOffice:
    """An office: its name with the code, where it is, its stamps and its officers."""

    name: str
    place: str
    stamps: tuple[SheetPicture, ...]
    officers: tuple[SheetHand, ...]


@dataclass(frozen=True, slots=True)
class SpecimenSheet:
    """A whole sheet. `day` is the day it speaks of and `made` the moment it was made, in words; `dated` goes into the file."""

    agency: str
    code: str
    day: str
    made: str
    dated: date
    offices: tuple[SheetOffice, ...]
    mark: Mark = Mark.NONE
