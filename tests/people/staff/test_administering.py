"""Administrators change by two persons, and an agency never loses its last one by it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import pytest

from engine.errors import Conflict, Forbidden, NotFound, Refused, Untrusted
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people.access import Principal
from engine.people.access.tables import Session
from engine.people.agencies.official import end_address, record_address
from engine.people.agencies.tables import AddressKind, OfficialAddress
from engine.people.changes import Change, ChangeState, change_of, confirm, refuse, run_due
from engine.people.changes.tables import ChangeRow
from engine.people.staff.activating import OFFICER_AGAIN, apply_officer_again
from engine.people.staff.administering import (
    ADMINISTRATOR,
    Nominee,
    Ways,
    administrators_of,
    apply_administrator,
    ask_to_appoint,
    ask_to_hand_over,
    ask_to_leave,
    nominee_of,
)
from engine.people.tables import Account
from engine.scope import Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.conftest import People, closed

BASE = "https://coo.example.in"


@dataclass
class House:
    """An agency with its administrators signed in, and the doors of changing them."""

    people: People

    @property
    def ways(self) -> Ways:
        apply = partial(apply_administrator, box=self.people.box, base=BASE)
        return Ways({ADMINISTRATOR: apply, OFFICER_AGAIN: apply_officer_again}, self.people.box, BASE, self.people.limits)

    async def administrator(self, email: str) -> Principal:
        id = await self.people.person(email, factor=True)
        await self.people.administrator(id)
        return await self.enter(email, id)

    async def enter(self, email: str, id: UUID) -> Principal:
        token = await self.people.later(seconds=30).whole(email, id)
        return await self.people.here(token)

    async def desk(self) -> None:
        await self.people.platform(await self.people.person("desk@platform.example.in"))

    async def confirm(self, change: Change, person: Principal) -> Change:
        return await confirm(
            change.id, person, effects=self.ways.effects, box=self.people.box, limits=self.people.limits, at=self.people.at
        )

    async def due(self, **span: float) -> int:
        self.people.later(**span)
        return await run_due(effects=self.ways.effects, box=self.people.box, base=BASE, limits=self.people.limits, at=self.people.at)

    async def appoint(self, person: Principal, email: str = "new@eia.example.in", name: str = "N. Person") -> Change:
        return await ask_to_appoint(self.people.agency_id, person, email=email, name=name, ways=self.ways, at=self.people.at)

    async def hand_over(self, person: Principal, email: str = "new@eia.example.in") -> Change:
        return await ask_to_hand_over(self.people.agency_id, person, email=email, name="N. Person", ways=self.ways, at=self.people.at)

    async def leave(self, person: Principal) -> Change:
        return await ask_to_leave(self.people.agency_id, person, ways=self.ways, at=self.people.at)

    async def present(self) -> list[str]:
        return sorted(each.email for each in await administrators_of(Scope.agency(self.people.agency_id)) if each.ended_at is None)

    async def texts(self) -> list[str]:
        rows = await LetterRow.select()
        letters = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], self.people.box) for row in rows]
        return [f"{letter.subject} {letter.text}" for letter in letters]

    async def told(self) -> dict[str, list[str]]:
        rows = await LetterRow.select()
        letters = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], self.people.box) for row in rows]
        found: dict[str, list[str]] = {}
        for letter in letters:
            found.setdefault(letter.to, []).append(letter.subject)
        return found


@pytest.fixture
async def house(people: People) -> House:
    await records(people)
    return House(people)


async def records(people: People, *, end: bool = False) -> None:
    """The register records the agency's domain, or (again) none."""
    if end:
        [entry] = await OfficialAddress.select(OfficialAddress.id).where(OfficialAddress.ended_on.is_null())
        await end_address(people.agency_id, entry["id"], actor="test", at=people.at)
        return
    await record_address(people.agency_id, AddressKind.DOMAIN, "eia.example.in", actor="test", at=people.at)


FIRST, SECOND, NEW = "first@eia.example.in", "second@eia.example.in", "new@eia.example.in"


async def test_one_asks_for_another_administrator_and_a_second_one_confirms(house: House) -> None:
    await house.desk()
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    change = await house.appoint(first)
    assert (change.waiting, change.due_at) == (True, None)
    assert await house.present() == [FIRST, SECOND]
    assert "A change waits for you" in (await house.told())[SECOND]
    assert (await house.told())["desk@platform.example.in"] == ["An agency's administrators are to change"]
    assert (await house.confirm(change, second)).state is ChangeState.DONE
    assert await house.present() == [FIRST, NEW, SECOND]
    told = await house.told()
    assert "An agency's administrators have changed" in told["desk@platform.example.in"]
    assert {"An agency's administrators have changed", "Your account for electronic Certificates of Origin"} <= set(told[NEW])


async def test_where_there_is_one_administrator_it_waits_its_time_and_the_desk_knows(house: House) -> None:
    await house.desk()
    only = await house.administrator(FIRST)
    change = await house.appoint(only)
    assert change.due_at is not None
    assert (await house.told())["desk@platform.example.in"] == ["A change waits for its time"]
    assert await house.due(hours=47) == 0
    assert await house.present() == [FIRST]
    await house.due(hours=2)
    assert await house.present() == [FIRST, NEW]


async def test_who_hands_over_is_out_when_the_new_one_is_in(house: House) -> None:
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    change = await house.hand_over(first)
    await house.confirm(change, second)
    assert await house.present() == [NEW, SECOND]
    [row] = [each for each in await administrators_of(Scope.agency(house.people.agency_id)) if each.email == FIRST]
    assert row.ended_at is not None


async def test_the_only_administrator_may_hand_over_and_may_not_leave(house: House) -> None:
    only = await house.administrator(FIRST)
    with pytest.raises(Refused) as refused:
        await house.leave(only)
    assert (refused.value.code, refused.value.box) == ("last_administrator", "leave")
    await house.hand_over(only)
    await house.due(hours=49)
    assert await house.present() == [NEW]


async def test_who_leaves_is_signed_out_and_may_come_back(house: House) -> None:
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    await house.confirm(await house.leave(first), second)
    assert await house.present() == [SECOND]
    assert not await Session.exists().where(Session.account == first.account_id, Session.ended_at.is_null())
    await house.appoint(second, FIRST)
    await house.due(hours=49)
    assert await house.present() == [FIRST, SECOND]


# --- attacks --------------------------------------------------------------------------------------


async def test_an_administrator_does_not_confirm_their_own_proposal(house: House) -> None:
    first, _ = await house.administrator(FIRST), await house.administrator(SECOND)
    for change in (await house.appoint(first), await house.leave(first)):
        with pytest.raises(Forbidden) as refused:
            await house.confirm(change, first)
        assert refused.value.code == "change_own"
    assert await house.present() == [FIRST, SECOND]


async def test_two_who_leave_at_once_leave_one_behind(house: House) -> None:
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    mine, theirs = await house.leave(first), await house.leave(second)
    outcomes = await asyncio.gather(house.confirm(mine, second), house.confirm(theirs, first), return_exceptions=True)
    assert sum(isinstance(each, Change) for each in outcomes) == 1
    assert sum(isinstance(each, Refused) for each in outcomes) == 1
    assert len(await house.present()) == 1
    await house.due(hours=1)  # the one that is left waits for its time now
    await house.due(hours=49)
    assert len(await house.present()) == 1


async def test_one_who_leaves_in_two_tabs_leaves_once(house: House) -> None:
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    outcomes = await asyncio.gather(house.leave(first), house.leave(first), house.hand_over(first), return_exceptions=True)
    waits = [each for each in outcomes if isinstance(each, Change)]
    assert len(waits) == 1
    assert all(isinstance(each, Conflict) for each in outcomes if each is not waits[0])
    both = await asyncio.gather(house.confirm(waits[0], second), house.confirm(waits[0], second), return_exceptions=True)
    assert sum(isinstance(each, Change) for each in both) == 1
    assert SECOND in await house.present()


async def test_what_is_not_official_any_more_when_it_is_confirmed_is_not_made(house: House) -> None:
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    change = await house.appoint(first)
    await records(house.people, end=True)
    await record_address(house.people.agency_id, AddressKind.DOMAIN, "other.example.in", actor="test", at=house.people.at)
    with pytest.raises(Refused) as refused:
        await house.confirm(change, second)
    assert refused.value.rule == "official e-mail"
    assert await house.present() == [FIRST, SECOND]
    assert (await change_of(second, change.id)).waiting
    assert not await Account.exists().where(Account.email == NEW)


async def test_where_the_register_records_no_address_nobody_is_appointed(house: House) -> None:
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    change = await house.appoint(first)
    await records(house.people, end=True)
    for act in (lambda: house.appoint(first, "x@eia.example.in"), lambda: house.hand_over(first), lambda: house.confirm(change, second)):
        with pytest.raises(Refused) as refused:
            await act()
        assert refused.value.rule == "official e-mail"
    assert await house.present() == [FIRST, SECOND]


async def test_what_is_asked_makes_no_account_and_names_nobody_whom_the_asker_did_not_name(house: House) -> None:
    await house.desk()
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    known = await house.people.person(NEW)
    async with uow():
        await Account.update({Account.name: "Meera Iyer"}).where(Account.id == known)
    change = await house.appoint(first, NEW, "N. Person")
    other = await house.appoint(first, "fresh@eia.example.in", "F. Resh")
    [row] = await ChangeRow.select().where(ChangeRow.id == change.id)
    audited = str(await AuditEntry.select())
    for personal in (NEW, "Meera", str(known)):
        assert personal not in str(row)
        assert personal not in audited
        assert all(personal not in text for text in await house.texts())
    assert "N. Person" not in str(row), "what was typed of a person stands sealed in the payload alone"
    assert not await Account.exists().where(Account.email == "fresh@eia.example.in")
    assert nominee_of(change, house.people.box) == Nominee(NEW, "N. Person")
    await refuse(other.id, second, "not ours", box=house.people.box, at=house.people.at)
    assert not await Account.exists().where(Account.email == "fresh@eia.example.in")
    await house.confirm(change, second)
    [row] = await Account.select(Account.id, Account.name).where(Account.email == NEW)
    assert row == {"id": known, "name": "Meera Iyer"}


async def test_no_title_names_a_person(house: House) -> None:
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    await house.appoint(first, "a@eia.example.in", "Distinct Nominee")
    await house.hand_over(second, "b@eia.example.in")
    await house.leave(first)
    titles = [row["title"] for row in await ChangeRow.select(ChangeRow.title)]
    assert len(titles) == 3
    for named in ("Distinct", "N. Person", first.name, second.name, "example"):
        assert all(named not in title for title in titles)


async def test_one_person_waits_to_be_appointed_once(house: House) -> None:
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    change = await house.appoint(first)
    with pytest.raises(Conflict) as refused:
        await house.appoint(second, NEW.upper())
    assert refused.value.code == "change_waits"
    await house.appoint(second, "another@eia.example.in")
    await house.confirm(change, second)


async def test_a_nominee_that_was_moved_into_another_change_does_not_open(house: House) -> None:
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    mine, theirs = await house.appoint(first), await house.appoint(second, "another@eia.example.in")
    async with uow():
        [row] = await ChangeRow.select(ChangeRow.payload).where(ChangeRow.id == theirs.id)
        await ChangeRow.update({ChangeRow.payload: row["payload"]}).where(ChangeRow.id == mine.id)
    with pytest.raises(Untrusted):
        await house.confirm(mine, second)
    assert await house.present() == [FIRST, SECOND]


@pytest.mark.parametrize(
    "email",
    ["new@eia.example.in.evil.example", "new@notother.example.in", "new@OTHER.example.in.", "nobody", "", "a@b\r\nBcc: c@d.example"],
)
async def test_an_address_that_is_not_the_agencys_is_refused_and_leaves_no_account(house: House, email: str) -> None:
    first = await house.administrator(FIRST)
    await record_address(house.people.agency_id, AddressKind.DOMAIN, "other.example.in", actor="test", at=house.people.at)
    before = await Account.count()
    with pytest.raises(Refused) as refused:
        await house.appoint(first, email)
    assert refused.value.box == "email"
    assert await Account.count() == before


@pytest.mark.parametrize("name", ["", "\u202egnp.exe", "A\x00B", "x" * 121, "A\nB"])
async def test_a_name_that_cannot_be_one_is_refused(house: House, name: str) -> None:
    first = await house.administrator(FIRST)
    with pytest.raises(Refused) as refused:
        await house.appoint(first, name=name)
    assert refused.value.box == "name"


async def test_who_administers_already_is_not_appointed_again(house: House) -> None:
    first, _ = await house.administrator(FIRST), await house.administrator(SECOND)
    with pytest.raises(Conflict):
        await house.appoint(first, SECOND)


async def test_an_account_that_is_closed_administers_nothing(house: House) -> None:
    first, off = await house.administrator(FIRST), await house.people.person("off@eia.example.in")
    async with uow():
        await Account.update(closed(house.people.at)).where(Account.id == off)
    with pytest.raises(Refused):
        await house.appoint(first, "off@eia.example.in")


async def test_without_a_fresh_proof_nothing_is_asked(house: House) -> None:
    first, second = await house.administrator(FIRST), await house.administrator(SECOND)
    change = await house.appoint(first)
    house.people.later(minutes=26)
    for act in (lambda: house.appoint(first, "x@eia.example.in"), lambda: house.leave(first), lambda: house.hand_over(first)):
        await _forbidden(act)
    await _forbidden(lambda: house.confirm(change, second))


async def _forbidden(act: Callable[[], Awaitable[Change]]) -> None:
    with pytest.raises(Forbidden) as refused:
        await act()
    assert refused.value.code == "prove"


async def test_another_agencys_administrator_neither_sees_nor_confirms_nor_leaves_for_us(house: House) -> None:
    from engine.people import add_agency

    first, _ = await house.administrator(FIRST), await house.administrator(SECOND)
    change = await house.leave(first)
    other = await add_agency("TXC", "Textiles Committee", actor="test", at=house.people.at)
    theirs = House(People(house.people.box, house.people.office_id, other, house.people.at, secrets=house.people.secrets))
    stranger = await theirs.administrator("a@txc.example.in")
    with pytest.raises(NotFound):
        await house.confirm(change, stranger)
    with pytest.raises(NotFound):
        await house.leave(stranger)
    with pytest.raises(Forbidden):
        await house.appoint(stranger)
    assert [each.email for each in await administrators_of(Scope.agency(other))] == ["a@txc.example.in"]
    assert await house.present() == [FIRST, SECOND]
