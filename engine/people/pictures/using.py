"""From a draft to the picture that is used: by a second person for offices and officers, at once for an exporter's own user.

Promises that what is used is what the person saw; that a picture which scored low is used only by who says so; that a
change which was overtaken makes nothing; and that the picture of one which ended without being made is not kept.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.config import AccessSection
from engine.errors import Conflict, NotFound, Refused
from engine.people.access import Principal
from engine.people.changes import Asked, Change, Effects, over_among, propose, waiting_on
from engine.people.changes.persons import require_proved
from engine.people.pictures.bearers import Bearer
from engine.people.pictures.drafts import Draft, draft_of, spend_draft
from engine.people.pictures.tables import Appearance, BearerKind, Stamp
from engine.people.pictures.versions import live_version, put_version
from engine.people.tables import Office, Officer
from engine.store import FileStore, SecretBox, uow
from engine.store.files import forget, remember, rows_kept_for

__all__ = ["LEAST_SCORE", "Waiting", "apply_picture", "apply_stamp", "forget_unmade", "use_draft", "waiting_picture"]

# Below it a person should look again: what is used all the same is used by their word.
LEAST_SCORE = 50
# Why the picture of a change is kept until it is made; then the bearer's purpose takes its place.
_WAITS = "change"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A picture that waits for its second person, or for its time."""

    change: Change
    sha256: str
    quality: int


async def waiting_picture(bearer: Bearer) -> Waiting | None:
    """What waits for a bearer that a scope found."""
    if not bearer.change_kind:
        return None
    change = (await waiting_on(bearer.change_kind, [str(bearer.id)])).get(str(bearer.id))
    return Waiting(change, change.payload.get("sha256", ""), int(change.payload.get("score", "0"))) if change else None


async def use_draft(
    person: Principal,
    bearer: Bearer,
    seen_sha256: str,
    *,
    despite_score: bool,
    files: FileStore,
    effects: Effects,
    box: SecretBox,
    base: str,
    limits: AccessSection,
    at: datetime,
) -> Change | None:
    """Asks for the cleaned picture of the person's draft to be used, and gives the change; None where it is used at once.

    `seen_sha256` is the picture that the person looked at. Raises Conflict (code `draft`) if the draft is another by now,
    Refused (box `despite`) for a low score without their word, and what `propose` raises: then the draft stays.
    """
    require_proved(person, limits, at)
    draft = await _seen(person, bearer, seen_sha256, at)
    if draft.quality < LEAST_SCORE and not despite_score:
        say = f"The score is {draft.quality}, below {LEAST_SCORE}. Take a better photo or adjust this one; or say that you looked at it and want it."
        raise Refused(say, box="despite", rule="image quality")
    size = len(await files.get(draft.clean_sha256))
    async with uow():
        if bearer.agency_id is None:
            await _keep(draft.clean_sha256, size, str(bearer.id), bearer.kind, at)
            await spend_draft(draft.id)
            await _put_own(person, bearer, draft, at)
            return None
        before = await live_version(bearer)
        asked = Asked(
            kind=bearer.change_kind,
            agency_id=bearer.agency_id,
            subject=str(bearer.id),
            title=_title(bearer),
            payload={
                "sha256": draft.clean_sha256,
                "size": str(size),
                "score": str(draft.quality),
                "instead_of": before.sha256 if before else "",
            },
            office_id=bearer.id if bearer.kind is BearerKind.OFFICE else None,
            first=before is None,
            second=bearer.account_id,
        )
        change = await propose(asked, person, effects=effects, box=box, base=base, limits=limits, at=at)
        if change.waiting:
            about = str(change.id)
            await remember(draft.clean_sha256, size, room="people", row=about, purpose=_WAITS, media_type="image/png", at=at)
        await spend_draft(draft.id)
        return change


async def forget_unmade() -> int:
    """Keeps the pictures no longer whose change was refused, withdrawn or overtaken, and tells how many changes that were."""
    over = await over_among([UUID(row) for row in await rows_kept_for(room="people", purpose=_WAITS)])
    for change in over:
        async with uow():
            await forget(room="people", row=str(change), purpose=_WAITS)
    return len(over)


async def apply_stamp(change: Change, at: datetime) -> None:
    """Makes the office's new stamp the one that is used: the effect of a change of kind `stamp`."""
    office = UUID(change.subject)
    if not await Office.exists().where(Office.id == office, Office.agency == change.agency_id):
        raise Conflict("The office is not there any more.", code="change_stale")
    live = await Stamp.select(Stamp.sha256).where(Stamp.live_key == str(office)).first()
    await _put(change, BearerKind.OFFICE, {"agency": change.agency_id, "office": office}, live["sha256"] if live else "", at)


async def apply_picture(change: Change, at: datetime) -> None:
    """Makes the officer's new signature picture the one that is used: the effect of a change of kind `officer_picture`."""
    officer = UUID(change.subject)
    if not await Officer.exists().where(Officer.id == officer, Officer.agency == change.agency_id, Officer.active.eq(True)):
        raise Conflict("The officer is deactivated. Activate them first, then upload the picture again.", code="change_stale")
    live = await Appearance.select(Appearance.sha256).where(Appearance.live_key == str(officer)).first()
    await _put(change, BearerKind.OFFICER, {"agency": change.agency_id, "officer": officer}, live["sha256"] if live else "", at)


async def _put(change: Change, kind: BearerKind, columns: dict[str, UUID | None], live: str, at: datetime) -> None:
    if live != change.payload["instead_of"]:
        raise Conflict("Another picture was put there meanwhile. Look at it, then ask anew.", code="change_stale")
    sha256 = change.payload["sha256"]
    await _keep(sha256, int(change.payload["size"]), change.subject, kind, at)
    await forget(room="people", row=str(change.id), purpose=_WAITS)
    await put_version(
        kind,
        columns,
        sha256=sha256,
        quality=int(change.payload["score"]),
        made_by=f"account:{change.asked_by}",
        actor=f"change:{change.id}",
        at=at,
        change=change.id,
    )


async def _keep(sha256: str, size: int, bearer: str, kind: BearerKind, at: datetime) -> None:
    """For good: a version is never taken away."""
    purpose = "stamp" if kind is BearerKind.OFFICE else "appearance"
    await remember(sha256, size, room="people", row=bearer, purpose=purpose, media_type="image/png", at=at)


async def _put_own(person: Principal, bearer: Bearer, draft: Draft, at: datetime) -> None:
    await put_version(
        bearer.kind, bearer.columns, sha256=draft.clean_sha256, quality=draft.quality, made_by=person.actor, actor=person.actor, at=at
    )


async def _seen(person: Principal, bearer: Bearer, seen_sha256: str, at: datetime) -> Draft:
    draft = await draft_of(person, bearer, at)
    if draft is None:
        raise NotFound("This picture is not here any more: it was used or dropped, or a day went by. Upload it again.", code="draft")
    if not draft.clean_sha256:
        raise Refused(
            "This picture could not be cleaned, so it cannot be used. Adjust it, or upload another.", box="file", rule="image clean"
        )
    if draft.clean_sha256 != seen_sha256:
        raise Conflict("The picture was adjusted in another window meanwhile. Look at it again, then use it.", code="draft")
    return draft


def _title(bearer: Bearer) -> str:
    if bearer.kind is BearerKind.OFFICE:
        return f"New stamp for the office {bearer.detail}: {bearer.name}"[:200]
    return "New signature picture of an officer"
