"""Brokers and their persons: opened once a licence, invited by mail, and never more rights than who gives them has."""

import asyncio
from uuid import uuid4

import pytest

from engine.errors import Conflict, Forbidden, NotFound, Refused
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people.access import give_password, resume
from engine.people.access.roles import roles_of
from engine.people.access.sessions import begin
from engine.people.access.tables import Stage
from engine.people.firms import add_member, broker_here, change_member, end_member, members_of, open_broker
from engine.people.tables import Account, BrokerUser
from engine.store import uow
from tests.people.firms.conftest import Firms

SEEING = frozenset({"see", "prepare"})


async def add(firms: Firms, by, email="two@clearing.example.in", **more):
    told = {
        "email": email,
        "name": "A Colleague",
        "rights": SEEING,
        "box": firms.box,
        "base": "https://x.example",
        "actor": "a",
        "at": firms.at,
    }
    return await add_member(by, **told | more)


async def letters(firms: Firms, to: str) -> list[str]:
    rows = await LetterRow.select()
    opened = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], firms.box) for row in rows]
    return [letter.text for letter in opened if letter.to == to]


async def test_a_broker_is_opened_with_a_person_who_manages_it(firms: Firms) -> None:
    opened = await firms.broker()
    here = await broker_here(opened.user_id)
    assert (here.name, len(here.code), here.code) == ("Konkan Clearing", 8, opened.code)
    [member] = await members_of(opened.user_id)
    assert "manage" in member.rights
    [role] = await roles_of(opened.account_id, firms.at)
    assert (role.needs_second_factor, role.broker_id) == (True, opened.broker_id)
    [invited] = await letters(firms, member.email)
    assert "https://x.example/password/" in invited


async def test_one_licence_is_one_broker_however_it_is_written(firms: Firms) -> None:
    told = {"email": "a@b.example.in", "person": "P", "actor": "t", "box": firms.box, "base": "https://x.example", "at": firms.at}
    await open_broker(name="One", licence="CHA 11/1234", **told)
    with pytest.raises(Conflict):
        await open_broker(name="Two", licence="cha-11 1234", **told)


@pytest.mark.parametrize(
    "wrong",
    [
        {"licence": ""},
        {"licence": "x\u202ey"},
        {"licence": "a" * 60},
        {"name": ""},
        {"name": "a\u202eb"},
        {"email": "x"},
        {"person": "\x00"},
    ],
)
async def test_what_is_no_broker_is_refused(firms: Firms, wrong: dict[str, str]) -> None:
    told = {"name": "One", "licence": "CHA 1", "email": "a@b.example.in", "person": "P"} | wrong
    with pytest.raises(Refused):
        await open_broker(**told, actor="t", box=firms.box, base="https://x.example", at=firms.at)
    assert not await BrokerUser.exists()
    assert not await Account.exists()


async def test_a_colleague_is_invited_and_has_no_more_rights_than_given(firms: Firms) -> None:
    opened = await firms.broker()
    await add(firms, opened.user_id)
    [account] = await Account.select(Account.id).where(Account.email == "two@clearing.example.in")
    [role] = await roles_of(account["id"], firms.at)
    assert role.rights == SEEING
    assert len(await letters(firms, "two@clearing.example.in")) == 1


async def test_who_has_an_account_is_told_and_the_firm_learns_nothing_of_it(firms: Firms) -> None:
    opened = await firms.broker()
    async with uow():
        await Account.insert(Account(email="known@eia.example.in", name="Real Name", made_at=firms.at))
    [row] = await Account.select(Account.id).where(Account.email == "known@eia.example.in")
    await give_password(row["id"], "seven lanterns over Devgad", actor="t", at=firms.at)
    await add(firms, opened.user_id, "known@eia.example.in", name="As Typed")
    names = {member.name for member in await members_of(opened.user_id)}
    assert names == {"F. Contractor", "As Typed"}
    [told] = await letters(firms, "known@eia.example.in")
    assert "/password/" not in told


async def test_only_who_manages_adds_changes_and_ends(firms: Firms) -> None:
    opened = await firms.broker()
    clerk = await add(firms, opened.user_id)
    for act in (
        add(firms, clerk, "three@clearing.example.in"),
        change_member(clerk, opened.user_id, rights=SEEING, actor="a", at=firms.at),
        end_member(clerk, opened.user_id, actor="a", at=firms.at),
    ):
        with pytest.raises(Forbidden):
            await act


async def test_nobody_gives_what_they_do_not_have(firms: Firms) -> None:
    opened = await firms.broker()
    second = await add(firms, opened.user_id, rights=frozenset({"see", "manage"}))
    with pytest.raises(Forbidden, match="may not"):
        await add(firms, second, "three@clearing.example.in", rights=frozenset({"see", "submit"}))
    with pytest.raises(Forbidden, match="may"):
        await change_member(second, second, rights=frozenset({"see", "manage", "submit"}), actor="a", at=firms.at)
    with pytest.raises(Forbidden, match="which you may not"):
        await change_member(second, opened.user_id, rights=frozenset({"see", "manage"}), actor="a", at=firms.at)


async def test_somebody_who_manages_is_left(firms: Firms) -> None:
    opened = await firms.broker()
    with pytest.raises(Refused, match="Nobody would be left"):
        await end_member(opened.user_id, opened.user_id, actor="a", at=firms.at)
    with pytest.raises(Refused, match="Nobody would be left"):
        await change_member(opened.user_id, opened.user_id, rights=SEEING, actor="a", at=firms.at)
    assert "manage" in (await members_of(opened.user_id))[0].rights


async def test_two_who_end_each_other_at_once_do_not_both_go(firms: Firms) -> None:
    opened = await firms.broker()
    every = frozenset({"see", "prepare", "submit", "pay", "manage"})
    second = await add(firms, opened.user_id, rights=every)
    done = await asyncio.gather(
        end_member(opened.user_id, second, actor="a", at=firms.at),
        end_member(second, opened.user_id, actor="b", at=firms.at),
        return_exceptions=True,
    )
    assert sum(each is None for each in done) == 1
    assert await BrokerUser.count().where(BrokerUser.ended_at.is_null()) == 1


async def test_who_is_ended_is_signed_out_of_the_broker_alone(firms: Firms) -> None:
    from engine.people.access import Device

    opened = await firms.broker()
    member = await add(firms, opened.user_id)
    [account] = await Account.select(Account.id).where(Account.email == "two@clearing.example.in")
    async with uow():
        mine = await begin(account["id"], Stage.WHOLE, device=Device(), limits=firms.limits, at=firms.at, acting=f"broker:{member}")
        else_ = await begin(account["id"], Stage.WHOLE, device=Device(), limits=firms.limits, at=firms.at, acting="officer:x")
    await end_member(opened.user_id, member, actor="a", at=firms.at)
    assert await resume(mine, limits=firms.limits, at=firms.at) is None
    assert await resume(else_, limits=firms.limits, at=firms.at) is not None, "a broker cannot sign an officer out"
    again = await add(firms, opened.user_id)
    assert again == member, "who comes back has the same row"


async def test_a_person_of_another_broker_reads_like_nobody(firms: Firms) -> None:
    one, two = await firms.broker(), await firms.broker("Another")
    told = []
    for id in (two.user_id, uuid4()):
        with pytest.raises(NotFound) as refused:
            await end_member(one.user_id, id, actor="a", at=firms.at)
        told.append(refused.value.say)
        with pytest.raises(NotFound):
            await change_member(one.user_id, id, rights=SEEING, actor="a", at=firms.at)
    assert told[0] == told[1]
    assert len(await members_of(two.user_id)) == 1
    with pytest.raises(NotFound):
        await members_of(uuid4())
