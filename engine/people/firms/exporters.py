"""Exporters under their IEC, and the persons who act for them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.errors import Refused
from engine.people.tables import Account, Exporter, ExporterUser
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = ["ExporterHere", "UserHere", "add_exporter_user", "exporter_by_id", "exporter_by_iec", "exporter_user", "register_exporter"]


@dataclass(frozen=True, slots=True)
class ExporterHere:
    """A firm as the other rooms need it."""

    id: UUID
    iec: str
    name: str
    active: bool


async def exporter_by_iec(scope: Scope, iec: str) -> ExporterHere | None:
    """The exporter of that IEC, if the scope covers it."""
    row = await covering(scope, Exporter.select().where(Exporter.iec == iec), Exporter, exporter="id").first()
    return ExporterHere(row["id"], row["iec"], row["name"], row["active"]) if row else None


async def exporter_by_id(scope: Scope, id: UUID) -> ExporterHere | None:
    """The exporter of that row, if the scope covers it."""
    row = await covering(scope, Exporter.select().where(Exporter.id == id), Exporter, exporter="id").first()
    return ExporterHere(row["id"], row["iec"], row["name"], row["active"]) if row else None


async def register_exporter(iec: str, name: str, gstin: str, *, actor: str, at: datetime) -> ExporterHere:
    """The exporter of that IEC, entered now if it is new; what is known of it stays as it is."""
    async with uow():
        await Exporter.insert(Exporter(iec=iec, name=name, gstin=gstin)).on_conflict(target=Exporter.iec, action="DO NOTHING")
        row = await Exporter.select().where(Exporter.iec == iec).first()
    if row is None:
        raise Refused(f"The exporter {iec} could not be entered.", box="exporter.iec", rule="exporter registered")
    return ExporterHere(row["id"], row["iec"], row["name"], row["active"])


async def add_exporter_user(exporter_id: UUID, *, email: str, name: str, rights: str, actor: str, at: datetime) -> UUID:
    """Lets a person act for an exporter, with rights such as `see,prepare,submit,pay,sign`; gives the user's id."""
    account = Account(email=email.strip().lower(), name=name, made_at=at)
    user = ExporterUser(exporter=exporter_id, account=account.id, rights=rights)
    async with uow():
        await Account.insert(account)
        await ExporterUser.insert(user)
        await audit("exporter_user_added", room="people", subject=str(user.id), actor=actor, at=at)
    return UUID(str(user.id))


@dataclass(frozen=True, slots=True)
class UserHere:
    """A person acting for an exporter."""

    id: UUID
    account_id: UUID
    exporter_id: UUID
    name: str
    rights: frozenset[str]


async def exporter_user(scope: Scope, exporter_id: UUID, email: str) -> UserHere:
    """The exporter's user with that address. Raises Refused if there is none, or if they may not sign."""
    query = ExporterUser.select(*ExporterUser.all_columns(), ExporterUser.account.name.as_alias("name")).where(
        ExporterUser.exporter == exporter_id, ExporterUser.account.email == email.strip().lower(), ExporterUser.active.eq(True)
    )
    row = await covering(scope, query, ExporterUser).first()
    if row is None or "sign" not in row["rights"].split(","):
        raise Refused(f"{email} may not sign for this exporter.", box="signatory", rule="exporter's user with the right to sign")
    return UserHere(row["id"], row["account"], row["exporter"], row["name"], frozenset(row["rights"].split(",")))
