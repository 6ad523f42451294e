"""Files under their hash, written once. What was stored is fsynced before a row may speak of it."""

import asyncio
import contextlib
import hashlib
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from engine.errors import ConfigError, NotFound, Unavailable
from engine.store.tables import Blob, BlobRef

__all__ = ["FileStore"]

_AT_ONCE = 500
_NAME = re.compile(r"[0-9a-f]{64}")
_KEPT, _ASIDE = "sha256", "aside"
_PROBE, _PROBED = "probe", b"ready"


class FileStore:
    """Bytes in, their SHA-256 out; the same bytes twice are one file. Reading checks the hash."""

    def __init__(self, url: str) -> None:
        self._root: Path | None = None
        if urlsplit(url).scheme in {"", "file"}:
            self._root = Path(url.removeprefix("file://"))
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._store: ObjectStore = LocalStore(self._root)
        else:
            try:
                self._store = from_url(url)
            except BaseError as error:
                raise ConfigError(f"[files] url {url!r} cannot be used: {error}.") from error

    @staticmethod
    def _path(sha256: str, under: str = _KEPT) -> str:
        return f"{under}/{sha256[:2]}/{sha256}"

    async def put(self, data: bytes) -> str:
        """Stores the bytes for good and gives their hash; already stored is stored. Raises Unavailable for a full disk."""
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            await self._put(sha256, data)
        except (BaseError, OSError) as error:
            raise Unavailable(f"The file store did not take a file: {error}.", code="file_store") from error
        return sha256

    async def _put(self, sha256: str, data: bytes) -> None:
        try:
            await obstore.put_async(self._store, self._path(sha256), data, mode="create")
        except AlreadyExistsError:
            if hashlib.sha256(await self._bytes(sha256)).hexdigest() != sha256:
                # a power cut can leave a torn file under a right name; the bytes in hand are the right ones
                await obstore.put_async(self._store, self._path(sha256), data, mode="overwrite")
        if self._root is not None:
            await asyncio.to_thread(_sync, self._root / self._path(sha256))

    async def get(self, sha256: str) -> bytes:
        """The bytes of that hash. Raises NotFound, or Unavailable if what is stored is not what was stored."""
        data = await self._bytes(sha256)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise Unavailable(f"The stored file {sha256[:12]}… is damaged. Restore it from the backup.", code="file_damaged")
        return data

    async def _bytes(self, sha256: str) -> bytes:
        for under in (_KEPT, _ASIDE, _KEPT):  # the last, because it may have been taken back between the first two
            if (data := await self._read(sha256, under)) is not None:
                return data
        raise NotFound(f"The file {sha256[:12]}… is not stored here.")

    async def _read(self, sha256: str, under: str) -> bytes | None:
        try:
            found = await obstore.get_async(self._store, self._path(sha256, under))
            return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise _silent(error) from error

    async def probe(self) -> None:
        """Writes a few bytes and reads them again. Raises Unavailable if that does not work."""
        try:
            await obstore.put_async(self._store, _PROBE, _PROBED, mode="overwrite")
            found = await obstore.get_async(self._store, _PROBE)
            if bytes(await found.bytes_async()) != _PROBED:
                raise Unavailable("The file store gave other bytes than it took.", code="file_store")
        except (BaseError, OSError) as error:
            raise _silent(error) from error

    async def keep(self, data: bytes, *, room: str, row: str, purpose: str, media_type: str, at: datetime) -> str:
        """Stores the bytes and remembers why, in the unit of work around the call. Put large files before it."""
        sha256 = await self.put(data)
        await remember(sha256, len(data), room=room, row=row, purpose=purpose, media_type=media_type, at=at)
        return sha256

    # --- files without a row (engine/store/orphans.py) --------------------------------------------

    async def listed(self, *, aside: bool = False) -> AsyncIterator[list[tuple[str, datetime]]]:
        """The hashes that are stored here, or were set aside, each with the moment of its storing, some hundreds at a time."""
        try:
            async for batch in obstore.list(self._store, prefix=_ASIDE if aside else _KEPT, chunk_size=_AT_ONCE):
                found = [(each["path"].rpartition("/")[2], each["last_modified"]) for each in batch]
                yield [(name, stored_at) for name, stored_at in found if _NAME.fullmatch(name)]
        except (BaseError, OSError) as error:
            raise _silent(error) from error

    async def set_aside(self, sha256: str) -> bool:
        """Moves a file to where only a reader who misses it looks; it is never in neither place.

        False if it is not there, or damaged: the next one who stores these bytes mends it, and must not be interfered with.
        """
        data = await self._read(sha256, _KEPT)
        if data is None or hashlib.sha256(data).hexdigest() != sha256:
            return False
        return await self._move(sha256, data, _KEPT, _ASIDE)

    async def take_back(self, sha256: str) -> bool:
        """Moves a file back that was set aside; False if another process was first."""
        data = await self._read(sha256, _ASIDE)
        return data is not None and await self._move(sha256, data, _ASIDE, _KEPT)

    async def drop_aside(self, sha256: str) -> bool:
        """Deletes a file that was set aside; False if another process was first."""
        try:
            await obstore.delete_async(self._store, self._path(sha256, _ASIDE))
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise _silent(error) from error
        return True

    async def _move(self, sha256: str, data: bytes, source: str, target: str) -> bool:
        path = self._path(sha256, target)
        try:
            with contextlib.suppress(AlreadyExistsError):  # stored again meanwhile
                await obstore.put_async(self._store, path, data, mode="create" if target == _KEPT else "overwrite")
            if self._root is not None:
                await asyncio.to_thread(_sync, self._root / path)
            await obstore.delete_async(self._store, self._path(sha256, source))
        except FileNotFoundError:  # another process moved it too
            return False
        except (BaseError, OSError) as error:
            raise _silent(error) from error
        return True

    async def drop_torn(self, before: datetime) -> int:
        """Deletes what a process that was killed had half written in a folder; an object store keeps no such thing."""
        return 0 if self._root is None else await asyncio.to_thread(_drop_torn, self._root, before)


def _silent(error: Exception) -> Unavailable:
    return Unavailable(f"The file store did not answer: {error}.", code="file_store")


def _drop_torn(root: Path, before: datetime) -> int:
    """A file grows under its name with `#` and a number, and gets its name when it is whole."""
    dropped = 0
    for path in root.glob("*/??/*#*"):
        if _NAME.fullmatch(path.name.partition("#")[0]) and datetime.fromtimestamp(path.stat().st_mtime, UTC) < before:
            path.unlink(missing_ok=True)
            dropped += 1
    return dropped


async def remember(sha256: str, size: int, *, room: str, row: str, purpose: str, media_type: str, at: datetime) -> None:
    """The rows for a file that is stored already; saying it twice is saying it once."""
    await Blob.insert(Blob(sha256=sha256, size=size, media_type=media_type, made_at=at)).on_conflict(
        target=Blob.sha256, action="DO NOTHING"
    )
    await BlobRef.insert(BlobRef(room=room, row=row, sha256=sha256, purpose=purpose)).on_conflict(
        target=(BlobRef.room, BlobRef.row, BlobRef.sha256, BlobRef.purpose), action="DO NOTHING"
    )


async def forget(*, room: str, row: str, purpose: str) -> None:
    """Takes back why files were kept, in the unit of work around the call; what nobody keeps any more is an orphan (orphans.py)."""
    gone = await BlobRef.delete().where(BlobRef.room == room, BlobRef.row == row, BlobRef.purpose == purpose).returning(BlobRef.sha256)
    for sha256 in {each["sha256"] for each in gone}:
        if not await BlobRef.exists().where(BlobRef.sha256 == sha256):
            await Blob.delete().where(Blob.sha256 == sha256)


async def rows_kept_for(*, room: str, purpose: str) -> list[str]:
    """The rows of a room for which files are kept for that purpose."""
    rows = await BlobRef.select(BlobRef.row).where(BlobRef.room == room, BlobRef.purpose == purpose)
    return sorted({row["row"] for row in rows})


def _sync(path: Path) -> None:
    """Flushes a file, its folder, and the folder's own name to the disk."""
    folder = os.O_RDONLY | os.O_DIRECTORY
    for target, flags in ((path, os.O_RDONLY), (path.parent, folder), (path.parent.parent, folder)):
        handle = os.open(target, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
