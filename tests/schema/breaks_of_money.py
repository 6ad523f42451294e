"""What a row of money's rooms has to say so that it breaks nothing of its own, and rows that break each CHECK of theirs.

A value may be a function of the row's other values: a key that has to be the row's own id, for one.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

__all__ = ["BREAKS", "GOOD", "WITH"]

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ID = "00000000-0000-4000-8000-000000000001"
ONE, OTHER = uuid4(), uuid4()
ENDED = {"ended_at": AT}
PAID = {"state": "paid", "settled_at": AT}
SUCCEEDED = {"state": "succeeded", "succeeded_at": AT}
BY_AGENCY = {"issuer_kind": "agency", "agency": ONE, "office": ONE}
BY_SELF = {"issuer_kind": "self", "agency": None, "office": None}
WAIVED = {"kind": "waiver", "order_line": None, "waived_by": "test"}
WALLET = {"role": "wallet", "exporter": ONE, "detail": str(ONE), "no_overdraft": True}

GOOD: Mapping[str, Mapping[str, Any]] = {
    "fee": {"rounding": "paisa", "amount_paise": 1, "gst_rate_bp": 1800, "sac": "9983"},
    "payment_parameters": {"version": 1, "merchant": "M1"},
    "payment_activation": {"live_key": lambda row: str(row["id" if "ended_at" in row else "office"])},
    "payment_test": {"outcome": "passed"},
    "payment_override": {"because": "x"},
    "office_terms": {
        "on_rejection": "refund",
        "on_withdrawal": "wallet",
        "fee_taken": "issue",
        "top_up_is": "advance",
        "receipt_code": "MU",
        "live_key": lambda row: str(row["id" if "ended_at" in row else "office"]),
    },
    "ledger_account": {"role": "bank", "normal": "debit", "detail": "", "of_key": lambda row: f"{row['role']}:{row['detail']}"},
    "ledger_journal": {"kind": "fee", "request_sha256": "0" * 64},
    "ledger_transfer": {"amount_paise": 1, "phase": "single"},
    "ledger_seal": {"seq": 1},
    "payment_order": {"purpose": "fees"},
    "payment_order_line": {"line": 1, "rounding": "paisa", "live_key": lambda row: str(row["id" if "ended_at" in row else "application"])},
    "payment_attempt": {
        "amount_paise": 1,
        "applied_key": lambda row: str(row["order" if row.get("disposition") == "applied" else "id"]),
    },
    "payment_inbox": {"channel": "notice", "verdict": "ignored"},
    "payment_move": {"state_before": "created", "state_after": "started"},
    "payment_refund": {"why": "top_up", "back_to": "wallet", "amount_paise": 1, "reason": "x"},
    "receipt": {"kind": "tax_invoice", "number": "MU/1", "serial": 1},
    "settlement_line": {
        "kind": "payment",
        "match": "missing_here",
        "matched_key": lambda row: str(row["attempt" if row["match"] == "matched" else "id"]),
    },
    "cover": BY_AGENCY | {"kind": "order", "order_line": ONE, "live_key": lambda row: str(row["application"])},
    "replacement": BY_AGENCY | {"live_key": lambda row: str(row["certificate"])},
}

# One after the other: each breaks this CHECK and no other. Where NULL, or a side of an equation, might slip through, it is tried.
BREAKS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "fee_not_negative": [{"amount_paise": -1}],
    "fee_rate_possible": [{"gst_rate_bp": 10_001}, {"gst_rate_bp": -1}],
    "fee_rate_has_its_code": [{"sac": ""}],
    "fee_rounding_known": [{"rounding": "up"}],
    "fee_kind_known": [{"kind": "any"}],
    "fee_ends_later": [{"ends_on": AT.date(), "open_key": ID}],
    "fee_open_until_it_ends": [{"ends_on": AT.date().replace(day=22), "open_key": "x"}],
    "fee_withdrawn_is_no_start": [{"withdrawn_at": AT, "start_key": "x"}, {"withdrawn_at": AT, "start_key": ID, "open_key": "x"}],
    "payment_parameters_counts": [{"version": 0}],
    "payment_parameters_merchant_whole": [{"merchant": "M 1"}],
    "payment_test_outcome_known": [{"outcome": "hm"}],
    "payment_override_reasoned": [{"because": ""}],
    "payment_activation_live_until_it_ends": [
        {"live_key": "x"},
        {"id": ID, "live_key": ID},
        ENDED | {"live_key": "x"},
        ENDED | {"office": ONE, "live_key": str(ONE)},
    ],
    "office_terms_rejection_known": [{"on_rejection": ""}],
    "office_terms_withdrawal_known": [{"on_withdrawal": "x"}],
    "office_terms_taken_known": [{"fee_taken": ""}],
    "office_terms_top_up_known": [{"top_up_is": ""}],
    "office_terms_code_is_short": [{"receipt_code": "M"}, {"receipt_code": "mu"}],
    "office_terms_live_until_it_ends": [
        {"live_key": "x"},
        {"id": ID, "live_key": ID},
        ENDED | {"live_key": "x"},
        ENDED | {"office": ONE, "live_key": str(ONE)},
    ],
    "ledger_account_role_known": [{"role": "petty_cash"}],
    "ledger_account_key_says_what_it_is": [{"of_key": "bank"}, WALLET | {"detail": str(OTHER)}],
    "ledger_account_normal_known": [{"normal": ""}],
    "ledger_account_wallet_is_somebodys": [WALLET | {"exporter": None}, {"exporter": ONE, "detail": str(ONE)}],
    "ledger_account_wallet_never_overdrawn": [WALLET | {"no_overdraft": False}],
    "ledger_account_posted_counts": [{"debits_posted": -1}, {"credits_posted": -1}],
    "ledger_account_pending_counts": [{"debits_pending": -1}, {"credits_pending": -1}],
    "ledger_account_frozen_for_a_reason": [{"frozen_at": AT}, {"frozen_because": "x"}],
    "ledger_account_covered": [WALLET | {"debits_posted": 1}, WALLET | {"credits_posted": 1, "debits_posted": 1, "debits_pending": 1}],
    "ledger_journal_kind_known": [{"kind": "gift"}],
    "ledger_journal_keyed": [{"key": ""}, {"request_sha256": ""}],
    "ledger_journal_not_of_itself": [{"id": ID, "reverses": ID, "kind": "reversal"}],
    "ledger_journal_reversal_names_it": [{"kind": "reversal"}, {"reverses": ONE}],
    "ledger_transfer_phase_known": [{"phase": ""}],
    "ledger_transfer_positive": [{"amount_paise": 0}],
    "ledger_transfer_two_sides": [{"debit": ONE, "credit": ONE}],
    "ledger_transfer_ends_a_hold": [{"phase": "post"}, {"phase": "void"}, {"resolves": ONE}, {"resolves": ONE, "phase": "pending"}],
    "ledger_seal_counts": [{"seq": 0}],
    "payment_order_purpose_known": [{"purpose": ""}],
    "payment_order_state_known": [{"state": "asleep", "settled_at": AT}],
    "payment_order_not_negative": [{"amount_paise": -1}],
    "payment_order_paid_somehow": [PAID, PAID | {"paid_by": "barter"}, {"paid_by": "wallet"}, {"paid_by": "barter"}],
    "payment_order_nothing_is_nothing": [PAID | {"paid_by": "nothing", "amount_paise": 1}],
    "payment_order_settled_when_over": [{"settled_at": AT}, {"state": "expired"}],
    "payment_order_no_wallet_for_itself": [
        {"purpose": "top_up"},
        PAID | {"purpose": "top_up", "paid_by": "nothing"},
        PAID | {"purpose": "top_up", "paid_by": "wallet", "amount_paise": 1},
    ],
    "payment_order_line_parts_not_negative": [
        {"base_paise": -1, "cgst_paise": 1},
        {"base_paise": 1, "cgst_paise": -1},
        {"base_paise": 1, "sgst_paise": -1},
        {"base_paise": 1, "igst_paise": -1},
    ],
    "payment_order_line_parts_make_the_sum": [{"amount_paise": 1}, {"base_paise": 1}],
    "payment_order_line_one_kind_of_tax": [
        {"igst_paise": 1, "cgst_paise": 1, "amount_paise": 2},
        {"igst_paise": 1, "sgst_paise": 1, "amount_paise": 2},
    ],
    "payment_order_line_refund_within": [{"refunded_paise": 1}, {"refunded_paise": -1}],
    "payment_order_line_rounding_known": [{"rounding": ""}],
    "payment_order_line_few": [{"line": 0}, {"line": 51}],
    "payment_order_line_live_until_it_ends": [
        {"live_key": "x"},
        {"id": ID, "live_key": ID},
        ENDED | {"live_key": "x"},
        ENDED | {"application": ONE, "live_key": str(ONE)},
    ],
    "payment_attempt_state_known": [{"state": "asleep"}],
    "payment_attempt_disposition_known": [SUCCEEDED | {"disposition": "spent"}],
    "payment_attempt_positive": [{"amount_paise": 0}],
    "payment_attempt_refund_within": [{"refunded_paise": 2}, {"refunded_paise": -1}],
    "payment_attempt_disposed_when_succeeded": [SUCCEEDED, {"disposition": "excess"}],
    "payment_attempt_doubted_when_succeeded": [{"doubted_at": AT}, {"state": "failed", "doubted_at": AT}],
    "payment_attempt_dated_when_succeeded": [{"state": "succeeded", "disposition": "excess"}, {"succeeded_at": AT}],
    "payment_attempt_applied_is_keyed": [
        {"applied_key": "x"},
        {"order": ONE, "applied_key": str(ONE)},
        SUCCEEDED | {"disposition": "applied", "id": ID, "applied_key": ID},
    ],
    "payment_inbox_channel_known": [{"channel": "pigeon"}],
    "payment_inbox_verdict_known": [{"verdict": ""}],
    "payment_inbox_outcome_known": [{"outcome": "maybe"}],
    "payment_inbox_whose_if_known": [
        {"attempt": ONE},
        {"attempt": ONE, "office": ONE},
        {"attempt": ONE, "agency": ONE},
        {"agency": ONE, "office": ONE},
        {"office": ONE},
        {"agency": ONE},
    ],
    "payment_move_before_known": [{"state_before": ""}],
    "payment_move_after_known": [{"state_after": ""}],
    "payment_refund_why_known": [{"why": ""}],
    "payment_refund_back_to_known": [{"back_to": "", "attempt": ONE}],
    "payment_refund_state_known": [{"state": "asleep"}],
    "payment_refund_positive": [{"amount_paise": 0}],
    "payment_refund_reasoned": [{"reason": ""}],
    "payment_refund_source_has_a_try": [{"back_to": "source"}, {"back_to": "by_hand"}],
    "payment_refund_fee_has_a_line": [{"why": "fee"}],
    "receipt_counter_counts": [{"last": -1}, {"last": 1_000_000}],
    "receipt_kind_known": [{"kind": "bill"}],
    "receipt_not_negative": [{"amount_paise": -1}],
    "receipt_numbered": [{"number": ""}, {"serial": 0}, {"serial": 1_000_000}],
    "settlement_line_kind_known": [{"kind": ""}],
    "settlement_line_match_known": [{"match": ""}],
    "settlement_line_not_negative": [
        {"gross_paise": -1, "net_paise": -1},
        {"fee_paise": -1, "net_paise": 1},
        {"tax_paise": -1, "net_paise": 1},
    ],
    "settlement_line_net_is_the_rest": [{"net_paise": 1}, {"gross_paise": 1}],
    "settlement_line_matches_one": [
        {"matched_key": "x"},
        {"attempt": ONE, "matched_key": str(ONE)},
        {"match": "matched", "matched_key": "x"},
        {"match": "refund_matched", "matched_key": "x"},
        {"match": "refund_matched", "attempt": ONE, "matched_key": str(ONE)},
        {"match": "matched", "attempt": ONE, "id": ID, "matched_key": ID},
    ],
    "settlement_line_closed_for_a_reason": [{"closed_by": "x"}, {"because": "x"}],
    "cover_kind_known": [{"kind": "promise"}],
    "cover_state_known": [ENDED | {"state": "asleep"}],
    "cover_not_negative": [{"amount_paise": -1}],
    "cover_waiver_is_named": [WAIVED | {"waived_by": ""}],
    "cover_paid_names_its_fee": [{"order_line": None}, {"kind": "hold", "hold": ONE, "order_line": None}, WAIVED | {"order_line": ONE}],
    "cover_hold_names_its_journal": [{"kind": "hold"}, {"hold": ONE}, WAIVED | {"hold": ONE}],
    "cover_self_is_waived": [BY_SELF, BY_SELF | {"kind": "hold", "hold": ONE}],
    "cover_live_until_released": [ENDED | {"state": "released"}, {"live_key": "x"}, ENDED | {"state": "posted", "live_key": "x"}],
    "cover_ended_when_over": [ENDED, {"state": "posted"}, {"state": "released", "live_key": "x"}],
    "cover_self_has_no_office": [
        {"office": None},
        {"agency": None},
        BY_SELF | WAIVED | {"agency": ONE},
        BY_SELF | WAIVED | {"office": ONE},
        WAIVED | {"agency": None, "office": None},
        WAIVED | {"issuer_kind": "self"},
    ],
    "replacement_live_until_it_ends": [ENDED, {"live_key": "x"}],
    "replacement_self_has_no_office": [{"office": None}, {"agency": None}, BY_SELF | {"agency": ONE}, BY_SELF | {"office": ONE}],
}

# UNIQUEs over what may be NULL, or whose key follows from other columns.
WITH: Mapping[str, Mapping[str, Any]] = {
    "office_terms.live_key": {"office": ONE},
    "payment_activation.live_key": {"office": ONE},
    "ledger_journal.reverses": {"reverses": ONE, "kind": "reversal"},
    "ledger_transfer.resolves": {"resolves": ONE, "phase": "void"},
    "payment_order_line.live_key": {"application": ONE},
    "payment_order_line_application_once": ENDED,
    "payment_attempt.applied_key": SUCCEEDED | {"disposition": "applied", "order": ONE},
    "settlement_line.matched_key": {"match": "matched", "attempt": ONE},
    "cover.live_key": {"application": ONE},
    "replacement.live_key": {"certificate": ONE},
}
