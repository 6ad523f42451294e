"""What the rules of origin look at: one line of goods with everything that a test may ask about it, whoever told it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property

from engine.application import Kind
from engine.contracts.origin import Outcome
from engine.filing.origin.cited import Cited, Suppliers
from engine.filing.origin.materials import Lots, Material, lots_of, shifted

__all__ = ["HEADS", "Goods", "Heads"]

HEADS = ("originating_materials", "direct_labour", "direct_overhead", "profit", "freight_to_port")


@dataclass(frozen=True, slots=True)
class Heads:
    """The heads of cost beside the materials, as far as they are known."""

    originating_materials: Decimal | None = None
    direct_labour: Decimal | None = None
    direct_overhead: Decimal | None = None
    profit: Decimal | None = None
    freight_to_port: Decimal | None = None


@dataclass(frozen=True)
class Goods:
    """One line of goods with everything that a test of origin may ask about it. Amounts are in one currency.

    `complete`: the materials are all there are, as on a cost sheet. `scale`: what the sheet's amounts were multiplied by.
    `paths` says where a fact stands in the file, by its first key; facts that are not named stand below `path`. Without a
    shipment (a cost sheet by itself) nothing is asked about the consignment. `on` is the day whose product rules count.

    `cited` is the sheet that the line rests on. `band`: the lowest and the highest FOB value by which the goods are judged, so
    that only what is the same at both is decided. `told`: the same goods as whoever cites another firm's sheet may hear of them.
    """

    hs: str
    country: str
    fob: Decimal
    ex_works: Decimal | None = None
    materials: tuple[Material, ...] = field(default=(), repr=False)
    costs: Heads = Heads()
    net_weight_kg: Decimal | None = None
    final_process_in_india: bool = True
    manufactured_by_exporter: bool | None = None
    operations: tuple[str, ...] = ()
    evidence: str | None = None
    path: str = ""
    kind: Kind = Kind.NEW
    destination: str | None = None
    discharge_country: str | None = None
    transit: tuple[str, ...] = ()
    transit_evidence: str | None = None
    third_party: bool = False
    shipment: bool = False
    complete: bool = False
    scale: Decimal = Decimal(1)
    on: date | None = None
    cited: Cited | None = None
    band: tuple[Decimal, Decimal] | None = None
    told: "Goods | None" = field(default=None, repr=False, compare=False)
    suppliers: Suppliers = field(default_factory=Suppliers, repr=False, compare=False)
    paths: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    _shifts: dict[object, Mapping[Outcome, Lots]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def where(self, key: str) -> str:
        """The path of a fact in the file: `fob`, `hs`, `ex_works`, `costs.profit`, `inputs`, `evidence` and so on."""
        return self.paths.get(key) or self.path + key

    @cached_property
    def lots(self) -> Lots:
        """The materials by country and mark."""
        return lots_of(self.materials)

    def shifts(self, digits: int, but_not: tuple[tuple[str, str], ...] = ()) -> Mapping[Outcome, Lots]:
        """The materials by whether their code differs from that of the goods in so many digits, worked out once for all schemes."""
        key = (digits, but_not)
        if key not in self._shifts:
            self._shifts[key] = shifted(self.materials, self.hs, digits, but_not)
        return self._shifts[key]

    def anywhere(self) -> "Goods":
        """The goods by themselves, before they are shipped anywhere."""
        return replace(self, destination=None, shipment=False, told=self.told and self.told.anywhere())

    def at(self, fob: Decimal) -> "Goods":
        """The goods at that FOB value alone."""
        return replace(self, fob=fob, band=None, told=None)

    def shown_by(self, sheets: Collection[str]) -> "Goods":
        """The goods with no more materials of suppliers' sheets originating than those that the sheets named are for."""
        materials = tuple(
            part
            if part.cost_sheet is None or (part.cost_sheet in sheets and self.suppliers.shows(part.cost_sheet, part.hs))
            else replace(part, originating=False)
            for part in self.materials
        )
        return replace(self, materials=materials)
