"""Materials in lots: those of one country that are marked alike, with their sums, so that every scheme adds up lots, not materials."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from engine.contracts.origin import Outcome
from engine.filing.origin.shares import total

__all__ = ["Account", "Lot", "Lots", "Material", "counted", "first_of", "lots_of", "shifted", "union"]

MOST_NAMED = 20
"""How many materials a finding names one by one."""


@dataclass(frozen=True, slots=True)
class Material:
    """A material: `originating` as it is declared; whether that counts is the scheme's. `path` is where it stands in the file.

    `cost_sheet` is the supplier's sheet that is to show that it originates.
    """

    description: str
    hs: str
    country: str
    value: Decimal
    originating: bool = False
    weight_kg: Decimal | None = None
    path: str = "inputs[0]"
    cost_sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Lot:
    """Materials of one country that are marked alike. The weight is None if one of them is not weighed."""

    materials: tuple[Material, ...]
    value: Decimal
    weight_kg: Decimal | None


Lots = Mapping[tuple[str, bool], Lot]
"""Lots by country and by whether they are marked as originating."""


def lots_of(materials: Iterable[Material]) -> Lots:
    """The materials in their lots."""
    sorted_out: dict[tuple[str, bool], list[Material]] = {}
    for material in materials:
        sorted_out.setdefault((material.country, material.originating), []).append(material)
    return {key: _lot(tuple(found)) for key, found in sorted_out.items()}


def union(*many: Lots) -> Lots:
    """Lots of disjoint materials together."""
    full = [lots for lots in many if lots]
    return full[0] if len(full) == 1 else lots_of(material for lots in full for lot in lots.values() for material in lot.materials)


def counted(lots: Lots) -> int:
    """How many materials there are."""
    return sum(len(lot.materials) for lot in lots.values())


def first_of(lots: Lots) -> list[Material]:
    """The first materials, in the order of their lots: as many as a finding names."""
    found: list[Material] = []
    for lot in lots.values():
        found += lot.materials[:MOST_NAMED]
    return found[:MOST_NAMED]


def shifted(materials: Iterable[Material], goods: str, digits: int, but_not: tuple[tuple[str, str], ...]) -> Mapping[Outcome, Lots]:
    """The materials by outcome: whether their code differs from that of the goods in so many digits and is none of `but_not`."""
    known: dict[str, Outcome] = {}
    by_outcome: dict[Outcome, list[Material]] = {}
    for material in materials:
        outcome = known.get(material.hs)
        if outcome is None:
            outcome = known[material.hs] = _shift(material.hs, goods, digits, but_not)
        by_outcome.setdefault(outcome, []).append(material)
    return {outcome: lots_of(found) for outcome, found in by_outcome.items()}


def _shift(material: str, goods: str, digits: int, but_not: tuple[tuple[str, str], ...]) -> Outcome:
    """Codes that differ in the digits they have differ for certain; equal ones must have all the digits to be the same."""
    shared = min(len(material), len(goods), digits)
    if material[:shared] == goods[:shared]:
        return Outcome.FAILS if shared == digits else Outcome.UNDECIDED
    return Outcome.PASSES if not but_not else min((_outside(material, *span) for span in but_not), key=_GRAVEST)


_GRAVEST = [Outcome.FAILS, Outcome.UNDECIDED, Outcome.PASSES].index


def _outside(code: str, first: str, last: str) -> Outcome:
    """Whether a code lies outside a span of codes; a shorter one may lie on either side."""
    size = min(len(code), len(first))
    if not first[:size] <= code[:size] <= last[:size]:
        return Outcome.PASSES
    inside = len(code) >= len(first) or first[:size] < code[:size] < last[:size]
    return Outcome.FAILS if inside else Outcome.UNDECIDED


def _lot(materials: tuple[Material, ...]) -> Lot:
    weights = [material.weight_kg for material in materials]
    known = [weight for weight in weights if weight is not None]
    return Lot(materials, total(material.value for material in materials), total(known) if len(known) == len(weights) else None)


class Account:
    """The materials as one scheme counts them: India's originating ones originate, and a partner's where it cumulates."""

    def __init__(self, lots: Lots, cumulated: Callable[[str], bool]) -> None:
        self.lots = lots
        originating = {key for key in lots if key[1] and (key[0] == "IN" or cumulated(key[0]))}
        self._originating = frozenset(originating)
        self.cumulated = any(country != "IN" for country, _ in originating)
        self.uncounted = any(key[1] for key in lots if key not in originating)
        self.non_originating = total(lot.value for key, lot in lots.items() if key not in originating)
        self.originating = total(lots[key].value for key in originating)
        self.of_partners = total(lots[key].value for key in originating if key[0] != "IN")
        self.not_our_own = total(lot.value for key, lot in lots.items() if key[0] != "IN" or key not in originating)

    def not_originating(self, lots: Lots) -> Lots:
        """Those of the lots whose materials do not originate."""
        return {key: lot for key, lot in lots.items() if key not in self._originating}
