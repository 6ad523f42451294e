"""The frozen input: everything a certificate will show but its number, its code and its date. Approval binds its hash."""

import hashlib
from datetime import date
from decimal import Decimal

import msgspec

from engine.application import Application, Kind, canonical
from engine.certificate import verify_url
from engine.contracts.drawing import DrawRequest, Mark
from engine.contracts.form import Filled, Form
from engine.contracts.origin import Finding
from engine.filing import country_name, endorsement, paper_date, worded
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
    hand_sha256: str | None = None,
) -> Frozen:
    """The frozen input of an application that is about to be approved. `hand_sha256` is of an exporter's user who signs themselves."""
    declared = application.declaration
    endorsed = endorsement(application, form, replaced_on=replaced_on)
    # A form that has the words beside a tick box ticks it and does not repeat them.
    ticked = application.kind is Kind.RETROSPECTIVE and "tick_retrospective" in form.wording
    values = {
        **worded(application),
        "agency_name": office.agency_name if office else application.exporter.name,
        "office_name": office.name if office else "",
        "office_city": office.city if office else declared.place,
        "officer_name": officer.name if officer else enrolled.signatory.name,
        "officer_designation": officer.designation if officer else "",
        "certified_place": office.city if office else declared.place,
        "endorsement": endorsed,
        "endorsement_unticked": "" if ticked else endorsed,
        "total_weight": _total(application, "gross_weight_kg"),
        "total_value": f"{application.currency} {application.fob}",
        "tick_third_party": _tick(application.third_party is not None),
        "tick_retrospective": _tick(application.kind is Kind.RETROSPECTIVE),
        "tick_cumulation": _tick(any(line.cumulated for line in finding.lines)),
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
        appearance_sha256=officer.appearance_sha256 if officer else hand_sha256,
        demo=demo,
    )


def _tick(ticked: bool) -> str:
    """What stands in a tick box."""
    return "X" if ticked else ""


def _total(application: Application, field: str) -> str:
    total = sum((Decimal(getattr(item, field)) for item in application.items), Decimal(0))
    return f"{total.normalize():f} KG"


def _country(code: str) -> str:
    return country_name(code) or code
