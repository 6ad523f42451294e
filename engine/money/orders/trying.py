"""The row of a try: added before anybody is asked, moved by compare-and-swap, and asked about on a schedule of five days.

Who decides where a try goes is `paying`; here it is written, each step beside its reason, and never by any other function.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.contracts.paying import GatewayEvent
from engine.errors import Conflict
from engine.money.orders.nouns import Attempt, Order, new_reference
from engine.money.orders.tables import AttemptRow, AttemptState, Disposition, MoveRow
from engine.store import uow

__all__ = [
    "ABANDONED_AFTER",
    "ASKED",
    "Step",
    "add_attempt",
    "ask_soon",
    "claim_due",
    "doubt_attempt",
    "due_after",
    "hold_attempt",
    "move_attempt",
    "note_asked",
    "note_gateway_order",
    "settle_doubt",
]

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# After the try began: minutes, then hours, then days until the fifth.
ASKED = (
    *(number * _MINUTE for number in (1, 3, 10, 30)),
    *(number * _HOUR for number in (1, 3, 6, 12, 24)),
    *(number * _DAY for number in (2, 3, 4, 5)),
)
ABANDONED_AFTER = ASKED[-1]
_ASKABLE = (AttemptState.CREATED, AttemptState.STARTED, AttemptState.PENDING)
_CLAIM = timedelta(minutes=3)  # longer than any question takes


@dataclass(frozen=True, slots=True)
class Step:
    """Where a try goes and why. `event` is the gateway's statement, if one moves it, and `inbox` the row that it lies in."""

    to: AttemptState
    because: str
    actor: str
    at: datetime
    disposition: Disposition = Disposition.NONE
    inbox: UUID | None = None
    event: GatewayEvent | None = None


async def add_attempt(order: Order, *, gateway: str, parameters: UUID, token_sha256: str, actor: str, at: datetime) -> Attempt:
    """Writes a new try in the caller's unit of work: from the moment of its commit on the gateway may have been asked."""
    reference = new_reference()
    row = AttemptRow(
        order=order.id,
        **order.owner,
        reference=reference,
        token_sha256=token_sha256,
        gateway=gateway,
        parameters=parameters,
        amount_paise=order.amount_paise,
        state=str(AttemptState.CREATED),
        made_by=actor,
        made_at=at,
        changed_at=at,
        query_due_at=due_after(reference, at, 0),
    )
    row.applied_key = str(row.id)
    await AttemptRow.insert(row)
    created = Attempt.of(row.to_dict())
    return await move_attempt(created, Step(AttemptState.STARTED, "it begins", actor, at))


async def hold_attempt(id: UUID) -> Attempt:
    """The try as it stands; so it stays until the caller's unit of work ends."""
    held = AttemptRow.update({AttemptRow.version: AttemptRow.version}).where(AttemptRow.id == id)
    [row] = await held.returning(*AttemptRow.all_columns())
    return Attempt.of(row)


async def move_attempt(attempt: Attempt, step: Step) -> Attempt:
    """Moves a try, as it was read, in the caller's unit of work. Raises Conflict (`attempt_version`) if it changed since."""
    moved = await _compared(attempt, _changed(attempt, step))
    await _add_move(attempt, step)
    return moved


async def doubt_attempt(attempt: Attempt, at: datetime) -> Attempt:
    """Notes on a successful try that a person must look at it, in the caller's unit of work."""
    changed: dict[Any, Any] = {AttemptRow.doubted_at: at, AttemptRow.version: attempt.version + 1}
    return await _compared(attempt, changed)


async def settle_doubt(attempt: Attempt, because: str, *, actor: str, at: datetime) -> Attempt:
    """Notes what a person found about a doubted try, as a step that leads nowhere, in the caller's unit of work."""
    changed: dict[Any, Any] = {AttemptRow.doubted_at: None, AttemptRow.version: attempt.version + 1, AttemptRow.changed_at: at}
    settled = await _compared(attempt, changed)
    await _add_move(attempt, Step(attempt.state, because, actor, at))
    return settled


async def _compared(attempt: Attempt, changed: dict[Any, Any]) -> Attempt:
    """The try with these changes. Raises Conflict (`attempt_version`) if it changed since it was read."""
    mine = (AttemptRow.id == attempt.id, AttemptRow.version == attempt.version)
    rows = await AttemptRow.update(changed).where(*mine).returning(*AttemptRow.all_columns())
    if not rows:
        raise Conflict("This try to pay was changed meanwhile.", code="attempt_version")
    return Attempt.of(rows[0])


async def _add_move(attempt: Attempt, step: Step) -> None:
    await MoveRow.insert(
        MoveRow(
            attempt=attempt.id,
            agency=attempt.agency_id,
            office=attempt.office_id,
            step=attempt.version + 1,
            state_before=str(attempt.state),
            state_after=str(step.to),
            inbox=step.inbox,
            actor=step.actor,
            because=step.because[:300],
            moved_at=step.at,
        )
    )


def _changed(attempt: Attempt, step: Step) -> dict[Any, Any]:
    changed: dict[Any, Any] = {
        AttemptRow.state: str(step.to),
        AttemptRow.version: attempt.version + 1,
        AttemptRow.changed_at: step.at,
        AttemptRow.disposition: str(step.disposition),
    }
    if step.to is AttemptState.SUCCEEDED:
        changed[AttemptRow.succeeded_at] = step.at
    if step.disposition is Disposition.APPLIED:
        changed[AttemptRow.applied_key] = str(attempt.order_id)
    if step.to not in _ASKABLE:
        changed[AttemptRow.query_due_at] = None
    elif attempt.query_due_at is None:  # a person let it out of REVIEW, so that the gateway has the word
        changed[AttemptRow.query_due_at] = step.at
    if step.event is not None:
        event = step.event
        changed |= {AttemptRow.code: event.code, AttemptRow.say: event.say}
        if event.gateway_txn_id:
            changed[AttemptRow.gateway_txn_id] = event.gateway_txn_id
        if event.gateway_order_id:
            changed[AttemptRow.gateway_order_id] = event.gateway_order_id
    return changed


async def note_gateway_order(attempt: Attempt, gateway_order_id: str) -> None:
    """Keeps the gateway's own id of the order, whatever became of the try meanwhile: a notice may be quicker than the answer."""
    if gateway_order_id:
        async with uow():
            mine = (AttemptRow.id == attempt.id, AttemptRow.gateway_order_id == "")
            await AttemptRow.update({AttemptRow.gateway_order_id: gateway_order_id}).where(*mine)


# --- asking ---------------------------------------------------------------------------------------


def due_after(reference: str, began: datetime, asked: int) -> datetime | None:
    """When to ask for the time after `asked` questions; None after the last. A few percent late, by the reference, so that tries
    that began together are not asked about together."""
    if asked >= len(ASKED):
        return None
    digest = hashlib.sha256(f"{reference}/{asked}".encode()).digest()
    return began + ASKED[asked] * (1 + int.from_bytes(digest[:2], "big") / 65536 / 10)


async def claim_due(at: datetime, most: int) -> Sequence[Attempt]:
    """Tries that are due to be asked about, the longest due first; of several workers one gets each, for as long as asking takes."""
    due = (AttemptRow.query_due_at <= at, AttemptRow.state.is_in([str(state) for state in _ASKABLE]))
    claimed = []
    rows = await AttemptRow.select(AttemptRow.id, AttemptRow.query_due_at).where(*due).order_by(AttemptRow.query_due_at).limit(most)
    for row in rows:
        async with uow():
            mine = (AttemptRow.id == row["id"], AttemptRow.query_due_at == row["query_due_at"])
            got = await AttemptRow.update({AttemptRow.query_due_at: at + _CLAIM}).where(*mine).returning(*AttemptRow.all_columns())
        claimed += [Attempt.of(each) for each in got]
    return claimed


async def note_asked(id: UUID, at: datetime) -> bool:
    """Sets when a try that is still under way is asked about next, from the schedule; True if the schedule is over."""
    async with uow():
        attempt = await hold_attempt(id)
        if attempt.state not in _ASKABLE:
            return False
        asked = sum(due <= at for index in range(len(ASKED)) if (due := due_after(attempt.reference, attempt.made_at, index)) is not None)
        due = due_after(attempt.reference, attempt.made_at, asked)
        told: dict[Any, Any] = {AttemptRow.queries: attempt.queries + 1, AttemptRow.query_due_at: due}
        await AttemptRow.update(told).where(AttemptRow.id == id)
        return due is None


async def ask_soon(attempt: Attempt, at: datetime) -> None:
    """Lets a try that is under way be asked about at the next round instead of later."""
    sooner = (AttemptRow.id == attempt.id, AttemptRow.query_due_at > at)
    async with uow():
        await AttemptRow.update({AttemptRow.query_due_at: at}).where(*sooner)
