"""The counter: an application is filed, examined once more. Its fee is covered afterwards: see `covering`, and `paying`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.application import ApplicationState
from engine.contracts.form import Filled, Form
from engine.contracts.origin import Finding
from engine.filing import Draft, find, keep_finding, move, note_invoices
from engine.money.outlook import OPEN, Outlook, foresee, judge
from engine.money.replacing import claim_replaced
from engine.people.firms import count_filing
from engine.registry import Registry
from engine.scope import Scope, ScopeKind
from engine.store import uow

__all__ = ["Fileable", "Filed", "file", "file_it", "fileable", "filed_again"]


@dataclass(frozen=True, slots=True)
class Filed:
    """A filed application with what its examination found: what scrutiny starts from."""

    draft: Draft
    form: Form
    finding: Finding
    filled: Filled


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
