"""The rows of filing: applications, their versions, supporting documents and findings; cost sheets, approvals and grants."""

from piccolo.columns import BigInt, Date, Integer, Text, Timestamptz
from piccolo.constraints import Check, Unique

from engine.application import ApplicationState, IssuerKind, Kind
from engine.cost_sheet import SheetState
from engine.people.tables import Agency, Exporter, Office, Officer
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = [
    "ApplicationInvoice",
    "ApplicationRow",
    "ApplicationVersion",
    "CostSheetApproval",
    "CostSheetEnding",
    "CostSheetGrant",
    "CostSheetRow",
    "CostSheetVersion",
    "FindingRow",
    "SupportingDocument",
]

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
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    whose_or_nobodys = Check("(agency IS NULL) = (office IS NULL)")


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
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    whose_or_nobodys = Check("(agency IS NULL) = (office IS NULL)")


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
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    whose_or_nobodys = Check("(agency IS NULL) = (office IS NULL)")


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
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    whose_or_nobodys = Check("(agency IS NULL) = (office IS NULL)")


class CostSheetRow(Row, tablename="cost_sheet"):
    """A cost sheet of an exporter; `content` is the canonical JSON of its newest version, `state` that version's.

    Agency and office are where it was lodged last, `valid_until_on` is the last day of the newest approval. `reason` is why an
    officer sent it back, or why it was withdrawn.
    """

    reference = text(20, unique=True)
    state = text(12, default=str(SheetState.DRAFT))
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    product = text(1000)
    hs = text(10, index=True)
    version = Integer(default=1)
    content = Text()
    content_sha256 = text(64)
    valid_until_on = Date(null=True, default=None)
    reason = text(400, default="")
    made_by = text(80)
    made_at = Timestamptz()
    changed_at = Timestamptz()

    state_known = one_of("state", SheetState)
    lodged_somewhere = Check("(agency IS NULL) = (office IS NULL) AND (state NOT IN ('lodged', 'approved') OR agency IS NOT NULL)")
    approved_until = Check("state <> 'approved' OR valid_until_on IS NOT NULL")
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_exporter = Unique(["exporter", "id"])


class CostSheetVersion(Row, tablename="cost_sheet_version"):
    """Every version of a cost sheet that was ever saved, whole: append-only."""

    cost_sheet = refers(CostSheetRow)
    exporter = refers(Exporter)
    version = Integer()
    content = Text()
    content_sha256 = text(64)
    made_by = text(80)
    made_at = Timestamptz()

    once = Unique([cost_sheet, version])
    of_exporter = CompositeForeignKey(["exporter", "cost_sheet"], "cost_sheet", ["exporter", "id"])


class CostSheetApproval(Row, tablename="cost_sheet_approval"):
    """An officer's yes to one version of a cost sheet, until the end of a day in India: append-only."""

    cost_sheet = refers(CostSheetRow)
    agency = refers(Agency)
    office = refers(Office)
    exporter = refers(Exporter)
    officer = refers(Officer)
    version = Integer()
    content_sha256 = text(64)
    approved_by = text(80)
    approved_at = Timestamptz()
    valid_until_on = Date()

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    same_agency = CompositeForeignKey(["agency", "officer"], "officer", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "cost_sheet"], "cost_sheet", ["exporter", "id"])
    of_version = CompositeForeignKey(["cost_sheet", "version"], "cost_sheet_version", ["cost_sheet", "version"])
    of_sheet = Unique(["exporter", "id"])


class CostSheetEnding(Row, tablename="cost_sheet_ending"):
    """The end of an approval before its day, by a person, with the reason: append-only, once for each approval."""

    approval = refers(CostSheetApproval)
    agency = refers(Agency)
    office = refers(Office)
    exporter = refers(Exporter)
    reason = text(400)
    ended_by = text(80)
    ended_at = Timestamptz()

    once = Unique([approval])
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "approval"], "cost_sheet_approval", ["exporter", "id"])


class CostSheetGrant(Row, tablename="cost_sheet_grant"):
    """The exporter under that IEC may cite the sheet, learning its verdict and none of its figures.

    `live_key` is sheet and IEC while the grant stands and the row's own id afterwards, so that it stands once at a time.
    """

    cost_sheet = refers(CostSheetRow)
    exporter = refers(Exporter)
    iec = text(10, index=True)
    live_key = text(80, unique=True)
    made_by = text(80)
    made_at = Timestamptz()
    ended_by = text(80, default="")
    ended_at = Timestamptz(null=True, default=None)

    of_exporter = CompositeForeignKey(["exporter", "cost_sheet"], "cost_sheet", ["exporter", "id"])
