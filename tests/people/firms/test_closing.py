"""The desk closes a broker: its persons are out at once, its grants rest, and opened again nothing is lost."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from engine.errors import Conflict, NotFound, Refused
from engine.mail.tables import LetterRow
from engine.people import make_key, who_calls
from engine.people.access import Device, Stage, resume, roles_of
from engine.people.access.sessions import begin
from engine.people.firms import Opened
from engine.people.firms.closing import broker_record, close_broker, open_broker_again, search_brokers
from engine.people.tables import Broker
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.firms.conftest import Firms


@pytest.fixture
async def opened(firms: Firms) -> Opened:
    return await firms.broker()


async def close(firms: Firms, id: UUID, reason: str = "The licence was revoked.", scope: Scope = PLATFORM) -> None:
    await close_broker(scope, id, reason, box=firms.box, actor="test", at=firms.at)


async def open_again(firms: Firms, id: UUID) -> None:
    await open_broker_again(PLATFORM, id, box=firms.box, actor="test", at=firms.at)


async def signed_in(firms: Firms, opened: Opened) -> str:
    async with uow():
        return await begin(
            opened.account_id, Stage.WHOLE, device=Device(), limits=firms.limits, at=firms.at, acting=f"broker:{opened.user_id}"
        )


async def test_a_closed_brokers_persons_are_out_at_once_and_come_back_when_it_is_opened(firms: Firms, opened: Opened) -> None:
    token = await signed_in(firms, opened)
    assert await resume(token, limits=firms.limits, at=firms.at)
    await close(firms, opened.broker_id)
    assert await resume(token, limits=firms.limits, at=firms.at) is None
    assert await roles_of(opened.account_id, firms.at) == ()
    await open_again(firms, opened.broker_id)
    assert [role.broker_id for role in await roles_of(opened.account_id, firms.at)] == [opened.broker_id]


async def test_its_keys_open_nothing_while_it_is_closed(firms: Firms, opened: Opened) -> None:
    key = await make_key("ours", rights=frozenset({"see"}), broker=opened.broker_id, valid_for=timedelta(days=9), actor="test", at=firms.at)
    assert await who_calls(key, firms.at)
    await close(firms, opened.broker_id)
    assert await who_calls(key, firms.at) is None


@pytest.mark.parametrize("reason", ["", "  ", "x" * 401, "a\x00b"])
async def test_it_has_a_reason(firms: Firms, opened: Opened, reason: str) -> None:
    with pytest.raises(Refused) as told:
        await close(firms, opened.broker_id, reason)
    assert told.value.box == "reason"
    assert (await broker_record(PLATFORM, opened.broker_id)).active


async def test_everybody_of_it_is_told_and_the_audit_names_nobody(firms: Firms, opened: Opened) -> None:
    before = await LetterRow.count()
    await close(firms, opened.broker_id)
    assert await LetterRow.count() - before == 1  # the firm's address and its one person's are the same
    [entry] = await AuditEntry.select().where(AuditEntry.act == "broker_closed")
    assert "revoked" not in str(entry)


async def test_of_two_who_close_it_at_once_one_does(firms: Firms, opened: Opened) -> None:
    told = await asyncio.gather(close(firms, opened.broker_id), close(firms, opened.broker_id), return_exceptions=True)
    assert sorted(type(each).__name__ for each in told) == ["Conflict", "NoneType"]
    with pytest.raises(Conflict):
        await close(firms, opened.broker_id)


@pytest.mark.parametrize("scope", [PUBLIC, Scope.agency(uuid4()), Scope.broker(frozenset({uuid4()})), Scope.exporter(uuid4())])
async def test_nobody_but_the_desk_sees_or_closes_one(firms: Firms, opened: Opened, scope: Scope) -> None:
    assert await search_brokers(scope, "") == ((), 0)
    for id in (opened.broker_id, uuid4()):
        with pytest.raises(NotFound):
            await broker_record(scope, id)
        with pytest.raises(NotFound):
            await close(firms, id, scope=scope)


async def test_one_is_found_by_name_code_and_licence(firms: Firms, opened: Opened) -> None:
    record = await broker_record(PLATFORM, opened.broker_id)
    for words in (record.name.upper(), record.code.lower(), record.licence, f"{record.code} {record.name}"):
        assert [each.id for each in (await search_brokers(PLATFORM, words))[0]] == [opened.broker_id]
    for words in ("%", "_", "nobody of that name"):
        assert await search_brokers(PLATFORM, words) == ((), 0)


async def test_an_address_that_takes_no_letter_stops_no_closing(firms: Firms) -> None:
    broker = await firms.broker()
    async with uow():
        await Broker.update({Broker.email: "a.@clearing.example.in"}).where(Broker.id == broker.broker_id)
    letters = await LetterRow.count()
    await close(firms, broker.broker_id)
    assert await LetterRow.count() == letters + 1
    assert not (await broker_record(PLATFORM, broker.broker_id)).active
