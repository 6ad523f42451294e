"""The audit read back: scopes, filters, pages without a gap, bounded searches, and the chain checked in stretches."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.errors import Refused
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import audit_reading, uow
from engine.store.audit import audit, chain_breaks, check_chain
from engine.store.audit_reading import Entry, Place, Wanted, chain, entries_of, every_entry, note_export
from engine.store.tables import AuditEntry, AuditUnsealed
from tests.store.test_audit_chain import as_the_owner_of_the_machine, ten_sealed

OURS, THEIRS = uuid4(), uuid4()
ME = "account:me"


async def write(at: datetime, count: int = 1, *, act: str = "act", step: timedelta = timedelta(0), **more: Any) -> None:
    async with uow():
        for index in range(count):
            told = {"subject": f"S{index}", "actor": ME, "agency": OURS} | more
            await audit(act, room="test", at=at + step * index, **told)


async def subjects(scope: Scope = PLATFORM, own: str = ME, **wanted: Any) -> list[str]:
    return [each.subject for each in (await entries_of(scope, own, Wanted(**wanted))).entries]


async def through(scope: Scope, wanted: Wanted, most: int) -> list[Entry]:
    """Every page, one after another."""
    found: list[Entry] = []
    place: Place | None = None
    while True:
        page = await entries_of(scope, ME, wanted, before=place, most=most)
        found += page.entries
        place = page.further
        if place is None:
            return found
        place = Place.of(str(place))  # as it goes through an address


# --- whose ------------------------------------------------------------------------------------------


async def test_a_scope_sees_its_agencys_entries_a_person_their_own_and_a_stranger_none(database, at: datetime) -> None:
    await write(at, agency=OURS, subject="ours")
    await write(at, agency=THEIRS, subject="theirs")
    await write(at, agency="", subject="nobody's", actor="account:other")
    assert set(await subjects()) == {"ours", "theirs", "nobody's"}
    assert await subjects(Scope.agency(OURS)) == ["ours"]
    assert await subjects(Scope.agency(uuid4())) == []
    assert await subjects(PUBLIC) == []
    for narrow in (Scope.offices(OURS, frozenset({uuid4()})), Scope.exporter(OURS), Scope.broker(frozenset({OURS}))):
        assert set(await subjects(narrow)) == {"ours", "theirs"}
        assert await subjects(narrow, "account:other") == ["nobody's"]
        assert await subjects(narrow, "") == []


@pytest.mark.parametrize(
    "wanted",
    [{"agency": str(THEIRS)}, {"subject": "theirs"}, {"about": "theirs"}, {"actors": frozenset({ME})}, {"persons": frozenset({"theirs"})}],
)
async def test_no_filter_widens_a_scope(database, at: datetime, wanted: dict[str, Any]) -> None:
    await write(at, agency=THEIRS, subject="theirs")
    assert await subjects(Scope.agency(OURS), **wanted) == []
    assert await subjects(Scope.offices(OURS, frozenset()), "account:other", **wanted) == []
    assert await subjects(**wanted) == ["theirs"]


# --- what -------------------------------------------------------------------------------------------


async def test_each_filter_finds_what_it_says(database, at: datetime) -> None:
    office = str(uuid4())
    await write(at, subject="APP-1", act="filed")
    await write(at + timedelta(hours=1), subject="APP-2", act="issued", office=office, actor="account:you")
    await write(at + timedelta(hours=2), subject="account-row", act="filed", actor="shell")
    assert await subjects(acts=frozenset({"filed"})) == ["account-row", "APP-1"]
    assert await subjects(office=office) == ["APP-2"]
    assert await subjects(actors=frozenset({"account:you"})) == ["APP-2"]
    assert await subjects(actors=frozenset({"account:you"}), persons=frozenset({"account-row"})) == ["account-row", "APP-2"]
    assert await subjects(since=at + timedelta(hours=1)) == ["account-row", "APP-2"]
    assert await subjects(until=at + timedelta(hours=1)) == ["APP-1"]
    assert await subjects(subject="APP-1") == ["APP-1"]
    assert await subjects(subject="APP-") == []
    assert await subjects(about="pp-") == ["APP-2", "APP-1"]


@pytest.mark.parametrize("about", ["%", "_", "A%1", "A__-1", "\\", "'", "{}", "{0}"])
async def test_what_means_something_to_like_is_looked_for_as_it_is(database, at: datetime, about: str) -> None:
    await write(at, subject="APP-1")
    assert await subjects(about=about) == []
    await write(at, subject=f"x{about}y")
    assert await subjects(about=about) == [f"x{about}y"]


# --- pages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [0, 1])
async def test_pages_follow_each_other_without_gap_or_repetition(database, at: datetime, step: int) -> None:
    await write(at, 53, step=timedelta(microseconds=step))
    for most in (1, 7, 53, 100):
        found = await through(PLATFORM, Wanted(), most)
        assert len(found) == len({each.id for each in found}) == 53
        assert [(each.at, str(each.id)) for each in found] == sorted(((each.at, str(each.id)) for each in found), reverse=True)


async def test_a_page_does_not_move_when_entries_are_added(database, at: datetime) -> None:
    await write(at, 10, step=timedelta(seconds=1))
    first = await entries_of(PLATFORM, ME, Wanted(), most=5)
    await write(at + timedelta(hours=1), 10)
    second = await entries_of(PLATFORM, ME, Wanted(), before=first.further, most=5)
    assert [each.subject for each in (*first.entries, *second.entries)] == [f"S{index}" for index in reversed(range(10))]


@pytest.mark.parametrize(
    "text", ["", "x", "~", "2026-11-21T09:00:00~", f"2026-11-21T09:00:00~{UUID(int=1)}", f"2026-99-21T09:00:00+00:00~{UUID(int=1)}"]
)
async def test_a_place_that_no_page_gave_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        Place.of(text)


async def test_a_search_gives_up_in_time_says_so_and_goes_on(database, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_reading, "REACH", 20)
    await write(at, subject="wanted", act="rare")
    await write(at + timedelta(seconds=1), 50, step=timedelta(seconds=1), act="common")
    first = await entries_of(PLATFORM, ME, Wanted(acts=frozenset({"rare"})))
    assert first.entries == ()
    assert first.looked_back_to == at + timedelta(seconds=30)
    assert [each.subject for each in await through(PLATFORM, Wanted(acts=frozenset({"rare"})), 5)] == ["wanted"]
    everything = await through(PLATFORM, Wanted(acts=frozenset({"rare", "common"})), 7)
    assert len(everything) == len({each.id for each in everything}) == 51


async def test_a_search_that_gives_up_among_entries_of_one_moment_loses_none(
    database, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_reading, "REACH", 4)
    await write(at, 23, act="odd")
    await write(at, 23, act="even")
    found = await through(PLATFORM, Wanted(acts=frozenset({"odd"})), 3)
    assert len(found) == len({each.id for each in found}) == 23


async def test_every_entry_comes_once_and_in_batches(database, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_reading, "_BATCH", 10)
    await write(at, 25, step=timedelta(seconds=1))
    later = at + timedelta(hours=1)
    place = await note_export("csv", Wanted(), actor=ME, agency=str(OURS), at=later)
    await write(later + timedelta(seconds=1), subject="too late")
    batches = [batch async for batch in every_entry(PLATFORM, ME, Wanted(), before=place)]
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert [each.subject for batch in batches for each in batch] == [f"S{index}" for index in reversed(range(25))]
    assert [batch async for batch in every_entry(PUBLIC, ME, Wanted(), before=place)] == []


# --- the chain --------------------------------------------------------------------------------------


async def test_an_entry_says_where_the_chain_holds_it(database, at: datetime) -> None:
    await ten_sealed(at)
    await write(at + timedelta(seconds=1), subject="waits")
    entries = (await entries_of(PLATFORM, ME, Wanted())).entries
    assert entries[0].link is None
    assert sorted(each.link.seq for each in entries[1:] if each.link) == list(range(1, 11))
    told = await chain()
    assert (told.links, told.sealed_at, told.waiting) == (10, at, 1)


async def test_an_empty_chain_is_none(database) -> None:
    told = await chain()
    assert (told.links, told.sealed_at, told.waiting) == (0, None, 0)
    assert await chain_breaks() == []


async def stretches(most: int) -> tuple[int, list[str], int]:
    """All stretches: how many links they compared, what they found, how many there were."""
    links, breaks, mark, count = 0, list[str](), "", 0
    while True:
        checked = await check_chain(mark, most=most)
        assert checked.links <= most
        links, breaks, mark, count = links + checked.links, breaks + list(checked.breaks), checked.mark, count + 1
        if not mark:
            return links, breaks, count


@pytest.mark.parametrize("most", [1, 3, 10, 1000])
async def test_a_check_in_stretches_finds_what_one_in_a_piece_finds(database, at: datetime, most: int) -> None:
    await ten_sealed(at)
    links, breaks, count = await stretches(most)
    assert (links, breaks) == (10, [])
    assert count >= 10 // most
    async with as_the_owner_of_the_machine(database):
        await AuditEntry.raw("UPDATE audit_entry SET actor = 'another' WHERE id = (SELECT entry FROM audit_seal WHERE seq = 4)")
        await AuditEntry.raw("DELETE FROM audit_entry WHERE id = (SELECT entry FROM audit_seal WHERE seq = 6)")
    await write(at, subject="hidden")
    await AuditUnsealed.delete(force=True)
    links, breaks, _ = await stretches(most)
    assert links == 10
    assert breaks[:2] == ["link 4 does not match its entry", "the entry of link 6 is missing"]
    assert len(breaks) == 3
    assert breaks == await chain_breaks()


@pytest.mark.parametrize("mark", ["x", "link", "link x", "link -1", "link 1.5", "link 99999999999999999999", "entry x", "entry '; --", " "])
async def test_a_check_goes_on_from_its_own_marks_alone(database, mark: str) -> None:
    with pytest.raises(Refused):
        await check_chain(mark)


async def test_a_check_that_begins_behind_the_end_finds_nothing_wrong(database, at: datetime) -> None:
    await ten_sealed(at)
    checked = await check_chain("link 10")
    assert (checked.links, checked.breaks, checked.mark) == (0, (), "")
