"""Signing jobs as rows: the intention is written before the key is touched, and any process can finish one.

A job is one try. Its document row holds the prepared PDF's hash, the byte-range digest and the placeholder's offsets;
the prepared bytes are in the file store. A certificate has one live signing document at a time.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from engine.certificate import CertificateState
from engine.contracts.signing import Cms as CmsResult
from engine.contracts.signing import (
    Declined,
    Document,
    RawSignature,
    SignatureJob,
    Signed,
    SigningOutcome,
    Waiting,
)
from engine.errors import PluginError
from engine.issuing.pades import Prepared
from engine.issuing.tables import DocumentState, SigningDocumentRow, SigningJobRow
from engine.people import Enrolled
from engine.proof import Standing, move
from engine.store import FileStore, uow
from engine.store.files import remember

__all__ = ["OpenJob", "Result", "count_try", "end_job", "end_live", "intend", "live_job", "note_waiting", "only_answer"]


Result = RawSignature | CmsResult | Declined


@dataclass(frozen=True, slots=True)
class OpenJob:
    """A signing job with its one document, as read from its rows."""

    id: UUID
    transaction: str
    document_id: UUID
    prepared: Prepared
    made_at: datetime
    state: DocumentState

    def job(self, enrolled: Enrolled, standing: Standing) -> SignatureJob:
        """The job as the signer needs it."""
        document = Document(
            id=str(self.document_id),
            title=standing.number,
            digest=self.prepared.digest,
            attributes=self.prepared.attributes,
            drawn_sha256=standing.drawn_sha256 or "",
        )
        return SignatureJob(str(self.id), self.transaction, enrolled.signatory, (document,))


async def intend(standing: Standing, prepared: Prepared, enrolled: Enrolled, *, actor: str, at: datetime) -> None:
    """Writes the intention to sign: the job, its document, and SIGNING. The prepared bytes are stored already."""
    job = SigningJobRow(
        transaction=uuid4().hex,
        signer=enrolled.signer,
        signatory=enrolled.id,
        issuer_kind="agency" if standing.agency_id else "self",
        **standing.owner,
        made_at=at,
    )
    document = SigningDocumentRow(
        job=job.id,
        certificate=standing.id,
        **standing.owner,
        drawn_sha256=standing.drawn_sha256,
        prepared_sha256=prepared.sha256,
        byterange_digest=prepared.digest.hex(),
        reserved_start=prepared.start,
        reserved_end=prepared.end,
        attributes=prepared.attributes,
        live_key=str(standing.id),
        signed_sha256=None,
    )
    async with uow():
        await SigningJobRow.insert(job)
        await SigningDocumentRow.insert(document)
        await remember(
            prepared.sha256,
            len(prepared.pdf),
            room="issuing",
            row=str(document.id),
            purpose="prepared",
            media_type="application/pdf",
            at=at,
        )
        detail = {"drawn_sha256": standing.drawn_sha256 or "", "signer": enrolled.signer, "fingerprint": enrolled.fingerprint}
        await move(standing, CertificateState.SIGNING, frm=(CertificateState.DRAWN,), actor=actor, at=at, detail=detail)


async def live_job(standing: Standing, files: FileStore) -> OpenJob | None:
    """The signing job that is under way for a certificate, or None."""
    document = await SigningDocumentRow.select().where(SigningDocumentRow.live_key == str(standing.id)).first()
    if document is None:
        return None
    job = await SigningJobRow.select().where(SigningJobRow.id == document["job"]).first()
    if job is None:
        return None
    prepared = Prepared(
        await files.get(document["prepared_sha256"]),
        document["prepared_sha256"],
        bytes.fromhex(document["byterange_digest"]),
        document["reserved_start"],
        document["reserved_end"],
        bytes(document["attributes"]) if document["attributes"] is not None else None,
    )
    return OpenJob(job["id"], job["transaction"], document["id"], prepared, job["made_at"], DocumentState(document["state"]))


async def count_try(job: OpenJob) -> None:
    """One more time the key is asked for this job; a repeat after a crash shows as a retry."""
    async with uow():
        await SigningJobRow.update({SigningJobRow.tries: SigningJobRow.tries + 1}).where(SigningJobRow.id == job.id)


async def note_waiting(job: OpenJob, waiting: Waiting) -> None:
    """Writes down who must act, so that a page can say it and another process can go on."""
    action = {"kind": type(waiting.action).__name__, **asdict(waiting.action)}
    async with uow():
        await SigningJobRow.update(
            {SigningJobRow.state: str(DocumentState.WAITING), SigningJobRow.action: json.dumps(action), SigningJobRow.until: waiting.until}
        ).where(SigningJobRow.id == job.id)
        await SigningDocumentRow.update({SigningDocumentRow.state: str(DocumentState.WAITING)}).where(
            SigningDocumentRow.id == job.document_id
        )


async def end_job(job: OpenJob, state: DocumentState, *, at: datetime, detail: str = "", signed_sha256: str | None = None) -> None:
    """Ends a job and its document, in the unit of work around the call. Unless it was signed, a new job may start."""
    document: dict[Any, Any] = {
        SigningDocumentRow.state: str(state),
        SigningDocumentRow.detail: detail[:300],
        SigningDocumentRow.signed_sha256: signed_sha256,
    }
    if state is not DocumentState.SIGNED:
        document[SigningDocumentRow.live_key] = str(uuid4())
    await SigningDocumentRow.update(document).where(SigningDocumentRow.id == job.document_id)
    await SigningJobRow.update(
        {SigningJobRow.state: str(state), SigningJobRow.ended_at: at, SigningJobRow.detail: detail[:300], SigningJobRow.action: ""}
    ).where(SigningJobRow.id == job.id)


async def end_live(standing: Standing, *, at: datetime, detail: str) -> None:
    """Ends the job of a certificate that will not be signed by it, if there is one, in the unit of work around the call."""
    document = SigningDocumentRow
    ended = (
        await document.update({document.state: str(DocumentState.FAILED), document.detail: detail[:300], document.live_key: str(uuid4())})
        .where(document.live_key == str(standing.id), document.state.is_in([str(DocumentState.OPEN), str(DocumentState.WAITING)]))
        .returning(document.job)
    )
    for row in ended:
        await SigningJobRow.update(
            {
                SigningJobRow.state: str(DocumentState.FAILED),
                SigningJobRow.ended_at: at,
                SigningJobRow.detail: detail[:300],
                SigningJobRow.action: "",
            }
        ).where(SigningJobRow.id == row["job"])


def only_answer(outcome: SigningOutcome, job: OpenJob, signer: str) -> Result | Waiting:
    """What became of the job's one document. Raises PluginError if the signer answered for others, or for none."""
    if isinstance(outcome, Waiting | Declined):
        return outcome
    if not isinstance(outcome, Signed) or [each.id for each in outcome.documents] != [str(job.document_id)]:
        raise PluginError(f"The signer {signer} answered for other documents than it was asked to sign; nothing was used.")
    return outcome.documents[0].result
