"""Applications in short, for a list that a person looks through: their rows without their content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine.application import ApplicationState
from engine.filing.tables import ApplicationRow
from engine.scope import Scope
from engine.store import reading
from engine.store.scoped import covering

__all__ = ["ApplicationHere", "applications_of"]

_MOST = 200


@dataclass(frozen=True, slots=True)
class ApplicationHere:
    """An application in short. `office` is empty where the exporter certifies their own; `filed_at` is None for a draft."""

    id: UUID
    reference: str
    state: ApplicationState
    scheme: str
    kind: str
    office: str
    exporter: str
    made_at: datetime
    filed_at: datetime | None


async def applications_of(scope: Scope, *, limit: int = 20, offset: int = 0) -> tuple[Sequence[ApplicationHere], int]:
    """The applications that the scope covers, newest first, and how many there are in all."""
    columns = (
        *(ApplicationRow.id, ApplicationRow.reference, ApplicationRow.state, ApplicationRow.scheme, ApplicationRow.kind),
        *(ApplicationRow.made_at, ApplicationRow.filed_at),
        ApplicationRow.office.name.as_alias("office_name"),
        ApplicationRow.exporter.name.as_alias("exporter_name"),
    )
    newest = ApplicationRow.select(*columns).order_by(ApplicationRow.made_at, ApplicationRow.id, ascending=False)
    async with reading():
        rows = await covering(scope, newest.limit(min(limit, _MOST)).offset(offset), ApplicationRow)
        count = await covering(scope, ApplicationRow.count(), ApplicationRow)
    return [_here(row) for row in rows], int(count)


def _here(row: dict[str, Any]) -> ApplicationHere:
    return ApplicationHere(
        id=row["id"],
        reference=row["reference"],
        state=ApplicationState(row["state"]),
        scheme=row["scheme"],
        kind=row["kind"],
        office=row["office_name"] or "",
        exporter=row["exporter_name"],
        made_at=row["made_at"],
        filed_at=row["filed_at"],
    )
