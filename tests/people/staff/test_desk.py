"""The platform's desk: one person of it ends another's place, at once and on the record; it is never left empty."""

import asyncio
from uuid import UUID, uuid4

import pytest

from engine.errors import Forbidden, NotFound, Refused
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people.access import Principal, RoleKind
from engine.people.access.tables import Session
from engine.people.keyring import party_of
from engine.people.staff.desk import appoint_to_desk, desk_people, desk_person, end_at_desk
from engine.people.tables import Account, PlatformUser
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.conftest import People, closed

FIRST, SECOND = "first@desk.example.in", "second@desk.example.in"


async def at_desk(people: People, email: str) -> Principal:
    id = await people.person(email, factor=True)
    await people.platform(id)
    token = await people.later(seconds=30).whole(email, id)
    return await people.here(token)


async def row_of(person: Principal) -> UUID:
    [found] = [each.id for each in await desk_people(PLATFORM) if each.account_id == person.account_id]
    return found


async def end(people: People, person: Principal, id: UUID, reason: str = "Left the Ministry.") -> None:
    await end_at_desk(person, id, reason, limits=people.limits, box=people.box, at=people.at)


async def present() -> int:
    return int(await PlatformUser.count().where(PlatformUser.ended_at.is_null()))


async def letters(people: People) -> dict[str, str]:
    rows = await LetterRow.select()
    found = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], people.box) for row in rows]
    return {letter.to: f"{letter.subject}\n{letter.text}" for letter in found}


async def test_who_is_ended_is_out_at_once_and_told_why_and_the_desk_too(people: People) -> None:
    first, second = await at_desk(people, FIRST), await at_desk(people, SECOND)
    id = await row_of(second)
    await end(people, first, id)
    assert not await Session.exists().where(Session.account == second.account_id, Session.ended_at.is_null())
    assert await Session.exists().where(Session.account == first.account_id, Session.ended_at.is_null())
    again = await people.here(await people.later(minutes=1).whole(SECOND, second.account_id))
    assert (again.role, again.roles) == (None, ())
    assert [(each.email, each.ended_at is None) for each in await desk_people(PLATFORM)] == [(FIRST, True), (SECOND, False)]
    told = await letters(people)
    assert "Left the Ministry." in told[SECOND]
    assert "was ended" in told[FIRST]
    [entry] = await AuditEntry.select().where(AuditEntry.act == "desk_ended")
    assert (entry["subject"], entry["actor"]) == (str(second.account_id), first.actor)
    assert "Ministry" not in str(entry)


async def test_the_desk_has_no_keys_that_could_go_on(people: People) -> None:
    first = await at_desk(people, FIRST)
    assert first.role is not None
    with pytest.raises(Forbidden):
        party_of(first.role)


async def test_nobody_ends_themselves_so_the_last_one_stays(people: People) -> None:
    first = await at_desk(people, FIRST)
    with pytest.raises(Forbidden) as refused:
        await end(people, first, await row_of(first))
    assert (refused.value.code, await present()) == ("own_place", 1)


async def test_of_two_who_end_each_other_at_once_one_stays(people: People) -> None:
    first, second = await at_desk(people, FIRST), await at_desk(people, SECOND)
    ids = await row_of(first), await row_of(second)
    done = await asyncio.gather(end(people, first, ids[1]), end(people, second, ids[0]), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Forbidden", "NoneType"]
    assert await present() == 1
    assert await AuditEntry.count().where(AuditEntry.act == "desk_ended") == 1


async def test_who_was_ended_or_closed_a_moment_ago_ends_nobody(people: People) -> None:
    first, second, third = [await at_desk(people, email) for email in (FIRST, SECOND, "third@desk.example.in")]
    await end(people, first, await row_of(second))
    with pytest.raises(Forbidden):
        await end(people, second, await row_of(third))
    async with uow():
        await Account.update(closed(people.at)).where(Account.id == first.account_id)
    with pytest.raises(Forbidden):
        await end(people, first, await row_of(third))
    assert await present() == 2


async def test_it_takes_a_fresh_proof_a_reason_and_a_place_at_the_desk(people: People) -> None:
    first, second = await at_desk(people, FIRST), await at_desk(people, SECOND)
    id = await row_of(second)
    for reason in ("", "  ", "x" * 201, "a\u202eb"):
        with pytest.raises(Refused) as refused:
            await end(people, first, id, reason)
        assert (refused.value.box, refused.value.rule) == ("reason", "reason given")
    office = await people.person("head@eia.example.in", factor=True)
    await people.administrator(office)
    head = await people.here(await people.later(seconds=30).whole("head@eia.example.in", office))
    assert head.role is not None
    assert head.role.kind is RoleKind.ADMINISTRATOR
    with pytest.raises(Forbidden):
        await end(people, head, id)
    people.later(minutes=26)
    with pytest.raises(Forbidden) as forbidden:
        await end(people, first, id)
    assert (forbidden.value.code, await present()) == ("prove", 2)


async def test_an_unknown_an_ended_and_a_foreign_place_read_the_same(people: People) -> None:
    first, second = await at_desk(people, FIRST), await at_desk(people, SECOND)
    id = await row_of(second)
    says = set()
    for scope, wanted in ((PLATFORM, uuid4()), (PUBLIC, id), (Scope.agency(people.agency_id), id)):
        with pytest.raises(NotFound) as refused:
            await desk_person(scope, wanted)
        says.add(refused.value.say)
    await end(people, first, id)
    with pytest.raises(NotFound) as refused:
        await end(people, first, id)
    assert len(says | {refused.value.say}) == 1
    assert await desk_people(Scope.agency(people.agency_id)) == ()


async def test_who_was_ended_can_be_appointed_again(people: People) -> None:
    first, second = await at_desk(people, FIRST), await at_desk(people, SECOND)
    await end(people, first, await row_of(second))
    await appoint_to_desk(email=SECOND, name="A Person", actor="shell", at=people.at)
    assert [each.email for each in await desk_people(PLATFORM) if each.ended_at is None] == [SECOND, FIRST]
