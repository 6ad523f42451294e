"""The audit is chained: an entry that was changed, removed or put elsewhere shows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from engine.errors import Conflict
from engine.store import uow
from engine.store.audit import audit, chain_breaks, seal
from engine.store.engines import PooledPostgres
from engine.store.tables import AuditEntry, AuditSeal, Setting

TABLES = ("audit_entry", "audit_seal")


@asynccontextmanager
async def as_the_owner_of_the_machine(database) -> AsyncIterator[None]:
    """The triggers are out of the way and keys are not checked: what somebody with the disk in hand can do."""
    if isinstance(database, PooledPostgres):
        async with uow():
            await Setting.raw("SET LOCAL session_replication_role = replica")
            yield
        return
    names = [f"{table}_{act}_refused" for table in TABLES for act in ("update", "delete")]
    for name in names:
        await Setting.raw(f'DROP TRIGGER "{name}"')
    connection = await database.acquire()
    await connection.execute("PRAGMA foreign_keys=0")
    await database.release(connection)
    yield


async def ten_sealed(at: datetime) -> None:
    for index in range(10):
        await audit(f"act {index}", room="test", subject="x", actor="test", at=at)
    assert await seal(at) == 10


async def test_a_chain_that_nobody_touched_is_whole(database, at: datetime) -> None:
    await ten_sealed(at)
    assert await seal(at) == 0
    assert await chain_breaks() == []


@pytest.mark.parametrize(
    ("statement", "links"),
    [
        ("UPDATE audit_entry SET actor = 'another' WHERE id = (SELECT entry FROM audit_seal WHERE seq = 4)", {"4"}),
        ("UPDATE audit_entry SET detail = '{{\"a\": 1}}' WHERE id = (SELECT entry FROM audit_seal WHERE seq = 4)", {"4"}),
        ("DELETE FROM audit_entry WHERE id = (SELECT entry FROM audit_seal WHERE seq = 4)", {"4"}),
        ("DELETE FROM audit_seal WHERE seq = 4", {"4", "5"}),
        ("UPDATE audit_seal SET hash = 'x' WHERE seq = 4", {"4", "5"}),
        ("UPDATE audit_seal SET seq = 99 WHERE seq = 4", {"4", "5", "11", "99"}),
    ],
)
async def test_an_edit_a_removal_and_a_reordering_show(database, at: datetime, statement: str, links: set[str]) -> None:
    await ten_sealed(at)
    async with as_the_owner_of_the_machine(database):
        await Setting.raw(statement)
    breaks = await chain_breaks()
    assert breaks
    assert {word for line in breaks for word in line.split() if word.isdigit()} == links


async def test_two_entries_that_changed_places_show(database, at: datetime) -> None:
    await ten_sealed(at)
    pair = [row["entry"] for row in await AuditSeal.select(AuditSeal.entry).where(AuditSeal.seq.is_in([3, 7])).order_by(AuditSeal.seq)]
    async with as_the_owner_of_the_machine(database):
        third = await AuditEntry.select(AuditEntry.act).where(AuditEntry.id == pair[0]).first()
        seventh = await AuditEntry.select(AuditEntry.act).where(AuditEntry.id == pair[1]).first()
        await AuditEntry.update({AuditEntry.act: seventh["act"]}).where(AuditEntry.id == pair[0])
        await AuditEntry.update({AuditEntry.act: third["act"]}).where(AuditEntry.id == pair[1])
    assert await chain_breaks() == ["link 3 does not match its entry", "link 7 does not match its entry"]


async def test_sealing_goes_on_where_it_stopped(database, at: datetime) -> None:
    await ten_sealed(at)
    await audit("later", room="test", subject="x", actor="test", at=at)
    assert await seal(at) == 1
    assert await chain_breaks() == []
    assert await AuditSeal.count() == 11


async def test_a_sealing_in_parts_is_one_chain(database, at: datetime) -> None:
    for index in range(10):
        await audit(f"act {index}", room="test", subject="x", actor="test", at=at)
    assert [await seal(at, most=4) for _ in range(4)] == [4, 4, 2, 0]
    assert await chain_breaks() == []


async def test_two_sequencers_at_once_make_one_chain(database, at: datetime) -> None:
    for index in range(20):
        await audit(f"act {index}", room="test", subject="x", actor="test", at=at)
    answers = await asyncio.gather(*(seal(at) for _ in range(4)), return_exceptions=True)
    assert all(isinstance(answer, int | Conflict) for answer in answers)
    while await seal(at):
        pass
    assert await AuditSeal.count() == 20
    assert await chain_breaks() == []


async def test_an_entry_of_work_that_was_given_up_is_not_in_the_audit(database, at: datetime) -> None:
    async def given_up() -> None:
        async with uow():
            await audit("act", room="test", subject="x", actor="test", at=at)
            raise Conflict("given up")

    with pytest.raises(Conflict):
        await given_up()
    assert await seal(at) == 0
