"""The roles of a person: every one in its order, with what it covers, in one query on either database."""

from datetime import timedelta
from uuid import UUID

from engine.clock import ist_day
from engine.people import add_agency, add_office, add_officer, map_officer
from engine.people.access import Role, RoleKind, roles_of
from engine.people.dgft import Status
from engine.people.tables import (
    Account,
    Administrator,
    AgencyListing,
    Broker,
    BrokerGrant,
    BrokerUser,
    Exporter,
    ExporterUser,
    Officer,
    OfficerOffice,
)
from engine.store import uow
from tests.people.conftest import People

EMAIL = "everything@eia.example.in"


async def of_every_kind(people: People) -> UUID:
    """A person at the desk, who administers two agencies, is an officer of one with two offices, and acts for two firms and a broker."""
    other = await add_agency("TXC", "Textiles Committee", actor="test", at=people.at)
    pune = await add_office(people.agency_id, "PUN", "Pune", "Pune", actor="test", at=people.at)
    officer = await add_officer(people.agency_id, email=EMAIL, name="E. Verything", designation="Director", actor="test", at=people.at)
    for office in (people.office_id, pune):
        await map_officer(people.agency_id, officer, office, actor="test", at=people.at)
    [row] = await Account.select(Account.id).where(Account.email == EMAIL)
    id = UUID(str(row["id"]))
    await people.platform(id)
    broker, closed = (Broker(code=f"B{n}", name=f"Broker {n}", licence_key=f"B{n}", made_at=people.at) for n in (1, 2))
    closed.active, closed.off_at, closed.off_why = False, people.at, "test"
    firms = [Exporter(iec=f"AAZCM{n:04}K", name=f"Firm {n}", sync_due_at=people.at) for n in (3, 1, 2)]
    async with uow():
        for place, agency in enumerate((other, people.agency_id)):
            made_at = people.at + timedelta(seconds=place)
            await Administrator.insert(Administrator(agency=agency, account=id, live_key=f"{id}:{agency}", made_by="test", made_at=made_at))
        await Exporter.insert(*firms)
        for firm in firms[:2]:
            await ExporterUser.insert(ExporterUser(exporter=firm.id, account=id, rights="see,sign", live_key=f"{firm.id}:{id}"))
        await Exporter.update({Exporter.status: str(Status.SUSPENDED)}).where(Exporter.iec == "AAZCM0003K")
        for each in (broker, closed):
            await Broker.insert(each)
            await BrokerUser.insert(BrokerUser(broker=each.id, account=id, rights="see,manage", made_at=people.at))
        for firm, until in ((firms[0], None), (firms[1], people.at + timedelta(days=1)), (firms[2], people.at)):
            grant = BrokerGrant(
                broker=broker.id, exporter=firm.id, rights="see", live_key=f"{broker.id}:{firm.id}", made_at=people.at, until_at=until
            )
            await BrokerGrant.insert(grant)
    return id


async def test_every_role_is_there_in_its_order_with_what_it_covers(people: People) -> None:
    id = await of_every_kind(people)
    desk, first, second, officer, one, three, broker = await roles_of(id, people.at)
    assert (desk.kind, desk.title) == (RoleKind.PLATFORM, "Platform desk")
    assert [(role.kind, role.title) for role in (first, second)] == [
        (RoleKind.ADMINISTRATOR, "Administrator, Textiles Committee"),
        (RoleKind.ADMINISTRATOR, "Administrator, Export Inspection Agency"),
    ]
    assert second.agency_id == people.agency_id
    assert (officer.kind, officer.agency_id, len(officer.office_ids)) == (RoleKind.OFFICER, people.agency_id, 2)
    assert people.office_id in officer.office_ids
    assert [(role.title, role.rights) for role in (one, three)] == [("Firm 1", {"see", "sign"}), ("Firm 3", {"see"})], (
        "of a suspended firm a person sees, and no more"
    )
    assert (broker.title, broker.rights) == ("Broker 1", {"see", "manage"})
    assert broker.exporter_ids == one.exporter_ids | three.exporter_ids, "a grant that is over gives nothing"
    assert broker.broker_id is not None
    assert all(isinstance(each, UUID) for role in (desk, officer, one, broker) for each in (role.id, *role.office_ids, *role.exporter_ids))


async def test_what_ended_is_no_role_and_an_officer_without_an_office_is_one(people: People) -> None:
    id = await of_every_kind(people)
    async with uow():
        for row in await OfficerOffice.select(OfficerOffice.id):
            ended = {OfficerOffice.ended_at: people.at, OfficerOffice.live_key: str(row["id"])}
            await OfficerOffice.update(ended).where(OfficerOffice.id == row["id"])
        for row in await BrokerGrant.select(BrokerGrant.id):
            ended = {BrokerGrant.ended_at: people.at, BrokerGrant.live_key: str(row["id"])}
            await BrokerGrant.update(ended).where(BrokerGrant.id == row["id"])
        for row in await Administrator.select(Administrator.id):
            ended = {Administrator.ended_at: people.at, Administrator.live_key: str(row["id"])}
            await Administrator.update(ended).where(Administrator.id == row["id"])
    kinds = {role.kind: role for role in await roles_of(id, people.at)}
    assert set(kinds) == {RoleKind.PLATFORM, RoleKind.OFFICER, RoleKind.EXPORTER, RoleKind.BROKER}
    assert (kinds[RoleKind.OFFICER].office_ids, kinds[RoleKind.BROKER].exporter_ids) == (frozenset(), frozenset())
    async with uow():
        await Officer.update({Officer.active: False}).where(Officer.account == id)
    assert RoleKind.OFFICER not in {role.kind for role in await roles_of(id, people.at)}


async def test_with_its_listing_an_agencys_people_lose_their_roles_on_the_very_day(people: People) -> None:
    id = await of_every_kind(people)
    tomorrow = ist_day(people.at) + timedelta(days=1)
    async with uow():
        await AgencyListing.update({AgencyListing.ends_on: tomorrow}).where(AgencyListing.agency == people.agency_id)

    def of_agency(roles: tuple[Role, ...]) -> int:
        return sum(role.agency_id == people.agency_id for role in roles)

    assert of_agency(await roles_of(id, people.at)) == 2
    assert of_agency(await roles_of(id, people.at + timedelta(days=1))) == 0


async def test_the_roles_of_a_page_cost_one_statement(people: People, statements: list[str]) -> None:
    id = await of_every_kind(people)
    stranger = await people.person("nobody@eia.example.in")
    for each, count in ((id, 7), (stranger, 0)):
        statements.clear()
        assert len(await roles_of(each, people.at)) == count
        assert len(statements) == 1
