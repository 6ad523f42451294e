"""What each box of the form says: the application in the words of the page, by the name of the box's field.

Invents nothing: what is not in the application or in the scheme's data is not printed. Whether it fits and can be
drawn, the form says (`Form.problems`). Boxes that others fill (official use, declaration, certification) stay empty.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from engine.application import Application, Item
from engine.contracts.form import Box, Filled, Form
from engine.contracts.origin import Finding, Line
from engine.errors import PluginError
from engine.filing.places import country_name, currency_decimals

__all__ = ["endorsement", "fields", "fill", "money", "paper_date", "worded"]

Paragraphs = tuple[str, ...]

_MARK = re.compile(r"\{(\w+)\}")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def fill(application: Application, form: Form, finding: Finding) -> Filled:
    """The paragraphs of every box, before they are broken into lines: row boxes per item, all others once.

    Raises PluginError if form.toml names a field that nobody knows, or puts a field of the goods outside their table.
    """
    boxes = {box.no: _whole(box, form)(application, form) for box in form.boxes if not box.in_rows}
    columns = [(box.no, _column(box, form)) for box in form.boxes if box.in_rows]
    rows = tuple({no: column(application, form, line) for no, column in columns} for line in finding.lines)
    return Filled(boxes, rows)


def fields() -> tuple[frozenset[str], frozenset[str]]:
    """The names that form.toml may use: for boxes of the whole certificate, and for columns of the goods."""
    return frozenset(_WHOLE), frozenset(_COLUMNS)


def endorsement(application: Application, form: Form, *, replaced_on: date | None = None) -> str:
    """The words that the scheme puts on a certificate of this kind, or nothing where it has none or none is sourced.

    form.toml gives them as `endorsement_in_lieu`, `endorsement_duplicate`, `endorsement_retrospective`,
    `endorsement_back_to_back`. `{number}` and `{dated_on}` in the wording stand for the certificate that is replaced; `replaced_on` is its date.
    """
    wording = form.wording.get(f"endorsement_{application.kind.value.replace('-', '_')}", "")
    values = {"number": application.replaces or "", "dated_on": paper_date(replaced_on) if replaced_on else ""}
    for key, value in values.items():
        if "{" + key + "}" in wording and not value:
            raise PluginError(f"The wording {wording!r} of {form.scheme} needs {{{key}}}, and this certificate has none.")
    return _worded(wording, values)


def worded(application: Application) -> dict[str, str]:
    """What the sheet prints of the application outside the boxes, by the names that its texts use."""
    declared = application.declaration
    return {
        "declared_by": declared.name,
        "declared_place": declared.place,
        "declared_on": paper_date(declared.dated_on),
        "exporter_name": application.exporter.name,
        "origin_country": " / ".join(dict.fromkeys(_country(item.origin.country) for item in application.items)),
        "destination": _country(application.destination),
        "export_document": application.export_document or "",
    }


def paper_date(day: date) -> str:
    """The date as forms print it, in any locale: 21 NOV 2026."""
    return f"{day.day:02d} {_MONTHS[day.month - 1]} {day.year}"


def money(amount: str, currency: str) -> str:
    """The amount with its currency and all its decimals: USD 12600.00."""
    decimals = currency_decimals(currency) or 0
    value = Decimal(amount)
    exponent = min(-decimals, int(value.as_tuple().exponent))
    return f"{currency} {value.quantize(Decimal(1).scaleb(exponent)):f}"


def _country(code: str) -> str:
    return country_name(code) or code


def _whole(box: Box, form: Form) -> "Callable[[Application, Form], Paragraphs]":
    if box.field not in _WHOLE:
        raise PluginError(_unfit(box, form, _COLUMNS, "is a column of the goods: leave its lines out", _WHOLE))
    return _WHOLE[box.field]


def _column(box: Box, form: Form) -> "Callable[[Application, Form, Line], Paragraphs]":
    if box.field not in _COLUMNS:
        raise PluginError(_unfit(box, form, _WHOLE, "is no column of the goods: give it its lines", _COLUMNS))
    return _COLUMNS[box.field]


def _unfit(box: Box, form: Form, other: Mapping[str, object], say: str, known: Mapping[str, object]) -> str:
    if box.field in other:
        return f"form.toml of {form.scheme}: box {box.no} has the field {box.field!r}, which {say}."
    return f"form.toml of {form.scheme}: box {box.no} has the unknown field {box.field!r}; known are {', '.join(sorted(known))}."


# --- boxes of the whole certificate ------------------------------------------------------------


def _firm(name: str, address: str, country: str) -> Paragraphs:
    return (name, *address.split("\n"), country_name(country))


def _port(code: str, name: str | None) -> str:
    return f"{name} ({code})" if name else code


def _exporter(application: Application, form: Form) -> Paragraphs:
    return _firm(application.exporter.name, application.exporter.address, "IN")


def _exporter_contact(application: Application, form: Form) -> Paragraphs:
    """The exporter, and how to reach the firm: e-mail on one line, telephone and fax on another."""
    exporter = application.exporter
    mail = (f"E-mail: {exporter.email}",) if exporter.email else ()
    called = [f"{label}: {number}" for label, number in (("Tel.", exporter.telephone), ("Fax", exporter.fax)) if number]
    return (*_exporter(application, form), *mail, *([", ".join(called)] if called else []))


def _producer(application: Application, form: Form) -> Paragraphs:
    producer = application.producer
    return _firm(producer.name, producer.address, producer.country) if producer else ()


def _consignee(application: Application, form: Form) -> Paragraphs:
    consignee = application.consignee
    tax = (f"Tax ID: {consignee.tax_id}",) if consignee.tax_id else ()
    return (*_firm(consignee.name, consignee.address, consignee.country), *tax)


def _transport(application: Application, form: Form) -> Paragraphs:
    journey = application.transport
    voyage = f", voyage {journey.voyage}" if journey.voyage else ""
    route = (f"Route: {journey.route}",) if journey.route else ()
    return (
        f"Departure date: {paper_date(journey.departs_on)}",
        f"Vessel's name/Aircraft etc.: {journey.vessel}{voyage}",
        f"Port of Discharge: {_port(journey.port_of_discharge, journey.port_of_discharge_name)}",
        *route,
    )


def _third_party(application: Application, form: Form) -> Paragraphs:
    party = application.third_party
    return _firm(party.name, party.address, party.country) if party else ()


def _invoices(application: Application, form: Form) -> Paragraphs:
    return ("; ".join(f"{invoice.number} {paper_date(invoice.dated_on)}" for invoice in application.invoices),)


def _remarks(application: Application, form: Form) -> Paragraphs:
    """The exporter's remarks, and the invoicing firm of a third country where the scheme has its words for it here."""
    return (*_optional(application.remarks), *_third_party_words(application, form, "remarks"))


def _optional(text: str | None) -> Paragraphs:
    return (text,) if text else ()


def _loading(application: Application, form: Form) -> Paragraphs:
    return (_port(application.transport.port_of_loading, application.transport.port_of_loading_name),)


def _discharge(application: Application, form: Form) -> Paragraphs:
    return (_port(application.transport.port_of_discharge, application.transport.port_of_discharge_name),)


def _gross_weight_total(application: Application, form: Form) -> Paragraphs:
    total = sum((Decimal(item.gross_weight_kg) for item in application.items), Decimal(0))
    return (f"{total:f} KG",)


def _origin_countries(application: Application, form: Form) -> Paragraphs:
    return tuple(dict.fromkeys(country_name(item.origin.country) for item in application.items))


def _supporting_documents(application: Application, form: Form) -> Paragraphs:
    """The documents that show where the goods originate, each once."""
    return tuple(dict.fromkeys(item.origin.evidence for item in application.items if item.origin.evidence))


def _nothing(application: Application, form: Form) -> Paragraphs:
    """A box that the sheet, an officer or another administration fills."""
    return ()


_WHOLE: Mapping[str, Callable[[Application, Form], Paragraphs]] = {
    "exporter": _exporter,
    "exporter_contact": _exporter_contact,
    "producer": _producer,
    "consignee": _consignee,
    "transport": _transport,
    "port_of_loading": _loading,
    "port_of_discharge": _discharge,
    "destination": lambda application, form: (country_name(application.destination),),
    "countries_of_origin": _origin_countries,
    "supporting_documents": _supporting_documents,
    "third_party": _third_party,
    "invoices": _invoices,
    "export_document": lambda application, form: _optional(application.export_document),
    "gross_weight_total": _gross_weight_total,
    "value_total": lambda application, form: (money(f"{application.fob:f}", application.currency),),
    "remarks": _remarks,
    "official_use": _nothing,
    "declaration": _nothing,
    "certification": _nothing,
    "reference": _nothing,
}


# --- columns of the goods ----------------------------------------------------------------------


def _item(application: Application, line: Line) -> Item:
    return application.items[line.item]


def _lines(text: str) -> Paragraphs:
    return tuple(text.split("\n"))


def _packages(item: Item) -> str:
    return f"{item.packages.count} {item.packages.kind}"


def _quantity(item: Item) -> str:
    return f"{item.quantity.value} {item.quantity.unit}"


def _weight(item: Item) -> str:
    return f"{item.gross_weight_kg} KG"


def _goods(application: Application, form: Form, line: Line) -> Paragraphs:
    """Packages, description, and what no other column of the form shows of quantity and HS number."""
    item = _item(application, line)
    return (
        _packages(item),
        *_lines(item.description),
        *_unless_elsewhere(form, _QUANTITIES, f"Quantity: {_quantity(item)}"),
        *_unless_elsewhere(form, _HS, f"HS: {item.hs}"),
        *_first_line(application, form, line, "goods"),
    )


def _goods_block(application: Application, form: Form, line: Line) -> Paragraphs:
    """One wide column: item number and marks, packages and description, HS number."""
    item = _item(application, line)
    first, *marks = _lines(item.marks)
    return (
        f"{line.item + 1}. {first}",
        *marks,
        *_lines(f"{_packages(item)}, {item.description}"),
        *_unless_elsewhere(form, _QUANTITIES, f"Quantity: {_quantity(item)}"),
        f"HS: {item.hs}",
        *_first_line(application, form, line, "goods"),
    )


def _goods_quantity(application: Application, form: Form, line: Line) -> Paragraphs:
    """Description with quantity, on forms that ask for neither marks nor packages."""
    item = _item(application, line)
    return (*_lines(item.description), f"Quantity: {_quantity(item)}", *_first_line(application, form, line, "goods"))


def _unless_elsewhere(form: Form, columns: frozenset[str], text: str) -> Paragraphs:
    """The text, unless one of these columns of the form shows it."""
    return () if any(box.field in columns for box in form.boxes) else (text,)


def _invoice(application: Application, form: Form, line: Line) -> Paragraphs:
    number = _item(application, line).invoice
    dates = tuple(paper_date(invoice.dated_on) for invoice in application.invoices if invoice.number == number)
    return (number, *dates, *_first_line(application, form, line, "invoice"))


def _first_line(application: Application, form: Form, line: Line, key: str) -> Paragraphs:
    """The words for third-country invoicing, under the first line of the goods alone."""
    return _third_party_words(application, form, key) if line.item == 0 else ()


def _third_party_words(application: Application, form: Form, key: str) -> Paragraphs:
    """Words of the scheme for third-country invoicing; a form without them has a box of its own, or `check` refuses."""
    party = application.third_party
    words = getattr(form.third_party, key, None)
    if party is None or not words:
        return ()
    values = {"name": party.name, "address": ", ".join(party.address.split("\n")), "country": country_name(party.country)}
    if party.invoice is not None:
        values |= {"number": party.invoice.number, "dated_on": paper_date(party.invoice.dated_on)}
    # Without an invoice of that firm, a line that would name it is left out.
    return tuple(_worded(line, values) for line in _lines(words) if set(_MARK.findall(line)) <= set(values))


def _worded(wording: str, values: Mapping[str, str]) -> str:
    """The wording with its marks replaced in one pass, so that braces in a name stay text."""
    return _MARK.sub(lambda mark: values.get(mark[1], mark[0]), wording)


_QUANTITIES = frozenset({"quantity", "weight_quantity"})
_HS = frozenset({"hs", "hs6"})

_COLUMNS: Mapping[str, Callable[[Application, Form, Line], Paragraphs]] = {
    "item_number": lambda application, form, line: (str(line.item + 1),),
    "marks": lambda application, form, line: _lines(_item(application, line).marks),
    "goods": _goods,
    "goods_block": _goods_block,
    "goods_quantity": _goods_quantity,
    "description": lambda application, form, line: _lines(_item(application, line).description),
    "packages": lambda application, form, line: (_packages(_item(application, line)),),
    "quantity": lambda application, form, line: (_quantity(_item(application, line)),),
    "hs": lambda application, form, line: (_item(application, line).hs,),
    "hs6": lambda application, form, line: (_item(application, line).hs[:6],),
    "criterion": lambda application, form, line: (line.printed,),
    "origin_country": lambda application, form, line: (country_name(_item(application, line).origin.country),),
    "gross_weight": lambda application, form, line: (_weight(_item(application, line)),),
    "value": lambda application, form, line: (money(_item(application, line).value, application.currency),),
    "weight_value": lambda application, form, line: (
        _weight(_item(application, line)),
        money(_item(application, line).value, application.currency),
    ),
    "weight_quantity": lambda application, form, line: (_weight(_item(application, line)), _quantity(_item(application, line))),
    "supporting_documents": lambda application, form, line: _optional(_item(application, line).origin.evidence),
    "invoice": _invoice,
}
