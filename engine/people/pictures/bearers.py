"""Whose picture it is: an office, an officer, or an exporter's user, found within what the person may see."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.contracts.drawing import ImageKind
from engine.errors import Forbidden, NotFound
from engine.people.access import Principal, RoleKind
from engine.people.pictures.tables import BearerKind
from engine.people.tables import Office, Officer
from engine.scope import Scope
from engine.store.scoped import covering

__all__ = ["Bearer", "bearer_office", "bearer_officer", "own_bearer"]


@dataclass(frozen=True, slots=True)
class Bearer:
    """An office with its stamp, or a person with their hand. `account_id` is the person's; `detail` is the city, or the designation."""

    kind: BearerKind
    id: UUID
    name: str
    detail: str
    agency_id: UUID | None = None
    exporter_id: UUID | None = None
    account_id: UUID | None = None

    @property
    def image(self) -> ImageKind:
        """What the picture is of."""
        return ImageKind.STAMP if self.kind is BearerKind.OFFICE else ImageKind.SIGNATURE

    @property
    def change_kind(self) -> str:
        """The kind of change that a new picture is; an exporter's user changes their own without one."""
        return {BearerKind.OFFICE: "stamp", BearerKind.OFFICER: "officer_picture", BearerKind.USER: ""}[self.kind]

    @property
    def columns(self) -> dict[str, Any]:
        """The bearer as the columns of a row."""
        match self.kind:
            case BearerKind.OFFICE:
                return {"agency": self.agency_id, "office": self.id}
            case BearerKind.OFFICER:
                return {"agency": self.agency_id, "officer": self.id}
            case BearerKind.USER:
                return {"exporter": self.exporter_id, "exporter_user": self.id}


async def bearer_office(scope: Scope, office: UUID) -> Bearer:
    """An office of the agency. Raises NotFound for any other."""
    query = Office.select(Office.id, Office.agency, Office.name, Office.code, Office.city).where(Office.id == office)
    row = await covering(scope, query, Office, office="id").first()
    if row is None:
        raise NotFound("There is no such office.", code="office")
    return Bearer(BearerKind.OFFICE, row["id"], row["name"], f"{row['code']}, {row['city']}", agency_id=row["agency"])


async def bearer_officer(scope: Scope, officer: UUID) -> Bearer:
    """An officer of the agency. Raises NotFound for any other, and in a scope that covers but some offices."""
    query = Officer.select(Officer.id, Officer.agency, Officer.account, Officer.name, Officer.designation).where(Officer.id == officer)
    row = await covering(scope, query, Officer, office="none").first()
    if row is None:
        raise NotFound("There is no such officer.", code="officer")
    return Bearer(BearerKind.OFFICER, row["id"], row["name"], row["designation"], agency_id=row["agency"], account_id=row["account"])


async def own_bearer(person: Principal) -> Bearer:
    """The person themselves, as the officer or the exporter's user that they act as. Raises Forbidden for any other role."""
    role = person.role if person.whole else None
    if role is not None and role.kind is RoleKind.OFFICER and role.agency_id is not None:
        return await bearer_officer(Scope.agency(role.agency_id), role.id)
    if role is not None and role.kind is RoleKind.EXPORTER and "sign" in role.rights:
        [exporter] = role.exporter_ids
        return Bearer(BearerKind.USER, role.id, person.name, role.title, exporter_id=exporter, account_id=person.account_id)
    raise Forbidden("Only who signs has a signature picture: an officer, or an exporter's user with the right to sign.", code="right")
