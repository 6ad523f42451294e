"""The rows of filing: applications, their versions, supporting documents and findings."""

from piccolo.columns import BigInt, Date, Integer, Text, Timestamptz
from piccolo.constraints import Check, Unique

from engine.application import ApplicationState, IssuerKind, Kind
from engine.people.tables import Agency, Exporter, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["ApplicationInvoice", "ApplicationRow", "ApplicationVersion", "FindingRow", "SupportingDocument"]

SELF_HAS_NO_OFFICE = (
    "(issuer_kind = 'agency' AND agency IS NOT NULL AND office IS NOT NULL) OR (issuer_kind = 'self' AND agency IS NULL AND office IS NULL)"
)


class ApplicationRow(Row, tablename="application"):
    """An application; `content` is the canonical JSON of its newest version."""

    reference = text(20, unique=True)
    state = text(12, default=str(ApplicationState.DRAFT))
    kind = text(16)
    scheme = text(20, index=True)
    issuer_kind = text(8)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    version = Integer(default=1)
    content = Text()
    content_sha256 = text(64)
    replaces = text(60, default="")
    made_by = text(80)
    made_at = Timestamptz()
    filed_at = Timestamptz(null=True, default=None)

    state_known = one_of("state", ApplicationState)
    kind_known = one_of("kind", Kind)
    issuer_known = one_of("issuer_kind", IssuerKind)
    self_has_no_office = Check(SELF_HAS_NO_OFFICE)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_exporter = Unique(["exporter", "id"])


class ApplicationVersion(Row, tablename="application_version"):
    """Every version of an application that was ever saved, whole."""

    application = refers(ApplicationRow)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    version = Integer()
    content = Text()
    content_sha256 = text(64)
    made_by = text(80)
    made_at = Timestamptz()

    once = Unique([application, version])
    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])


class ApplicationInvoice(Row, tablename="application_invoice"):
    """An invoice of an application as it was last filed: by these a consignment that is filed twice is found.

    `number_key` is the invoice's number without case and spaces. The unique key is also the index of the look-up, newest first.
    """

    application = refers(ApplicationRow)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter, index=False)
    scheme = text(20)
    number_key = text(120)
    dated_on = Date()
    filed_at = Timestamptz()

    once = Unique([exporter, scheme, number_key, dated_on, filed_at, application])
    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])


class FindingRow(Row, tablename="finding"):
    """What the origin check found for one version of an application."""

    application = refers(ApplicationRow)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    version = Integer()
    form_sha256 = text(64)
    outcome = text(10)
    detail = Text()
    made_at = Timestamptz()

    once = Unique([application, version, form_sha256])
    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])


class SupportingDocument(Row, tablename="supporting_document"):
    """An invoice, packing list or other paper behind an application."""

    application = refers(ApplicationRow)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    purpose = text(40)
    name = text(120)
    sha256 = text(64)
    size = BigInt()
    made_by = text(80)
    made_at = Timestamptz()

    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])
