"""What the registry says of firms, in our rows: new, changed, ended, come back; and answers that come late or at once."""

import asyncio

import httpx
import pytest

from engine.errors import EngineError, Refused, TooMany, Unavailable
from engine.people import add_exporter_user, exporter_by_iec, exporter_user, register_exporter
from engine.people.access.roles import roles_of
from engine.people.dgft import Branch, ProfileService, Provider, Settings, Status
from engine.people.firms import firm_of
from engine.people.firms.applying import take_in
from engine.people.firms.entering import use_answer
from engine.people.firms.keeping import Dgft, sync_due, sync_now
from engine.people.tables import Account, Exporter, ExporterBranch, ExporterUser
from engine.scope import PLATFORM, Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.clocks import StillClock
from tests.people.firms.conftest import DAY, IEC, ISSUER, START, Firms, firm, identity, profile, user, users


async def test_a_firm_its_branches_and_its_persons_come_in(firms: Firms) -> None:
    branches = (Branch("0", "1 Nowhere Street"), Branch("7", "Shed\nPune", "27AAZCD4417K1Z0"))
    plan = await firms.take_in(profile(user("s1"), user("", "see", email="two@firm.example.in"), branches=branches))
    assert plan.changes == 5
    here = await exporter_by_iec(PLATFORM, IEC)
    assert here is not None
    assert here.active
    found = await firm_of(Scope.exporter(here.id), here.id)
    assert [branch.code for branch in found.branches] == ["0", "7"]
    assert [person.rights for person in found.persons] in (
        [("see", "prepare", "submit"), ("see",)],
        [("see",), ("see", "prepare", "submit")],
    )
    assert found.synced_at == START
    assert not any(person.signed_in for person in found.persons)


async def test_the_same_again_changes_nothing(firms: Firms) -> None:
    told = profile(user("s1"), user("s2", name="Another"), branches=(Branch("0", "1 Nowhere Street"),))
    await firms.take_in(told)
    entries = await AuditEntry.count()
    assert (await firms.later(hours=1).take_in(told)).changes == 0
    assert await AuditEntry.count() == entries
    assert (await firm())["synced_at"] == firms.at


async def test_who_and_what_vanished_is_ended_and_comes_back_as_the_same_row(firms: Firms) -> None:
    whole = profile(user("s1"), user("s2", name="Leaver"), branches=(Branch("0", "here"), Branch("1", "there")))
    await firms.take_in(whole)
    before = {row["name"]: row["id"] for row in await users()}
    await firms.later(hours=1).take_in(profile(user("s1"), branches=(Branch("0", "here"),)))
    assert {row["name"]: row["ended_at"] for row in await users()} == {"A Person": None, "Leaver": firms.at}
    assert [row["code"] for row in await ExporterBranch.select().where(ExporterBranch.ended_at.is_not_null())] == ["1"]
    await firms.later(hours=1).take_in(whole)
    assert {row["name"]: row["id"] for row in await users()} == before
    assert not [row for row in await users() if row["ended_at"]]


async def test_two_persons_who_change_addresses_keep_their_rows(firms: Firms) -> None:
    await firms.take_in(profile(user("s1", email="a@firm.example.in"), user("s2", email="b@firm.example.in", name="Other")))
    before = {row["subject"]: row["id"] for row in await users()}
    await firms.later(hours=1).take_in(profile(user("s1", email="b@firm.example.in"), user("s2", email="a@firm.example.in", name="Other")))
    assert {row["subject"]: row["id"] for row in await users()} == before
    assert {row["subject"]: row["email"] for row in await users()} == {"s1": "b@firm.example.in", "s2": "a@firm.example.in"}


async def test_an_older_answer_never_undoes_a_newer_one(firms: Firms) -> None:
    asked_early = firms.at
    await firms.later(seconds=3).take_in(profile(user("s1"), status=Status.SUSPENDED))
    plan = await firms.later(seconds=1).take_in(profile(user("s1"), user("s2")), asked_at=asked_early)
    assert plan.changes == 0
    assert (await firm())["status"] == "suspended"
    assert len(await users()) == 1


async def test_an_iec_that_the_registry_does_not_know_files_nothing(firms: Firms) -> None:
    await register_exporter(IEC, "A FIRM", "", actor="test", at=firms.at)
    await firms.take_in(unknown=(IEC,))
    here = await exporter_by_iec(PLATFORM, IEC)
    assert here is not None
    assert (here.active, (await firm())["status"]) == (False, "cancelled")
    await firms.later(days=1).take_in(profile(user("s1")))
    assert (await firm())["status"] == "active"


async def test_a_status_that_is_none_cannot_be_written(firms: Firms) -> None:
    await firms.take_in(profile(user("s1")))
    with pytest.raises(EngineError):
        async with uow():
            await Exporter.update({Exporter.status: "gone"}).where(Exporter.iec == IEC)


async def test_under_a_suspended_iec_a_person_sees_and_signs_nothing(firms: Firms) -> None:
    every = ("see", "prepare", "submit", "pay", "sign")
    await firms.enter(identity("s1"), profile(user("s1", *every)))
    [account] = await Account.select(Account.id)
    [role] = await roles_of(account["id"], firms.at)
    assert role.rights == set(every)
    await firms.later(hours=1).take_in(profile(user("s1", *every), status=Status.SUSPENDED))
    [role] = await roles_of(account["id"], firms.at)
    assert role.rights == {"see"}
    row = await firm()
    with pytest.raises(Refused):
        await exporter_user(PLATFORM, row["id"], "s1@firm.example.in")


# --- persons --------------------------------------------------------------------------------------------


async def test_a_person_links_to_the_row_that_lists_them(firms: Firms) -> None:
    await firms.take_in(profile(user("s1"), user("s2", name="Other")))
    before = {row["subject"]: row["id"] for row in await users()}
    await firms.enter(identity("s1"), profile(user("s1"), user("s2", name="Other")))
    rows = {row["subject"]: row for row in await users()}
    assert rows["s1"]["id"] == before["s1"]
    assert rows["s1"]["account"] is not None
    assert rows["s2"]["account"] is None


async def test_an_address_that_goes_to_somebody_else_gives_them_a_row_of_their_own(firms: Firms) -> None:
    """Listed by address alone: the first person is known by their subject from then on."""
    listed = profile(user(email="desk@firm.example.in"))
    await firms.enter(identity("s1", "desk@firm.example.in"), listed)
    [first] = await users()
    async with uow():  # their account has another address by now
        await Account.update({Account.email: "gone@firm.example.in"}).where(Account.id == first["account"])
    await firms.later(days=30).enter(identity("s2", "desk@firm.example.in"), listed)
    rows = {row["subject"]: row for row in await users()}
    assert set(rows) == {"s1", "s2"}
    assert rows["s1"]["account"] == first["account"]
    assert rows["s1"]["ended_at"] is not None
    assert rows["s2"]["account"] != first["account"]
    assert await roles_of(first["account"], firms.at) == ()


async def test_a_row_of_an_older_way_in_gives_way_to_the_person_whom_the_registry_names(firms: Firms) -> None:
    _, _, id = await firms.exporter()
    [old] = await users()
    named = profile(user("s1", email=old["email"]))
    await firms.enter(identity("s1", "another@firm.example.in"), named)
    rows = await users()
    assert len(rows) == 2
    mine = next(row for row in rows if row["subject"] == "s1")
    assert mine["id"] != id, "the keys that hang on the old row stay with its person"
    assert next(row for row in rows if row["id"] == id)["ended_at"] is not None


async def test_the_same_subject_of_another_registry_is_another_person(firms: Firms) -> None:
    await firms.enter(identity("s1"), profile(user("s1")))
    other = identity("s1", "else@firm.example.in", issuer="https://other.example.in")
    await firms.later(hours=1).enter(other, profile(user("s1"), iec="ZZZCQ0001Z"))
    assert await Account.count() == 2


async def test_two_persons_of_a_new_firm_come_in_at_once(firms: Firms) -> None:
    told = profile(user("s1"), user("s2", name="Other"))
    await asyncio.gather(firms.enter(identity("s1"), told), firms.enter(identity("s2"), told))
    assert len([row for row in await users() if row["account"]]) == 2
    assert await Exporter.count() == 1


async def test_the_same_answer_brought_twice_at_once_counts_once(firms: Firms) -> None:
    brought = await asyncio.gather(*(use_answer("0" * 64, firms.at) for _ in range(5)), return_exceptions=True)
    assert [type(each).__name__ for each in brought].count("Refused") == 4


# --- the round ------------------------------------------------------------------------------------------


def dgft(answer: httpx.Response | type[Exception], asked: list[str]) -> Dgft:
    """A registry whose profile service always answers that."""

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.rpartition("/")[2])
        if isinstance(answer, type):
            raise answer("silent", request=request)
        return httpx.Response(answer.status_code, stream=httpx.ByteStream(answer.content))

    line = httpx.MockTransport(handle)
    settings = Settings(ISSUER, "coo", f"{ISSUER}/back", frozenset({"dgft.example.in"}), profile_url=f"{ISSUER}/profiles")
    return Dgft(settings, Provider(settings, transport=line), ProfileService(settings, transport=line))


async def test_the_round_asks_for_what_is_due_and_for_nothing_twice(firms: Firms) -> None:
    for number in range(5):
        await register_exporter(f"AAZCD000{number + 1}K", "A FIRM", "", actor="test", at=firms.at)
    asked: list[str] = []
    clock = StillClock(firms.at)
    registry = dgft(httpx.Response(404), asked)
    assert await sync_due(registry, clock, most=3) == 3
    assert await sync_due(registry, clock, most=3) == 2
    assert len(set(asked)) == 5
    assert await sync_due(registry, clock, most=3) == 0
    clock.forward(hours=24)
    assert await sync_due(registry, clock) == 5


async def test_a_silent_registry_ends_the_round_and_changes_nothing(firms: Firms) -> None:
    for number in range(3):
        await register_exporter(f"AAZCD000{number + 1}K", "A FIRM", "", actor="test", at=firms.at)
    asked: list[str] = []
    clock = StillClock(firms.at)
    silent = dgft(httpx.ConnectError, asked)
    assert await sync_due(silent, clock) == 0
    assert len(asked) == 1
    assert {row["status"] for row in await Exporter.select(Exporter.status)} == {"active"}
    assert await sync_due(silent, clock) == 0
    assert len(asked) == 1, "and is left alone for an hour"
    clock.forward(hours=1)
    await sync_due(silent, clock)
    assert len(asked) == 2


async def test_an_answer_that_cannot_be_used_holds_up_no_other_firm(firms: Firms, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(3):
        await register_exporter(f"AAZCD000{number + 1}K", "A FIRM", "", actor="test", at=firms.at)
    asked: list[str] = []
    with caplog.at_level("INFO", logger="engine.people.firms.keeping"):
        assert await sync_due(dgft(httpx.Response(200, content=b"{}"), asked), StillClock(firms.at)) == 0
    assert len(asked) == 3
    assert "0 taken in, 3 not" in caplog.text
    assert "AAZCD" not in caplog.text


async def test_who_asks_now_asks_within_their_own_scope(firms: Firms) -> None:
    scope, exporter, _ = await firms.exporter()
    asked: list[str] = []
    clock = StillClock(firms.at)
    with pytest.raises(Refused, match="not yours"):
        await sync_now(
            Scope.exporter(exporter),
            (await register_exporter("ZZZCQ0001Z", "B", "", actor="t", at=START)).id,
            dgft(httpx.Response(404), asked),
            clock,
        )
    assert asked == []
    with pytest.raises(Unavailable):
        await sync_now(scope, exporter, dgft(httpx.ConnectError, asked), clock)
    assert await sync_now(scope, exporter, dgft(httpx.Response(404), asked), clock) == 1
    with pytest.raises(TooMany):
        await sync_now(scope, exporter, dgft(httpx.Response(404), asked), clock)


async def test_an_account_has_one_row_at_a_time_in_a_firm(firms: Firms) -> None:
    _, exporter, _ = await firms.exporter()
    [row] = await users()
    with pytest.raises(Refused):
        async with uow():
            await ExporterUser.insert(
                ExporterUser(exporter=exporter, account=row["account"], rights="see", live_key=f"{exporter}:{row['account']}")
            )


@pytest.mark.parametrize("email", ["a.@x.in", ".a@x.in", "a@x-.in", "nobody"])
async def test_nobody_acts_for_a_firm_at_an_address_that_takes_no_letter(firms: Firms, email: str) -> None:
    here = await register_exporter(IEC, "A FIRM", "", actor="test", at=firms.at)
    with pytest.raises(Refused):
        await add_exporter_user(here.id, email=email, name="A User", rights="see", actor="test", at=firms.at)
    assert await Account.count() == 0


async def test_a_firm_is_entered_once_in_the_audit_by_who_entered_it(firms: Firms) -> None:
    for actor in ("account:x", "account:y"):
        await register_exporter(IEC, "A FIRM", "", actor=actor, at=firms.at)
    assert [entry["actor"] for entry in await AuditEntry.select()] == ["account:x"]


async def test_every_entry_of_a_sync_names_who_asked_for_it(firms: Firms) -> None:
    told = profile(user("s1"), branches=(Branch("0", "here"),))
    await take_in((told,), asked_at=firms.at, again_in=DAY, actor="account:x", at=firms.at)
    assert {entry["actor"] for entry in await AuditEntry.select()} == {"account:x"}
