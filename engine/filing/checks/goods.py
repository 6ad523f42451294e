"""The goods line by line: HS codes, amounts, weights, and a cost sheet that adds up."""

from collections.abc import Iterable
from decimal import Decimal

from engine.application import Application, Item, Kind
from engine.contracts.form import Form
from engine.errors import Problem
from engine.filing.checks.shipment import country_problem
from engine.filing.measures import kilograms
from engine.filing.origin.lines import cost_total, listed_originating
from engine.filing.places import currency_decimals, is_country

__all__ = ["goods_problems"]

# Harmonised System: chapters 01 to 97 without 77; 98 and 99 are national.
_NO_CHAPTERS = frozenset({"00", "77"})


def goods_problems(application: Application, form: Form) -> list[Problem]:
    """What is wrong with the lines of the goods."""
    decimals = currency_decimals(application.currency)
    problems: list[Problem] = []
    for index, item in enumerate(application.items):
        path = f"items[{index}]"
        problems += [
            *_hs(item, path, form),
            *_amounts(item, path),
            *_weight(item, path),
            *_decimals(item, path, application.currency, decimals),
            *_ground(item, path, form),
            *_origin_country(application, item, path),
            *_inputs(item, path, form),
            *_ex_works(item, path),
            *_cost_sheet(item, path),
        ]
    return problems


def _hs(item: Item, path: str, form: Form) -> Iterable[Problem]:
    if len(item.hs) not in form.hs_digits:
        allowed = " or ".join(map(str, form.hs_digits))
        say = f"{path}.hs has {len(item.hs)} digits ({item.hs}); {form.scheme} takes {allowed}."
        yield Problem(f"{path}.hs", "HS digits of the scheme", say)
    codes = [(f"{path}.hs", item.hs), *((f"{path}.origin.inputs[{n}].hs", part.hs) for n, part in enumerate(item.origin.inputs))]
    for box, code in codes:
        if code[:2] in _NO_CHAPTERS:
            yield Problem(box, "HS chapter", f"{box} is {code}; the Harmonised System has no chapter {code[:2]}.")


def _amounts(item: Item, path: str) -> Iterable[Problem]:
    amounts = [
        (f"{path}.value", item.value),
        (f"{path}.gross_weight_kg", item.gross_weight_kg),
        (f"{path}.quantity.value", item.quantity.value),
        *((f"{path}.origin.inputs[{n}].value", part.value) for n, part in enumerate(item.origin.inputs)),
    ]
    for box, amount in amounts:
        if Decimal(amount) <= 0:
            yield Problem(box, "above zero", f"{box} is {amount}; it must be above zero.")


def _weight(item: Item, path: str) -> Iterable[Problem]:
    """A line weighs no less with its packing than without: a quantity in a unit of mass is its net weight."""
    one, gross = kilograms(item.quantity.unit), Decimal(item.gross_weight_kg)
    if one is None or gross <= 0:
        return
    net = Decimal(item.quantity.value) * one
    if gross < net:
        say = f"{path}.gross_weight_kg is {item.gross_weight_kg}, but {item.quantity.value} {item.quantity.unit} are {net.normalize():f} kg before they are packed; correct the weight, the quantity or its unit."
        yield Problem(f"{path}.gross_weight_kg", "gross weight above the quantity", say)


def _decimals(item: Item, path: str, currency: str, decimals: int | None) -> Iterable[Problem]:
    written = len(item.value.partition(".")[2])
    if decimals is not None and written > decimals:
        say = f"{path}.value is {item.value}; amounts in {currency} have at most {decimals} decimals."
        yield Problem(f"{path}.value", "decimals of the currency", say)


def _ground(item: Item, path: str, form: Form) -> Iterable[Problem]:
    if form.origin.criterion(item.origin.criterion) is None:
        known = "; ".join(f"{criterion.code} ({criterion.meaning})" for criterion in form.origin.criteria)
        say = f"{path}.origin.criterion is no criterion of {form.scheme}; it knows {known}."
        yield Problem(f"{path}.origin.criterion", "criterion of the scheme", say)


def _origin_country(application: Application, item: Item, path: str) -> Iterable[Problem]:
    """Back-to-back goods come from another country, on another country's certificate; all others are tried as Indian."""
    box, origin = f"{path}.origin.country", item.origin
    yield from country_problem(box, origin.country)
    if application.kind is not Kind.BACK_TO_BACK:
        return
    if origin.country == "IN":
        yield Problem(box, "back-to-back", f"{box} is IN; a back-to-back certificate is for goods that originate in another country.")
    if not origin.evidence:
        say = f"{path}.origin.evidence is missing; it names the certificate of the first exporting country."
        yield Problem(f"{path}.origin.evidence", "back-to-back", say)


def _inputs(item: Item, path: str, form: Form) -> Iterable[Problem]:
    """Countries of the materials; one that originates comes from a party, and from India alone where nothing cumulates."""
    cumulation = form.origin.cumulation
    parties = {"IN"} if cumulation is None else {"IN", *(form.partners if cumulation.partners is None else cumulation.partners)}
    for index, part in enumerate(item.origin.inputs):
        box = f"{path}.origin.inputs[{index}]"
        yield from country_problem(f"{box}.country", part.country)
        if part.originating and is_country(part.country) and not parties & {part.country, "*"}:
            say = f"{box} is marked originating, but it comes from {part.country}, whose materials do not count as originating in {form.scheme}."
            yield Problem(f"{box}.originating", "cumulation", say)


def _ex_works(item: Item, path: str) -> Iterable[Problem]:
    """The FOB value is the ex-works price and what it costs to bring the goods on board."""
    price = item.origin.ex_works
    if price is not None and Decimal(price) > item.fob:
        say = f"{path}.origin.ex_works is {price}, more than the FOB value {item.value}, which includes it; correct one of them."
        yield Problem(f"{path}.origin.ex_works", "ex-works price within the FOB value", say)


def _cost_sheet(item: Item, path: str) -> Iterable[Problem]:
    total = cost_total(item)
    if total > item.fob:
        say = f"{path}: the cost sheet with the non-originating inputs adds up to {total:f}, more than the FOB value {item.value}."
        yield Problem(f"{path}.origin.costs", "cost sheet adds up", say)
    stated = item.origin.costs.originating_materials if item.origin.costs else None
    listed = listed_originating(item)
    if stated is not None and listed > Decimal(stated):
        say = f"{path}: the originating inputs listed add up to {listed:f}, more than originating_materials {stated}."
        yield Problem(f"{path}.origin.costs.originating_materials", "cost sheet adds up", say)
