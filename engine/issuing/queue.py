"""The queue in front of the corridor: starts runs, looks after those that stopped, tells the plugins what happened."""

import asyncio
import json
import logging
from collections.abc import Set
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from engine.certificate import CertificateState
from engine.errors import Conflict
from engine.issuing.run import NEVER
from engine.issuing.tables import ApprovalRow, ApprovalState
from engine.jobs import run_key
from engine.proof import Standing, by_approval
from engine.registry import Registry
from engine.store import audit, uow
from engine.store.tables import Announcement

__all__ = ["JOB", "Outcome", "Runs", "announce", "confirm_day", "look_again", "outcome", "release", "start_again", "sweep"]

JOB = "issue"
_log = logging.getLogger(__name__)
_AT_ONCE = 500
_MOST_TRIES = 24  # the last of them about half a day after the first
_LONGEST_S = 3600
_LISTEN_S = 30
_CLAIM = timedelta(seconds=3 * _LISTEN_S)


class Runs(Protocol):
    """What the queue asks of the job engine about runs; `engine.jobs.JobEngine` answers."""

    async def under_way(self, job: str) -> Set[str]: ...

    async def is_over(self, job: str, id: str, run: int) -> bool: ...

    async def enqueue(self, job: str, id: str, run: int) -> str: ...


class Outcome:
    """Where an approval got to: the certificate or None, whether it is over, what keeps it if it is not, and whether that keeps
    it for good, so that only a person can start it again."""

    def __init__(self, standing: Standing | None, state: ApprovalState, problem: str, *, for_good: bool = False) -> None:
        self.standing = standing
        self.over = state is ApprovalState.DONE
        self.problem = problem
        self.for_good = for_good and not self.over

    @property
    def issued(self) -> bool:
        """Whether the certificate was let out, whatever became of it since."""
        return self.standing is not None and self.standing.state in {
            CertificateState.ISSUED,
            CertificateState.SUPERSEDED,
            CertificateState.CANCELLED,
        }


async def outcome(approval: UUID) -> Outcome:
    """Where an approval stands now."""
    shown = (ApprovalRow.state, ApprovalRow.last_problem, ApprovalRow.wait_until)
    row = await ApprovalRow.select(*shown).where(ApprovalRow.id == approval).first()
    if row is None:
        return Outcome(await by_approval(approval), ApprovalState.DONE, "")
    for_good = row["wait_until"] is not None and row["wait_until"] >= datetime.now(UTC) + NEVER / 2
    return Outcome(await by_approval(approval), ApprovalState(row["state"]), row["last_problem"], for_good=for_good)


async def start_again(approval: UUID) -> None:
    """A person says: try now. Does nothing to a run that is under way."""
    async with uow():
        await ApprovalRow.update({ApprovalRow.wait_until: None, ApprovalRow.last_problem: ""}).where(
            ApprovalRow.id == approval, ApprovalRow.state != str(ApprovalState.DONE)
        )


async def release() -> None:
    """A device became ready: everything that was held back for a while is tried now, but for what a person must start."""
    soon = ApprovalRow.wait_until < datetime.now(UTC) + NEVER / 2
    async with uow():
        await ApprovalRow.update({ApprovalRow.wait_until: None}).where(ApprovalRow.state != str(ApprovalState.DONE), soon)


async def look_again(officer: UUID) -> None:
    """An officer was deactivated or unmapped: each approval of theirs that is not over is looked at now, whatever held it back."""
    async with uow():
        theirs = (ApprovalRow.officer == officer, ApprovalRow.state != str(ApprovalState.DONE))
        await ApprovalRow.update({ApprovalRow.wait_until: None}).where(*theirs)


async def confirm_day(approval: UUID, on: date, *, actor: str, at: datetime) -> None:
    """The officer confirms that it is drawn again with the date `on`, since the day changed before it was signed."""
    async with uow():
        confirmed = (
            await ApprovalRow.update({ApprovalRow.confirmed_on: on, ApprovalRow.wait_until: None, ApprovalRow.last_problem: ""})
            .where(ApprovalRow.id == approval, ApprovalRow.state == str(ApprovalState.SPENT))
            .returning(ApprovalRow.content_sha256)
        )
        if not confirmed:
            raise Conflict("This approval does not wait for a new date.", code="approval_state")
        sha256 = confirmed[0]["content_sha256"]
        await audit("day_confirmed", room="issuing", subject=str(approval), actor=actor, at=at, after=sha256, detail={"on": on.isoformat()})


async def sweep(now: datetime, runs: Runs) -> int:
    """Starts a run for every approval that is not done, is not held back, and whose last run is not under way."""
    rows = (
        await ApprovalRow.select(ApprovalRow.id, ApprovalRow.runs)
        .where(ApprovalRow.state != str(ApprovalState.DONE), ApprovalRow.wait_until.is_null() | (ApprovalRow.wait_until <= now))
        .order_by(ApprovalRow.approved_at, ApprovalRow.id)
        .limit(_AT_ONCE)
    )
    busy = await runs.under_way(JOB) if rows else frozenset()
    started = 0
    for row in rows:
        id, run = str(row["id"]), row["runs"]
        if run_key(JOB, id, run) in busy:
            continue
        if await runs.is_over(JOB, id, run):
            async with uow():
                await ApprovalRow.update({ApprovalRow.runs: run + 1}).where(ApprovalRow.id == row["id"], ApprovalRow.runs == run)
            run += 1
        await runs.enqueue(JOB, id, run)
        started += 1
    return started


async def announce(registry: Registry, at: datetime) -> int:
    """Tells the plugins what is due, and gives how much that was; one that fails is told again, later each time, and stops nobody.

    Each announcement is claimed first, so that of several workers one tells it; if that one dies, it is due again.
    """
    clock, told = asyncio.get_running_loop().time, 0
    begun = clock()
    rows = (
        await Announcement.select()
        .where(Announcement.told_at.is_null(), Announcement.tries < _MOST_TRIES, Announcement.due_at <= at)
        .order_by(Announcement.due_at, Announcement.made_at)
        .limit(100)
    )
    for row in rows:
        if not await _claimed(row["id"], at + timedelta(seconds=clock() - begun)):
            continue
        told += 1
        errors = await _told(registry, row["topic"], json.loads(row["payload"]))
        tries = row["tries"] + 1
        changed: dict[Any, Any] = {Announcement.tries: tries, Announcement.last_error: "; ".join(errors)[:500]}
        if errors:
            changed[Announcement.due_at] = at + timedelta(seconds=min(_LONGEST_S, 2**tries))
        else:
            changed[Announcement.told_at] = at
        async with uow():
            await Announcement.update(changed).where(Announcement.id == row["id"])
    return told


async def _claimed(id: UUID, now: datetime) -> bool:
    """Whether it is ours to tell: nobody else finds it due for longer than listening takes."""
    async with uow():
        ours = (
            await Announcement.update({Announcement.due_at: now + _CLAIM})
            .where(Announcement.id == id, Announcement.told_at.is_null(), Announcement.due_at <= now)
            .returning(Announcement.id)
        )
    return bool(ours)


async def _told(registry: Registry, topic: str, payload: dict[str, Any]) -> list[str]:
    """What went wrong. A plugin listens in a thread, so that a slow one holds nothing up but the announcements."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(_tell, registry, topic, payload), _LISTEN_S)
    except TimeoutError:
        return [f"a listener took longer than {_LISTEN_S} seconds"]


def _tell(registry: Registry, topic: str, payload: dict[str, Any]) -> list[str]:
    errors = []
    for plugin, listen in registry.listeners(topic):
        try:
            listen(**payload)
        except Exception as error:
            errors.append(f"{plugin}: {type(error).__name__}")
            _log.error("listener_failed", extra={"plugin": plugin, "topic": topic, "problem": type(error).__name__})
    return errors
