"""From an application file to a draft in its row: whose it is, and which office it goes to."""

from datetime import datetime

from engine.application import Application, IssuerKind
from engine.errors import Problem, Refused
from engine.filing.desk import Draft, save_draft
from engine.people import ExporterHere, OfficeHere, exporter_by_iec, find_office, register_exporter
from engine.scope import PLATFORM, Scope, ScopeKind

__all__ = ["open_draft", "require_office"]


async def open_draft(scope: Scope, application: Application, *, actor: str, at: datetime) -> Draft:
    """Saves an application as a draft of its exporter at its office. Raises Refused if it is not the caller's to file."""
    office = await require_office(application)
    exporter = await _exporter(scope, application, office, actor, at)
    return await save_draft(application, exporter=exporter, office=office, actor=actor, at=at)


async def require_office(application: Application) -> OfficeHere | None:
    """The office the application goes to; None for a self-declaration. Raises Refused naming the box."""
    if application.issuer_kind is IssuerKind.SELF:
        return None
    if not application.agency or not application.office:
        missing = "agency" if not application.agency else "office"
        raise Refused.because([Problem(missing, "agency and office named", f"The application must name its {missing}.")])
    return await find_office(PLATFORM, application.agency, application.office)


async def _exporter(scope: Scope, application: Application, office: OfficeHere | None, actor: str, at: datetime) -> ExporterHere:
    firm = application.exporter
    known = await exporter_by_iec(PLATFORM, firm.iec)
    mine = scope.kind is ScopeKind.PLATFORM or (known is not None and known.id in scope.exporter_ids)
    if scope.kind in {ScopeKind.AGENCY, ScopeKind.OFFICES} and office is not None:
        mine = office.agency_id == scope.agency_id
    if not mine:
        raise Refused(
            f"You are not linked to the IEC {firm.iec}; link it at DGFT, then file.", box="exporter.iec", rule="linked to the IEC"
        )
    if known is not None and not known.active:
        raise Refused(f"The exporter {firm.iec} is switched off.", box="exporter.iec", rule="exporter active")
    return known or await register_exporter(firm.iec, firm.name, firm.gstin, actor=actor, at=at)
