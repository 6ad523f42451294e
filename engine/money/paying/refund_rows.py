"""The row of a refund: found under a scope, added before anybody is asked, moved by compare-and-swap."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.errors import Conflict, NotFound
from engine.money.orders.nouns import new_reference
from engine.money.orders.tables import RefundRow, RefundState, RefundTo, RefundWhy
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.paging import newest_first
from engine.store.scoped import covering

__all__ = [
    "ASKED",
    "Refund",
    "add_refund",
    "claim_due_refunds",
    "hold_refund",
    "move_refund",
    "next_question",
    "note_refund",
    "refund_by_id",
    "refund_by_reference",
    "refunds_of",
    "refunds_of_order",
]

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# From one question to the next: banks take days to give money back, so it is asked for half a month.
ASKED = (*(n * _MINUTE for n in (1, 3, 10, 30)), *(n * _HOUR for n in (1, 3, 6, 12)), *(_DAY for _ in range(14)))
_CLAIM = timedelta(minutes=3)  # longer than any question takes
_MOST = 200


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that goes back. `by_hand` says that the office moved it itself; `version` counts its changes."""

    id: UUID
    reference: str
    agency_id: UUID
    office_id: UUID
    exporter_id: UUID
    order_id: UUID
    attempt_id: UUID | None
    line_id: UUID | None
    why: RefundWhy
    back_to: RefundTo
    amount_paise: int
    state: RefundState
    gateway_refund_id: str
    code: str
    say: str = field(repr=False)
    reason: str = field(repr=False)
    asked_by: str
    asked_at: datetime
    changed_at: datetime
    queries: int
    query_due_at: datetime | None
    by_hand: bool
    version: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Refund":
        """The refund of a row."""
        same = ("id", "reference", "amount_paise", "gateway_refund_id", "code", "say", "reason", "asked_by", "asked_at", "changed_at")
        return cls(
            **{name: row[name] for name in (*same, "queries", "query_due_at", "by_hand", "version")},
            agency_id=row["agency"],
            office_id=row["office"],
            exporter_id=row["exporter"],
            order_id=row["order"],
            attempt_id=row["attempt"],
            line_id=row["order_line"],
            why=RefundWhy(row["why"]),
            back_to=RefundTo(row["back_to"]),
            state=RefundState(row["state"]),
        )

    @property
    def waits_for_hands(self) -> bool:
        """Whether it is the office's turn: the gateway does not do it, refused it, or nobody knows and asking is over."""
        return (
            (self.state is RefundState.REQUESTED and self.back_to is RefundTo.BY_HAND)
            or (self.state is RefundState.FAILED and self.why is not RefundWhy.TOP_UP)
            or (self.state in (RefundState.UNKNOWN, RefundState.PENDING) and self.query_due_at is None)
        )


async def refund_by_id(scope: Scope, id: UUID) -> Refund:
    """One refund. Raises NotFound for one that the scope does not cover."""
    return _only(await covering(scope, RefundRow.select().where(RefundRow.id == id), RefundRow))


async def refund_by_reference(scope: Scope, reference: str) -> Refund:
    """The refund of that reference. Raises NotFound for one that the scope does not cover."""
    return _only(await covering(scope, RefundRow.select().where(RefundRow.reference == reference.strip().upper()), RefundRow))


async def refunds_of_order(scope: Scope, order_id: UUID) -> Sequence[Refund]:
    """The refunds of an order, the first one first."""
    query = covering(scope, RefundRow.select().where(RefundRow.order == order_id), RefundRow)
    return [Refund.of(row) for row in await query.order_by(RefundRow.asked_at).order_by(RefundRow.id)]


async def refunds_of(
    scope: Scope,
    *,
    office_id: UUID | None = None,
    states: Sequence[RefundState] = (),
    before: datetime | None = None,
    behind: UUID | None = None,
    most: int = 50,
) -> Sequence[Refund]:
    """Refunds, the newest first; those asked for before that moment, where one is given, and of that moment those behind the refund of
    the id `behind`."""
    query = covering(scope, RefundRow.select(), RefundRow)
    if office_id is not None:
        query = query.where(RefundRow.office == office_id)
    if states:
        query = query.where(RefundRow.state.is_in([str(state) for state in states]))
    query = newest_first(query, RefundRow.asked_at, RefundRow.id, before=before, behind=behind)
    return [Refund.of(row) for row in await query.limit(min(max(most, 1), _MOST))]


async def add_refund(
    owner: Mapping[str, Any],
    *,
    order_id: UUID,
    attempt_id: UUID | None,
    line_id: UUID | None,
    why: RefundWhy,
    back_to: RefundTo,
    amount_paise: int,
    reason: str,
    actor: str,
    at: datetime,
) -> Refund:
    """Writes a new refund in the caller's unit of work, due at once if a gateway is to be asked. `owner` are the order's columns."""
    row = RefundRow(
        **owner,
        reference=new_reference(),
        order=order_id,
        attempt=attempt_id,
        order_line=line_id,
        why=str(why),
        back_to=str(back_to),
        amount_paise=amount_paise,
        state=str(RefundState.REQUESTED),
        reason=reason,
        asked_by=actor,
        asked_at=at,
        changed_at=at,
        query_due_at=at if back_to is RefundTo.SOURCE else None,
    )
    await RefundRow.insert(row)
    return Refund.of(row.to_dict())


async def hold_refund(id: UUID) -> Refund:
    """The refund as it stands; so it stays until the caller's unit of work ends."""
    held = RefundRow.update({RefundRow.version: RefundRow.version}).where(RefundRow.id == id)
    [row] = await held.returning(*RefundRow.all_columns())
    return Refund.of(row)


async def move_refund(refund: Refund, to: RefundState, *, at: datetime, due: datetime | None = None, **changes: Any) -> Refund:
    """Moves a refund, as it was read, in the caller's unit of work; `due` is when it is looked at next, `changes` are further columns.

    Raises Conflict (`refund_version`) if it changed since.
    """
    told = {RefundRow.state: str(to), RefundRow.changed_at: at, RefundRow.query_due_at: due, RefundRow.version: refund.version + 1}
    told |= {getattr(RefundRow, name): value for name, value in changes.items()}
    mine = (RefundRow.id == refund.id, RefundRow.version == refund.version)
    rows = await RefundRow.update(told).where(*mine).returning(*RefundRow.all_columns())
    if not rows:
        raise Conflict("This refund was changed meanwhile; load it again.", code="refund_version", reference=refund.reference)
    return Refund.of(rows[0])


async def claim_due_refunds(states: Sequence[RefundState], at: datetime, most: int) -> Sequence[Refund]:
    """Refunds that are due, the longest due first; of several workers one gets each, for as long as asking takes."""
    due = (RefundRow.query_due_at <= at, RefundRow.state.is_in([str(state) for state in states]))
    claimed = []
    for row in await RefundRow.select(RefundRow.id, RefundRow.query_due_at).where(*due).order_by(RefundRow.query_due_at).limit(most):
        async with uow():
            mine = (RefundRow.id == row["id"], RefundRow.query_due_at == row["query_due_at"])
            got = await RefundRow.update({RefundRow.query_due_at: at + _CLAIM}).where(*mine).returning(*RefundRow.all_columns())
        claimed += [Refund.of(each) for each in got]
    return claimed


async def note_refund(act: str, refund: Refund, actor: str, at: datetime, **more: object) -> None:
    """The audit's entry of a refund's step."""
    told = {"amount_paise": refund.amount_paise, "why": str(refund.why), "back_to": str(refund.back_to), **more}
    await audit(
        act, room="money", subject=refund.reference, actor=actor, at=at, agency=refund.agency_id, office=refund.office_id, detail=told
    )


def next_question(refund: Refund, at: datetime) -> datetime | None:
    """When to ask again after the question that is asked now; None after the last. A few percent late, by the reference."""
    if refund.queries >= len(ASKED):
        return None
    digest = hashlib.sha256(f"{refund.reference}/{refund.queries}".encode()).digest()
    return at + ASKED[refund.queries] * (1 + int.from_bytes(digest[:2], "big") / 65536 / 10)


def _only(rows: Sequence[Mapping[str, Any]]) -> Refund:
    if not rows:
        raise NotFound("There is no such refund.", code="refund", box="reference", rule="known reference")
    return Refund.of(rows[0])
