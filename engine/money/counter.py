"""The counter: an application is filed, and its fee is covered: a paid order, a wallet hold, or a waiver by a named person."""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from engine.application import ApplicationState, IssuerKind
from engine.contracts.form import Filled, Form
from engine.contracts.origin import Finding
from engine.errors import Conflict, Refused
from engine.filing import Draft, find, keep_finding, move, note_invoices
from engine.money.outlook import OPEN, Outlook, foresee, judge
from engine.money.replacing import claim_replaced, let_go_of_replaced
from engine.money.tables import CoverKind, CoverRow, CoverState
from engine.people.firms import count_filing
from engine.registry import Registry
from engine.scope import Scope, ScopeKind
from engine.store import audit, uow
from engine.store.tables import Announcement

__all__ = ["Cover", "Fileable", "Filed", "cover_of", "file", "file_it", "fileable", "filed_again", "post_cover", "release_cover", "waive"]


@dataclass(frozen=True, slots=True)
class Filed:
    """A filed application with what its examination found: what scrutiny starts from."""

    draft: Draft
    form: Form
    finding: Finding
    filled: Filled


@dataclass(frozen=True, slots=True)
class Cover:
    """The proof that the fee is taken care of."""

    id: UUID
    kind: CoverKind
    state: CoverState


@dataclass(frozen=True, slots=True)
class Fileable:
    """A draft that was examined and may be filed as it stands: what filing it writes. Nothing of it is written yet."""

    scope: Scope
    draft: Draft
    outlook: Outlook


async def fileable(scope: Scope, reference: str, *, registry: Registry, at: datetime) -> Fileable:
    """Examines a draft for filing, with what deserves a second look, outside of any unit of work: it takes its time. Raises
    what refuses it."""
    draft = await find(scope, reference)
    outlook = await foresee(scope, draft.application, registry=registry, at=at, draft=draft)
    outlook.require()
    return Fileable(scope, draft, outlook)


async def file_it(what: Fileable, *, actor: str, at: datetime, broker: UUID | None = None) -> Filed:
    """Files what was examined, in one short unit of work; Conflict if it changed since.

    `broker` is whose grant is used, where a broker files: it counts there first. Raises Forbidden if the grant ended meanwhile,
    TooMany beyond what the exporter granted for a day.
    """
    if broker is None and what.scope.kind is ScopeKind.BROKER:
        raise ValueError("Who files in a broker's scope names the broker: its filings are counted.")
    draft, (form, finding, filled) = what.draft, what.outlook.require()
    async with uow():
        if broker is not None:
            await count_filing(broker, draft.exporter_id, at)
        await keep_finding(draft, form, finding, at)
        await move(draft, ApplicationState.FILED, actor=actor, at=at, frm=OPEN)
        await note_invoices(draft, at)
        await claim_replaced(draft, what.outlook.replaced, at)
    return Filed(await find(what.scope, draft.reference), form, finding, filled)


async def file(scope: Scope, reference: str, *, registry: Registry, actor: str, at: datetime, broker: UUID | None = None) -> Filed:
    """Files a draft: everything is examined again, the finding is kept, and it cannot be changed any more. Raises as `file_it` does."""
    draft = await find(scope, reference)
    outlook = await judge(scope, draft.application, registry=registry, at=at, draft=draft)
    outlook.require()
    return await file_it(Fileable(scope, draft, outlook), actor=actor, at=at, broker=broker)


async def filed_again(scope: Scope, reference: str, *, registry: Registry, at: datetime) -> Filed:
    """A filed application, examined afresh for the officer who decides now. Raises Conflict for one in another state."""
    draft = await find(scope, reference)
    outlook = await judge(scope, draft.application, registry=registry, at=at, draft=draft, frm=(ApplicationState.FILED,))
    return Filed(draft, *outlook.require())


async def waive(draft: Draft, *, by: str, reason: str, at: datetime) -> Cover:
    """Covers an application by a named person's waiver; the cover it has already stays."""
    if not by or not reason:
        raise Refused("A waiver needs a named person and a reason.", box="cover", rule="waiver named")
    async with uow():
        if present := await cover_of(draft):
            return present
        row = CoverRow(
            application=draft.id,
            issuer_kind=str(IssuerKind.AGENCY if draft.agency_id else IssuerKind.SELF),
            **draft.owner,
            kind=str(CoverKind.WAIVER),
            waived_by=by,
            reason=reason,
            live_key=str(draft.id),
            made_at=at,
        )
        await CoverRow.insert(row)
        await _announce_filed(draft, at)
        await audit("fee_waived", room="money", subject=draft.reference, actor=by, at=at, agency=draft.agency_id, office=draft.office_id)
    return Cover(UUID(str(row.id)), CoverKind.WAIVER, CoverState.OPEN)


async def _announce_filed(draft: Draft, at: datetime) -> None:
    payload = json.dumps({"reference": draft.reference, "scheme": draft.application.scheme})
    await Announcement.insert(Announcement(topic="coo_application_filed", payload=payload, made_at=at, due_at=at))


async def cover_of(draft: Draft) -> Cover | None:
    """The live cover of an application, or None."""
    row = await CoverRow.select().where(CoverRow.live_key == str(draft.id)).first()
    return Cover(row["id"], CoverKind(row["kind"]), CoverState(row["state"])) if row else None


async def post_cover(application_id: UUID, *, actor: str, at: datetime) -> None:
    """Takes what the cover set aside, in the unit of work of the issue. Raises Conflict if there is no open cover."""
    posted = (
        await CoverRow.update({CoverRow.state: str(CoverState.POSTED), CoverRow.ended_at: at})
        .where(CoverRow.live_key == str(application_id), CoverRow.state == str(CoverState.OPEN))
        .returning(CoverRow.id)
    )
    if len(posted) != 1:
        raise Conflict("The application has no open cover.", code="cover_missing")


async def release_cover(application_id: UUID, *, actor: str, at: datetime) -> None:
    """Lets go of what was set aside, money and claim alike: the application ends without a certificate."""
    await let_go_of_replaced(application_id, at)
    await CoverRow.update({CoverRow.state: str(CoverState.RELEASED), CoverRow.ended_at: at, CoverRow.live_key: str(uuid4())}).where(
        CoverRow.live_key == str(application_id), CoverRow.state == str(CoverState.OPEN)
    )
