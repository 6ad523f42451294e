"""The register's rows: series of numbers, certificates, their files and events."""

from piccolo.columns import UUID, BigInt, Integer, Text, Timestamptz
from piccolo.columns import Date as DateColumn
from piccolo.constraints import Check, Unique

from engine.application import IssuerKind
from engine.certificate import CertificateState, FileKind
from engine.filing.tables import SELF_HAS_NO_OFFICE, ApplicationRow
from engine.people.tables import Agency, Exporter, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["CertificateEventRow", "CertificateFileRow", "CertificateRow", "SeriesRow"]


class SeriesRow(Row, tablename="series"):
    """A run of numbers: issuer, office, scheme or none, calendar or financial year. `value` is the last serial taken."""

    series_key = text(120, unique=True)
    issuer_kind = text(8)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter, null=True)
    scheme = text(20, default="")
    period = text(10, default="calendar")
    year = Integer()
    pattern = text(80)
    value = BigInt(default=0)

    issuer_known = one_of("issuer_kind", IssuerKind)
    period_known = Check("period IN ('calendar', 'financial')")
    not_negative = Check(value >= 0)
    self_has_no_office = Check(SELF_HAS_NO_OFFICE)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])


class CertificateRow(Row, tablename="certificate"):
    """One number and what became of it. `approval` was spent on it; `shown` is what the printed paper shows.

    State changes only together with an event row. `live_key` is the application's id unless the number is VOID,
    then the row's own id: an application has at most one live certificate.
    """

    number = text(60, unique=True)
    number_key = text(60, unique=True)
    code = text(400, unique=True)
    series = refers(SeriesRow)
    serial = BigInt()
    application = refers(ApplicationRow)
    live_key = text(36, unique=True)
    approval = UUID(unique=True, default=None)
    issuer_kind = text(8)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    scheme = text(20)
    form_sha256 = text(64)
    kind = text(16)
    state = text(12)
    content_sha256 = text(64)
    drawn_sha256 = text(64, null=True)
    drawn_on = DateColumn(null=True, default=None)
    shown = Text()
    numbered_at = Timestamptz()
    issued_at = Timestamptz(null=True, default=None)
    void_reason = text(300, default="")
    replaced_by = text(60, default="")

    state_known = one_of("state", CertificateState)
    issuer_known = one_of("issuer_kind", IssuerKind)
    serial_once = Unique([series, serial])
    spent_on_one = CompositeForeignKey(["approval"], "approval", ["id"])
    self_has_no_office = Check(SELF_HAS_NO_OFFICE)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])
    of_exporter_parent = Unique(["exporter", "id"])
    drawn_before_signing = Check("state IN ('numbered', 'void') OR drawn_sha256 IS NOT NULL")
    issued_has_time = Check("state NOT IN ('issued', 'superseded', 'cancelled') OR issued_at IS NOT NULL")


class CertificateFileRow(Row, tablename="certificate_file"):
    """A file of a certificate, append-only. Serial 0 of a kind is the gate that lets one file out."""

    certificate = refers(CertificateRow)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    kind = text(10)
    serial = Integer()
    name = text(20, default="")
    level = text(10)
    file_sha256 = text(64, unique=True)
    size = BigInt()
    signer = text(40, default="")
    fingerprint = text(64, default="")
    made_at = Timestamptz()
    replaces = UUID(null=True, default=None, unique=True)

    kind_known = one_of("kind", FileKind)
    once = Unique([certificate, kind, serial, name])
    not_negative = Check(serial >= 0)
    of_exporter = CompositeForeignKey(["exporter", "certificate"], "certificate", ["exporter", "id"])
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    whose_or_nobodys = Check("(agency IS NULL) = (office IS NULL)")


class CertificateEventRow(Row, tablename="certificate_event"):
    """Every change of a certificate's state, append-only; the state can be rebuilt from these."""

    certificate = refers(CertificateRow)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    serial = Integer()
    state = text(12)
    at = Timestamptz()
    actor = text(80)
    detail = Text(default="{}")

    once = Unique([certificate, serial])
    state_known = one_of("state", CertificateState)
    of_exporter = CompositeForeignKey(["exporter", "certificate"], "certificate", ["exporter", "id"])
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    whose_or_nobodys = Check("(agency IS NULL) = (office IS NULL)")
