"""Fees, orders and attempts, ledger, receipts, reconciliation; whether an office is ready; filing with its cover."""

from engine.money.counter import Fileable, Filed, file, file_it, fileable, filed_again
from engine.money.covering import Cover, cover_of, waive
from engine.money.ending import post_cover, release_cover, withdraw_application
from engine.money.outlook import Outlook, foresee, foresee_alone, judge
from engine.money.readiness import Readiness, readiness, readiness_of_all, require_issuable, require_payable

__all__ = [
    "Cover",
    "Fileable",
    "Filed",
    "Outlook",
    "Readiness",
    "cover_of",
    "file",
    "file_it",
    "fileable",
    "filed_again",
    "foresee",
    "foresee_alone",
    "judge",
    "post_cover",
    "readiness",
    "readiness_of_all",
    "release_cover",
    "require_issuable",
    "require_payable",
    "waive",
    "withdraw_application",
]
