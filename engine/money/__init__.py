"""Fees, orders and attempts, ledger, receipts, reconciliation; filing with its cover."""

from engine.money.counter import Cover, Filed, cover_of, file, filed_again, post_cover, release_cover, waive
from engine.money.outlook import Outlook, foresee, foresee_alone, judge

__all__ = [
    "Cover",
    "Filed",
    "Outlook",
    "cover_of",
    "file",
    "filed_again",
    "foresee",
    "foresee_alone",
    "judge",
    "post_cover",
    "release_cover",
    "waive",
]
