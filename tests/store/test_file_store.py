"""Files under their hash: written once, flushed to the disk, checked when read."""

import asyncio
import errno
import hashlib
import os
from pathlib import Path

import pytest

from engine.errors import ConfigError, NotFound, Unavailable
from engine.store import FileStore, uow
from engine.store.tables import Blob, BlobRef


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "files"))


def place(tmp_path: Path, sha256: str) -> Path:
    return tmp_path / "files" / "sha256" / sha256[:2] / sha256


async def test_what_is_stored_is_read_back_under_its_hash(files: FileStore) -> None:
    sha256 = await files.put(b"a certificate")
    assert sha256 == hashlib.sha256(b"a certificate").hexdigest()
    assert await files.get(sha256) == b"a certificate"


async def test_the_same_bytes_twice_are_one_file_that_is_not_touched_again(files: FileStore, tmp_path: Path) -> None:
    sha256 = await files.put(b"once")
    before = place(tmp_path, sha256).stat()
    await asyncio.gather(*(files.put(b"once") for _ in range(20)))
    after = place(tmp_path, sha256).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


async def test_a_torn_file_is_mended_by_the_bytes_in_hand(files: FileStore, tmp_path: Path) -> None:
    sha256 = await files.put(b"a whole certificate")
    place(tmp_path, sha256).write_bytes(b"a whole cer")
    assert await files.put(b"a whole certificate") == sha256
    assert await files.get(sha256) == b"a whole certificate"


async def test_a_damaged_file_is_noticed_when_it_is_read(files: FileStore, tmp_path: Path) -> None:
    sha256 = await files.put(b"genuine")
    place(tmp_path, sha256).write_bytes(b"forged!")
    with pytest.raises(Unavailable, match="damaged") as damaged:
        await files.get(sha256)
    assert damaged.value.code == "file_damaged"


async def test_a_file_that_is_not_there_is_not_found(files: FileStore) -> None:
    with pytest.raises(NotFound):
        await files.get("0" * 64)


async def test_file_and_folders_are_flushed_before_anybody_may_speak_of_them(
    files: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    real = os.fsync

    def fsync(handle: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{handle}").readlink())
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    where = place(tmp_path, await files.put(b"durable"))
    assert flushed == [where, where.parent, where.parent.parent]


async def test_a_full_disk_is_said_in_a_sentence(files: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left"):
        await files.put(b"too much")


async def test_why_a_file_is_kept_is_remembered_once(database, files: FileStore, at) -> None:
    for _ in range(2):
        async with uow():
            await files.keep(b"kept", room="proof", row="1", purpose="certificate", media_type="application/pdf", at=at)
    assert (await Blob.count(), await BlobRef.count()) == (1, 1)


def test_a_place_that_is_none_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError):
        FileStore("gopher://example/files")
