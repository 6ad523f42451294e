"""Scrutiny: an officer approves, and the frozen input is bound by its hash. Touches no key.

An approval can be spent once. A self-declaration needs no officer: a passing finding and the declaration mint it.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.application import ApplicationState, IssuerKind, Kind
from engine.clock import Clock, ist_day
from engine.contracts.origin import Outcome
from engine.errors import Conflict, Refused
from engine.failpoints import pass_point
from engine.filing import Draft, move
from engine.issuing.frozen import Frozen, freeze
from engine.issuing.tables import ApprovalKind, ApprovalRow
from engine.money import Filed, cover_of
from engine.people import OfficeHere, OfficerHere, UserHere, live_enrolment, require_confirmed, require_may_issue
from engine.people.pictures import hand_of_user
from engine.proof import by_number
from engine.scope import Scope
from engine.store import audit, uow

__all__ = ["Approval", "Decision", "approve", "of_draft", "preview", "record"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Approval:
    """The right to one certificate of exactly this content."""

    id: UUID
    application_id: UUID
    content_sha256: str


@dataclass(frozen=True, slots=True)
class Decision:
    """Who approves what: the filed application, the office and officer, or the exporter's user for a self-declaration."""

    filed: Filed
    office: OfficeHere | None
    officer: OfficerHere | None
    user: UserHere | None
    from_shell: bool


async def preview(decision: Decision, *, demo: bool, at: datetime) -> Frozen:
    """The frozen input that would be approved now. Raises Refused with everything that keeps it from being issued."""
    filed, application = decision.filed, decision.filed.draft.application
    if application.issuer_kind is IssuerKind.AGENCY:
        if decision.office is None or decision.officer is None:
            raise Refused("An officer must approve this application.", box="officer", rule="officer decides")
        await require_may_issue(decision.officer, decision.office)
    elif filed.finding.outcome is not Outcome.PASSES:
        raise Refused("A self-declaration needs a finding that passes.", box="items", rule="finding passes")
    await require_confirmed(filed.draft.agency_id, filed.form, demo=demo)
    enrolled = await live_enrolment(
        officer=decision.officer.id if decision.officer else None,
        exporter_user=decision.user.id if decision.user and not decision.officer else None,
        at=at,
    )
    replaced = (
        await by_number(application.replaces) if application.replaces and application.kind in {Kind.IN_LIEU, Kind.DUPLICATE} else None
    )
    return freeze(
        application,
        version=filed.draft.version,
        form=filed.form,
        finding=filed.finding,
        filled=filed.filled,
        office=decision.office,
        officer=decision.officer,
        enrolled=enrolled,
        demo=demo,
        replaced_on=ist_day(replaced.issued_at) if replaced and replaced.issued_at else None,
        hand_sha256=await hand_of_user(decision.user.id) if decision.user and not decision.officer else None,
    )


async def approve(decision: Decision, frozen: Frozen, *, actor: str, clock: Clock, wake: Callable[[], None] | None = None) -> Approval:
    """Approves exactly this frozen input and lets the corridor begin. Raises Conflict if the application changed or was decided meanwhile."""
    async with uow():
        approval = await record(decision, frozen, actor=actor, at=clock.now())
    pass_point("approved")
    if wake:
        wake()
    return approval


async def record(decision: Decision, frozen: Frozen, *, actor: str, at: datetime) -> Approval:
    """Writes the approval in the unit of work around the call. Raises Conflict as `approve` does."""
    draft = decision.filed.draft
    enrolled = await live_enrolment(
        officer=decision.officer.id if decision.officer else None,
        exporter_user=decision.user.id if decision.user and not decision.officer else None,
        at=at,
    )
    if enrolled.fingerprint != frozen.fingerprint:
        raise Conflict("The signatory's X.509 certificate was changed meanwhile. Look at the preview again.", code="content_changed")
    row = ApprovalRow(
        application=draft.id,
        issuer_kind=str(draft.application.issuer_kind),
        **draft.owner,
        kind=str(ApprovalKind.OFFICER if decision.officer else ApprovalKind.AUTO),
        officer=decision.officer.id if decision.officer else None,
        signatory=enrolled.id,
        approved_by=actor,
        from_shell=decision.from_shell,
        frozen=frozen.encoded().decode(),
        content_sha256=frozen.content_sha256,
        approved_at=at,
    )
    await move(draft, ApplicationState.APPROVED, actor=actor, at=at, frm=(ApplicationState.FILED,))
    if await cover_of(draft) is None:  # asked while the application is ours: nobody releases a cover under an approval
        raise Conflict("The fee of this application is not covered yet.", code="cover_missing", reference=draft.reference)
    await ApprovalRow.insert(row)
    await audit(
        "approved",
        room="issuing",
        subject=draft.reference,
        actor=actor,
        at=at,
        agency=draft.agency_id,
        office=draft.office_id,
        after=frozen.content_sha256,
    )
    _log.info("approved", extra={"reference": draft.reference})
    return Approval(UUID(str(row.id)), draft.id, frozen.content_sha256)


async def of_draft(scope: Scope, draft: Draft) -> Approval | None:
    """The newest approval of an application, if the scope covers it (the draft was found by it)."""
    row = await ApprovalRow.select().where(ApprovalRow.application == draft.id).order_by(ApprovalRow.approved_at, ascending=False).first()
    return Approval(row["id"], row["application"], row["content_sha256"]) if row else None
