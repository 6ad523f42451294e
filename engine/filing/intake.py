"""From an application file to a draft in its row: whose it is, and which office it goes to."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import date, datetime

from engine.application import Application, IssuerKind
from engine.clock import ist_day
from engine.errors import Problem, Refused
from engine.filing.desk import Draft, save_draft
from engine.filing.refusing import together
from engine.people import ExporterHere, OfficeHere, exporter_by_iec, find_office, may_certify, register_exporter
from engine.scope import PLATFORM, Scope, ScopeKind

__all__ = ["Intake", "look_up", "open_draft", "require_office"]


@dataclass(frozen=True, slots=True)
class Intake:
    """What the register says of an application: its office, its exporter (None if new to us), and why it cannot be taken in."""

    office: OfficeHere | None
    exporter: ExporterHere | None
    refusals: tuple[Refused, ...]


async def open_draft(scope: Scope, application: Application, *, actor: str, at: datetime) -> Draft:
    """Saves an application as a draft of its exporter at its office. Raises Refused if it is not the caller's to file."""
    intake = await look_up(scope, application, on=ist_day(at))
    if intake.refusals:
        raise together(intake.refusals)
    firm = application.exporter
    exporter = intake.exporter or await register_exporter(firm.iec, firm.name, firm.gstin, actor=actor, at=at)
    return await save_draft(application, exporter=exporter, office=intake.office, actor=actor, at=at)


async def look_up(
    scope: Scope, application: Application, *, on: date, preferential: bool | None = None, wrong: Set[str | None] = frozenset()
) -> Intake:
    """Whether the application may be taken in from this caller on that day: asks, registers nobody, and lists what refuses.

    `preferential` is the kind of its form, where that is known; `wrong` are the boxes that are known to be wrong already: of
    them nothing more is said, nor is anything asked by them.
    """
    refusals: list[Refused] = []
    office = exporter = None
    try:
        office = await require_office(application, on=on)
        if office is not None:
            await _require_certified(office, application, on, preferential)
    except Refused as refusal:
        refusals.append(refusal)
    undecided = _is_agency(scope) and refusals  # an agency files for every exporter, but only at its own offices
    if "exporter.iec" not in wrong and not undecided:
        try:
            exporter = await _known_exporter(scope, application, office)
        except Refused as refusal:
            refusals.append(refusal)
    return Intake(office, exporter, tuple(refusal for refusal in refusals if refusal.box not in wrong))


async def require_office(application: Application, *, on: date) -> OfficeHere | None:
    """The office the application goes to on that day; None for a self-declaration. Raises Refused naming the box."""
    if application.issuer_kind is IssuerKind.SELF:
        return None
    if not application.agency or not application.office:
        missing = "agency" if not application.agency else "office"
        raise Refused.because([Problem(missing, "agency and office named", f"The application must name its {missing}.")])
    return await find_office(PLATFORM, application.agency, application.office, on=on)


async def _require_certified(office: OfficeHere, application: Application, on: date, preferential: bool | None) -> None:
    """Raises Refused for an agreement, or goods, that the register does not record for the office's agency."""
    codes = [item.hs for item in application.items]
    found = await may_certify(office.agency_id, application.scheme, codes, on, preferential=preferential)
    if not found.agreement:
        say = f"The agency {office.agency_code} is not recorded as certifying under {application.scheme}. Choose another agency."
        raise Refused(say, box="agency", rule="agency certifies the agreement")
    if outside := set(found.outside):
        raise Refused.because(
            [
                Problem(
                    f"items[{index}].hs",
                    "agency certifies the goods",
                    f"The agency {office.agency_code} is not recorded as certifying goods of HS {code} under {application.scheme}.",
                )
                for index, code in enumerate(codes)
                if code in outside
            ]
        )


async def _known_exporter(scope: Scope, application: Application, office: OfficeHere | None) -> ExporterHere | None:
    """The exporter if it is in the register. Raises Refused if the caller may not file for it, or if it is switched off."""
    iec = application.exporter.iec
    known = await exporter_by_iec(PLATFORM, iec)
    if _is_agency(scope) and office is not None:
        if office.agency_id != scope.agency_id:
            say = f"You file for another agency than {office.agency_code}. Name your own agency, or let the exporter file."
            raise Refused(say, box="agency", rule="the caller's own agency")
    elif scope.kind is not ScopeKind.PLATFORM and (known is None or known.id not in scope.exporter_ids):
        raise Refused(f"You are not linked to the IEC {iec}; link it at DGFT, then file.", box="exporter.iec", rule="linked to the IEC")
    if known is not None and not known.active:
        raise Refused(f"The exporter {iec} is switched off.", box="exporter.iec", rule="exporter active")
    return known


def _is_agency(scope: Scope) -> bool:
    return scope.kind in {ScopeKind.AGENCY, ScopeKind.OFFICES}
