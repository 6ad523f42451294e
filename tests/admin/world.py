"""Two agencies with persons of every role, on the story's site: who is signed in, and what belongs to whom.

An area that adds a path parameter adds its two ids here: one that the role's own agency or firm has (`own`), and one of
somebody else's (`foreign`). The table of routes tries both at every route.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

import httpx

from engine.config import AccessSection
from engine.people import add_exporter_user, add_office, add_officer, map_officer, register_exporter
from engine.people.access import Device, RoleKind, Stage, roles_of
from engine.people.access.sessions import begin
from engine.people.changes.tables import ChangeRow
from engine.people.tables import Account, Administrator, Agency, Broker, BrokerUser, Office, Officer, PlatformUser
from engine.store import uow

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
            live_key=f"stamp:{agent.office}",
            asked_by=agent.second_administrator,
            asked_at=at,
        )
        async with uow():
            await ChangeRow.insert(row)
        ids.append(str(row.id))
    world.pairs["change"] = Pair(*ids)


# What each area needs beside the persons: add a coroutine here, with the pairs of ids of its path parameters.
AREAS: tuple[Callable[[World, Agent, Agent, datetime], Awaitable[None]], ...] = (_changes,)


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
    account, broker = await _account(f"user@{uuid4().hex[:8]}.example.in", at), Broker(name=name)
    async with uow():
        await Broker.insert(broker)
        await BrokerUser.insert(BrokerUser(broker=broker.id, account=account, rights="see,prepare,submit"))
    return account


async def _factor(account: UUID, at: datetime) -> None:
    change = {Account.totp_sealed: "x", Account.totp_set_at: at, Account.password_hash: "x"}
    async with uow():
        await Account.update(change).where(Account.id == account)
