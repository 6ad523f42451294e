"""What the registry says of firms, written into our rows: the plan of a sync applied in one unit of work.

Promises that an older answer never undoes a newer one, that nothing is deleted, and that a row never changes its person.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from engine.people.dgft import (
    RIGHTS,
    Branch,
    BranchChange,
    Change,
    ExporterChange,
    Firm,
    Known,
    KnownBranch,
    KnownUser,
    Profile,
    Synced,
    User,
    UserChange,
    sync,
)
from engine.people.firms.exporters import user_key
from engine.people.standing import Status
from engine.people.tables import Exporter, ExporterBranch, ExporterUser
from engine.store import audit, uow

__all__ = ["take_in"]

_USER_ACTS = {
    Change.NEW: "exporter_user_listed",
    Change.CHANGED: "exporter_user_changed",
    Change.RESUMED: "exporter_user_resumed",
    Change.ENDED: "exporter_user_ended",
}
_FIRM_ACTS = {Change.NEW: "exporter_entered", Change.CHANGED: "exporter_changed", Change.ENDED: "exporter_gone"}


async def take_in(
    profiles: Iterable[Profile], *, asked_at: datetime, again_in: timedelta, unknown: Collection[str] = (), actor: str, at: datetime
) -> Synced:
    """Makes our rows what these profiles say; joins the caller's unit of work if there is one, and gives what changed.

    `asked_at` is when the registry was asked, and `again_in` when it will be next; a firm that was synced by a later
    question stays as it is. `unknown` are IECs that the registry says it does not know.
    """
    told = {profile.iec: profile for profile in profiles}
    async with uow():
        ids = await _held({*told, *unknown}, asked_at)
        newer = {iec for iec, id in ids.items() if id is None}
        here = [iec for iec, id in ids.items() if id is not None]
        known, rows = await _known(here)
        plan = sync(
            (profile for iec, profile in told.items() if iec not in newer),
            at,
            known=known,
            unknown={iec for iec in unknown if iec not in newer},
        )
        await _apply(plan, rows, actor)
        asked = sorted(({*told, *unknown}) - newer)
        if asked:
            moments: dict[Any, Any] = {Exporter.synced_at: asked_at, Exporter.sync_due_at: at + again_in}
            await Exporter.update(moments).where(Exporter.iec.is_in(asked))
    return plan


async def _held(iecs: Collection[str], asked_at: datetime) -> dict[str, UUID | None]:
    """The rows of these firms, kept until the unit of work ends; None for one that a later question already answered."""
    found: dict[str, UUID | None] = {}
    for iec in sorted(iecs):  # in one order, so that two syncs never wait for each other
        kept = (
            await Exporter.update({Exporter.iec: Exporter.iec}, force=True)
            .where(Exporter.iec == iec)
            .returning(Exporter.id, Exporter.synced_at)
        )
        for row in kept:
            found[iec] = None if row["synced_at"] is not None and row["synced_at"] > asked_at else row["id"]
    return found


async def _known(iecs: Sequence[str]) -> tuple[list[Known], "_Rows"]:
    """Our rows in the shape that the plan compares, and the way back from it to each row."""
    rows = _Rows()
    known = []
    for iec in iecs:
        [row] = await Exporter.select().where(Exporter.iec == iec)
        rows.firms[iec] = row["id"]
        users, branches = [], []
        for each in await ExporterUser.select().where(ExporterUser.exporter == row["id"]).order_by(ExporterUser.id):
            user = User(each["name"], rights_of(each["rights"]), each["subject"] or "", each["email"])
            rows.users.append((user, each))
            users.append(KnownUser(user, each["ended_at"] is not None))
        for each in await ExporterBranch.select().where(ExporterBranch.exporter == row["id"]):
            branch = Branch(each["code"], each["address"], each["gstin"])
            branches.append(KnownBranch(branch, each["ended_at"] is not None))
        firm = Firm(iec, row["name"], row["address"], row["gstin"], Status(row["status"]), row["modify_url"])
        known.append(Known(firm, tuple(users), tuple(branches)))
    return known, rows


class _Rows:
    """The rows that a plan speaks of: firms by IEC, users by the very object that the plan was given."""

    def __init__(self) -> None:
        self.firms: dict[str, UUID] = {}
        self.users: list[tuple[User, Mapping[str, Any]]] = []

    def user(self, before: User) -> Mapping[str, Any]:
        return next(row for user, row in self.users if user is before)


async def _apply(plan: Synced, rows: _Rows, actor: str) -> None:
    """Firms, then branches, then users; of users those that are here first, for their keys may be what a new one takes."""
    for firm in plan.exporters:
        await _apply_firm(firm, rows, actor, plan.at)
    for branch in plan.branches:
        await _apply_branch(branch, rows.firms[branch.iec], actor, plan.at)
    for user in sorted(plan.users, key=lambda each: (each.kind is not Change.ENDED, each.kind is Change.NEW)):
        await _apply_user(user, rows, actor, plan.at)


async def _apply_firm(change: ExporterChange, rows: _Rows, actor: str, at: datetime) -> None:
    after = change.after
    if after is None:
        raise ValueError("a firm is never taken away, only cancelled")
    values: dict[Any, Any] = {
        "name": after.name,
        "address": after.address,
        "gstin": after.gstin,
        "status": str(after.status),
        "modify_url": after.modify_url,
    }
    if change.kind is Change.NEW:
        row = Exporter(iec=change.iec, sync_due_at=at, **values)
        await Exporter.insert(row)
        rows.firms[change.iec] = UUID(str(row.id))
    else:
        await Exporter.update(values).where(Exporter.iec == change.iec)
    detail = {"status": str(after.status), "was": str(change.before.status) if change.before else ""}
    await audit(
        _FIRM_ACTS[change.kind],
        room="people",
        subject=str(rows.firms[change.iec]),
        actor=actor,
        at=at,
        before=_digest(change.before),
        after=_digest(after),
        detail=detail,
    )


async def _apply_branch(change: BranchChange, exporter: UUID, actor: str, at: datetime) -> None:
    branch = change.after or change.before
    if branch is None:
        raise ValueError("a change of a branch names it before or after")
    if change.kind is Change.NEW:
        await ExporterBranch.insert(ExporterBranch(exporter=exporter, code=branch.code, address=branch.address, gstin=branch.gstin))
    else:
        ended = at if change.after is None else None
        values: dict[Any, Any] = {
            ExporterBranch.address: branch.address,
            ExporterBranch.gstin: branch.gstin,
            ExporterBranch.ended_at: ended,
        }
        await ExporterBranch.update(values).where(ExporterBranch.exporter == exporter, ExporterBranch.code == branch.code)
    act = "exporter_branch_ended" if change.after is None else "exporter_branch_taken_in"
    await audit(act, room="people", subject=str(exporter), actor=actor, at=at, detail={"code": branch.code})


async def _apply_user(change: UserChange, rows: _Rows, actor: str, at: datetime) -> None:
    exporter = rows.firms[change.iec]
    before, after = change.before, change.after
    if before is None and after is not None:
        row = ExporterUser(exporter=exporter, **_values(after))
        row.live_key = str(row.id)
        await ExporterUser.insert(row)
        id = UUID(str(row.id))
    elif before is not None:
        old = rows.user(before)
        id = old["id"]
        await ExporterUser.update(_ended(id, at) if after is None else _going_on(exporter, old, after)).where(ExporterUser.id == id)
    else:
        raise ValueError("a change of a user names them before or after")
    detail = {
        "exporter": str(exporter),
        "rights": ",".join(after.rights) if after else "",
        "had": ",".join(before.rights) if before else "",
    }
    await audit(_USER_ACTS[change.kind], room="people", subject=str(id), actor=actor, at=at, detail=detail)


def _values(user: User) -> dict[Any, Any]:
    return {"subject": user.subject or None, "email": user.email, "name": user.name, "rights": ",".join(user.rights)}


def _ended(id: UUID, at: datetime) -> dict[Any, Any]:
    return {"ended_at": at, "live_key": str(id)}


def _going_on(exporter: UUID, row: Mapping[str, Any], user: User) -> dict[Any, Any]:
    live_key = user_key(exporter, row["account"]) if row["account"] else str(row["id"])
    return {**_values(user), "ended_at": None, "live_key": live_key}


def rights_of(written: str) -> tuple[str, ...]:
    """The rights of a row in their proper order."""
    return tuple(right for right in RIGHTS if right in written.split(","))


def _digest(firm: Firm | None) -> str:
    """What the audit holds a firm by; its name and address stand in no entry."""
    return hashlib.sha256(msgspec.json.encode(asdict(firm))).hexdigest() if firm else ""
