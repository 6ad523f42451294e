"""The rows that tie money to applications: what covers a fee, and which certificate an application replaces."""

from enum import StrEnum

from piccolo.columns import BigInt, Timestamptz
from piccolo.constraints import Check

from engine.filing.tables import SELF_HAS_NO_OFFICE, ApplicationRow
from engine.money.ledger.tables import JournalRow
from engine.money.orders.tables import OrderLineRow
from engine.people.tables import Agency, Exporter, Office
from engine.proof.tables import CertificateRow
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["CoverKind", "CoverRow", "CoverState", "ReplacementRow"]


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


class CoverRow(Row, tablename="cover"):
    """The proof that an application's fee is taken care of: a paid order, a wallet hold, or a waiver by a named person.

    `live_key` is the application's id while the cover is open or posted, and an id of nothing once it is released:
    an application has one live cover.
    """

    application = refers(ApplicationRow)
    issuer_kind = text(8)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    exporter = refers(Exporter)
    kind = text(8)
    order_line = refers(OrderLineRow, null=True)
    hold = refers(JournalRow, null=True)
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
    paid_names_its_fee = Check("(kind = 'waiver') = (order_line IS NULL)")
    hold_names_its_journal = Check("(kind = 'hold') = (hold IS NOT NULL)")
    self_is_waived = Check("issuer_kind = 'agency' OR kind = 'waiver'")  # without an office the keys below would hold nothing
    live_until_released = Check("(state = 'released') = (live_key <> CAST(application AS TEXT))")
    ended_when_over = Check("(state = 'open') = (ended_at IS NULL)")
    self_has_no_office = Check(SELF_HAS_NO_OFFICE)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])
    of_line = CompositeForeignKey(["office", "application", "order_line"], "payment_order_line", ["office", "application", "id"])
    of_hold = CompositeForeignKey(["office", "hold"], "ledger_journal", ["office", "id"])


class ReplacementRow(Row, tablename="replacement"):
    """The claim of a filed in-lieu application on the certificate it replaces.

    `live_key` is the certificate's id while the claim stands and an id of nothing once it is let go: two applications
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

    live_until_it_ends = Check("(ended_at IS NULL) = (live_key = CAST(certificate AS TEXT))")
    self_has_no_office = Check(SELF_HAS_NO_OFFICE)
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_exporter = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])
    of_certificate = CompositeForeignKey(["exporter", "certificate"], "certificate", ["exporter", "id"])
