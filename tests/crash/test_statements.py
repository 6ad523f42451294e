"""Each SQL statement and each COMMIT of one issue made to fail in turn: then the next start issues it, under one number."""

import os
import sqlite3
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from piccolo.engine.postgres import PostgresTransaction
from piccolo.engine.sqlite import SQLiteTransaction

from engine.application import Application
from engine.errors import Unavailable
from engine.filing.tables import ApplicationRow
from engine.issuing.tables import ApprovalRow
from engine.money.tables import CoverRow
from engine.store import engines

PROVE = os.environ.get("ECOO_PROVE") == "1"
EVERY = {"sqlite": 1 if PROVE else 3, "postgres": 1 if PROVE else 9}


class Saboteur:
    """Counts the statements that reach the database and breaks one of them. A COMMIT counts twice: it can fail before it
    took effect, and its answer can be lost after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failure: Callable[[], Exception]) -> None:
        self.seen, self.at, self._failure, self._patch = 0, 0, failure, monkeypatch

    def watch(self, kind: type[Any], name: str, *, also_after: bool = False) -> None:
        real = getattr(kind, name)

        async def run(*args: Any, **kwargs: Any) -> Any:
            self.count()
            answer = await real(*args, **kwargs)
            if also_after:
                self.count()
            return answer

        self._patch.setattr(kind, name, run)

    def count(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            raise self._failure()

    def arm(self, at: int) -> None:
        self.seen, self.at = 0, at


@pytest.fixture
def saboteur(monkeypatch: pytest.MonkeyPatch, database_kind: str) -> Saboteur:
    """Breaks statements as a disk would, or as a server that goes away."""
    if database_kind == "sqlite":
        saboteur = Saboteur(monkeypatch, lambda: sqlite3.OperationalError("disk I/O error"))
        for name in ("_run_in_existing_connection", "_run_in_new_connection"):
            saboteur.watch(engines.WalSQLite, name)
        saboteur.watch(SQLiteTransaction, "commit", also_after=True)
        return saboteur
    saboteur = Saboteur(monkeypatch, lambda: asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"))
    saboteur.watch(asyncpg.Connection, "fetch")
    saboteur.watch(PostgresTransaction, "commit", also_after=True)
    return saboteur


@pytest.mark.timeout(600)
async def test_whichever_statement_fails_the_certificate_is_issued_once_afterwards(
    walk, application: Application, saboteur: Saboteur, database_kind: str, tally, quote
) -> None:
    for _ in range(2):  # the first one also opens its series of numbers
        _, approval = await walk.approve(application)
        saboteur.arm(0)
        assert (await walk.run(approval)).issued
    statements, broken = saboteur.seen, 0
    assert statements > 40
    for k in range(1, statements + 1, EVERY[database_kind]):
        _, approval = await walk.approve(application)
        saboteur.arm(k)
        await walk_under(walk, approval)
        broken += saboteur.seen >= k
        saboteur.arm(0)
        assert (await walk.until_over(approval)).issued, f"statement {k} of {statements}"
    found = await tally(walk.site)
    assert found.void == 0
    quote(f"R2 {walk.site.database.engine_type} {broken} of {statements} statements failed in turn: {found}")


async def walk_under(walk, approval: Any) -> None:
    """One run; what it ends with is read by the next one."""
    for _, step in walk.corridor.steps:
        if await step(str(approval)) != "next":
            return


async def test_whichever_statement_of_the_approval_fails_nothing_is_left_or_all_of_it(
    walk, application: Application, saboteur: Saboteur, database_kind: str
) -> None:
    for _ in range(2):  # the second one also meets the first, which has the same invoice
        saboteur.arm(0)
        await walk.approve(application)
    statements = saboteur.seen
    for k in [*range(1, statements - 1, EVERY[database_kind]), statements - 1, statements]:
        rows = await left_behind()
        saboteur.arm(k)
        with pytest.raises(Unavailable):
            await walk.approve(application)
        saboteur.arm(0)
        lost_answer = k == statements  # the COMMIT was done, and nobody heard of it
        assert await left_behind() == [count + lost_answer for count in rows], f"statement {k} of {statements}"


async def left_behind() -> list[int]:
    return [await table.count() for table in (ApplicationRow, CoverRow, ApprovalRow)]
