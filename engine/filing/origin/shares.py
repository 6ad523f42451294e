"""Shares of a whole, exactly: compared by cross-multiplication and divided only to be shown.

Promises that nothing is rounded before it is compared (an inexact step would raise, not round), and that what is shown
never claims more than is true: a content is rounded down, a non-originating share up, and a margin down.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext

__all__ = ["EXACT", "Share", "shown_amount", "total"]

# A sheet's amount of 19 digits, its rate of 20 and a line's quantity of 19, over 2,000 materials: 160 digits hold every product.
EXACT = Context(prec=160, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_HUNDRED = Decimal(100)
_CENT = Decimal("0.01")
_FOUR_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, never divided until it is shown; the whole is above zero."""

    part: Decimal
    whole: Decimal

    def margin(self, percent: Decimal) -> Decimal:
        """By how much the share exceeds the percentage, times the whole: its sign is exact."""
        with localcontext(EXACT):
            return self.part * _HUNDRED - percent * self.whole

    def below(self, other: "Share") -> bool:
        """Whether this share is the smaller one."""
        with localcontext(EXACT):
            return self.part * other.whole < other.part * self.whole

    @property
    def rest(self) -> "Share":
        """What remains of the whole."""
        with localcontext(EXACT):
            return Share(self.whole - self.part, self.whole)

    @property
    def percent_down(self) -> str:
        """Two decimals, rounded down: 34.9999 shows as 34.99."""
        return f"{_hundredths(self.margin(Decimal(0)), self.whole):f}"

    @property
    def percent_up(self) -> str:
        """Two decimals, rounded up: 65.0001 shows as 65.01."""
        return f"{-_hundredths(-self.margin(Decimal(0)), self.whole):f}"

    def points_over(self, percent: Decimal) -> str:
        """By how many percentage points the share exceeds the percentage, two decimals, rounded down."""
        return f"{_hundredths(self.margin(percent), self.whole):f}"

    def points_under(self, percent: Decimal) -> str:
        """By how many percentage points the share stays under the percentage, two decimals, rounded down."""
        return f"{_hundredths(-self.margin(percent), self.whole):f}"


def total(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    with localcontext(EXACT):
        return sum(amounts, Decimal(0))


def shown_amount(amount: Decimal, scale: Decimal) -> str:
    """An amount that was multiplied by the scale, as it stands in the file; one that does not end is cut to four decimals."""
    if scale == 1:
        return f"{amount:f}"
    with localcontext(Context(prec=EXACT.prec)):
        cut = (amount / scale).quantize(_FOUR_PLACES)
        exact = cut * scale == amount
        plain = cut.normalize()
        plain = plain.quantize(_CENT) if int(plain.as_tuple().exponent) > -2 else plain
    return f"{plain:f}" if exact else f"~{plain:f}"


def _hundredths(hundredfold: Decimal, whole: Decimal) -> Decimal:
    """A quotient cut to two decimals, towards minus infinity."""
    with localcontext(EXACT):
        units, rest = divmod(hundredfold * _HUNDRED, whole)
        found = (units - 1 if rest < 0 else units).scaleb(-2)
        return found if found else _CENT - _CENT
