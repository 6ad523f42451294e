"""A firm as its own persons see it: what the registry has under its IEC, and when it was asked."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.errors import NotFound
from engine.people.standing import Status
from engine.people.tables import Exporter, ExporterBranch, ExporterUser
from engine.scope import Scope
from engine.store import reading
from engine.store.scoped import covering

__all__ = ["BranchHere", "FirmHere", "PersonHere", "firm_of"]

_RIGHTS = ("see", "prepare", "submit", "pay", "sign")


@dataclass(frozen=True, slots=True)
class BranchHere:
    """A branch of a firm."""

    code: str
    address: str
    gstin: str


@dataclass(frozen=True, slots=True)
class PersonHere:
    """A person that the registry lists under the IEC; `signed_in` says whether they ever came here."""

    name: str
    email: str
    rights: tuple[str, ...]
    account_id: UUID | None

    @property
    def signed_in(self) -> bool:
        """Whether they ever came here."""
        return self.account_id is not None


@dataclass(frozen=True, slots=True)
class FirmHere:
    """A firm; nothing of it can be changed here. `synced_at` is None while the registry was never asked."""

    id: UUID
    iec: str
    name: str
    address: str
    gstin: str
    status: Status
    modify_url: str
    synced_at: datetime | None
    branches: tuple[BranchHere, ...]
    persons: tuple[PersonHere, ...]


async def firm_of(scope: Scope, exporter: UUID) -> FirmHere:
    """The firm of that row. Raises NotFound for one that the scope does not cover."""
    async with reading():
        row = await covering(scope, Exporter.select().where(Exporter.id == exporter), Exporter, exporter="id").first()
        if row is None:
            raise NotFound("There is no such firm, or it is not yours.", code="exporter")
        branches = ExporterBranch.select().where(ExporterBranch.exporter == exporter, ExporterBranch.ended_at.is_null())
        persons = ExporterUser.select().where(ExporterUser.exporter == exporter, ExporterUser.ended_at.is_null())
        return FirmHere(
            id=row["id"],
            iec=row["iec"],
            name=row["name"],
            address=row["address"],
            gstin=row["gstin"],
            status=Status(row["status"]),
            modify_url=row["modify_url"],
            synced_at=row["synced_at"],
            branches=tuple(
                BranchHere(each["code"], each["address"], each["gstin"]) for each in await branches.order_by(ExporterBranch.code)
            ),
            persons=tuple(
                PersonHere(each["name"], each["email"], _rights(each["rights"]), each["account"])
                for each in await persons.order_by(ExporterUser.name, ExporterUser.id)
            ),
        )


def _rights(written: str) -> tuple[str, ...]:
    return tuple(right for right in _RIGHTS if right in written.split(","))
