"""Two agencies with persons of every role, on the story's site: who is signed in, and what belongs to whom.

An area that adds a path parameter adds its two ids here: one that the role's own agency or firm has (`own`), and one of
somebody else's (`foreign`). The table of routes tries both at every route.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from engine.clock import ist_day
from engine.config import AccessSection
from engine.contracts.signing import X509Chain
from engine.money.fees import NewFee, Rounding, add_fee
from engine.money.gateways.tables import ParametersRow
from engine.people import add_exporter_user, add_office, add_officer, make_key, map_officer, register_exporter
from engine.people.access import Device, RoleKind, Stage, roles_of
from engine.people.access.sessions import begin
from engine.people.agencies.official import record_address
from engine.people.agencies.register import add_certifies, add_listing, enter_agency
from engine.people.agencies.tables import AddressKind
from engine.people.changes.tables import ChangeRow
from engine.people.dsc.enrolment import text_of_chain
from engine.people.dsc.tables import Enrolment, Presented
from engine.people.joining.tables import RegistrationRequest
from engine.people.tables import (
    Account,
    Administrator,
    Agency,
    ApiKey,
    Broker,
    BrokerGrant,
    BrokerUser,
    ExporterUser,
    Holiday,
    Office,
    Officer,
    PlatformUser,
)
from engine.scope import PLATFORM
from engine.store import uow
from tests.admin.purse import money_of

__all__ = ["ROLES", "Pair", "World", "build"]

ROLES = tuple(RoleKind)


@dataclass(frozen=True, slots=True)
class Pair:
    """An id that the agency or firm has, and one that another has."""

    own: str
    foreign: str


@dataclass(slots=True)
class Agent:
    """An agency with one person of each of its roles."""

    id: UUID
    office: UUID
    administrator: UUID
    second_administrator: UUID
    officer_account: UUID
    officer: UUID


@dataclass(slots=True)
class World:
    """Accounts by role, and the pairs of ids by the name of the path parameter."""

    accounts: dict[RoleKind, UUID] = field(default_factory=dict)
    pairs: dict[str, Pair] = field(default_factory=dict)

    async def enter(self, client: httpx.AsyncClient, role: RoleKind, at: datetime) -> httpx.AsyncClient:
        """Signs the browser in as the person of that role, wholly and just proved, with nobody's cookies left."""
        account = self.accounts[role]
        acting = next(each.key for each in await roles_of(account, at) if each.kind is role)
        async with uow():
            token = await begin(account, Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=at, acting=acting)
        client.cookies.clear()
        client.cookies.set("session", token)
        return client


async def build(at: datetime) -> World:
    """Fills the open site with both agencies, a firm, a broker and the desk; what each area needs is added below."""
    world = World()
    ours, theirs = await _agent("EIA", "MUM", at), await _agent("TXC", "DEL", at)
    world.accounts |= {
        RoleKind.PLATFORM: await _desk(at),
        RoleKind.ADMINISTRATOR: ours.administrator,
        RoleKind.OFFICER: ours.officer_account,
        RoleKind.EXPORTER: await _exporter("0399000001", at),
        RoleKind.BROKER: await _broker("Own Brokers", at),
    }
    world.pairs["office"] = Pair(str(ours.office), str(theirs.office))
    world.pairs["officer"] = Pair(str(ours.officer), str(theirs.officer))
    for add in AREAS:
        await add(world, ours, theirs, at)
    return world


async def _changes(world: World, ours: Agent, theirs: Agent, at: datetime) -> None:
    ids = []
    for agent in (ours, theirs):
        row = ChangeRow(
            agency=agent.id,
            kind="stamp",
            subject=str(agent.office),
            title="New stamp",
            state="waiting",
            live_key=f"stamp:{agent.id}:{agent.office}",
            asked_by=agent.second_administrator,
            asked_as="administrator",
            asked_at=at,
        )
        async with uow():
            await ChangeRow.insert(row)
        ids.append(str(row.id))
    world.pairs["change"] = Pair(*ids)


async def _keys(world: World, ours: Agent, theirs: Agent, at: datetime) -> None:
    ids = []
    for agent in (ours, theirs):
        made = await make_key("Own", rights=frozenset({"see"}), agency=agent.id, valid_for=timedelta(days=1), actor="test", at=at)
        [row] = await ApiKey.select(ApiKey.id).where(ApiKey.prefix == made[:12])
        ids.append(str(row["id"]))
    world.pairs["key"] = Pair(*ids)


async def _firms(world: World, ours: Agent, theirs: Agent, at: datetime) -> None:
    own, foreign = [world.accounts[RoleKind.EXPORTER], world.accounts[RoleKind.BROKER]], [await _exporter("0399000002", at)]
    foreign.append(await _broker("Other Brokers", at))
    grants, members, brokers = [], [], []
    for exporter_account, broker_account in (own, foreign):
        [user] = await ExporterUser.select(ExporterUser.exporter).where(ExporterUser.account == exporter_account)
        [first] = await BrokerUser.select(BrokerUser.broker).where(BrokerUser.account == broker_account)
        grant = BrokerGrant(
            broker=first["broker"],
            exporter=user["exporter"],
            rights="see,submit,pay",
            live_key=f"{first['broker']}:{user['exporter']}",
            made_at=at,
        )
        account = await _account(f"colleague@{uuid4().hex[:8]}.example.in", at)
        member = BrokerUser(broker=first["broker"], account=account, name="A Colleague", rights="see")
        async with uow():
            await BrokerGrant.insert(grant)
            await BrokerUser.insert(member)
        grants.append(str(grant.id))
        members.append(str(member.id))
        brokers.append(str(first["broker"]))
    world.pairs |= {"grant": Pair(*grants), "member": Pair(*members), "broker": Pair(*brokers)}


async def _certificates(world: World, ours: Agent, theirs: Agent, at: datetime) -> None:
    """An enrolment of each agency's officer, and a certificate of theirs whose name waits for an administrator."""
    enrolments, presented = [], []
    for agent in (ours, theirs):
        chain, whose = _chain("Somebody Else", at), {"agency": agent.id, "officer": agent.officer}
        lives = {"not_before_at": at, "not_after_at": at + timedelta(days=700), "enrolled_at": at, "enrolled_by": "test"}
        told = {"signer": "key_file", "key": "world", "fingerprint": chain.fingerprint, "chain": text_of_chain(chain)}
        enrolment = Enrolment(**whose, **told, **lives, live_key=str(uuid4()), subject="CN=x", issuer="CN=x", serial="1")
        waits = Presented(
            **whose, **told, nonce=uuid4().hex, state="waiting", live_key=str(uuid4()), made_at=at, expires_at=at + timedelta(days=30)
        )
        async with uow():
            await Enrolment.insert(enrolment)
            await Presented.insert(waits)
        enrolments.append(str(enrolment.id))
        presented.append(str(waits.id))
    world.pairs["enrolment"], world.pairs["presented"] = Pair(*enrolments), Pair(*presented)


def _chain(name: str, at: datetime) -> X509Chain:
    """A certificate of that name that nobody trusts."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), at, at + timedelta(days=700))
    return X509Chain(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


async def _registrations(world: World, ours: Agent, theirs: Agent, at: datetime) -> None:
    """An officer who asks to join each agency; and for the desk an agency with every kind of entry, for which somebody asks."""
    own, foreign = [await _request(agent.id, agent.office, at) for agent in (ours, theirs)]
    world.pairs["request_id"] = Pair(own, foreign)
    agency = await enter_agency(f"W{uuid4().hex[:8].upper()}", "An Agency of the World", actor="test", at=at)
    listing = await add_listing(agency, "2B", date(2024, 1, 1), actor="test", at=at)
    entry = await add_certifies(agency, "2B", starts_on=date(2024, 1, 1), actor="test", at=at)
    address = await record_address(agency, AddressKind.DOMAIN, f"{uuid4().hex[:8]}.example.in", actor="test", at=at)
    head = await _administrator(agency, f"head@{uuid4().hex[:8]}.example.in", at)
    [lost] = await Administrator.select(Administrator.id).where(Administrator.account == head)
    ids = {"agency": agency, "listing": listing, "entry": entry, "address": address, "lost": lost["id"]}
    ids["registration"] = await _request(agency, None, at)
    world.pairs |= {name: Pair(str(id), str(uuid4())) for name, id in ids.items()}


async def _request(agency: UUID, office: UUID | None, at: datetime) -> str:
    row = RegistrationRequest(
        role="officer" if office else "administrator",
        agency=agency,
        office=office,
        email=f"asker@{uuid4().hex[:8]}.example.in",
        name="An Asker",
        letter_sha256="" if office else "0" * 64,
        letter_type="" if office else "application/pdf",
        state="waiting",
        token_sha256=uuid4().hex,
        live_key=uuid4().hex,
        asked_at=at,
        proved_at=at,
        expires_at=at + timedelta(days=90),
    )
    async with uow():
        await RegistrationRequest.insert(row)
    return str(row.id)


async def _pictures(world: World, ours: Agent, theirs: Agent, at: datetime) -> None:
    """A picture is named within its studio; uploads are made by tests of their area."""
    world.pairs["picture"] = Pair("draft", str(uuid4()))


# What each area needs beside the persons: add a coroutine here, with the pairs of ids of its path parameters.
async def _offices(world: World, ours: Agent, theirs: Agent, at: datetime) -> None:
    rows: dict[str, list[str]] = {"holiday": [], "fee": [], "parameters": []}
    for agent in (ours, theirs):
        holiday = Holiday(agency=agent.id, office=agent.office, closed_on=ist_day(at), name="A Day")
        parameters = ParametersRow(
            agency=agent.id,
            office=agent.office,
            version=1,
            gateway="sandbox",
            merchant="COOWORLD",
            fields='{"merchant_id": "COOWORLD"}',
            sealed="{}",
            prints="{}",
            made_by="test",
            made_at=at,
        )
        async with uow():
            await Holiday.insert(holiday)
            await ParametersRow.insert(parameters)
            fee = NewFee(agent.office, "", "", 100_00, 0, "", Rounding.PAISA, ist_day(at))
            rows["fee"].append(str(await add_fee(PLATFORM, agent.id, fee, actor="test", at=at)))
        rows["holiday"].append(str(holiday.id))
        rows["parameters"].append(str(parameters.id))
    world.pairs |= {name: Pair(*ids) for name, ids in rows.items()}
    world.pairs |= {"gateway": Pair("sandbox", "nosuch"), "scheme": Pair("AIFTA", "NOSUCH")}


async def _desk_users(world: World, ours: Agent, theirs: Agent, at: datetime) -> None:
    """Another person of the desk, whom the desk's one may end; nobody's place there is foreign to it."""
    account = await _account("colleague@desk.example.in", at)
    row = PlatformUser(account=account, live_key=str(account), made_by="test", made_at=at)
    async with uow():
        await PlatformUser.insert(row)
    world.pairs["desk_user"] = Pair(str(row.id), str(uuid4()))
    world.pairs["holder"] = Pair(str(account), str(uuid4()))


async def _payments(world: World, ours: Agent, theirs: Agent, at: datetime) -> None:
    """An order that each agency's firm paid for an application, with its receipt, a refund, a wallet, and a settlement file."""
    rows: dict[str, list[str]] = {
        name: [] for name in ("application", "order", "receipt", "attempt", "refund", "firm", "settlement", "line")
    }
    for agent, grant, parameters, code in (
        (ours, world.pairs["grant"].own, world.pairs["parameters"].own, "OWN"),
        (theirs, world.pairs["grant"].foreign, world.pairs["parameters"].foreign, "OTH"),
    ):
        [row] = await BrokerGrant.select(BrokerGrant.exporter).where(BrokerGrant.id == UUID(grant))
        made = await money_of(agent.id, agent.office, row["exporter"], UUID(parameters), code, at)
        for name, id in made.items():
            rows[name].append(id)
    world.pairs |= {name: Pair(*ids) for name, ids in rows.items()}
    world.pairs["place"] = Pair(str(ours.office), str(uuid4()))


AREAS: tuple[Callable[[World, Agent, Agent, datetime], Awaitable[None]], ...] = (
    _changes,
    _certificates,
    _keys,
    _firms,
    _registrations,
    _pictures,
    _offices,
    _desk_users,
    _payments,
)


async def _account(email: str, at: datetime) -> UUID:
    account = Account(email=email, name="A Person", totp_sealed="x", totp_set_at=at, password_hash="x", made_at=at)
    async with uow():
        await Account.insert(account)
    return UUID(str(account.id))


async def _agent(code: str, office_code: str, at: datetime) -> Agent:
    [agency] = await Agency.select(Agency.id).where(Agency.code == code)
    offices = await Office.select(Office.id).where(Office.agency == agency["id"], Office.code == office_code)
    office = offices[0]["id"] if offices else await add_office(agency["id"], office_code, "An Office", "Delhi", actor="test", at=at)
    domain = f"{code.lower()}-world.example.in"
    administrators = [await _administrator(agency["id"], f"{name}@{domain}", at) for name in ("first", "second")]
    officer = await add_officer(agency["id"], email=f"officer@{domain}", name="W. Officer", designation="Director", actor="test", at=at)
    await map_officer(agency["id"], officer, office, actor="test", at=at)
    [row] = await Officer.select(Officer.account).where(Officer.id == officer)
    await _factor(row["account"], at)
    return Agent(agency["id"], office, administrators[0], administrators[1], row["account"], officer)


async def _administrator(agency: UUID, email: str, at: datetime) -> UUID:
    account = await _account(email, at)
    async with uow():
        await Administrator.insert(
            Administrator(agency=agency, account=account, live_key=f"{account}:{agency}", made_by="test", made_at=at)
        )
    return account


async def _desk(at: datetime) -> UUID:
    account = await _account("desk@world.example.in", at)
    async with uow():
        await PlatformUser.insert(PlatformUser(account=account, live_key=str(account), made_by="test", made_at=at))
    return account


async def _exporter(iec: str, at: datetime) -> UUID:
    exporter = await register_exporter(iec, "A FIRM", "", actor="test", at=at)
    email = f"user@{uuid4().hex[:8]}.example.in"
    rights = "see,prepare,submit,pay,sign"
    await add_exporter_user(exporter.id, email=email, name="A User", rights=rights, actor="test", at=at)
    [row] = await Account.select(Account.id).where(Account.email == email)
    await _factor(row["id"], at)
    return UUID(str(row["id"]))


async def _broker(name: str, at: datetime) -> UUID:
    account, code = await _account(f"user@{uuid4().hex[:8]}.example.in", at), uuid4().hex[:8].upper()
    broker = Broker(name=name, code=code, licence_key=code, email="desk@broker.example.in")
    async with uow():
        await Broker.insert(broker)
        await BrokerUser.insert(BrokerUser(broker=broker.id, account=account, rights="see,prepare,submit,pay,manage"))
    return account


async def _factor(account: UUID, at: datetime) -> None:
    change = {Account.totp_sealed: "x", Account.totp_set_at: at, Account.password_hash: "x"}
    async with uow():
        await Account.update(change).where(Account.id == account)
