"""Versions of stamps and hands: one is used at a time, and none is ever changed or taken away.

What was approved names a picture by its hash, so a certificate keeps the stamp that it was approved with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.people.pictures.bearers import Bearer
from engine.people.pictures.tables import Appearance, BearerKind, Stamp
from engine.people.tables import Account
from engine.store import audit, uow

__all__ = ["Version", "hand_of_user", "live_version", "put_version", "version_of", "versions_of"]

_MOST = 200
_ACTS = {BearerKind.OFFICE: "stamp_put", BearerKind.OFFICER: "appearance_put", BearerKind.USER: "appearance_put"}


@dataclass(frozen=True, slots=True)
class Version:
    """One version: used from `from_at` to `until_at`, or still. Names are empty where no person did it."""

    number: int
    sha256: str
    quality: int
    from_at: datetime
    until_at: datetime | None
    uploaded_by: str
    confirmed_by: str

    @property
    def live(self) -> bool:
        """Whether it is the one that is used."""
        return self.until_at is None


async def versions_of(bearer: Bearer) -> Sequence[Version]:
    """The versions of a bearer that a scope found, the newest first; at most 200."""
    table, mine = _table(bearer.kind), _mine(bearer.kind, bearer.id)
    query = table.select(*table.all_columns(), table.change.decided_by.name.as_alias("decider")).where(mine)
    rows = await query.order_by(table.version, ascending=False).limit(_MOST)
    names = await _names({row["made_by"] for row in rows})
    return [_version(row, names) for row in rows]


async def version_of(bearer: Bearer, number: int) -> Version | None:
    """One version of a bearer that a scope found."""
    table = _table(bearer.kind)
    row = await table.select().where(_mine(bearer.kind, bearer.id), table.version == number).first()
    return _version({**row, "decider": ""}, {}) if row else None


async def live_version(bearer: Bearer) -> Version | None:
    """The version that a bearer, whom a scope found, uses now."""
    table = _table(bearer.kind)
    row = await table.select().where(table.live_key == str(bearer.id)).first()
    return _version({**row, "decider": ""}, {}) if row else None


async def hand_of_user(user: UUID) -> str | None:
    """The hash of the hand that an exporter's user, whom the caller holds, uses now; None if they have none."""
    row = await Appearance.select(Appearance.sha256).where(Appearance.live_key == str(user), Appearance.exporter_user == user).first()
    return str(row["sha256"]) if row else None


async def put_version(
    kind: BearerKind,
    columns: Mapping[str, UUID | None],
    *,
    sha256: str,
    quality: int,
    made_by: str,
    actor: str,
    at: datetime,
    change: UUID | None = None,
) -> int:
    """Makes a stored, cleaned picture the one that is used, and gives its version; the one before ends.

    `columns` are the bearer's. Of two at once one raises Conflict. `actor` is who made it so: whoever confirmed, if anybody did.
    """
    table = _table(kind)
    bearer = columns[{BearerKind.OFFICE: "office", BearerKind.OFFICER: "officer", BearerKind.USER: "exporter_user"}[kind]]
    async with uow():
        newest = await table.select(table.version).where(_mine(kind, bearer)).order_by(table.version, ascending=False).first()
        version = int(newest["version"]) + 1 if newest else 1
        before = await table.select(table.id, table.sha256).where(table.live_key == str(bearer)).first()
        if before is not None:
            ended = {table.ended_at: at, table.live_key: str(before["id"])}
            await table.update(ended).where(table.id == before["id"], table.live_key == str(bearer))
        await table.insert(
            table(
                **columns,
                version=version,
                live_key=str(bearer),
                sha256=sha256,
                quality=quality,
                made_by=made_by,
                change=change,
                made_at=at,
            )
        )
        await audit(
            _ACTS[kind],
            room="people",
            subject=str(bearer),
            actor=actor,
            at=at,
            agency=columns.get("agency"),
            office=columns.get("office"),
            before=str(before["sha256"]) if before else "",
            after=sha256,
            detail={"version": version, "score": quality},
        )
    return version


def _table(kind: BearerKind) -> Any:
    return Stamp if kind is BearerKind.OFFICE else Appearance


def _mine(kind: BearerKind, bearer: UUID | None) -> Any:
    column = {BearerKind.OFFICE: Stamp.office, BearerKind.OFFICER: Appearance.officer, BearerKind.USER: Appearance.exporter_user}[kind]
    return column == bearer


def _version(row: Mapping[str, Any], names: Mapping[str, str]) -> Version:
    return Version(
        number=row["version"],
        sha256=row["sha256"],
        quality=row["quality"],
        from_at=row["made_at"],
        until_at=row["ended_at"],
        uploaded_by=names.get(row["made_by"], ""),
        confirmed_by=row["decider"] or "",
    )


async def _names(actors: set[str]) -> dict[str, str]:
    """Names of the persons among these actors; a shell or the site's set-up has none."""
    ids = [actor.removeprefix("account:") for actor in actors if actor.startswith("account:")]
    rows = await Account.select(Account.id, Account.name).where(Account.id.is_in(ids)) if ids else []
    return {f"account:{row['id']}": row["name"] for row in rows}
