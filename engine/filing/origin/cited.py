"""Cost sheets that goods rest on: the one that a line of an application cites, and the suppliers' sheets beneath it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.contracts.origin import CitedSheet, Outcome
from engine.cost_sheet import CostSheet

__all__ = ["Cited", "Suppliers"]


@dataclass(frozen=True, slots=True)
class Suppliers:
    """The sheets that others rest on, by reference, however deep; `verdicts` is what was found about them so far, by scheme, form
    version, destination and reference."""

    sheets: Mapping[str, "Cited"] = field(default_factory=dict, repr=False)
    verdicts: dict[tuple[str, str, str | None, str], tuple[Outcome, str]] = field(default_factory=dict, repr=False, compare=False)
    goods: dict[tuple[str, str | None], Any] = field(default_factory=dict, repr=False, compare=False)

    def shows(self, reference: str, hs: str) -> bool:
        """Whether that sheet is for goods of the code, as far as all countries share codes: in six digits."""
        cited = self.sheets.get(reference)
        shared = min(len(hs), len(cited.sheet.product.hs), 6) if cited else 0
        return cited is None or cited.sheet.product.hs[:shared] == hs[:shared]


@dataclass(frozen=True, slots=True)
class Cited:
    """An approved version of a cost sheet that a line may cite. Not `own`: whoever asks may learn the verdict, never the costs.

    `granted`: its owner is another firm than the one that cites it, so that the price of the line is not its owner's either.
    """

    sheet: CostSheet
    reference: str
    version: int
    sha256: str
    own: bool
    granted: bool
    suppliers: Suppliers = field(default_factory=Suppliers, repr=False, compare=False)

    @property
    def pinned(self) -> CitedSheet:
        """What a finding keeps of it."""
        return CitedSheet(self.reference, self.version, self.sha256)
