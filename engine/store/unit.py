"""One unit of work for both databases: the outermost is a transaction, a nested one a savepoint.

Never start tasks inside `uow()` (they would share its transaction), and never hold it over HTTP, signing or drawing.
Catch `Conflict` outside the block that caused it: PostgreSQL spoils the whole transaction otherwise.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from piccolo.engine.sqlite import TransactionType
from piccolo.querystring import QueryString

from engine.store.engines import Engine, WalSQLite, translated
from engine.store.rows import bound_to

__all__ = ["Found", "alone", "database", "joining", "lookup", "moment_of", "reading", "uow"]


def database() -> Engine:
    """The database that the tables are bound to."""
    return cast("Engine", bound_to())


@asynccontextmanager
async def uow() -> AsyncIterator[None]:
    """A unit of work: all of it is written, or nothing. Nested, it is a savepoint that rolls back on any exception."""
    engine = database()
    outer = engine.current_transaction.get()
    with translated():
        if outer is None:
            async with engine.transaction():
                yield
            return
        savepoint = await outer.savepoint()
        try:
            yield
        except BaseException:
            await savepoint.rollback_to()
            raise
        else:
            await savepoint.release()


@asynccontextmanager
async def joining() -> AsyncIterator[None]:
    """The unit of work around the call, without a savepoint of its own; a new one if there is none."""
    if database().current_transaction.get() is not None:
        yield
        return
    async with uow():
        yield


async def alone(name: str) -> bool:
    """Whether this unit of work is the only one under way that asks by that name; if so, it stays so until it ends.

    Units of work take turns on SQLite, so there it always is.
    """
    engine = database()
    if isinstance(engine, WalSQLite):
        return True
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    [answer] = await engine.run_querystring(QueryString("SELECT pg_try_advisory_xact_lock({}) AS alone", key))
    return bool(answer["alone"])


@asynccontextmanager
async def reading() -> AsyncIterator[None]:
    """Several reads of one moment, on one connection; a write in it is refused. Inside a unit of work it is that one."""
    engine = database()
    with translated():
        if isinstance(engine, WalSQLite):
            async with engine.transaction(TransactionType.deferred):
                yield
        else:
            async with engine.transaction(read_only=True):
                yield


def moment_of(value: str | datetime) -> datetime:
    """A moment out of `lookup`: SQLite keeps it as text, PostgreSQL as itself."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Found(Protocol):
    """One row of `lookup`, by the names of its columns; each database has its own light type for it."""

    def __getitem__(self, column: str, /) -> Any: ...


async def lookup(query: str, *args: Any) -> Sequence[Found]:
    """Rows by a unique key, the fastest way each database has. `query` marks its arguments with `?` in order.

    Only for reads that touch a handful of rows through an index: on SQLite it runs in the caller's own thread.
    """
    engine = database()
    with translated():
        if isinstance(engine, WalSQLite):
            return engine.point(query, args)
        for index in range(1, len(args) + 1):
            query = query.replace("?", f"${index}", 1)
        assert engine.pool is not None  # noqa: S101  # open() started it
        async with engine.pool.acquire() as connection:
            found: Sequence[Found] = await connection.fetch(query, *args)
            return found
