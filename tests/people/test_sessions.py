"""Sessions: planted, stolen, idle, old, ended, and in another role."""

import asyncio
from uuid import uuid4

import pytest

from engine.errors import Forbidden, NotFound
from engine.people import access
from engine.people.access import RoleKind
from engine.people.access.tables import Session
from engine.people.tables import Account, Broker, BrokerGrant, BrokerUser, ExporterUser, Officer, OfficerOffice
from engine.scope import ScopeKind
from engine.store import uow
from tests.people.conftest import DEVICE, PASSWORD, People, closed

OFFICER = "officer@eia.example.in"


@pytest.mark.parametrize("token", ["", "planted-by-somebody", "x" * 100_000, "\x00", "ü"])
async def test_a_token_that_was_not_made_here_is_nobodys(people: People, token: str) -> None:
    id = await people.officer()
    await people.whole(OFFICER, id)
    assert await people.resume(token) is None
    assert not [row for row in await Session.select(Session.token_sha256) if row["token_sha256"] == token]


async def test_an_idle_session_ends_and_one_in_use_ends_with_its_day(people: People) -> None:
    id = await people.officer()
    token = await people.whole(OFFICER, id)
    assert await people.later(minutes=29).resume(token)
    assert await people.later(minutes=29).resume(token), "every request begins the idle time again"
    assert await people.later(minutes=31).resume(token) is None
    token = await people.whole(OFFICER, id)
    for _ in range(12 * 60 // 20 - 1):
        assert await people.later(minutes=20).resume(token)
    assert await people.later(minutes=20).resume(token) is None


@pytest.mark.parametrize("what", ["account", "signed out", "ended elsewhere", "all"])
async def test_an_ended_session_is_ended_at_once(people: People, what: str) -> None:
    id = await people.officer()
    token, other = await people.whole(OFFICER, id), None
    principal = await people.here(token)
    if what == "account":
        async with uow():
            await Account.update(closed(people.at)).where(Account.id == id)
    elif what == "signed out":
        await access.end(principal, principal.session_id, at=people.at)
    elif what == "ended elsewhere":
        other = await people.later(minutes=1).whole(OFFICER, id)
        await access.end(await people.here(other), principal.session_id, at=people.at)
    else:
        async with uow():
            assert await access.end_all(id, reason="test", at=people.at) == 1
    assert await people.resume(token) is None
    assert other is None or await people.resume(other)


async def test_a_person_sees_and_ends_their_own_sessions_alone(people: People) -> None:
    first, second = await people.officer(), await people.officer("other@eia.example.in")
    mine = await people.here(await people.whole(OFFICER, first))
    theirs = await people.here(await people.whole("other@eia.example.in", second))
    await people.enter(OFFICER)  # half way: not shown
    [listed] = await access.sessions_of(mine, limits=people.limits, at=people.at)
    assert (listed.id, listed.agent, listed.address, listed.here) == (mine.session_id, DEVICE.agent, DEVICE.address, True)
    for foreign in (theirs.session_id, uuid4()):
        with pytest.raises(NotFound):
            await access.end(mine, foreign, at=people.at)


async def test_a_person_of_many_roles_acts_in_one_under_a_token_of_its_own(people: People) -> None:
    id = await people.officer()
    await people.administrator(id)
    token = await people.whole(OFFICER, id)
    principal = await people.here(token)
    assert [role.kind for role in principal.roles] == [RoleKind.ADMINISTRATOR, RoleKind.OFFICER]
    assert (principal.role and principal.role.kind, principal.scope.kind) == (RoleKind.ADMINISTRATOR, ScopeKind.AGENCY)
    officer = principal.roles[1]
    again = await access.act_as(principal, officer.key, device=DEVICE, at=people.at)
    changed = await people.here(again)
    assert (changed.role, changed.scope.kind, changed.proved_at) == (officer, ScopeKind.OFFICES, principal.proved_at)
    assert await people.resume(token) is None
    with pytest.raises(Forbidden):
        await access.act_as(principal, officer.key, device=DEVICE, at=people.at)
    for key in ("platform:" + str(uuid4()), "", "officer:"):
        with pytest.raises(Forbidden, match="do not have that role"):
            await access.act_as(changed, key, device=DEVICE, at=people.at)


async def test_no_session_slips_past_the_end_of_them_all(people: People) -> None:
    id = await people.officer()
    await people.administrator(id)
    principal = await people.here(await people.whole(OFFICER, id))
    officer = principal.roles[1]

    async def ends() -> None:
        async with uow():
            await access.end_all(id, reason="test", at=people.at)

    acts = [access.act_as(principal, officer.key, device=DEVICE, at=people.at), ends(), people.enter(OFFICER), ends()]
    found = await asyncio.gather(*acts, return_exceptions=True)
    alive = [row["stage"] for row in await Session.select(Session.stage).where(Session.ended_at.is_null())]
    entered = [each for each in found if isinstance(each, access.Entered)]
    assert len(alive) <= len(entered), "at most the sign-in that came after both"
    assert "whole" not in alive


async def test_changing_roles_makes_no_session_longer(people: People) -> None:
    id = await people.officer()
    await people.administrator(id)
    token = await people.whole(OFFICER, id)
    for _ in range(12 * 60 // 20 - 1):
        principal = await people.later(minutes=20).here(token)
        keys = [role.key for role in principal.roles if role != principal.role]
        token = await access.act_as(principal, keys[0], device=DEVICE, at=people.at)
    assert await people.later(minutes=20).resume(token) is None


async def test_a_new_password_makes_no_session_longer(people: People) -> None:
    id = await people.exporter_user("user@firm.example.in", "see")
    token, old = await people.whole("user@firm.example.in", id), PASSWORD
    for number in range(12 * 60 // 20 - 1):
        principal, new = await people.later(minutes=20).here(token), f"four new words for me, {number}"
        token = (await access.change_password(principal, old, new, box=people.box, device=DEVICE, at=people.at)).token
        old = new
    assert await people.later(minutes=20).resume(token) is None


async def test_a_role_that_was_taken_away_is_gone_from_a_running_session(people: People) -> None:
    id = await people.officer()
    token = await people.whole(OFFICER, id)
    async with uow():
        [mapped] = await OfficerOffice.select(OfficerOffice.id).where(OfficerOffice.office == people.office_id)
        ended = {OfficerOffice.ended_at: people.at, OfficerOffice.live_key: str(mapped["id"])}
        await OfficerOffice.update(ended).where(OfficerOffice.id == mapped["id"])
    role = (await people.here(token)).role
    assert role is not None
    assert role.office_ids == frozenset()
    async with uow():
        await Officer.update({Officer.active: False}).where(Officer.account == id)
    principal = await people.here(token)
    assert (principal.role, principal.scope.kind) == (None, ScopeKind.PUBLIC)


async def test_a_brokers_person_sees_the_exporters_that_grant_the_firm_something_today(people: People) -> None:
    from datetime import timedelta

    id = await people.person("agent@broker.example.in")
    broker = Broker(name="A Broker")
    await people.exporter_user("one@firm.example.in", "see")
    await people.exporter_user("two@firm.example.in", "see")
    [one, two] = [row["exporter"] for row in await ExporterUser.select(ExporterUser.exporter)]
    async with uow():
        await Broker.insert(broker)
        await BrokerUser.insert(BrokerUser(broker=broker.id, account=id, rights="see,prepare"))
        for exporter, until in ((one, people.at + timedelta(days=1)), (two, people.at - timedelta(seconds=1))):
            grant = BrokerGrant(
                broker=broker.id, exporter=exporter, rights="see", live_key=f"{broker.id}:{exporter}", made_at=people.at, until_at=until
            )
            await BrokerGrant.insert(grant)
    token = (await people.enter("agent@broker.example.in")).token
    assert (await people.here(token)).scope.exporter_ids == {one}
    async with uow():
        [grant] = await BrokerGrant.select(BrokerGrant.id).where(BrokerGrant.exporter == one)
        ended = {BrokerGrant.ended_at: people.at, BrokerGrant.live_key: str(grant["id"])}
        await BrokerGrant.update(ended).where(BrokerGrant.id == grant["id"])
    assert (await people.here(token)).scope.exporter_ids == frozenset()


async def test_the_platforms_desk_sees_everything_and_needs_a_second_factor(people: People) -> None:
    id = await people.person("desk@platform.example.in", factor=True)
    await people.platform(id)
    principal = await people.here(await people.whole("desk@platform.example.in", id))
    assert (principal.scope.kind, principal.needs_factor) == (ScopeKind.PLATFORM, True)
