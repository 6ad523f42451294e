"""The ledger: double entry, one debit and one credit on each line, append-only, in integer paise.

An office's accounts are opened by their first use. Money moves by `post`, is set aside by `hold`, taken by `take_hold`, let go
by `let_go`, and taken back by `reverse`; each is a journal under its caller's key, written once. Wallets never fall below
nothing. The journals are chained behind the transactions, and the books are proved right every night.
"""

from engine.money.ledger.accounts import (
    Account,
    Book,
    bank,
    charges,
    clearing,
    fee_income,
    gst,
    legacy,
    refund_payable,
    suspense,
    wallet,
)
from engine.money.ledger.books import BookLine, BookPage, TrialBalance, TrialLine, cash_book, trial_balance
from engine.money.ledger.checking import check_books, check_every_book
from engine.money.ledger.freezing import freeze_wallet, thaw_wallet
from engine.money.ledger.journals import MOST_ENTRIES, MOST_PAISE, Entry, Posted
from engine.money.ledger.posting import HeldLine, hold, let_go, lines_held, open_balance, post, reverse, take_hold
from engine.money.ledger.reading import Balance, StatementLine, StatementPage, balance, statement
from engine.money.ledger.sealing import journal_breaks, seal_journals
from engine.money.ledger.tables import JournalKind, Normal, Phase, Role
from engine.money.ledger.wallets import Wallet, WalletOffice, wallet_offices, wallets_at, wallets_of

__all__ = [
    "MOST_ENTRIES",
    "MOST_PAISE",
    "Account",
    "Balance",
    "Book",
    "BookLine",
    "BookPage",
    "Entry",
    "HeldLine",
    "JournalKind",
    "Normal",
    "Phase",
    "Posted",
    "Role",
    "StatementLine",
    "StatementPage",
    "TrialBalance",
    "TrialLine",
    "Wallet",
    "WalletOffice",
    "balance",
    "bank",
    "cash_book",
    "charges",
    "check_books",
    "check_every_book",
    "clearing",
    "fee_income",
    "freeze_wallet",
    "gst",
    "hold",
    "journal_breaks",
    "legacy",
    "let_go",
    "lines_held",
    "open_balance",
    "post",
    "refund_payable",
    "reverse",
    "seal_journals",
    "statement",
    "suspense",
    "take_hold",
    "thaw_wallet",
    "trial_balance",
    "wallet",
    "wallet_offices",
    "wallets_at",
    "wallets_of",
]
