"""The frozen input: everything a certificate will show but its number, its code and its date. Approval binds its hash."""

import hashlib
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from engine.application import Application, canonical
from engine.certificate import verify_url
from engine.contracts.drawing import DrawRequest, Mark
from engine.contracts.form import Filled, Form
from engine.contracts.origin import Finding
from engine.filing import country_name, endorsement, paper_date
from engine.people import Enrolled, OfficeHere, OfficerHere

__all__ = ["Frozen", "freeze"]


class Frozen(msgspec.Struct, frozen=True):
    """What approval binds. Pictures are named by their hashes; the form by its version's."""

    application: Application
    application_version: int
    scheme: str
    form_version: str
    form_sha256: str
    finding: Finding
    filled: Filled
    values: dict[str, str]
    signer_name: str
    signer: str
    fingerprint: str
    agency_code: str
    office_code: str
    stamp_sha256: str | None
    appearance_sha256: str | None
    demo: bool

    @property
    def content_sha256(self) -> str:
        """The hash that approval binds."""
        return hashlib.sha256(self.encoded()).hexdigest()

    def encoded(self) -> bytes:
        """Canonical JSON: the same input has the same bytes."""
        return canonical(self)

    def request(
        self,
        form: Form,
        *,
        number: str,
        code: str,
        public_url: str,
        on: date,
        stamp: bytes | None,
        appearance: bytes | None,
        leaf: str | None = None,
    ) -> DrawRequest:
        """What to draw for this number on that day."""
        address = verify_url(public_url, code)
        values = {**self.values, "certified_on": paper_date(on), "verify_text": address}
        return DrawRequest(
            form=form,
            filled=self.filled,
            number=number,
            issued_on=on,
            qr_text=address.upper(),
            values=values,
            stamp=stamp,
            appearance=appearance,
            mark=Mark.DEMONSTRATION if self.demo else Mark.NONE,
            leaf=leaf,
        )

    def shown(self, form: Form) -> dict[str, Any]:
        """What the printed certificate shows, and so what a stranger who verifies it sees."""
        file = self.application
        printed = {line.item: line.printed for line in self.finding.lines}
        return {
            "demo": self.demo,
            "scheme": self.scheme,
            "title": form.title,
            "form": form.form_name,
            "kind": str(file.kind),
            "replaces": file.replaces,
            "endorsement": self.values["endorsement"],
            "agency": self.values["agency_name"],
            "office": self.values["office_name"],
            "officer": self.values["officer_name"],
            "designation": self.values["officer_designation"],
            "origin_country": self.values["origin_country"],
            "total_weight": self.values["total_weight"],
            "total_value": self.values["total_value"],
            "declaration": {
                "name": file.declaration.name,
                "place": file.declaration.place,
                "dated_on": file.declaration.dated_on.isoformat(),
            },
            "exporter": {"name": file.exporter.name, "address": file.exporter.address},
            "consignee": {
                "name": file.consignee.name,
                "address": file.consignee.address,
                "tax_id": file.consignee.tax_id,
                "country": _country(file.consignee.country),
            },
            "destination": _country(file.destination),
            "transport": {
                "departs_on": file.transport.departs_on.isoformat(),
                "vessel": file.transport.vessel,
                "voyage": file.transport.voyage,
                "port_of_discharge_name": file.transport.port_of_discharge_name,
                "port_of_discharge": file.transport.port_of_discharge,
            },
            "currency": file.currency,
            "invoices": [{"number": invoice.number, "dated_on": invoice.dated_on.isoformat()} for invoice in file.invoices],
            "items": [
                {
                    "description": item.description,
                    "hs": item.hs,
                    "marks": item.marks,
                    "packages": f"{item.packages.count} {item.packages.kind}",
                    "quantity": f"{item.quantity.value} {item.quantity.unit}",
                    "gross_weight_kg": item.gross_weight_kg,
                    "value": item.value,
                    "origin_criterion": printed.get(index, ""),
                    "invoice": item.invoice,
                }
                for index, item in enumerate(file.items)
            ],
        }


def freeze(
    application: Application,
    *,
    version: int,
    form: Form,
    finding: Finding,
    filled: Filled,
    office: OfficeHere | None,
    officer: OfficerHere | None,
    enrolled: Enrolled,
    demo: bool,
    replaced_on: date | None = None,
) -> Frozen:
    """The frozen input of an application that is about to be approved."""
    declared = application.declaration
    values = {
        "agency_name": office.agency_name if office else application.exporter.name,
        "office_name": office.name if office else "",
        "office_city": office.city if office else declared.place,
        "officer_name": officer.name if officer else enrolled.signatory.name,
        "officer_designation": officer.designation if officer else "",
        "exporter_name": application.exporter.name,
        "origin_country": _origin(application),
        "destination": _country(application.destination),
        "declared_place": declared.place,
        "declared_on": paper_date(declared.dated_on),
        "declared_by": declared.name,
        "certified_place": office.city if office else declared.place,
        "endorsement": endorsement(application, form, replaced_on=replaced_on),
        "total_weight": _total(application, "gross_weight_kg"),
        "total_value": f"{application.currency} {application.fob}",
    }
    return Frozen(
        application=application,
        application_version=version,
        scheme=form.scheme,
        form_version=form.version,
        form_sha256=form.sha256,
        finding=finding,
        filled=filled,
        values=values,
        signer_name=officer.name if officer else enrolled.signatory.name,
        signer=enrolled.signer,
        fingerprint=enrolled.fingerprint,
        agency_code=office.agency_code if office else "SELF",
        office_code=office.code if office else application.exporter.iec,
        stamp_sha256=office.stamp_sha256 if office else None,
        appearance_sha256=officer.appearance_sha256 if officer else None,
        demo=demo,
    )


def _origin(application: Application) -> str:
    countries = dict.fromkeys(_country(item.origin.country) for item in application.items)
    return " / ".join(countries)


def _total(application: Application, field: str) -> str:
    total = sum((Decimal(getattr(item, field)) for item in application.items), Decimal(0))
    return f"{total.normalize():f} KG"


def _country(code: str) -> str:
    return country_name(code) or code
