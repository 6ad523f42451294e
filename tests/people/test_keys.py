"""API keys: who makes which, what one opens and until when, and that a key itself is kept nowhere."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.clock import ist_day
from engine.errors import Conflict, Forbidden, NotFound, Refused
from engine.people import KeyUses, Party, keys_of, make_key, make_partys_key, party_of, revoke_key, who_calls
from engine.people.access import Role, RoleKind, roles_of
from engine.people.keyring import LONGEST_DAYS, KeyRing
from engine.people.tables import Administrator, AgencyListing, ApiKey, Broker, BrokerUser, Exporter
from engine.store import lookup, uow
from engine.store.tables import AuditEntry, Idempotency
from tests.people.conftest import People

SEE = frozenset({"see"})
ME, ANOTHER = f"account:{UUID(int=7)}", f"account:{UUID(int=8)}"


def asked(party: Party, people: People, **changed: object) -> dict[str, object]:
    """What the page of a new key sends."""
    return {"rights": SEE, "days": 90, "form": str(uuid4()), "actor": ME, "at": people.at, **changed}


async def make(party: Party, people: People, name: str = "Warehouse", **changed: object) -> str:
    return await make_partys_key(party, name, **asked(party, people, **changed))  # type: ignore[arg-type]


async def exporters(people: People, rights: str = "see,prepare,submit,pay,sign") -> tuple[UUID, Party]:
    """A person of a firm, and the firm."""
    id = await people.exporter_user(f"{uuid4().hex[:8]}@firm.example.in", rights)
    [role] = await roles_of(id, people.at)
    return id, party_of(role)


async def brokers(people: People) -> tuple[UUID, Party]:
    account = await people.person(f"{uuid4().hex[:8]}@broker.example.in")
    code = uuid4().hex[:8].upper()
    broker = Broker(code=code, name="Fast Brokers", licence=code, licence_key=code, made_at=people.at)
    async with uow():
        await Broker.insert(broker)
        await BrokerUser.insert(BrokerUser(broker=broker.id, account=account, rights="see,prepare,submit", made_at=people.at))
    [role] = await roles_of(account, people.at)
    return account, party_of(role)


async def ring(party: Party, people: People, actor: str = ME) -> KeyRing:
    return await keys_of(party, actor=actor, at=people.at)


def agency(people: People) -> Party:
    return party_of(Role(RoleKind.ADMINISTRATOR, uuid4(), "Administrator", people.agency_id))


# --- making ---------------------------------------------------------------------------------------


async def test_a_key_opens_what_its_party_may_see_and_no_more(people: People) -> None:
    _, firm = await exporters(people)
    caller = await who_calls(await make(firm, people, rights=frozenset({"see", "submit"})), people.at)
    assert caller is not None
    assert caller.rights == {"see", "submit"}
    assert caller.require("submit").exporter_ids == {firm.exporter}
    with pytest.raises(Forbidden):
        caller.require("prepare")


async def test_each_kind_of_party_offers_its_own_rights_and_none_offers_to_sign(people: People) -> None:
    _, firm = await exporters(people)
    _, narrow = await exporters(people, rights="see,pay,sign")
    _, broker = await brokers(people)
    assert agency(people).rights == {"see", "approve"}
    assert firm.rights == {"see", "prepare", "submit", "pay"}
    assert broker.rights == {"see", "prepare", "submit"}, "its person has no more"
    assert narrow.rights == {"see", "pay"}


@pytest.mark.parametrize("kind", [RoleKind.PLATFORM, RoleKind.OFFICER])
async def test_who_has_no_party_manages_no_keys(people: People, kind: RoleKind) -> None:
    with pytest.raises(Forbidden):
        party_of(Role(kind, uuid4(), "Somebody", people.agency_id))
    with pytest.raises(Forbidden):
        party_of(None)


@pytest.mark.parametrize(
    ("box", "changed"),
    [
        ("rights", {"rights": frozenset()}),
        ("rights", {"rights": frozenset({"see", "approve"})}),
        ("rights", {"rights": frozenset({"sign"})}),
        ("rights", {"rights": frozenset({"see,sign"})}),
        ("days", {"days": 0}),
        ("days", {"days": LONGEST_DAYS + 1}),
        ("days", {"days": -1}),
        ("name", {"name": ""}),
        ("name", {"name": "   "}),
        ("name", {"name": "x" * 81}),
        ("name", {"name": "Ware\u202ehouse"}),
        ("name", {"name": "Ware\nhouse"}),
    ],
)
async def test_a_key_is_refused_with_what_is_wrong_and_none_is_made(people: People, box: str, changed: dict[str, object]) -> None:
    _, firm = await exporters(people)
    with pytest.raises(Refused) as refused:
        await make(firm, people, **changed)  # type: ignore[arg-type]
    assert [each.box for each in refused.value.problems] == [box]
    assert await ApiKey.count() == 0


async def test_everything_that_is_wrong_is_said_at_once(people: People) -> None:
    _, firm = await exporters(people)
    with pytest.raises(Refused) as refused:
        await make(firm, people, "", rights=frozenset(), days=0)
    assert [each.box for each in refused.value.problems] == ["name", "rights", "days"]


async def test_no_row_carries_the_right_to_sign_whoever_writes_it(people: People) -> None:
    with pytest.raises(Conflict):
        await make_key("x", rights=frozenset({"see", "sign"}), agency=people.agency_id, valid_for=timedelta(1), actor="test", at=people.at)


async def test_a_key_is_of_one_party_alone(people: People) -> None:
    _, firm = await exporters(people)
    with pytest.raises(Conflict):
        await make_key("x", rights=SEE, agency=people.agency_id, exporter=firm.exporter, valid_for=timedelta(1), actor="test", at=people.at)


async def test_the_same_page_makes_one_key_however_often_it_is_sent(people: People) -> None:
    _, firm = await exporters(people)
    form = str(uuid4())
    await make(firm, people, form=form)
    for name in ("Warehouse", "Another name"):
        with pytest.raises(Conflict) as refused:
            await make(firm, people, name, form=form)
        assert refused.value.code == "key_made"
    assert len((await ring(firm, people)).good) == 1


async def test_the_same_page_sent_twice_at_once_makes_one_key(people: People) -> None:
    _, firm = await exporters(people)
    form = str(uuid4())
    answers = await asyncio.gather(*(make(firm, people, form=form) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, str) for each in answers) == 1
    assert all(isinstance(each, str) or (isinstance(each, Conflict) and each.code == "key_made") for each in answers)
    assert len((await ring(firm, people)).good) == 1


async def test_a_party_has_at_most_twenty_good_keys(people: People) -> None:
    _, firm = await exporters(people)
    for _ in range(20):
        await make(firm, people)
    with pytest.raises(Refused, match="20 keys"):
        await make(firm, people)
    people.later(days=91)
    assert await make(firm, people)


# --- what is kept ----------------------------------------------------------------------------------


async def test_a_key_itself_is_kept_nowhere(people: People) -> None:
    _, firm = await exporters(people)
    key = await make(firm, people)
    for table in (ApiKey, AuditEntry, Idempotency):
        assert key not in str(await table.select())
        assert key[12:] not in str(await table.select())
    [made] = await AuditEntry.select().where(AuditEntry.act == "api_key_made")
    assert json.loads(made["detail"]) == {"rights": "see", "prefix": key[:12], "until": "2027-02-20"}
    assert made["actor"] == ME


async def test_who_calls_asks_the_database_once(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands before every request of the API."""
    _, firm = await exporters(people)
    key, asked = await make(firm, people), []

    async def counted(query: str, *args: object) -> object:
        asked.append(query)
        return await lookup(query, *args)

    monkeypatch.setattr("engine.people.keys.lookup", counted)
    assert await who_calls(key, people.at)
    assert len(asked) == 1


# --- its end ---------------------------------------------------------------------------------------


async def test_expired_revoked_and_unknown_keys_read_the_same(people: People) -> None:
    _, firm = await exporters(people)
    short, long = await make(firm, people, days=1), await make(firm, people)
    assert await who_calls(short, people.at + timedelta(days=1) - timedelta(seconds=1))
    assert await who_calls(short, people.at + timedelta(days=1)) is None
    listed = next(each for each in (await ring(firm, people)).good if each.prefix == long[:12])
    await revoke_key(firm, listed.id, actor=ME, at=people.at)
    assert await who_calls(long, people.at) is None
    for unknown in ("ecoo_" + "x" * 43, "", long[:-1], long.lower(), f" {long}"):
        assert await who_calls(unknown, people.at) is None


@pytest.mark.parametrize("whose", ["agency", "exporter", "broker"])
async def test_a_key_stops_with_its_party_and_goes_on_with_it(people: People, whose: str) -> None:
    party = {"agency": agency(people), "exporter": (await exporters(people))[1], "broker": (await brokers(people))[1]}[whose]
    key, today = await make(party, people), ist_day(people.at)
    assert await who_calls(key, people.at)

    async def let(act: bool) -> None:
        async with uow():
            if whose == "agency":
                ends_on = None if act else today
                await AgencyListing.update({AgencyListing.ends_on: ends_on}).where(AgencyListing.agency == party.agency)
            elif whose == "exporter":
                await Exporter.update({Exporter.status: "active" if act else "suspended"}).where(Exporter.id == party.exporter)
            else:
                off = {Broker.active: act, Broker.off_at: None if act else people.at, Broker.off_why: "" if act else "test"}
                await Broker.update(off).where(Broker.id == party.broker)

    await let(False)
    assert await who_calls(key, people.at) is None
    await let(True)
    assert await who_calls(key, people.at)


async def test_a_foreign_key_cannot_be_ended_and_reads_like_an_unknown_one(people: People) -> None:
    (_, mine), (_, theirs), (_, broker) = await exporters(people), await exporters(people), await brokers(people)
    key = await make(theirs, people)
    [foreign] = (await ring(theirs, people)).good
    for party in (mine, broker, agency(people)):
        said = []
        for id in (foreign.id, uuid4()):
            with pytest.raises(NotFound) as refused:
                await revoke_key(party, id, actor=ME, at=people.at)
            said.append((refused.value.say, refused.value.code))
        assert said[0] == said[1]
        assert (await ring(party, people)).good == ()
    assert await who_calls(key, people.at)


async def test_a_key_ends_once(people: People) -> None:
    _, firm = await exporters(people)
    await make(firm, people)
    [key] = (await ring(firm, people)).good
    await revoke_key(firm, key.id, actor=ME, at=people.at)
    with pytest.raises(NotFound):
        await revoke_key(firm, key.id, actor=ME, at=people.at)
    assert await AuditEntry.count().where(AuditEntry.act == "api_key_revoked") == 1
    after = await ring(firm, people)
    assert (after.good, [each.id for each in after.over]) == ((), [key.id])


async def test_who_may_less_does_not_end_a_colleagues_wider_key(people: People) -> None:
    _, firm = await exporters(people)
    key = await make(firm, people, rights=frozenset({"see", "submit"}))
    narrow = Party(exporter=firm.exporter, rights=SEE)
    [listed] = (await ring(narrow, people, ANOTHER)).good
    assert not listed.endable
    with pytest.raises(Forbidden):
        await revoke_key(narrow, listed.id, actor=ANOTHER, at=people.at)
    assert await who_calls(key, people.at)
    await revoke_key(narrow, listed.id, actor=ME, at=people.at)  # its maker may, whatever they have lost since
    assert await who_calls(key, people.at) is None


# --- who made it ------------------------------------------------------------------------------------


async def test_a_key_goes_on_when_its_maker_leaves_and_the_list_says_so(people: People) -> None:
    id = await people.person("first@eia.example.in", factor=True)
    await people.administrator(id)
    party, actor = agency(people), f"account:{id}"
    key = await make(party, people, actor=actor)
    [before] = (await ring(party, people)).good
    async with uow():
        [row] = await Administrator.select(Administrator.id).where(Administrator.account == id)
        ended = {Administrator.ended_at: people.at, Administrator.live_key: str(row["id"])}
        await Administrator.update(ended).where(Administrator.id == row["id"])
    [after] = (await ring(party, people)).good
    assert (before.maker, before.maker_left) == ("A Person", False)
    assert (after.maker, after.maker_left) == ("A Person", True)
    assert await who_calls(key, people.at)


async def test_a_person_who_left_one_firm_for_another_has_left_the_first(people: People) -> None:
    (one, first), (_, second) = await exporters(people), await exporters(people)
    await make(second, people, actor=f"account:{one}")
    [key] = (await ring(second, people)).good
    assert key.maker_left
    await make(first, people, actor=f"account:{one}")
    [own] = (await ring(first, people)).good
    assert not own.maker_left


async def test_a_broker_knows_its_own_makers(people: People) -> None:
    account, broker = await brokers(people)
    await make(broker, people, actor=f"account:{account}")
    [key] = (await ring(broker, people)).good
    assert not key.maker_left


async def test_a_key_made_with_the_site_has_no_person(people: People) -> None:
    await make_key("Demo", rights=SEE, agency=people.agency_id, valid_for=timedelta(days=1), actor="demo", at=people.at)
    [key] = (await ring(agency(people), people)).good
    assert (key.maker, key.maker_left) == ("The operator of this site", False)


# --- when it was used --------------------------------------------------------------------------------


async def test_the_day_of_use_is_written_once_a_day(people: People) -> None:
    _, firm = await exporters(people)
    key, uses = await make(firm, people), KeyUses()
    [listed] = (await ring(firm, people)).good
    assert listed.used_on is None

    async def used() -> int:
        """Calls three times, writes, and counts the rows that were written."""
        writes = 0
        for _ in range(3):
            caller = await who_calls(key, people.at)
            assert caller is not None
            uses.note(caller, people.at)
            writes += len(uses._days)
        await uses.write()
        assert uses._days == {}
        return writes

    assert await used() == 3, "one key is noted, three times over"
    assert [each.used_on for each in (await ring(firm, people)).good] == [ist_day(people.at)]
    assert await used() == 0, "the row knows it already"
    people.later(days=1)
    assert await used() == 3
    assert [each.used_on for each in (await ring(firm, people)).good] == [ist_day(people.at)]


async def test_a_day_of_use_never_goes_back(people: People) -> None:
    _, firm = await exporters(people)
    key, late, early = await make(firm, people), KeyUses(), KeyUses()
    caller = await who_calls(key, people.at)
    assert caller is not None
    early.note(caller, people.at)
    late.note(caller, people.at + timedelta(days=2))
    await late.write()
    await early.write()
    [listed] = (await ring(firm, people)).good
    assert listed.used_on == ist_day(people.at + timedelta(days=2))


async def test_days_of_use_are_written_in_the_order_of_the_keys(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that noted the same keys in other orders take their rows in one order."""
    _, firm = await exporters(people)
    callers = [await who_calls(await make(firm, people), people.at) for _ in range(6)]
    asked: list[UUID] = []
    update = ApiKey.update

    class Noting:
        def __init__(self, change: Any) -> None:
            self.query = update(change)

        def where(self, key: Any, earlier: Any) -> Any:
            asked.append(key.value)
            return self.query.where(key, earlier)

    monkeypatch.setattr(ApiKey, "update", Noting)
    for order in (callers, callers[::-1]):
        uses = KeyUses()
        for caller in order:
            assert caller is not None
            uses.note(caller, people.at)
        await uses.write()
    assert asked == sorted(asked[:6]) * 2


async def test_a_key_that_decides_stops_deciding_when_its_maker_leaves(people: People) -> None:
    account = await people.person("head@eia.example.in", factor=True)
    await people.administrator(account)
    key = await make_key(
        "sheets",
        rights=frozenset({"see", "approve"}),
        agency=people.agency_id,
        valid_for=timedelta(days=9),
        actor=f"account:{account}",
        at=people.at,
    )
    caller = await who_calls(key, people.at)
    assert caller is not None
    caller.require("approve")
    [row] = await Administrator.select(Administrator.id).where(Administrator.account == account)
    async with uow():
        ended = {Administrator.ended_at: people.at, Administrator.live_key: str(row["id"])}
        await Administrator.update(ended).where(Administrator.id == row["id"])
    caller = await who_calls(key, people.at)
    assert caller is not None
    caller.require("see")
    with pytest.raises(Forbidden):
        caller.require("approve")
