"""What the rules of origin look at: one line of goods, whether an application tells it or a cost sheet stands for it.

A line that cites a cost sheet takes the sheet's materials and costs scaled to the line without dividing: every amount of the
sheet times the line's quantity, the line's FOB value times the sheet's quantity, so that all shares stay exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, localcontext
from functools import cached_property

from engine.application import Application, Item, Kind
from engine.contracts.origin import CitedSheet, Outcome
from engine.cost_sheet import CostSheet
from engine.errors import Problem, Refused
from engine.filing.origin.materials import Lots, Material, lots_of, shifted
from engine.filing.origin.shares import EXACT, total

__all__ = ["Cited", "Goods", "Heads", "citing_problems", "cost_total", "goods_of_item", "goods_of_sheet", "listed_originating"]

_HEADS = ("originating_materials", "direct_labour", "direct_overhead", "profit", "freight_to_port")


@dataclass(frozen=True, slots=True)
class Heads:
    """The heads of cost beside the materials, as far as they are known."""

    originating_materials: Decimal | None = None
    direct_labour: Decimal | None = None
    direct_overhead: Decimal | None = None
    profit: Decimal | None = None
    freight_to_port: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Cited:
    """An approved version of a cost sheet that a line may cite. Not `own`: whoever asks may learn the verdict, never the costs."""

    sheet: CostSheet
    reference: str
    version: int
    sha256: str
    own: bool

    @property
    def pinned(self) -> CitedSheet:
        """What a finding keeps of it."""
        return CitedSheet(self.reference, self.version, self.sha256)


@dataclass(frozen=True)
class Goods:
    """One line of goods with everything that a test of origin may ask about it. Amounts are in one currency.

    `complete`: the materials are all there are, as on a cost sheet. `scale`: what the sheet's amounts were multiplied by.
    `paths` says where a fact stands in the file, by its first key; facts that are not named stand below `path`. Without a
    shipment (a cost sheet by itself) nothing is asked about the consignment. `on` is the day whose product rules count.
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


def goods_of_item(application: Application, index: int, sheets: Mapping[str, Cited] | None = None) -> Goods:
    """The line of the application at that place. A sheet that is cited and not among `sheets` leaves inputs and costs out.

    Raises Refused with `citing_problems` if the sheet cannot stand for the line.
    """
    item = application.items[index]
    cited = (sheets or {}).get(item.origin.cost_sheet or "")
    if cited is None:
        return _by_itself(application, item, f"items[{index}]")
    if problems := _citing(application, item, f"items[{index}]", cited.sheet):
        raise Refused.because(problems)
    return _from_sheet(application, item, f"items[{index}]", cited)


def goods_of_sheet(sheet: CostSheet, *, destination: str | None = None, on: date | None = None) -> Goods:
    """The product of a cost sheet, before any shipment of it; `on` is the day whose product rules count."""
    one = Decimal(1)
    return Goods(
        hs=sheet.product.hs,
        country="IN",
        fob=Decimal(sheet.fob),
        ex_works=_decimal(sheet.ex_works),
        materials=_sheet_materials(sheet, one, ""),
        costs=_heads(sheet.costs, one),
        net_weight_kg=_decimal(sheet.net_weight_kg),
        final_process_in_india=sheet.final_process_in_india,
        manufactured_by_exporter=sheet.manufactured_by_exporter,
        operations=sheet.operations,
        evidence=sheet.evidence,
        destination=destination,
        complete=True,
        on=on,
        paths={"hs": "product.hs"},
    )


def citing_problems(application: Application, sheets: Mapping[str, Cited]) -> list[Problem]:
    """What keeps a cited sheet from standing for its line: another product, another unit, another currency without a rate."""
    problems: list[Problem] = []
    for index, item in enumerate(application.items):
        cited = sheets.get(item.origin.cost_sheet or "")
        if cited is not None:
            problems += _citing(application, item, f"items[{index}]", cited.sheet)
    return problems


def cost_total(item: Item) -> Decimal:
    """All that the line's costs add up to: the heads of cost and the non-originating materials."""
    costs = _heads(item.origin.costs, Decimal(1))
    materials = costs.originating_materials if costs.originating_materials is not None else listed_originating(item)
    foreign = [Decimal(part.value) for part in item.origin.inputs if not part.originating]
    heads = [getattr(costs, head) for head in _HEADS[1:]]
    return total([materials, *(amount for amount in heads if amount is not None), *foreign])


def listed_originating(item: Item) -> Decimal:
    """The originating materials among the listed inputs."""
    return total(Decimal(part.value) for part in item.origin.inputs if part.originating)


def _by_itself(application: Application, item: Item, path: str) -> Goods:
    """A line that tells its own inputs and costs."""
    origin = item.origin
    materials = tuple(
        Material(
            part.description,
            part.hs,
            part.country,
            Decimal(part.value),
            part.originating,
            _decimal(part.weight_kg),
            f"{path}.origin.inputs[{number}]",
        )
        for number, part in enumerate(origin.inputs)
    )
    return _line(
        application,
        item,
        path,
        fob=item.fob,
        ex_works=_decimal(origin.ex_works),
        materials=materials,
        costs=_heads(origin.costs, Decimal(1)),
        net_weight_kg=_decimal(origin.net_weight_kg),
        final_process_in_india=origin.final_process_in_india,
        manufactured_by_exporter=origin.manufactured_by_exporter,
        operations=origin.operations,
        evidence=origin.evidence,
    )


def _from_sheet(application: Application, item: Item, path: str, cited: Cited) -> Goods:
    """A line whose inputs and costs the sheet tells, for the sheet's quantity; both brought to one scale by multiplying."""
    sheet, origin = cited.sheet, item.origin
    own = cited.own
    home = f"{cited.reference}." if own else f"{path}.origin.cost_sheet:"
    with localcontext(EXACT):
        times = Decimal(item.quantity.value)
        fob = item.fob * Decimal(sheet.quantity.value) * _rate(sheet, application.currency)
        ex_works = None if sheet.ex_works is None else Decimal(sheet.ex_works) * times
        weight = None if sheet.net_weight_kg is None else Decimal(sheet.net_weight_kg) * times
        return _line(
            application,
            item,
            path,
            fob=fob,
            ex_works=ex_works,
            materials=_sheet_materials(sheet, times, home),
            costs=_heads(sheet.costs, times),
            net_weight_kg=weight,
            final_process_in_india=origin.final_process_in_india and sheet.final_process_in_india,
            # Who made the goods is the citing exporter's to say, unless the sheet is its own.
            manufactured_by_exporter=_first(origin.manufactured_by_exporter, sheet.manufactured_by_exporter if own else None),
            operations=origin.operations or sheet.operations,
            evidence=origin.evidence or sheet.evidence,
            complete=True,
            scale=times,
            sheet_home=home,
        )


def _line(application: Application, item: Item, path: str, *, sheet_home: str | None = None, **facts: object) -> Goods:
    """A line with the consignment that it travels in."""
    travel = application.transport
    home = sheet_home or f"{path}.origin."
    paths = {"fob": f"{path}.value", "hs": f"{path}.hs", "transit_evidence": "transport.transit_evidence"}
    paths |= {key: home + key for key in ("ex_works", "net_weight_kg", "inputs")}
    paths |= {f"costs.{head}": f"{home}costs.{head}" for head in _HEADS}
    return Goods(
        hs=item.hs,
        country=item.origin.country,
        path=f"{path}.origin.",
        kind=application.kind,
        destination=application.destination,
        discharge_country=travel.port_of_discharge[:2],
        transit=travel.transit,
        transit_evidence=travel.transit_evidence,
        third_party=application.third_party is not None,
        shipment=True,
        on=application.declaration.dated_on,
        paths=paths,
        **facts,  # type: ignore[arg-type]  # the facts of the two callers above
    )


def _citing(application: Application, item: Item, path: str, sheet: CostSheet) -> list[Problem]:
    problems = []
    unit, theirs = item.quantity.unit, sheet.quantity.unit
    if _unit(unit) != _unit(theirs):
        say = f"{path}.quantity.unit is {unit}, but the cost sheet that the line cites is for {theirs}; give the quantity in {theirs}."
        problems.append(Problem(f"{path}.quantity.unit", "unit of the cost sheet", say))
    elif Decimal(sheet.quantity.value) <= 0 or Decimal(item.quantity.value) <= 0:
        say = f"{path}.origin.cost_sheet: the quantity of the line and of the sheet must be above zero."
        problems.append(Problem(f"{path}.quantity.value", "above zero", say))
    if not _same_product(item.hs, sheet.product.hs):
        say = (
            f"{path}.hs is {item.hs}, but the cost sheet that the line cites is for HS {sheet.product.hs}; "
            "cite the sheet of these goods, or correct the code."
        )
        problems.append(Problem(f"{path}.hs", "product of the cost sheet", say))
    currency = application.currency
    if currency != sheet.currency and not any(rate.currency == currency for rate in sheet.rates):
        say = (
            f"{path}.origin.cost_sheet cites a sheet in {sheet.currency}, and the application is in {currency}; "
            f"add a rate for {currency} to the sheet."
        )
        problems.append(Problem(f"{path}.origin.cost_sheet", "one currency, or a rate", say))
    return problems


def _same_product(one: str, two: str) -> bool:
    """Whether two codes agree as far as all countries share them: in six digits."""
    shared = min(len(one), len(two), 6)
    return one[:shared] == two[:shared]


def _unit(unit: str) -> str:
    return unit.strip(" .").upper()


def _rate(sheet: CostSheet, currency: str | None) -> Decimal:
    """What one unit of the currency is worth in the sheet's."""
    if currency is None or currency == sheet.currency:
        return Decimal(1)
    for rate in sheet.rates:
        if rate.currency == currency:
            return Decimal(rate.rate)
    say = f"The cost sheet is in {sheet.currency} and has no rate for {currency}; add it to `rates`."
    raise Refused(say, box="rates", rule="a rate for every currency")


def _sheet_materials(sheet: CostSheet, times: Decimal, home: str) -> tuple[Material, ...]:
    rates = {currency: _rate(sheet, currency) for currency in {part.currency for part in sheet.inputs}}
    with localcontext(EXACT):
        return tuple(
            Material(
                part.description,
                part.hs,
                part.country,
                Decimal(part.value) * rates[part.currency] * times,
                part.originating,
                None if part.weight_kg is None else Decimal(part.weight_kg) * times,
                f"{home}inputs[{number}]",
            )
            for number, part in enumerate(sheet.inputs)
        )


def _heads(costs: object, times: Decimal) -> Heads:
    """The heads of cost that are stated, of an application's line or of a sheet."""
    stated = {head: getattr(costs, head, None) for head in _HEADS}
    with localcontext(EXACT):
        return Heads(**{head: Decimal(amount) * times for head, amount in stated.items() if amount is not None})


def _decimal(amount: str | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)


def _first(*values: bool | None) -> bool | None:
    return next((value for value in values if value is not None), None)
