"""Books kept in memory as the ledger keeps them, and written down at once: every counter, number and balance is the ledger's own."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.bench.filling import Filling
from engine.money.ledger import Account, Book, Entry, JournalKind, wallet
from engine.money.ledger.moving import Counters, Line
from engine.money.ledger.tables import AccountRow, JournalRow, JournalUnsealed, TransferRow
from engine.store.sealing import ordered_id

__all__ = ["KeptBooks"]


@dataclass(slots=True)
class KeptBooks:
    """The books of all offices."""

    accounts: dict[UUID, tuple[Book, Account, datetime, Counters]] = field(default_factory=dict)
    journals: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def available(self, book: Book, exporter: UUID) -> int:
        """What the firm can spend there."""
        found = self.accounts.get(wallet(exporter).id_in(book.office_id))
        return found[3].credits_posted - found[3].debits_posted if found else 0

    def post(
        self, book: Book, kind: JournalKind, entries: Sequence[Entry], *, key: str, subject: str, exporter: UUID, at: datetime
    ) -> UUID:
        """Writes one journal, later than all before it, and gives its id."""
        id, owner = ordered_id(at), {"agency": book.agency_id, "office": book.office_id}
        said = {"kind": str(kind), "subject": subject, "key": key, "request_sha256": hashlib.sha256(key.encode()).hexdigest()}
        dated = {"actor": "bench", "occurred_at": at, "recorded_at": at}
        self.journals.append({"id": id, **owner, "exporter": exporter, **said, **dated})
        for number, entry in enumerate(entries, 1):
            line = Line(entry.debit, entry.credit, entry.amount_paise)
            debit, credit = self._counters(book, entry.debit, at), self._counters(book, entry.credit, at)
            debit.debit(line)
            credit.credit(line)
            paid, received = debit.of(entry.debit), credit.of(entry.credit)
            sides = {"debit": entry.debit.id_in(book.office_id), "credit": entry.credit.id_in(book.office_id)}
            stand = {"debit_seq": paid.seq, "debit_after": paid.posted, "debit_held_after": paid.held}
            stand |= {"credit_seq": received.seq, "credit_after": received.posted, "credit_held_after": received.held}
            what = {"journal": id, "line": number, "amount_paise": entry.amount_paise, "phase": str(line.phase)}
            self.lines.append({**owner, **what, **sides, **stand})
        return id

    def put(self, filling: Filling) -> None:
        """Writes all of it down, and every journal as one that is still to be sealed."""
        filling.put(AccountRow, (self._row(id) for id in self.accounts))
        filling.put(JournalRow, self.journals)
        filling.put(TransferRow, self.lines)
        filling.put(JournalUnsealed, ({"id": each["id"], "at": each["recorded_at"]} for each in self.journals))

    def _counters(self, book: Book, account: Account, at: datetime) -> Counters:
        return self.accounts.setdefault(account.id_in(book.office_id), (book, account, at, Counters()))[3]

    def _row(self, id: UUID) -> dict[str, Any]:
        book, account, at, counters = self.accounts[id]
        return {
            "id": id,
            "agency": book.agency_id,
            "office": book.office_id,
            "exporter": account.exporter_id,
            "role": str(account.role),
            "detail": str(account.exporter_id or account.detail),
            "of_key": account.key,
            "normal": str(account.normal),
            "no_overdraft": account.exporter_id is not None,
            "opened_at": at,
            "debits_posted": counters.debits_posted,
            "credits_posted": counters.credits_posted,
            "debits_pending": counters.debits_pending,
            "credits_pending": counters.credits_pending,
            "version": counters.version,
        }
