"""The JSON Schema of the application file, format 1, as `ecoo schema application` publishes it.

It is made from the types of `engine.application`, so file, reader and schema cannot drift apart; this module adds the
words: a title and a description for every key. Patterns are in the dialect of JSON Schema (ECMA 262). `worded` does the
same for the other files that are read here.
"""

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import msgspec

from engine.application import Application

__all__ = ["Words", "published_schema", "schema_of", "worded"]

# Key by key of each group: what a person calls it, and what to write there.
Words = Mapping[str, Mapping[str, tuple[str, str]]]

_WORDS: Words = {
    "Application": {
        "schema": ("Format", "Always 1."),
        "scheme": ("Scheme", "Code of the agreement, such as AIFTA, or NP for the non-preferential certificate."),
        "kind": ("Kind", "Why the certificate is asked for."),
        "issuer_kind": ("Issued by", "`agency`: an officer signs. `self`: the exporter declares, where the agreement allows it."),
        "exporter": ("Exporter", "Box 1: the firm that exports."),
        "consignee": ("Consignee", "Box 2: the firm abroad that receives the goods."),
        "destination": ("Country of destination", "ISO 3166-1 alpha-2 code of the importing country, a partner of the agreement."),
        "transport": ("Transport", "Box 3: the journey, as far as it is known."),
        "invoices": ("Invoices", "The commercial invoices; each is used by an item at least."),
        "currency": ("Currency", "ISO 4217 code; every amount of the file is in it."),
        "items": ("Items", "The goods, line by line; every line must originate by itself."),
        "declaration": ("Declaration", "The exporter's declaration."),
        "agency": ("Issuing agency", "Code of the agency; absent for a self-declaration."),
        "office": ("Office", "Code of the agency's office; absent for a self-declaration."),
        "replaces": ("Replaces", "Number of the issued certificate; for in-lieu and duplicate only."),
        "third_party": ("Third party", "The firm in a third country that invoices the goods, if one does."),
        "remarks": ("Remarks", "What the remarks box says, on forms that have one."),
        "reasons": ("Reasons", "Why a certificate is replaced or asked for late; read by the officer, never printed."),
        "producer": ("Producer", "The firm that made the goods, on forms that have a box for it."),
        "export_document": ("Export document", "Number of the shipping bill, on forms that print it."),
        "form_version": ("Form version", "Version of the scheme's form while two are accepted side by side; absent: the newest in force."),
    },
    "Exporter": {
        "iec": ("IEC", "Importer-Exporter Code: the PAN of the firm, or the 10 digits of an older code."),
        "name": ("Name", "As registered under the IEC."),
        "address": ("Address", "One or more lines, without the country."),
        "gstin": ("GSTIN", "15 characters; 3 to 12 are the PAN, the last one is a check character."),
        "email": ("E-mail", "Printed on forms that ask for it."),
        "telephone": ("Telephone", "Printed on forms that ask for it."),
        "fax": ("Fax", "Printed on forms that ask for it."),
    },
    "Producer": {
        "name": ("Name", "The firm's name."),
        "address": ("Address", "One or more lines, without the country."),
        "country": ("Country", "ISO 3166-1 alpha-2 code; IN if absent."),
    },
    "Consignee": {
        "name": ("Name", "The firm's name."),
        "address": ("Address", "One or more lines, without the country."),
        "country": ("Country", "ISO 3166-1 alpha-2 code."),
        "tax_id": ("Tax identification", "The firm's tax number in its own country, if it is to be printed."),
    },
    "ThirdParty": {
        "name": ("Name", "The firm's name."),
        "address": ("Address", "One or more lines, without the country."),
        "country": ("Country", "ISO 3166-1 alpha-2 code."),
        "invoice": ("Invoice", "Number and date of the third party's own invoice, if known."),
    },
    "Transport": {
        "mode": ("Mode", "How the goods leave India."),
        "departs_on": ("Departure", "Date of departure, YYYY-MM-DD in IST."),
        "vessel": ("Vessel or vehicle", "Vessel's name, flight, train or lorry number."),
        "port_of_loading": ("Port of loading", "UN/LOCODE of a place in India, such as INNSA."),
        "port_of_discharge": ("Port of discharge", "UN/LOCODE of a place abroad, such as VNSGN."),
        "port_of_loading_name": ("Port of loading, name", "Printed beside the code."),
        "port_of_discharge_name": ("Port of discharge, name", "Printed beside the code."),
        "voyage": ("Voyage", "Number of the voyage, if known."),
        "route": ("Route", "Places on the way, if known."),
        "transit": ("Countries of transit", "Countries the goods pass through or are transhipped in, ISO 3166-1 alpha-2; none: straight."),
        "transit_evidence": (
            "Evidence of transit",
            "The document that shows the goods only passed through, such as a through bill of lading.",
        ),
    },
    "Invoice": {
        "number": ("Number", "As on the invoice; the shipping bill must bear the same one."),
        "dated_on": ("Date", "YYYY-MM-DD, not in the future."),
    },
    "Packages": {
        "count": ("Count", "How many packages."),
        "kind": ("Kind", "What packages: CARTONS, BAGS, DRUMS."),
    },
    "Quantity": {
        "value": ("Quantity", "Decimal string, such as 1200 or 18.5."),
        "unit": ("Unit", "As on the invoice: KGS, PCS, MTR."),
    },
    "Input": {
        "description": ("Material", "What the material is."),
        "hs": ("HS code", "Of the material, 6 digits or more where the change of classification counts."),
        "country": ("Country", "Where the material originates, ISO 3166-1 alpha-2."),
        "value": ("Value", "CIF, or the earliest ascertainable price; for the whole line, in the file's currency."),
        "originating": ("Originating", "True if the material itself originates under the agreement."),
        "weight_kg": ("Weight", "Kilograms in the whole line, where a tolerance goes by weight."),
    },
    "Costs": {
        "originating_materials": ("Originating materials", "Value of the originating materials in the whole line."),
        "direct_labour": ("Direct labour", "Wages and benefits for the whole line."),
        "direct_overhead": ("Direct overhead", "Overhead of production for the whole line."),
        "profit": ("Profit", "Profit on the whole line."),
        "freight_to_port": ("Freight to port", "What it costs from the factory to the ship, for the whole line."),
    },
    "Origin": {
        "criterion": ("Criterion", "Code of the ground that is claimed, as the scheme lists them."),
        "country": ("Country of origin", "IN, but for a back-to-back certificate."),
        "costs": ("Cost sheet", "What the direct method adds up; for the whole line."),
        "inputs": ("Inputs", "Every material that does not originate, and any other that is to be shown."),
        "final_process_in_india": ("Final process in India", "Whether the last process of manufacture was done in India."),
        "manufactured_by_exporter": ("Manufactured by the exporter", "Whether the exporting entity itself manufactured the goods."),
        "operations": ("Operations", "What was done to the inputs in India, one operation a line."),
        "evidence": ("Evidence", "The documents that show the ground: a farm record, a first certificate."),
        "ex_works": ("Ex-works price", "Of the whole line, where a scheme allows the ex-works base."),
        "net_weight_kg": ("Net weight", "Kilograms of the whole line without packing, where a tolerance goes by weight."),
        "cost_sheet": ("Cost sheet", "Reference of an approved cost sheet that stands for inputs and costs; then leave both out."),
    },
    "Item": {
        "description": ("Description", "The goods, so that customs can recognise them."),
        "hs": ("HS code", "Without dots; how many digits, the scheme says."),
        "marks": ("Marks and numbers", "As on the packages; N/M if there are none."),
        "packages": ("Packages", "How many of which kind."),
        "quantity": ("Quantity", "In the unit of the invoice."),
        "gross_weight_kg": ("Gross weight", "Kilograms, decimal string."),
        "value": ("FOB value", "Of the whole line, in the file's currency."),
        "origin": ("Origin", "The ground claimed and the facts its rule needs."),
        "invoice": ("Invoice", "Number of the invoice the line stands on."),
    },
    "Declaration": {
        "place": ("Place", "Where the exporter declares."),
        "dated_on": ("Date", "YYYY-MM-DD in IST, not in the future."),
        "name": ("Name", "Who declares for the exporter."),
    },
}


@cache
def schema_of() -> dict[str, Any]:
    """The one copy that the reader walks; nobody changes it."""
    return worded(
        Application,
        _WORDS,
        id="urn:ecoo:application:1",
        title="Application for a Certificate of Origin, format 1",
        description="UTF-8, at most 1 MB. Amounts are decimal strings, dates YYYY-MM-DD in IST; an unknown key is refused.",
    )


def published_schema() -> dict[str, Any]:
    """A copy of the schema, JSON Schema 2020-12, to print or to hand out."""
    return copy.deepcopy(schema_of())


def worded(kind: type, words: Words, *, id: str, title: str, description: str) -> dict[str, Any]:
    """The schema of a type with these words at every key."""
    raw = cast("dict[str, Any]", _plain(msgspec.json.schema(kind)))
    for name, keys in words.items():
        for key, (called, meaning) in keys.items():
            prop = raw["$defs"][name]["properties"][key]
            prop["title"], prop["description"] = called, meaning
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": id, "title": title, "description": description, **raw}


def _plain(node: object) -> object:
    """The schema with patterns in the ECMA dialect: there `$` already means the very end."""
    if isinstance(node, dict):
        return {key: value.replace(r"\Z", "$") if key == "pattern" else _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    return node
