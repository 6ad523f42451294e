"""Fees, orders and attempts, ledger, receipts, reconciliation; filing with its cover."""

from engine.money.counter import Cover, Filed, cover_of, file, filed_again, post_cover, release_cover, waive

__all__ = ["Cover", "Filed", "cover_of", "file", "filed_again", "post_cover", "release_cover", "waive"]
