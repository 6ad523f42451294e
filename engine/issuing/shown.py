"""What the printed certificate shows, and so what a stranger who verifies it sees: nothing that is not on the paper."""

from typing import Any

from engine.application import Application, Item, ThirdParty
from engine.contracts.form import Form
from engine.filing import country_name
from engine.issuing.frozen import Frozen

__all__ = ["shown_of"]

# The fields that print a value or a weight: many forms have no box for what the goods cost, and a stranger is not told it.
_VALUE = frozenset({"weight_value", "value", "value_total"})
_WEIGHT = frozenset({"weight_value", "gross_weight", "weight_quantity", "gross_weight_total"})


def shown_of(frozen: Frozen, form: Form) -> dict[str, Any]:
    """The facts of a certificate as the register keeps them, by the names that the API publishes."""
    file, values = frozen.application, frozen.values
    printed = {line.item: line.printed for line in frozen.finding.lines}
    fields = frozenset(box.field for box in form.boxes)
    return {
        "demo": frozen.demo,
        "scheme": frozen.scheme,
        "title": form.title,
        "form": form.form_name,
        "form_version": form.version,
        "validity_months": form.validity_months,
        "kind": str(file.kind),
        "replaces": file.replaces,
        "endorsement": values["endorsement"],
        "agency": values["agency_name"],
        "office": values["office_name"],
        "officer": values["officer_name"],
        "designation": values["officer_designation"],
        "origin_country": values["origin_country"],
        "total_weight": values["total_weight"] if fields & _WEIGHT else "",
        "total_value": values["total_value"] if fields & _VALUE else "",
        "declaration": {
            "name": file.declaration.name,
            "place": file.declaration.place,
            "dated_on": file.declaration.dated_on.isoformat(),
        },
        "exporter": {"name": file.exporter.name, "address": file.exporter.address},
        "producer": _producer(file) if "producer" in fields else None,
        "consignee": {
            "name": file.consignee.name,
            "address": file.consignee.address,
            "tax_id": file.consignee.tax_id,
            "country": _country(file.consignee.country),
        },
        "third_party": _third_party(file.third_party) if file.third_party else None,
        "destination": _country(file.destination),
        "transport": {
            "departs_on": file.transport.departs_on.isoformat(),
            "vessel": file.transport.vessel,
            "voyage": file.transport.voyage,
            "port_of_discharge_name": file.transport.port_of_discharge_name,
            "port_of_discharge": file.transport.port_of_discharge,
        },
        "remarks": file.remarks if "remarks" in fields else None,
        "export_document": file.export_document if _prints(form, "export_document") else None,
        "currency": file.currency,
        "invoices": [{"number": invoice.number, "dated_on": invoice.dated_on.isoformat()} for invoice in file.invoices],
        "items": [_item(item, printed.get(index, ""), fields) for index, item in enumerate(file.items)],
    }


def _item(item: Item, printed: str, fields: frozenset[str]) -> dict[str, Any]:
    return {
        "description": item.description,
        "hs": item.hs,
        "marks": item.marks,
        "packages": f"{item.packages.count} {item.packages.kind}",
        "quantity": f"{item.quantity.value} {item.quantity.unit}",
        "gross_weight_kg": item.gross_weight_kg if fields & _WEIGHT else None,
        "value": item.value if fields & _VALUE else None,
        "origin_criterion": printed,
        "origin_country": _country(item.origin.country),
        "supporting_documents": item.origin.evidence if "supporting_documents" in fields else None,
        "invoice": item.invoice,
    }


def _producer(file: Application) -> dict[str, Any] | None:
    made = file.producer
    return {"name": made.name, "address": made.address, "country": _country(made.country)} if made else None


def _third_party(firm: ThirdParty) -> dict[str, Any]:
    invoice = {"number": firm.invoice.number, "dated_on": firm.invoice.dated_on.isoformat()} if firm.invoice else None
    return {"name": firm.name, "address": firm.address, "country": _country(firm.country), "invoice": invoice}


def _prints(form: Form, value: str) -> bool:
    """Whether the form's sheet prints that value outside its boxes."""
    sheet = form.sheet.geometry
    parts = (sheet.every, sheet.first, sheet.continued, sheet.closing)
    return any("{" + value + "}" in text.say for part in parts for text in part.texts)


def _country(code: str) -> str:
    return country_name(code) or code
