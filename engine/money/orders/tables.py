"""The rows of orders: what is owed, each try to pay it, all that was received, each step of a try, and refunds."""

from enum import StrEnum

from piccolo.columns import BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.constraints import Check, Unique

from engine.contracts.paying import Channel, PaymentOutcome
from engine.filing.tables import ApplicationRow
from engine.money.fees.tables import FeeRow, Rounding
from engine.money.gateways.tables import ParametersRow
from engine.money.terms.tables import TermsRow
from engine.people.tables import Agency, Exporter, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = [
    "AttemptRow",
    "AttemptState",
    "Disposition",
    "InboxRow",
    "MoveRow",
    "OrderLineRow",
    "OrderRow",
    "OrderState",
    "PaidBy",
    "Purpose",
    "RefundRow",
    "RefundState",
    "RefundTo",
    "RefundWhy",
    "Verdict",
]


class Purpose(StrEnum):
    """What an order is for: the fees of applications, or money for the wallet."""

    FEES = "fees"
    TOP_UP = "top_up"


class OrderState(StrEnum):
    """Where an order stands; it only moves forward, and only from OPEN."""

    OPEN = "open"
    PAID = "paid"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class PaidBy(StrEnum):
    """How an order was paid; NOTHING is for one that came to no fee at all."""

    GATEWAY = "gateway"
    WALLET = "wallet"
    NOTHING = "nothing"


class AttemptState(StrEnum):
    """Where a try to pay stands. A success is final; FAILED and ABANDONED give way to a late one; REVIEW is a lock that staff release."""

    CREATED = "created"
    STARTED = "started"
    PENDING = "pending"
    START_FAILED = "start_failed"
    FAILED = "failed"
    ABANDONED = "abandoned"
    REVIEW = "review"
    SUCCEEDED = "succeeded"


class Disposition(StrEnum):
    """What became of the money of a successful try: it paid its order, or the order needed it no more (and where it went then)."""

    NONE = ""
    APPLIED = "applied"
    EXCESS = "excess"
    REFUNDED = "refunded"
    CREDITED = "credited"


class Verdict(StrEnum):
    """What was made of something received."""

    APPLIED = "applied"
    IGNORED = "ignored"
    REVIEW = "review"
    ORPHAN = "orphan"
    REFUSED = "refused"


class RefundState(StrEnum):
    """Where a refund stands. UNKNOWN: it was asked, and nobody knows; it is asked about, never asked again by itself."""

    REQUESTED = "requested"
    SUBMITTED = "submitted"
    PENDING = "pending"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"


class RefundTo(StrEnum):
    """Where refunded money goes: back the way it came, to the wallet, or by the office's own hand."""

    SOURCE = "source"
    WALLET = "wallet"
    BY_HAND = "by_hand"


class RefundWhy(StrEnum):
    """Why money goes back: a fee whose application ended, a payment that nobody owed, or a top-up that was not used."""

    FEE = "fee"
    EXCESS = "excess"
    TOP_UP = "top_up"


_POSITIVE_REFUND = "refunded_paise BETWEEN 0 AND amount_paise"


class OrderRow(Row, tablename="payment_order"):
    """What is owed by one firm at one office, frozen when it was made: its terms and the sum of its lines. A top-up has no line.

    `gstin` is the firm's then, by which the tax of the lines was computed; an order of fees is receipted to it.
    """

    reference = text(20, unique=True)
    purpose = text(8)
    agency = refers(Agency)
    office = refers(Office)
    exporter = refers(Exporter)
    terms = refers(TermsRow)
    gstin = text(15)
    amount_paise = BigInt()
    state = text(10, default=str(OrderState.OPEN))
    paid_by = text(8)
    made_by = text(80)
    made_at = Timestamptz(index=True)
    expires_at = Timestamptz(index=True)
    settled_at = Timestamptz(null=True, default=None)

    purpose_known = one_of("purpose", Purpose)
    state_known = one_of("state", OrderState)
    not_negative = Check("amount_paise >= 0")
    paid_somehow = Check("(state = 'paid') = (paid_by <> '') AND paid_by IN ('', 'gateway', 'wallet', 'nothing')")
    nothing_is_nothing = Check("paid_by <> 'nothing' OR amount_paise = 0")
    settled_when_over = Check("(state = 'open') = (settled_at IS NULL)")
    no_wallet_for_itself = Check("purpose <> 'top_up' OR (paid_by <> 'wallet' AND amount_paise > 0)")
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_terms = CompositeForeignKey(["office", "terms"], "office_terms", ["office", "id"])
    of_office = Unique(["office", "id"])
    of_exporter = Unique(["exporter", "office", "id"])


class OrderLineRow(Row, tablename="payment_order_line"):
    """The fee of one application in an order, with each part of its tax as it was computed, frozen.

    `live_key` is the application's id while the order is open or paid and the fee was not given back; the row's own id
    afterwards: an application's fee is owed once.
    """

    order = refers(OrderRow)
    line = Integer()
    agency = refers(Agency)
    office = refers(Office)
    exporter = refers(Exporter)
    application = refers(ApplicationRow)
    fee = refers(FeeRow)
    scheme = text(20)
    base_paise = BigInt()
    cgst_paise = BigInt()
    sgst_paise = BigInt()
    igst_paise = BigInt()
    amount_paise = BigInt()
    gst_rate_bp = Integer()
    sac = text(8)
    rounding = text(6)
    supply = text(8)
    local_name = text(8)
    refunded_paise = BigInt(default=0)
    live_key = text(36, unique=True)
    ended_at = Timestamptz(null=True, default=None)

    of_order = CompositeForeignKey(["exporter", "office", "order"], "payment_order", ["exporter", "office", "id"])
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_application = CompositeForeignKey(["exporter", "application"], "application", ["exporter", "id"])
    of_order_parent = Unique(["order", "id"])
    of_application_parent = Unique(["office", "application", "id"])
    line_once = Unique([order, line])
    application_once = Unique([order, application])
    parts_not_negative = Check("base_paise >= 0 AND cgst_paise >= 0 AND sgst_paise >= 0 AND igst_paise >= 0")
    parts_make_the_sum = Check("amount_paise = base_paise + cgst_paise + sgst_paise + igst_paise")
    one_kind_of_tax = Check("igst_paise = 0 OR (cgst_paise = 0 AND sgst_paise = 0)")
    refund_within = Check(_POSITIVE_REFUND)
    rounding_known = one_of("rounding", Rounding)
    few = Check("line BETWEEN 1 AND 50")
    live_until_it_ends = Check("live_key = CAST(CASE WHEN ended_at IS NULL THEN application ELSE id END AS TEXT)")


class AttemptRow(Row, tablename="payment_attempt"):
    """One try to pay an order through a gateway, with the version of the parameters that it began with.

    Its reference is ours and used once. `token_sha256` is the hash of the token in its return address. `applied_key` is the
    order's id once this try paid it, else the row's own id: an order is paid once. `version` counts its changes. `doubted_at` is since
    when a person must look at a success, because another one was told of it.
    """

    order = refers(OrderRow)
    agency = refers(Agency)
    office = refers(Office)
    exporter = refers(Exporter)
    reference = text(20, unique=True)
    token_sha256 = text(64, unique=True)
    gateway = text(32)
    parameters = refers(ParametersRow)
    amount_paise = BigInt()
    state = text(14, default=str(AttemptState.CREATED))
    disposition = text(10)
    applied_key = text(36, unique=True)
    refunded_paise = BigInt(default=0)
    gateway_order_id = text(120, index=True)
    gateway_txn_id = text(120)
    code = text(60)
    say = text(300)
    made_by = text(80)
    made_at = Timestamptz(index=True)
    changed_at = Timestamptz()
    succeeded_at = Timestamptz(null=True, default=None)
    doubted_at = Timestamptz(null=True, default=None, index=True)
    queries = Integer(default=0)
    query_due_at = Timestamptz(null=True, default=None, index=True)
    version = Integer(default=0)

    of_order = CompositeForeignKey(["exporter", "office", "order"], "payment_order", ["exporter", "office", "id"])
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_parameters = CompositeForeignKey(["office", "gateway", "parameters"], "payment_parameters", ["office", "gateway", "id"])
    of_office = Unique(["office", "id"])
    of_order_parent = Unique(["order", "id"])
    state_known = one_of("state", AttemptState)
    disposition_known = one_of("disposition", Disposition)
    positive = Check("amount_paise > 0")
    refund_within = Check(_POSITIVE_REFUND)
    disposed_when_succeeded = Check("(state = 'succeeded') = (disposition <> '')")
    doubted_when_succeeded = Check("doubted_at IS NULL OR state = 'succeeded'")
    dated_when_succeeded = Check("(state = 'succeeded') = (succeeded_at IS NOT NULL)")
    applied_is_keyed = Check("applied_key = CAST(CASE WHEN disposition = 'applied' THEN \"order\" ELSE id END AS TEXT)")


class InboxRow(Row, tablename="payment_inbox"):
    """Everything that was received about payments, append-only: what it was, what it claimed, and what was made of it.

    `event_key` is the gateway's statement, once per gateway; for what proved nothing it is the digest of its bytes. Of the
    bytes themselves only the digest is kept, and of the headers the few that matter.
    """

    gateway = text(32)
    channel = text(12)
    event_key = text(160)
    attempt = refers(AttemptRow, null=True, index=False)
    agency = refers(Agency, null=True)
    office = refers(Office, null=True)
    verdict = text(10)
    because = text(200)
    outcome = text(12)
    reference = text(60)
    gateway_txn_id = text(120)
    amount_paise = BigInt(null=True, default=None)
    currency = text(8)
    code = text(60)
    detail = Text()
    headers = Text()
    body_sha256 = text(64)
    body_bytes = Integer()
    received_at = Timestamptz(index=True)

    once = Unique([gateway, event_key])
    of_attempt_parent = Unique(["attempt", "id"])
    channel_known = one_of("channel", Channel)
    verdict_known = one_of("verdict", Verdict)
    outcome_known = Check(f"outcome IN ('', {', '.join(repr(str(word)) for word in PaymentOutcome)})")
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_attempt = CompositeForeignKey(["office", "attempt"], "payment_attempt", ["office", "id"])
    whose_if_known = Check("(attempt IS NULL) = (office IS NULL) AND (office IS NULL) = (agency IS NULL)")


class MoveRow(Row, tablename="payment_move"):
    """One step of a try to pay, append-only: from where to where, by which message or whom, and why."""

    attempt = refers(AttemptRow)
    agency = refers(Agency)
    office = refers(Office)
    step = Integer()
    state_before = text(14)
    state_after = text(14)
    inbox = refers(InboxRow, null=True)
    actor = text(80)
    because = text(300)
    moved_at = Timestamptz()

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_attempt = CompositeForeignKey(["office", "attempt"], "payment_attempt", ["office", "id"])
    of_inbox = CompositeForeignKey(["attempt", "inbox"], "payment_inbox", ["attempt", "id"])
    in_order = Unique([attempt, step])
    before_known = one_of("state_before", AttemptState)
    after_known = one_of("state_after", AttemptState)


class RefundRow(Row, tablename="payment_refund"):
    """Money that goes back: of which try or which fee, how much, where to, why, and where it stands.

    Its reference is ours and the gateway's guard against a second one. `order_line` names the fee, if it is one. A refund to the
    source or by hand belongs to a try; one to the wallet need not. `told_at` is when the firm was told how it ended.
    """

    reference = text(20, unique=True)
    agency = refers(Agency)
    office = refers(Office)
    exporter = refers(Exporter)
    order = refers(OrderRow)
    attempt = refers(AttemptRow, null=True)
    order_line = refers(OrderLineRow, null=True)
    why = text(8)
    back_to = text(8)
    amount_paise = BigInt()
    state = text(10, default=str(RefundState.REQUESTED))
    gateway_refund_id = text(120)
    code = text(60)
    say = text(300)
    reason = text(300)
    asked_by = text(80)
    asked_at = Timestamptz(index=True)
    changed_at = Timestamptz()
    queries = Integer(default=0)
    query_due_at = Timestamptz(null=True, default=None, index=True)
    by_hand = Boolean(default=False)
    told_at = Timestamptz(null=True, default=None, index=True)
    version = Integer(default=0)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_order = CompositeForeignKey(["exporter", "office", "order"], "payment_order", ["exporter", "office", "id"])
    of_attempt = CompositeForeignKey(["order", "attempt"], "payment_attempt", ["order", "id"])
    of_line = CompositeForeignKey(["order", "order_line"], "payment_order_line", ["order", "id"])
    of_office = Unique(["office", "id"])
    of_exporter = Unique(["exporter", "office", "id"])
    why_known = one_of("why", RefundWhy)
    back_to_known = one_of("back_to", RefundTo)
    state_known = one_of("state", RefundState)
    positive = Check("amount_paise > 0")
    reasoned = Check("length(reason) > 0")
    source_has_a_try = Check("back_to = 'wallet' OR attempt IS NOT NULL")
    fee_has_a_line = Check("why <> 'fee' OR order_line IS NOT NULL")
