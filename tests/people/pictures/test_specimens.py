"""Which stamps and hands were in force on a day, to the minute, in Indian time."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

from engine.people import add_office, add_officer, find_office, find_officer, map_officer, put_appearance, put_stamp
from engine.people.access import RoleKind
from engine.people.changes import Change, ChangeState
from engine.people.pictures import Specimens, specimens_of
from engine.people.staff.activating import apply_officer_again, deactivate_officer, redesignate, unmap_officer
from engine.people.staff.roster import officer_seen
from engine.people.staff.spells import Off
from engine.people.tables import Officer
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
    scope = Scope.agency(people.agency_id)
    await unmap_officer(scope, row["id"], people.office_id, actor="test", at=EARLY + timedelta(days=2))
    assert [await hands_of(studio, day) for day in (1, 2, 3, 4)] == [["a", "b"], ["b"], ["b"], []]
    await map_officer(people.agency_id, row["id"], people.office_id, actor="test", at=EARLY + timedelta(days=2, hours=1))
    assert [await hands_of(studio, day) for day in (3, 5)] == [["b"], ["b"]]
    await deactivate_officer(scope, row["id"], "left", box=people.box, actor="test", at=EARLY + timedelta(days=6))
    assert [await hands_of(studio, day) for day in (7, 8)] == [["b"], []]


async def test_a_past_day_shows_who_was_active_on_it_and_under_the_designation_of_that_day(studio: Studio) -> None:
    """On the 1st a Director, on the 3rd and 4th deactivated, from the 6th on a Joint Director, and deactivated from the 8th."""
    people = studio.people
    await studio.officer()
    [row] = await Officer.select(Officer.id)
    scope, officer = Scope.agency(people.agency_id), row["id"]
    away = {"actor": "test"}
    await deactivate_officer(scope, officer, "on leave", box=people.box, at=EARLY + timedelta(days=1), **away)
    await _again(people.agency_id, officer, EARLY + timedelta(days=4))
    await redesignate(scope, officer, "Joint Director", at=EARLY + timedelta(days=5), **away)
    await deactivate_officer(scope, officer, "retired", box=people.box, at=EARLY + timedelta(days=7), **away)
    await redesignate(scope, officer, "Retired", at=EARLY + timedelta(days=8), **away)

    async def bore(day: int) -> list[str]:
        return [officer.designation for office in (await sheet(studio, day)).offices for officer in office.officers]

    named = {day: await bore(day) for day in range(1, 11)}
    assert named == {
        1: ["Director"],
        2: ["Director"],
        3: [],
        4: [],
        5: ["Director"],
        6: ["Director, then Joint Director"],
        7: ["Joint Director"],
        8: ["Joint Director"],
        9: [],
        10: [],
    }
    seen = (await officer_seen(scope, officer, people.at)).officer
    assert (seen.designation, seen.off) == ("Retired", Off(EARLY + timedelta(days=7), "retired"))


async def test_who_was_mapped_only_while_they_were_deactivated_is_not_shown_there(studio: Studio) -> None:
    people = studio.people
    await studio.officer()
    [row] = await Officer.select(Officer.id)
    scope, day = Scope.agency(people.agency_id), EARLY + timedelta(days=3)
    await deactivate_officer(scope, row["id"], "on leave", box=people.box, actor="test", at=EARLY)
    await unmap_officer(scope, row["id"], people.office_id, actor="test", at=day)
    await _again(people.agency_id, row["id"], day + timedelta(hours=1))
    assert (await sheet(studio, 4)).offices == ()


async def _again(agency: UUID, officer: UUID, at: datetime) -> None:
    change = Change(
        id=uuid4(),
        kind="officer_again",
        agency_id=agency,
        office_id=None,
        subject=str(officer),
        title="",
        state=ChangeState.DONE,
        payload={"officer": str(officer)},
        asked_by=uuid4(),
        asker="",
        asked_at=at,
        asked_as=RoleKind.ADMINISTRATOR,
        second=None,
        due_at=None,
        decided_by=None,
        decider="",
        decided_at=at,
        reason="",
    )
    async with uow():
        await apply_officer_again(change, at)


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
