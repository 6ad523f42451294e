"""What a fee comes to with its tax, in whole paise and with nothing lost: the break-up that an order freezes."""

from dataclasses import dataclass
from enum import StrEnum

from engine.money.fees.tables import Rounding
from engine.people.states import taxes_by_union

__all__ = ["Breakup", "Supply", "break_up", "rupees", "supply_of"]

_BP = 10_000


class Supply(StrEnum):
    """Whether office and exporter are in one state (CGST and SGST, or UTGST) or in two (IGST)."""

    INTRA_STATE = "intra"
    INTER_STATE = "inter"


@dataclass(frozen=True, slots=True)
class Breakup:
    """A fee and each part of its tax. `local_name` is SGST, or UTGST where the office is in a union territory without legislature."""

    base_paise: int
    cgst_paise: int
    sgst_paise: int
    igst_paise: int
    gst_rate_bp: int
    sac: str
    rounding: Rounding
    supply: Supply
    local_name: str = "SGST"

    @property
    def tax_paise(self) -> int:
        """All parts of the tax."""
        return self.cgst_paise + self.sgst_paise + self.igst_paise

    @property
    def total_paise(self) -> int:
        """What is owed: the fee and the parts of its tax as they were rounded."""
        return self.base_paise + self.tax_paise

    @property
    def lines(self) -> tuple[tuple[str, int], ...]:
        """The parts with their names, as a receipt shows them."""
        half = percent(self.gst_rate_bp, halves=2)
        if not self.gst_rate_bp:
            return (("Fee", self.base_paise),)
        if self.supply is Supply.INTER_STATE:
            return (("Fee", self.base_paise), (f"IGST {percent(self.gst_rate_bp)}", self.igst_paise))
        return (("Fee", self.base_paise), (f"CGST {half}", self.cgst_paise), (f"{self.local_name} {half}", self.sgst_paise))


def supply_of(office_state: str, gstin: str) -> Supply:
    """Where the supply is, by the state of the office and the state that an exporter's GSTIN begins with.

    Who has no GSTIN is supplied where the office is (IGST Act, section 12(2)(b)(ii)).
    """
    return Supply.INTER_STATE if gstin and gstin[:2] != office_state else Supply.INTRA_STATE


def break_up(amount_paise: int, *, gst_rate_bp: int, sac: str, rounding: Rounding, office_state: str, gstin: str = "") -> Breakup:
    """The break-up of a fee. Each part of the tax is rounded by itself, halves up, and the total is the sum of the parts."""
    supply = supply_of(office_state, gstin)
    half = _part(amount_paise * gst_rate_bp, 2 * _BP, rounding)
    whole = _part(amount_paise * gst_rate_bp, _BP, rounding)
    intra = supply is Supply.INTRA_STATE
    return Breakup(
        base_paise=amount_paise,
        cgst_paise=half if intra else 0,
        sgst_paise=half if intra else 0,
        igst_paise=0 if intra else whole,
        gst_rate_bp=gst_rate_bp,
        sac=sac,
        rounding=rounding,
        supply=supply,
        local_name="UTGST" if taxes_by_union(office_state) else "SGST",
    )


def _part(numerator: int, divisor: int, rounding: Rounding) -> int:
    unit = 100 if rounding is Rounding.RUPEE else 1
    return (2 * numerator + divisor * unit) // (2 * divisor * unit) * unit


def percent(rate_bp: int, *, halves: int = 1) -> str:
    """A rate for people: 18 %, 2.5 %; with `halves` 2, half of it."""
    thousandths = rate_bp * 10 // halves
    text = f"{thousandths // 1000}.{thousandths % 1000:03d}".rstrip("0").rstrip(".")
    return f"{text} %"


def rupees(paise: int) -> str:
    """An amount for people, with the Indian groups of digits: 1,23,456.78."""
    whole, rest = divmod(abs(paise), 100)
    digits = str(whole)
    head, tail = digits[:-3], digits[-3:]
    groups = []
    while head:
        groups.append(head[-2:])
        head = head[:-2]
    return f"{'-' if paise < 0 else ''}{','.join([*reversed(groups), tail])}.{rest:02d}"
