"""Covers: the proof that the fee of an application is taken care of, by a paid order, by a wallet's hold, or by a waiver.

An application has one live cover, whoever brings a second one, and once it has it, it is announced as filed.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.application import IssuerKind
from engine.errors import Refused
from engine.filing import Draft
from engine.money.orders.closing import cancel_within
from engine.money.orders.finding import live_line, order_by_id
from engine.money.orders.nouns import OrderLine
from engine.money.tables import CoverKind, CoverRow, CoverState
from engine.scope import PLATFORM
from engine.store import audit, uow
from engine.store.tables import Announcement

__all__ = ["Cover", "cover_line", "cover_of", "waive"]


@dataclass(frozen=True, slots=True)
class Cover:
    """The proof that the fee is taken care of."""

    id: UUID
    kind: CoverKind
    state: CoverState


async def cover_of(draft: Draft) -> Cover | None:
    """The live cover of an application, or None."""
    row = await CoverRow.select().where(CoverRow.live_key == str(draft.id)).first()
    return Cover(row["id"], CoverKind(row["kind"]), CoverState(row["state"])) if row else None


async def waive(draft: Draft, *, by: str, reason: str, at: datetime) -> Cover:
    """Covers an application by a named person's waiver; the cover it has already stays.

    An order that is open for its fee is cancelled: money that comes for it all the same is owed back.
    """
    if not by or not reason:
        raise Refused("A waiver needs a named person and a reason.", box="cover", rule="waiver named")
    async with uow():
        if present := await cover_of(draft):
            return present
        if (line := await live_line(draft.id)) is not None:
            await cancel_within(await order_by_id(PLATFORM, line.order_id), actor=by, at=at)
        row = CoverRow(
            application=draft.id,
            issuer_kind=str(IssuerKind.AGENCY if draft.agency_id else IssuerKind.SELF),
            **draft.owner,
            kind=str(CoverKind.WAIVER),
            waived_by=by,
            reason=reason,
            live_key=str(draft.id),
            made_at=at,
        )
        await CoverRow.insert(row)
        await _announce_filed(draft.reference, draft.application.scheme, at)
        await audit("fee_waived", room="money", subject=draft.reference, actor=by, at=at, agency=draft.agency_id, office=draft.office_id)
    return Cover(UUID(str(row.id)), CoverKind.WAIVER, CoverState.OPEN)


async def cover_line(line: OrderLine, *, hold: UUID | None = None, at: datetime) -> None:
    """Covers the application of a line whose order is paid, in the caller's unit of work; `hold` is the journal that set its fee aside.

    A cover that it has already, such as a waiver, stays.
    """
    if await CoverRow.exists().where(CoverRow.live_key == str(line.application_id)):
        return
    row = CoverRow(
        application=line.application_id,
        issuer_kind=str(IssuerKind.AGENCY),
        agency=line.agency_id,
        office=line.office_id,
        exporter=line.exporter_id,
        kind=str(CoverKind.ORDER if hold is None else CoverKind.HOLD),
        order_line=line.id,
        hold=hold,
        amount_paise=line.amount_paise,
        live_key=str(line.application_id),
        made_at=at,
    )
    await CoverRow.insert(row)
    await _announce_filed(line.reference, line.scheme, at)


async def _announce_filed(reference: str, scheme: str, at: datetime) -> None:
    payload = json.dumps({"reference": reference, "scheme": scheme})
    await Announcement.insert(Announcement(topic="coo_application_filed", payload=payload, made_at=at, due_at=at))
