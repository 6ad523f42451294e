"""The rows of an office's terms: what an exporter is told before paying, in versions that never change."""

from enum import StrEnum

from piccolo.columns import Timestamptz
from piccolo.constraints import Check, Unique

from engine.people.tables import Agency, Office
from engine.store.rows import CompositeForeignKey, Row, one_of, refers, text

__all__ = ["FeeTaken", "OnEnding", "TermsRow", "TopUpIs"]


class OnEnding(StrEnum):
    """What becomes of a fee when the application ends without a certificate: rejected, or withdrawn."""

    REFUND = "refund"
    WALLET = "wallet"
    KEEP = "keep"


class FeeTaken(StrEnum):
    """When a wallet's fee is taken: set aside at filing and taken at issue, or taken at filing."""

    AT_ISSUE = "issue"
    AT_FILING = "filing"


class TopUpIs(StrEnum):
    """What a top-up is to the tax: an advance for a service (receipt voucher), or a deposit (acknowledgement)."""

    ADVANCE = "advance"
    DEPOSIT = "deposit"


class TermsRow(Row, tablename="office_terms"):
    """A version of an office's terms. `live_key` is the office's id while it holds, and the row's own id afterwards.

    There is no default for any of it: an office that never chose takes no payment. `receipt_code` begins the numbers of its
    receipts.
    """

    agency = refers(Agency)
    office = refers(Office)
    on_rejection = text(8)
    on_withdrawal = text(8)
    fee_taken = text(8)
    top_up_is = text(8)
    receipt_code = text(3)
    live_key = text(36, unique=True)
    made_by = text(80)
    made_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    own_office = CompositeForeignKey(["agency", "office"], "office", ["agency", "id"])
    of_office = Unique(["office", "id"])
    rejection_known = one_of("on_rejection", OnEnding)
    withdrawal_known = one_of("on_withdrawal", OnEnding)
    taken_known = one_of("fee_taken", FeeTaken)
    top_up_known = one_of("top_up_is", TopUpIs)
    code_is_short = Check("length(receipt_code) BETWEEN 2 AND 3 AND receipt_code = upper(receipt_code)")
    live_until_it_ends = Check("live_key = CAST(CASE WHEN ended_at IS NULL THEN office ELSE id END AS TEXT)")
