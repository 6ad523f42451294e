"""One run of the corridor for one approval: what a step sees, and what happens to a step that fails.

Promises that a step never raises: what keeps a run is written into the approval's row, with the moment of the next try, and
the next try is a run of its own. What only a person can mend waits until a person says so.
"""

import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from engine.clock import Clock
from engine.errors import Conflict, EngineError, Refused, SignerUnavailable, TooMany
from engine.issuing.frozen import Frozen
from engine.issuing.tables import ApprovalRow, ApprovalState
from engine.jobs import StepOutcome
from engine.proof import Standing, by_approval
from engine.store import uow

__all__ = ["ACTOR", "NEVER", "Again", "Ended", "Run", "guarded"]

ACTOR = "corridor"
NEVER = timedelta(days=3650)
_LONGEST_S = 900
_DEVICE_S = 60  # a device comes back when a person plugs it in; asking whether it did costs next to nothing
_log = logging.getLogger(__name__)


class Ended(Exception):
    """The approval is over; this run stops."""


class Again(Exception):
    """Something outside moved on (the day); start over at once."""


@dataclass(slots=True)
class Run:
    """One step's look at the rows."""

    row: dict[str, Any]
    frozen: Frozen
    standing: Standing | None

    @classmethod
    async def load(cls, approval: UUID) -> "Run":
        """The approval, its frozen input and its certificate, if it has one. Raises Conflict if it is gone."""
        row = await ApprovalRow.select().where(ApprovalRow.id == approval).first()
        if row is None:
            raise Conflict("The approval is not there any more.", code="approval_gone")
        return cls(dict(row), msgspec.json.decode(row["frozen"], type=Frozen), await by_approval(approval))

    @property
    def certificate(self) -> Standing:
        """The certificate, which the number step made."""
        if self.standing is None:
            raise Conflict("The approval has no number yet.", code="not_numbered")
        return self.standing


Act = Callable[[Run], Awaitable[None]]


def guarded(name: str, act: Act, clock: Clock) -> Callable[[str], Coroutine[Any, Any, StepOutcome]]:
    """The act as a step that never raises: it tells whether the next one may follow."""

    async def step(id: str) -> StepOutcome:
        try:
            return await _one(name, act, UUID(id), clock)
        except Exception as error:  # the rows cannot even be read or written: the sweep starts another run
            _log.error("run_lost", extra={"step": name, "approval": id, "problem": _code(error)})
            await _hold_unread(UUID(id), clock.now() + timedelta(seconds=_LONGEST_S), error)
            return StepOutcome.STOP

    return step


async def _one(name: str, act: Act, approval: UUID, clock: Clock) -> StepOutcome:
    run = await Run.load(approval)
    if run.row["state"] == ApprovalState.DONE:
        return StepOutcome.STOP
    try:
        await act(run)
    except Ended:
        return StepOutcome.STOP
    except Again:
        await _hold(run, clock.now(), "")
        return StepOutcome.STOP
    except Exception as error:
        _log.warning(
            "step_held",
            extra={"step": name, "approval": str(approval), "problem": _code(error), "number": run.standing.number if run.standing else ""},
        )
        await _hold(run, clock.now() + _patience(error, run.row["runs"]), _sentence(error))
        return StepOutcome.STOP
    return StepOutcome.NEXT


async def _hold_unread(approval: UUID, until: datetime, error: Exception) -> None:
    """Holds back an approval whose rows could not be read, so that it is not tried every second; the database may be gone too."""
    changed: dict[Any, Any] = {ApprovalRow.wait_until: until, ApprovalRow.last_problem: _sentence(error)[:500]}
    with contextlib.suppress(Exception):
        async with uow():
            await ApprovalRow.update(changed).where(ApprovalRow.id == approval)


async def _hold(run: Run, until: datetime, problem: str) -> None:
    """Writes down what keeps it, and when the next run may come; a new run gets a new name."""
    changed: dict[Any, Any] = {
        ApprovalRow.wait_until: until,
        ApprovalRow.last_problem: problem[:500],
        ApprovalRow.runs: run.row["runs"] + 1,
    }
    async with uow():
        await ApprovalRow.update(changed).where(ApprovalRow.id == run.row["id"], ApprovalRow.runs == run.row["runs"])


def _patience(error: Exception, runs: int) -> timedelta:
    """How long to wait: longer each time; for what only a person can mend, until they start it again."""
    if isinstance(error, Refused) and not isinstance(error, Conflict | TooMany):
        return NEVER
    longest = _DEVICE_S if isinstance(error, SignerUnavailable) else _LONGEST_S
    return timedelta(seconds=min(longest, 2 ** min(runs, 10)))


def _sentence(error: Exception) -> str:
    if isinstance(error, EngineError):
        return error.say
    return f"An unforeseen failure ({type(error).__name__}); it is tried again."


def _code(error: Exception) -> str:
    return str(getattr(error, "code", type(error).__name__))
