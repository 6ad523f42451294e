"""The rows of digital signature certificates: which one signs for whom."""

from piccolo.columns import Text, Timestamptz
from piccolo.constraints import Check

from engine.people.tables import Agency, Exporter, ExporterUser, Officer
from engine.store.rows import CompositeForeignKey, Row, refers, text

__all__ = ["Enrolment"]


class Enrolment(Row, tablename="enrolment"):
    """A signatory's X.509 certificate as enrolled: only this one signs for them.

    `chain` is PEM, leaf first. `live_key` is the fingerprint while it is in use and the row's own id afterwards, so
    that one X.509 certificate serves one signatory at a time.
    """

    agency = refers(Agency, null=True)
    officer = refers(Officer, null=True)
    exporter = refers(Exporter, null=True)
    exporter_user = refers(ExporterUser, null=True)
    signer = text(40)
    key = text(200)
    fingerprint = text(64, index=True)
    live_key = text(64, unique=True)
    chain = Text()
    subject = text(400)
    issuer = text(400)
    serial = text(80)
    not_before_at = Timestamptz()
    not_after_at = Timestamptz()
    enrolled_at = Timestamptz()
    enrolled_by = text(80)
    ended_at = Timestamptz(null=True, default=None)
    ended_reason = text(200, default="")

    same_agency = CompositeForeignKey(["agency", "officer"], "officer", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "exporter_user"], "exporter_user", ["exporter", "id"])
    one_signatory = Check("(officer IS NULL) <> (exporter_user IS NULL)")
