"""What a person is working on: an upload, how they adjusted it, and the cleaned picture that came of it.

Promises that an upload is looked at in a child process alone; that a draft is its maker's and nobody else's; that what is
no picture, or comes while nobody has time to look, leaves what was there before; and that nothing of it stays after a day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from engine.contracts.drawing import Adjust, Developed, ImageRequest
from engine.errors import Conflict, NotFound, Refused, Unavailable
from engine.people.access import Principal
from engine.people.pictures.bearers import Bearer
from engine.people.pictures.tables import PictureDraft
from engine.store import FileStore, uow
from engine.store.files import forget, remember
from engine.store.quota import take_of_day

__all__ = ["GOOD_FOR", "Darkroom", "Draft", "adjust_draft", "draft_of", "drop_draft", "drop_old_drafts", "spend_draft", "take_upload"]

GOOD_FOR = timedelta(hours=24)
_PURPOSE = "draft"
_ROUND = 100
_PER_DAY = 60
_GONE = "This picture is not here any more: it was used or dropped, or a day went by. Upload it again."


class Darkroom(Protocol):
    """Where pictures are looked at and cleaned: the drawing room."""

    async def develop(self, request: ImageRequest) -> Developed:
        """The upload as it may be shown, and cleaned."""
        ...


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it stands. Without `preview_sha256` nobody looked at it yet; without `clean_sha256`, `problem` says why."""

    id: UUID
    original_sha256: str
    preview_sha256: str
    clean_sha256: str
    quality: int
    notes: tuple[str, ...]
    problem: str
    adjust: Adjust
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Kept:
    """What came of an upload: files by their hashes with what they are, and the columns of the row."""

    files: Mapping[str, tuple[int, str]]
    columns: Mapping[str, Any]


async def draft_of(person: Principal, bearer: Bearer, at: datetime) -> Draft | None:
    """The person's own draft for this bearer, or None: none, somebody else's and one that is too old read the same."""
    row = await PictureDraft.select().where(PictureDraft.desk == _desk(person, bearer), PictureDraft.expires_at > at).first()
    return _draft(row) if row else None


async def take_upload(person: Principal, bearer: Bearer, data: bytes, *, room: Darkroom, files: FileStore, at: datetime) -> None:
    """Begins anew with an upload, which takes the place of the draft before.

    Raises Refused for what is no picture: then nothing changed. Raises Unavailable where nobody has time to look: the upload
    is kept, and `adjust_draft` looks at it. Raises TooMany for more uploads of one person than a day's work needs.
    """
    await take_of_day("picture_upload", str(person.account_id), _PER_DAY, at=at)
    try:
        kept = await _develop(bearer, data, Adjust(), room, files)
    except Unavailable:
        original = await files.put(data)
        unseen = _Kept({original: (len(data), "application/octet-stream")}, {"original_sha256": original})
        await _keep(person, bearer, unseen, at)
        raise
    await _keep(person, bearer, kept, at)


async def adjust_draft(person: Principal, bearer: Bearer, adjust: Adjust, *, room: Darkroom, files: FileStore, at: datetime) -> None:
    """Cleans the upload again as the person adjusted it. Raises NotFound without a draft, Unavailable where nobody has time."""
    draft = await draft_of(person, bearer, at)
    if draft is None:
        raise NotFound(_GONE, code="draft")
    data = await files.get(draft.original_sha256)
    try:
        kept = await _develop(bearer, data, adjust, room, files)
    except Refused:
        if not draft.preview_sha256:  # kept unseen, and no picture after all
            await drop_draft(person, bearer, at)
        raise
    async with uow():
        await forget(room="people", row=str(draft.id), purpose=_PURPOSE)
        changed: dict[Any, Any] = {**kept.columns, "expires_at": at + GOOD_FOR}
        if not await PictureDraft.update(changed).where(PictureDraft.id == draft.id).returning(PictureDraft.id):
            raise Conflict(_GONE, code="draft")
        await _remember(draft.id, kept, at)


async def drop_draft(person: Principal, bearer: Bearer, at: datetime) -> None:
    """Gives the person's draft up; none is as good."""
    draft = await draft_of(person, bearer, at)
    if draft is not None:
        async with uow():
            await spend_draft(draft.id)


async def spend_draft(id: UUID) -> None:
    """Takes a draft away, in the unit of work around the call. Raises Conflict if somebody was quicker."""
    if not await PictureDraft.delete().where(PictureDraft.id == id).returning(PictureDraft.id):
        raise Conflict(_GONE, code="draft")
    await forget(room="people", row=str(id), purpose=_PURPOSE)


async def drop_old_drafts(at: datetime) -> int:
    """Takes the drafts away whose day is over, and tells how many."""
    dropped = 0
    for row in await PictureDraft.select(PictureDraft.id).where(PictureDraft.expires_at <= at).limit(_ROUND):
        async with uow():
            old = (PictureDraft.id == row["id"], PictureDraft.expires_at <= at)  # its maker may have gone on with it meanwhile
            if await PictureDraft.delete().where(*old).returning(PictureDraft.id):
                await forget(room="people", row=str(row["id"]), purpose=_PURPOSE)
                dropped += 1
    return dropped


async def _develop(bearer: Bearer, data: bytes, adjust: Adjust, room: Darkroom, files: FileStore) -> _Kept:
    """Has it looked at, and stores what came of it. A picture that cannot be cleaned is a draft with its problem."""
    seen = await room.develop(ImageRequest(bearer.image, data, adjust))
    clean, jpeg = seen.clean, seen.preview.jpeg
    original, preview = await files.put(data), await files.put(jpeg)
    kept = {original: (len(data), "application/octet-stream"), preview: (len(jpeg), "image/jpeg")}
    cleaned = ""
    if clean is not None:
        cleaned = await files.put(clean.png)
        kept[cleaned] = (len(clean.png), "image/png")
    left, top, right, bottom = adjust.crop or (0, 0, 1000, 1000)
    columns = {
        "original_sha256": original,
        "preview_sha256": preview,
        "clean_sha256": cleaned,
        "quality": clean.quality if clean else 0,
        "notes": "\n".join(clean.notes)[:2000] if clean else "",
        "problem": seen.problem[:400],
        "threshold": adjust.threshold,
        "left": left,
        "top": top,
        "right": right,
        "bottom": bottom,
        "rotation": adjust.rotation,
    }
    return _Kept(kept, columns)


async def _keep(person: Principal, bearer: Bearer, kept: _Kept, at: datetime) -> None:
    """Makes it the person's one draft for this bearer."""
    desk = _desk(person, bearer)
    row = PictureDraft(
        account=person.account_id,
        bearer=str(bearer.kind),
        desk=desk,
        made_at=at,
        expires_at=at + GOOD_FOR,
        **bearer.columns,
        **kept.columns,
    )
    async with uow():
        for before in await PictureDraft.delete().where(PictureDraft.desk == desk).returning(PictureDraft.id):
            await forget(room="people", row=str(before["id"]), purpose=_PURPOSE)
        await PictureDraft.insert(row)
        await _remember(UUID(str(row.id)), kept, at)


async def _remember(id: UUID, kept: _Kept, at: datetime) -> None:
    for sha256, (size, media_type) in kept.files.items():
        await remember(sha256, size, room="people", row=str(id), purpose=_PURPOSE, media_type=media_type, at=at)


def _desk(person: Principal, bearer: Bearer) -> str:
    return f"{person.account_id}:{bearer.kind}:{bearer.id}"


def _draft(row: Mapping[str, Any]) -> Draft:
    crop = (row["left"], row["top"], row["right"], row["bottom"])
    return Draft(
        id=row["id"],
        original_sha256=row["original_sha256"],
        preview_sha256=row["preview_sha256"],
        clean_sha256=row["clean_sha256"],
        quality=row["quality"],
        notes=tuple(filter(None, row["notes"].split("\n"))),
        problem=row["problem"],
        adjust=Adjust(row["threshold"], crop if crop != (0, 0, 1000, 1000) else None, row["rotation"]),
        expires_at=row["expires_at"],
    )
