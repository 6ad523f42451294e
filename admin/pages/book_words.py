"""What the books' words are for people: kinds of journals, phases of lines, accounts."""

from collections.abc import Sequence
from dataclasses import replace

from engine.money.ledger import Account, BookLine, JournalKind, Phase, Role, StatementLine

__all__ = ["account_words", "line_words", "statement_rows"]

_KINDS = {
    JournalKind.OPENING: "Balance brought over from the previous platform",
    JournalKind.TOP_UP: "Top-up",
    JournalKind.PAYMENT: "Fee paid through a gateway",
    JournalKind.EXCESS: "Payment that nobody owed",
    JournalKind.FEE: "Fee paid from a wallet",
    JournalKind.HOLD: "Amount",
    JournalKind.POST: "Amount",
    JournalKind.RELEASE: "Amount",
    JournalKind.REFUND: "Refund",
    JournalKind.SETTLEMENT: "Settlement by the gateway",
    JournalKind.CHARGEBACK: "Payment taken back by the bank",
    JournalKind.ADJUSTMENT: "Adjustment",
    JournalKind.REVERSAL: "Reversal",
}
_PHASES = {
    Phase.SINGLE: "",
    Phase.PENDING: "Set aside",
    Phase.POST: "Taken from what was set aside",
    Phase.VOID: "Free again, no longer set aside",
}
_ACCOUNTS = {
    Role.WALLET: ("Wallets", "what the office owes firms for later use"),
    Role.CLEARING: ("Gateway", "what it took in and has not settled"),
    Role.BANK: ("Bank", "what the gateways settled"),
    Role.FEE_INCOME: ("Fees", "earned, without tax"),
    Role.GST: ("Tax", "collected, and owed to the government"),
    Role.CHARGES: ("Gateway charges", "what gateways keep"),
    Role.LEGACY: ("Previous platform", "balances brought over whose money has not arrived"),
    Role.SUSPENSE: ("Suspense", "money of which a person must still say what it is"),
    Role.REFUND_PAYABLE: ("Refunds payable", "what was paid and nobody owed, until it goes back"),
}


def line_words(line: StatementLine | BookLine) -> str:
    """What a line is, in words."""
    return _PHASES[line.phase] or _KINDS[line.kind]


def statement_rows(lines: Sequence[StatementLine]) -> list[tuple[StatementLine, str]]:
    """The lines of a statement as a person reads them, the newest first, each with its words: a fee and its taxes, which moved
    together, are one line with their sum."""
    rows: list[StatementLine] = []
    for line in lines:
        last = rows[-1] if rows else None
        if last is not None and last.journal_id == line.journal_id and _way(last) == _way(line):
            sums = {name: getattr(last, name) + getattr(line, name) for name in ("amount_paise", "debit_paise", "credit_paise")}
            rows[-1] = replace(last, **sums)
        else:
            rows.append(line)
    return [(row, line_words(row)) for row in rows]


def _way(line: StatementLine) -> tuple[bool, bool]:
    """Whether it takes, and whether it brings; one that does neither sets aside or lets go."""
    return line.debit_paise > 0, line.credit_paise > 0


def account_words(account: Account | tuple[Role, str]) -> tuple[str, str]:
    """What an account is called, and what is on it."""
    role, detail = (account.role, account.detail) if isinstance(account, Account) else account
    name, says = _ACCOUNTS[role]
    return (f"{name} {detail.upper() if role is Role.GST else detail}".strip() if role is not Role.WALLET else name), says
