"""The roles of a person: at the platform's desk, as an agency's administrator or officer, for an exporter or a broker."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from engine.clock import ist_day
from engine.people.listing import listed
from engine.people.standing import Status
from engine.people.tables import (
    Administrator,
    BrokerGrant,
    BrokerUser,
    ExporterUser,
    Officer,
    OfficerOffice,
    PlatformUser,
)
from engine.scope import PLATFORM, PUBLIC, Scope

__all__ = ["Role", "RoleKind", "roles_of"]

_SEEING = frozenset({"see"})
_EVERY = frozenset({"see", "prepare", "submit", "pay", "sign"})


class RoleKind(StrEnum):
    """What a person can act as."""

    PLATFORM = "platform"
    ADMINISTRATOR = "administrator"
    OFFICER = "officer"
    EXPORTER = "exporter"
    BROKER = "broker"


@dataclass(frozen=True, slots=True)
class Role:
    """One role of a person. `id` is the row that gives it; `rights` narrow those of exporters' and brokers' users."""

    kind: RoleKind
    id: UUID
    title: str
    agency_id: UUID | None = None
    office_ids: frozenset[UUID] = frozenset()
    exporter_ids: frozenset[UUID] = frozenset()
    rights: frozenset[str] = frozenset()
    broker_id: UUID | None = None

    @property
    def key(self) -> str:
        """How a session remembers it."""
        return f"{self.kind}:{self.id}"

    @property
    def scope(self) -> Scope:
        """What may be seen in this role."""
        match self.kind:
            case RoleKind.PLATFORM:
                return PLATFORM
            case RoleKind.ADMINISTRATOR if self.agency_id is not None:
                return Scope.agency(self.agency_id)
            case RoleKind.OFFICER if self.agency_id is not None:
                return Scope.offices(self.agency_id, self.office_ids)
            case RoleKind.EXPORTER:
                return Scope.exporter(next(iter(self.exporter_ids)))
            case RoleKind.BROKER:
                return Scope.broker(self.exporter_ids)
            case _:
                return PUBLIC

    @property
    def needs_second_factor(self) -> bool:
        """Whoever signs or administers shows a second factor."""
        return self.kind in {RoleKind.PLATFORM, RoleKind.ADMINISTRATOR, RoleKind.OFFICER} or bool({"sign", "manage"} & self.rights)


async def roles_of(account: UUID, at: datetime) -> tuple[Role, ...]:
    """Every role that the person has at that moment, the widest first. For the person's own sign-in, so no scope is asked for."""
    return (
        *await _platform(account),
        *await _administrator(account, ist_day(at)),
        *await _officer(account, ist_day(at)),
        *await _exporter(account),
        *await _broker(account, at),
    )


async def _platform(account: UUID) -> Iterable[Role]:
    rows = await PlatformUser.select(PlatformUser.id).where(PlatformUser.account == account, PlatformUser.ended_at.is_null())
    return [Role(RoleKind.PLATFORM, row["id"], "Platform desk") for row in rows]


async def _administrator(account: UUID, today: date) -> Iterable[Role]:
    """Of agencies that are listed today: with its listing an agency's people lose what they are there."""
    query = Administrator.select(Administrator.id, Administrator.agency, Administrator.agency.name.as_alias("of"))
    mine = (Administrator.account == account, Administrator.ended_at.is_null(), Administrator.agency.is_in(listed(today)))
    rows = await query.where(*mine).order_by(Administrator.made_at)
    return [Role(RoleKind.ADMINISTRATOR, row["id"], f"Administrator, {row['of']}", row["agency"]) for row in rows]


async def _officer(account: UUID, today: date) -> Iterable[Role]:
    query = Officer.select(Officer.id, Officer.agency, Officer.agency.name.as_alias("of"))
    found = []
    for row in await query.where(Officer.account == account, Officer.active.eq(True), Officer.agency.is_in(listed(today))):
        mapped = OfficerOffice.select(OfficerOffice.office).where(OfficerOffice.officer == row["id"], OfficerOffice.ended_at.is_null())
        offices = frozenset(each["office"] for each in await mapped)
        found.append(Role(RoleKind.OFFICER, row["id"], f"Officer, {row['of']}", row["agency"], offices))
    return found


async def _exporter(account: UUID) -> Iterable[Role]:
    """A person of a firm has the rights that the registry lists; under an IEC that is not active they see, and no more."""
    columns = (ExporterUser.id, ExporterUser.exporter, ExporterUser.rights, ExporterUser.exporter.name.as_alias("of"))
    query = ExporterUser.select(*columns, ExporterUser.exporter.status.as_alias("status"))
    rows = await query.where(ExporterUser.account == account, ExporterUser.ended_at.is_null()).order_by(ExporterUser.exporter.iec)
    found = []
    for row in rows:
        rights = _rights(row["rights"]) & (_EVERY if row["status"] == Status.ACTIVE else _SEEING)
        found.append(Role(RoleKind.EXPORTER, row["id"], row["of"], exporter_ids=frozenset({row["exporter"]}), rights=rights))
    return found


async def _broker(account: UUID, at: datetime) -> Iterable[Role]:
    """A broker's person sees what exporters grant the firm today; what they may do for each of them is the grant's to say."""
    query = BrokerUser.select(BrokerUser.id, BrokerUser.broker, BrokerUser.rights, BrokerUser.broker.name.as_alias("of"))
    found = []
    for row in await query.where(BrokerUser.account == account, BrokerUser.ended_at.is_null(), BrokerUser.broker.active.eq(True)):
        grants = BrokerGrant.select(BrokerGrant.exporter).where(
            BrokerGrant.broker == row["broker"],
            BrokerGrant.ended_at.is_null(),
            (BrokerGrant.until_at.is_null()) | (BrokerGrant.until_at > at),
        )
        exporters = frozenset(each["exporter"] for each in await grants)
        rights = _rights(row["rights"])
        found.append(Role(RoleKind.BROKER, row["id"], row["of"], exporter_ids=exporters, rights=rights, broker_id=row["broker"]))
    return found


def _rights(written: str) -> frozenset[str]:
    return frozenset(filter(None, written.split(",")))
