"""Reading a cost sheet file: the same walk as over an application, under a schema of its own; and that schema, published."""

import copy
from functools import cache
from typing import Any

from engine.cost_sheet import CostSheet
from engine.filing.reading import Reader
from engine.filing.reading.schema import Words, worded

__all__ = ["SHEETS", "look_at_json", "published_sheet_schema", "read_json", "sheet_from_tree"]

_WORDS: Words = {
    "CostSheet": {
        "schema": ("Format", "Always 1."),
        "product": ("Product", "What the sheet is for."),
        "maker": ("Maker", "The firm that makes the goods."),
        "currency": ("Currency", "ISO 4217 code; every amount is in it, but for inputs that name their own."),
        "quantity": ("Quantity", "How much of the product all amounts of the sheet are for."),
        "fob": ("FOB value", "Of that quantity, above zero."),
        "inputs": ("Inputs", "Every material: imported and domestic, originating or not; none where nothing is bought in."),
        "costs": ("Costs", "The heads of cost beside the materials, for that quantity."),
        "ex_works": ("Ex-works price", "Of that quantity: materials, labour, overhead and profit make it."),
        "net_weight_kg": ("Net weight", "Kilograms of that quantity without packing, where a tolerance goes by weight."),
        "rates": ("Rates", "One for each other currency that an input is in."),
        "final_process_in_india": ("Final process in India", "Whether the last process of manufacture is done in India."),
        "manufactured_by_exporter": ("Manufactured by the exporter", "Whether the exporting entity itself manufactures the goods."),
        "operations": ("Operations", "What is done to the inputs in India, one operation a line."),
        "evidence": ("Evidence", "The documents that show the ground: a farm record, a producer's declaration."),
    },
    "Product": {
        "description": ("Description", "The goods, so that customs can recognise them."),
        "hs": ("HS code", "Of the product, 6 digits or more, without dots."),
        "model": ("Model", "Model or brand, if one sheet does not fit all of them."),
    },
    "Maker": {
        "name": ("Name", "The firm's name."),
        "address": ("Address", "One or more lines, without the country."),
    },
    "Rate": {
        "currency": ("Currency", "ISO 4217 code of a currency that inputs are in, another than the sheet's."),
        "rate": ("Rate", "How many units of the sheet's currency one unit of it is worth, such as 83.25."),
    },
    "Quantity": {
        "value": ("Quantity", "Decimal string, such as 1200 or 18.5."),
        "unit": ("Unit", "As on the invoice: KGS, PCS, MTR."),
    },
    "SheetInput": {
        "description": ("Material", "What the material is."),
        "hs": ("HS code", "Of the material, 6 digits or more, without dots."),
        "country": ("Country", "Where the material originates, ISO 3166-1 alpha-2."),
        "value": ("Value", "CIF, or the earliest ascertainable price, of what goes into the sheet's quantity."),
        "currency": ("Currency", "If it is another than the sheet's; then `rates` has it."),
        "originating": ("Originating", "True if the material itself originates under the agreement."),
        "quantity": ("Quantity", "How much of it goes into the sheet's quantity."),
        "weight_kg": ("Weight", "Kilograms of it, where a tolerance goes by weight."),
        "supplier": ("Supplier", "Name and place of the supplier."),
        "invoice": ("Invoice", "Number of the supplier's invoice."),
        "cost_sheet": ("Cost sheet", "Reference of the supplier's own approved sheet, which shows that the material originates."),
    },
    "SheetCosts": {
        "direct_labour": ("Direct labour", "Wages and benefits."),
        "direct_overhead": ("Direct overhead", "Overhead of production."),
        "profit": ("Profit", "Profit."),
        "freight_to_port": ("Freight to port", "Inland transport and handling, from the factory to the ship."),
    },
}


@cache
def _schema() -> dict[str, Any]:
    """The one copy that the reader walks; nobody changes it."""
    return worded(
        CostSheet,
        _WORDS,
        id="urn:ecoo:cost-sheet:1",
        title="Cost sheet of a product, format 1",
        description="UTF-8, at most 1 MB. Amounts are decimal strings, all for the sheet's quantity; an unknown key is refused.",
    )


def published_sheet_schema() -> dict[str, Any]:
    """A copy of the schema, JSON Schema 2020-12, to print or to hand out."""
    return copy.deepcopy(_schema())


SHEETS = Reader(CostSheet, "cost sheet", _schema)
read_json, look_at_json, sheet_from_tree = SHEETS.read, SHEETS.look, SHEETS.from_tree
