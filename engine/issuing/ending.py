"""How an approval ends: its certificate is let out with all that belongs to it, or its number is VOID with a reason.

Promises one transaction for each: the file's row, the state, the cover, the application, the approval, the replaced
certificate and the announcement change together or not at all. Touches no key and draws nothing.
"""

import json
import logging
from datetime import datetime
from uuid import UUID

from engine.application import ApplicationState, Kind
from engine.certificate import CertificateState, FileKind
from engine.errors import Conflict
from engine.failpoints import pass_point
from engine.filing import application_by_id
from engine.filing import move as move_application
from engine.issuing import signing
from engine.issuing.run import ACTOR, Run
from engine.issuing.tables import ApprovalRow, ApprovalState
from engine.money import post_cover
from engine.people import enrolled
from engine.proof import add_file, by_number, duplicates_of, last_event, move, void
from engine.scope import PLATFORM
from engine.store import audit, uow
from engine.store.tables import Announcement

__all__ = ["end_run", "give_up", "let_out", "replaced_is_gone", "void_number"]

_log = logging.getLogger(__name__)


async def let_out(run: Run, at: datetime) -> None:
    """ISSUED: the file is let out, the cover posted, the replaced one superseded, all of it audited and announced."""
    standing = run.certificate
    said = await last_event(standing, CertificateState.SIGNED)
    signatory = await enrolled(run.row["signatory"])
    async with uow():
        await add_file(
            standing,
            kind=FileKind.ELECTRONIC,
            serial=0,
            level="B-B",
            sha256=said["signed_sha256"],
            size=said["size"],
            signer=signatory.signer,
            fingerprint=signatory.fingerprint,
            at=datetime.fromisoformat(said["at"]),
        )
        run.standing = await move(standing, CertificateState.ISSUED, frm=(CertificateState.SIGNED,), actor=ACTOR, at=at, issued_at=at)
        await post_cover(standing.application_id, actor=ACTOR, at=at)
        draft = await application_by_id(PLATFORM, standing.application_id)
        await move_application(draft, ApplicationState.ISSUED, actor=ACTOR, at=at, frm=(ApplicationState.APPROVED,))
        await _done(run.row["id"], "")
        if run.frozen.application.kind is Kind.IN_LIEU:
            await _supersede(run.frozen.application.replaces or "", standing.number, at)
        await _announce("coo_certificate_issued", at, number=standing.number, sha256=said["signed_sha256"], scheme=standing.scheme)
        pass_point("issuing")
    _log.info("issued", extra={"number": standing.number, "reference": draft.reference})


async def replaced_is_gone(run: Run) -> str:
    """Why the certificate that this one replaces cannot be replaced any more; empty while it can, or if there is none."""
    if run.frozen.application.kind not in {Kind.IN_LIEU, Kind.DUPLICATE}:
        return ""
    number = run.frozen.application.replaces or ""
    before = await by_number(number)
    if before is None:
        return f"{number}, which it replaces, is not in the register."
    return "" if before.state is CertificateState.ISSUED else f"{number}, which it replaces, is {before.state}."


async def _supersede(number: str, by: str, at: datetime) -> None:
    before = await by_number(number)
    if before is None:
        raise Conflict(f"{number}, which this one replaces, is not in the register.", code="replaced_gone")
    for ended in (before, *await duplicates_of(before)):
        await move(
            ended,
            CertificateState.SUPERSEDED,
            frm=(CertificateState.ISSUED,),
            actor=ACTOR,
            at=at,
            detail={"replaced_by": by},
            replaced_by=by,
        )
        await _announce("coo_certificate_superseded", at, number=ended.number, replaced_by=by)


async def void_number(run: Run, reason: str, at: datetime, *, code: str = "void", actor: str = ACTOR) -> None:
    """VOID: the number reads as never issued; the application goes back to scrutiny with its cover untouched."""
    standing = run.certificate
    async with uow():
        await signing.end_live(standing, at=at, detail=reason)
        run.standing = await void(standing, reason, code=code, actor=actor, at=at)
        await _back_to_scrutiny(standing.application_id, actor, at)
        await _done(run.row["id"], reason)
        await audit(
            "number_void",
            room="issuing",
            subject=standing.number,
            actor=actor,
            at=at,
            agency=standing.agency_id,
            office=standing.office_id,
            detail={"reason": code},
        )
    _log.warning("void", extra={"number": standing.number})


async def give_up(approval: UUID, reason: str, *, actor: str, at: datetime) -> None:
    """A named person ends an approval that does not get on. Raises Conflict once its certificate is issued or void."""
    await end_run(await Run.load(approval), reason, at, code="given_up", actor=actor)


async def end_run(run: Run, reason: str, at: datetime, *, code: str, actor: str = ACTOR) -> None:
    """Ends an approval whose certificate is not issued: its number is VOID, or none was taken. The application is decided anew."""
    if run.standing is not None:
        await void_number(run, reason, at, code=code, actor=actor)
        return
    approval = run.row["id"]
    async with uow():
        ended = (
            await ApprovalRow.update({ApprovalRow.state: str(ApprovalState.DONE), ApprovalRow.last_problem: reason[:500]})
            .where(ApprovalRow.id == approval, ApprovalRow.state == str(ApprovalState.QUEUED))
            .returning(ApprovalRow.id)
        )
        if not ended:
            raise Conflict("This approval was spent or ended meanwhile.", code="approval_spent")
        await _back_to_scrutiny(run.row["application"], actor, at)
        await audit(
            "approval_ended",
            room="issuing",
            subject=str(approval),
            actor=actor,
            at=at,
            agency=run.row["agency"],
            office=run.row["office"],
            detail={"reason": code},
        )


async def _back_to_scrutiny(application: UUID, actor: str, at: datetime) -> None:
    draft = await application_by_id(PLATFORM, application)
    await move_application(draft, ApplicationState.FILED, actor=actor, at=at, frm=(ApplicationState.APPROVED,))


async def _done(approval: UUID, problem: str) -> None:
    await ApprovalRow.update({ApprovalRow.state: str(ApprovalState.DONE), ApprovalRow.last_problem: problem[:500]}).where(
        ApprovalRow.id == approval
    )


async def _announce(topic: str, at: datetime, **payload: str) -> None:
    await Announcement.insert(Announcement(topic=topic, payload=json.dumps(payload), made_at=at, due_at=at))
