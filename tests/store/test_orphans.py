"""Files without a row: set aside, found all the same, taken back when they are named, deleted at last."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest
from obstore.store import MemoryStore

from engine.errors import NotFound
from engine.store import FileStore, uow
from engine.store.files import remember
from engine.store.orphans import KEPT_ASIDE, SAFE_AGE, Settled, settle

MOMENT = timedelta(minutes=1)


@pytest.fixture(params=["folder", "objects"])
def files(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    """A file store of each kind."""
    if request.param == "folder":
        return FileStore(str(tmp_path / "files"))
    monkeypatch.setattr("engine.store.files.from_url", lambda url: MemoryStore())
    return FileStore("memory://bucket")


async def name(sha256: str) -> None:
    async with uow():
        await remember(sha256, 1, room="test", row="1", purpose="test", media_type="text/plain", at=datetime.now(UTC))


async def held(files: FileStore) -> tuple[set[str], set[str]]:
    """What is in its place, and what lies aside."""
    kept = {each async for batch in files.listed() for each, _ in batch}
    aside = {each async for batch in files.listed(aside=True) for each, _ in batch}
    return kept, aside


def later(by: timedelta) -> datetime:
    return datetime.now(UTC) + by


async def test_a_young_file_is_left_alone_and_a_named_one_for_ever(database, files: FileStore) -> None:
    young, named = await files.put(b"young"), await files.put(b"named")
    await name(named)
    assert await settle(files, later(SAFE_AGE - MOMENT)) == Settled()
    assert await settle(files, later(SAFE_AGE + MOMENT)) == Settled(aside=1)
    assert await held(files) == ({named}, {young})
    assert await settle(files, later(3650 * SAFE_AGE)) == Settled(deleted=1)
    assert await held(files) == ({named}, set())


async def test_what_lies_aside_is_found_until_it_is_deleted(database, files: FileStore) -> None:
    orphan = await files.put(b"orphan")
    await settle(files, later(SAFE_AGE + MOMENT))
    assert await files.get(orphan) == b"orphan"
    assert await settle(files, later(KEPT_ASIDE - MOMENT)) == Settled()
    assert await settle(files, later(KEPT_ASIDE + MOMENT)) == Settled(deleted=1)
    with pytest.raises(NotFound):
        await files.get(orphan)


async def test_an_old_orphan_that_is_stored_again_and_named_meanwhile_is_never_lost(database, files: FileStore) -> None:
    old = await files.put(b"the same bytes")
    await files.put(b"the same bytes")  # stored already is stored: the next transaction relies on the old file
    await settle(files, later(SAFE_AGE + MOMENT))
    await name(old)
    assert await files.get(old) == b"the same bytes"
    assert await settle(files, later(10 * KEPT_ASIDE)) == Settled(back=1)
    assert await held(files) == ({old}, set())


async def test_one_stored_again_while_the_old_one_lies_aside_is_one_file(database, files: FileStore) -> None:
    sha256 = await files.put(b"twice")
    await settle(files, later(SAFE_AGE + MOMENT))
    assert await files.put(b"twice") == sha256
    await name(sha256)
    assert await settle(files, later(SAFE_AGE + MOMENT)) == Settled(back=1)
    assert await held(files) == ({sha256}, set())


async def test_nothing_is_taken_back_while_another_process_may_still_be_setting_it_aside(database, files: FileStore) -> None:
    sha256 = await files.put(b"in two places")
    assert await files.set_aside(sha256)
    await files.put(b"in two places")  # as if the other process had not come to delete the first one yet
    await name(sha256)
    assert await settle(files, later(MOMENT)) == Settled()
    assert await held(files) == ({sha256}, {sha256})
    assert await settle(files, later(SAFE_AGE + MOMENT)) == Settled(back=1)
    assert await held(files) == ({sha256}, set())


async def test_the_probe_of_health_is_no_file_of_anybody(database, files: FileStore) -> None:
    await files.probe()
    await files.probe()
    assert await settle(files, later(KEPT_ASIDE)) == Settled()
    await files.probe()


async def test_a_database_that_does_not_know_the_files_deletes_none(database, files: FileStore) -> None:
    stored = {await files.put(str(index).encode()) for index in range(6)}
    assert await settle(files, later(KEPT_ASIDE), most=5) == Settled(left=6)
    assert await held(files) == (stored, set())


async def test_several_processes_at_it_at_once_lose_nothing(database, files: FileStore) -> None:
    stored = [await files.put(str(index).encode()) for index in range(20)]
    await asyncio.gather(*(settle(files, later(SAFE_AGE + MOMENT)) for _ in range(4)))
    assert await held(files) == (set(), set(stored))
    for each in stored[:10]:
        await name(each)
    rounds = await asyncio.gather(*(settle(files, later(10 * KEPT_ASIDE)) for _ in range(4)))
    assert sum(each.aside for each in rounds) == 0
    assert await held(files) == (set(stored[:10]), set())
    for each in stored[:10]:
        await files.get(each)


async def test_a_damaged_orphan_waits_for_the_bytes_that_mend_it(database, tmp_path: Path) -> None:
    files = FileStore(str(tmp_path / "files"))
    sha256 = await files.put(b"whole")
    (tmp_path / "files" / "sha256" / sha256[:2] / sha256).write_bytes(b"who")
    assert await settle(files, later(SAFE_AGE + MOMENT)) == Settled()
    await files.put(b"whole")
    assert await files.get(sha256) == b"whole"


async def test_what_was_half_written_when_a_process_died_is_deleted(database, tmp_path: Path) -> None:
    files = FileStore(str(tmp_path / "files"))
    whole = await files.put(b"whole")
    await name(whole)
    place = tmp_path / "files" / "sha256" / whole[:2]
    old, young, strange = place / f"{whole}#1", place / f"{whole}#2", place / "notes#1"
    for path in (old, young, strange):
        path.write_bytes(b"who")
    for path in (old, strange):
        os.utime(path, times=(0, 0))
    await settle(files, datetime.now(UTC))
    assert {path.name for path in place.iterdir()} == {whole, young.name, strange.name}


async def test_a_file_is_written_beside_its_name_as_the_tidying_expects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `obstore` leaves when it is cut off bears the name that is looked for, and is not listed as a file."""
    files = FileStore(str(tmp_path / "files"))
    sha256 = await files.put(b"one")
    (tmp_path / "files" / "sha256" / sha256[:2] / f"{sha256}#1").write_bytes(b"half")
    listed = [each["path"] async for batch in obstore.list(files._store, prefix="sha256") for each in batch]
    assert listed == [f"sha256/{sha256[:2]}/{sha256}"]
