"""The rows of money: orders and covers. Paise are integers; the ledger joins them with the gateways."""

from enum import StrEnum

from piccolo.columns import BigInt, Timestamptz
from piccolo.constraints import Check

from engine.filing.tables import SELF_HAS_NO_OFFICE, ApplicationRow
from engine.people.tables import Agency, Exporter, Office
from engine.proof.tables import CertificateRow
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["CoverKind", "CoverRow", "CoverState", "OrderRow", "OrderState", "ReplacementRow"]


class OrderState(StrEnum):
    """Where an order stands; it only moves forward."""

    OPEN = "open"
    PAID = "paid"
    REVIEW = "review"
    EXPIRED = "expired"
    REFUNDED = "refunded"


class CoverKind(StrEnum):
    """What covers the fee of an application."""

    ORDER = "order"
    HOLD = "hold"
    WAIVER = "waiver"


class CoverState(StrEnum):
    """A cover is open until the certificate is issued (posted) or the application ends without one (released)."""

    OPEN = "open"
    POSTED = "posted"
    RELEASED = "released"


class OrderRow(Row, tablename="payment_order"):
    """What is owed for one application, frozen when it was made."""

    reference = text(20, unique=True)
    application = refers(ApplicationRow)
    agency = refers(Agency)
    office = refers(Office)
    exporter = refers(Exporter)
    amount_paise = BigInt()
    state = text(10, default=str(OrderState.OPEN))
    made_at = Timestamptz()
    settled_at = Timestamptz(null=True, default=None)

    not_negative = Check(amount_paise >= 0)
    state_known = one_of("state", OrderState)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])


class CoverRow(Row, tablename="cover"):
    """The proof that an application's fee is taken care of: a paid order, a wallet hold, or a waiver by a named person.

    `live_key` is the application's id while the cover is open or posted, and the row's own id once it is released:
    an application has one live cover.
    """

    application = refers(ApplicationRow)
    issuer_kind = text(8)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    kind = text(8)
    order = refers(OrderRow, null=True)
    amount_paise = BigInt(default=0)
    waived_by = text(80, default="")
    reason = text(200, default="")
    state = text(10, default=str(CoverState.OPEN))
    live_key = text(36, unique=True)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    kind_known = one_of("kind", CoverKind)
    state_known = one_of("state", CoverState)
    not_negative = Check(amount_paise >= 0)
    waiver_is_named = Check("kind <> 'waiver' OR length(waived_by) > 0")
    self_has_no_office = Check(SELF_HAS_NO_OFFICE)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])


class ReplacementRow(Row, tablename="replacement"):
    """The claim of a filed in-lieu application on the certificate it replaces.

    `live_key` is the certificate's id while the claim stands and the row's own id once it is let go: two applications
    never replace one certificate.
    """

    application = refers(ApplicationRow)
    certificate = refers(CertificateRow)
    issuer_kind = text(8)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    live_key = text(36, unique=True)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    self_has_no_office = Check(SELF_HAS_NO_OFFICE)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])
    of_certificate = CompositeForeignKey(["exporter", "certificate"], "certificate", ["exporter", "id"])
