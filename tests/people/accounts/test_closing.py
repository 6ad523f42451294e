"""The desk closes an account, whoever's it is: nothing of it opens anything from then on, and opened again it is what it was."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from engine.errors import Conflict, Forbidden, NotFound, Refused
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import access, find_officer, make_key, make_partys_key, why_not_officer
from engine.people.access import Principal, RoleKind, Stage, roles_of
from engine.people.access.tables import Session, Ticket
from engine.people.accounts.closing import close_account, open_account_again
from engine.people.accounts.reading import account_record, keys_made_by, search_accounts
from engine.people.changes.persons import desk as desk_now
from engine.people.firms import open_broker
from engine.people.keyring import Party
from engine.people.keys import who_calls
from engine.people.staff.desk import appoint_to_desk, desk_people, end_at_desk
from engine.people.staff.roster import officers_of
from engine.people.tables import Account, ApiKey, Broker, BrokerUser, ExporterUser, Officer
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.conftest import DEVICE, PASSWORD, People

WHY = "Reported as stolen on 21 November."
FIRST, SECOND = "first@desk.example.in", "second@desk.example.in"
KINDS = tuple(RoleKind)


async def somebody(people: People, kind: RoleKind) -> tuple[UUID, str]:
    """A person of that kind who can sign in, and their address."""
    email = f"{kind}-{uuid4().hex[:6]}@x.example.in"
    match kind:
        case RoleKind.PLATFORM:
            await people.platform(id := await people.person(email, factor=True))
        case RoleKind.ADMINISTRATOR:
            await people.administrator(id := await people.person(email, factor=True))
        case RoleKind.OFFICER:
            id = await people.officer(email)
        case RoleKind.EXPORTER:
            id = await people.exporter_user(email, "see,prepare,submit")
        case _:
            id = await people.person(email, factor=True)
            await open_broker(
                name="Konkan Clearing",
                licence=f"CHA {uuid4().int % 10000:04d}/2026",
                email=email,
                person="A Person",
                actor="test",
                box=people.box,
                base="https://x.example",
                at=people.at,
            )
    return id, email


async def at_desk(people: People, email: str = FIRST) -> Principal:
    id = await people.person(email, factor=True)
    await people.platform(id)
    return await people.here(await people.later(seconds=30).whole(email, id))


async def close(people: People, person: Principal, id: UUID, reason: str = WHY) -> None:
    await close_account(person, id, reason, limits=people.limits, box=people.box, at=people.at)


async def open_again(people: People, person: Principal, id: UUID) -> None:
    await open_account_again(person, id, limits=people.limits, box=people.box, at=people.at)


async def letters(people: People) -> dict[str, str]:
    rows = await LetterRow.select()
    found = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], people.box) for row in rows]
    return {letter.to: f"{letter.subject}\n{letter.text}" for letter in found}


async def said(deed) -> str:
    with pytest.raises(Refused) as refused:
        await deed
    return refused.value.say


@pytest.mark.parametrize("kind", KINDS)
async def test_whoever_it_is_they_are_out_at_once_and_back_as_they_were(people: People, kind: RoleKind) -> None:
    first, (id, email) = await at_desk(people), await somebody(people, kind)
    token = await people.later(seconds=30).whole(email, id)
    role = (await people.here(token)).role
    assert role is not None
    assert role.kind is kind
    await close(people, first, id)
    assert await people.resume(token) is None
    assert not await Session.exists().where(Session.account == id, Session.ended_at.is_null())
    with pytest.raises(Refused):
        await people.later(minutes=1).whole(email, id)
    await open_again(people, first, id)
    assert await people.resume(token) is None, "a session came to life again"
    again = (await people.here(await people.later(minutes=1).whole(email, id))).role
    assert again is not None
    assert again.key == role.key


async def test_signing_in_to_a_closed_account_reads_as_to_none(people: People) -> None:
    first, (id, email) = await at_desk(people), await somebody(people, RoleKind.OFFICER)
    await close(people, first, id)
    words = {
        await said(people.enter(email)),
        await said(people.enter(email, "not the password")),
        await said(people.enter("nobody@x.example.in")),
    }
    assert len(words) == 1
    before = await LetterRow.count()
    await access.ask_reset(email, base="https://x.example", box=people.box, at=people.at)
    assert (await LetterRow.count(), await Ticket.count()) == (before, 0)


async def test_half_a_sign_in_and_a_mailed_link_open_nothing_any_more_nor_later(people: People) -> None:
    first, (id, email) = await at_desk(people), await somebody(people, RoleKind.ADMINISTRATOR)
    half = await people.enter(email)
    assert half.stage is Stage.CODE
    waiting = await people.here(half.token)
    await access.ask_reset(email, base="https://x.example", box=people.box, at=people.at)
    text = (await letters(people))[email]
    link = text.split("/password/")[1].split()[0]
    assert await access.is_good(link, people.at)
    await close(people, first, id)
    with pytest.raises(Forbidden):
        await access.second_factor(waiting, people.code(id, steps=1), box=people.box, device=DEVICE, limits=people.limits, at=people.at)
    await open_again(people, first, id)
    assert not await access.is_good(link, people.at)
    with pytest.raises(Refused):
        await access.choose_password(link, PASSWORD + " again", box=people.box, at=people.at)


async def test_keys_that_they_made_end_at_once_and_for_good_and_no_others(people: People) -> None:
    first, (id, _) = await at_desk(people), await somebody(people, RoleKind.ADMINISTRATOR)
    made = {"rights": frozenset({"see"}), "agency": people.agency_id, "valid_for": timedelta(days=9), "at": people.at}
    own, others = [await make_key(actor, actor=actor, **made) for actor in (f"account:{id}", f"account:{uuid4()}")]
    assert (await account_record(PLATFORM, id, people.at)).keys == 1
    await close(people, first, id)
    assert (await who_calls(own, people.at), await who_calls(others, people.at) is not None) == (None, True)
    [row] = await ApiKey.select().where(ApiKey.made_by == f"account:{id}")
    assert (row["revoked_at"], row["revoked_by"]) == (people.at, first.actor)
    [entry] = await AuditEntry.select().where(AuditEntry.act == "api_key_revoked")
    assert (entry["subject"], entry["actor"]) == (str(row["id"]), first.actor)
    await open_again(people, first, id)
    assert await who_calls(own, people.at) is None


async def test_a_key_that_is_made_at_that_very_moment_is_not_left_over(people: People) -> None:
    first, (id, _) = await at_desk(people), await somebody(people, RoleKind.ADMINISTRATOR)
    party = Party(agency=people.agency_id, rights=frozenset({"see"}))

    async def make(form: str) -> str:
        actor = f"account:{id}"
        return await make_partys_key(party, "Ours", rights=frozenset({"see"}), days=9, form=form, actor=actor, at=people.at)

    made = await asyncio.gather(make("a"), close(people, first, id), make("b"), return_exceptions=True)
    assert made[1] is None
    assert all(isinstance(each, str | Forbidden) for each in (made[0], made[2]))
    assert not await keys_made_by(PLATFORM, id, people.at)
    with pytest.raises(Forbidden):
        await make("c")


async def test_they_are_told_why_and_those_they_act_for_only_that(people: People) -> None:
    first, (id, email) = await at_desk(people), await somebody(people, RoleKind.OFFICER)
    _, head = await somebody(people, RoleKind.ADMINISTRATOR)
    made = {"agency": people.agency_id, "valid_for": timedelta(days=9), "actor": f"account:{id}", "at": people.at}
    await make_key("Books <b>", rights=frozenset({"see"}), **made)
    await close(people, first, id)
    told = await letters(people)
    assert WHY in told[email]
    assert "1 API key that you made" in told[email]
    assert "Books <b>" in told[head]
    assert WHY not in told[head]
    assert set(told) == {email, head}
    [entry] = await AuditEntry.select().where(AuditEntry.act == "account_closed")
    assert (entry["subject"], entry["actor"]) == (str(id), first.actor)
    assert not {"stolen", email, "Person"} & set(str(entry).replace("'", " ").split())
    await open_again(people, first, id)
    assert "opened again" in (await letters(people))[email]
    assert await AuditEntry.count().where(AuditEntry.act == "account_opened_again", AuditEntry.subject == str(id)) == 1


@pytest.mark.parametrize("kind", [RoleKind.EXPORTER, RoleKind.BROKER])
async def test_a_firm_is_told_at_its_own_addresses(people: People, kind: RoleKind) -> None:
    first, (id, email) = await at_desk(people), await somebody(people, kind)
    colleague = "colleague@x.example.in"
    async with uow():
        if kind is RoleKind.BROKER:
            [user] = await BrokerUser.select(BrokerUser.broker).where(BrokerUser.account == id)
            await Broker.update({Broker.email: colleague}).where(Broker.id == user["broker"])
        else:
            [row] = await ExporterUser.select().where(ExporterUser.account == id)
            account = await people.person(colleague)
            more = {"account": account, "rights": "see,submit", "live_key": f"{row['exporter']}:{account}"}
            await ExporterUser.insert(ExporterUser(exporter=row["exporter"], **more))
    await close(people, first, id)
    told = await letters(people)
    assert "can act for you no more" in told[colleague]
    assert WHY in told[email]


async def test_a_closed_officers_approval_is_not_signed_and_they_decide_nothing(people: People) -> None:
    first, (id, email) = await at_desk(people), await somebody(people, RoleKind.OFFICER)
    [row] = await Officer.select(Officer.id).where(Officer.account == id)
    on = people.at.date()
    await close(people, first, id)
    assert "was closed before it was signed" in await why_not_officer(row["id"], people.office_id, on)
    found = await find_officer(PLATFORM, email)
    assert (found.active, found.closed) == (True, True)
    [[listed], _] = await officers_of(PLATFORM, at=people.at)
    assert (listed.active, listed.closed) == (True, True)
    await open_again(people, first, id)
    assert "closed" not in await why_not_officer(row["id"], people.office_id, on)


async def test_nobody_closes_their_own_and_of_two_who_close_each_other_one_stays(people: People) -> None:
    first, second = await at_desk(people), await at_desk(people, SECOND)
    with pytest.raises(Forbidden) as refused:
        await close(people, first, first.account_id)
    assert refused.value.code == "own_account"
    both = close(people, first, second.account_id), close(people, second, first.account_id)
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Forbidden", "NoneType"]
    assert len(await desk_now()) == 1


async def test_of_two_who_close_it_at_once_one_does(people: People) -> None:
    first, (id, _) = await at_desk(people), await somebody(people, RoleKind.EXPORTER)
    done = await asyncio.gather(close(people, first, id), close(people, first, id), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "NoneType"]
    await open_again(people, first, id)
    with pytest.raises(Conflict):
        await open_again(people, first, id)


async def test_it_takes_a_fresh_proof_a_reason_and_a_place_at_the_desk(people: People) -> None:
    first, (id, _) = await at_desk(people), await somebody(people, RoleKind.EXPORTER)
    for reason in ("", "  ", "x" * 401, "a\u202eb", "a\x00b"):
        with pytest.raises(Refused) as refused:
            await close(people, first, id, reason)
        assert (refused.value.box, refused.value.rule) == ("reason", "reason given")
    (other, email) = await somebody(people, RoleKind.ADMINISTRATOR)
    head = await people.here(await people.later(seconds=30).whole(email, other))
    for deed in (close(people, head, id), open_again(people, head, id)):
        with pytest.raises(Forbidden) as forbidden:
            await deed
        assert forbidden.value.code == "role"
    people.later(minutes=26)
    for deed in (close(people, first, id), open_again(people, first, id)):
        with pytest.raises(Forbidden) as forbidden:
            await deed
        assert forbidden.value.code == "prove"
    assert await Account.exists().where(Account.id == id, Account.active.eq(True))


async def test_only_the_desk_sees_accounts_and_every_other_scope_reads_as_none(people: People) -> None:
    first, (id, email) = await at_desk(people), await somebody(people, RoleKind.OFFICER)
    says = set()
    for scope, wanted in ((PLATFORM, uuid4()), (PUBLIC, id), (Scope.agency(people.agency_id), id), (Scope.exporter(uuid4()), id)):
        with pytest.raises(NotFound) as unknown:
            await account_record(scope, wanted, people.at)
        says.add(unknown.value.say)
    with pytest.raises(NotFound) as unknown:
        await close(people, first, uuid4())
    assert len(says | {unknown.value.say}) == 1
    assert await search_accounts(Scope.agency(people.agency_id), email) == ((), 0)
    assert await keys_made_by(Scope.agency(people.agency_id), id, people.at) == ()


@pytest.mark.parametrize(
    ("words", "found"), [("", 2), ("FIRST@", 1), ("person desk", 1), ("desk person", 1), ("%", 0), ("_", 0), ("\\", 0)]
)
async def test_accounts_are_found_by_what_is_written_and_not_by_patterns(people: People, words: str, found: int) -> None:
    await people.person(FIRST)
    await people.person("other@firm.example.in")
    listed, count = await search_accounts(PLATFORM, words)
    assert (len(listed), count) == (found, found)
    assert await search_accounts(PLATFORM, "a\x00b") == ((), 0)
    assert await search_accounts(PLATFORM, "' OR 1=1 --") == ((), 0)


async def test_a_page_of_accounts_is_in_the_order_of_the_names(people: People) -> None:
    async with uow():
        await Account.insert(*(Account(email=f"p{number}@x.example.in", name=f"P {number:02d}", made_at=people.at) for number in range(53)))
    (first, count), (second, _) = await search_accounts(PLATFORM, "p"), await search_accounts(PLATFORM, "p", page=2)
    assert (len(first), len(second), count) == (50, 3, 53)
    assert [each.name for each in (*first, *second)] == [f"P {number:02d}" for number in range(53)]


# --- the desk's own -------------------------------------------------------------------------------


async def test_a_closed_person_of_the_desk_sits_there_still_and_counts_for_nothing(people: People) -> None:
    first, second = await at_desk(people), await at_desk(people, SECOND)
    await close(people, first, second.account_id)
    assert {each.email: each.closed for each in await desk_people(PLATFORM)} == {FIRST: False, SECOND: True}
    assert [each.email for each in await desk_now()] == [FIRST]
    with pytest.raises(Forbidden):
        await close(people, second, first.account_id)
    assert "closed the account" in (await letters(people))[FIRST]


async def test_a_closed_account_gets_no_place_at_the_desk(people: People) -> None:
    first, (id, email) = await at_desk(people), await somebody(people, RoleKind.EXPORTER)
    await close(people, first, id)
    with pytest.raises(Conflict) as refused:
        await appoint_to_desk(email=email, name="A Person", actor="shell", at=people.at)
    assert refused.value.code == "account_closed"
    assert [each.email for each in await desk_people(PLATFORM)] == [FIRST]


async def test_who_was_ended_at_the_desk_signs_in_to_nothing_and_can_be_closed_like_anybody(people: People) -> None:
    first, second = await at_desk(people), await at_desk(people, SECOND)
    [place] = [each.id for each in await desk_people(PLATFORM) if each.account_id == second.account_id]
    await end_at_desk(first, place, "Left.", limits=people.limits, box=people.box, at=people.at)
    token = await people.later(minutes=1).whole(SECOND, second.account_id)
    here = await people.here(token)
    assert (here.roles, here.role, here.scope) == ((), None, PUBLIC)
    with pytest.raises(Forbidden):
        await close(people, here, first.account_id)
    await close(people, first, second.account_id)
    assert await people.resume(token) is None
    await open_again(people, first, second.account_id)
    assert await roles_of(second.account_id, people.at) == (), "opened again they are what they were: nothing"


async def test_a_closed_account_hears_nothing_more_of_its_firm(people: People) -> None:
    """Letters of a firm go to accounts that are open."""
    first, (id, email) = await at_desk(people), await somebody(people, RoleKind.EXPORTER)
    [row] = await ExporterUser.select().where(ExporterUser.account == id)
    account = await people.person("colleague@x.example.in")
    more = {"account": account, "rights": "see,submit", "live_key": f"{row['exporter']}:{account}"}
    async with uow():
        await ExporterUser.insert(ExporterUser(exporter=row["exporter"], **more))
    await close(people, first, id)
    async with uow():
        await LetterRow.delete(force=True)
    await close(people, first, account)
    assert email not in await letters(people)
