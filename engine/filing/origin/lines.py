"""Lines of goods, as an application tells them or as a cost sheet stands for them.

A line that cites a cost sheet takes the sheet's materials and costs scaled to the line without dividing: every amount of the
sheet times the line's quantity, the line's FOB value times the sheet's quantity, so that all shares stay exact.

Promises that another firm's sheet cannot be sounded out by trying prices: what is told of such goods is worked out from the
step of prices that the sheet's own lies in, whatever the line is worth: at most that step can be found out.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import ROUND_FLOOR, Context, Decimal, localcontext

from engine.application import Application, Item
from engine.cost_sheet import CostSheet
from engine.errors import Problem, Refused
from engine.filing.origin.cited import Cited, Suppliers
from engine.filing.origin.goods import HEADS, Goods, Heads
from engine.filing.origin.materials import Material
from engine.filing.origin.shares import EXACT, total

__all__ = ["citing_problems", "cost_total", "goods_of_item", "goods_of_sheet", "listed_originating"]

# Prices lie in steps of 5 %, whose edges are the same for every sheet. A line within two steps of the price of another firm's sheet
# is judged by the outer edges of those five; any other by prices so far off that only tests which hardly look at the price agree.
_STEP, _NEAR = Decimal("1.05"), 2
_FAR = (Decimal("0.0001"), Decimal(10000))
_EDGES = Context(prec=20)
_NO_STEP = 10_000


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


def goods_of_sheet(
    sheet: CostSheet, *, destination: str | None = None, on: date | None = None, suppliers: Suppliers | None = None
) -> Goods:
    """The product of a cost sheet, before any shipment of it; `on` is the day whose product rules count.

    A material that cites a sheet which is not among `suppliers` is not known to originate, nor not to.
    """
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
        suppliers=suppliers or Suppliers(),
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
    heads = [getattr(costs, head) for head in HEADS[1:]]
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
    home = f"{cited.reference}." if cited.own else f"{path}.origin.cost_sheet:"
    with localcontext(EXACT):
        times = Decimal(item.quantity.value)
        fob = item.fob * Decimal(sheet.quantity.value) * _rate(sheet, application.currency)
        theirs = Decimal(sheet.fob) * times
        ex_works = None if sheet.ex_works is None else Decimal(sheet.ex_works) * times
        weight = None if sheet.net_weight_kg is None else Decimal(sheet.net_weight_kg) * times
        goods = _line(
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
            manufactured_by_exporter=_first(origin.manufactured_by_exporter, None if cited.granted else sheet.manufactured_by_exporter),
            operations=origin.operations or sheet.operations,
            evidence=origin.evidence or sheet.evidence,
            complete=True,
            scale=times,
            cited=cited,
            suppliers=cited.suppliers,
            sheet_home=home,
        )
        return replace(goods, told=_told(goods, theirs)) if cited.granted else goods


def _told(goods: Goods, theirs: Decimal) -> Goods:
    """The goods at the price of the sheet, and at all prices between those by which they are judged."""
    step = _step(theirs, goods.scale)
    if abs(_step(goods.fob, goods.scale) - step) > _NEAR:
        return replace(goods, fob=theirs, band=(_FAR[0] * theirs, _FAR[1] * theirs))
    return replace(goods, fob=theirs, band=(_edge(step - _NEAR) * goods.scale, _edge(step + _NEAR + 1) * goods.scale))


def _step(amount: Decimal, scale: Decimal) -> int:
    """The step that a price lies in; the amount was multiplied by the scale. A price of nothing lies below all steps."""
    price = _EDGES.divide(amount, scale)
    if price <= 0:
        return -_NO_STEP
    step = int(_EDGES.divide(_EDGES.ln(price), _EDGES.ln(_STEP)).to_integral_value(ROUND_FLOOR))
    while _edge(step) > price:
        step -= 1
    while _edge(step + 1) <= price:
        step += 1
    return step


def _edge(step: int) -> Decimal:
    """Where a step begins."""
    return _EDGES.power(_STEP, step)


def _line(application: Application, item: Item, path: str, *, sheet_home: str | None = None, **facts: object) -> Goods:
    """A line with the consignment that it travels in."""
    travel = application.transport
    home = sheet_home or f"{path}.origin."
    paths = {"fob": f"{path}.value", "hs": f"{path}.hs", "transit_evidence": "transport.transit_evidence"}
    paths |= {key: home + key for key in ("ex_works", "net_weight_kg", "inputs")}
    paths |= {f"costs.{head}": f"{home}costs.{head}" for head in HEADS}
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
                part.cost_sheet,
            )
            for number, part in enumerate(sheet.inputs)
        )


def _heads(costs: object, times: Decimal) -> Heads:
    """The heads of cost that are stated, of an application's line or of a sheet."""
    stated = {head: getattr(costs, head, None) for head in HEADS}
    with localcontext(EXACT):
        return Heads(**{head: Decimal(amount) * times for head, amount in stated.items() if amount is not None})


def _decimal(amount: str | None) -> Decimal | None:
    return None if amount is None else Decimal(amount)


def _first(*values: bool | None) -> bool | None:
    return next((value for value in values if value is not None), None)
