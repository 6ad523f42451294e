"""The rows of reconciliation: settlement files, each once, and what was found for each of their lines."""

from enum import StrEnum

from piccolo.columns import BigInt, Date, Integer, Timestamptz
from piccolo.constraints import Check, Unique

from engine.contracts.paying import SettlementKind
from engine.money.gateways.tables import ParametersRow
from engine.money.orders.tables import AttemptRow, RefundRow
from engine.people.tables import Agency, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["Match", "SettlementFileRow", "SettlementLineRow"]


class Match(StrEnum):
    """What was found for a line: it agrees, it differs, or we know nothing of it."""

    MATCHED = "matched"
    REFUND_MATCHED = "refund_matched"
    AMOUNT_DIFFERS = "amount_differs"
    MISSING_HERE = "missing_here"
    NOT_PAID_HERE = "not_paid_here"
    DUPLICATE = "duplicate"


class SettlementFileRow(Row, tablename="settlement_file"):
    """A settlement file of a gateway, imported once; append-only. Its bytes lie in the file store."""

    agency = refers(Agency)
    office = refers(Office)
    gateway = text(32)
    parameters = refers(ParametersRow)
    name = text(120)
    sha256 = text(64)
    lines = Integer()
    gross_paise = BigInt()
    fee_paise = BigInt()
    tax_paise = BigInt()
    net_paise = BigInt()
    imported_by = text(80)
    imported_at = Timestamptz(index=True)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_parameters = CompositeForeignKey(["office", "gateway", "parameters"], "payment_parameters", ["office", "gateway", "id"])
    of_office = Unique(["office", "id"])
    once = Unique([office, gateway, sha256])


class SettlementLineRow(Row, tablename="settlement_line"):
    """A line of a settlement file and what was found for it. What is open is looked at again when something is learnt; staff may
    close it with a reason. `matched_key` is the try or refund that it matches, else the row's own id: each is settled once.
    `ask_due_at` is when the gateway is asked about what it settled and we do not have as done."""

    file = refers(SettlementFileRow)
    agency = refers(Agency)
    office = refers(Office)
    gateway = text(32)
    line_key = text(120)
    kind = text(8)
    reference = text(60, index=True)
    gateway_txn_id = text(120, index=True)
    gross_paise = BigInt()
    fee_paise = BigInt()
    tax_paise = BigInt()
    net_paise = BigInt()
    utr = text(60)
    settled_on = Date()
    match = text(14)
    attempt = refers(AttemptRow, null=True)
    refund = refers(RefundRow, null=True)
    matched_key = text(36, unique=True)
    closed_by = text(80)
    because = text(300)
    changed_at = Timestamptz()
    ask_due_at = Timestamptz(null=True, default=None, index=True)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_file = CompositeForeignKey(["office", "file"], "settlement_file", ["office", "id"])
    of_attempt = CompositeForeignKey(["office", "attempt"], "payment_attempt", ["office", "id"])
    of_refund = CompositeForeignKey(["office", "refund"], "payment_refund", ["office", "id"])
    once = Unique([office, gateway, line_key])
    kind_known = one_of("kind", SettlementKind)
    match_known = one_of("match", Match)
    not_negative = Check("gross_paise >= 0 AND fee_paise >= 0 AND tax_paise >= 0")
    net_is_the_rest = Check("net_paise = gross_paise - fee_paise - tax_paise")
    matches_one = Check(
        "(matched_key = CAST(CASE match WHEN 'matched' THEN attempt WHEN 'refund_matched' THEN refund ELSE id END AS TEXT)) IS TRUE"
    )
    closed_for_a_reason = Check("(length(closed_by) > 0) = (length(because) > 0)")
