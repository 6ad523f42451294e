"""The ledger on PostgreSQL: transfers a second by several processes, beside the same number of plain transactions, taking turns.

A transfer moves paise from a firm's wallet to the office's income. The plain transaction beside it is what any ledger must do
at least: one UPDATE of one balance and one INSERT of one row, by the driver alone. Then one wallet gets many lines, and its
statement is read page by page, on PostgreSQL and on SQLite.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from engine import schema
from engine.bench.cluster import postgres
from engine.bench.result import Figure
from engine.errors import PluginError
from engine.money.ledger import Book, Entry, JournalKind, clearing, fee_income, post, statement, wallet
from engine.people import add_agency, add_office
from engine.people.tables import Exporter
from engine.scope import PLATFORM
from engine.store import connect

__all__ = ["LedgerFigures", "LedgerSizes", "measure_ledger"]

_AT = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
_AT_ONCE = 4
_INCOME, _GATEWAY = fee_income("AIFTA"), clearing("sandbox")
_GOAL_RATIO, _GOAL_PAGE_MS = 0.25, 50
_PLAIN = (
    "CREATE TABLE plain_balance (id uuid PRIMARY KEY, paise bigint NOT NULL)",
    "CREATE TABLE plain_entry (id uuid PRIMARY KEY, balance uuid NOT NULL, paise bigint NOT NULL, made_at timestamptz NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class LedgerSizes:
    """How much is measured: offices, and wallets in each; transfers of each process in a round; lines of the long statement."""

    processes: int = 4
    offices: int = 25
    wallets: int = 8
    transfers: int = 500
    lines: int = 100_000


@dataclass(frozen=True, slots=True)
class LedgerFigures:
    """Transfers and plain transactions a second, in turn; the times of the pages of a long statement, by database, in ms."""

    transfers: Sequence[float]
    one_office: Sequence[float]
    plain: Sequence[float]
    pages: Mapping[str, Sequence[float]]
    lines: int

    @property
    def ratio(self) -> float:
        """What part of the plain transactions the ledger makes: the median of the rounds."""
        return statistics.median(ours / plain for ours, plain in zip(self.transfers, self.plain, strict=True))

    @property
    def figures(self) -> list[Figure]:
        """The figures with goals."""
        pages = [
            Figure(f"page_ms_{name}", f"the slowest page of {self.lines} lines, {name}, ms", max(times), _GOAL_PAGE_MS, at_least=False)
            for name, times in self.pages.items()
        ]
        return [Figure("ledger_ratio", "transfers to plain INSERT and UPDATE", self.ratio, _GOAL_RATIO), *pages]

    def as_json(self) -> dict[str, Any]:
        """Rates a second, times in milliseconds."""
        return {
            "transfers_per_second": round(statistics.median(self.transfers), 1),
            "transfers_per_second_one_office": round(statistics.median(self.one_office), 1),
            "plain_per_second": round(statistics.median(self.plain), 1),
            "ratio": round(self.ratio, 3),
            "statement_lines": self.lines,
            "page_ms": {
                name: {"median": round(statistics.median(times), 2), "worst": round(max(times), 2)} for name, times in self.pages.items()
            },
            "goals": {each.name: {"value": each.value, "goal": each.goal, "met": each.met} for each in self.figures},
        }

    def table(self) -> str:
        """The figures as a table."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{'a second, by all processes':<60} {'median':>10} {'best':>10}"
        for say, each in (
            ("transfers of the ledger, wallets of many offices", self.transfers),
            ("transfers of the ledger, all of one office", self.one_office),
            ("plain INSERT and UPDATE, asyncpg alone", self.plain),
        ):
            yield f"{say:<60} {statistics.median(each):>10.0f} {max(each):>10.0f}"
        yield f"{f'a page of 50 of {self.lines} lines, ms':<60} {'median':>10} {'worst':>10}"
        for name, times in self.pages.items():
            yield f"{name:<60} {statistics.median(times):>10.1f} {max(times):>10.1f}"
        yield ""
        yield from (figure.line for figure in self.figures)


@dataclass(frozen=True, slots=True)
class _Purse:
    """A firm's wallet at an office, and its plain balance."""

    agency: UUID
    office: UUID
    exporter: UUID

    def as_json(self) -> list[str]:
        return [str(self.agency), str(self.office), str(self.exporter)]


def measure_ledger(*, rounds: int = 5, sizes: LedgerSizes | None = None) -> LedgerFigures:
    """Measures on databases of its own, which it removes. Raises ConfigError without PostgreSQL."""
    sizes = sizes or LedgerSizes()
    with tempfile.TemporaryDirectory(prefix="ecoo-ledger-") as folder, postgres() as url:
        purses = asyncio.run(_fill(url, sizes))
        first = [purse for purse in purses if purse.office == purses[0].office]
        found: dict[str, list[float]] = {"ledger": [], "one": [], "plain": []}
        for turn in range(rounds + 1):  # the first one warms up
            for name, way, whose in (("ledger", "ledger", purses), ("one", "ledger", first), ("plain", "plain", purses)):
                rate = _rate(url, way, whose, sizes)
                if turn:
                    found[name].append(rate)
        pages = {"PostgreSQL": asyncio.run(_pages(url, sizes.lines)), "SQLite": asyncio.run(_pages(_sqlite(folder), sizes.lines))}
    return LedgerFigures(found["ledger"], found["one"], found["plain"], pages, sizes.lines)


def _sqlite(folder: str) -> str:
    return f"sqlite:///{Path(folder) / 'ledger.db'}"


# --- transfers ------------------------------------------------------------------------------------


async def _fill(url: str, sizes: LedgerSizes) -> list[_Purse]:
    """Offices with filled wallets, and as many plain balances."""
    database = await connect(url)
    try:
        await schema.build()
        firms = await _firms(sizes.wallets)
        agency = await add_agency("BENCH", "Bench", actor="bench", at=_AT)
        purses = []
        for index in range(sizes.offices):
            code = f"B{chr(65 + index // 26)}{chr(65 + index % 26)}"
            office = await add_office(agency, code, f"Office {code}", "Mumbai", actor="bench", at=_AT)
            purses += [_Purse(agency, office, firm) for firm in firms]
        for purse in purses:
            await _top_up(purse, 10**9)
    finally:
        await database.close()
    connection = await asyncpg.connect(url)
    try:
        for statement_ in _PLAIN:
            await connection.execute(statement_)
        balances = [(_plain_id(purse), 10**9) for purse in purses]
        await connection.executemany("INSERT INTO plain_balance VALUES ($1, $2)", balances)
    finally:
        await connection.close()
    return purses


async def _firms(count: int) -> list[UUID]:
    rows = [Exporter(iec=f"{index:010d}", name=f"Firm {index}", sync_due_at=_AT) for index in range(count)]
    await Exporter.insert(*rows)
    return [row.id for row in rows]


async def _top_up(purse: _Purse, paise: int) -> None:
    book, entry = Book(purse.agency, purse.office), Entry(_GATEWAY, wallet(purse.exporter), paise)
    await post(book, JournalKind.TOP_UP, [entry], key=uuid4().hex, subject="bench", actor="bench", at=_AT)


def _plain_id(purse: _Purse) -> UUID:
    return wallet(purse.exporter).id_in(purse.office)


def _rate(url: str, way: str, purses: Sequence[_Purse], sizes: LedgerSizes) -> float:
    """How many a second all processes make together, from the first one's start to the last one's end."""
    command = [sys.executable, "-m", "engine.bench.ledger", way, url, str(sizes.transfers)]
    pipe = subprocess.PIPE
    hands = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(sizes.processes)]
    try:
        for hand in hands:
            _pipes(hand)[0].write(json.dumps([purse.as_json() for purse in purses]) + "\n")
            _pipes(hand)[0].flush()
        if any(_pipes(hand)[1].readline() != "ready\n" for hand in hands):
            raise PluginError("A process of the benchmark did not start.")
        began = time.perf_counter()
        for hand in hands:
            _pipes(hand)[0].write("go\n")
            _pipes(hand)[0].flush()
        if any(_pipes(hand)[1].readline() != "done\n" for hand in hands):
            raise PluginError("A process of the benchmark did not come to its end.")
        return sizes.processes * sizes.transfers / (time.perf_counter() - began)
    finally:
        for hand in hands:
            hand.kill()
            hand.wait()
            for each in _pipes(hand):
                each.close()


def _pipes(hand: "subprocess.Popen[str]") -> tuple[Any, Any]:
    return hand.stdin, hand.stdout


async def _work(way: str, url: str, count: int) -> None:
    """One process: reads whose wallets there are, says `ready`, waits for a line, works, says `done`."""
    purses = [_Purse(*map(UUID, each)) for each in json.loads(sys.stdin.readline())]
    each = count // _AT_ONCE
    if way == "ledger":
        database: Any = await connect(url)
        acts = [_transfers(purses, each + (index < count % _AT_ONCE)) for index in range(_AT_ONCE)]
    else:
        database = await asyncpg.create_pool(url, min_size=_AT_ONCE, max_size=_AT_ONCE)
        acts = [_plain(database, purses, each + (index < count % _AT_ONCE)) for index in range(_AT_ONCE)]
    print("ready", flush=True)  # noqa: T201  # what the measuring process waits for
    sys.stdin.readline()
    await asyncio.gather(*acts)
    print("done", flush=True)  # noqa: T201
    await database.close()


async def _transfers(purses: Sequence[_Purse], count: int) -> None:
    for _ in range(count):
        unique = uuid4()
        purse = purses[unique.int % len(purses)]
        book, entry = Book(purse.agency, purse.office), Entry(wallet(purse.exporter), _INCOME, 7)
        await post(book, JournalKind.FEE, [entry], key=unique.hex, subject="bench", actor="bench", at=_AT)


async def _plain(pool: Any, purses: Sequence[_Purse], count: int) -> None:
    for _ in range(count):
        unique = uuid4()
        balance = _plain_id(purses[unique.int % len(purses)])
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE plain_balance SET paise = paise - 7 WHERE id = $1", balance)
            await connection.execute("INSERT INTO plain_entry VALUES ($1, $2, 7, $3)", unique, balance, _AT)


# --- a long statement -----------------------------------------------------------------------------


async def _pages(url: str, lines: int) -> list[float]:
    """The time of each of some pages of 50 from all over a statement of that many lines."""
    database = await connect(url)
    try:
        if url.startswith("sqlite"):
            await schema.build()
        agency = await add_agency("LONG", "Long", actor="bench", at=_AT)
        office = await add_office(agency, "LONG", "Long", "Mumbai", actor="bench", at=_AT)
        firm = Exporter(iec="9999999999", name="Busy", sync_due_at=_AT)
        await Exporter.insert(firm)
        for index in range(0, lines, 500):
            entries = [Entry(_GATEWAY, wallet(firm.id), 1)] * min(500, lines - index)
            at = _AT + timedelta(minutes=index)
            await post(Book(agency, office), JournalKind.TOP_UP, entries, key=f"long:{index}", subject="bench", actor="bench", at=at)
        return [await _page_ms(office, firm.id, before) for before in (None, None, *range(51, lines, max(1, lines // 40)), lines)][1:]
    finally:
        await database.close()


async def _page_ms(office: UUID, firm: UUID, before: int | None) -> float:
    began = time.perf_counter()
    page = await statement(PLATFORM, office, firm, before=before)
    took = (time.perf_counter() - began) * 1000
    if not page.lines:
        raise PluginError("A page of the long statement is empty.")
    return took


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1], sys.argv[2], int(sys.argv[3])))
