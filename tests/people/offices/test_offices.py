"""Keeping offices: what a scope covers, what is fixed, and what the database itself refuses."""

import asyncio
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from engine.errors import Conflict, NotFound, Refused
from engine.people import OfficeHere, add_agency, add_office, find_office
from engine.people.offices.details import OfficeDetails
from engine.people.offices.holidays import holidays_of, put_holidays, read_holidays, remove_holiday
from engine.people.offices.keeping import change_office, mapped_to, office_by_id, offices_of, switch_office
from engine.people.offices.needs import signing_at
from engine.people.tables import Holiday
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.engines import Engine
from engine.store.tables import AuditEntry
from tests.ready import make_ready

AT = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
DETAILS = OfficeDetails("MUM", "Mumbai Office", "Mumbai", "1 Churchgate Road", "400020", "27")


@pytest.fixture
async def offices(built_database: Engine) -> list[OfficeHere]:
    """Two offices of one agency, and one of another."""
    agency, other = [await add_agency(code, code, actor="test", at=AT) for code in ("EIA", "TXC")]
    made = [
        await add_office(of, code, code, "A City", actor="test", at=AT) for of, code in ((agency, "MUM"), (agency, "DEL"), (other, "KOL"))
    ]
    return [await office_by_id(PLATFORM, id) for id in made]


async def test_each_scope_sees_its_own_offices(offices: list[OfficeHere]) -> None:
    mumbai, delhi, kolkata = offices
    seen = {
        PLATFORM: ["DEL", "MUM", "KOL"],
        Scope.agency(mumbai.agency_id): ["DEL", "MUM"],
        Scope.offices(mumbai.agency_id, frozenset({delhi.id})): ["DEL"],
        Scope.offices(mumbai.agency_id, frozenset({kolkata.id})): [],
        Scope.exporter(uuid4()): [],
        PUBLIC: [],
    }
    for scope, codes in seen.items():
        assert [office.code for office in await offices_of(scope)] == codes


async def test_a_foreign_office_reads_like_none_and_stays_as_it_is(offices: list[OfficeHere]) -> None:
    mumbai, _, kolkata = offices
    scope = Scope.agency(kolkata.agency_id)
    says = set()
    for id in (mumbai.id, uuid4()):
        for act in (
            office_by_id(scope, id),
            change_office(scope, id, DETAILS, actor="x", at=AT),
            switch_office(scope, id, on=False, actor="x", at=AT),
        ):
            with pytest.raises(NotFound) as refused:
                await act
            says.add((refused.value.code, refused.value.say))
    assert len(says) == 1
    assert await office_by_id(PLATFORM, mumbai.id) == mumbai
    assert await mapped_to(scope, mumbai.id) == []
    assert await holidays_of(scope, mumbai.id, since=date(2000, 1, 1)) == []
    [theirs] = await _holiday(mumbai)
    with pytest.raises(NotFound):
        await remove_holiday(kolkata, theirs, actor="x", at=AT)
    assert await Holiday.count() == 1


async def _holiday(office: OfficeHere) -> list[UUID]:
    await put_holidays(office, {date(2027, 1, 26): "Republic Day"}, actor="test", at=AT)
    return [row["id"] for row in await Holiday.select(Holiday.id)]


async def test_a_change_keeps_what_it_does_not_name_and_is_audited_by_field(offices: list[OfficeHere]) -> None:
    mumbai = offices[0]
    await change_office(PLATFORM, mumbai.id, DETAILS, actor="account:x", at=AT)
    await change_office(PLATFORM, mumbai.id, DETAILS, actor="account:x", at=AT)  # nothing changes, nothing is written
    found = await office_by_id(PLATFORM, mumbai.id)
    assert (found.name, found.pin, found.state, found.active) == ("Mumbai Office", "400020", "27", True)
    [entry] = await AuditEntry.select(AuditEntry.detail).where(AuditEntry.act == "office_changed")
    assert entry["detail"] == '{"fields": ["address", "city", "name", "pin", "state"]}'
    assert "Churchgate" not in entry["detail"]


async def test_a_code_is_taken_once_in_an_agency_and_never_changes(offices: list[OfficeHere]) -> None:
    mumbai, delhi, _ = offices
    with pytest.raises(Conflict, match="has an office DEL already"):
        await add_office(mumbai.agency_id, "DEL", "x", "x", actor="x", at=AT)
    for code in ("NDL", "MUM"):
        with pytest.raises(Conflict, match="never changes"):
            await change_office(PLATFORM, delhi.id, OfficeDetails(code, "x", "x"), actor="x", at=AT)
    await change_office(PLATFORM, delhi.id, OfficeDetails("DEL", "New Name", "x"), actor="x", at=AT)
    assert (await office_by_id(PLATFORM, delhi.id)).name == "New Name"


async def test_two_that_add_one_code_at_once_make_one_office(offices: list[OfficeHere]) -> None:
    agency = offices[0].agency_id
    done = await asyncio.gather(*(add_office(agency, "CHE", "x", "x", actor="x", at=AT) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, UUID) for each in done) == 1
    assert sum(isinstance(each, Conflict) for each in done) == 3


async def test_a_switched_off_office_is_found_by_its_keeper_and_by_nobody_who_files(offices: list[OfficeHere]) -> None:
    mumbai = offices[0]
    await switch_office(PLATFORM, mumbai.id, on=False, actor="x", at=AT)
    assert not (await office_by_id(PLATFORM, mumbai.id)).active
    with pytest.raises(Refused, match="switched off"):
        await find_office(PLATFORM, "EIA", "MUM")


async def test_who_can_sign_is_told_for_one_office_and_for_all(offices: list[OfficeHere]) -> None:
    mumbai, delhi, kolkata = offices
    officer = await make_ready(mumbai.agency_id, mumbai.id, AT)
    await make_ready(mumbai.agency_id, delhi.id, AT, officer=officer)
    await make_ready(kolkata.agency_id, kolkata.id, AT)
    everywhere = await signing_at(mumbai.agency_id, at=AT)
    assert {office: [each.officer for each in found] for office, found in everywhere.items()} == {mumbai.id: [officer], delhi.id: [officer]}
    alone = await signing_at(mumbai.agency_id, mumbai.id, at=AT)
    assert list(alone) == [mumbai.id]
    assert alone[mumbai.id][0].faults == ()
    late = await signing_at(mumbai.agency_id, mumbai.id, at=AT.replace(year=2030))
    assert "not valid today" in late[mumbai.id][0].faults[0]


async def test_a_holiday_is_once_a_day_and_of_its_own_office(offices: list[OfficeHere]) -> None:
    mumbai, _, kolkata = offices
    day = date(2027, 1, 26)
    await put_holidays(mumbai, {day: "Republic Day"}, actor="x", at=AT)
    await put_holidays(mumbai, {day: "26 January"}, actor="x", at=AT)
    assert [each.name for each in await holidays_of(PLATFORM, mumbai.id, since=day)] == ["26 January"]
    for wrong in ({"agency": mumbai.agency_id, "office": mumbai.id}, {"agency": kolkata.agency_id, "office": mumbai.id}):
        with pytest.raises(Conflict):
            async with uow():
                await Holiday.insert(Holiday(**wrong, closed_on=day, name="x"))


def test_a_list_is_read_in_the_ways_that_people_write_dates() -> None:
    told = "2027-01-26 A\n26/03/2027 - B\n1-5-2027; C\n02.10.2027 D, with a comma\n25 Dec 2027 E\n1 January, 2028 F"
    assert read_holidays(told) == {
        date(2027, 1, 26): "A",
        date(2027, 3, 26): "B",
        date(2027, 5, 1): "C",
        date(2027, 10, 2): "D, with a comma",
        date(2027, 12, 25): "E",
        date(2028, 1, 1): "F",
    }


def test_every_wrong_line_is_named() -> None:
    with pytest.raises(Refused) as refused:
        read_holidays("2027-01-26 A\nrubbish\n2027-02-30 B\n2027-01-26 C")
    assert [problem.say.split(" ")[1] for problem in refused.value.problems] == ["2", "3", "4"]
