"""Files under their hash, written once. What was stored is fsynced before a row may speak of it."""

import asyncio
import hashlib
import os
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from engine.errors import ConfigError, NotFound, Unavailable
from engine.store.tables import Blob, BlobRef

__all__ = ["FileStore"]


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
    def _path(sha256: str) -> str:
        return f"sha256/{sha256[:2]}/{sha256}"

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
        try:
            found = await obstore.get_async(self._store, self._path(sha256))
            return bytes(await found.bytes_async())
        except FileNotFoundError as error:
            raise NotFound(f"The file {sha256[:12]}… is not stored here.") from error
        except (BaseError, OSError) as error:
            raise Unavailable(f"The file store did not answer: {error}.", code="file_store") from error

    async def keep(self, data: bytes, *, room: str, row: str, purpose: str, media_type: str, at: datetime) -> str:
        """Stores the bytes and remembers why, in the unit of work around the call. Put large files before it."""
        sha256 = await self.put(data)
        await remember(sha256, len(data), room=room, row=row, purpose=purpose, media_type=media_type, at=at)
        return sha256


async def remember(sha256: str, size: int, *, room: str, row: str, purpose: str, media_type: str, at: datetime) -> None:
    """The rows for a file that is stored already; saying it twice is saying it once."""
    await Blob.insert(Blob(sha256=sha256, size=size, media_type=media_type, made_at=at)).on_conflict(
        target=Blob.sha256, action="DO NOTHING"
    )
    await BlobRef.insert(BlobRef(room=room, row=row, sha256=sha256, purpose=purpose)).on_conflict(
        target=(BlobRef.room, BlobRef.row, BlobRef.sha256, BlobRef.purpose), action="DO NOTHING"
    )


def _sync(path: Path) -> None:
    """Flushes a file, its folder, and the folder's own name to the disk."""
    folder = os.O_RDONLY | os.O_DIRECTORY
    for target, flags in ((path, os.O_RDONLY), (path.parent, folder), (path.parent.parent, folder)):
        handle = os.open(target, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
