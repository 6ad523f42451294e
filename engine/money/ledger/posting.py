"""The deeds of the ledger: money moves at once, is set aside, is taken or let go, and a journal is taken back.

Each is in the caller's unit of work, beside what made the money move, or in one of its own. Its key is the caller's and
stands for one journal for ever: the same key and the same content gives the journal that stands, `replayed`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Conflict, NotFound, Refused
from engine.money.ledger.accounts import Account, Book, account_of, legacy, wallet
from engine.money.ledger.journals import Entry, Journal, Posted, write
from engine.money.ledger.moving import Line
from engine.money.ledger.tables import AccountRow, JournalKind, Phase, TransferRow

__all__ = ["HeldLine", "hold", "let_go", "lines_held", "open_balance", "post", "reverse", "take_hold"]

_OF_HOLDS = frozenset({JournalKind.HOLD, JournalKind.POST, JournalKind.RELEASE})


async def post(
    book: Book,
    kind: JournalKind,
    entries: Sequence[Entry],
    *,
    key: str,
    subject: str,
    exporter_id: UUID | None = None,
    reason: str = "",
    occurred_at: datetime | None = None,
    reverses: UUID | None = None,
    actor: str,
    at: datetime,
) -> Posted:
    """Moves the amounts at once, all or none.

    Raises Refused with `insufficient_funds`, `wallet_frozen` or `account_closed`; Conflict with `ledger_key_reused`. A REVERSAL
    names in `reverses` what it takes back, and its entries are the mirror of that; `reverse` makes them.
    """
    if kind in _OF_HOLDS:
        raise ValueError("What is set aside has doors of its own: hold, take_hold and let_go.")
    if (kind is JournalKind.REVERSAL) != (reverses is not None):
        raise ValueError("A reversal names the journal that it takes back, and nothing else does.")
    lines = [Line(entry.debit, entry.credit, entry.amount_paise) for entry in entries]
    if reverses is not None and sorted(map(repr, lines)) != sorted(map(repr, await _mirror(book, reverses))):
        raise Refused("A reversal takes back exactly what the journal moved.", code="ledger_mirror", rule="reversal is the mirror")
    return await write(Journal(book, kind, lines, key, subject, exporter_id, actor, at, reason, occurred_at, reverses))


async def reverse(book: Book, journal_id: UUID, *, key: str, subject: str, reason: str, actor: str, at: datetime) -> Posted:
    """Takes a journal back by its mirror, once, for a reason. Raises NotFound, Conflict with `journal_reversed`, Refused as `post`
    does: what was spent meanwhile cannot be taken back."""
    lines = await _mirror(book, journal_id)
    return await write(Journal(book, JournalKind.REVERSAL, lines, key, subject, None, actor, at, reason, None, journal_id))


async def open_balance(
    book: Book, exporter_id: UUID, amount_paise: int, *, key: str, reference: str, as_of: datetime, actor: str, at: datetime
) -> Posted:
    """Brings a wallet's balance over from the legacy system, dated as of its file; `reference` is the wallet's there.

    The caller's key names the legacy system and wallet, and no file, so that an overlapping file credits nothing twice.
    """
    if as_of > at:
        raise Refused("A balance cannot come from a day that has not been.", code="ledger_as_of", box="as_of", rule="as of the past")
    entries = [Entry(legacy(), wallet(exporter_id), amount_paise)]
    kind = JournalKind.OPENING
    return await post(book, kind, entries, key=key, subject=reference, exporter_id=exporter_id, occurred_at=as_of, actor=actor, at=at)


async def hold(book: Book, entries: Sequence[Entry], *, key: str, subject: str, exporter_id: UUID, actor: str, at: datetime) -> Posted:
    """Sets the amounts aside: they are no longer available, and not yet gone. Raises as `post` does."""
    lines = [Line(entry.debit, entry.credit, entry.amount_paise, Phase.PENDING) for entry in entries]
    return await write(Journal(book, JournalKind.HOLD, lines, key, subject, exporter_id, actor, at))


async def take_hold(
    book: Book, hold_journal_id: UUID, *, key: str, subject: str, lines: Collection[int] | None = None, actor: str, at: datetime
) -> Posted:
    """Takes what was set aside: all of the hold, or those of its lines, numbered from 1. A frozen wallet's hold is taken too.

    Raises NotFound for no hold of this office, Conflict with `hold_ended` if another key took one of the lines or let it go.
    """
    return await _end(book, JournalKind.POST, hold_journal_id, lines, key=key, subject=subject, actor=actor, at=at)


async def let_go(
    book: Book, hold_journal_id: UUID, *, key: str, subject: str, lines: Collection[int] | None = None, actor: str, at: datetime
) -> Posted:
    """Lets what was set aside go back: all of the hold, or those of its lines. Raises as `take_hold` does."""
    return await _end(book, JournalKind.RELEASE, hold_journal_id, lines, key=key, subject=subject, actor=actor, at=at)


async def _end(
    book: Book, kind: JournalKind, hold_id: UUID, numbers: Collection[int] | None, *, key: str, subject: str, actor: str, at: datetime
) -> Posted:
    held = await lines_held(book, hold_id)
    known = {line.line for line in held}
    if not held or (numbers is not None and (not numbers or not set(numbers) <= known)):
        raise NotFound("The office has set nothing like that aside.", code="hold_unknown")
    phase = Phase.POST if kind is JournalKind.POST else Phase.VOID
    wanted = known if numbers is None else set(numbers)
    lines = [Line(one.entry.debit, one.entry.credit, one.entry.amount_paise, phase, one.id) for one in held if one.line in wanted]
    return await write(Journal(book, kind, lines, key, subject, None, actor, at))


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A line of a hold, whether it ended since or not."""

    id: UUID
    line: int
    entry: Entry


async def lines_held(book: Book, hold_journal_id: UUID) -> list[HeldLine]:
    """What that journal of this office set aside, in the order in which it was asked for; nothing if it is no hold of it."""
    rows = await _rows_of(book, hold_journal_id)
    accounts = await _accounts_of(rows)
    return [
        HeldLine(row["id"], row["line"], Entry(accounts[row["debit"]], accounts[row["credit"]], row["amount_paise"]))
        for row in rows
        if row["phase"] == Phase.PENDING
    ]


async def _mirror(book: Book, journal_id: UUID) -> list[Line]:
    """The lines that take a journal back."""
    rows = await _rows_of(book, journal_id)
    if not rows:
        raise NotFound("The office's books have no such journal.", code="journal_unknown")
    if any(row["phase"] not in (Phase.SINGLE, Phase.POST) for row in rows):
        raise Conflict("That moved no money: what is set aside is let go, and nothing is taken back.", code="journal_moved_nothing")
    accounts = await _accounts_of(rows)
    return [Line(accounts[row["credit"]], accounts[row["debit"]], row["amount_paise"]) for row in reversed(rows)]


async def _rows_of(book: Book, journal_id: UUID) -> list[dict[str, Any]]:
    mine = (TransferRow.journal == journal_id, TransferRow.office == book.office_id, TransferRow.agency == book.agency_id)
    return list(await TransferRow.select().where(*mine).order_by(TransferRow.line))


async def _accounts_of(rows: Sequence[dict[str, Any]]) -> dict[UUID, Account]:
    ids = {row[side] for row in rows for side in ("debit", "credit")}
    if not ids:
        return {}
    found = await AccountRow.select().where(AccountRow.id.is_in(list(ids)))
    return {row["id"]: account_of(row["role"], row["detail"], row["exporter"]) for row in found}
