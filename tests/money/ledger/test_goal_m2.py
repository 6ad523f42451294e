"""Goal M2: whatever is done to the books in whatever order, also where a statement fails in the middle and it is tried again, they
hold after every step what a plain model holds.

With `ECOO_PROVE=1` there are 50,000 steps on each database.
"""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from piccolo.engine.postgres import PostgresTransaction
from piccolo.engine.sqlite import SQLiteTransaction

from engine import schema
from engine.errors import Conflict, EngineError, Refused, Unavailable
from engine.money.ledger import (
    Account,
    Book,
    Entry,
    JournalKind,
    Phase,
    Posted,
    check_books,
    freeze_wallet,
    hold,
    let_go,
    post,
    reverse,
    statement,
    take_hold,
    thaw_wallet,
    wallet,
)
from engine.money.ledger.tables import AccountRow, JournalRow
from engine.people import add_office
from engine.scope import PLATFORM
from engine.store import connect, engines, uow
from engine.store.engines import WalSQLite
from tests.crash.test_statements import Saboteur
from tests.money.ledger.desk import AT, GATEWAY, INCOME, TAX, Desk, make_desk

PROVE = os.environ.get("ECOO_PROVE") == "1"
STEPS = 50_000 if PROVE else 500
IN_A_ROW = 50
NAMES = st.sampled_from(["firm", "rival"])
PAISE = st.integers(1, 400)
SOME = st.lists(PAISE, min_size=1, max_size=4)
WHICH = st.integers(0, 10**6)


# --- the plain model ------------------------------------------------------------------------------


@dataclass
class Line:
    debit: Account
    credit: Account
    paise: int
    phase: Phase
    resolves: tuple[str, int] | None = None


@dataclass
class Model:
    """Every line there ever was, and what follows from them."""

    journals: dict[str, list[Line]] = field(default_factory=dict)
    reversed: set[str] = field(default_factory=set)
    frozen: set[Account] = field(default_factory=set)

    def counters(self) -> dict[str, tuple[int, int, int, int, int]]:
        """By account: what is posted and what is set aside on each side, and how many lines."""
        found: dict[str, list[int]] = {}
        for line in (line for lines in self.journals.values() for line in lines):
            posted = line.paise if line.phase in (Phase.SINGLE, Phase.POST) else 0
            pending = line.paise if line.phase is Phase.PENDING else 0 if line.phase is Phase.SINGLE else -line.paise
            for place, account in enumerate((line.debit, line.credit)):
                counters = found.setdefault(account.key, [0] * 5)
                counters[place] += posted
                counters[2 + place] += pending
                counters[4] += 1
        return {key: (each[0], each[1], each[2], each[3], each[4]) for key, each in found.items()}

    def available(self, account: Account) -> int:
        debits, credits, held, _, _ = self.counters().get(account.key, (0, 0, 0, 0, 0))
        return credits - debits - held

    def ended(self) -> set[tuple[str, int]]:
        return {line.resolves for lines in self.journals.values() for line in lines if line.resolves}

    def refusals(self, lines: list[Line]) -> set[str]:
        """The codes with which this must be refused, any one of them; none if it must be done."""
        if any(line.resolves in self.ended() for line in lines if line.resolves):
            return {"hold_ended"}
        left: dict[Account, int] = {}
        found = set()
        for line in lines:
            if line.phase in (Phase.POST, Phase.VOID):
                continue
            if line.debit in self.frozen:
                found.add("wallet_frozen")
            for account, sign in ((line.debit, -1), (line.credit, 0 if line.phase is Phase.PENDING else 1)):
                if account.exporter_id:
                    left[account] = left.get(account, self.available(account)) + sign * line.paise
                    if left[account] < 0:
                        found.add("insufficient_funds")
        return found


# --- the machine ----------------------------------------------------------------------------------


@dataclass
class Ground:
    """A database, a loop and a saboteur that all runs of the machine share."""

    loop: asyncio.Runner
    desk: Desk
    saboteur: Saboteur
    steps: int = 0
    crashes: int = 0
    offices: int = 0


Deed = Callable[[], Awaitable[Posted]]


class Books(RuleBasedStateMachine):
    """An office with fresh books."""

    ground: Ground

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.ids: dict[str, UUID] = {}
        self.deeds: dict[str, Deed] = {}
        self.broken_at = 0

    def run(self, act: Awaitable[Any]) -> Any:
        async def whole() -> Any:
            return await act

        return self.ground.loop.run(whole())

    @initialize()
    def open(self) -> None:
        self.ground.offices += 1
        code = "".join(chr(65 + self.ground.offices // 26**place % 26) for place in range(4))
        agency = self.ground.desk.here.agency_id
        self.book = Book(agency, self.run(add_office(agency, code, "An Office", "A City", actor="test", at=AT)))

    def wallet(self, name: str) -> Account:
        return wallet(self.firm(name))

    def firm(self, name: str) -> UUID:
        return self.ground.desk.firm if name == "firm" else self.ground.desk.rival

    def said(self, key: str) -> dict[str, Any]:
        return {"key": key, "subject": "order", "actor": "test", "at": AT}

    def do(self, lines: list[Line], deed: Callable[[str], Awaitable[Posted]], *, reverses: str = "") -> None:
        """Does something under a fresh key, perhaps with a failure in the middle, and holds what became of it against the model."""
        key = uuid4().hex
        expected = {"journal_reversed"} if reverses in self.model.reversed else self.model.refusals(lines)
        stood = self._with_failure(lambda: deed(key), lines)
        if expected:
            assert not stood
            with pytest.raises(Refused) as refused:
                self.run(deed(key))
            assert refused.value.code in expected
            return
        done = self.run(deed(key))
        assert done.replayed is stood
        self.model.journals[key] = lines
        if reverses:
            self.model.reversed.add(reverses)
        self.ids[key], self.deeds[key] = done.journal_id, lambda: deed(key)

    def _with_failure(self, deed: Deed, lines: list[Line]) -> bool:
        """The first try, if it is to fail: whether it stands nonetheless. Either all of it does, or nothing."""
        if not self.broken_at:
            return False
        self.ground.saboteur.arm(self.broken_at)
        self.broken_at = 0
        try:
            self.run(deed())
            stood = True
        except Unavailable:
            self.ground.crashes += 1
            stood = None
        except EngineError:
            stood = False
        self.ground.saboteur.arm(0)
        before, now = self.model.counters(), self.counters()
        self.model.journals["?"] = lines
        after = self.model.counters()
        del self.model.journals["?"]
        assert now == after or (now == before and not stood)
        return now == after

    def counters(self) -> dict[str, tuple[int, int, int, int, int]]:
        rows = self.run(AccountRow.select().where(AccountRow.office == self.book.office_id).run())
        names = ("debits_posted", "credits_posted", "debits_pending", "credits_pending", "version")
        return {row["of_key"]: tuple(row[name] for name in names) for row in rows}

    def chosen(self, which: int, *phases: Phase) -> str:
        """A journal of that kind of lines."""
        keys = [key for key, lines in self.model.journals.items() if lines[0].phase in phases]
        return keys[which % len(keys)]

    def has(self, *phases: Phase) -> bool:
        return any(lines[0].phase in phases for lines in self.model.journals.values())

    # --- rules ------------------------------------------------------------------------------------

    def move(self, kind: JournalKind, pairs: list[tuple[Account, Account, int]]) -> None:
        lines = [Line(debit, credit, paise, Phase.SINGLE) for debit, credit, paise in pairs]
        entries = [Entry(*pair) for pair in pairs]
        self.do(lines, lambda key: post(self.book, kind, entries, **self.said(key)))

    @rule(name=NAMES, paise=PAISE)
    def top_up(self, name: str, paise: int) -> None:
        self.move(JournalKind.TOP_UP, [(GATEWAY, self.wallet(name), 2 * paise)])

    @rule(name=NAMES, parts=SOME)
    def pay(self, name: str, parts: list[int]) -> None:
        pairs = [(self.wallet(name), TAX if index % 2 else INCOME, paise) for index, paise in enumerate(parts)]
        self.move(JournalKind.FEE, pairs)

    @rule(name=NAMES, paise=PAISE)
    def refund(self, name: str, paise: int) -> None:
        self.move(JournalKind.REFUND, [(INCOME, self.wallet(name), paise)])

    @rule(paise=PAISE, other=PAISE)
    def move_to_and_fro(self, paise: int, other: int) -> None:
        mine, theirs = self.wallet("firm"), self.wallet("rival")
        self.move(JournalKind.EXCESS, [(mine, theirs, paise), (theirs, mine, other)])

    @rule(name=NAMES, parts=SOME)
    def set_aside(self, name: str, parts: list[int]) -> None:
        lines = [Line(self.wallet(name), INCOME, paise, Phase.PENDING) for paise in parts]
        entries = [Entry(line.debit, line.credit, line.paise) for line in lines]
        self.do(lines, lambda key: hold(self.book, entries, exporter_id=self.firm(name), **self.said(key)))

    @precondition(lambda self: self.has(Phase.PENDING))
    @rule(which=WHICH, taken=st.booleans(), some=st.sets(st.integers(1, 4)))
    def end_a_hold(self, which: int, taken: bool, some: set[int]) -> None:
        held = self.chosen(which, Phase.PENDING)
        of = self.model.journals[held]
        numbers = sorted(some & set(range(1, len(of) + 1))) or list(range(1, len(of) + 1))
        phase, end = (Phase.POST, take_hold) if taken else (Phase.VOID, let_go)
        lines = [Line(of[number - 1].debit, of[number - 1].credit, of[number - 1].paise, phase, (held, number)) for number in numbers]
        self.do(lines, lambda key: end(self.book, self.ids[held], lines=numbers, **self.said(key)))

    @precondition(lambda self: self.has(Phase.SINGLE, Phase.POST))
    @rule(which=WHICH)
    def take_back(self, which: int) -> None:
        back = self.chosen(which, Phase.SINGLE, Phase.POST)
        lines = [Line(line.credit, line.debit, line.paise, Phase.SINGLE) for line in reversed(self.model.journals[back])]
        self.do(lines, lambda key: reverse(self.book, self.ids[back], reason="wrong", **self.said(key)), reverses=back)

    @precondition(lambda self: self.model.journals)
    @rule(which=WHICH)
    def ask_again(self, which: int) -> None:
        key = list(self.deeds)[which % len(self.deeds)]
        assert self.run(self.deeds[key]()) == Posted(self.ids[key], True)

    @precondition(lambda self: self.model.journals)
    @rule(which=WHICH)
    def use_a_key_for_another_thing(self, which: int) -> None:
        key = list(self.deeds)[which % len(self.deeds)]
        with pytest.raises(Conflict) as conflict:
            self.run(post(self.book, JournalKind.PAYMENT, [Entry(GATEWAY, INCOME, 10**6)], **self.said(key)))
        assert conflict.value.code == "ledger_key_reused"

    @rule(name=NAMES)
    def freeze_or_thaw(self, name: str) -> None:
        mine = self.wallet(name)
        if mine.key not in self.model.counters():
            return
        frozen = mine in self.model.frozen
        act = thaw_wallet if frozen else freeze_wallet
        assert self.run(act(PLATFORM, self.book.office_id, self.firm(name), reason="looked into", actor="test", at=AT))
        self.model.frozen ^= {mine}

    @rule(statement=st.integers(1, 9))
    def let_a_statement_of_the_next_deed_fail(self, statement: int) -> None:
        self.broken_at = statement

    @precondition(lambda self: self.model.journals)
    @rule(table=st.sampled_from(["ledger_journal", "ledger_transfer"]), act=st.sampled_from(["UPDATE {} SET id = id", "DELETE FROM {}"]))
    def try_to_change_what_is_written(self, table: str, act: str) -> None:
        async def tamper() -> None:
            async with uow():
                await JournalRow.raw(f"{act.format(table)} WHERE office = {{}}", self.book.office_id)

        with pytest.raises(Conflict):
            self.run(tamper())

    @invariant()
    def books_and_model_are_equal(self) -> None:
        if hasattr(self, "book"):
            self.ground.steps += 1
            assert self.counters() == self.model.counters()
            assert all(self.model.available(self.wallet(name)) >= 0 for name in ("firm", "rival"))

    def teardown(self) -> None:
        if not hasattr(self, "book"):
            return
        self.ground.saboteur.arm(0)
        assert self.run(check_books(PLATFORM, self.book.office_id)) == []
        keys = {row["key"] for row in self.run(JournalRow.select(JournalRow.key).where(JournalRow.office == self.book.office_id).run())}
        assert keys == set(self.model.journals)
        for name in ("firm", "rival"):
            self._statement_is_the_models(self.wallet(name))

    def _statement_is_the_models(self, mine: Account) -> None:
        balance, told = 0, []
        for line in (line for lines in self.model.journals.values() for line in lines if mine in (line.debit, line.credit)):
            moved = line.paise if line.phase in (Phase.SINGLE, Phase.POST) else 0
            balance += moved if line.credit == mine else -moved
            told.append((line.phase, line.paise, balance))
        page = self.run(statement(PLATFORM, self.book.office_id, mine.exporter_id, most=500))
        assert [(line.phase, line.amount_paise, line.balance_paise) for line in reversed(page.lines)] == told


# --- the test -------------------------------------------------------------------------------------


@pytest.fixture
def ground(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """Fresh tables, on a loop of their own: the machine is no coroutine."""
    with asyncio.Runner() as loop:

        async def begin() -> tuple[Any, Desk]:
            database = await connect(database_url)
            await schema.build()
            return database, await make_desk()

        database, desk = loop.run(begin())
        if isinstance(database, WalSQLite):
            saboteur = Saboteur(monkeypatch, lambda: sqlite3.OperationalError("disk I/O error"))
            saboteur.watch(engines.WalSQLite, "_run_in_existing_connection")
            saboteur.watch(SQLiteTransaction, "commit", also_after=True)
        else:
            saboteur = Saboteur(monkeypatch, lambda: asyncpg.ConnectionDoesNotExistError("connection was closed"))
            saboteur.watch(asyncpg.Connection, "fetch")
            saboteur.watch(PostgresTransaction, "commit", also_after=True)
        yield Ground(loop, desk, saboteur)
        loop.run(database.close())


@pytest.mark.timeout(7200 if PROVE else 240)
def test_the_books_are_the_models_after_every_step(ground: Ground) -> None:
    machine = type("BooksHere", (Books,), {"ground": ground})
    while ground.steps < STEPS:
        rest = (STEPS - ground.steps) // IN_A_ROW + 1
        plan = settings(max_examples=rest, stateful_step_count=IN_A_ROW, deadline=None, suppress_health_check=list(HealthCheck))
        run_state_machine_as_test(machine, settings=plan)
    print(f"\n{ground.steps} steps in {ground.offices} books, {ground.crashes} of them broken off in the middle")
    assert ground.crashes > STEPS // 50
