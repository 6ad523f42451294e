"""Which stamps and hands were in force on a day, to the minute, in Indian time."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from engine.people import add_office, add_officer, find_office, find_officer, map_officer, put_appearance, put_stamp
from engine.people.pictures import Specimens, specimens_of
from engine.people.tables import Officer, OfficerOffice
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from tests.people.pictures.conftest import Studio
from tests.people.pictures.test_using import OFFICER, _image

# A minute before and after midnight in India on 1 December 2026.
LATE = datetime(2026, 11, 30, 18, 29, tzinfo=UTC)
EARLY = datetime(2026, 11, 30, 18, 31, tzinfo=UTC)


async def stamp(studio: Studio, sha: str, at: datetime) -> None:
    await put_stamp(await find_office(PLATFORM, "EIA", "MUM"), await _image(studio), sha * 64, actor="test", at=at)


async def hand(studio: Studio, sha: str, at: datetime) -> None:
    await put_appearance(await find_officer(PLATFORM, OFFICER), await _image(studio), sha * 64, actor="test", at=at)


async def sheet(studio: Studio, day: int, month: int = 12) -> Specimens:
    found = await specimens_of(Scope.agency(studio.people.agency_id), studio.people.agency_id, date(2026, month, day))
    assert found is not None
    return found


async def stamps_of(studio: Studio, day: int, month: int = 12) -> list[str]:
    return [each.sha256[0] for office in (await sheet(studio, day, month)).offices for each in office.stamps]


async def hands_of(studio: Studio, day: int, month: int = 12) -> list[str]:
    offices = (await sheet(studio, day, month)).offices
    return [each.sha256[0] for office in offices for officer in office.officers for each in officer.pictures]


async def test_a_day_shows_every_stamp_that_was_used_on_it(studio: Studio) -> None:
    await stamp(studio, "1", LATE - timedelta(days=3))
    await stamp(studio, "2", LATE)
    await stamp(studio, "3", EARLY)
    assert [await stamps_of(studio, day, 11) for day in (26, 27, 28, 30)] == [[], ["1"], ["1"], ["1", "2"]]
    assert [await stamps_of(studio, day) for day in (1, 2)] == [["2", "3"], ["3"]]


async def test_a_hand_is_shown_while_its_officer_is_mapped_and_active(studio: Studio) -> None:
    people = studio.people
    await studio.officer()
    [row] = await Officer.select(Officer.id)
    await hand(studio, "a", LATE - timedelta(days=3))
    await hand(studio, "b", EARLY)
    async with uow():
        await OfficerOffice.update({OfficerOffice.ended_at: EARLY + timedelta(days=2), OfficerOffice.live_key: "over"}).where(
            OfficerOffice.officer == row["id"]
        )
    assert [await hands_of(studio, day) for day in (1, 2, 3, 4)] == [["a", "b"], ["b"], ["b"], []]
    await map_officer(people.agency_id, row["id"], people.office_id, actor="test", at=EARLY + timedelta(days=2, hours=1))
    assert [await hands_of(studio, day) for day in (3, 5)] == [["b"], ["b"]]
    async with uow():
        await Officer.update({Officer.active: False, Officer.off_at: EARLY + timedelta(days=6)}).where(Officer.id == row["id"])
    assert [await hands_of(studio, day) for day in (7, 8)] == [["b"], []]


async def test_an_officer_without_a_picture_is_named_without_one(studio: Studio) -> None:
    await studio.officer()
    [office] = (await sheet(studio, 1)).offices
    assert [(each.name, each.pictures) for each in office.officers] == [("S. Officer", ())]
    assert office.stamps == ()


async def test_an_office_with_nothing_to_show_is_left_out(studio: Studio) -> None:
    assert (await sheet(studio, 1)).offices == ()


async def test_everybody_sees_the_offices_of_their_scope_alone(studio: Studio) -> None:
    people = studio.people
    await studio.officer()
    second = await add_office(people.agency_id, "DEL", "Delhi", "Delhi", actor="test", at=people.at)
    other = await add_officer(people.agency_id, email="d@eia.example.in", name="D. Officer", designation="D", actor="test", at=people.at)
    await map_officer(people.agency_id, other, second, actor="test", at=people.at)
    foreign = await studio.foreign_office()
    day = date(2026, 12, 1)

    async def seen(scope: Scope) -> list[str] | None:
        found = await specimens_of(scope, people.agency_id, day)
        return None if found is None else [office.code for office in found.offices]

    assert await seen(Scope.agency(people.agency_id)) == ["DEL", "MUM"]
    assert await seen(Scope.offices(people.agency_id, frozenset({second}))) == ["DEL"]
    for scope in (
        PUBLIC,
        Scope.agency(uuid4()),
        Scope.offices(people.agency_id, frozenset()),
        Scope.offices(uuid4(), frozenset({foreign})),
    ):
        assert await seen(scope) is None
    assert await specimens_of(Scope.agency(people.agency_id), uuid4(), day) is None
