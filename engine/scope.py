"""Who is asking, for every read. A room's query takes a `Scope` first and returns only what it covers.

A foreign id and an unknown id answer the same.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

__all__ = ["PLATFORM", "PUBLIC", "Scope", "ScopeKind"]


class ScopeKind(StrEnum):
    """Whose eyes a read has."""

    PLATFORM = "platform"
    AGENCY = "agency"
    OFFICES = "offices"
    EXPORTER = "exporter"
    BROKER = "broker"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be seen: everything, an agency, some of its offices, an exporter's own, or what is public."""

    kind: ScopeKind
    agency_id: UUID | None = None
    office_ids: frozenset[UUID] = frozenset()
    exporter_ids: frozenset[UUID] = frozenset()

    @classmethod
    def agency(cls, agency_id: UUID) -> "Scope":
        """All offices of one agency."""
        return cls(ScopeKind.AGENCY, agency_id)

    @classmethod
    def offices(cls, agency_id: UUID, office_ids: frozenset[UUID]) -> "Scope":
        """Some offices of one agency: an officer's own."""
        return cls(ScopeKind.OFFICES, agency_id, office_ids)

    @classmethod
    def exporter(cls, exporter_id: UUID) -> "Scope":
        """What one exporter filed and received."""
        return cls(ScopeKind.EXPORTER, exporter_ids=frozenset({exporter_id}))

    @classmethod
    def broker(cls, exporter_ids: frozenset[UUID]) -> "Scope":
        """What the exporters that granted a broker rights filed and received."""
        return cls(ScopeKind.BROKER, exporter_ids=exporter_ids)


PLATFORM = Scope(ScopeKind.PLATFORM)
PUBLIC = Scope(ScopeKind.PUBLIC)
