"""What somebody with the database in hand can do: triggers are out of the way, and keys are not checked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from engine.store import uow
from engine.store.engines import PooledPostgres
from engine.store.tables import Setting

__all__ = ["tampering"]


@asynccontextmanager
async def tampering(database: Any, *tables: str) -> AsyncIterator[None]:
    """Inside, append-only tables can be changed."""
    if isinstance(database, PooledPostgres):
        async with uow():
            await Setting.raw("SET LOCAL session_replication_role = replica")
            yield
        return
    for table in tables:
        for act in ("update", "delete"):
            await Setting.raw(f'DROP TRIGGER IF EXISTS "{table}_{act}_refused"')
    connection = await database.acquire()
    await connection.execute("PRAGMA foreign_keys=0")
    await database.release(connection)
    yield
