"""What a person works on: kept for them alone, for a day, and never lost to a file that is no picture or a busy moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from engine.contracts.drawing import Adjust
from engine.errors import Conflict, EngineError, Forbidden, NotFound, Refused, Unavailable
from engine.people import pictures
from engine.people.pictures import drafts
from engine.people.pictures.drafts import spend_draft
from engine.people.pictures.tables import PictureDraft
from engine.scope import PUBLIC, Scope
from engine.store import uow
from engine.store.files import forget, remember
from engine.store.orphans import _unnamed
from engine.store.tables import Blob, BlobRef
from tests.people.pictures.conftest import Studio


async def test_an_upload_is_kept_with_what_was_made_of_it(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    draft = await studio.upload(person, office)
    assert (draft.quality, draft.notes, draft.problem, draft.adjust) == (80, ("The ink is pale.",), "", Adjust())
    assert (await studio.files.get(draft.original_sha256)) == b"a photo"
    assert (await studio.files.get(draft.clean_sha256)).startswith(b"\x89PNG")


async def test_there_is_one_draft_for_each_person_and_bearer(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    first = await studio.upload(person, office, b"one")
    second = await studio.upload(person, office, b"two")
    assert first.id != second.id
    assert await PictureDraft.count() == 1
    assert await studio.files.get((await studio.draft(person, office)).original_sha256) == b"two"


async def test_nobody_else_has_a_persons_draft(studio: Studio) -> None:
    mine, other = await studio.administrator(), await studio.administrator("second@eia.example.in")
    officer = await studio.officer()
    office, hand = await studio.office(), await studio.bearer()
    await studio.upload(mine, office)
    await studio.upload(mine, hand)
    for person in (other, officer):
        for bearer in (office, hand):
            assert await pictures.draft_of(person, bearer, studio.people.at) is None
            with pytest.raises(NotFound):
                await studio.adjust(person, bearer, Adjust(threshold=5))
            with pytest.raises(NotFound):
                await studio.use(person, bearer, "0" * 64)
            await pictures.drop_draft(person, bearer, studio.people.at)
    assert await PictureDraft.count() == 2


async def test_what_is_no_picture_leaves_the_draft_before(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    before = await studio.upload(person, office)
    studio.room.fails.append(Refused("The file is not a picture we take."))
    with pytest.raises(Refused, match="not a picture"):
        await studio.upload(person, office, b"%PDF")
    assert await studio.draft(person, office) == before


async def test_an_upload_that_meets_a_busy_room_is_kept_and_looked_at_later(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    studio.room.fails.append(Unavailable("Too many wait.", code="busy"))
    with pytest.raises(Unavailable):
        await studio.upload(person, office)
    kept = await studio.draft(person, office)
    assert (kept.preview_sha256, kept.clean_sha256) == ("", "")
    with pytest.raises(Refused, match="could not be cleaned"):
        await studio.use(person, office, "")
    await studio.adjust(person, office, Adjust())
    assert (await studio.draft(person, office)).clean_sha256


async def test_what_was_kept_unseen_and_is_no_picture_goes_when_it_is_seen(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    studio.room.fails += [Refused("The file is not a picture we take."), Unavailable("Too many wait.")]
    with pytest.raises(Unavailable):
        await studio.upload(person, office, b"<svg/>")
    with pytest.raises(Refused, match="not a picture"):
        await studio.adjust(person, office, Adjust())
    assert await PictureDraft.count() == 0


@pytest.mark.parametrize("error", [Unavailable("Too many wait."), Refused("Broken.")])
async def test_adjusting_that_fails_leaves_the_draft_as_it_was(studio: Studio, error: EngineError) -> None:
    person, office = await studio.administrator(), await studio.office()
    before = await studio.upload(person, office)
    studio.room.fails.append(error)
    with pytest.raises(type(error)):
        await studio.adjust(person, office, Adjust(threshold=9))
    assert await studio.draft(person, office) == before


async def test_a_picture_that_cannot_be_cleaned_says_why_and_can_be_adjusted(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    studio.room.problems.append("There is no ink in it.")
    assert (await studio.upload(person, office)).problem == "There is no ink in it."
    with pytest.raises(Refused, match="could not be cleaned"):
        await studio.use(person, office, "")
    wanted = Adjust(threshold=-20, crop=(100, 0, 900, 1000), rotation=-35)
    await studio.adjust(person, office, wanted)
    draft = await studio.draft(person, office)
    assert (draft.problem, draft.adjust) == ("", wanted)


async def test_a_draft_lasts_a_day_from_the_last_touch_and_leaves_nothing(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    await studio.upload(person, office)
    studio.people.later(hours=20)
    await studio.adjust(person, office, Adjust(threshold=3))
    studio.people.later(hours=23)
    draft = await studio.draft(person, office)
    studio.people.later(hours=1)
    assert await pictures.draft_of(person, office, studio.people.at) is None
    person = await studio.signed_in(person.email, person.account_id)
    with pytest.raises(NotFound):
        await studio.use(person, office, draft.clean_sha256)
    with pytest.raises(NotFound):
        await studio.adjust(person, office, Adjust())
    studio.people.later(minutes=-1)
    assert await pictures.drop_old_drafts(studio.people.at - timedelta(minutes=1)) == 0
    assert await pictures.drop_old_drafts(studio.people.at) == 1
    assert (await PictureDraft.count(), await BlobRef.count(), await Blob.count()) == (0, 0, 0)


async def test_a_draft_that_its_maker_goes_on_with_is_not_dropped(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is renewed after the round chose it and before the round deletes it."""
    person, office = await studio.administrator(), await studio.office()
    draft = await studio.upload(person, office)
    kept = await BlobRef.count()
    studio.people.later(hours=25)

    @asynccontextmanager
    async def late() -> AsyncIterator[None]:
        async with uow():
            await PictureDraft.update({PictureDraft.expires_at: studio.people.at + timedelta(hours=1)}).where(PictureDraft.id == draft.id)
        async with uow():
            yield

    monkeypatch.setattr(drafts, "uow", late)
    assert await pictures.drop_old_drafts(studio.people.at) == 0
    assert (await studio.draft(person, office)).id == draft.id
    assert await BlobRef.count() == kept


@pytest.mark.parametrize("wrong", ["officer without agency", "office without agency", "another bearer", "user without firm", "two"])
async def test_a_draft_has_one_bearer_of_the_kind_it_says_with_its_agency_or_firm(studio: Studio, wrong: str) -> None:
    user, _ = await studio.user(), await studio.officer()
    office, officer, hand = await studio.office(), await studio.bearer(), await pictures.own_bearer(user)
    columns: dict[str, Any] = {
        "officer without agency": {"bearer": "officer", "officer": officer.id},
        "office without agency": {"bearer": "office", "office": office.id},
        "another bearer": {"bearer": "officer", **office.columns},
        "user without firm": {"bearer": "user", "exporter_user": hand.id},
        "two": {"bearer": "officer", **officer.columns, **hand.columns},
    }[wrong]
    at = studio.people.at
    with pytest.raises(Conflict) as refused:
        async with uow():
            await PictureDraft.insert(PictureDraft(account=user.account_id, desk=wrong, made_at=at, expires_at=at, **columns))
    assert refused.value.code == "integrity"


async def test_a_draft_is_spent_once(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    draft = await studio.upload(person, office)

    async def spend() -> bool:
        try:
            async with uow():
                await spend_draft(draft.id)
        except Conflict:
            return False
        return True

    assert sorted(await asyncio.gather(*(spend() for _ in range(4)))) == [False, False, False, True]


async def test_two_uploads_at_once_leave_one_draft(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    done = await asyncio.gather(*(studio.upload(person, office, bytes([65 + n]) * 9) for n in range(4)), return_exceptions=True)
    assert all(isinstance(each, pictures.Draft | Conflict) for each in done)
    assert await PictureDraft.count() == 1
    draft = await studio.draft(person, office)
    kept = {row["sha256"] for row in await BlobRef.select(BlobRef.sha256)}
    assert kept == {draft.original_sha256, draft.preview_sha256, draft.clean_sha256}


async def test_a_file_that_another_row_keeps_is_not_forgotten_with_the_draft(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    draft = await studio.upload(person, office)
    async with uow():
        await remember(draft.clean_sha256, 1, room="people", row="another", purpose="stamp", media_type="image/png", at=studio.people.at)
    await pictures.drop_draft(person, office, studio.people.at)
    assert [row["sha256"] for row in await Blob.select(Blob.sha256)] == [draft.clean_sha256]


async def test_a_file_that_is_kept_while_another_forgets_it_is_no_orphan(studio: Studio) -> None:
    async with uow():
        await BlobRef.insert(BlobRef(room="people", row="x", sha256="ab" * 32, purpose="stamp"))
    assert await _unnamed(["ab" * 32, "cd" * 32]) == ["cd" * 32]
    async with uow():
        await forget(room="people", row="x", purpose="stamp")
    assert await _unnamed(["ab" * 32]) == ["ab" * 32]


async def test_whose_picture_it_is_is_found_within_the_scope_alone(studio: Studio) -> None:
    people = studio.people
    person, officer = await studio.administrator(), await studio.officer()
    foreign, own = await studio.foreign_office(), await studio.bearer()
    said = set()
    for scope, office in (
        (person.scope, foreign),
        (person.scope, uuid4()),
        (Scope.agency(uuid4()), people.office_id),
        (PUBLIC, people.office_id),
    ):
        with pytest.raises(NotFound) as refused:
            await pictures.bearer_office(scope, office)
        said.add(refused.value.say)
    for scope in (Scope.agency(uuid4()), PUBLIC, officer.scope, Scope.offices(people.agency_id, frozenset({own.id}))):
        with pytest.raises(NotFound):
            await pictures.bearer_officer(scope, own.id)
    assert len(said) == 1


async def test_only_who_signs_has_a_hand_of_their_own(studio: Studio) -> None:
    administrator, officer = await studio.administrator(), await studio.officer()
    signer, reader = await studio.user(), await studio.user("reader@firm.example.in", "see,submit")
    assert (await pictures.own_bearer(officer)).account_id == officer.account_id
    assert (await pictures.own_bearer(signer)).account_id == signer.account_id
    for person in (administrator, reader):
        with pytest.raises(Forbidden):
            await pictures.own_bearer(person)
