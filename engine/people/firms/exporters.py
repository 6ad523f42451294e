"""Exporters under their IEC, and the persons who act for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.errors import Refused
from engine.mail import mailbox
from engine.people.standing import Status
from engine.people.tables import Account, Exporter, ExporterUser
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = [
    "ExporterHere",
    "UserHere",
    "add_exporter_user",
    "exporter_by_id",
    "exporter_by_iec",
    "exporter_user",
    "exporters_of",
    "register_exporter",
    "user_key",
]


@dataclass(frozen=True, slots=True)
class ExporterHere:
    """A firm as the other rooms need it."""

    id: UUID
    iec: str
    name: str
    active: bool  # may file: the registry has the IEC as active


async def exporter_by_iec(scope: Scope, iec: str) -> ExporterHere | None:
    """The exporter of that IEC, if the scope covers it."""
    row = await covering(scope, Exporter.select().where(Exporter.iec == iec), Exporter, exporter="id").first()
    return _here(row) if row else None


async def exporter_by_id(scope: Scope, id: UUID) -> ExporterHere | None:
    """The exporter of that row, if the scope covers it."""
    row = await covering(scope, Exporter.select().where(Exporter.id == id), Exporter, exporter="id").first()
    return _here(row) if row else None


async def exporters_of(scope: Scope) -> Sequence[ExporterHere]:
    """The exporters that the scope covers, by IEC, in one query."""
    rows = await covering(scope, Exporter.select(), Exporter, exporter="id").order_by(Exporter.iec)
    return [_here(row) for row in rows]


async def register_exporter(iec: str, name: str, gstin: str, *, actor: str, at: datetime) -> ExporterHere:
    """The exporter of that IEC, entered now if it is new; what is known of it stays as it is."""
    async with uow():
        firm = Exporter(iec=iec, name=name, gstin=gstin, sync_due_at=at)
        made = await Exporter.insert(firm).on_conflict(target=Exporter.iec, action="DO NOTHING").returning(Exporter.id)
        for new in made:
            await audit("exporter_entered", room="people", subject=str(new["id"]), actor=actor, at=at)
        row = await Exporter.select().where(Exporter.iec == iec).first()
    if row is None:
        raise Refused(f"The exporter {iec} could not be entered.", box="exporter.iec", rule="exporter registered")
    return _here(row)


async def add_exporter_user(exporter_id: UUID, *, email: str, name: str, rights: str, actor: str, at: datetime) -> UUID:
    """Lets a person act for an exporter, with rights such as `see,prepare,submit,pay,sign`; gives the user's id."""
    account = Account(email=mailbox(email.strip()).lower(), name=name, made_at=at)
    live_key = user_key(exporter_id, account.id)
    user = ExporterUser(exporter=exporter_id, account=account.id, email=account.email, name=name, rights=rights, live_key=live_key)
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
    query = ExporterUser.select().where(
        ExporterUser.exporter == exporter_id,
        ExporterUser.account.email == email.strip().lower(),
        ExporterUser.account.active.eq(True),
        ExporterUser.ended_at.is_null(),
        ExporterUser.exporter.status == Status.ACTIVE,
    )
    row = await covering(scope, query, ExporterUser).first()
    if row is None or "sign" not in row["rights"].split(","):
        raise Refused(f"{email} may not sign for this exporter.", box="signatory", rule="exporter's user with the right to sign")
    return UserHere(row["id"], row["account"], row["exporter"], row["name"], frozenset(row["rights"].split(",")))


def user_key(exporter_id: object, account_id: object) -> str:
    """The live key of a user of an exporter: an account acts for it by one row at a time."""
    return f"{exporter_id}:{account_id}"


def _here(row: Any) -> ExporterHere:
    return ExporterHere(row["id"], row["iec"], row["name"], row["status"] == Status.ACTIVE)
