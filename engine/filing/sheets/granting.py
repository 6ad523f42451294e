"""Grants: whom the exporter of a cost sheet lets cite it. Who cites learns the verdict, and never a figure."""

import re
from dataclasses import dataclass
from datetime import datetime

from engine.clock import ist_day
from engine.errors import NotFound, Refused
from engine.filing.reading.text import shown
from engine.filing.sheets.desk import require_owner
from engine.filing.sheets.rows import Kept, find
from engine.filing.tables import CostSheetGrant
from engine.people import exporter_by_id
from engine.scope import PLATFORM, Scope
from engine.store import audit, uow

__all__ = ["Grant", "end_grant", "grant", "grants_of"]

# The PAN of the firm, or the 10 digits of an older code. Whether the IEC is here yet is not said: a grant may come first.
_IEC = re.compile(r"([0-9]{10}|[A-Z]{5}[0-9]{4}[A-Z])\Z")


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to cite a sheet, for the exporter under that IEC; ended ones stay on record."""

    iec: str
    made_at: datetime
    ended_at: datetime | None


async def grant(scope: Scope, reference: str, iec: str, *, actor: str, at: datetime) -> list[Grant]:
    """Lets the exporter under that IEC cite the sheet, and gives all its grants; one that stands already stays as it is."""
    kept = await _own(scope, reference, at)
    if not _IEC.match(iec):
        say = f"iec must be the firm's PAN (5 letters, 4 digits, 1 letter, in capitals) or an older code of 10 digits; it is {shown(iec)}."
        raise Refused(say, box="iec", rule="IEC shape")
    owner = await exporter_by_id(PLATFORM, kept.exporter_id)
    if owner is not None and owner.iec == iec:
        raise Refused(f"{iec} is the sheet's own exporter, who may cite it anyway.", box="iec", rule="another exporter")
    row = CostSheetGrant(cost_sheet=kept.id, exporter=kept.exporter_id, iec=iec, live_key=_live_key(kept, iec), made_by=actor, made_at=at)
    async with uow():
        made = (
            await CostSheetGrant.insert(row).on_conflict(target=CostSheetGrant.live_key, action="DO NOTHING").returning(CostSheetGrant.id)
        )
        if made:
            await _note("granted", kept, str(row.id), actor, at)
    return await grants_of(scope, reference, at=at)


async def end_grant(scope: Scope, reference: str, iec: str, *, actor: str, at: datetime) -> list[Grant]:
    """Takes the leave back, and gives all grants of the sheet. Raises NotFound if there is none that stands."""
    kept = await _own(scope, reference, at)
    async with uow():
        live = await CostSheetGrant.select(CostSheetGrant.id).where(CostSheetGrant.live_key == _live_key(kept, iec)).first()
        if live is None:
            raise NotFound(f"{shown(iec)} has no leave to cite the cost sheet {kept.reference}.", box="iec", rule="grant that stands")
        changed = {CostSheetGrant.live_key: str(live["id"]), CostSheetGrant.ended_by: actor, CostSheetGrant.ended_at: at}
        await CostSheetGrant.update(changed).where(CostSheetGrant.id == live["id"], CostSheetGrant.ended_at.is_null())
        await _note("grant_ended", kept, str(live["id"]), actor, at)
    return await grants_of(scope, reference, at=at)


async def grants_of(scope: Scope, reference: str, *, at: datetime) -> list[Grant]:
    """Every grant of a sheet, the first one first, as its exporter and its agency see them."""
    kept = await find(scope, reference, on=ist_day(at))
    rows = await CostSheetGrant.select().where(CostSheetGrant.cost_sheet == kept.id).order_by(CostSheetGrant.made_at)
    return [Grant(row["iec"], row["made_at"], row["ended_at"]) for row in rows]


async def _own(scope: Scope, reference: str, at: datetime) -> Kept:
    require_owner(scope)
    return await find(scope, reference, on=ist_day(at))


def _live_key(kept: Kept, iec: str) -> str:
    return f"{kept.id}:{iec}"


async def _note(act: str, kept: Kept, grant: str, actor: str, at: datetime) -> None:
    await audit(f"cost_sheet_{act}", room="filing", subject=kept.reference, actor=actor, at=at, detail={"grant": grant})
