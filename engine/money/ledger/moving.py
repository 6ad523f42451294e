"""The counters of the accounts, changed together with the lines of a journal and never without.

All accounts of a journal are changed by one guarded UPDATE that both databases decide alone: nothing is read first and
written afterwards. They are touched in one order, wallets before those that the whole office shares, so that two journals
never wait for each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

import msgspec

from engine.errors import Conflict, Refused
from engine.money.ledger.accounts import Account, Book
from engine.money.ledger.tables import AccountRow, Normal, Phase, Role
from engine.store.engines import WalSQLite
from engine.store.unit import database

__all__ = ["Counters", "Line", "Moved", "NotOpen", "hold_ended", "in_order", "move"]

_CHANGE = """
    UPDATE ledger_account SET debits_posted = debits_posted + c.debits, credits_posted = credits_posted + c.credits,
        debits_pending = debits_pending + c.debits_held, credits_pending = credits_pending + c.credits_held, version = version + c.lines
    FROM {source} c WHERE ledger_account.id = c.id AND closed_at IS NULL AND (frozen_at IS NULL OR NOT c.spends)
        AND debits_pending + c.debits_held >= 0 AND credits_pending + c.credits_held >= 0
        AND (NOT no_overdraft OR credits_posted + c.credits >= debits_posted + c.debits + debits_pending + c.debits_held)
    RETURNING ledger_account.id, debits_posted, credits_posted, debits_pending, credits_pending, version
"""
_COUNTERS = ("debits_posted", "credits_posted", "debits_pending", "credits_pending", "version")
_COLUMNS = ("id", "debits", "credits", "debits_held", "credits_held", "lines", "spends")
# PostgreSQL takes the rows in the order in which they were asked for, whatever way it then joins them.
_ON_POSTGRES = "WITH held AS MATERIALIZED ({asked}) " + _CHANGE.format(source="held")
_ASKED = """
    SELECT a.* FROM unnest({{}}::uuid[], {{}}::bigint[], {{}}::bigint[], {{}}::bigint[], {{}}::bigint[], {{}}::int[], {{}}::boolean[])
        WITH ORDINALITY AS a ({columns}, place) JOIN ledger_account l ON l.id = a.id ORDER BY a.place FOR NO KEY UPDATE OF l
"""
_POSTGRES = _ON_POSTGRES.format(asked=_ASKED.format(columns=", ".join(_COLUMNS)))
_PARTS = ", ".join(f"json_extract(value, '$[{index}]') AS {name}" for index, name in enumerate(_COLUMNS))
_SQLITE = _CHANGE.format(source="(SELECT " + _PARTS + " FROM json_each({}))")  # noqa: S608  # our own words
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
class Counters:
    """An account's counters, or what a journal adds to them."""

    debits_posted: int = 0
    credits_posted: int = 0
    debits_pending: int = 0
    credits_pending: int = 0
    version: int = 0

    def debit(self, line: Line) -> None:
        """Adds a line that the account pays."""
        posted, pending = _WEIGHTS[line.phase]
        self.debits_posted += posted * line.amount_paise
        self.debits_pending += pending * line.amount_paise
        self.version += 1

    def credit(self, line: Line) -> None:
        """Adds a line that the account receives."""
        posted, pending = _WEIGHTS[line.phase]
        self.credits_posted += posted * line.amount_paise
        self.credits_pending += pending * line.amount_paise
        self.version += 1

    @property
    def added(self) -> tuple[int, int, int, int, int]:
        """What is added, in the order of the columns."""
        return (self.debits_posted, self.credits_posted, self.debits_pending, self.credits_pending, self.version)

    def less(self, other: "Counters") -> "Counters":
        """These counters before the other ones were added."""
        return Counters(
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


class NotOpen(Exception):
    """That some of the accounts were not open when they were to be changed; nothing was changed that will stand."""


async def move(book: Book, lines: Sequence[Line]) -> list[tuple[Moved, Moved]]:
    """Changes the accounts and gives for each line how its debited and its credited account stand behind it.

    Raises Refused where a wallet has too little (`insufficient_funds`) or is frozen (`wallet_frozen`), and for an account that
    is closed (`account_closed`); Conflict for a hold that ended (`hold_ended`); any one of them where
    several are true; NotOpen where an account was not open. The unit of work around the call is not to go on then.
    """
    changes: dict[Account, Counters] = {}
    spent = {line.debit for line in lines if line.phase in (Phase.SINGLE, Phase.PENDING)}
    for line in lines:
        changes.setdefault(line.debit, Counters()).debit(line)
        changes.setdefault(line.credit, Counters()).credit(line)
    wanted = [_Wanted(account, account.id_in(book.office_id), changes[account], account in spent) for account in in_order(book, changes)]
    stand = {each.account: counters.less(each.change) for each, counters in zip(wanted, await _change(wanted), strict=True)}
    moved = []
    for line in lines:
        debit, credit = stand[line.debit], stand[line.credit]
        debit.debit(line)
        credit.credit(line)
        moved.append((debit.of(line.debit), credit.of(line.credit)))
    return moved


def in_order(book: Book, accounts: Iterable[Account]) -> list[Account]:
    """The accounts in the one order in which all are touched: wallets first, and what the whole office shares last."""
    return sorted(accounts, key=lambda account: (account.role is not Role.WALLET, account.id_in(book.office_id)))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A change of one account."""

    account: Account
    id: UUID
    change: Counters
    spends: bool

    @property
    def row(self) -> tuple[object, ...]:
        """In the order of `_COLUMNS`."""
        return (self.id, *self.change.added, self.spends)


async def _change(wanted: Sequence[_Wanted]) -> list[Counters]:
    """All of them in one statement; gives how they stand then."""
    found = await _update(wanted)
    changed = {UUID(str(row["id"])): Counters(*(row[name] for name in _COUNTERS)) for row in found}
    if len(changed) < len(wanted):
        await _refuse([each for each in wanted if each.id not in changed])
    return [changed[each.id] for each in wanted]


async def _update(wanted: Sequence[_Wanted]) -> Sequence[Any]:
    """The rows that were there and could be changed so."""
    if isinstance(database(), WalSQLite):
        found = await AccountRow.raw(_SQLITE, msgspec.json.encode([each.row for each in wanted]).decode())
    else:
        found = await AccountRow.raw(_POSTGRES, *map(list, zip(*(each.row for each in wanted), strict=True)))
    return list(found)


async def _refuse(unchanged: Sequence[_Wanted]) -> NoReturn:
    """Raises why the first of them was not changed."""
    rows = {row["id"]: row for row in await AccountRow.select().where(AccountRow.id.is_in([each.id for each in unchanged]))}
    for each in unchanged:
        row = rows.get(each.id)
        if row is not None and (why := _why_not(row, each.change, each.spends)):
            raise why
    raise NotOpen  # it is not there, or somebody opened or filled it between the two


def _why_not(row: Any, change: Counters, spends: bool) -> Refused | None:
    """What keeps the account from that change, or None."""
    if row["closed_at"] is not None:
        return Refused("This account of the office is closed.", code="account_closed", box="wallet", rule="account open")
    if row["debits_pending"] + change.debits_pending < 0 or row["credits_pending"] + change.credits_pending < 0:
        return hold_ended()
    if spends and row["frozen_at"] is not None:
        return Refused(
            "The wallet is frozen: nothing can be paid from it until the office thaws it.",
            code="wallet_frozen",
            box="wallet",
            rule="wallet not frozen",
        )
    left = row["credits_posted"] + change.credits_posted - row["debits_posted"] - change.debits_posted
    return _short() if row["no_overdraft"] and left < row["debits_pending"] + change.debits_pending else None


def hold_ended() -> Conflict:
    """What to say of a hold that ended before."""
    return Conflict("What was set aside ended already: it was taken or let go.", code="hold_ended")


def _short() -> Refused:
    return Refused("The wallet holds less than this needs.", code="insufficient_funds", box="wallet", rule="wallet balance")
