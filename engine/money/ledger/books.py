"""What an office reads of its books: the cash book of one account or of all, and the trial balance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from engine.errors import Refused
from engine.money.ledger.accounts import Account, account_of
from engine.money.ledger.reading import MOST_LINES, line_side, lines_with_journal, page_of, require_office
from engine.money.ledger.tables import AccountRow, JournalKind, JournalRow, Normal, Phase, Role, TransferRow
from engine.scope import Scope
from engine.store import reading

__all__ = ["BookLine", "BookPage", "TrialBalance", "TrialLine", "cash_book", "trial_balance"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_MARK = 60
_TRIAL = """
    SELECT role, detail, normal, SUM(debits) AS debits, SUM(credits) AS credits, SUM(held) AS held, COUNT(*) AS accounts FROM (
        SELECT role, CASE WHEN role = 'wallet' THEN '' ELSE detail END AS detail, normal, debits_posted AS debits,
            credits_posted AS credits, CASE WHEN normal = 'credit' THEN debits_pending ELSE credits_pending END AS held
        FROM ledger_account WHERE office = {}
    ) AS each_one GROUP BY role, detail, normal ORDER BY role, detail
"""


@dataclass(frozen=True, slots=True)
class BookLine:
    """One line of the books of an office. `seq`, `balance_paise` and `held_paise` are those of the account that was asked for."""

    journal_id: UUID
    line: int
    at: datetime
    recorded_at: datetime
    kind: JournalKind
    subject: str
    reason: str
    actor: str
    debit: Account
    credit: Account
    amount_paise: int
    phase: Phase
    seq: int | None = None
    balance_paise: int | None = None
    held_paise: int | None = None


@dataclass(frozen=True, slots=True)
class BookPage:
    """Lines of the books, the newest journal first; `further` is what to ask the next page `before`, or None at the end."""

    lines: tuple[BookLine, ...]
    further: str | None


@dataclass(frozen=True, slots=True)
class TrialLine:
    """An account in the trial balance, on its normal side; all wallets of the office are one line of it."""

    role: Role
    detail: str
    normal: Normal
    debits_paise: int
    credits_paise: int
    held_paise: int
    accounts: int

    @property
    def debit_balance_paise(self) -> int:
        """What stands in the debit column."""
        return max(self.debits_paise - self.credits_paise, 0)

    @property
    def credit_balance_paise(self) -> int:
        """What stands in the credit column."""
        return max(self.credits_paise - self.debits_paise, 0)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All accounts of an office; the sums of both columns are equal."""

    lines: tuple[TrialLine, ...]

    @property
    def debit_paise(self) -> int:
        """The sum of the debit column."""
        return sum(line.debit_balance_paise for line in self.lines)

    @property
    def credit_paise(self) -> int:
        """The sum of the credit column."""
        return sum(line.credit_balance_paise for line in self.lines)


async def cash_book(
    scope: Scope, office_id: UUID, *, account: Account | None = None, before: str | None = None, most: int = 50
) -> BookPage:
    """One page of an office's books: the lines of one account with its balance, or whole journals, `most` of them.

    Raises NotFound for an office that the scope does not cover, Refused for a `before` that no page gave.
    """
    async with reading():
        await require_office(scope, office_id)
        if account is not None:
            id = account.id_in(office_id)
            rows, next_seq = await page_of(id, _seq_of(before), most)
            further = None if next_seq is None else str(next_seq)
        else:
            id = None
            rows, further = await _journals_of(office_id, before, most)
        accounts = await _accounts_of(rows)
    return BookPage(tuple(_book_line(row, accounts, id) for row in rows), further)


async def trial_balance(scope: Scope, office_id: UUID) -> TrialBalance:
    """Every account of an office with what it moved and what stands on it. Raises NotFound as `cash_book` does."""
    async with reading():
        await require_office(scope, office_id)
        rows = await AccountRow.raw(_TRIAL, office_id)
    return TrialBalance(
        tuple(
            TrialLine(
                Role(row["role"]),
                row["detail"],
                Normal(row["normal"]),
                int(row["debits"]),
                int(row["credits"]),
                int(row["held"]),
                int(row["accounts"]),
            )
            for row in rows
        )
    )


async def _journals_of(office_id: UUID, before: str | None, most: int) -> tuple[list[dict[str, Any]], str | None]:
    """The lines of an office's journals before that mark, the newest journal first."""
    most = min(max(most, 1), MOST_LINES)
    query = JournalRow.select(JournalRow.id, JournalRow.recorded_at).where(JournalRow.office == office_id)
    if before is not None:
        at, id = _place_of(before)
        query = query.where(JournalRow.recorded_at <= at, (JournalRow.recorded_at < at) | (JournalRow.id < id))
    order = query.order_by(JournalRow.recorded_at, ascending=False).order_by(JournalRow.id, ascending=False)
    found = await order.limit(most + 1)
    if not found:
        return [], None
    place = {row["id"]: number for number, row in enumerate(found[:most])}
    rows = await lines_with_journal().where(TransferRow.journal.is_in(list(place)))
    last = found[most - 1] if len(found) > most else None
    further = f"{(last['recorded_at'] - _EPOCH) // timedelta(microseconds=1)}.{last['id']}" if last else None
    return sorted(rows, key=lambda row: (place[row["journal"]], row["line"])), further


def _seq_of(mark: str | None) -> int | None:
    if mark is None:
        return None
    if not (mark.isascii() and mark.isdecimal() and len(mark) <= 10):
        raise _no_mark()
    return int(mark)


def _place_of(mark: str) -> tuple[datetime, UUID]:
    moment, _, id = mark.partition(".")
    try:
        if len(mark) > _LONGEST_MARK or not (moment.isascii() and moment.isdecimal()):
            raise ValueError
        return _EPOCH + timedelta(microseconds=int(moment)), UUID(id)
    except (ValueError, OverflowError) as error:
        raise _no_mark() from error


def _no_mark() -> Refused:
    return Refused(
        "The book cannot be read on from there. Begin at its first page.", code="ledger_mark", box="before", rule="mark of a page"
    )


async def _accounts_of(rows: Sequence[Mapping[str, Any]]) -> dict[UUID, Account]:
    ids = list({row[side] for row in rows for side in ("debit", "credit")})
    found = await AccountRow.select().where(AccountRow.id.is_in(ids)) if ids else []
    return {row["id"]: account_of(row["role"], row["detail"], row["exporter"]) for row in found}


def _book_line(row: Mapping[str, Any], accounts: Mapping[UUID, Account], id: UUID | None) -> BookLine:
    seq, after, held = line_side(row, id)[1:] if id else (None, None, None)
    return BookLine(
        row["journal"],
        row["line"],
        row["journal.occurred_at"],
        row["journal.recorded_at"],
        JournalKind(row["journal.kind"]),
        row["journal.subject"],
        row["journal.reason"],
        row["journal.actor"],
        accounts[row["debit"]],
        accounts[row["credit"]],
        row["amount_paise"],
        Phase(row["phase"]),
        seq,
        after,
        held,
    )
