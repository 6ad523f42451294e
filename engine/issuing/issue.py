"""The corridor: the only module that walks through drawing and signing, from an approval to an issued certificate.

    1 number   number, frozen input and its hash are committed
    2 draw     drawn and inspected, the drawing stored, its hash committed
    3 intend   the placeholder is made, and the intention to sign is committed before any key is touched
    4 sign     signed once, re-opened and verified (a token can lie), stored create-only, SIGNED
    5 finish   one transaction: ISSUED, the cover posted, audit, announcement

Each step looks at the rows first and does nothing that is done, so a run may be cut off anywhere and started again.
Whatever happens, a run ends with a row that says where the certificate stands: a step never raises.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from engine.application import ApplicationState, IssuerKind, Kind
from engine.certificate import CertificateState, FileKind
from engine.clock import Clock, ist_day
from engine.contracts.drawing import Rect
from engine.contracts.form import Form
from engine.contracts.signing import Declined, Mode, Waiting
from engine.drawing import DrawingRoom
from engine.errors import Conflict, EngineError, Refused, SignerUnavailable, Unavailable, Untrusted
from engine.failpoints import pass_point
from engine.filing import application_by_id
from engine.filing import move as move_application
from engine.issuing import pades, signing
from engine.issuing.frozen import Frozen
from engine.issuing.tables import ApprovalRow, ApprovalState, DocumentState
from engine.jobs import Step, StepOutcome
from engine.money import post_cover
from engine.people import enrolled
from engine.proof import Numbered, SeriesRule, Standing, add_file, by_approval, by_number, last_event, move, take_number, void
from engine.proof.chain import check_chain
from engine.proof.signature import verify_signed
from engine.proof.trust import Trust
from engine.registry import Registry
from engine.scope import PLATFORM
from engine.store import FileStore, audit, uow
from engine.store.files import remember
from engine.store.tables import Announcement

__all__ = ["ACTOR", "Corridor", "Halted"]

ACTOR = "corridor"
_log = logging.getLogger(__name__)
_PDF = "application/pdf"
_NEVER = timedelta(days=3650)


class Halted(Unavailable):
    """The site is halted: nothing is issued until an operator says so."""

    code = "halted"


@dataclass(frozen=True, slots=True)
class Corridor:
    """The corridor of one site, with all it needs handed in."""

    registry: Registry
    drawing: DrawingRoom
    files: FileStore
    trust: Trust
    clock: Clock
    public_url: str
    rule: SeriesRule
    halted: Callable[[], bool]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in order, by the names under which they are remembered."""
        return tuple((name, self._guarded(name, act)) for name, act in self._acts())

    def _acts(self) -> tuple[tuple[str, Callable[["_Run"], Awaitable[None]]], ...]:
        return (
            ("number", self.number),
            ("draw", self.draw),
            ("intend", self.intend),
            ("sign", self.sign),
            ("finish", self.finish),
        )

    # --- 1 number -------------------------------------------------------------------------------

    async def number(self, run: "_Run") -> None:
        """Spends the approval on the next number, in one transaction."""
        if run.standing is not None:
            return
        if self.halted():
            raise Halted("Issuing is halted on this site. An operator can let it go on.")
        row, frozen, at = run.row, run.frozen, self.clock.now()
        form = self.registry.form_of(frozen.scheme, frozen.form_sha256)
        wish = Numbered(
            approval_id=row["id"],
            application_id=row["application"],
            issuer_kind=IssuerKind(row["issuer_kind"]),
            agency_id=row["agency"],
            office_id=row["office"],
            exporter_id=row["exporter"],
            agency_code=frozen.agency_code,
            office_code=frozen.office_code,
            scheme=frozen.scheme,
            form_sha256=frozen.form_sha256,
            kind=str(frozen.application.kind),
            content_sha256=row["content_sha256"],
            shown=frozen.shown(form),
        )
        async with uow():
            spent = (
                await ApprovalRow.update({ApprovalRow.state: str(ApprovalState.SPENT), ApprovalRow.spent_at: at})
                .where(ApprovalRow.id == row["id"], ApprovalRow.state == str(ApprovalState.QUEUED))
                .returning(ApprovalRow.id)
            )
            if not spent:
                raise Conflict("This approval was spent already.", code="approval_spent")
            run.standing = await take_number(wish, self.rule, actor=ACTOR, at=at)
        pass_point("numbered")

    # --- 2 draw ---------------------------------------------------------------------------------

    async def draw(self, run: "_Run") -> None:
        """Draws and inspects; a drawing of another day is drawn again under the same number."""
        standing, today = run.certificate, ist_day(self.clock.now())
        if standing.state is CertificateState.SIGNING:
            standing = run.standing = await self._take_back_if_another_day(standing)
        if standing.state not in {CertificateState.NUMBERED, CertificateState.DRAWN}:
            return
        if standing.state is CertificateState.DRAWN and standing.drawn_on == today:
            return
        if standing.state is CertificateState.DRAWN and not run.row["from_shell"] and run.row["kind"] == "officer":
            raise Refused("The day changed before it was signed. The officer must confirm the new date.", code="day_changed")
        form = self.registry.form_of(standing.scheme, standing.form_sha256)
        try:
            drawing = await self.drawing.draw(await self._request(run.frozen, standing, form))
        except Refused as refusal:
            await self._void(run, f"It could not be drawn: {refusal.say}")
            raise _Ended from refusal
        pass_point("inked")
        places = {"signature": _place(drawing.signature), "pages": drawing.pages}
        sha256, at = await self.files.put(drawing.pdf), self.clock.now()
        async with uow():
            await remember(sha256, len(drawing.pdf), room="proof", row=str(standing.id), purpose="drawing", media_type=_PDF, at=at)
            run.standing = await move(
                standing,
                CertificateState.DRAWN,
                frm=(standing.state,),
                actor=ACTOR,
                at=at,
                detail={"drawn_sha256": sha256, **places},
                drawn_sha256=sha256,
                drawn_on=today,
            )
        pass_point("drawn")

    async def _request(self, frozen: Frozen, standing: Standing, form: Form) -> Any:
        return frozen.request(
            form,
            number=standing.number,
            code=standing.code,
            public_url=self.public_url,
            on=ist_day(self.clock.now()),
            stamp=await self.files.get(frozen.stamp_sha256) if frozen.stamp_sha256 else None,
            appearance=await self.files.get(frozen.appearance_sha256) if frozen.appearance_sha256 else None,
        )

    async def _take_back_if_another_day(self, standing: Standing) -> Standing:
        """Printed date and signing time never differ by a day: an unsigned job of yesterday is given up."""
        now = self.clock.now()
        job = await signing.live_job(standing, self.files)
        if job is not None and (ist_day(job.made_at) == ist_day(now) or job.state is DocumentState.SIGNED):
            return standing
        async with uow():
            if job is not None:
                await signing.end_job(job, DocumentState.FAILED, at=now, detail="the day changed before it was signed")
            return await move(
                standing, CertificateState.DRAWN, frm=(CertificateState.SIGNING,), actor=ACTOR, at=now, detail={"why": "another day"}
            )

    # --- 3 intend -------------------------------------------------------------------------------

    async def intend(self, run: "_Run") -> None:
        """Makes the placeholder and writes the intention down, before any key is touched."""
        standing = run.certificate
        if standing.state is not CertificateState.DRAWN:
            return
        at = self.clock.now()
        if ist_day(at) != standing.drawn_on:
            raise _Again
        signatory = await enrolled(run.row["signatory"])
        signer = self.registry.signer(signatory.signer)
        chain = None if signer.mode is Mode.REMOTE else signatory.chain
        if not signatory.live:
            await self._void(run, "The signatory's X.509 certificate was ended before it signed.")
            raise _Ended
        if chain is not None:
            try:
                pades.check_usable(chain, at=at)
                await asyncio.to_thread(check_chain, chain, trust=self.trust, at=at)
            except Refused as refusal:
                if refusal.code == "untrusted":  # the operator's roots are wrong, not the signatory: it waits for them
                    raise
                await self._void(run, f"The signatory's X.509 certificate cannot be used any more: {refusal.say}")
                raise _Ended from refusal
        prepared = await pades.prepare(
            await self.files.get(standing.drawn_sha256 or ""),
            chain=chain,
            field=await self._signature_place(standing),
            signer_name=run.frozen.signer_name,
            at=at,
            reason=f"Certificate of Origin {standing.number}",
            location=run.frozen.values["certified_place"],
            mode=signer.mode,
        )
        await self.files.put(prepared.pdf)
        pass_point("prepared")
        await signing.intend(standing, prepared, signatory, actor=ACTOR, at=at)
        run.standing = None
        pass_point("intended")

    async def _signature_place(self, standing: Standing) -> Rect:
        """Where the drawing left room for the visible signature, as its event remembers."""
        place = (await last_event(standing, CertificateState.DRAWN))["signature"]
        return Rect(**place)

    # --- 4 sign ---------------------------------------------------------------------------------

    async def sign(self, run: "_Run") -> None:
        """Signs the prepared bytes, verifies what came back, stores the file, and says SIGNED."""
        standing = run.certificate
        if standing.state is not CertificateState.SIGNING:
            return
        job = await signing.live_job(standing, self.files)
        if job is None:
            raise Unavailable("The signing job of this certificate is not there any more.", code="job_gone")
        signatory = await enrolled(run.row["signatory"])
        signer = self.registry.signer(signatory.signer)
        await signing.count_try(job)
        ask = signer.poll if job.state is DocumentState.WAITING else signer.start
        result = signing.only_result(await ask(job.job(signatory, standing)), job, signer.id)
        pass_point("key_used")
        if isinstance(result, Waiting):
            await signing.note_waiting(job, result)
            raise SignerUnavailable("The certificate waits for its signatory.", code="waiting")
        if isinstance(result, Declined):
            await self._job_failed(run, job, DocumentState.DECLINED, result.say)
            raise Refused(f"The signature was declined: {result.say}", code=result.code)
        chain = None if signer.mode is Mode.REMOTE else signatory.chain
        try:
            signed = await pades.finish(job.prepared, result, chain=chain)
            await asyncio.to_thread(
                verify_signed,
                signed,
                drawn_pdf=await self.files.get(standing.drawn_sha256 or ""),
                chain=signatory.chain,
                trust=self.trust,
                at=self.clock.now(),
            )
        except Untrusted as error:
            await self._job_failed(run, job, DocumentState.FAILED, error.say)
            raise
        pass_point("verified")
        sha256 = await self.files.put(signed)
        pass_point("stored")
        await self._say_signed(run, job, sha256, len(signed))
        pass_point("signed")

    async def _say_signed(self, run: "_Run", job: signing.OpenJob, sha256: str, size: int) -> None:
        at, standing = self.clock.now(), run.certificate
        async with uow():
            await signing.end_job(job, DocumentState.SIGNED, at=at, signed_sha256=sha256)
            await remember(sha256, size, room="proof", row=str(standing.id), purpose="certificate", media_type=_PDF, at=at)
            detail = {"signed_sha256": sha256, "size": size}
            run.standing = await move(standing, CertificateState.SIGNED, frm=(CertificateState.SIGNING,), actor=ACTOR, at=at, detail=detail)

    async def _job_failed(self, run: "_Run", job: signing.OpenJob, state: DocumentState, why: str) -> None:
        """A job that gave no signature leaves the certificate DRAWN, and a new job may start."""
        at = self.clock.now()
        async with uow():
            await signing.end_job(job, state, at=at, detail=why)
            run.standing = await move(
                run.certificate, CertificateState.DRAWN, frm=(CertificateState.SIGNING,), actor=ACTOR, at=at, detail={"why": str(state)}
            )

    # --- 5 finish -------------------------------------------------------------------------------

    async def finish(self, run: "_Run") -> None:
        """One transaction: the file is let out, ISSUED, the cover posted, the replaced one superseded, all announced."""
        standing = run.certificate
        if standing.state is not CertificateState.SIGNED:
            return
        said = await last_event(standing, CertificateState.SIGNED)
        signatory, at = await enrolled(run.row["signatory"]), self.clock.now()
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
            await ApprovalRow.update({ApprovalRow.state: str(ApprovalState.DONE), ApprovalRow.last_problem: ""}).where(
                ApprovalRow.id == run.row["id"]
            )
            if run.frozen.application.kind is Kind.IN_LIEU:
                await self._supersede(run.frozen.application.replaces or "", standing.number, at)
            await _announce("coo_certificate_issued", at, number=standing.number, sha256=said["signed_sha256"], scheme=standing.scheme)
            pass_point("issuing")
        _log.info("issued", extra={"number": standing.number, "reference": draft.reference})
        pass_point("issued")

    async def _supersede(self, number: str, by: str, at: datetime) -> None:
        before = await by_number(number)
        if before is None:
            raise Conflict(f"{number}, which this one replaces, is not in the register.", code="replaced_gone")
        await move(
            before,
            CertificateState.SUPERSEDED,
            frm=(CertificateState.ISSUED,),
            actor=ACTOR,
            at=at,
            detail={"replaced_by": by},
            replaced_by=by,
        )
        await _announce("coo_certificate_superseded", at, number=before.number, replaced_by=by)

    # --- what goes wrong ------------------------------------------------------------------------

    async def _void(self, run: "_Run", reason: str) -> None:
        """The number reads as never issued; the application goes back to scrutiny with its cover untouched."""
        at = self.clock.now()
        async with uow():
            run.standing = await void(run.certificate, reason, actor=ACTOR, at=at)
            draft = await application_by_id(PLATFORM, run.certificate.application_id)
            await move_application(draft, ApplicationState.FILED, actor=ACTOR, at=at, frm=(ApplicationState.APPROVED,))
            await ApprovalRow.update({ApprovalRow.state: str(ApprovalState.DONE), ApprovalRow.last_problem: reason[:500]}).where(
                ApprovalRow.id == run.row["id"]
            )
            await audit("number_void", room="issuing", subject=run.certificate.number, actor=ACTOR, at=at, detail={"reason": reason[:300]})
        _log.warning("void", extra={"number": run.certificate.number})

    def _guarded(self, name: str, act: Callable[["_Run"], Awaitable[None]]) -> Callable[[str], Coroutine[Any, Any, StepOutcome]]:
        async def step(id: str) -> StepOutcome:
            run = await _Run.load(UUID(id))
            if run.row["state"] == ApprovalState.DONE:
                return StepOutcome.STOP
            try:
                await act(run)
            except _Ended:
                return StepOutcome.STOP
            except _Again:
                await self._hold(run, timedelta(0), "The day changed; it is drawn again.")
                return StepOutcome.STOP
            except Exception as error:
                await self._hold(run, _patience(error, run.row["runs"]), _sentence(error))
                _log.warning("step_held", extra={"step": name, "approval": id, "problem": getattr(error, "code", type(error).__name__)})
                return StepOutcome.STOP
            return StepOutcome.NEXT

        return step

    async def _hold(self, run: "_Run", wait: timedelta, problem: str) -> None:
        """Writes down what keeps it, and when the next run may come; a new run gets a new name."""
        changed: dict[Any, Any] = {
            ApprovalRow.wait_until: self.clock.now() + wait,
            ApprovalRow.last_problem: problem[:500],
            ApprovalRow.runs: run.row["runs"] + 1,
        }
        async with uow():
            await ApprovalRow.update(changed).where(ApprovalRow.id == run.row["id"], ApprovalRow.runs == run.row["runs"])


class _Ended(Exception):
    """The certificate is VOID; this run is over."""


class _Again(Exception):
    """Something outside moved on (the day); start over at once."""


@dataclass(slots=True)
class _Run:
    """One step's look at the rows."""

    row: dict[str, Any]
    frozen: Frozen
    standing: Standing | None

    @classmethod
    async def load(cls, approval: UUID) -> "_Run":
        row = await ApprovalRow.select().where(ApprovalRow.id == approval).first()
        if row is None:
            raise Conflict("The approval is not there any more.", code="approval_gone")
        return cls(dict(row), msgspec.json.decode(row["frozen"], type=Frozen), await by_approval(approval))

    @property
    def certificate(self) -> Standing:
        """The certificate, which the number step made."""
        if self.standing is None:
            raise Conflict("The approval has no number yet.", code="not_numbered")
        return self.standing


def _patience(error: Exception, runs: int) -> timedelta:
    """How long to wait: longer each time; for what only a person can mend, until they start it again."""
    if isinstance(error, Refused) and not isinstance(error, Conflict):
        return _NEVER
    return timedelta(seconds=min(900, 2 ** min(runs, 10)))


def _sentence(error: Exception) -> str:
    if isinstance(error, EngineError):
        return error.say
    return f"An unforeseen failure ({type(error).__name__}); it is tried again."


def _place(rect: Rect) -> dict[str, float]:
    return {"page": rect.page, "x_mm": rect.x_mm, "y_mm": rect.y_mm, "w_mm": rect.w_mm, "h_mm": rect.h_mm}


async def _announce(topic: str, at: datetime, **payload: str) -> None:
    await Announcement.insert(Announcement(topic=topic, payload=json.dumps(payload), made_at=at))
