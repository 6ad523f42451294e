"""The rows of issuing: approvals that can be spent once, signing jobs and their documents."""

from enum import StrEnum

from piccolo.columns import BigInt, Boolean, Bytea, Date, Integer, Text, Timestamptz
from piccolo.constraints import Check, Unique

from engine.filing.tables import SELF_HAS_NO_OFFICE, ApplicationRow
from engine.people.dsc.tables import Enrolment
from engine.people.tables import Agency, Exporter, Office, Officer
from engine.proof.tables import CertificateRow
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["ApprovalKind", "ApprovalRow", "ApprovalState", "DocumentState", "SigningDocumentRow", "SigningJobRow"]


class ApprovalKind(StrEnum):
    """An officer's decision, or the automatic one behind a self-declaration."""

    OFFICER = "officer"
    AUTO = "auto"


class ApprovalState(StrEnum):
    """Queued for the corridor, spent on a number, or ended (the certificate is issued or void)."""

    QUEUED = "queued"
    SPENT = "spent"
    DONE = "done"


class DocumentState(StrEnum):
    """How a signing job, and each document in it, stands or ended."""

    OPEN = "open"
    WAITING = "waiting"
    SIGNED = "signed"
    DECLINED = "declined"
    EXPIRED = "expired"
    FAILED = "failed"


class ApprovalRow(Row, tablename="approval"):
    """The right to one certificate: binds the frozen input by hash and is spent by a conditional write.

    `runs` counts how often the corridor was started for it; `wait_until` holds it back after a failure.
    `confirmed_on` is the new date that the officer confirmed after the day had changed.
    """

    application = refers(ApplicationRow)
    issuer_kind = text(8)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    kind = text(8)
    officer = refers(Officer, null=True)
    signatory = refers(Enrolment)
    approved_by = text(80)
    from_shell = Boolean(default=False)
    frozen = Text()
    content_sha256 = text(64)
    state = text(8, default=str(ApprovalState.QUEUED))
    approved_at = Timestamptz()
    spent_at = Timestamptz(null=True, default=None)
    runs = Integer(default=0)
    wait_until = Timestamptz(null=True, default=None)
    last_problem = text(500, default="")
    confirmed_on = Date(null=True, default=None)

    kind_known = one_of("kind", ApprovalKind)
    state_known = one_of("state", ApprovalState)
    officer_decides = Check("kind <> 'officer' OR officer IS NOT NULL")
    self_has_no_office = Check(SELF_HAS_NO_OFFICE)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    own_officer = CompositeForeignKey(["agency", "officer"], "officer", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])


class SigningJobRow(Row, tablename="signing_job"):
    """One try to get signatures from one signatory. `action` is what they must do, as JSON, while it waits."""

    transaction = text(40, unique=True)
    signer = text(40)
    signatory = refers(Enrolment)
    issuer_kind = text(8)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter, null=True)
    state = text(10, default=str(DocumentState.OPEN))
    action = Text(default="")
    until = Timestamptz(null=True, default=None)
    tries = Integer(default=0)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
    detail = text(300, default="")

    state_known = one_of("state", DocumentState)
    self_has_no_office = Check(SELF_HAS_NO_OFFICE)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])


class SigningDocumentRow(Row, tablename="signing_document"):
    """One document of a signing job: the prepared PDF by hash, its byte-range digest and the placeholder's two offsets.

    `live_key` is the certificate's id while the document may still be signed or was, else the row's own id: a
    certificate has one live signing document.
    """

    job = refers(SigningJobRow)
    certificate = refers(CertificateRow)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    drawn_sha256 = text(64)
    prepared_sha256 = text(64)
    byterange_digest = text(64)
    reserved_start = BigInt()
    reserved_end = BigInt()
    attributes = Bytea(null=True, default=None)
    state = text(10, default=str(DocumentState.OPEN))
    live_key = text(36, unique=True)
    signed_sha256 = text(64, null=True)
    detail = text(300, default="")

    state_known = one_of("state", DocumentState)
    once = Unique([job, certificate])
    offsets_in_order = Check("reserved_start < reserved_end")
    of_exporter = CompositeForeignKey(["exporter", "certificate"], "certificate", ["exporter", "id"])
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    whose_or_nobodys = Check("(agency IS NULL) = (office IS NULL)")
