"""The rows of who asks to join."""

from enum import StrEnum

from piccolo.columns import Timestamptz
from piccolo.constraints import Check

from engine.people.tables import Account, Agency, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["Applicant", "RegistrationRequest", "RequestState"]


class Applicant(StrEnum):
    """As what a person asks to be registered."""

    ADMINISTRATOR = "administrator"
    OFFICER = "officer"
    BROKER = "broker"


class RequestState(StrEnum):
    """Where a registration stands: unproved until the mailed link is opened, waiting until somebody decides, then over."""

    UNPROVED = "unproved"
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class RegistrationRequest(Row, tablename="registration_request"):
    """A person who asks to administer an agency, to be its officer, or to file as a broker: the one place of what they told.

    `live_key` is agency, role and address while the request waits, else the row's own id: before the mailed link is opened
    anybody may have written the address. What became nothing is forgotten, and `email_sha256` kept. `expires_at` is when a request that nobody proves, or nobody decides, is over. What the
    desk enters itself is approved from the start.
    """

    role = text(14)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    email = text(254, index=True)
    email_sha256 = text(64)
    name = text(120)
    designation = text(120)
    phone = text(20)
    firm = text(200)
    licence = text(40)
    letter_sha256 = text(64)
    letter_type = text(20)
    state = text(10, index=True)
    token_sha256 = text(64, unique=True)
    live_key = text(310, unique=True)
    asked_at = Timestamptz()
    proved_at = Timestamptz(null=True, default=None)
    expires_at = Timestamptz(index=True)
    decided_at = Timestamptz(null=True, default=None)
    decided_by = text(80)
    reason = text(400)
    account = refers(Account, null=True)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    role_known = one_of("role", Applicant)
    state_known = one_of("state", RequestState)
    agency_named = Check("(role = 'broker' AND agency IS NULL) OR (role <> 'broker' AND agency IS NOT NULL)")
    office_named = Check("(role = 'officer' AND office IS NOT NULL) OR (role <> 'officer' AND office IS NULL)")
    letter_kept = Check("(role = 'administrator' AND letter_sha256 <> '') OR (role <> 'administrator' AND letter_sha256 = '')")
    proved_first = Check("state IN ('unproved', 'expired', 'approved') OR proved_at IS NOT NULL")
    decided_by_somebody = Check("state NOT IN ('approved', 'rejected') OR (decided_at IS NOT NULL AND decided_by <> '')")
