"""All that is wrong with a cost sheet by itself: codes, countries, currencies and rates, weights, and prices that add up.

Pure: what a cited sheet of a supplier is worth, only the rows know (`citing`). Amounts are compared as they are written,
without rounding; where a rate stands between two currencies, a build-up may miss its price by one smallest unit for each
input that was converted.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal, localcontext

from engine.cost_sheet import CostSheet, SheetInput
from engine.errors import Problem
from engine.filing.checks.shipment import country_problem
from engine.filing.measures import kilograms
from engine.filing.origin.shares import EXACT
from engine.filing.places import currency_decimals
from engine.filing.reading import to_tree
from engine.filing.reading.text import shown
from engine.filing.reading.walking import Walk
from engine.filing.sheets.reading import SHEETS

__all__ = ["check_sheet"]

# Harmonised System: chapters 01 to 97 without 77; 98 and 99 are national.
_NO_CHAPTERS = frozenset({"00", "77"})
_HEADS = ("direct_labour", "direct_overhead", "profit")


def check_sheet(sheet: CostSheet) -> list[Problem]:
    """Everything that keeps the sheet from being kept; empty if nothing does."""
    walk = Walk(SHEETS.schema(), SHEETS.noun)
    walk.whole(to_tree(sheet))
    if walk.broken:  # made by hand, not by a reader
        return [*walk.broken, *walk.texts]
    problems = [*walk.texts, *_codes(sheet), *_above_zero(sheet), *_money(sheet), *_origins(sheet), *_weights(sheet)]
    return problems or list(_prices(sheet))


def _codes(sheet: CostSheet) -> Iterator[Problem]:
    codes = [("product.hs", sheet.product.hs), *((f"{box}.hs", part.hs) for box, part in _inputs(sheet))]
    for box, code in codes:
        if len(code) < 6:
            yield Problem(
                box, "HS digits", f"{box} has {len(code)} digits ({code}); a cost sheet needs 6 at least, down to the sub-heading."
            )
        if code[:2] in _NO_CHAPTERS:
            yield Problem(box, "HS chapter", f"{box} is {code}; the Harmonised System has no chapter {code[:2]}.")


def _above_zero(sheet: CostSheet) -> Iterator[Problem]:
    amounts = [("quantity.value", sheet.quantity.value), ("fob", sheet.fob), ("ex_works", sheet.ex_works)]
    amounts += [("net_weight_kg", sheet.net_weight_kg)]
    amounts += [(f"rates[{n}].rate", rate.rate) for n, rate in enumerate(sheet.rates)]
    for box, part in _inputs(sheet):
        amounts += [(f"{box}.value", part.value), (f"{box}.weight_kg", part.weight_kg)]
        amounts += [(f"{box}.quantity.value", part.quantity.value)] if part.quantity else []
    for box, amount in amounts:
        if amount is not None and Decimal(amount) <= 0:
            yield Problem(box, "above zero", f"{box} is {amount}; it must be above zero.")


def _money(sheet: CostSheet) -> Iterator[Problem]:
    """Currencies that exist, one rate for each that is used, and none for the sheet's own."""
    named = [("currency", sheet.currency), *((f"rates[{n}].currency", rate.currency) for n, rate in enumerate(sheet.rates))]
    named += [(f"{box}.currency", part.currency) for box, part in _inputs(sheet) if part.currency]
    for box, code in named:
        if currency_decimals(code) is None:
            yield Problem(box, "ISO 4217 currency", f"{box} is {code}, which is the code of no currency.")
    counted = Counter(rate.currency for rate in sheet.rates)
    for n, rate in enumerate(sheet.rates):
        box = f"rates[{n}].currency"
        if rate.currency == sheet.currency:
            yield Problem(
                box, "no rate for the sheet's own currency", f"{box} is {rate.currency}, the sheet's own currency; remove the rate."
            )
        elif counted[rate.currency] > 1:
            yield Problem(box, "one rate for a currency", f"{box}: {rate.currency} has {counted[rate.currency]} rates; keep one.")
    for box, part in _inputs(sheet):
        if part.currency and part.currency != sheet.currency and part.currency not in counted:
            say = (
                f"{box}.currency is {part.currency}, and the sheet is in {sheet.currency}; "
                f"add the rate of {part.currency} to rates, or give the value in {sheet.currency}."
            )
            yield Problem(f"{box}.currency", "a rate for every currency", say)


def _origins(sheet: CostSheet) -> Iterator[Problem]:
    """Countries that exist; and what a supplier's sheet shows, the input must claim: that it originates in India."""
    for box, part in _inputs(sheet):
        yield from country_problem(f"{box}.country", part.country)
        if part.cost_sheet and not part.originating:
            say = f"{box} cites a cost sheet, which shows that the material originates, but is not marked originating; mark it, or leave cost_sheet out."
            yield Problem(f"{box}.originating", "cited and originating", say)
        if part.cost_sheet and part.country != "IN":
            say = f"{box} cites a cost sheet of a maker in India, but its country is {part.country}; correct one of them."
            yield Problem(f"{box}.country", "cited and from India", say)


def _weights(sheet: CostSheet) -> Iterator[Problem]:
    """A net weight is no less than a quantity that is given in a unit of mass."""
    weighed = [("net_weight_kg", sheet.net_weight_kg, sheet.quantity)]
    weighed += [(f"{box}.weight_kg", part.weight_kg, part.quantity) for box, part in _inputs(sheet) if part.quantity]
    for box, weight, quantity in weighed:
        one = kilograms(quantity.unit)
        if weight is None or one is None:
            continue
        with localcontext(EXACT):
            least = Decimal(quantity.value) * one
        if Decimal(weight) < least:
            amount = f"{quantity.value} {shown(quantity.unit).strip(chr(39))}"
            say = f"{box} is {weight}, but {amount} are {least.normalize():f} kg; correct the weight, the quantity or its unit."
            yield Problem(box, "weight of the quantity", say)


def _prices(sheet: CostSheet) -> Iterator[Problem]:
    """Materials, labour, overhead and profit make the ex-works price; with the freight to the port, no more than FOB."""
    with localcontext(EXACT):
        made, slack = _build_up(sheet), _slack(sheet)
        freight = Decimal(sheet.costs.freight_to_port or 0)
        fob = Decimal(sheet.fob)
        if sheet.ex_works is None:
            yield from _over("costs", "materials, costs and freight", made + freight, "the FOB value", fob, sheet, slack)
            return
        price = Decimal(sheet.ex_works)
        over = list(_over("ex_works", "materials, labour, overhead and profit", made, "the ex-works price", price, sheet, slack))
        if not over and price - made > slack and all(getattr(sheet.costs, head) is not None for head in _HEADS):
            say = (
                f"ex_works is {_plain(price)}, but materials, labour, overhead and profit add up to {_plain(made)}: "
                f"{_plain(price - made)} {sheet.currency} are in no head of cost. Correct the price or the heads."
            )
            over.append(Problem("ex_works", "heads make the ex-works price", say))
        yield from over
        yield from _over("fob", "the ex-works price and the freight to the port", price + freight, "the FOB value", fob, sheet, Decimal(0))


def _over(box: str, what: str, total: Decimal, price: str, limit: Decimal, sheet: CostSheet, slack: Decimal) -> Iterable[Problem]:
    """A problem if parts are worth more than their whole: no share is above 100 %."""
    if total - limit > slack:
        say = (
            f"{box}: {what} add up to {_plain(total)}, which is {_plain(total - limit)} {sheet.currency} more than {price} {_plain(limit)}; "
            "no part of a price exceeds 100 %."
        )
        yield Problem(box, "parts within their price", say)


def _build_up(sheet: CostSheet) -> Decimal:
    rates = {rate.currency: Decimal(rate.rate) for rate in sheet.rates}
    materials = (Decimal(part.value) * rates.get(part.currency or "", Decimal(1)) for part in sheet.inputs)
    return sum(materials, Decimal(0)) + sum((Decimal(getattr(sheet.costs, head) or 0) for head in _HEADS), Decimal(0))


def _slack(sheet: CostSheet) -> Decimal:
    """One smallest unit of the currency for each input that was converted."""
    converted = sum(1 for part in sheet.inputs if part.currency not in (None, sheet.currency))
    return converted * Decimal(1).scaleb(-(currency_decimals(sheet.currency) or 0))


def _inputs(sheet: CostSheet) -> Iterator[tuple[str, SheetInput]]:
    for number, part in enumerate(sheet.inputs):
        yield f"inputs[{number}]", part


def _plain(amount: Decimal) -> str:
    """An amount without zeros that say nothing, and never as a power of ten."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
