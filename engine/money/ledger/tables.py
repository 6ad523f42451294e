"""The rows of the ledger: accounts of an office, journals, transfers, and the chain that seals the journals.

Journals and transfers are append-only, held by triggers. An account's counters change only together with a transfer and can
be rebuilt from them. One debit and one credit stand on each line, so a journal that does not balance cannot be written down.
"""

from enum import StrEnum

from piccolo.columns import UUID, BigInt, Boolean, Integer, Timestamptz
from piccolo.constraints import Check, Unique

from engine.people.tables import Agency, Exporter, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = [
    "AccountRow",
    "JournalKind",
    "JournalRow",
    "JournalSeal",
    "JournalUnsealed",
    "Normal",
    "Phase",
    "Role",
    "TransferRow",
]


class Role(StrEnum):
    """What an account is for. `detail` of the account says of what: the gateway, the scheme, the tax; a wallet's is its exporter."""

    WALLET = "wallet"
    CLEARING = "gateway_clearing"
    BANK = "bank"
    FEE_INCOME = "fee_income"
    GST = "gst"
    CHARGES = "gateway_charges"
    LEGACY = "legacy_clearing"
    SUSPENSE = "suspense"
    REFUND_PAYABLE = "refund_payable"


class Normal(StrEnum):
    """The side on which an account grows."""

    DEBIT = "debit"
    CREDIT = "credit"


class JournalKind(StrEnum):
    """Why money moved. OPENING is a balance that came from the legacy system, dated as of its file."""

    OPENING = "opening"
    TOP_UP = "top_up"
    PAYMENT = "payment"
    EXCESS = "excess"
    FEE = "fee"
    HOLD = "hold"
    POST = "post"
    RELEASE = "release"
    REFUND = "refund"
    SETTLEMENT = "settlement"
    CHARGEBACK = "chargeback"
    ADJUSTMENT = "adjustment"
    REVERSAL = "reversal"


class Phase(StrEnum):
    """A line moves money at once, or sets it aside, takes what was set aside, or lets it go."""

    SINGLE = "single"
    PENDING = "pending"
    POST = "post"
    VOID = "void"


class AccountRow(Row, tablename="ledger_account"):
    """An account of one office, in paise of INR. `of_key` is role and detail: an office has each account once.

    Available on a wallet is what was credited less what was debited or is set aside; it never falls below nothing.
    """

    agency = refers(Agency)
    office = refers(Office)
    exporter = refers(Exporter, null=True)
    role = text(20)
    detail = text(40)
    of_key = text(64)
    normal = text(6)
    no_overdraft = Boolean(default=False)
    debits_posted = BigInt(default=0)
    credits_posted = BigInt(default=0)
    debits_pending = BigInt(default=0)
    credits_pending = BigInt(default=0)
    version = Integer(default=0)
    opened_at = Timestamptz()
    frozen_at = Timestamptz(null=True, default=None)
    frozen_because = text(300)
    closed_at = Timestamptz(null=True, default=None)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    once = Unique([office, of_key])
    of_office = Unique(["office", "id"])
    role_known = one_of("role", Role)
    key_says_what_it_is = Check("of_key = role || ':' || detail AND (exporter IS NULL OR detail = CAST(exporter AS TEXT))")
    normal_known = one_of("normal", Normal)
    wallet_is_somebodys = Check("(role = 'wallet') = (exporter IS NOT NULL)")
    wallet_never_overdrawn = Check("role <> 'wallet' OR no_overdraft")
    posted_counts = Check("debits_posted >= 0 AND credits_posted >= 0")
    pending_counts = Check("debits_pending >= 0 AND credits_pending >= 0")
    frozen_for_a_reason = Check("(frozen_at IS NULL) = (frozen_because = '')")
    covered = Check("NOT no_overdraft OR credits_posted >= debits_posted + debits_pending")


class JournalRow(Row, tablename="ledger_journal"):
    """One thing that happened to money, append-only. `key` is the caller's: the same key is the same journal for ever, and
    `request_sha256` tells whether the same was asked. `reverses` names the journal that this one takes back, once."""

    agency = refers(Agency, index=False)
    office = refers(Office, index=False)
    exporter = refers(Exporter, null=True)
    kind = text(12)
    subject = text(60, index=True)
    key = text(120, unique=True)
    request_sha256 = text(64)
    reason = text(300)
    actor = text(80)
    reverses = UUID(null=True, default=None, unique=True)
    occurred_at = Timestamptz()
    recorded_at = Timestamptz()

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_office = Unique(["office", "id"])
    by_time = Unique([office, recorded_at, "id"])
    kind_known = one_of("kind", JournalKind)
    keyed = Check("length(key) > 0 AND length(request_sha256) = 64")
    reversed_here = CompositeForeignKey(["office", "reverses"], "ledger_journal", ["office", "id"])
    not_of_itself = Check("reverses IS NULL OR reverses <> id")
    reversal_names_it = Check("(kind = 'reversal') = (reverses IS NOT NULL)")


class TransferRow(Row, tablename="ledger_transfer"):
    """A line of a journal, append-only: one debit, one credit, one positive amount, in one office.

    `debit_seq` and `credit_seq` are the versions of the accounts that this line made: an account's lines have no hole and no
    double. `debit_after` and `credit_after` are their posted balances on the normal side; `…_held_after` what is set aside.
    `resolves` is the line that a POST or VOID ends, each at most once.
    """

    agency = refers(Agency, index=False)
    office = refers(Office, index=False)
    journal = refers(JournalRow, index=False)
    line = Integer()
    debit = UUID()
    credit = UUID()
    amount_paise = BigInt()
    phase = text(8)
    resolves = UUID(null=True, default=None, unique=True)
    debit_seq = Integer()
    credit_seq = Integer()
    debit_after = BigInt()
    credit_after = BigInt()
    debit_held_after = BigInt()
    credit_held_after = BigInt()

    of_journal = CompositeForeignKey(["office", "journal"], "ledger_journal", ["office", "id"])
    debit_here = CompositeForeignKey(["office", "debit"], "ledger_account", ["office", "id"])
    credit_here = CompositeForeignKey(["office", "credit"], "ledger_account", ["office", "id"])
    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_office = Unique(["office", "id"])
    resolved_here = CompositeForeignKey(["office", "resolves"], "ledger_transfer", ["office", "id"])
    line_once = Unique([journal, line])
    debit_in_order = Unique([debit, debit_seq])
    credit_in_order = Unique([credit, credit_seq])
    phase_known = one_of("phase", Phase)
    positive = Check("amount_paise > 0")
    two_sides = Check("debit <> credit")
    ends_a_hold = Check("(phase IN ('post', 'void')) = (resolves IS NOT NULL)")


class JournalUnsealed(Row, tablename="ledger_unsealed"):
    """A journal that is not yet in the chain, under the journal's id."""

    at = Timestamptz(index=True)


class JournalSeal(Row, tablename="ledger_seal"):
    """A link of the chain over journals and their lines, made in commit order by one sequencer; append-only."""

    seq = BigInt(unique=True)
    journal = refers(JournalRow)
    previous = text(64)
    hash = text(64)
    sealed_at = Timestamptz()

    journal_once = Unique([journal])
    counts = Check("seq >= 1")
