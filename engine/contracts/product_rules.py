"""A product specific rule as data; `products` reads tables of them, and a scheme's `OriginRules` holds them."""

from datetime import date
from enum import StrEnum

import msgspec

__all__ = ["Condition", "ProductRule", "Require"]


class Require(StrEnum):
    """What one condition of a product rule asks for."""

    CC = "CC"
    CTH = "CTH"
    CTSH = "CTSH"
    WO = "WO"
    VA = "VA"
    SO = "SO"


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One condition: a change of classification, but not from the codes of `but_not`; wholly obtained; a value content of
    `pct`; or a specific operation in words."""

    require: Require
    pct: str | None = None
    but_not: tuple[tuple[str, str], ...] = ()
    operation: str = ""


class ProductRule(msgspec.Struct, frozen=True, kw_only=True):
    """A product specific rule: for goods of HS codes from `hs_from` to `hs_to` (same length, both included), in force from
    `valid_from` to `valid_until`. `ways` are alternatives, each a set of conditions that all must be met."""

    hs_from: str
    hs_to: str
    text: str
    ways: tuple[tuple[Condition, ...], ...]
    source: str
    valid_from: date | None = None
    valid_until: date | None = None

    def in_force(self, on: date) -> bool:
        """Whether the rule holds on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_until is None or on <= self.valid_until)

    def holds(self, hs: str) -> bool:
        """Whether every code that begins with these digits falls under the rule."""
        size = len(self.hs_from)
        return self.hs_from <= hs.ljust(size, "0")[:size] and hs.ljust(size, "9")[:size] <= self.hs_to

    def may_hold(self, hs: str) -> bool:
        """Whether some code that begins with these digits falls under the rule."""
        size = len(self.hs_from)
        return self.hs_from <= hs.ljust(size, "9")[:size] and hs.ljust(size, "0")[:size] <= self.hs_to

    @property
    def codes(self) -> str:
        """The codes as text: one, or the first and the last."""
        return self.hs_from if self.hs_from == self.hs_to else f"{self.hs_from}-{self.hs_to}"
