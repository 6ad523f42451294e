"""The audit is chained: an entry that was changed, removed or put elsewhere shows."""

import asyncio
import contextvars
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import schema
from engine.errors import Conflict
from engine.store import connect, uow
from engine.store.audit import audit, chain_breaks, seal
from engine.store.engines import PooledPostgres, WalSQLite
from engine.store.tables import AuditEntry, AuditSeal, AuditUnsealed, Setting

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


async def test_an_entrys_id_bears_its_own_moment_and_not_that_of_the_machine(database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("engine.store.sealing"), "_last_tick", 0)
    at = datetime(2019, 3, 4, 5, 6, 7, 890_999, tzinfo=UTC)
    for moment in (at, at, at - timedelta(seconds=1), at + timedelta(days=1)):
        await audit("act", room="test", subject="x", actor="test", at=moment)
    ids = [row["id"].int for row in await AuditEntry.select(AuditEntry.id).order_by(AuditEntry.id)]
    same = 1551675967_890
    assert [id >> 80 for id in ids] == [same, same, same, same + 86_400_000]
    assert [id >> 76 & 0xF for id in ids] == [7] * 4


async def test_entries_of_one_moment_keep_the_order_in_which_they_were_written(database, at: datetime) -> None:
    for index in range(50):
        await audit(f"act {index}", room="test", subject="x", actor="test", at=at)
    await seal(at)
    links = await AuditSeal.select(AuditSeal.entry.act.as_alias("act")).order_by(AuditSeal.seq)
    assert [link["act"] for link in links] == [f"act {index}" for index in range(50)]


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
    sealed = await asyncio.gather(*(seal(at, most=5) for _ in range(4)))
    assert set(sealed) <= {0, 5}
    assert 5 in sealed
    while await seal(at):
        pass
    assert await AuditSeal.count() == 20
    assert await chain_breaks() == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # on SQLite units of work take turns
async def test_a_sequencer_leaves_the_chain_to_the_one_that_is_at_it(database, at: datetime) -> None:
    await audit("act", room="test", subject="x", actor="test", at=at)
    async with uow():
        assert await seal(at) == 1
        assert await asyncio.create_task(seal(at), context=contextvars.Context()) == 0
    assert await seal(at) == 0
    assert await AuditSeal.count() == 1


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # SQLite has one writer at a time
async def test_an_entry_that_is_committed_late_is_sealed_late(database, at: datetime) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with uow():
            await audit("early", room="test", subject="x", actor="test", at=at)
            begun.set()
            await go_on.wait()

    task = asyncio.create_task(slow())
    await begun.wait()
    await audit("late", room="test", subject="x", actor="test", at=at + timedelta(seconds=1))
    assert await seal(at) == 1
    go_on.set()
    await task
    assert await seal(at) == 1
    assert await chain_breaks() == []


async def steps_of(database: WalSQLite, act: Callable[[], Awaitable[object]]) -> int:
    """How many instructions of its machine SQLite needs for the act."""
    counted = 0

    def count() -> int:
        nonlocal counted
        counted += 1
        return 0

    [connection] = database._free
    await connection.set_progress_handler(count, 1)
    await act()
    await connection.set_progress_handler(None, 0)
    return counted


async def test_sealing_costs_the_same_however_long_the_chain_is(tmp_path: Path, at: datetime) -> None:
    database = await connect(f"sqlite:///{tmp_path / 'long.db'}")
    try:
        await schema.build()
        costs = []
        for sealed in (5, 2000):
            async with uow():
                for _ in range(sealed):
                    await audit("act", room="test", subject="x", actor="test", at=at)
            while await seal(at):
                pass
            await audit("one more", room="test", subject="x", actor="test", at=at)
            costs.append(await steps_of(database, lambda: seal(at)))
        assert costs[1] < 2 * costs[0], costs
    finally:
        await database.close()


async def test_an_entry_that_was_taken_out_of_the_outbox_shows(database, at: datetime) -> None:
    await ten_sealed(at)
    await audit("hidden", room="test", subject="x", actor="test", at=at)
    await AuditUnsealed.delete(force=True)
    assert await seal(at) == 0
    hidden = await AuditEntry.select(AuditEntry.id).where(AuditEntry.act == "hidden").first()
    assert await chain_breaks() == [f"entry {hidden['id']} is neither sealed nor waits for it"]


async def test_the_last_links_cut_off_show(database, at: datetime) -> None:
    await ten_sealed(at)
    async with as_the_owner_of_the_machine(database):
        await Setting.raw("DELETE FROM audit_seal WHERE seq > 8")
    assert [line.split(" ", 2)[2] for line in await chain_breaks()] == ["is neither sealed nor waits for it"] * 2


async def test_an_entry_that_vanished_before_it_was_sealed_shows(database, at: datetime) -> None:
    await audit("gone", room="test", subject="x", actor="test", at=at)
    gone = await AuditEntry.select(AuditEntry.id).first()
    async with as_the_owner_of_the_machine(database):
        await Setting.raw("DELETE FROM audit_entry")
    assert await seal(at) == 0
    assert await chain_breaks() == [f"entry {gone['id']} waits to be sealed and is missing"]


async def test_entries_that_vanished_keep_no_other_from_being_sealed(database, at: datetime) -> None:
    for _ in range(3):
        await audit("gone", room="test", subject="x", actor="test", at=at)
    async with as_the_owner_of_the_machine(database):
        await Setting.raw("DELETE FROM audit_entry")
    await audit("there", room="test", subject="x", actor="test", at=at + timedelta(seconds=1))
    assert await seal(at, most=3) == 1
    assert [line.split(" ", 2)[2] for line in await chain_breaks()] == ["waits to be sealed and is missing"] * 3


async def test_an_outbox_that_names_what_is_sealed_stops_nobody(database, at: datetime) -> None:
    await ten_sealed(at)
    sealed = await AuditSeal.select(AuditSeal.entry).where(AuditSeal.seq == 3).first()
    await AuditUnsealed.insert(AuditUnsealed(id=sealed["entry"], at=at))
    await audit("later", room="test", subject="x", actor="test", at=at)
    assert await seal(at) == 1
    assert await chain_breaks() == []
    assert await AuditUnsealed.count() == 0


async def test_an_entry_of_work_that_was_given_up_is_not_in_the_audit(database, at: datetime) -> None:
    async def given_up() -> None:
        async with uow():
            await audit("act", room="test", subject="x", actor="test", at=at)
            raise Conflict("given up")

    with pytest.raises(Conflict):
        await given_up()
    assert await seal(at) == 0
