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
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from engine.application import IssuerKind
from engine.certificate import CertificateState
from engine.clock import Clock, ist_day
from engine.contracts.drawing import Rect
from engine.contracts.form import Form
from engine.contracts.signing import Declined, Mode, Signer, Waiting, X509Chain
from engine.drawing import DrawingRoom
from engine.errors import Conflict, NotFound, Refused, SignerUnavailable, Unavailable, Untrusted
from engine.failpoints import pass_point
from engine.issuing import ending, pades, signing
from engine.issuing.frozen import Frozen
from engine.issuing.run import ACTOR, Act, Again, Ended, Run, guarded
from engine.issuing.shown import shown_of
from engine.issuing.tables import ApprovalRow, ApprovalState, DocumentState
from engine.jobs import Step
from engine.people import Enrolled, enrolled, why_not_officer
from engine.proof import Numbered, SeriesRule, Standing, last_event, move, take_number
from engine.proof.chain import check_chain
from engine.proof.signature import verify_signed
from engine.proof.trust import Trust
from engine.registry import Registry
from engine.store import FileStore, uow
from engine.store.files import remember

__all__ = ["ACTOR", "Corridor", "Halted"]

_PDF = "application/pdf"
# The time in a signature is that of its preparation: after a crash or a locked token it must not lie far back.
_FRESH = timedelta(minutes=5)
_UNSIGNED = frozenset({CertificateState.NUMBERED, CertificateState.DRAWN, CertificateState.SIGNING})


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
        return tuple((name, guarded(name, self._unless_halted(act), self.clock)) for name, act in self._acts())

    def _unless_halted(self, act: Act) -> Act:
        async def asked_first(run: Run) -> None:
            if self.halted():
                raise Halted("Issuing is halted on this site. An operator can let it go on.")
            await self._require_officer(run)
            await act(run)

        return asked_first

    async def _require_officer(self, run: Run) -> None:
        """Ends the approval, and Ended, if its officer, office or agency may not issue any more before it was signed."""
        if run.row["officer"] is None or (run.standing is not None and run.standing.state not in _UNSIGNED):
            return
        at = self.clock.now()
        if why := await why_not_officer(run.row["officer"], run.row["office"], ist_day(at)):
            await ending.end_run(run, why, at, code="officer_gone")
            raise Ended

    def _acts(self) -> tuple[tuple[str, Act], ...]:
        return (
            ("number", self.number),
            ("draw", self.draw),
            ("intend", self.intend),
            ("sign", self.sign),
            ("finish", self.finish),
        )

    # --- 1 number -------------------------------------------------------------------------------

    async def number(self, run: Run) -> None:
        """Spends the approval on the next number, in one transaction."""
        if run.standing is not None:
            return
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
            shown=shown_of(frozen, form),
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

    async def draw(self, run: Run) -> None:
        """Draws and inspects; a drawing of another day is drawn again under the same number."""
        standing, today = run.certificate, ist_day(self.clock.now())
        if standing.state is CertificateState.SIGNING:
            standing = run.standing = await self._take_back_if_another_day(standing)
        if standing.state not in {CertificateState.NUMBERED, CertificateState.DRAWN}:
            return
        if standing.state is CertificateState.DRAWN and standing.drawn_on == today:
            return
        if standing.state is CertificateState.DRAWN and not _covers_the_new_day(run, today):
            raise Refused("The day changed before it was signed. The officer must confirm the new date.", code="day_changed")
        form = self.registry.form_of(standing.scheme, standing.form_sha256)
        request = await self._request(run.frozen, standing, form)
        try:
            drawing = await self.drawing.draw(request)
        except Refused as refusal:
            await ending.void_number(run, f"It could not be drawn: {refusal.say}", self.clock.now(), code=refusal.code)
            raise Ended from refusal
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

    async def _stored(self, sha256: str) -> bytes:
        """A file that a row speaks of. One that is not there is an outage of the file store, never a reason to give a number up."""
        try:
            return await self.files.get(sha256)
        except NotFound as gone:
            say = f"The file {sha256[:12]}… is not in the file store, and a row refers to it. Mount or restore the store."
            raise Unavailable(say, code="file_missing") from gone

    async def _request(self, frozen: Frozen, standing: Standing, form: Form) -> Any:
        return frozen.request(
            form,
            number=standing.number,
            code=standing.code,
            public_url=self.public_url,
            on=ist_day(self.clock.now()),
            stamp=await self._stored(frozen.stamp_sha256) if frozen.stamp_sha256 else None,
            appearance=await self._stored(frozen.appearance_sha256) if frozen.appearance_sha256 else None,
        )

    async def _take_back_if_another_day(self, standing: Standing) -> Standing:
        """Printed date and signing time never differ by a day: a job of yesterday that was not begun is given up."""
        now = self.clock.now()
        job = await signing.live_job(standing, self.files)
        if job is not None and (ist_day(job.made_at) == ist_day(now) or job.state is not DocumentState.OPEN):
            return standing  # one that waits for a person is asked first, in its own step
        async with uow():
            await signing.end_live(standing, at=now, detail="the day changed before it was signed")
            return await move(
                standing, CertificateState.DRAWN, frm=(CertificateState.SIGNING,), actor=ACTOR, at=now, detail={"why": "another day"}
            )

    # --- 3 intend -------------------------------------------------------------------------------

    async def intend(self, run: Run) -> None:
        """Makes the placeholder and writes the intention down, before any key is touched."""
        standing = run.certificate
        if standing.state is not CertificateState.DRAWN:
            return
        at = self.clock.now()
        if ist_day(at) != standing.drawn_on:
            raise Again
        signatory = await enrolled(run.row["signatory"])
        signer = self.registry.signer(signatory.signer)
        chain = _known_chain(signer, signatory)
        await self._require_usable(run, signatory, chain)
        await signer.ready(signatory.signatory)
        prepared = await pades.prepare(
            await self._stored(standing.drawn_sha256 or ""),
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

    async def _require_usable(self, run: Run, signatory: Enrolled, chain: X509Chain | None) -> None:
        """VOID and Ended unless the signatory's X.509 certificate may sign at this moment."""
        await self._require_officer(run)
        at = self.clock.now()
        if not signatory.live:
            await ending.void_number(run, "The signatory's X.509 certificate was ended before it signed.", at)
            raise Ended
        if chain is None:
            return
        try:
            pades.check_usable(chain, at=at)
            await asyncio.to_thread(check_chain, chain, trust=self.trust, at=at)
        except Refused as refusal:
            if refusal.code == "untrusted":  # the operator's roots are wrong, not the signatory: it waits for them
                raise
            await ending.void_number(
                run, f"The signatory's X.509 certificate cannot be used any more: {refusal.say}", at, code=refusal.code
            )
            raise Ended from refusal

    async def _signature_place(self, standing: Standing) -> Rect:
        """Where the drawing left room for the visible signature, as its event remembers."""
        place = (await last_event(standing, CertificateState.DRAWN, having="signature"))["signature"]
        return Rect(**place)

    # --- 4 sign ---------------------------------------------------------------------------------

    async def sign(self, run: Run) -> None:
        """Signs the prepared bytes, verifies what came back, stores the file, and says SIGNED."""
        standing = run.certificate
        if standing.state is not CertificateState.SIGNING:
            return
        job = await signing.live_job(standing, self.files)
        if job is None:
            raise Unavailable("The signing job of this certificate is not there any more.", code="job_gone")
        signatory = await enrolled(run.row["signatory"])
        signer = self.registry.signer(signatory.signer)
        result = await self._ask(run, job, signer, signatory)
        pass_point("key_used")
        if isinstance(result, Declined):
            await self._job_failed(run, job, DocumentState.DECLINED, result.say)
            raise Refused(f"The signature was declined: {result.say}", code=result.code)
        try:
            signed = await pades.finish(job.prepared, result, chain=_known_chain(signer, signatory))
            await asyncio.to_thread(
                verify_signed,
                signed,
                drawn_pdf=await self._stored(standing.drawn_sha256 or ""),
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

    async def _ask(self, run: Run, job: signing.OpenJob, signer: Signer, signatory: Enrolled) -> signing.Result:
        """What the signer answers: a job that waits is asked how it stands, any other one to sign today."""
        wanted = job.job(signatory, run.certificate)
        another_day = ist_day(job.made_at) != ist_day(self.clock.now())
        await self._require_usable(run, signatory, _known_chain(signer, signatory))
        if job.state is DocumentState.WAITING:
            answer = signing.only_answer(await signer.poll(wanted), job, signer.id)
        elif another_day:
            raise Again  # drawing takes it back
        elif self.clock.now() - job.made_at > _FRESH:
            await signer.ready(signatory.signatory)
            await self._job_failed(run, job, DocumentState.EXPIRED, "prepared too long ago to carry the time of signing")
            raise Again
        else:
            await signing.count_try(job)
            answer = signing.only_answer(await signer.start(wanted), job, signer.id)
        if not isinstance(answer, Waiting):
            return answer
        if another_day and await signer.cancel(wanted):
            await self._job_failed(run, job, DocumentState.EXPIRED, "the day changed before it was signed")
            raise Again
        await signing.note_waiting(job, answer)
        raise SignerUnavailable("The certificate waits for its signatory.", code="waiting")

    async def _say_signed(self, run: Run, job: signing.OpenJob, sha256: str, size: int) -> None:
        at, standing = self.clock.now(), run.certificate
        async with uow():
            await signing.end_job(job, DocumentState.SIGNED, at=at, signed_sha256=sha256)
            await remember(sha256, size, room="proof", row=str(standing.id), purpose="certificate", media_type=_PDF, at=at)
            detail = {"signed_sha256": sha256, "size": size}
            run.standing = await move(standing, CertificateState.SIGNED, frm=(CertificateState.SIGNING,), actor=ACTOR, at=at, detail=detail)

    async def _job_failed(self, run: Run, job: signing.OpenJob, state: DocumentState, why: str) -> None:
        """A job that gave no signature leaves the certificate DRAWN, and a new job may start."""
        at = self.clock.now()
        async with uow():
            await signing.end_job(job, state, at=at, detail=why)
            run.standing = await move(
                run.certificate, CertificateState.DRAWN, frm=(CertificateState.SIGNING,), actor=ACTOR, at=at, detail={"why": str(state)}
            )

    # --- 5 finish -------------------------------------------------------------------------------

    async def finish(self, run: Run) -> None:
        """One transaction: ISSUED with all that belongs to it; VOID if what it replaces is not there to be replaced."""
        if run.certificate.state is not CertificateState.SIGNED:
            return
        if why := await ending.replaced_is_gone(run):
            await ending.void_number(run, why, self.clock.now())
            raise Ended
        await ending.let_out(run, self.clock.now())
        pass_point("issued")


def _known_chain(signer: Signer, signatory: Enrolled) -> X509Chain | None:
    """The chain that will sign, unless it is known only afterwards."""
    return None if signer.mode is Mode.REMOTE else signatory.chain


def _covers_the_new_day(run: Run, today: date) -> bool:
    """Whether the act behind the approval covers drawing it again with today's date: a shell's does, a page's is asked for."""
    return bool(run.row["from_shell"]) or run.row["kind"] != "officer" or run.row["confirmed_on"] == today


def _place(rect: Rect) -> dict[str, float]:
    return {"page": rect.page, "x_mm": rect.x_mm, "y_mm": rect.y_mm, "w_mm": rect.w_mm, "h_mm": rect.h_mm}
