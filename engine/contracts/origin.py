"""The finding of an origin check: line by line, with every step of its arithmetic. The rules it is tried against are `rules`'."""

from enum import StrEnum

import msgspec

__all__ = ["CitedSheet", "Finding", "Line", "Outcome", "Step"]


class Outcome(StrEnum):
    """What a check found; undecided never counts as either and goes to the officer with what is missing."""

    PASSES = "passes"
    FAILS = "fails"
    UNDECIDED = "undecided"


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One step: what it is, the working in numbers, and where the rule stands.

    For a comparison `figure` and `limit` are percentages, and `points` is the margin between them, negative where it misses:
    all decimal strings, shown rounded so that none claims more than is true. A step that fails and does not `decides` is an
    alternative that was not needed.
    """

    name: str
    working: str
    outcome: Outcome
    rule: str
    source: str | None = None
    figure: str | None = None
    limit: str | None = None
    points: str | None = None
    decides: bool = True


class CitedSheet(msgspec.Struct, frozen=True):
    """The approved version of a cost sheet that a line was worked out from."""

    reference: str
    version: int
    sha256: str


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """The finding for one line of the goods; every line must qualify by itself.

    `missing` are paths of the file, or what of the scheme's data is unset. `cumulated` tells whether materials of a partner
    were counted as originating. `sheet` is the cost sheet that stood for inputs and costs; whoever may not see its figures
    gets the steps without them, and `withheld` says so.
    """

    item: int
    criterion: str
    outcome: Outcome
    printed: str
    steps: tuple[Step, ...]
    missing: tuple[str, ...] = ()
    cumulated: bool = False
    sheet: CitedSheet | None = None
    withheld: bool = False


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the origin check found for the whole application: fails if a line fails, else undecided if one is.

    `products_sha256` is the hash of the product rules that were loaded for the scheme, empty if there were none.
    """

    scheme: str
    form_version: str
    outcome: Outcome
    lines: tuple[Line, ...]
    products_sha256: str = ""

    def for_applicant(self) -> "Finding":
        """The finding as the applicant may see it before the certificate is issued: what a withheld line would print or tick is told by the sheet too."""
        lines = tuple(msgspec.structs.replace(line, printed="", cumulated=False) if line.withheld else line for line in self.lines)
        return msgspec.structs.replace(self, lines=lines)
