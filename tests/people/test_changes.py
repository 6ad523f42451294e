"""Changes that one person alone must not make: who confirms, who waits, who is told, and what happens at once."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from engine.clock import ist_day
from engine.errors import Conflict, EngineError, Forbidden, NotFound, Refused, Untrusted
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import add_agency, changes
from engine.people.access import Principal
from engine.people.changes import Asked, Change, ChangeState, deciding
from engine.people.changes.tables import ChangeRow
from engine.people.tables import Account, Administrator, AgencyListing, Officer
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.conftest import People, closed

BASE = "https://coo.example.in"


@dataclass
class House:
    """An agency with persons, and a kind of change that writes down what it made."""

    people: People
    made: list[str] = field(default_factory=list)
    fails: list[EngineError] = field(default_factory=list)

    async def apply(self, change: Change, at: datetime) -> None:
        if self.fails:
            raise self.fails.pop()
        self.made.append(change.subject)

    async def administrator(self, email: str) -> Principal:
        id = await self.people.person(email, factor=True)
        await self.people.administrator(id)
        return await self.signed_in(email, id)

    async def officer(self, email: str = "officer@eia.example.in") -> Principal:
        return await self.signed_in(email, await self.people.officer(email))

    async def desk(self) -> Principal:
        id = await self.people.person("desk@platform.example.in", factor=True)
        await self.people.platform(id)
        return await self.signed_in("desk@platform.example.in", id)

    async def signed_in(self, email: str, id: UUID) -> Principal:
        self.people.later(minutes=1)
        return await self.people.here(await self.people.whole(email, id))

    def asked(self, subject: str = "one", **more: object) -> Asked:
        return Asked("test", self.people.agency_id, subject, f"New thing for {subject}", **more)  # type: ignore[arg-type]

    async def propose(self, person: Principal, subject: str = "one", **more: object) -> Change:
        people = self.people
        return await changes.propose(
            self.asked(subject, **more),
            person,
            effects={"test": self.apply},
            box=people.box,
            base=BASE,
            limits=people.limits,
            at=people.at,
        )

    async def confirm(self, change: Change, person: Principal) -> Change:
        people = self.people
        return await changes.confirm(change.id, person, effects={"test": self.apply}, box=people.box, limits=people.limits, at=people.at)

    async def refuse(self, change: Change, person: Principal, reason: str = "not now") -> Change:
        return await changes.refuse(change.id, person, reason, box=self.people.box, at=self.people.at)

    async def round(self) -> int:
        people = self.people
        return await changes.run_due(effects={"test": self.apply}, box=people.box, base=BASE, limits=people.limits, at=people.at)

    async def letters(self) -> list[tuple[str, str]]:
        rows = await LetterRow.select().where(LetterRow.purpose == "change").order_by(LetterRow.written_at)
        opened = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], self.people.box) for row in rows]
        return sorted((letter.to, letter.subject) for letter in opened)


async def dismissed(person: Principal, at: datetime) -> None:
    [row] = await Administrator.select(Administrator.id).where(Administrator.account == person.account_id, Administrator.ended_at.is_null())
    ended = {Administrator.ended_at: at, Administrator.live_key: str(row["id"])}
    await Administrator.update(ended).where(Administrator.id == row["id"])


@pytest.fixture
async def house(people: People) -> House:
    return House(people)


async def test_a_change_is_made_when_a_second_person_confirms_it(house: House) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    change = await house.propose(first, first=True)
    assert (change.state, change.due_at, house.made) == (ChangeState.WAITING, None, [])
    assert await house.letters() == [("b@eia.example.in", "A change waits for you")]
    assert await changes.count_to_decide(second) == 1
    assert await changes.count_to_decide(first) == 0
    done = await house.confirm(change, second)
    assert (done.state, done.decided_by, house.made) == (ChangeState.DONE, second.account_id, ["one"])
    assert ("a@eia.example.in", "Your change was decided") in await house.letters()
    acts = await AuditEntry.select(AuditEntry.act, AuditEntry.actor).where(AuditEntry.subject == str(change.id)).order_by(AuditEntry.at)
    assert {(row["act"], row["actor"]) for row in acts} == {("change_asked", first.actor), ("change_confirmed", second.actor)}


async def test_nobody_confirms_what_they_asked_for(house: House) -> None:
    first = await house.administrator("a@eia.example.in")
    await house.administrator("b@eia.example.in")
    change = await house.propose(first)
    with pytest.raises(Forbidden):
        await house.confirm(change, first)
    with pytest.raises(Forbidden):
        await house.refuse(change, first)
    assert house.made == []
    with pytest.raises(EngineError):  # the database holds it too
        await by_hand(change, first)


async def by_hand(change: Change, person: Principal) -> None:
    over = {ChangeRow.state: "done", ChangeRow.decided_at: change.asked_at, ChangeRow.decided_by: person.account_id}
    async with uow():
        await ChangeRow.update(over).where(ChangeRow.id == change.id)


async def test_without_a_second_person_it_waits_its_time_and_everybody_knows(house: House) -> None:
    desk = await house.desk()
    lone = await house.administrator("a@eia.example.in")
    change = await house.propose(lone)
    assert change.due_at == house.people.at + timedelta(hours=48)
    assert [to for to, _ in await house.letters()] == ["a@eia.example.in", "desk@platform.example.in"]
    house.people.later(hours=47, minutes=59)
    assert (await house.round(), house.made) == (0, [])
    house.people.later(minutes=1)
    assert (await house.round(), house.made) == (1, ["one"])
    assert (await house.round(), house.made) == (0, ["one"])
    assert (await changes.change_of(lone, change.id)).state is ChangeState.DONE
    assert await changes.changes_of(desk, waiting=True) == []


async def test_what_replaces_nothing_is_made_at_once_where_there_is_no_second_person(house: House) -> None:
    lone = await house.administrator("a@eia.example.in")
    assert (await house.propose(lone, first=True)).done
    assert house.made == ["one"]
    assert await house.letters() == [("a@eia.example.in", "A change was made")]


async def test_the_desk_stops_what_waits_for_its_time_and_confirms_nothing(house: House) -> None:
    desk, lone = await house.desk(), await house.administrator("a@eia.example.in")
    change = await house.propose(lone)
    with pytest.raises(Forbidden):
        await house.confirm(change, desk)
    assert (await house.refuse(change, desk, "The agency did not ask for it")).state is ChangeState.REFUSED
    house.people.later(hours=49)
    assert (await house.round(), house.made) == (0, [])


async def test_the_desk_does_not_see_what_waits_for_a_second_person(house: House) -> None:
    desk, first = await house.desk(), await house.administrator("a@eia.example.in")
    await house.administrator("b@eia.example.in")
    change = await house.propose(first)
    with pytest.raises(NotFound):
        await changes.change_of(desk, change.id)


async def test_a_second_person_who_leaves_gives_it_a_time(house: House) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    change = await house.propose(first)
    assert await house.round() == 0
    async with uow():
        await dismissed(second, house.people.at)
    assert await house.round() == 1
    assert (await changes.change_of(first, change.id)).due_at == house.people.at + timedelta(hours=48)
    assert await house.round() == 0
    house.people.later(hours=48)
    assert (await house.round(), house.made) == (1, ["one"])


@pytest.mark.parametrize("way", ["ended", "deactivated"])
async def test_a_person_without_a_place_changes_nothing(house: House, way: str) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    change = await house.propose(first)
    async with uow():
        if way == "ended":
            await dismissed(first, house.people.at)
        else:
            await Account.update(closed(house.people.at)).where(Account.id == first.account_id)
    with pytest.raises(Conflict):
        await house.confirm(change, second)
    with pytest.raises(Forbidden):
        await house.propose(first, "two")
    assert (house.made, (await house.refuse(change, second)).state) == ([], ChangeState.REFUSED)


async def test_a_time_that_comes_after_the_asker_left_makes_nothing(house: House) -> None:
    lone = await house.administrator("a@eia.example.in")
    change = await house.propose(lone)
    async with uow():
        await dismissed(lone, house.people.at)
    house.people.later(hours=48)
    await house.round()
    [row] = await ChangeRow.select().where(ChangeRow.id == change.id)
    assert (house.made, row["state"]) == ([], "overtaken")
    assert "no place" in row["reason"]


@pytest.mark.parametrize("error", [Refused("The office is gone."), Conflict("Changed meanwhile.")])
async def test_an_effect_that_is_refused_undoes_the_confirmation(house: House, error: EngineError) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    change = await house.propose(first)
    house.fails.append(error)
    with pytest.raises(type(error)):
        await house.confirm(change, second)
    assert (await changes.change_of(second, change.id)).waiting
    assert (await house.confirm(change, second)).done


async def test_an_effect_that_is_refused_when_its_time_comes_is_told_and_not_tried_for_ever(house: House) -> None:
    lone = await house.administrator("a@eia.example.in")
    change = await house.propose(lone)
    house.fails.append(Refused("The office is gone."))
    house.people.later(hours=48)
    await house.round()
    assert (await changes.change_of(lone, change.id)).state is ChangeState.OVERTAKEN
    assert ("a@eia.example.in", "Your change was decided") in await house.letters()
    assert await house.round() == 0


async def test_a_change_that_breaks_holds_up_no_other(house: House) -> None:
    lone = await house.administrator("a@eia.example.in")
    await house.propose(lone, "one")
    good = await house.propose(lone, "two")
    house.fails.append(Untrusted("A stored secret does not open."))
    house.people.later(hours=48)
    assert (await house.round(), house.made) == (2, ["two"])
    assert (await changes.change_of(lone, good.id)).done
    assert (await house.round(), house.made) == (1, ["two", "one"])


async def test_an_address_that_takes_no_letter_keeps_no_change_from_being_made(house: House) -> None:
    lone = await house.administrator("a@eia.example.in")
    change = await house.propose(lone)
    async with uow():
        await Account.update({Account.email: "no letter@@here"}).where(Account.id == lone.account_id)
    house.people.later(hours=48)
    assert (await house.round(), house.made) == (1, ["one"])
    assert (await changes.change_of(lone, change.id)).done


async def test_what_an_administrator_asked_for_is_not_made_for_who_is_an_officer_alone(house: House) -> None:
    lone = await house.administrator("a@eia.example.in")
    async with uow():
        await Officer.insert(Officer(agency=house.people.agency_id, account=lone.account_id, name="A Person", designation="Director"))
    change = await house.propose(lone)
    async with uow():
        await dismissed(lone, house.people.at)
    house.people.later(hours=48)
    await house.round()
    [row] = await ChangeRow.select(ChangeRow.state).where(ChangeRow.id == change.id)
    assert (house.made, row["state"]) == ([], "overtaken")


async def test_a_change_that_is_decided_meanwhile_gets_no_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    change = await house.propose(first)

    async def nobody(*_: object) -> tuple[()]:
        """The round has seen it waiting; the other process confirms it before the round writes."""
        await changes.confirm(
            change.id, second, effects={"test": house.apply}, box=house.people.box, limits=house.people.limits, at=house.people.at
        )
        return ()

    monkeypatch.setattr(deciding, "seconds_of", nobody)
    assert (await house.round(), house.made) == (0, ["one"])
    assert (await changes.change_of(first, change.id)).due_at is None


async def test_a_second_person_who_comes_is_waited_for_after_all(house: House) -> None:
    lone = await house.administrator("a@eia.example.in")
    change = await house.propose(lone)
    second = await house.administrator("b@eia.example.in")
    house.people.later(hours=48)
    await house.round()
    assert (house.made, (await changes.change_of(second, change.id)).due_at) == ([], None)
    second = await house.signed_in("b@eia.example.in", second.account_id)
    assert (await house.confirm(change, second)).done


async def test_nothing_is_made_for_an_agency_that_was_delisted(house: House) -> None:
    lone = await house.administrator("a@eia.example.in")
    change = await house.propose(lone)
    async with uow():
        await AgencyListing.update({AgencyListing.ends_on: ist_day(house.people.at)}).where(AgencyListing.agency == house.people.agency_id)
    house.people.later(hours=48)
    await house.round()
    [row] = await ChangeRow.select(ChangeRow.state).where(ChangeRow.id == change.id)
    assert (house.made, row["state"]) == ([], "overtaken")


async def test_a_thing_has_one_waiting_change_of_a_kind(house: House) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    change = await house.propose(first)
    with pytest.raises(Conflict):
        await house.propose(second)
    await house.propose(second, "two")
    await changes.withdraw(change.id, first, at=house.people.at)
    assert (await house.propose(second)).waiting


async def test_of_two_who_decide_at_once_one_does(house: House) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    third = await house.administrator("c@eia.example.in")
    change = await house.propose(first)
    told = await asyncio.gather(
        house.confirm(change, second), house.refuse(change, third), house.confirm(change, third), return_exceptions=True
    )
    assert sum(isinstance(each, Change) for each in told) == 1
    assert all(isinstance(each, Change | Conflict) for each in told)
    assert len(house.made) <= 1


async def test_of_two_who_ask_at_once_one_asks(house: House) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    told = await asyncio.gather(house.propose(first), house.propose(second), return_exceptions=True)
    assert sorted(type(each).__name__ for each in told) == ["Change", "Conflict"]


async def test_it_asks_for_a_fresh_proof(house: House) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    change = await house.propose(first)
    house.people.later(minutes=26)
    with pytest.raises(Forbidden) as told:
        await house.confirm(change, second)
    assert told.value.code == "prove"
    with pytest.raises(Forbidden):
        await house.propose(first, "two")
    assert house.made == []


async def test_the_one_who_is_named_confirms_although_no_administrator(house: House) -> None:
    lone, officer = await house.administrator("a@eia.example.in"), await house.officer()
    other = await house.officer("another@eia.example.in")
    change = await house.propose(lone, second=officer.account_id)
    assert change.due_at is None
    with pytest.raises(NotFound):
        await house.confirm(change, other)
    assert (await house.confirm(change, officer)).done


async def test_an_officer_asks_and_the_administrator_confirms(house: House) -> None:
    administrator, officer = await house.administrator("a@eia.example.in"), await house.officer()
    change = await house.propose(officer, second=officer.account_id)
    assert change.second is None
    with pytest.raises(Forbidden):
        await house.confirm(change, officer)
    assert (await house.confirm(change, administrator)).done


async def test_another_agency_neither_sees_nor_decides(house: House) -> None:
    first = await house.administrator("a@eia.example.in")
    await house.administrator("b@eia.example.in")
    change = await house.propose(first)
    stranger_id = await house.people.person("x@txc.example.in", factor=True)
    other = await add_agency("TXC", "Textiles Committee", actor="test", at=house.people.at)
    row = Administrator(agency=other, account=stranger_id, live_key=f"{stranger_id}:{other}", made_by="test", made_at=house.people.at)
    async with uow():
        await Administrator.insert(row)
    stranger = await house.signed_in("x@txc.example.in", stranger_id)
    told = []
    for id in (change.id, uuid4()):
        with pytest.raises(NotFound) as refused:
            await changes.change_of(stranger, id)
        told.append((refused.value.say, refused.value.code))
    assert told[0] == told[1]
    with pytest.raises(NotFound):
        await house.confirm(change, stranger)
    with pytest.raises(NotFound):
        await house.refuse(change, stranger)
    with pytest.raises(NotFound):
        await changes.withdraw(change.id, stranger, at=house.people.at)
    with pytest.raises(Forbidden):
        await house.propose(stranger, "two")
    assert await changes.changes_of(stranger, waiting=True) == []


async def test_only_the_asker_withdraws(house: House) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    change = await house.propose(first)
    with pytest.raises(Forbidden):
        await changes.withdraw(change.id, second, at=house.people.at)
    assert (await changes.withdraw(change.id, first, at=house.people.at)).state is ChangeState.WITHDRAWN
    with pytest.raises(Conflict):
        await house.confirm(change, second)


@pytest.mark.parametrize("reason", ["", "   ", "\n", "a\u202eb", "x" * 401])
async def test_a_refusal_has_a_reason(house: House, reason: str) -> None:
    first, second = await house.administrator("a@eia.example.in"), await house.administrator("b@eia.example.in")
    change = await house.propose(first)
    with pytest.raises(Refused) as told:
        await house.refuse(change, second, reason)
    assert told.value.box == "reason"


async def test_a_deactivated_officer_asks_for_nothing(house: House) -> None:
    await house.administrator("a@eia.example.in")
    officer = await house.officer()
    async with uow():
        await Officer.update({Officer.active: False}).where(Officer.account == officer.account_id)
    with pytest.raises(Forbidden):
        await house.propose(officer)
