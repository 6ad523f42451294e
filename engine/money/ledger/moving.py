"""The counters of the accounts, changed together with the lines of a journal and never without.

Every account of a journal is changed once, by one guarded UPDATE that both databases decide alone: nothing is read first
and written afterwards. Accounts are touched in one order, wallets before those that the whole office shares, so that two
journals never wait for each other, and what all wait for is held the shortest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Conflict, Refused
from engine.money.ledger.accounts import Account, Book, open_account
from engine.money.ledger.tables import AccountRow, Normal, Phase, Role

__all__ = ["Line", "Moved", "hold_ended", "move"]

_CHANGE = """
    UPDATE ledger_account SET debits_posted = debits_posted + {}, credits_posted = credits_posted + {},
        debits_pending = debits_pending + {}, credits_pending = credits_pending + {}, version = version + {}
    WHERE id = {} AND closed_at IS NULL AND (NOT no_overdraft OR credits_posted + {} >= debits_posted + debits_pending + {})
"""
_NOT_FROZEN = " AND frozen_at IS NULL"
_STILL_HELD = " AND debits_pending >= {} AND credits_pending >= {}"
_ANSWER = " RETURNING debits_posted, credits_posted, debits_pending, credits_pending, version"
# What one paisa of a line adds to what is posted and to what is set aside.
_WEIGHTS = {Phase.SINGLE: (1, 0), Phase.PENDING: (0, 1), Phase.POST: (1, -1), Phase.VOID: (0, -1)}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a journal, before it is written; `resolves` is the line that a POST or VOID ends."""

    debit: Account
    credit: Account
    amount_paise: int
    phase: Phase = Phase.SINGLE
    resolves: UUID | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """How an account stands behind one of its lines: its version then, and on its normal side what is posted and what is set aside."""

    seq: int
    posted: int
    held: int


@dataclass(slots=True)
class _Counters:
    """An account's counters, or what a journal adds to them."""

    debits_posted: int = 0
    credits_posted: int = 0
    debits_pending: int = 0
    credits_pending: int = 0
    version: int = 0

    def debit(self, line: Line) -> None:
        posted, pending = _WEIGHTS[line.phase]
        self.debits_posted += posted * line.amount_paise
        self.debits_pending += pending * line.amount_paise
        self.version += 1

    def credit(self, line: Line) -> None:
        posted, pending = _WEIGHTS[line.phase]
        self.credits_posted += posted * line.amount_paise
        self.credits_pending += pending * line.amount_paise
        self.version += 1

    @property
    def ends_holds(self) -> bool:
        """Whether something is no longer set aside."""
        return self.debits_pending < 0 or self.credits_pending < 0

    def less(self, other: "_Counters") -> "_Counters":
        """These counters before the other ones were added."""
        return _Counters(
            self.debits_posted - other.debits_posted,
            self.credits_posted - other.credits_posted,
            self.debits_pending - other.debits_pending,
            self.credits_pending - other.credits_pending,
            self.version - other.version,
        )

    def of(self, account: Account) -> Moved:
        """Where the account stands. A wallet that a line leaves short is refused, though a later line would fill it again."""
        moved = self.credits_posted - self.debits_posted
        if account.role is Role.WALLET and moved < self.debits_pending:
            raise _short()
        if account.normal is Normal.DEBIT:
            return Moved(self.version, -moved, self.credits_pending)
        return Moved(self.version, moved, self.debits_pending)


async def move(book: Book, lines: Sequence[Line], at: datetime) -> list[tuple[Moved, Moved]]:
    """Changes the accounts and gives for each line how its debited and its credited account stand behind it.

    Raises Refused where a wallet has too little (`insufficient_funds`) or is frozen (`wallet_frozen`), and for an account that
    is closed (`account_closed`); Conflict for a hold that ended (`hold_ended`); any one of them where
    several are true. The unit of work around the call is not to go on then.
    """
    changes: dict[Account, _Counters] = {}
    spent = {line.debit for line in lines if line.phase in (Phase.SINGLE, Phase.PENDING)}
    for line in lines:
        changes.setdefault(line.debit, _Counters()).debit(line)
        changes.setdefault(line.credit, _Counters()).credit(line)
    stand: dict[Account, _Counters] = {}
    for account in sorted(changes, key=lambda account: (account.role is not Role.WALLET, account.id_in(book.office_id))):
        change = changes[account]
        stand[account] = (await _change(book, account, change, account in spent, at)).less(change)
    moved = []
    for line in lines:
        debit, credit = stand[line.debit], stand[line.credit]
        debit.debit(line)
        credit.credit(line)
        moved.append((debit.of(line.debit), credit.of(line.credit)))
    return moved


async def _change(book: Book, account: Account, change: _Counters, spends: bool, at: datetime) -> _Counters:
    id = account.id_in(book.office_id)
    for tried in range(3):
        if rows := await _update(id, change, spends):
            return _Counters(**rows[0])
        row = await AccountRow.select(AccountRow.frozen_at, AccountRow.closed_at).where(AccountRow.id == id).first()
        if row is None:
            await open_account(book, account, at)
        elif tried:  # the first time somebody may have opened it between the two
            raise _why_not(row, change, spends)
    raise _short()


async def _update(id: UUID, change: _Counters, spends: bool) -> Any:
    added = (change.debits_posted, change.credits_posted, change.debits_pending, change.credits_pending, change.version)
    guards: list[object] = [change.credits_posted, change.debits_posted + change.debits_pending]
    query = _CHANGE
    if spends:
        query += _NOT_FROZEN
    if change.ends_holds:
        query += _STILL_HELD
        guards += [-change.debits_pending, -change.credits_pending]
    return await AccountRow.raw(query + _ANSWER, *added, id, *guards)


def _why_not(row: Any, change: _Counters, spends: bool) -> Refused:
    if row["closed_at"] is not None:
        return Refused("This account of the office is closed.", code="account_closed", box="wallet", rule="account open")
    if change.ends_holds:  # what is set aside is covered, so nothing else stops it
        return hold_ended()
    if spends and row["frozen_at"] is not None:
        return Refused(
            "The wallet is frozen: nothing can be paid from it until the office thaws it.",
            code="wallet_frozen",
            box="wallet",
            rule="wallet not frozen",
        )
    return _short()


def hold_ended() -> Conflict:
    """What to say of a hold that ended before."""
    return Conflict("What was set aside ended already: it was taken or let go.", code="hold_ended")


def _short() -> Refused:
    return Refused("The wallet holds less than this needs.", code="insufficient_funds", box="wallet", rule="wallet balance")
