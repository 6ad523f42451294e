"""A part of a fee with its tax, when a part of the fee goes back: to the paisa, so that all parts together are the whole."""

from dataclasses import dataclass

__all__ = ["Parts", "share"]


@dataclass(frozen=True, slots=True)
class Parts:
    """A sum and what it is made of."""

    base_paise: int
    cgst_paise: int = 0
    sgst_paise: int = 0
    igst_paise: int = 0

    @property
    def total_paise(self) -> int:
        """All of it."""
        return self.base_paise + self.cgst_paise + self.sgst_paise + self.igst_paise

    def less(self, other: "Parts") -> "Parts":
        """What is left of it without the other."""
        return Parts(
            self.base_paise - other.base_paise,
            self.cgst_paise - other.cgst_paise,
            self.sgst_paise - other.sgst_paise,
            self.igst_paise - other.igst_paise,
        )


def share(left: Parts, amount_paise: int) -> Parts:
    """What `amount_paise` out of what is left of a sum are made of: each tax in proportion, rounded down, and the base is the rest.

    However often a sum is parted, no part is negative, none is more than is left of it, and all of them together make the whole.
    """
    total = left.total_paise
    if not 0 < amount_paise <= total:
        raise ValueError("A share lies within what is left of the whole.")
    taxes = [left.cgst_paise, left.sgst_paise, left.igst_paise]
    shares = [tax * amount_paise // total for tax in taxes]
    over = max(0, amount_paise - sum(shares) - left.base_paise)  # some paise of rounding for which the base has no room
    for index, tax in enumerate(taxes):
        more = min(over, tax - shares[index])
        shares[index] += more
        over -= more
    return Parts(amount_paise - sum(shares), *shares)
