"""Persons of every role, in an empty database of each kind."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pyotp
import pytest
from argon2 import PasswordHasher

from engine.config import AccessSection
from engine.people import access, add_agency, add_exporter_user, add_office, add_officer, map_officer, register_exporter
from engine.people.access import Device, Entered, Principal, Stage, passwords
from engine.people.tables import Account, Administrator, PlatformUser
from engine.store import SecretBox, uow
from engine.store.engines import Engine

START = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
PASSWORD = "seven lanterns over Devgad"
DEVICE = Device("Firefox on Debian", "192.0.2.7")


@dataclass
class People:
    """The door of signing in, at a moment that tests move."""

    box: SecretBox
    office_id: UUID
    agency_id: UUID
    at: datetime = START
    limits: AccessSection = field(default_factory=AccessSection)
    secrets: dict[UUID, str] = field(default_factory=dict)

    def later(self, **span: float) -> "People":
        self.at += timedelta(**span)
        return self

    async def person(self, email: str, *, password: str = PASSWORD, factor: bool = False) -> UUID:
        account = Account(email=email, name="A Person", password_hash=await passwords.hash_of(password), made_at=self.at)
        async with uow():
            await Account.insert(account)
        id = UUID(str(account.id))
        if factor:
            await self.with_factor(id)
        return id

    async def with_factor(self, id: UUID) -> None:
        secret = self.secrets[id] = pyotp.random_base32()
        sealed = self.box.seal(secret, purpose=f"account:{id}:totp")
        async with uow():
            await Account.update({Account.totp_sealed: sealed, Account.totp_set_at: self.at}).where(Account.id == id)

    async def officer(self, email: str = "officer@eia.example.in", *, factor: bool = True) -> UUID:
        officer = await add_officer(self.agency_id, email=email, name="S. Officer", designation="Director", actor="test", at=self.at)
        await map_officer(self.agency_id, officer, self.office_id, actor="test", at=self.at)
        [row] = await Account.select(Account.id).where(Account.email == email)
        async with uow():
            await Account.update({Account.password_hash: await passwords.hash_of(PASSWORD)}).where(Account.id == row["id"])
        if factor:
            await self.with_factor(row["id"])
        return UUID(str(row["id"]))

    async def administrator(self, account: UUID) -> None:
        async with uow():
            await Administrator.insert(
                Administrator(
                    agency=self.agency_id, account=account, live_key=f"{account}:{self.agency_id}", made_by="test", made_at=self.at
                )
            )

    async def platform(self, account: UUID) -> None:
        async with uow():
            await PlatformUser.insert(PlatformUser(account=account, live_key=str(account), made_by="test", made_at=self.at))

    async def exporter_user(self, email: str, rights: str) -> UUID:
        exporter = await register_exporter(f"AAZCM{uuid4().int % 10000:04d}K", "A FIRM", "", actor="test", at=self.at)
        await add_exporter_user(exporter.id, email=email, name="A User", rights=rights, actor="test", at=self.at)
        [row] = await Account.select(Account.id).where(Account.email == email)
        async with uow():
            await Account.update({Account.password_hash: await passwords.hash_of(PASSWORD)}).where(Account.id == row["id"])
        return UUID(str(row["id"]))

    def code(self, id: UUID, *, steps: int = 0) -> str:
        return pyotp.TOTP(self.secrets[id]).at(int(self.at.timestamp()) + 30 * steps)

    async def enter(self, email: str, password: str = PASSWORD) -> Entered:
        return await access.enter(email, password, box=self.box, device=DEVICE, limits=self.limits, at=self.at)

    async def resume(self, token: str) -> Principal | None:
        return await access.resume(token, limits=self.limits, at=self.at)

    async def here(self, token: str) -> Principal:
        principal = await self.resume(token)
        assert principal is not None
        return principal

    async def second(self, token: str, code: str) -> Entered:
        return await access.second_factor(await self.here(token), code, box=self.box, device=DEVICE, limits=self.limits, at=self.at)

    async def whole(self, email: str, id: UUID) -> str:
        """Signs in with both factors."""
        entered = await self.enter(email)
        if entered.stage is Stage.CODE:
            entered = await self.second(entered.token, self.code(id))
        assert entered.stage is Stage.WHOLE
        return entered.token


def closed(at: datetime) -> dict[Any, Any]:
    """What the row of an account says that the desk closed."""
    return {Account.active: False, Account.off_at: at, Account.off_why: "test"}


@pytest.fixture(autouse=True)
def light_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost a millisecond."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys.cache_clear()


@pytest.fixture
async def people(built_database: Engine, tmp_path: Path) -> People:
    agency = await add_agency("EIA", "Export Inspection Agency", actor="test", at=START)
    office = await add_office(agency, "MUM", "Mumbai", "Mumbai", actor="test", at=START)
    return People(SecretBox.open(tmp_path / "keys", create=True), office, agency)
