"""A unit of work is all or nothing, a nested one is rolled back alone, and a connection comes back on every path."""

import asyncio
import contextlib
import contextvars
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from piccolo.engine.postgres import PostgresTransaction
from piccolo.engine.sqlite import SQLiteTransaction

from engine.errors import Conflict, Unavailable
from engine.store import connect, lookup, reading, uow
from engine.store.engines import PooledPostgres, WalSQLite
from engine.store.tables import Setting


class Broken(Exception):
    """What a test breaks a unit of work with."""


async def put(name: str) -> None:
    await Setting.insert(Setting(name=name, value=""))


async def put_and_break(name: str) -> None:
    async with uow():
        await put(name)
        raise Broken


async def names() -> set[str]:
    return {row["name"] for row in await Setting.select(Setting.name)} - {"schema"}


def lent(database: WalSQLite | PooledPostgres) -> int:
    """How many connections are out, or lost."""
    if isinstance(database, PooledPostgres):
        assert database.pool is not None
        return database.pool.get_size() - database.pool.get_idle_size()
    alive = sum("_connection_worker_thread" in thread.name for thread in threading.enumerate())
    return alive - len(database._free)


async def test_what_is_raised_inside_leaves_nothing_behind(database) -> None:
    with pytest.raises(Broken):
        await put_and_break("a")
    assert await names() == set()
    assert lent(database) == 0


async def test_a_nested_unit_that_fails_is_rolled_back_alone(database) -> None:
    async with uow():
        await put("outer")
        with pytest.raises(Broken):
            await put_and_break("inner")
        async with uow():
            await put("second")
    assert await names() == {"outer", "second"}


async def test_a_broken_rule_inside_a_nested_unit_does_not_spoil_the_outer_one(database) -> None:
    await put("taken")
    async with uow():
        await put("before")
        with pytest.raises(Conflict):
            async with uow():
                await put("taken")
        await put("after")
    assert await names() == {"taken", "before", "after"}


async def test_an_outer_unit_that_fails_takes_its_nested_ones_with_it(database) -> None:
    async def whole() -> None:
        async with uow():
            async with uow():
                await put("inner")
            await put_and_break("second")

    with pytest.raises(Broken):
        await whole()
    assert await names() == set()


@pytest.mark.parametrize("moment", ["begin", "commit"])
async def test_a_failed_begin_or_commit_gives_the_connection_back(database, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    async def fail(_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error") if isinstance(database, WalSQLite) else asyncpg.InternalServerError("gone")

    for _ in range(20):  # more often than there are connections
        with monkeypatch.context() as patched:
            patched.setattr(SQLiteTransaction if isinstance(database, WalSQLite) else PostgresTransaction, moment, fail)
            with pytest.raises(Unavailable):
                async with uow():
                    await put("lost")
    async with uow():
        await put("kept")
    assert await names() == {"kept"}
    assert lent(database) == 0


@pytest.mark.parametrize("pauses", range(1, 12))
async def test_a_task_that_is_cancelled_anywhere_gives_the_connection_back(database, pauses: int) -> None:
    async def write() -> None:
        async with uow():
            await put("cancelled")
            async with uow():
                await put("cancelled too")
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    for _ in range(pauses * 3):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(10):
        async with uow():
            await put("next")
    assert await names() == {"next"}
    assert lent(database) == 0


async def test_50_writers_that_read_first_all_come_through(database) -> None:
    await Setting.insert(Setting(name="count", value="0"))

    async def add() -> None:
        async with uow():
            row = await Setting.update({Setting.value: Setting.value}).where(Setting.name == "count").returning(Setting.value)
            await Setting.update({Setting.value: str(int(row[0]["value"]) + 1)}).where(Setting.name == "count")

    await asyncio.gather(*(add() for _ in range(50)))
    assert await Setting.select(Setting.value).where(Setting.name == "count").first() == {"value": "50"}
    assert lent(database) == 0


async def test_several_reads_of_one_moment_do_not_see_what_is_written_meanwhile(database) -> None:
    async with reading():
        before = await names()
        await asyncio.create_task(_put_apart("meanwhile"), context=contextvars.Context())
        assert await names() == before
    assert await names() == {"meanwhile"}


async def _put_apart(name: str) -> None:
    async with uow():
        await put(name)


@pytest.mark.parametrize("write", [put, _put_apart])
async def test_a_write_among_reads_is_refused(database, write: Callable[[str], Awaitable[None]]) -> None:
    async def slip_in() -> None:
        async with reading():
            await names()
            await write("slipped in")

    for _ in range(12):  # more often than connections are kept
        with pytest.raises(Unavailable):
            await slip_in()
    assert await names() == set()
    assert lent(database) == 0


@pytest.mark.parametrize("error", [None, Broken, asyncio.CancelledError])
async def test_a_connection_that_only_read_writes_again(database, error: type[BaseException] | None) -> None:
    for index in range(12):
        with contextlib.suppress(Broken, asyncio.CancelledError):
            async with reading():
                await names()
                if error:
                    raise error
        await _put_apart(f"after {index}")
    assert len(await names()) == 12
    assert lent(database) == 0


async def test_reads_inside_a_unit_of_work_are_part_of_it(database) -> None:
    async with uow():
        await put("before")
        async with reading():
            assert await names() == {"before"}
        await put("after")
    assert await names() == {"before", "after"}


async def test_a_broken_rule_outside_a_unit_of_work_is_a_conflict_too(database) -> None:
    await put("once")
    with pytest.raises(Conflict):
        await put("once")


async def test_a_look_up_finds_a_row_by_its_key(database) -> None:
    await put("found")
    assert [row["name"] for row in await lookup("SELECT name FROM store_setting WHERE name = ?", "found")] == ["found"]
    with pytest.raises(Unavailable):
        await lookup("SELECT name FROM no_such_table WHERE name = ?", "found")


async def test_sqlite_is_durable_and_guards_its_foreign_keys(tmp_path: Path) -> None:
    database = await connect(f"sqlite:///{tmp_path / 'one.db'}")
    try:
        connection = await database.acquire()
        found = {}
        for pragma in ("journal_mode", "synchronous", "foreign_keys", "trusted_schema"):
            async with connection.execute(f"PRAGMA {pragma}") as cursor:
                found[pragma] = next(iter((await cursor.fetchone()).values()))
        await database.release(connection)
        assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "trusted_schema": 0}
    finally:
        await database.close()


async def test_a_path_that_cannot_be_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(Unavailable):
        await connect(f"sqlite:///{tmp_path / 'folder.db'}")
