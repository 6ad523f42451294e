"""The queue in front of the corridor: starts runs, looks after those that stopped, tells the plugins what happened."""

import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.certificate import CertificateState
from engine.issuing.tables import ApprovalRow, ApprovalState
from engine.proof import Standing, by_approval
from engine.registry import Registry
from engine.store import uow
from engine.store.tables import Announcement

__all__ = ["JOB", "Outcome", "announce", "outcome", "start_again", "sweep"]

JOB = "issue"
_log = logging.getLogger(__name__)
_MOST_TRIES = 10


class Outcome:
    """Where an approval got to: the certificate or None, whether it is over, and what keeps it if it is not."""

    def __init__(self, standing: Standing | None, state: ApprovalState, problem: str) -> None:
        self.standing = standing
        self.over = state is ApprovalState.DONE
        self.problem = problem

    @property
    def issued(self) -> bool:
        """Whether the certificate is out."""
        return self.standing is not None and self.standing.state is CertificateState.ISSUED


async def outcome(approval: UUID) -> Outcome:
    """Where an approval stands now."""
    row = await ApprovalRow.select(ApprovalRow.state, ApprovalRow.last_problem).where(ApprovalRow.id == approval).first()
    state = ApprovalState(row["state"]) if row else ApprovalState.DONE
    return Outcome(await by_approval(approval), state, row["last_problem"] if row else "")


async def start_again(approval: UUID) -> None:
    """A person says: try now. Does nothing to a run that is under way."""
    async with uow():
        await ApprovalRow.update({ApprovalRow.wait_until: None}).where(
            ApprovalRow.id == approval, ApprovalRow.state != str(ApprovalState.DONE)
        )


async def sweep(
    now: datetime, *, is_over: Callable[[str, UUID, int], Awaitable[bool]], enqueue: Callable[[str, UUID, int], Awaitable[object]]
) -> int:
    """Starts a run for every approval that is not done, is not held back, and whose last run is not under way."""
    rows = (
        await ApprovalRow.select(ApprovalRow.id, ApprovalRow.runs, ApprovalRow.wait_until)
        .where(ApprovalRow.state != str(ApprovalState.DONE))
        .limit(500)
    )
    started = 0
    for row in rows:
        if row["wait_until"] is not None and row["wait_until"] > now:
            continue
        run = row["runs"]
        if await is_over(JOB, row["id"], run):
            async with uow():
                await ApprovalRow.update({ApprovalRow.runs: run + 1}).where(ApprovalRow.id == row["id"], ApprovalRow.runs == run)
            run += 1
        await enqueue(JOB, row["id"], run)
        started += 1
    return started


async def announce(registry: Registry, at: datetime) -> int:
    """Tells the plugins what was announced and not yet told; a plugin that fails is told again later, and stops nobody."""
    rows = (
        await Announcement.select()
        .where(Announcement.told_at.is_null(), Announcement.tries < _MOST_TRIES)
        .order_by(Announcement.made_at)
        .limit(100)
    )
    for row in rows:
        errors = _tell(registry, row["topic"], json.loads(row["payload"]))
        changed: dict[Any, Any] = {Announcement.tries: row["tries"] + 1, Announcement.last_error: "; ".join(errors)[:500]}
        if not errors:
            changed[Announcement.told_at] = at
        async with uow():
            await Announcement.update(changed).where(Announcement.id == row["id"])
    return len(rows)


def _tell(registry: Registry, topic: str, payload: dict[str, Any]) -> list[str]:
    errors = []
    for plugin, listen in registry.listeners(topic):
        try:
            listen(**payload)
        except Exception as error:
            errors.append(f"{plugin}: {type(error).__name__}")
            _log.error("listener_failed", extra={"plugin": plugin, "topic": topic, "problem": type(error).__name__})
    return errors
