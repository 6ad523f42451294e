"""Every table in the order it is made, the triggers that hold the append-only ones, and the schema's fingerprint."""

from engine.filing import tables as filing
from engine.issuing import tables as issuing
from engine.jobs import tables as jobs
from engine.mail import tables as mail
from engine.money import tables as money
from engine.money.fees import tables as fees
from engine.money.gateways import tables as gateways
from engine.money.ledger import tables as ledger
from engine.money.orders import tables as orders
from engine.money.receipts import tables as receipts
from engine.money.settling import tables as settling
from engine.money.terms import tables as terms
from engine.people import tables as people
from engine.people.access import tables as access
from engine.people.agencies import tables as agencies
from engine.people.changes import tables as changes
from engine.people.dsc import tables as dsc
from engine.people.firms import tables as firms
from engine.people.joining import tables as joining
from engine.people.pictures import tables as pictures
from engine.proof import tables as proof
from engine.schema.build import build, fingerprint, require_current
from engine.store import tables as store
from engine.store.rows import Row

__all__ = ["APPEND_ONLY", "TABLES", "build", "fingerprint", "require_current"]

TABLES: tuple[type[Row], ...] = (
    store.Setting,
    store.Blob,
    store.BlobRef,
    store.Idempotency,
    store.Announcement,
    store.AuditEntry,
    store.AuditUnsealed,
    store.AuditSeal,
    store.TryCount,
    jobs.WorkerRow,
    mail.LetterRow,
    people.Agency,
    people.AgencyListing,
    people.Office,
    people.Holiday,
    people.Account,
    people.PlatformUser,
    people.Administrator,
    people.Officer,
    people.OfficerSpell,
    people.OfficerOffice,
    people.Exporter,
    people.ExporterBranch,
    people.ExporterUser,
    people.Broker,
    people.BrokerUser,
    people.BrokerGrant,
    firms.BrokerDay,
    firms.RegistryAnswer,
    changes.ChangeRow,
    pictures.Stamp,
    pictures.Appearance,
    pictures.PictureDraft,
    dsc.Enrolment,
    dsc.Presented,
    agencies.FormConfirmation,
    agencies.Certifies,
    agencies.OfficialAddress,
    joining.RegistrationRequest,
    access.Session,
    access.RecoveryCode,
    access.Ticket,
    people.ApiKey,
    people.Captcha,
    filing.ApplicationRow,
    filing.ApplicationVersion,
    filing.ApplicationInvoice,
    filing.FindingRow,
    filing.SupportingDocument,
    filing.CostSheetRow,
    filing.CostSheetVersion,
    filing.CostSheetApproval,
    filing.CostSheetEnding,
    filing.CostSheetGrant,
    fees.FeeRow,
    gateways.ParametersRow,
    gateways.ConnectionTestRow,
    gateways.OverrideRow,
    gateways.ActivationRow,
    terms.TermsRow,
    ledger.AccountRow,
    ledger.JournalRow,
    ledger.TransferRow,
    ledger.JournalUnsealed,
    ledger.JournalSeal,
    orders.OrderRow,
    orders.OrderLineRow,
    orders.AttemptRow,
    orders.InboxRow,
    orders.MoveRow,
    orders.RefundRow,
    receipts.ReceiptCounterRow,
    receipts.ReceiptRow,
    settling.SettlementFileRow,
    settling.SettlementLineRow,
    money.CoverRow,
    issuing.ApprovalRow,
    proof.SeriesRow,
    proof.CertificateRow,
    proof.CertificateFileRow,
    proof.CertificateEventRow,
    money.ReplacementRow,
    issuing.SigningJobRow,
    issuing.SigningDocumentRow,
)

APPEND_ONLY: tuple[type[Row], ...] = (
    store.AuditEntry,
    store.AuditSeal,
    filing.CostSheetVersion,
    filing.CostSheetApproval,
    filing.CostSheetEnding,
    gateways.ParametersRow,
    gateways.ConnectionTestRow,
    gateways.OverrideRow,
    ledger.JournalRow,
    ledger.TransferRow,
    ledger.JournalSeal,
    orders.InboxRow,
    orders.MoveRow,
    receipts.ReceiptRow,
    settling.SettlementFileRow,
    proof.CertificateFileRow,
    proof.CertificateEventRow,
)
