"""Firms as the registry tells them, in an empty database of each kind."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from engine.config import AccessSection
from engine.people import add_exporter_user, register_exporter
from engine.people.access import Device, Entered
from engine.people.dgft import Branch, Identity, Profile, Status, Synced, User
from engine.people.firms import Opened, open_broker
from engine.people.firms.applying import take_in
from engine.people.firms.entering import enter_by_registry
from engine.people.tables import Account, Exporter, ExporterUser
from engine.scope import Scope
from engine.store import SecretBox
from engine.store.engines import Engine

START = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
ISSUER = "https://dgft.example.in"
IEC = "AAZCD4417K"
DAY = timedelta(hours=24)


def user(subject: str = "", *rights: str, email: str = "", name: str = "A Person") -> User:
    """A person as a profile lists them."""
    return User(name, rights or ("see", "prepare", "submit"), subject, email)


def profile(*users: User, iec: str = IEC, status: Status = Status.ACTIVE, branches: tuple[Branch, ...] = (), **told: Any) -> Profile:
    """A firm as the registry tells it."""
    kept: dict[str, Any] = {"name": "A FIRM", "address": "1 Nowhere Street", "gstin": ""} | told
    return Profile(iec=iec, status=status, branches=branches, users=users, modify_url=f"{ISSUER}/modify/{iec}", **kept)


def identity(subject: str, email: str = "", *, verified: bool = True, issuer: str = ISSUER) -> Identity:
    """Whom the registry proved."""
    return Identity(issuer, subject, email or f"{subject}@firm.example.in", verified, "A Person", START)


@dataclass
class Firms:
    """The doors of the room, at a moment that tests move."""

    box: SecretBox
    at: datetime = START
    limits: AccessSection = field(default_factory=AccessSection)

    def later(self, **span: float) -> "Firms":
        self.at += timedelta(**span)
        return self

    async def take_in(self, *profiles: Profile, unknown: tuple[str, ...] = (), asked_at: datetime | None = None) -> Synced:
        return await take_in(profiles, asked_at=asked_at or self.at, again_in=DAY, unknown=unknown, actor="registry", at=self.at)

    async def enter(self, who: Identity, *profiles: Profile) -> Entered:
        return await enter_by_registry(
            who, profiles, asked_at=self.at, again_in=DAY, device=Device("Firefox"), limits=self.limits, box=self.box, at=self.at
        )

    async def exporter(self, rights: str = "see,prepare,submit,pay,sign", iec: str = IEC) -> tuple[Scope, UUID, UUID]:
        """An exporter's scope, its id, and one of its users with these rights."""
        here = await register_exporter(iec, f"FIRM {iec}", "", actor="test", at=self.at)
        email = f"user-{rights.count(',')}-{await Account.count()}@firm.example.in"
        id = await add_exporter_user(here.id, email=email, name="A User", rights=rights, actor="test", at=self.at)
        return Scope.exporter(here.id), here.id, id

    async def broker(self, name: str = "Konkan Clearing") -> Opened:
        licence, email = f"CHA {await Account.count():04d}/2026", f"desk{await Account.count()}@clearing.example.in"
        return await open_broker(
            name=name,
            licence=licence,
            email=email,
            person="F. Contractor",
            actor="test",
            box=self.box,
            base="https://x.example",
            at=self.at,
        )


async def users(iec: str = IEC) -> list[dict[str, Any]]:
    """Every row of that firm's users, ended or not."""
    found: list[dict[str, Any]] = await ExporterUser.select().where(ExporterUser.exporter.iec == iec).order_by(ExporterUser.name)
    return found


async def firm(iec: str = IEC) -> dict[str, Any]:
    """The row of that firm."""
    [row] = await Exporter.select().where(Exporter.iec == iec)
    return dict(row)


@pytest.fixture
async def firms(built_database: Engine, tmp_path: Path) -> Firms:
    return Firms(SecretBox.open(tmp_path / "keys", create=True))
