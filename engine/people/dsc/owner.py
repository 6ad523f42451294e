"""Whose digital signature certificate it is: an officer's, or that of an exporter's user who may sign."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.errors import Forbidden, NotFound
from engine.people.access import Principal, RoleKind
from engine.people.tables import ExporterUser, Officer
from engine.scope import Scope
from engine.store.scoped import covering

__all__ = ["Owner", "officer_as_owner", "owner_of"]


@dataclass(frozen=True, slots=True)
class Owner:
    """A signatory, their name in the register and their agency's or firm's. `party` is that agency's or exporter's id."""

    id: UUID
    party: UUID
    account_id: UUID
    name: str
    organisation: str
    is_officer: bool

    @property
    def officer(self) -> tuple[UUID, UUID] | None:
        """Agency and officer, as an enrolment takes them."""
        return (self.party, self.id) if self.is_officer else None

    @property
    def exporter_user(self) -> tuple[UUID, UUID] | None:
        """Exporter and user, as an enrolment takes them."""
        return None if self.is_officer else (self.party, self.id)

    @property
    def columns(self) -> dict[str, Any]:
        """The owner as the rows of enrolments name them."""
        agency, officer = self.officer or (None, None)
        exporter, user = self.exporter_user or (None, None)
        return {"agency": agency, "officer": officer, "exporter": exporter, "exporter_user": user}

    @property
    def scope(self) -> Scope:
        """Whose names they may be told: those of their own agency or firm."""
        return Scope.agency(self.party) if self.is_officer else Scope.exporter(self.party)


async def owner_of(person: Principal) -> Owner:
    """The signatory that a person acts as. Raises Forbidden if they act in no role that signs."""
    role = person.role
    if role is not None and role.kind is RoleKind.OFFICER and role.agency_id is not None:
        return await officer_as_owner(Scope.agency(role.agency_id), role.id)
    if role is not None and role.kind is RoleKind.EXPORTER and "sign" in role.rights:
        query = ExporterUser.select(ExporterUser.id, ExporterUser.exporter, ExporterUser.account)
        columns = (ExporterUser.name, ExporterUser.exporter.name.as_alias("of"))
        rows = await covering(role.scope, query.columns(*columns).where(ExporterUser.id == role.id), ExporterUser)
        if rows:
            [row] = rows
            return Owner(row["id"], row["exporter"], row["account"], row["name"], row["of"], is_officer=False)
    raise Forbidden("Officers, and an exporter's users with the right to sign, register a digital signature certificate.", code="role")


async def officer_as_owner(scope: Scope, officer: UUID) -> Owner:
    """An officer as the owner of certificates. Raises NotFound for one that the scope does not cover."""
    query = Officer.select(Officer.id, Officer.agency, Officer.account, Officer.name, Officer.agency.name.as_alias("of"))
    row = await covering(scope, query.where(Officer.id == officer), Officer, office="id").first()
    if row is None:
        raise NotFound("There is no such officer.", code="officer")
    return Owner(row["id"], row["agency"], row["account"], row["name"], row["of"], is_officer=True)
