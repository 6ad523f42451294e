"""The two databases behind one shape.

SQLite: WAL, `synchronous=FULL`, IMMEDIATE transactions, connections that are kept (stock piccolo opens one and a
thread for every query: 0.7 to 1.1 ms) and closed on every failing path (stock piccolo leaks one when BEGIN fails,
and its thread keeps the process from ever ending). PostgreSQL: asyncpg's pool, released on every path.
"""

import asyncio
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiosqlite
import asyncpg
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.engine.sqlite import SQLiteEngine, SQLiteTransaction, TransactionType, dict_factory

from engine.errors import ConfigError, Conflict, Unavailable
from engine.store import rows

__all__ = ["Database", "PooledPostgres", "WalSQLite", "connect", "make_engine", "translated"]

_KEPT = 8
_BUSY_S = 30.0


@contextmanager
def translated() -> Iterator[None]:
    """Turns a driver's exception into ours: a broken constraint is `Conflict`, silence is `Unavailable`."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise Conflict(f"The database refused a row that breaks a rule ({error}).", code="integrity") from error
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
        rule = getattr(error, "constraint_name", None) or type(error).__name__  # the message would repeat the row
        raise Conflict(f"The database refused a row that breaks a rule ({rule}).", code="integrity") from error
    except sqlite3.DatabaseError as error:
        raise Unavailable(f"The database did not take it ({error}). Look at the disk and try again.", code="database") from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError, TimeoutError, socket.gaierror) as error:
        raise Unavailable(f"The database did not take it ({type(error).__name__}). Try again.", code="database") from error


class _KeptTransaction(SQLiteTransaction):
    """A transaction on a kept connection, given back whatever happens. A deferred one only reads: it sees one moment."""

    engine: "WalSQLite"
    _lock: asyncio.Lock | None

    async def __aenter__(self) -> SQLiteTransaction:
        if self._parent is not None:
            return self._parent
        self._lock = self.engine.write_lock() if self.transaction_type is TransactionType.immediate else None
        if self._lock:
            await self._lock.acquire()
        try:
            self.connection = await self.engine.acquire()
            try:
                await self.begin()
                if self._only_reads:
                    await self.connection.execute("PRAGMA query_only=1")
            except BaseException:
                await self.engine.discard(self.connection)
                raise
        except BaseException:
            if self._lock:
                self._lock.release()
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if self._parent is not None:
            return error is None
        healthy = False
        try:
            if error is not None:
                if not self._rolled_back and self.connection.in_transaction:  # a full disk has rolled back by itself
                    await self.rollback()
            elif not (self._committed or self._rolled_back):
                await self.commit()
            if self._only_reads:
                await self.connection.execute("PRAGMA query_only=0")  # the connection is kept, and the next one may write
            healthy = True
        finally:
            self.engine.current_transaction.reset(self.context)
            try:
                await (self.engine.release(self.connection) if healthy else self.engine.discard(self.connection))
            finally:
                if self._lock:
                    self._lock.release()
        return False

    @property
    def _only_reads(self) -> bool:
        return self.transaction_type is TransactionType.deferred


class WalSQLite(SQLiteEngine):
    """SQLite as a server's database: one writer at a time in turn, readers beside it on kept connections."""

    __slots__ = ("_closed", "_free", "_locks", "_made", "_point")

    def __init__(self, path: Path) -> None:
        super().__init__(path=str(path), timeout=_BUSY_S)
        self._free: list[aiosqlite.Connection] = []
        self._made: set[aiosqlite.Connection] = set()
        self._closed = False
        self._locks: dict[int, asyncio.Lock] = {}
        self._point: sqlite3.Connection | None = None

    def write_lock(self) -> asyncio.Lock:
        """The lock that lets this process's writers queue fairly instead of polling SQLite's busy handler."""
        loop = id(asyncio.get_running_loop())
        return self._locks.setdefault(loop, asyncio.Lock())

    async def open(self) -> None:
        """Makes the file and sets WAL, once."""
        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        self._closed = False
        with translated():
            await self.release(await self.acquire())

    async def close(self) -> None:
        """Closes every connection, also one that somebody cut off in the middle still holds."""
        self._closed = True
        self._free.clear()
        while self._made:
            await self._made.pop().close()
        self._locks.clear()
        if self._point is not None:
            self._point.close()
            self._point = None

    async def acquire(self) -> aiosqlite.Connection:
        """A kept connection, or a new one."""
        if self._free:
            return self._free.pop()
        connection = aiosqlite.connect(**self.connection_kwargs)
        connection._thread.daemon = True  # a connection that was lost must not keep the process from ending
        await connection
        self._made.add(connection)
        try:
            connection.row_factory = dict_factory  # type: ignore[assignment]
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=1", "trusted_schema=0", "recursive_triggers=1"):
                await connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            await self.discard(connection)
            raise
        return connection

    async def discard(self, connection: aiosqlite.Connection) -> None:
        """Closes a connection that is not to be used again."""
        self._made.discard(connection)
        await connection.close()

    async def release(self, connection: aiosqlite.Connection) -> None:
        """Gives a healthy connection back."""
        if len(self._free) < _KEPT and not self._closed:
            self._free.append(connection)
        else:
            await self.discard(connection)

    def transaction(self, transaction_type: TransactionType = TransactionType.immediate, allow_nested: bool = True) -> SQLiteTransaction:
        return _KeptTransaction(engine=self, transaction_type=transaction_type, allow_nested=allow_nested)

    async def _run_in_new_connection(
        self, query: str, args: list[Any] | None = None, query_type: str = "generic", table: Any = None
    ) -> Any:
        with translated():
            connection = await self.acquire()
            healthy = False
            try:
                async with connection.execute(query, args or []) as cursor:
                    found = await cursor.fetchall()
                healthy = True
                return found
            except sqlite3.Error:
                healthy = not connection.in_transaction
                raise
            finally:
                await (self.release(connection) if healthy else self.discard(connection))

    async def _run_in_existing_connection(
        self, connection: Any, query: str, args: list[Any] | None = None, query_type: str = "generic", table: Any = None
    ) -> Any:
        async with connection.execute(query, args or []) as cursor:
            return await cursor.fetchall()

    def point(self, query: str, args: tuple[Any, ...]) -> list[sqlite3.Row]:
        """A look-up by a unique key on a kept connection in this thread: microseconds, so it does not leave the loop."""
        if self._point is None:
            self._point = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None)
            self._point.row_factory = sqlite3.Row
        return self._point.execute(query, args).fetchall()


class _SafePostgresTransaction(PostgresTransaction):
    """A PostgreSQL transaction whose connection goes back to the pool on every path.

    One that only reads sees one moment; in any other one each statement sees what was committed before it.
    """

    def __init__(self, engine: "PooledPostgres", *, allow_nested: bool, read_only: bool) -> None:
        super().__init__(engine=engine, allow_nested=allow_nested)
        self._options: dict[str, Any] = {"isolation": "repeatable_read", "readonly": True} if read_only else {}

    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        self.connection = await self.get_connection()
        self.transaction = self.connection.transaction(**self._options)
        try:
            await self.begin()
        except BaseException:
            await self._give_back()
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if self._parent is not None:
            return error is None
        try:
            if error is not None:
                if not self._rolled_back:
                    await self.rollback()
            elif not (self._committed or self._rolled_back):
                await self.commit()
        finally:
            self.engine.current_transaction.reset(self.context)
            await self._give_back()
        return False

    async def _give_back(self) -> None:
        if self.engine.pool:
            await self.engine.pool.release(self.connection)
        else:
            await self.connection.close()


class _PlainConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg says no types
    """A connection that goes back to the pool without a question to the server: nothing of ours outlives its transaction there, no
    setting, no lock, no cursor, no listener. A transaction that was cut off is rolled back all the same."""

    def get_reset_query(self) -> str:
        return ""


class PooledPostgres(PostgresEngine):
    """PostgreSQL behind asyncpg's pool, which belongs to the loop that opened it."""

    def __init__(self, url: str) -> None:
        super().__init__(config={"dsn": url}, extensions=())

    async def open(self) -> None:
        """Starts the pool."""
        with translated():
            await self.start_connection_pool(min_size=1, max_size=10, connection_class=_PlainConnection)

    async def close(self) -> None:
        """Ends the pool."""
        if self.pool:
            await self.close_connection_pool()

    async def _run_in_pool(self, query: str, args: Sequence[Any] | None = None) -> Any:
        with translated():
            return await super()._run_in_pool(query, args)

    def transaction(self, allow_nested: bool = True, *, read_only: bool = False) -> PostgresTransaction:
        return _SafePostgresTransaction(self, allow_nested=allow_nested, read_only=read_only)


Engine = WalSQLite | PooledPostgres


class Database(Protocol):
    """What a site holds of its database."""

    engine_type: str

    async def open(self) -> None: ...

    async def close(self) -> None: ...


def make_engine(url: str) -> Engine:
    """The engine for `sqlite:///path` or `postgresql://…`; a relative SQLite path was resolved by the configuration."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return WalSQLite(Path(url.removeprefix("sqlite:///")))
    if scheme in {"postgresql", "postgres"}:
        return PooledPostgres(url)
    raise ConfigError(f"[database] url begins with {scheme!r}; it must be sqlite:///… or postgresql://….")


_bound: Engine | None = None


def bound() -> Engine | None:
    """The database the tables are bound to, if any."""
    return _bound


async def connect(url: str) -> Engine:
    """Opens the database and points every table at it, piccolo's own included."""
    global _bound
    engine = make_engine(url)
    _bound = engine
    rows.bind(engine)
    await engine.open()
    return engine
