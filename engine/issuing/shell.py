"""The acts of a person at a shell: file, waive, approve, in one unit of work. Whatever is refused leaves nothing behind."""

from datetime import datetime

from engine.application import Application, ApplicationState, IssuerKind
from engine.clock import Clock, ist_day
from engine.errors import Conflict, Refused
from engine.failpoints import pass_point
from engine.filing import Draft, find, open_draft, require_office
from engine.issuing.scrutiny import Approval, Decision, of_draft, preview, record
from engine.money import file, filed_again, waive
from engine.people import exporter_user, find_officer
from engine.registry import Registry
from engine.scope import PLATFORM
from engine.store import audit, uow

__all__ = ["approve_at_shell"]

_REASON = "issued from a shell"


async def approve_at_shell(
    what: Application | str, *, officer: str | None, signatory: str | None, registry: Registry, clock: Clock, demo: bool
) -> tuple[Draft, Approval]:
    """Files what is not filed yet, waives its fee and approves it, recorded under the named person.

    `what` is an application, or the reference of one. An application that is approved or issued already keeps its approval.
    """
    async with uow():
        draft, approval, new = await _acts(what, officer, signatory, registry, clock.now(), demo)
    if new:
        pass_point("approved")
    return draft, approval


async def _acts(
    what: Application | str, officer: str | None, signatory: str | None, registry: Registry, now: datetime, demo: bool
) -> tuple[Draft, Approval, bool]:
    draft = await open_draft(PLATFORM, what, actor="shell", at=now) if isinstance(what, Application) else await find(PLATFORM, what)
    if draft.state in {ApplicationState.APPROVED, ApplicationState.ISSUED}:
        return draft, await _known(draft), False
    if draft.state in {ApplicationState.DRAFT, ApplicationState.QUERIED}:
        await file(PLATFORM, draft.reference, registry=registry, actor="shell", at=now)
    decision, actor = await _decision(draft.reference, officer, signatory, registry, now)
    await waive(decision.filed.draft, by=actor, reason=_REASON, at=now)
    frozen = await preview(decision, demo=demo, at=now)
    approval = await record(decision, frozen, actor=actor, at=now)
    await audit("approved_from_shell", room="issuing", subject=draft.reference, actor=actor, at=now, agency=draft.agency_id)
    return decision.filed.draft, approval, True


async def _known(draft: Draft) -> Approval:
    approval = await of_draft(PLATFORM, draft)
    if approval is None:
        raise Conflict(
            f"The application {draft.reference} is {draft.state} without an approval.", code="approval_gone", reference=draft.reference
        )
    return approval


async def _decision(reference: str, officer: str | None, signatory: str | None, registry: Registry, now: datetime) -> tuple[Decision, str]:
    filed = await filed_again(PLATFORM, reference, registry=registry, at=now)
    application = filed.draft.application
    if application.issuer_kind is IssuerKind.AGENCY:
        if not officer:
            raise Refused("Name the officer who approves and signs: --officer ADDRESS.", box="officer", rule="officer decides")
        here = await find_officer(PLATFORM, officer)
        return Decision(filed, await require_office(application, on=ist_day(now)), here, None, from_shell=True), here.actor
    if not signatory:
        raise Refused("Name the exporter's user who signs: --signatory ADDRESS.", box="signatory", rule="signatory signs")
    user = await exporter_user(PLATFORM, filed.draft.exporter_id, signatory)
    return Decision(filed, None, None, user, from_shell=True), f"account:{user.account_id}"
