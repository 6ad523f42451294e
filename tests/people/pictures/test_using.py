"""From a draft to the picture in use: two persons, the very picture that was seen, one version at a time."""

import asyncio
from uuid import UUID

import pytest

from engine.contracts.drawing import Adjust, CleanImage, ImageKind, ImageRequest
from engine.errors import Conflict, EngineError, Forbidden, Refused
from engine.people import find_office, find_officer, pictures, put_appearance, put_stamp
from engine.people.changes import ChangeState, refuse, run_due, withdraw
from engine.people.pictures import BearerKind, forget_unmade, put_version
from engine.people.pictures.tables import Appearance, PictureDraft, Stamp
from engine.people.tables import Exporter, ExporterUser, Officer
from engine.scope import PLATFORM
from engine.store import uow
from engine.store.engines import Engine
from engine.store.tables import AuditEntry, Blob, BlobRef
from tests.people.pictures.conftest import BASE, EFFECTS, Studio, rename

OFFICER = "officer@eia.example.in"


async def test_a_stamp_is_used_when_a_second_person_confirmed_it(studio: Studio) -> None:
    first, second, office = await studio.administrator(), await studio.administrator("second@eia.example.in"), await studio.office()
    change = await studio.ask(first, office)
    assert (change.waiting, change.kind, change.office_id) == (True, "stamp", office.id)
    assert await studio.live(office) is None
    with pytest.raises(Forbidden):
        await studio.confirm(change, first)
    assert await studio.live(office) is None
    await studio.confirm(change, second)
    live = await studio.live(office)
    assert (live.number, live.sha256, live.quality) == (1, change.payload["sha256"], 80)
    found = await find_office(PLATFORM, "EIA", "MUM")
    assert (found.stamp_sha256, found.stamp_version) == (live.sha256, 1)
    assert await BlobRef.exists().where(BlobRef.sha256 == live.sha256, BlobRef.purpose == "stamp")
    assert await PictureDraft.count() == 0


async def test_who_uploaded_and_who_confirmed_is_listed(studio: Studio) -> None:
    first, second, office = await studio.administrator(), await studio.administrator("second@eia.example.in"), await studio.office()
    await rename(first.account_id, "Meera Iyer")
    await rename(second.account_id, "R. Kulkarni")
    await put_stamp(await find_office(PLATFORM, "EIA", "MUM"), await _image(studio), "1" * 64, actor="cli", at=studio.people.at)
    studio.people.later(minutes=5)
    await studio.confirm(await studio.ask(first, office), second)
    newest, oldest = await pictures.versions_of(office)
    assert (newest.number, newest.live, newest.uploaded_by, newest.confirmed_by) == (2, True, "Meera Iyer", "R. Kulkarni")
    assert (oldest.number, oldest.until_at, oldest.uploaded_by, oldest.confirmed_by) == (1, newest.from_at, "", "")


async def test_an_officers_own_picture_is_confirmed_by_an_administrator(studio: Studio) -> None:
    administrator, officer = await studio.administrator(), await studio.officer()
    hand = await pictures.own_bearer(officer)
    change = await studio.ask(officer, hand)
    with pytest.raises(Forbidden):
        await studio.confirm(change, officer)
    await studio.confirm(change, administrator)
    assert (await find_officer(PLATFORM, OFFICER)).appearance_sha256 == change.payload["sha256"]


async def test_an_administrators_upload_for_an_officer_may_be_confirmed_by_that_officer_and_no_other(studio: Studio) -> None:
    administrator, officer, other = await studio.administrator(), await studio.officer(), await studio.officer("other@eia.example.in")
    hand = await studio.bearer()
    change = await studio.ask(administrator, hand)
    with pytest.raises(Refused):
        await studio.confirm(change, other)
    assert await studio.live(hand) is None
    await studio.confirm(change, officer)
    assert (await studio.live(hand)).sha256 == change.payload["sha256"]


async def test_the_first_stamp_of_a_lone_administrator_is_used_at_once_and_the_next_waits_for_its_time(studio: Studio) -> None:
    lone, office = await studio.administrator(), await studio.office()
    assert (await studio.ask(lone, office)).done
    first = await studio.live(office)
    change = await studio.ask(lone, office, b"another photo")
    assert change.waiting
    assert change.due_at is not None
    assert await studio.live(office) == first
    people = studio.people.later(hours=studio.people.limits.lone_hours + 1)
    await run_due(effects=EFFECTS, box=people.box, base=BASE, limits=people.limits, at=people.at)
    assert (await studio.live(office)).number == 2


async def test_an_exporters_user_uses_their_own_hand_at_once_and_only_freshly_proved(studio: Studio) -> None:
    user = await studio.user()
    hand = await pictures.own_bearer(user)
    await studio.upload(user, hand)
    studio.people.later(minutes=26)
    with pytest.raises(Forbidden) as refused:
        await studio.use(user, hand)
    assert refused.value.code == "prove"
    assert await studio.live(hand) is None
    studio.people.later(minutes=-26)
    assert await studio.use(user, hand) is None
    assert (await studio.live(hand)).number == 1
    await studio.upload(user, hand, b"another")
    await studio.use(user, hand)
    assert [version.number for version in await pictures.versions_of(hand)] == [2, 1]


async def test_an_old_proof_asks_for_no_change(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    await studio.upload(person, office)
    studio.people.later(minutes=26)
    with pytest.raises(Forbidden):
        await studio.use(person, office)
    assert await PictureDraft.count() == 1


async def test_what_is_used_is_what_was_seen(studio: Studio) -> None:
    person, office = await studio.administrator(), await studio.office()
    seen = await studio.upload(person, office)
    await studio.adjust(person, office, Adjust(threshold=20))
    with pytest.raises(Conflict, match="another window"):
        await studio.use(person, office, seen.clean_sha256)
    assert await studio.live(office) is None
    assert (await studio.draft(person, office)).adjust.threshold == 20


async def test_a_low_score_needs_the_persons_word(studio: Studio) -> None:
    studio.room.quality = pictures.LEAST_SCORE - 1
    person, office = await studio.administrator(), await studio.office()
    await studio.upload(person, office)
    with pytest.raises(Refused) as refused:
        await studio.use(person, office)
    assert refused.value.box == "despite"
    assert (await studio.use(person, office, despite=True)) is not None
    assert (await studio.live(office)).quality == pictures.LEAST_SCORE - 1


async def test_a_second_upload_while_a_change_waits_is_kept_and_not_used(studio: Studio) -> None:
    first, second, office = await studio.administrator(), await studio.administrator("second@eia.example.in"), await studio.office()
    change = await studio.ask(first, office)
    for person in (first, second):
        await studio.upload(person, office, b"a later one")
        with pytest.raises(Conflict) as refused:
            await studio.use(person, office)
        assert refused.value.code == "change_waits"
        assert await studio.draft(person, office)
    await studio.confirm(change, second)
    assert (await studio.live(office)).sha256 == change.payload["sha256"]
    assert await studio.use(first, office) is not None


async def test_a_change_that_ended_lets_the_next_one_in(studio: Studio) -> None:
    first, second, office = await studio.administrator(), await studio.administrator("second@eia.example.in"), await studio.office()
    refused = await studio.ask(first, office)
    await refuse(refused.id, second, "blurred", box=studio.people.box, at=studio.people.at)
    withdrawn = await studio.ask(first, office)
    await withdraw(withdrawn.id, first, at=studio.people.at)
    assert await studio.live(office) is None
    await studio.confirm(await studio.ask(first, office), second)
    assert (await studio.live(office)).number == 1


@pytest.mark.parametrize("how", ["refused", "withdrawn", "overtaken"])
async def test_the_picture_of_a_change_that_was_not_made_is_not_kept(studio: Studio, how: str) -> None:
    people, lone = studio.people, await studio.administrator()
    asker, bearer = lone, await studio.office()
    if how == "overtaken":  # a second stamp of a lone administrator waits for its time
        await studio.ask(lone, bearer, b"the first one")
    else:
        asker = await studio.officer()
        bearer = await pictures.own_bearer(asker)
    change = await studio.ask(asker, bearer)
    assert await _kept(change.payload["sha256"]) == [(str(change.id), "change")]
    assert await forget_unmade() == 0
    assert await _kept(change.payload["sha256"]) == [(str(change.id), "change")]
    if how == "refused":
        await refuse(change.id, lone, "blurred", box=people.box, at=people.at)
    elif how == "withdrawn":
        await withdraw(change.id, asker, at=people.at)
    else:
        await put_stamp(await find_office(PLATFORM, "EIA", "MUM"), await _image(studio), "7" * 64, actor="cli", at=people.at)
        people.later(hours=people.limits.lone_hours + 1)
        await run_due(effects=EFFECTS, box=people.box, base=BASE, limits=people.limits, at=people.at)
    assert await forget_unmade() == 1
    assert await _kept(change.payload["sha256"]) == []
    assert not await Blob.exists().where(Blob.sha256 == change.payload["sha256"]), "an orphan, which the round over files deletes"
    assert await forget_unmade() == 0


async def test_the_picture_of_a_change_that_was_made_is_kept_for_good(studio: Studio) -> None:
    first, office = await studio.administrator(), await studio.office()
    at_once = await studio.ask(first, office)
    assert at_once.done
    second = await studio.administrator("second@eia.example.in")
    change = await studio.ask(first, office, b"another photo")
    await studio.confirm(change, second)
    assert await forget_unmade() == 0
    for made in (at_once, change):
        assert await _kept(made.payload["sha256"]) == [(str(office.id), "stamp")]


async def test_a_picture_that_one_refused_change_and_a_live_version_share_is_kept(studio: Studio) -> None:
    first, second, office = await studio.administrator(), await studio.administrator("second@eia.example.in"), await studio.office()
    await studio.confirm(await studio.ask(first, office), second)
    again = await studio.ask(first, office)
    await refuse(again.id, second, "the same", box=studio.people.box, at=studio.people.at)
    assert await forget_unmade() == 1
    assert await _kept(again.payload["sha256"]) == [(str(office.id), "stamp")]


async def _kept(sha256: str) -> list[tuple[str, str]]:
    return [(row["row"], row["purpose"]) for row in await BlobRef.select(BlobRef.row, BlobRef.purpose).where(BlobRef.sha256 == sha256)]


async def test_two_confirmations_at_once_make_one_version(studio: Studio) -> None:
    first, office = await studio.administrator(), await studio.office()
    others = [await studio.administrator(f"{name}@eia.example.in") for name in ("b", "c", "d")]
    change = await studio.ask(first, office)
    done = await asyncio.gather(*(studio.confirm(change, each) for each in others), return_exceptions=True)
    assert sum(not isinstance(each, BaseException) for each in done) == 1
    assert all(isinstance(each, Conflict) for each in done if isinstance(each, BaseException))
    assert [row["version"] for row in await Stamp.select(Stamp.version)] == [1]
    assert await AuditEntry.count().where(AuditEntry.act == "stamp_put") == 1


async def test_of_pictures_put_at_once_one_is_live(studio: Studio, empty_database: Engine) -> None:
    office = await studio.office()

    async def put(n: int) -> bool:
        try:
            await put_version(
                BearerKind.OFFICE, office.columns, sha256=f"{n:064x}", quality=70, made_by="test", actor="test", at=studio.people.at
            )
        except EngineError:
            return False
        return True

    done = await asyncio.gather(*(put(n) for n in range(6)))
    rows = await Stamp.select(Stamp.version, Stamp.ended_at).order_by(Stamp.version)
    assert [row["version"] for row in rows] == list(range(1, sum(done) + 1))
    assert [row["ended_at"] is None for row in rows] == [False] * (sum(done) - 1) + [True]


async def test_a_change_that_another_picture_overtook_makes_nothing(studio: Studio) -> None:
    first, second, office = await studio.administrator(), await studio.administrator("second@eia.example.in"), await studio.office()
    change = await studio.ask(first, office)
    await put_stamp(await find_office(PLATFORM, "EIA", "MUM"), await _image(studio), "7" * 64, actor="cli", at=studio.people.at)
    with pytest.raises(Conflict, match="Another picture"):
        await studio.confirm(change, second)
    assert (await studio.live(office)).sha256 == "7" * 64


async def test_a_deactivated_officers_picture_is_not_confirmed(studio: Studio) -> None:
    administrator, other = await studio.administrator(), await studio.administrator("second@eia.example.in")
    await studio.officer()
    hand = await studio.bearer()
    change = await studio.ask(administrator, hand)
    async with uow():
        await Officer.update({Officer.active: False}).where(Officer.id == hand.id)
    with pytest.raises(Refused, match="deactivated"):
        await studio.confirm(change, other)
    assert await studio.live(hand) is None


async def test_a_change_names_neither_persons_nor_pictures_in_the_audit(studio: Studio) -> None:
    first, second, office = await studio.administrator(), await studio.administrator("second@eia.example.in"), await studio.office()
    change = await studio.ask(first, office)
    await studio.confirm(change, second)
    [put] = await AuditEntry.select().where(AuditEntry.act == "stamp_put")
    assert (put["subject"], put["before_sha256"], put["after_sha256"]) == (str(office.id), "", change.payload["sha256"])
    assert put["actor"] == f"change:{change.id}"
    assert change.state is ChangeState.WAITING
    assert set(change.payload) == {"sha256", "size", "score", "instead_of"}


async def test_the_doors_of_who_makes_a_site_apply_at_once(studio: Studio) -> None:
    await studio.officer()
    image = await _image(studio)
    here, officer = await find_office(PLATFORM, "EIA", "MUM"), await find_officer(PLATFORM, OFFICER)
    assert [await put_stamp(here, image, f"{n:064x}", actor="demo", at=studio.people.at) for n in (1, 2)] == [1, 2]
    assert [await put_appearance(officer, image, f"{n:064x}", actor="demo", at=studio.people.at) for n in (3, 4)] == [1, 2]
    assert (await find_office(PLATFORM, "EIA", "MUM")).stamp_version == 2
    assert (await find_officer(PLATFORM, OFFICER)).appearance_sha256 == f"{4:064x}"


async def test_a_hand_is_an_officers_or_a_users_and_of_their_own_agency_or_firm(studio: Studio) -> None:
    user, _ = await studio.user(), await studio.officer()
    officer, hand = await studio.bearer(), await pictures.own_bearer(user)
    [firm] = await Exporter.select(Exporter.id).where(Exporter.id == hand.exporter_id)
    other = Exporter(iec="0399000009", name="Another")
    async with uow():
        await Exporter.insert(other)
    wrong: list[dict[str, UUID | None]] = [
        {},
        {**officer.columns, **hand.columns},
        {"agency": officer.agency_id, "exporter": firm["id"], "exporter_user": hand.id},
        {"exporter": UUID(str(other.id)), "exporter_user": hand.id},
        {"officer": officer.id},
    ]
    for n, columns in enumerate(wrong):
        live = str(columns.get("officer") or columns.get("exporter_user") or n)
        row = Appearance(version=1, live_key=live, sha256="1" * 64, quality=1, made_by="test", made_at=studio.people.at, **columns)
        with pytest.raises(EngineError):
            async with uow():
                await Appearance.insert(row)
    assert await ExporterUser.count() == 1


async def _image(studio: Studio) -> CleanImage:
    clean = (await studio.room.develop(ImageRequest(ImageKind.STAMP, b"x"))).clean
    assert clean is not None
    return clean
