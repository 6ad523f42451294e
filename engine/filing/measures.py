"""Units of mass: which unit codes of an invoice mean one, and how many kilograms each is."""

from decimal import Decimal

__all__ = ["kilograms"]

# The unit of a quantity is free text, so only codes that mean one thing are here: the unit quantity codes of Indian customs
# (KGS, GMS, MTS, QTL, TON), those of UN/ECE Recommendation 20 (KGM, GRM, TNE, DTN, LBR), and the plain words.
_KILOGRAMS = {
    **dict.fromkeys(("KG", "KGS", "KGM", "KILOGRAM", "KILOGRAMS"), Decimal(1)),
    **dict.fromkeys(("G", "GM", "GMS", "GRM", "GRAM", "GRAMS"), Decimal("0.001")),
    **dict.fromkeys(("QTL", "DTN", "QUINTAL", "QUINTALS"), Decimal(100)),
    **dict.fromkeys(("MT", "MTS", "TNE", "TONNE", "TONNES"), Decimal(1000)),
    **dict.fromkeys(("TON", "TONS"), Decimal("907.18474")),  # the lightest ton there is; a metric one weighs more
    **dict.fromkeys(("LB", "LBS", "LBR", "POUND", "POUNDS"), Decimal("0.45359237")),
}


def kilograms(unit: str) -> Decimal | None:
    """How many kilograms one of the unit is at least; None for a unit that measures no mass, or that nobody here knows."""
    return _KILOGRAMS.get(unit.strip(" .").upper())
