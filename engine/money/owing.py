"""What filed applications still owe, and how the fee of an application stands: for lists, in a handful of queries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from engine.application import ApplicationState
from engine.filing.tables import ApplicationInvoice, ApplicationRow
from engine.money.orders.tables import OrderLineRow, OrderState
from engine.money.tables import CoverKind, CoverRow
from engine.scope import Scope
from engine.store import reading
from engine.store.scoped import covering

__all__ = ["FeeIs", "FeeStanding", "Owing", "fee_standings", "owing_of"]

_AT_ONCE = 400
_MOST_READ = 4000


class FeeIs(StrEnum):
    """How the fee of an application stands; OWED is for one that stands in no order that counts."""

    OWED = "owed"
    ORDERED = "ordered"
    PAID = "paid"
    SET_ASIDE = "set_aside"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class FeeStanding:
    """How a fee stands; `order` is the reference of the order that it stands in, or empty."""

    standing: FeeIs
    order: str = ""


@dataclass(frozen=True, slots=True)
class Owing:
    """A filed application whose fee stands in no order that counts and is covered by nothing; `invoices` are the numbers of its invoices,
    in capitals and without spaces."""

    id: UUID
    reference: str
    scheme: str
    kind: str
    agency_id: UUID
    office_id: UUID
    office: str
    exporter_id: UUID
    exporter: str
    filed_at: datetime
    invoices: tuple[str, ...] = ()


async def owing_of(scope: Scope, *, most: int = 200) -> Sequence[Owing]:
    """The filed applications that the scope covers and that owe their fee, the longest filed first; `most` of them."""
    columns = (
        *(ApplicationRow.id, ApplicationRow.reference, ApplicationRow.scheme, ApplicationRow.kind, ApplicationRow.filed_at),
        *(ApplicationRow.agency, ApplicationRow.office, ApplicationRow.exporter),
        ApplicationRow.office.name.as_alias("office_name"),
        ApplicationRow.exporter.name.as_alias("exporter_name"),
    )
    filed = ApplicationRow.select(*columns).where(
        ApplicationRow.state == str(ApplicationState.FILED), ApplicationRow.office.is_not_null(), ApplicationRow.filed_at.is_not_null()
    )
    found: list[Owing] = []
    async with reading():
        for offset in range(0, _MOST_READ, _AT_ONCE):
            query = covering(scope, filed, ApplicationRow).order_by(ApplicationRow.filed_at).order_by(ApplicationRow.id)
            rows = await query.limit(_AT_ONCE).offset(offset)
            standings = await _standings([row["id"] for row in rows])
            for row in rows:
                if row["id"] not in standings:
                    same = {name: row[name] for name in ("id", "reference", "scheme", "kind", "filed_at")}
                    whose = {"agency_id": row["agency"], "office_id": row["office"], "exporter_id": row["exporter"]}
                    found.append(Owing(**same, **whose, office=row["office_name"], exporter=row["exporter_name"]))
            if len(rows) < _AT_ONCE or len(found) >= most:
                break
        numbers = await _invoices([each.id for each in found[:most]])
    return [replace(each, invoices=tuple(numbers.get(each.id, ()))) for each in found[:most]]


async def _invoices(ids: Sequence[UUID]) -> dict[UUID, list[str]]:
    """The numbers of the invoices by application, in capitals."""
    numbers: dict[UUID, list[str]] = {}
    asked = ApplicationInvoice.select(ApplicationInvoice.application, ApplicationInvoice.number_key)
    for row in await asked.where(ApplicationInvoice.application.is_in(list(ids))).order_by(ApplicationInvoice.number_key) if ids else ():
        numbers.setdefault(row["application"], []).append(row["number_key"].upper())
    return numbers


async def fee_standings(scope: Scope, ids: Sequence[UUID]) -> dict[UUID, FeeStanding]:
    """How the fees of those applications stand that the scope covers and that are filed at an office; others are left out.

    A fee that was given back is owed by nobody and left out too, unless the application is filed still.
    """
    if not ids:
        return {}
    query = ApplicationRow.select(ApplicationRow.id, ApplicationRow.state)
    query = query.where(ApplicationRow.id.is_in(list(ids)), ApplicationRow.office.is_not_null())
    async with reading():
        rows = await covering(scope, query, ApplicationRow)
        found = await _standings([row["id"] for row in rows])
    owed = {row["id"]: FeeStanding(FeeIs.OWED) for row in rows if row["state"] == ApplicationState.FILED and row["id"] not in found}
    return found | owed


async def _standings(ids: Sequence[UUID]) -> dict[UUID, FeeStanding]:
    """Of those that a cover or a live order is there for."""
    if not ids:
        return {}
    keys = [str(id) for id in ids]
    lines = OrderLineRow.select(
        OrderLineRow.application, OrderLineRow.order.reference.as_alias("reference"), OrderLineRow.order.state.as_alias("state")
    )
    found = {
        row["application"]: FeeStanding(FeeIs.PAID if row["state"] == OrderState.PAID else FeeIs.ORDERED, row["reference"])
        for row in await lines.where(OrderLineRow.live_key.is_in(keys))
    }
    for row in await CoverRow.select(CoverRow.application, CoverRow.kind, CoverRow.state).where(CoverRow.live_key.is_in(keys)):
        if row["kind"] == CoverKind.WAIVER:
            found[row["application"]] = FeeStanding(FeeIs.WAIVED)
        elif row["kind"] == CoverKind.HOLD and row["state"] == "open" and row["application"] in found:
            found[row["application"]] = FeeStanding(FeeIs.SET_ASIDE, found[row["application"]].order)
    return found
