"""Writing a journal down: once under its key, with its lines, the accounts they move, and the outbox of the seal."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import msgspec

from engine.errors import Conflict, Refused
from engine.money.ledger.accounts import Account, Book, open_account
from engine.money.ledger.moving import Line, Moved, NotOpen, hold_ended, in_order, move
from engine.money.ledger.sealing import JOURNALS
from engine.money.ledger.tables import AccountRow, JournalKind, JournalRow, Role, TransferRow
from engine.people.plain_text import reason_of
from engine.store import uow
from engine.store.engines import WalSQLite
from engine.store.sealing import ordered_id
from engine.store.unit import database

__all__ = ["MOST_ENTRIES", "MOST_PAISE", "Entry", "Journal", "Posted", "write"]

MOST_PAISE = 10**13  # a thousand crore rupees would already be somebody's mistake
MOST_ENTRIES = 500
_MOST_TRIES = 3
# Written out: every payment passes here, and a row object for each costs as much as the database does.
_OF_JOURNAL = (
    "id", "agency", "office", "exporter", "kind", "subject", "key", "request_sha256", "reason", "actor", "reverses",
    "occurred_at", "recorded_at",
)  # fmt: skip
_OF_LINE = (
    "id", "agency", "office", "journal", "line", "debit", "credit", "amount_paise", "phase", "resolves",
    "debit_seq", "credit_seq", "debit_after", "credit_after", "debit_held_after", "credit_held_after",
)  # fmt: skip
_INSERT = 'INSERT INTO {} ("{}") VALUES {} ON CONFLICT DO NOTHING RETURNING id'
_MARKS = f"({', '.join(['{}'] * len(_OF_LINE))})"
_INSERT_JOURNAL = _INSERT.format("ledger_journal", '", "'.join(_OF_JOURNAL), f"({', '.join(['{}'] * len(_OF_JOURNAL))})")
# On PostgreSQL with its row in the outbox of the seal: a statement is a question to a server there.
_INSERT_BOTH = (
    f"WITH made AS ({_INSERT_JOURNAL}, recorded_at) INSERT INTO ledger_unsealed (id, at) SELECT id, recorded_at FROM made RETURNING id"  # noqa: S608
)
_INSERT_LINES = _INSERT.format("ledger_transfer", '", "'.join(_OF_LINE), "{}").replace("DO NOTHING", "(resolves) DO NOTHING")
_REASONED = frozenset({JournalKind.ADJUSTMENT, JournalKind.REVERSAL})


@dataclass(frozen=True, slots=True)
class Entry:
    """An amount that leaves one account for another. Raises Refused for an amount that is no whole number of paise above nothing."""

    debit: Account
    credit: Account
    amount_paise: int

    def __post_init__(self) -> None:
        if type(self.amount_paise) is not int or not 1 <= self.amount_paise <= MOST_PAISE:
            raise Refused(
                "An amount is a whole number of paise, more than none, and less than the ledger can hold.",
                code="ledger_amount",
                box="amount",
                rule="amount in paise",
            )
        if self.debit == self.credit:
            raise Refused("An amount cannot leave an account for itself.", code="ledger_entry", box="amount", rule="two accounts")


@dataclass(frozen=True, slots=True)
class Posted:
    """A journal that is written down; `replayed` if it was so before this call."""

    journal_id: UUID
    replayed: bool


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal that is to be written. `key` makes it one for ever: asked again with the same content, it is the one that stands."""

    book: Book
    kind: JournalKind
    lines: Sequence[Line]
    key: str
    subject: str
    exporter_id: UUID | None
    actor: str
    at: datetime
    reason: str = ""
    occurred_at: datetime | None = None
    reverses: UUID | None = None

    def require_sound(self) -> None:
        """Raises what is wrong with it whatever the accounts hold: ValueError for what a program got wrong, Refused else."""
        if not self.key or self.at.tzinfo is None or (self.occurred_at and self.occurred_at.tzinfo is None):
            raise ValueError("A journal has a key, and its moments have a zone.")
        if not 1 <= len(self.lines) <= MOST_ENTRIES:
            raise Refused(
                f"A journal has 1 to {MOST_ENTRIES} entries. Write the rest as another one.",
                code="ledger_entries",
                rule="entries of a journal",
            )
        if self.reason or self.kind in _REASONED:
            reason_of(self.reason, most=300, empty="Say why the books are put right.")
        wallets = {id for line in self.lines for id in (line.debit.exporter_id, line.credit.exporter_id) if id}
        if self.exporter_id and wallets - {self.exporter_id}:
            raise ValueError("A journal of one exporter moves no other one's wallet.")

    @property
    def sha256(self) -> str:
        """What is asked, without who asks, when, and in which words of explanation: those may differ when it is asked again."""
        book = self.book
        asked: list[object] = [book.agency_id, book.office_id, self.kind, self.subject, self.exporter_id, self.reverses]
        asked += [[line.debit.key, line.credit.key, line.amount_paise, line.phase, line.resolves] for line in self.lines]
        return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()


async def write(journal: Journal) -> Posted:
    """Writes it, in the unit of work around the call or in one of its own. Where it raises, nothing of it remains, and the caller's
    unit of work can go on.

    Raises Conflict for a key that stands for something else (`ledger_key_reused`), for a hold of which a line ended already
    (`hold_ended`), for a journal that is reversed already (`journal_reversed`); Refused as `move` does.
    """
    journal.require_sound()
    try:
        return await _written(journal)
    except NotOpen:
        pass
    for _ in range(_MOST_TRIES):
        with suppress(NotOpen):
            async with uow():
                await _open_accounts(journal)
                return await _written(journal)
    raise Conflict("The accounts changed while they were used. Try again.", code="ledger_busy")


async def _written(journal: Journal) -> Posted:
    async with uow():
        id = await _insert(journal)
        if id is None:
            return await _standing(journal)
        moved = await move(journal.book, journal.lines)  # last, for others wait for the accounts
        await _insert_lines(journal, id, moved)
        return Posted(id, False)


async def _open_accounts(journal: Journal) -> None:
    """Those that were never used, before any of them is changed: whoever changes some waits for nobody who opens others."""
    accounts = in_order(journal.book, {account for line in journal.lines for account in (line.debit, line.credit)})
    known = [account.id_in(journal.book.office_id) for account in accounts]
    there = {row["id"] for row in await AccountRow.select(AccountRow.id).where(AccountRow.id.is_in(known))}
    for account, id in zip(accounts, known, strict=True):
        if id not in there:
            await open_account(journal.book, account, journal.at)


async def _insert(journal: Journal) -> UUID | None:
    """The id of the new row, which waits to be sealed, or None if there is one of that key or of that reversal; one being written
    elsewhere is waited for."""
    id, book = ordered_id(journal.at), journal.book
    values = (
        id,
        book.agency_id,
        book.office_id,
        journal.exporter_id or _only_wallet(journal.lines),
        str(journal.kind),
        journal.subject,
        journal.key,
        journal.sha256,
        journal.reason,
        journal.actor,
        journal.reverses,
        journal.occurred_at or journal.at,
        journal.at,
    )
    if not isinstance(database(), WalSQLite):
        return id if await JournalRow.raw(_INSERT_BOTH, *values) else None
    if not await JournalRow.raw(_INSERT_JOURNAL, *values):
        return None
    await JOURNALS.wait(id, journal.at)
    return id


def _only_wallet(lines: Sequence[Line]) -> UUID | None:
    wallets = {account.exporter_id for line in lines for account in (line.debit, line.credit) if account.role is Role.WALLET}
    return wallets.pop() if len(wallets) == 1 else None


async def _standing(journal: Journal) -> Posted:
    row = await JournalRow.select(JournalRow.id, JournalRow.request_sha256).where(JournalRow.key == journal.key).first()
    if row is None:
        raise Conflict("That entry in the books was taken back already.", code="journal_reversed")
    if row["request_sha256"] != journal.sha256:
        raise Conflict("This key of the ledger stands for another journal.", code="ledger_key_reused")
    return Posted(row["id"], True)


async def _insert_lines(journal: Journal, id: UUID, moved: Sequence[tuple[Moved, Moved]]) -> None:
    """All lines in one statement."""
    rows = [_values(journal, id, number, line, *sides) for number, (line, sides) in enumerate(zip(journal.lines, moved, strict=True), 1)]
    query = _INSERT_LINES.format(", ".join([_MARKS] * len(rows)))
    if len(await TransferRow.raw(query, *(value for row in rows for value in row))) != len(rows):
        raise hold_ended()


def _values(journal: Journal, id: UUID, number: int, line: Line, debit: Moved, credit: Moved) -> tuple[object, ...]:
    """A line's row, in the order of `_OF_LINE`."""
    book = journal.book
    accounts = (line.debit.id_in(book.office_id), line.credit.id_in(book.office_id))
    stand = (debit.seq, credit.seq, debit.posted, credit.posted, debit.held, credit.held)
    return (uuid4(), book.agency_id, book.office_id, id, number, *accounts, line.amount_paise, str(line.phase), line.resolves, *stand)
