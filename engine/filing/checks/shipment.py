"""The journey, the parties and the papers: countries, ports, invoices and currency of an application.

Only what surely contradicts itself or the world is refused. What may be right and deserves a look is `doubts`', and the
days are `dates`'.
"""

from collections import Counter
from collections.abc import Iterable

from engine.application import Application
from engine.contracts.form import Form
from engine.errors import Problem
from engine.filing.places import country_name, currency_decimals, is_country, is_locode, locode_country
from engine.filing.reading.text import shown

__all__ = ["country_problem", "shipment_problems"]


def shipment_problems(application: Application, form: Form) -> list[Problem]:
    """What is wrong with countries, ports, invoices and currency."""
    return [
        *_countries(application),
        *_destination(application, form),
        *_ports(application),
        *_invoices(application),
        *_currency(application),
    ]


def country_problem(box: str, code: str) -> Iterable[Problem]:
    """A problem if ISO 3166-1 has no such country."""
    if not is_country(code):
        yield Problem(box, "ISO 3166-1 country", f"{box} is {code}, which is the code of no country.")


def _countries(application: Application) -> Iterable[Problem]:
    yield from country_problem("consignee.country", application.consignee.country)
    yield from country_problem("destination", application.destination)
    if application.consignee.country == "IN":
        say = "consignee.country is IN; the goods leave India, so name the firm abroad that receives them."
        yield Problem("consignee.country", "consignee abroad", say)
    if application.third_party is not None:
        yield from _third_party(application.third_party.country)


def _third_party(code: str) -> Iterable[Problem]:
    """The forms speak of third-country and of non-party invoicing; India, the exporting party, is neither."""
    box = "third_party.country"
    yield from country_problem(box, code)
    if code == "IN":
        say = f"{box} is IN; third_party is a firm of a third country. Leave it out where an Indian firm invoices the goods."
        yield Problem(box, "third country", say)


def _destination(application: Application, form: Form) -> Iterable[Problem]:
    code = application.destination
    if code == "IN":
        yield Problem("destination", "partners of the scheme", "destination is IN; the goods of a certificate of origin leave India.")
    elif is_country(code) and not form.serves(code):
        say = f"{form.scheme} does not serve {country_name(code)}; it serves {', '.join(sorted(form.partners))}."
        yield Problem("destination", "partners of the scheme", say)


def _ports(application: Application) -> Iterable[Problem]:
    for key in ("port_of_loading", "port_of_discharge"):
        code, box = getattr(application.transport, key), f"transport.{key}"
        if not is_locode(code):
            say = f"{box} must be a UN/LOCODE: the country's two letters and three letters or digits 2 to 9, such as INNSA; it is {shown(code)}."
            yield Problem(box, "UN/LOCODE", say)
        elif key == "port_of_loading" and locode_country(code) != "IN":
            yield Problem(
                box, "loading in India", f"{box} is {code}; goods of Indian export are loaded in India, and its code begins with IN."
            )
        elif key == "port_of_discharge" and locode_country(code) == "IN":
            yield Problem(box, "discharge abroad", f"{box} is {code}; the goods are discharged outside India.")


def _invoices(application: Application) -> Iterable[Problem]:
    numbers = [invoice.number for invoice in application.invoices]
    used = {item.invoice for item in application.items}
    for index, number in enumerate(numbers):
        box = f"invoices[{index}].number"
        if number not in used:
            yield Problem(box, "every invoice is used", f"No item stands on the invoice {shown(number)}; remove it or name it in an item.")
        if Counter(numbers[: index + 1])[number] > 1:
            yield Problem(box, "invoices once", f"The invoice {shown(number)} is listed twice; keep one.")
    for index, item in enumerate(application.items):
        if item.invoice not in numbers:
            say = f"items[{index}].invoice is {shown(item.invoice)}, which is not among the invoices of the file."
            yield Problem(f"items[{index}].invoice", "invoice of the file", say)


def _currency(application: Application) -> Iterable[Problem]:
    if currency_decimals(application.currency) is None:
        say = f"currency is {application.currency}, which is the code of no money that one can invoice in."
        yield Problem("currency", "ISO 4217 currency", say)
