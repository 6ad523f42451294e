"""What a firm reads of its wallet: balance and statement. Nothing is added up anew: every line holds how its accounts stood behind
it, so a page costs the same however long the books are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import NotFound
from engine.money.ledger.accounts import wallet
from engine.money.ledger.tables import AccountRow, JournalKind, Phase, TransferRow
from engine.people.tables import Office
from engine.scope import Scope, ScopeKind
from engine.store import reading
from engine.store.scoped import covering

__all__ = [
    "MOST_LINES",
    "Balance",
    "StatementLine",
    "StatementPage",
    "balance",
    "line_side",
    "lines_with_journal",
    "page_of",
    "require_office",
    "statement",
]

MOST_LINES = 500
_MOVES = (Phase.SINGLE, Phase.POST)


@dataclass(frozen=True, slots=True)
class Balance:
    """What a wallet holds, what of it is set aside, and what can be spent, in paise. `as_of` is the moment of its last line, `seq`
    that line's number; a wallet that was never used has neither, and holds nothing."""

    posted_paise: int = 0
    held_paise: int = 0
    frozen: bool = False
    frozen_because: str = ""
    as_of: datetime | None = None
    seq: int = 0

    @property
    def available_paise(self) -> int:
        """What can be spent now; a frozen wallet's waits until it is thawed."""
        return self.posted_paise - self.held_paise


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of an account. `debit_paise` and `credit_paise` are what it moved and add up to `balance_paise`; a line that sets
    `amount_paise` aside or lets it go (see `phase`) moves nothing and changes `held_paise`. `at` is when it happened: for a
    balance brought over (OPENING) the day of its file, with the legacy reference as `subject`; `recorded_at` when it was written."""

    seq: int
    at: datetime
    recorded_at: datetime
    kind: JournalKind
    subject: str
    reason: str
    amount_paise: int
    debit_paise: int
    credit_paise: int
    balance_paise: int
    held_paise: int
    phase: Phase
    journal_id: UUID


@dataclass(frozen=True, slots=True)
class StatementPage:
    """Lines, the newest first; `further` is what to ask the next page `before`, or None at the end."""

    lines: tuple[StatementLine, ...]
    further: int | None


async def require_office(scope: Scope, office_id: UUID) -> UUID:
    """The agency of an office whose books the scope sees; raises NotFound for any other, be it there or not."""
    query = covering(scope, Office.select(Office.agency), Office, office="id")
    row = await query.where(Office.id == office_id).first()
    if row is None:
        raise NotFound("There is no such office.", code="office_unknown")
    return UUID(str(row["agency"]))


async def _require_wallet_seen(scope: Scope, office_id: UUID, exporter_id: UUID) -> UUID:
    """The office's agency, if the scope sees this firm's wallet there, used or not; raises NotFound else."""
    if scope.kind not in (ScopeKind.EXPORTER, ScopeKind.BROKER):
        return await require_office(scope, office_id)
    row = await Office.select(Office.agency).where(Office.id == office_id).first() if exporter_id in scope.exporter_ids else None
    if row is None:
        raise NotFound("There is no such office.", code="office_unknown")
    return UUID(str(row["agency"]))


async def balance(scope: Scope, office_id: UUID, exporter_id: UUID) -> Balance:
    """What a firm's wallet at an office holds. Raises NotFound for an office or a firm that the scope does not cover."""
    id = wallet(exporter_id).id_in(office_id)
    async with reading():
        await _require_wallet_seen(scope, office_id, exporter_id)
        row = await AccountRow.select().where(AccountRow.id == id).first()
        if row is None:
            return Balance()
        last = await _lines_of(id, row["version"], row["version"])
    posted, seq = row["credits_posted"] - row["debits_posted"], row["version"]
    as_of = last[0]["journal.recorded_at"] if last else None
    return Balance(posted, row["debits_pending"], row["frozen_at"] is not None, row["frozen_because"], as_of, seq)


async def statement(scope: Scope, office_id: UUID, exporter_id: UUID, *, before: int | None = None, most: int = 50) -> StatementPage:
    """One page of a wallet's lines, the newest first. Raises NotFound as `balance` does."""
    id = wallet(exporter_id).id_in(office_id)
    async with reading():
        await _require_wallet_seen(scope, office_id, exporter_id)
        rows, further = await page_of(id, before, most)
    return StatementPage(tuple(_statement_line(row, id) for row in rows), further)


async def page_of(id: UUID, before: int | None, most: int) -> tuple[list[dict[str, Any]], int | None]:
    """An account's lines before that number. Numbers have no hole, so a page is a range of them on either side."""
    row = await AccountRow.select(AccountRow.version).where(AccountRow.id == id).first()
    newest = row["version"] if row else 0
    last = newest if before is None else min(before - 1, newest)
    first = max(last - min(max(most, 1), MOST_LINES) + 1, 1)
    rows = await _lines_of(id, first, last)
    return rows, first if rows and first > 1 else None


async def _lines_of(id: UUID, first: int, last: int) -> list[dict[str, Any]]:
    """An account's lines with these numbers, the newest first: each side by its own index."""
    rows = []
    for side, seq in ((TransferRow.debit, TransferRow.debit_seq), (TransferRow.credit, TransferRow.credit_seq)):
        rows += await lines_with_journal().where(side == id, seq >= first, seq <= last)
    return sorted(rows, key=lambda row: line_side(row, id)[1], reverse=True)


def lines_with_journal() -> Any:
    """Lines, each with its journal."""
    of = TransferRow.journal
    return TransferRow.select(*TransferRow.all_columns(), of.kind, of.subject, of.reason, of.actor, of.occurred_at, of.recorded_at)


def line_side(row: Mapping[str, Any], id: UUID) -> tuple[str, int, int, int]:
    """On which side of a line the account stands, and its number, balance and what is set aside there."""
    side = "debit" if row["debit"] == id else "credit"
    return side, row[f"{side}_seq"], row[f"{side}_after"], row[f"{side}_held_after"]


def _statement_line(row: Mapping[str, Any], id: UUID) -> StatementLine:
    side, seq, after, held = line_side(row, id)
    moved = row["amount_paise"] if row["phase"] in _MOVES else 0
    return StatementLine(
        seq,
        row["journal.occurred_at"],
        row["journal.recorded_at"],
        JournalKind(row["journal.kind"]),
        row["journal.subject"],
        row["journal.reason"],
        row["amount_paise"],
        moved if side == "debit" else 0,
        moved if side == "credit" else 0,
        after,
        held,
        Phase(row["phase"]),
        row["journal"],
    )
