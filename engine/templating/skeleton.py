"""A new pack: a folder that already issues on a demonstration site, with every place named where data must be filled in."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.contracts import CONTRACT
from engine.contracts.form import Form, Sheet
from engine.contracts.sheet import Part
from engine.errors import Refused

__all__ = ["new_pack"]

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,19}\Z")
_WORDED = re.compile(r"\{wording\.([a-z_0-9]+)\}")

# Plain descriptions, to be replaced by the headings that the agreement prints.
_HEADINGS = {
    "exporter": "Exporter (name, address, country)",
    "exporter_contact": "Exporter (name, address, country, contact)",
    "consignee": "Consignee (name, address, country)",
    "producer": "Producer (name, address, country)",
    "transport": "Means of transport and route",
    "official_use": "For official use",
    "countries_of_origin": "Country of origin",
    "destination": "Country of destination",
    "remarks": "Remarks",
    "third_party": "Third-party invoicing (name, address, country)",
    "invoices": "Number and date of invoices",
    "port_of_loading": "Port of shipment",
    "item_number": "Item number",
    "hs": "Tariff item number",
    "hs6": "HS code (6 digit)",
    "marks": "Marks and numbers of packages",
    "goods": "Number and kind of packages, description of goods",
    "description": "Description of goods",
    "criterion": "Origin criterion",
    "weight_value": "Gross weight and value (FOB)",
    "gross_weight": "Gross weight",
    "quantity": "Quantity",
    "invoice": "Number and date of invoice",
    "declaration": "Declaration by the exporter",
    "certification": "Certification",
}
_WORDS = {
    "electronic_copy": "(ELECTRONIC COPY)",
    "reference": "Reference No.",
    "issued_in": "Issued in",
    "issued_in_country": "INDIA",
    "country": "(Country)",
    "importing_country": "(Importing country)",
    "declaration": "The undersigned hereby declares that the above details and statement are correct and that the goods originate in",
    "declaration_complies": "and that they are exported to",
    "declaration_signature": "Place and date, signature of authorised signatory",
    "certification": "It is hereby certified, on the basis of the documents produced, that the goods described above are of the origin stated.",
    "certification_signature": "Place and date, signature and stamp of certifying authority",
    "scan": "To verify this certificate, you may scan the QR code here",
    "verify": "Verify at",
    "page": "Page",
    "of": "of",
    "continued": "continued",
    "continued_below": "continued on page",
    "total": "TOTAL",
}
_ALWAYS = ("electronic_copy", "continued_below", "total")

_FORM = """\
# The form of {code}, as data. What stands here was made up by nobody's agreement: replace each value by what a source says, name the
# source, and take its line out of `unconfirmed`. While a line stands there, a live site issues only after an administrator of
# the agency confirmed the form; a demonstration site issues at once.
contract = {contract}
code = {quoted_code}
version = "1"
title = {quoted_code}
form_name = "Certificate of Origin"
heading = [{quoted_code}, "CERTIFICATE OF ORIGIN"]
preferential = true
partners = {partners}          # ISO 3166-1 codes of the importing countries
issuer_kinds = ["agency"]
kinds = ["new", "in-lieu"]     # add "retrospective", "duplicate", "back-to-back" where the agreement knows them
hs_digits = {digits}
sheet = {sheet}
# validity_months = 12
# effective_from = 2026-01-01
unconfirmed = [
  "title, form name and heading",
  "partners",
  "kinds of certificate",
  "numbers and headings of the boxes: those printed are plain descriptions",
  "wording of declaration and certification",
  "leaves",
  "validity",
]
sources = ["where the form was read"]

leaves = [{{ name = "original", title = "ORIGINAL", ink = true }}]

{boxes}
[wording]
{wording}
"""
_BOX = "[[boxes]]\nno = {no}\nheading = {heading}\nfield = {field}\n"
_ORIGIN = """\
# When goods of {code} originate, as data. `ecoo template check {code}` says what is unset; what no source gives stays unset.
contract = {contract}
sources = ["where the rules were read"]
unknown = ["general rule", "product specific rules", "de minimis", "cumulation"]
always = ["country"]

[[criteria]]
code = "WO"
meaning = "wholly obtained in India"
as_printed = "WO"
tests = ["wholly_obtained", "evidence"]

# A general rule looks like this; take the marks away and fill in the limits that a source gives:
#
# [[criteria]]
# code = "RVC+CTH"
# meaning = "at least 35 % originating content, and every non-originating material of another heading"
# as_printed = "RVC {{content}} % + CTH"
# tests = ["value", "shift"]
#
# [tests.value]
# test = "value_content"
# rule = "Article ...: originating content of at least 35 % of FOB"
# methods.build_down = {{ formula = "build_down", min_pct = 35 }}
#
# [tests.shift]
# test = "tariff_shift"
# rule = "Article ...: change of tariff heading"
# level = "CTH"
#
# [[de_minimis]]
# of = "value"
# pct = 10
# rule = "Article ..."

[tests.country]
test = "country"
rule = "the goods originate in India"

[tests.wholly_obtained]
test = "no_foreign_inputs"
rule = "wholly obtained goods contain no non-originating material"

[tests.evidence]
test = "evidence"
rule = "what shows that the goods were wholly obtained"
"""


def new_pack(folder: Path, code: str, sheet: Sheet, model: Form) -> Path:
    """Writes form.toml, origin.toml and example.json below the folder and gives the pack's own folder.

    `model` is a form whose example is taken over, with the code and the ground of the new one. Raises Refused for a code that is none, or a
    folder that is there already: nothing is overwritten.
    """
    if not _CODE.match(code):
        raise Refused(f"{code!r} is no code of a scheme: 1 to 20 capitals, digits and _, beginning with a letter.", box="CODE", rule="code")
    pack = folder / code.lower()
    if pack.exists():
        raise Refused(f"{pack} is there already; nothing was changed. Name another code or folder.", box="CODE", rule="nothing overwritten")
    example = _example(code, model)
    pack.mkdir(parents=True)
    (pack / "form.toml").write_text(_form(code, sheet, model, example), encoding="utf-8")
    (pack / "origin.toml").write_text(_ORIGIN.format(code=code, contract=CONTRACT), encoding="utf-8")
    (pack / "example.json").write_text(json.dumps(example, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return pack


def _example(code: str, model: Form) -> dict[str, Any]:
    """The model's example as wholly obtained goods of the new scheme."""
    example: dict[str, Any] = json.loads(model.example)
    example["scheme"] = code
    example.pop("form_version", None)
    for item in example["items"]:
        item["origin"] = {"criterion": "WO", "evidence": item["origin"].get("evidence") or "what shows that they were wholly obtained"}
    return example


def _form(code: str, sheet: Sheet, model: Form, example: dict[str, Any]) -> str:
    fields = list(dict.fromkeys(_fields(sheet)))
    boxes = "\n".join(
        _BOX.format(no=_quoted(str(number)), heading=_quoted(_heading(field)), field=_quoted(field))
        for number, field in enumerate(fields, 1)
    )
    keys = dict.fromkeys([*_ALWAYS, *(key for text in _texts(sheet) for key in _WORDED.findall(text))])
    wording = "\n".join(f"{key} = {_quoted(_WORDS[key])}" if key in _WORDS else f'# {key} = ""' for key in keys)
    return _FORM.format(
        code=code,
        quoted_code=_quoted(code),
        contract=CONTRACT,
        partners=json.dumps([example["destination"]]),
        digits=list(model.hs_digits),
        sheet=_quoted(sheet.name),
        boxes=boxes,
        wording=wording,
    )


def _fields(sheet: Sheet) -> Iterator[str]:
    """The fields of the sheet in the order in which people number boxes: head, goods, closing; each from top to bottom."""
    geometry = sheet.geometry
    yield from _cells(geometry.first)
    yield from (column.field for column in (*geometry.goods.columns, *geometry.goods.joined) if not column.optional)
    yield from _cells(geometry.closing)


def _cells(part: Part) -> list[str]:
    return [cell.field for cell in sorted(part.cells, key=lambda cell: (cell.x, cell.y)) if cell.field]


def _texts(sheet: Sheet) -> Iterator[str]:
    geometry = sheet.geometry
    parts: tuple[Part, ...] = (geometry.every, geometry.first, geometry.continued, geometry.closing)
    return (text.say for part in parts for text in part.texts)


def _heading(field: str) -> str:
    return _HEADINGS.get(field, field.replace("_", " ").capitalize())


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
