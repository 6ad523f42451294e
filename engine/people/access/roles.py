"""The roles of a person: at the platform's desk, as an agency's administrator or officer, for an exporter or a broker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from engine.clock import ist_day
from engine.people.standing import Status
from engine.people.tables import Account
from engine.scope import PLATFORM, PUBLIC, Scope

__all__ = ["Role", "RoleKind", "roles_of"]

_SEEING = frozenset({"see"})
_EVERY = frozenset({"see", "prepare", "submit", "pay", "sign"})

# One query for every page: a row for each role, and one for each office of an officer and each exporter of a broker. Of agencies that
# are listed today, for with its listing an agency's people lose what they are there; of brokers that are open.
_ROLES = """
    SELECT 1 AS place, p.id AS id, '' AS title, CAST(NULL AS UUID) AS party, CAST(NULL AS UUID) AS covered, '' AS rights, '' AS status,
        '' AS sorted
    FROM platform_user p WHERE p.account = {} AND p.ended_at IS NULL
    UNION ALL SELECT 2, a.id, g.name, g.id, NULL, '', '', CAST(a.made_at AS TEXT)
    FROM administrator a JOIN agency g ON g.id = a.agency WHERE a.account = {} AND a.ended_at IS NULL AND EXISTS
        (SELECT 1 FROM agency_listing l WHERE l.agency = g.id AND l.starts_on <= {} AND (l.ends_on IS NULL OR l.ends_on > {}))
    UNION ALL SELECT 3, o.id, g.name, g.id, m.office, '', '', g.name
    FROM officer o JOIN agency g ON g.id = o.agency LEFT JOIN officer_office m ON m.officer = o.id AND m.ended_at IS NULL
    WHERE o.account = {} AND o.active AND EXISTS
        (SELECT 1 FROM agency_listing l WHERE l.agency = g.id AND l.starts_on <= {} AND (l.ends_on IS NULL OR l.ends_on > {}))
    UNION ALL SELECT 4, u.id, e.name, NULL, e.id, u.rights, e.status, e.iec
    FROM exporter_user u JOIN exporter e ON e.id = u.exporter WHERE u.account = {} AND u.ended_at IS NULL
    UNION ALL SELECT 5, u.id, b.name, b.id, r.exporter, u.rights, '', b.name
    FROM broker_user u JOIN broker b ON b.id = u.broker
        LEFT JOIN broker_grant r ON r.broker = b.id AND r.ended_at IS NULL AND (r.until_at IS NULL OR r.until_at > {})
    WHERE u.account = {} AND u.ended_at IS NULL AND b.active
    ORDER BY 1, 8, 2
"""


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
    today = ist_day(at)
    listed = (account, today, today)
    rows = await Account.raw(_ROLES, account, *listed, *listed, account, at, account)
    return tuple(_role([row for row in rows if row["id"] == id]) for id in dict.fromkeys(row["id"] for row in rows))


def _role(rows: Sequence[Mapping[str, Any]]) -> Role:
    """The role of these rows, which are its offices, or what it covers."""
    row = rows[0]
    id, party = UUID(str(row["id"])), _id(row["party"])
    covered = frozenset(found for each in rows if (found := _id(each["covered"])) is not None)
    rights = frozenset(filter(None, row["rights"].split(",")))
    match row["place"]:
        case 1:
            return Role(RoleKind.PLATFORM, id, "Platform desk")
        case 2:
            return Role(RoleKind.ADMINISTRATOR, id, f"Administrator, {row['title']}", party)
        case 3:
            return Role(RoleKind.OFFICER, id, f"Officer, {row['title']}", party, covered)
        case 4:  # the rights that the registry lists; under an IEC that is not active a person sees, and no more
            allowed = rights & (_EVERY if row["status"] == Status.ACTIVE else _SEEING)
            return Role(RoleKind.EXPORTER, id, row["title"], exporter_ids=covered, rights=allowed)
        case _:  # what a broker's person may do for each exporter is the grant's to say
            return Role(RoleKind.BROKER, id, row["title"], exporter_ids=covered, rights=rights, broker_id=party)


def _id(found: object) -> UUID | None:
    """An id of a compound query: SQLite gives text there."""
    return UUID(str(found)) if found is not None else None
