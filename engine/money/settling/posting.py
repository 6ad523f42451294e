"""The journals of settlement: what reached the bank, what the gateway kept, and what of it we know.

A line that matches leaves the gateway's clearing account. Any other leaves, or enters, suspense, so that the bank's account is right all
the same; once a line is explained it goes from suspense to clearing. A refund's line is the mirror: what the gateway took off
the office's money, less a fee that it gave back.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from engine.contracts.paying import SettledLine, SettlementKind
from engine.money.ledger import Account, Book, Entry, JournalKind, bank, charges, clearing, post, suspense
from engine.money.settling.matching import Finding
from engine.money.settling.nouns import SettlementLine
from engine.money.settling.tables import Match

__all__ = ["post_file", "post_found"]

_KNOWN = (Match.MATCHED, Match.REFUND_MATCHED)


async def post_file(
    book: Book, gateway: str, file_id: UUID, lines: Sequence[tuple[SettledLine, Finding]], *, subject: str, actor: str, at: datetime
) -> None:
    """One journal for all lines of a file that are new, in the caller's unit of work."""
    sums: dict[tuple[Account, Account], int] = defaultdict(int)
    for line, finding in lines:
        ours = clearing(gateway) if finding.match in _KNOWN else suspense()
        sign = 1 if line.kind is SettlementKind.PAYMENT else -1
        for account, paise in ((bank(), line.net_paise), (charges(), line.fee_paise), (charges(), line.tax_paise)):
            signed = sign * paise
            if signed > 0:
                sums[account, ours] += signed
            elif signed < 0:
                sums[ours, account] -= signed
    entries = [Entry(debit, credit, paise) for (debit, credit), paise in sums.items()]
    if entries:
        await post(book, JournalKind.SETTLEMENT, entries, key=f"settle:{file_id}", subject=subject, actor=actor, at=at)


async def post_found(line: SettlementLine, *, actor: str, at: datetime) -> None:
    """A line that lay in suspense is explained: it leaves the clearing account after all, in the caller's unit of work."""
    if not line.gross_paise:
        return
    pair = (suspense(), clearing(line.gateway))
    debit, credit = pair if line.kind is SettlementKind.PAYMENT else reversed(pair)
    book = Book(line.agency_id, line.office_id)
    entries = [Entry(debit, credit, line.gross_paise)]
    await post(book, JournalKind.SETTLEMENT, entries, key=f"settle-line:{line.id}", subject=line.utr or "settlement", actor=actor, at=at)
