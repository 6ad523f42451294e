"""What an exporter lets a broker do: no more than they may themselves, no longer, no oftener, and asked for at each use."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from engine.clock import ist_day
from engine.errors import Conflict, Forbidden, NotFound, Refused, TooMany
from engine.mail import Letter
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import make_key, who_calls
from engine.people.access.roles import RoleKind, roles_of
from engine.people.dgft import Status
from engine.people.firms import count_filing, end_grant, ends_grants, give_grant, grants_of, rights_granted
from engine.people.firms.closing import close_broker, open_broker_again
from engine.people.firms.tables import BrokerDay
from engine.people.tables import Broker, BrokerGrant, Exporter
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.firms.conftest import Firms

FILING = frozenset({"see", "prepare", "submit"})


async def give(firms: Firms, scope, user, code, **more):
    return await give_grant(scope, user, code, **{"rights": FILING, "box": firms.box, "actor": "account:x", "at": firms.at} | more)


async def test_a_grant_lets_the_broker_in_and_its_end_keeps_it_out(firms: Firms) -> None:
    scope, exporter, user = await firms.exporter()
    broker = await firms.broker()
    grant = await give(firms, scope, user, broker.code)
    [role] = await roles_of(broker.account_id, firms.at)
    assert (role.kind, role.scope.exporter_ids) == (RoleKind.BROKER, {exporter})
    assert await rights_granted(broker.broker_id, firms.at) == {exporter: FILING}
    await end_grant(scope, user, grant, box=firms.box, actor="account:x", at=firms.at)
    [role] = await roles_of(broker.account_id, firms.at)
    assert role.scope.exporter_ids == frozenset()
    assert await rights_granted(broker.broker_id, firms.at) == {}
    with pytest.raises(NotFound):
        await end_grant(scope, user, grant, box=firms.box, actor="account:x", at=firms.at)


@pytest.mark.parametrize("spelt", ["{0}", " {1} ", "{2}", "{3}"])
async def test_a_code_is_taken_however_it_is_written(firms: Firms, spelt: str) -> None:
    scope, _, user = await firms.exporter()
    code = (await firms.broker()).code
    written = spelt.format(code, code.lower(), f"{code[:4]}-{code[4:]}", f"{code[:4]} {code[4:]}")
    assert await give(firms, scope, user, written)


@pytest.mark.parametrize("code", ["", "AAAAAAAA", "x" * 40, "%", "\u0661\u0662", "' OR 1=1"])
async def test_a_code_that_nobody_has_is_refused(firms: Firms, code: str) -> None:
    scope, _, user = await firms.exporter()
    await firms.broker()
    with pytest.raises(Refused, match="No broker has this code") as refused:
        await give(firms, scope, user, code)
    assert refused.value.box == "code"


async def test_nobody_grants_more_than_they_have(firms: Firms) -> None:
    scope, _, user = await firms.exporter("see,submit")
    broker = await firms.broker()
    with pytest.raises(Forbidden, match="may not prepare"):
        await give(firms, scope, user, broker.code)
    await give(firms, scope, user, broker.code, rights=frozenset({"see", "submit"}))


@pytest.mark.parametrize("rights", ["see", "see,prepare", "see,sign", "pay"])
async def test_who_may_not_submit_grants_nothing_and_ends_nothing(firms: Firms, rights: str) -> None:
    scope, _, user = await firms.exporter()
    broker = await firms.broker()
    grant = await give(firms, scope, user, broker.code)
    _, _, other = await firms.exporter(rights)
    with pytest.raises(Forbidden):
        await give(firms, scope, other, broker.code, rights=frozenset({"see"}))
    with pytest.raises(Forbidden):
        await end_grant(scope, other, grant, box=firms.box, actor="x", at=firms.at)


async def test_a_signature_is_never_granted(firms: Firms) -> None:
    scope, _, user = await firms.exporter()
    broker = await firms.broker()
    with pytest.raises(Refused, match="signature"):
        await give(firms, scope, user, broker.code, rights=frozenset({"see", "sign"}))
    with pytest.raises(Refused):
        await give(firms, scope, user, broker.code, rights=frozenset({"manage"}))
    with pytest.raises(Refused, match="at least one"):
        await give(firms, scope, user, broker.code, rights=frozenset())


@pytest.mark.parametrize(("wrong", "box"), [({"per_day": 0}, "per_day"), ({"per_day": -1}, "per_day"), ({"per_day": 10_001}, "per_day")])
async def test_limits_are_in_their_range(firms: Firms, wrong: dict[str, int], box: str) -> None:
    scope, _, user = await firms.exporter()
    with pytest.raises(Refused) as refused:
        await give(firms, scope, user, (await firms.broker()).code, **wrong)
    assert refused.value.box == box


@pytest.mark.parametrize("days", [-1, 3 * 366])
async def test_the_last_day_is_today_or_later_and_not_far(firms: Firms, days: int) -> None:
    scope, _, user = await firms.exporter()
    with pytest.raises(Refused) as refused:
        await give(firms, scope, user, (await firms.broker()).code, until_on=ist_day(firms.at) + timedelta(days=days))
    assert refused.value.box == "until"


async def test_a_grant_holds_to_the_end_of_its_last_day_in_india(firms: Firms) -> None:
    scope, exporter, user = await firms.exporter()
    broker = await firms.broker()
    await give(firms, scope, user, broker.code, until_on=ist_day(firms.at))
    [shown], _ = await grants_of(scope, at=firms.at)
    assert (shown.until_on, shown.lasts) == (ist_day(firms.at), True)
    midnight = firms.at.replace(hour=18, minute=30)
    assert await rights_granted(broker.broker_id, midnight - timedelta(seconds=1)) == {exporter: FILING}
    assert await rights_granted(broker.broker_id, midnight) == {}
    assert await grants_of(scope, at=midnight) == ((), 0)
    [over], _ = await grants_of(scope, lasting=False, at=midnight)
    assert (over.id, over.lasts) == (shown.id, False)


async def test_a_second_grant_takes_the_place_of_the_first(firms: Firms) -> None:
    scope, exporter, user = await firms.exporter()
    broker = await firms.broker()
    await give(firms, scope, user, broker.code)
    await give(firms, scope, user, broker.code, rights=frozenset({"see"}))
    assert await rights_granted(broker.broker_id, firms.at) == {exporter: frozenset({"see"})}
    for lasting in (True, False):
        found, count = await grants_of(scope, lasting=lasting, at=firms.at)
        assert ([grant.lasts for grant in found], count) == ([lasting], 1)


async def test_two_grants_at_once_leave_one(firms: Firms) -> None:
    scope, _, user = await firms.exporter()
    broker = await firms.broker()
    done = await asyncio.gather(*(give(firms, scope, user, broker.code) for _ in range(4)), return_exceptions=True)
    assert any(not isinstance(each, BaseException) for each in done)
    assert all(isinstance(each, Conflict) for each in done if isinstance(each, BaseException))
    assert await BrokerGrant.count().where(BrokerGrant.ended_at.is_null()) == 1


async def test_foreign_and_unknown_grants_read_the_same(firms: Firms) -> None:
    scope, _, user = await firms.exporter()
    others, _, stranger = await firms.exporter(iec="ZZZCQ0001Z")
    grant = await give(firms, scope, user, (await firms.broker()).code)
    told = []
    for id in (grant, uuid4()):
        with pytest.raises(NotFound) as refused:
            await end_grant(others, stranger, id, box=firms.box, actor="x", at=firms.at)
        told.append(refused.value.say)
    assert told[0] == told[1]
    with pytest.raises(Forbidden):  # somebody else's row under one's own scope
        await end_grant(others, user, grant, box=firms.box, actor="x", at=firms.at)
    for nobodys in (others, PUBLIC, Scope.agency(uuid4())):
        assert await grants_of(nobodys, at=firms.at) == ((), 0)


async def test_under_a_suspended_iec_a_broker_sees_and_no_more(firms: Firms) -> None:
    scope, exporter, user = await firms.exporter()
    broker = await firms.broker()
    await give(firms, scope, user, broker.code)
    async with uow():
        await Exporter.update({Exporter.status: str(Status.SUSPENDED)}).where(Exporter.id == exporter)
    assert await rights_granted(broker.broker_id, firms.at) == {exporter: frozenset({"see"})}
    with pytest.raises(Forbidden):
        await give(firms, scope, user, broker.code, rights=frozenset({"see"}))


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.CANCELLED])
async def test_under_an_iec_that_is_not_active_a_grant_is_ended_all_the_same(firms: Firms, status: Status) -> None:
    scope, exporter, user = await firms.exporter()
    _, _, reader = await firms.exporter("see,prepare")
    broker = await firms.broker()
    grant = await give(firms, scope, user, broker.code)
    async with uow():
        await Exporter.update({Exporter.status: str(status)}).where(Exporter.id == exporter)
    assert (await ends_grants(scope, user), await ends_grants(scope, reader), await ends_grants(PUBLIC, user)) == (True, False, False)
    with pytest.raises(Forbidden):
        await end_grant(scope, reader, grant, box=firms.box, actor="x", at=firms.at)
    await end_grant(scope, user, grant, box=firms.box, actor="x", at=firms.at)
    assert await rights_granted(broker.broker_id, firms.at) == {}


async def told(firms: Firms, purpose: str = "grant") -> list[Letter]:
    rows = await LetterRow.select().where(LetterRow.purpose == purpose).order_by(LetterRow.written_at).order_by(LetterRow.id)
    return [unsealed(row["id"], row["to_sealed"], row["content_sealed"], firms.box) for row in rows]


async def test_a_broker_is_told_by_mail_what_is_granted_changed_and_ended(firms: Firms) -> None:
    scope, _, user = await firms.exporter()
    broker = await firms.broker()
    [row] = await Broker.select(Broker.email).where(Broker.id == broker.broker_id)
    await give(firms, scope, user, broker.code)
    firms.later(minutes=1)
    grant = await give(firms, scope, user, broker.code, rights=frozenset({"see"}), per_day=1)
    firms.later(minutes=1)
    await end_grant(scope, user, grant, box=firms.box, actor="x", at=firms.at)
    letters = await told(firms)
    assert [letter.to for letter in letters] == [row["email"]] * 3
    given, changed, ended = (f"{letter.subject}\n{letter.text}" for letter in letters)
    assert "lets you act for it" in given
    assert "Before" not in given
    assert "changed what you may do for it" in changed
    assert "otherwise from now on: see.\nBefore: see, prepare, submit." in changed
    assert "At most 1 application a day." in changed
    assert "lets you act for it no more" in ended
    assert all("FIRM AAZCD4417K (IEC AAZCD4417K)" in each for each in (given, changed, ended))


async def test_an_end_that_is_refused_tells_nobody_and_a_bad_address_keeps_no_grant_alive(firms: Firms) -> None:
    scope, _, user = await firms.exporter()
    others, _, stranger = await firms.exporter(iec="ZZZCQ0001Z")
    broker = await firms.broker()
    grant = await give(firms, scope, user, broker.code)
    with pytest.raises(NotFound):
        await end_grant(others, stranger, grant, box=firms.box, actor="x", at=firms.at)
    assert len(await told(firms)) == 1
    async with uow():
        await Broker.update({Broker.email: "no address"}).where(Broker.id == broker.broker_id)
    await end_grant(scope, user, grant, box=firms.box, actor="x", at=firms.at)
    assert (await rights_granted(broker.broker_id, firms.at), len(await told(firms))) == ({}, 1)


async def test_a_broker_that_was_closed_is_granted_nothing(firms: Firms) -> None:
    scope, _, user = await firms.exporter()
    broker = await firms.broker()
    await give(firms, scope, user, broker.code)
    async with uow():
        await Broker.update({Broker.active: False, Broker.off_at: firms.at, Broker.off_why: "test"}).where(Broker.id == broker.broker_id)
    assert await rights_granted(broker.broker_id, firms.at) == {}
    assert await roles_of(broker.account_id, firms.at) == ()
    with pytest.raises(Refused, match="No broker"):
        await give(firms, scope, user, broker.code)


# --- how often ------------------------------------------------------------------------------------------


async def count(firms: Firms, broker: UUID, exporter: UUID) -> None:
    async with uow():
        await count_filing(broker, exporter, firms.at)


async def test_a_broker_files_no_oftener_in_a_day_than_was_granted(firms: Firms) -> None:
    scope, exporter, user = await firms.exporter()
    broker = await firms.broker()
    await give(firms, scope, user, broker.code, per_day=2)
    for _ in range(2):
        await count(firms, broker.broker_id, exporter)
    with pytest.raises(TooMany, match="today's are filed") as refused:
        await count(firms, broker.broker_id, exporter)
    again = firms.at + timedelta(seconds=refused.value.retry_after_s)
    assert (ist_day(again), ist_day(again - timedelta(seconds=2))) == (ist_day(firms.at) + timedelta(days=1), ist_day(firms.at))
    [shown], _ = await grants_of(scope, at=firms.at)
    assert shown.filed_today == 2
    await count(firms.later(days=1), broker.broker_id, exporter)


async def test_many_filings_at_once_are_counted_one_by_one(firms: Firms) -> None:
    scope, exporter, user = await firms.exporter()
    broker = await firms.broker()
    await give(firms, scope, user, broker.code, per_day=3)

    async def filed() -> bool:
        try:
            await count(firms, broker.broker_id, exporter)
            return True
        except TooMany:
            return False

    assert sum(await asyncio.gather(*(filed() for _ in range(10)))) == 3


async def test_a_filing_that_fails_counts_nothing(firms: Firms) -> None:
    scope, exporter, user = await firms.exporter()
    broker = await firms.broker()
    await give(firms, scope, user, broker.code, per_day=1)

    async def fails() -> None:
        async with uow():
            await count_filing(broker.broker_id, exporter, firms.at)
            raise Refused("something is wrong")

    with pytest.raises(Refused, match="wrong"):
        await fails()
    assert not await BrokerDay.exists()
    await count(firms, broker.broker_id, exporter)


async def test_a_grant_that_ended_a_moment_ago_files_nothing(firms: Firms) -> None:
    scope, exporter, user = await firms.exporter()
    broker = await firms.broker()
    grant = await give(firms, scope, user, broker.code)
    await end_grant(scope, user, grant, box=firms.box, actor="x", at=firms.at)
    with pytest.raises(Forbidden):
        await count(firms, broker.broker_id, exporter)
    await give(firms, scope, user, broker.code, rights=frozenset({"see", "prepare"}))
    with pytest.raises(Forbidden):
        await count(firms, broker.broker_id, exporter)


async def test_a_broker_that_the_desk_closed_between_the_look_and_the_filing_files_nothing(firms: Firms) -> None:
    scope, exporter, user = await firms.exporter()
    broker = await firms.broker()
    await give(firms, scope, user, broker.code)
    key = await make_key("K", rights=frozenset({"submit"}), broker=broker.broker_id, valid_for=timedelta(days=9), actor="t", at=firms.at)
    caller = await who_calls(key, firms.at)
    assert caller is not None
    assert caller.require("submit").exporter_ids == {exporter}
    await close_broker(PLATFORM, broker.broker_id, "Licence revoked.", box=firms.box, actor="desk", at=firms.at)
    with pytest.raises(Forbidden) as refused:
        await count(firms, broker.broker_id, exporter)
    assert (refused.value.code, await BrokerDay.exists()) == ("broker_closed", False)
    await open_broker_again(PLATFORM, broker.broker_id, box=firms.box, actor="desk", at=firms.at)
    await count(firms, broker.broker_id, exporter)


async def test_grants_come_a_page_at_a_time(firms: Firms) -> None:
    scope, exporter, _ = await firms.exporter()
    brokers = [Broker(code=f"B{number:05}", name=f"Broker {number}", licence_key=str(number), made_at=firms.at) for number in range(120)]
    moment = {"rights": "see", "made_by": "t"}
    rows = [
        BrokerGrant(
            broker=each.id, exporter=exporter, live_key=f"{each.id}:{exporter}", made_at=firms.at + timedelta(seconds=place), **moment
        )
        for place, each in enumerate(brokers)
    ]
    async with uow():
        await Broker.insert(*brokers)
        await BrokerGrant.insert(*rows)
    pages = [await grants_of(scope, page=number, at=firms.at) for number in (0, 1, 2, 3, 4)]
    assert [(len(found), count) for found, count in pages] == [(50, 120), (50, 120), (50, 120), (20, 120), (0, 120)]
    seen = [grant.code for found, _ in pages[1:] for grant in found]
    assert seen == [each.code for each in reversed(brokers)]


async def test_a_grant_that_two_end_at_once_is_ended_and_audited_once(firms: Firms) -> None:
    scope, _, user = await firms.exporter()
    grant = await give(firms, scope, user, (await firms.broker()).code)
    ends = [end_grant(scope, user, grant, box=firms.box, actor="x", at=firms.at) for _ in range(4)]
    done = await asyncio.gather(*ends, return_exceptions=True)
    assert [type(each) for each in done if each is not None] == [NotFound] * 3
    assert await AuditEntry.count().where(AuditEntry.act == "grant_ended") == 1


# --- keys of brokers ------------------------------------------------------------------------------------


async def test_a_brokers_key_does_for_each_exporter_what_that_one_grants(firms: Firms) -> None:
    one, first, user_one = await firms.exporter()
    two, second, user_two = await firms.exporter(iec="ZZZCQ0001Z")
    broker = await firms.broker()
    await give(firms, one, user_one, broker.code)
    grant = await give(firms, two, user_two, broker.code, rights=frozenset({"see"}))
    key = await make_key(
        "K", rights=frozenset({"see", "prepare"}), broker=broker.broker_id, valid_for=timedelta(days=9), actor="t", at=firms.at
    )
    caller = await who_calls(key, firms.at)
    assert caller is not None
    assert caller.require("see").exporter_ids == {first, second}
    assert caller.require("prepare").exporter_ids == {first}
    with pytest.raises(Forbidden):
        caller.require("submit")  # the key has it not, whatever is granted
    await end_grant(two, user_two, grant, box=firms.box, actor="x", at=firms.at)
    caller = await who_calls(key, firms.at)
    assert caller is not None
    assert caller.require("see").exporter_ids == {first}


async def test_a_grant_leaves_its_trace_and_no_name(firms: Firms) -> None:
    scope, _, user = await firms.exporter()
    broker = await firms.broker("Unlikely Broker")
    grant = await give(firms, scope, user, broker.code, per_day=5)
    await end_grant(scope, user, grant, box=firms.box, actor="account:x", at=firms.at)
    entries = await AuditEntry.select().where(AuditEntry.subject == str(grant))
    detail = {entry["act"]: entry["detail"] for entry in entries}
    assert set(detail) == {"grant_given", "grant_ended"}
    assert '"per_day": 5' in detail["grant_given"]
    assert "Unlikely" not in str(await AuditEntry.select())
