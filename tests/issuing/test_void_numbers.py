"""Numbers that end VOID: the reason is kept, the approval is over, the application is back in scrutiny with its cover."""

from datetime import timedelta

import pytest

from engine.application import Application, ApplicationState
from engine.certificate import CertificateState
from engine.drawing import DrawingRoom
from engine.errors import Conflict, Refused
from engine.filing import find
from engine.issuing.ending import give_up
from engine.issuing.tables import ApprovalRow, SigningDocumentRow, SigningJobRow
from engine.jobs import StepOutcome
from engine.money.tables import CoverRow
from engine.people import end_enrolment, enrol, enrolled
from engine.proof import by_approval
from engine.scope import PLATFORM
from engine.store.tables import AuditEntry

STEPS = ("number", "draw", "intend")


async def walk_to(walk, approval, last: str | None) -> None:
    for name in STEPS[: STEPS.index(last) + 1] if last else ():
        assert await walk.step(name, approval) is StepOutcome.NEXT


async def require_void(walk, draft, approval, found, reason: str) -> None:
    """What must hold of every number that was taken in vain."""
    assert found.over
    assert found.standing.state is CertificateState.VOID
    assert reason in found.standing.void_reason
    assert (await find(PLATFORM, draft.reference)).state is ApplicationState.FILED
    covers = await CoverRow.select(CoverRow.state).where(CoverRow.application == draft.id)
    assert covers == [{"state": "open"}]
    assert (await walk.site.verifier.number(found.standing.number)).verdict == "unknown"
    assert (await walk.site.verifier.code(found.standing.code)).verdict == "unknown"
    assert await AuditEntry.count().where(AuditEntry.act == "number_void") == 1


async def require_next_number_issues(walk, draft, found, tally) -> None:
    """A new approval takes a new number, and the old one stays unknown."""
    _, again = await walk.approve(draft.reference)
    second = await walk.run(again)
    assert second.issued
    assert second.standing.number != found.standing.number
    counted = await tally(walk.site)
    assert (counted.approvals, counted.issued, counted.void) == (2, 1, 1)


@pytest.mark.parametrize("after", [None, "draw", "intend"])
async def test_an_x509_certificate_ended_before_it_signs_voids_the_number(walk, application: Application, after: str | None, tally) -> None:
    draft, approval = await walk.approve(application)
    await walk_to(walk, approval, after)
    signatory = await signatory_of(approval)
    await end_enrolment(PLATFORM, signatory.id, "lost", box=walk.site.secrets, actor="test", at=walk.clock.now())
    found = await walk.run(approval)
    await require_void(walk, draft, approval, found, "ended before it signed")
    assert await SigningJobRow.count().where(SigningJobRow.tries > 0) == 0, "the key was touched"
    officer = await ApprovalRow.select(ApprovalRow.agency, ApprovalRow.officer).first()
    await enrol(
        signer=signatory.signer,
        key=signatory.signatory.key,
        chain=signatory.chain,
        officer=(officer["agency"], officer["officer"]),
        actor="test",
        at=walk.clock.now(),
    )
    await require_next_number_issues(walk, draft, found, tally)


@pytest.mark.parametrize("after", [None, "intend"])
async def test_an_x509_certificate_expired_before_it_signs_voids_the_number(walk, application: Application, after: str | None) -> None:
    draft, approval = await walk.approve(application)
    await walk_to(walk, approval, after)
    walk.clock.shift = timedelta(days=740)
    found = await walk.until_over(approval)
    await require_void(walk, draft, approval, found, "cannot be used any more")
    assert {row["state"] for row in await SigningDocumentRow.select(SigningDocumentRow.state)} <= {"failed"}


async def test_a_drawing_that_is_refused_voids_the_number(walk, application: Application, monkeypatch: pytest.MonkeyPatch, tally) -> None:
    draft, approval = await walk.approve(application)

    async def refuse(self: DrawingRoom, request: object) -> None:
        raise Refused("Box 7 does not hold its text.", box="7")

    with monkeypatch.context() as patched:
        patched.setattr(DrawingRoom, "draw", refuse)
        found = await walk.run(approval)
    await require_void(walk, draft, approval, found, "Box 7 does not hold its text")
    await require_next_number_issues(walk, draft, found, tally)


async def test_a_void_number_is_not_drawn_signed_or_issued_by_a_late_run(walk, application: Application) -> None:
    _, approval = await walk.approve(application)
    await walk_to(walk, approval, "intend")
    await give_up(approval, "the exporter asked for it", actor="officer:test", at=walk.clock.now())
    for name in ("number", "draw", "intend", "sign", "finish"):
        assert await walk.step(name, approval) is StepOutcome.STOP
    assert (await by_approval(approval)).state is CertificateState.VOID


@pytest.mark.parametrize("after", [None, "number", "draw", "intend"])
async def test_a_person_can_give_up_what_does_not_get_on(walk, application: Application, after: str | None, tally) -> None:
    draft, approval = await walk.approve(application)
    await walk_to(walk, approval, after)
    await give_up(approval, "the exporter asked for it", actor="officer:test", at=walk.clock.now())
    standing = await by_approval(approval)
    assert (standing is None) == (after is None)
    assert standing is None or standing.state is CertificateState.VOID
    assert (await find(PLATFORM, draft.reference)).state is ApplicationState.FILED
    _, again = await walk.approve(draft.reference)
    assert (await walk.run(again)).issued
    await tally(walk.site)


async def test_what_is_issued_cannot_be_given_up(walk, application: Application) -> None:
    _, approval = await walk.approve(application)
    await walk.run(approval)
    with pytest.raises(Conflict):
        await give_up(approval, "too late", actor="officer:test", at=walk.clock.now())
    assert (await by_approval(approval)).state is CertificateState.ISSUED


async def signatory_of(approval):
    row = await ApprovalRow.select(ApprovalRow.signatory).where(ApprovalRow.id == approval).first()
    return await enrolled(row["signatory"])
