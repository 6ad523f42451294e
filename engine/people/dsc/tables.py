"""The rows of digital signature certificates: which one signs for whom, and those that were presented to be enrolled."""

from enum import StrEnum

from piccolo.columns import Text, Timestamptz
from piccolo.constraints import Check

from engine.people.tables import Agency, Exporter, ExporterUser, Officer
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["Enrolment", "Presented", "PresentedState"]

# A composite key holds only where none of its columns is NULL.
_ONE_SIGNATORY = (
    "(officer IS NULL) <> (exporter_user IS NULL) AND (officer IS NULL) = (agency IS NULL) AND (exporter_user IS NULL) = (exporter IS NULL)"
)


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
    one_signatory = Check(_ONE_SIGNATORY)


class PresentedState(StrEnum):
    """How far a presented certificate has come: a signature is awaited; its key is proved; the name waits for an administrator; over,
    which it also is when its time went by."""

    ASKED = "asked"
    PROVED = "proved"
    WAITING = "waiting"
    ENROLLED = "enrolled"
    REFUSED = "refused"
    EXPIRED = "expired"


class Presented(Row, tablename="dsc_presented"):
    """An X.509 certificate that somebody says is theirs, as it was read when the challenge was made: nothing else is enrolled by it.

    `nonce` is what its key must sign, in hex, once. `live_key` is the owner's and the certificate's while it waits for an
    administrator, then the row's own id. `reason` is why the administrator decided as they did.
    """

    agency = refers(Agency, null=True)
    officer = refers(Officer, null=True)
    exporter = refers(Exporter, null=True)
    exporter_user = refers(ExporterUser, null=True)
    signer = text(40)
    key = text(200)
    fingerprint = text(64)
    chain = Text()
    nonce = text(64, unique=True)
    state = text(10)
    live_key = text(120, unique=True)
    made_at = Timestamptz()
    expires_at = Timestamptz(index=True)
    decided_at = Timestamptz(null=True, default=None)
    decided_by = text(80, default="")
    reason = text(400, default="")

    same_agency = CompositeForeignKey(["agency", "officer"], "officer", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "exporter_user"], "exporter_user", ["exporter", "id"])
    one_signatory = Check(_ONE_SIGNATORY)
    state_known = one_of("state", PresentedState)
    over_is_decided = Check("(state IN ('enrolled', 'refused', 'expired')) = (decided_at IS NOT NULL)")
