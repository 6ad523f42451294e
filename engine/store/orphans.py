"""Files of which no row speaks: stored, and then the unit of work that would have named them never came to its end.

A file is stored before its row is written, and one that is stored already is not stored again; so no look at the rows can
tell an orphan from a file that somebody is about to name. Therefore nothing is deleted at once. An orphan of a day is set
aside, where `FileStore.get` still finds it; one that was named after all is taken back; one that lay aside for thirty days
without a row is deleted. No unit of work lasts that long.

Too many orphans at once are no orphans: the database is another one, or was restored to an earlier day. Nothing is touched
then, and the log says so.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.store.files import FileStore
from engine.store.tables import Blob, BlobRef

__all__ = ["Settled", "settle"]

_log = logging.getLogger(__name__)
SAFE_AGE = timedelta(days=1)
KEPT_ASIDE = timedelta(days=30)
MOST = 1000


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the files without a row; `left` counts those that were too many to be touched."""

    aside: int = 0
    back: int = 0
    deleted: int = 0
    left: int = 0


async def settle(files: FileStore, now: datetime, *, most: int = MOST) -> Settled:
    """Sets aside, takes back and deletes. `now` is by the clock that stamps the files: the machine's."""
    orphans: list[str] = []
    async for batch in files.listed():
        orphans += await _unnamed([name for name, stored_at in batch if stored_at < now - SAFE_AGE])
        if len(orphans) > most:
            _log.error("too_many_files_without_a_row", extra={"most": most})
            return Settled(left=len(orphans))
    aside = sum([await files.set_aside(name) for name in orphans])
    back, deleted = await _settle_aside(files, now)
    await files.drop_torn(now - SAFE_AGE)
    if aside or back or deleted:
        _log.warning("files_without_a_row", extra={"set_aside": aside, "taken_back": back, "deleted": deleted})
    return Settled(aside, back, deleted)


async def _settle_aside(files: FileStore, now: datetime) -> tuple[int, int]:
    back = deleted = 0
    async for batch in files.listed(aside=True):
        unnamed = set(await _unnamed([name for name, _ in batch]))
        for name, put_aside_at in batch:
            if name not in unnamed:
                # Another process may be in the middle of setting it aside; where it lies it is found meanwhile.
                back += await files.take_back(name) if put_aside_at < now - SAFE_AGE else 0
            elif put_aside_at < now - KEPT_ASIDE:
                deleted += await files.drop_aside(name)
    return back, deleted


async def _unnamed(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    known = {row["sha256"] for row in await Blob.select(Blob.sha256).where(Blob.sha256.is_in(list(names)))}
    # somebody may begin to keep a file in the moment in which another one forgets it
    known |= {row["sha256"] for row in await BlobRef.select(BlobRef.sha256).where(BlobRef.sha256.is_in(list(names)))}
    return [name for name in names if name not in known]
