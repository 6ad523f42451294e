"""What would become of an application if it were filed now: everything that refuses it, and what deserves a second look.

The one place where that is asked: a check answers with it and filing goes by it, so the two cannot differ. It asks the
rows and changes none.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from engine.application import Application, ApplicationState, Kind
from engine.certificate import CertificateState
from engine.clock import ist_day
from engine.contracts.form import Filled, Form
from engine.contracts.origin import Finding, Outcome
from engine.errors import Conflict, Problem, Refused
from engine.filing import Draft, Examined, Twin, examine, look_up, problems_of, together, twins_of, warnings
from engine.filing.checks import late_doubts
from engine.filing.origin import Cited
from engine.filing.reading.text import shown
from engine.filing.sheets import citations_of
from engine.money.readiness import require_issuable
from engine.money.replacing import require_replaceable
from engine.people import ExporterHere, OfficeHere
from engine.proof import Standing, of_application
from engine.registry import Registry
from engine.scope import Scope

__all__ = ["OPEN", "Outlook", "foresee", "foresee_alone", "judge"]

# The states from which an application may be filed.
OPEN = (ApplicationState.DRAFT, ApplicationState.QUERIED)
# Certificates that stand for nothing any more; what took the place of one is filed under its own invoices.
_ENDED = frozenset({CertificateState.SUPERSEDED, CertificateState.CANCELLED})
_NAMED = 3
_FORM_CONFIRMED = "form confirmed"


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that is known of an application before it is filed: it may be, unless something refuses it.

    `warnings` refuse nothing. `examined` is None if there is no form for it, `exporter_id` if the exporter is new or not the
    caller's; `replaced` is the certificate it would replace.
    """

    examined: Examined | None
    exporter_id: UUID | None
    replaced: Standing | None
    refusals: tuple[Refused, ...]
    warnings: tuple[Problem, ...]

    @property
    def problems(self) -> list[Problem]:
        """Everything that filing would refuse, each fault once."""
        return [problem for refusal in self.refusals for problem in problems_of(refusal)]

    @property
    def wrong(self) -> frozenset[str | None]:
        """The boxes of the problems."""
        return frozenset(problem.box for problem in self.problems)

    @property
    def finding(self) -> Finding | None:
        """What the origin check found, if it came so far."""
        return self.examined.finding if self.examined else None

    def require(self) -> tuple[Form, Finding, Filled]:
        """Form, finding and boxes of an application that may be filed. Raises the refusal, or one that lists them all."""
        if self.refusals or self.examined is None:
            raise together(self.refusals)
        return self.examined.form, *self.examined.require()


async def foresee(scope: Scope, application: Application, *, registry: Registry, at: datetime, draft: Draft | None = None) -> Outlook:
    """The outlook of an application as this caller would file it now, with the goods that are filed already.

    `draft` is its row, once it has one; in a state from which nothing is filed it is refused for that alone.
    """
    outlook = await judge(scope, application, registry=registry, at=at, draft=draft)
    doubles = await _doubles(scope, application, outlook, draft.id if draft else None)
    return replace(outlook, warnings=(*doubles, *outlook.warnings))


async def judge(
    scope: Scope,
    application: Application,
    *,
    registry: Registry,
    at: datetime,
    draft: Draft | None = None,
    frm: tuple[ApplicationState, ...] = OPEN,
) -> Outlook:
    """Whether anything refuses it: `foresee` without a look at other applications. Who decides on a filed one asks it again, `frm` there."""
    citations = await citations_of(scope, application, on=ist_day(at))
    alone = await asyncio.to_thread(foresee_alone, application, registry, ist_day(at), citations.sheets)
    if citations.problems:
        alone = replace(alone, refusals=(Refused.because(citations.problems), *alone.refusals))
    outlook = await _with_rows(scope, application, alone, draft.id if draft else None, demo=registry.demo, at=at)
    if draft is not None and draft.state not in frm:
        return replace(outlook, refusals=(_elsewhere(draft, frm),))
    return outlook


def foresee_alone(application: Application, registry: Registry, today: date, sheets: Mapping[str, Cited] | None = None) -> Outlook:
    """As much of the outlook as the file and the scheme say by themselves, where there are no rows to ask.

    A line that cites a cost sheet which is not among `sheets` stays undecided.
    """
    examined: Examined | None = None
    refusals: tuple[Refused, ...] = ()
    try:
        examined = examine(application, registry, today, sheets)
        examined.require()
    except Refused as refusal:
        refusals = (refusal,)
    late = late_doubts(application, examined.form, today) if examined else ()
    return Outlook(examined, None, None, refusals, (*warnings(application), *late, *_unsure(examined)))


async def _with_rows(scope: Scope, application: Application, alone: Outlook, own: UUID | None, *, demo: bool, at: datetime) -> Outlook:
    """Asks nothing by a box that is wrong in itself, and nothing about an exporter that is not the caller's."""
    wrong = alone.wrong
    form = alone.examined.form if alone.examined else None
    intake = await look_up(scope, application, on=ist_day(at), preferential=form.preferential if form else None, wrong=wrong)
    exporter_id = intake.exporter.id if intake.exporter else None
    named = _named_otherwise(application, intake.exporter) if intake.exporter else ()
    unready = await _unready(intake.office, form, demo=demo, at=at)
    refusals = (*alone.refusals, *intake.refusals, *unready)
    # Where an agency must confirm the form, it did, or that refuses: no doubt is left to warn of.
    doubts = alone.warnings if demo or intake.office is None else tuple(each for each in alone.warnings if each.rule != _FORM_CONFIRMED)
    known = replace(alone, exporter_id=exporter_id, refusals=refusals, warnings=(*named, *doubts))
    if intake.refusals or wrong & {"exporter.iec", "agency", "office", "kind", "replaces"}:
        return known
    agency_id = intake.office.agency_id if intake.office else None
    try:
        replaced = await require_replaceable(application, exporter_id=exporter_id, agency_id=agency_id, own=own)
    except Refused as refusal:
        return replace(known, refusals=(*known.refusals, refusal))
    return replace(known, replaced=replaced)


async def _unready(office: OfficeHere | None, form: Form | None, *, demo: bool, at: datetime) -> tuple[Refused, ...]:
    """What keeps the office from issuing: nobody files, and later pays, where nothing can be issued."""
    if office is None:
        return ()
    try:
        await require_issuable(office, form, demo=demo, at=at)
    except Refused as refusal:
        return (refusal,)
    return ()


def _named_otherwise(application: Application, exporter: ExporterHere) -> Iterable[Problem]:
    """The certificate prints the name of the file; another one than the IEC was registered with may be old, or somebody else's."""
    if _plain(application.exporter.name) != _plain(exporter.name):
        say = f"The IEC {exporter.iec} is registered here for {exporter.name}, but the file names {shown(application.exporter.name)}."
        yield Problem("exporter.name", "name as registered", say)


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())


def _elsewhere(draft: Draft, frm: tuple[ApplicationState, ...]) -> Conflict:
    wanted = " or ".join(frm)
    say = f"The application {draft.reference} is {draft.state}; for this it must be {wanted}."
    return Conflict(say, code="application_state", box="state", rule=wanted, reference=draft.reference)


async def _doubles(scope: Scope, application: Application, outlook: Outlook, own: UUID | None) -> list[Problem]:
    """A warning for each invoice under which this exporter has filed for the scheme already, as far as the scope sees."""
    if outlook.exporter_id is None or application.kind is Kind.DUPLICATE:  # a duplicate certifies nothing anew
        return []
    known: dict[UUID, str | None] = {outlook.replaced.application_id: None} if outlook.replaced else {}
    wrong = outlook.wrong
    found = []
    for index, invoice in enumerate(application.invoices):
        box = f"invoices[{index}].number"
        if box in wrong:
            continue
        names: list[str] = []
        async for twin in twins_of(scope, application, invoice, exporter_id=outlook.exporter_id, own=own):
            if twin.application_id not in known:
                known[twin.application_id] = await _named(scope, twin)
            if name := known[twin.application_id]:
                names.append(name)
            if len(names) > _NAMED:
                break
        if names:
            more = " and others" if len(names) > _NAMED else ""
            say = (
                f"The invoice {shown(invoice.number)} of {invoice.dated_on} is filed already: {', '.join(names[:_NAMED])}{more}. "
                "Goods that leave in parts may have a certificate for each part; the same goods may not have two."
            )
            found.append(Problem(box, "goods certified once", say))
    return found


async def _named(scope: Scope, twin: Twin) -> str | None:
    """The application with its state and its certificate; None if that stands for nothing any more."""
    standing = await of_application(scope, twin.application_id)
    if standing is not None and standing.state in _ENDED:
        return None
    issued = f", certificate {standing.number}" if standing is not None and standing.state is CertificateState.ISSUED else ""
    return f"application {twin.reference} ({twin.state}{issued})"


def _unsure(examined: Examined | None) -> Iterable[Problem]:
    """What the scheme's own data leaves open: lines of goods that cannot be decided, and a form that nobody confirmed."""
    if examined is None:
        return
    for line in examined.finding.lines if examined.finding else ():
        if line.outcome is Outcome.UNDECIDED:
            missing = ", ".join(line.missing) or "the view of an officer"
            say = f"Item {line.item + 1}: the origin check cannot decide; missing: {missing}."
            yield Problem(f"items[{line.item}].origin", "origin decided", say)
    yield from _unconfirmed(examined.form)


def _unconfirmed(form: Form) -> Iterable[Problem]:
    """One sentence, however much of it is open: the list is the agency's business and not this application's."""
    if not (facts := [*form.unconfirmed, *form.weak]):
        return
    named = "; ".join(facts[:_NAMED])
    more = f" and {len(facts) - _NAMED} more" if len(facts) > _NAMED else ""
    say = f"The form {form.scheme} {form.version} is not confirmed; it rests on: {named}{more}. `ecoo template check {form.scheme}` lists all."
    yield Problem(None, _FORM_CONFIRMED, say)
