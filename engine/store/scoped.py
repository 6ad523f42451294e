"""Narrows a query to what a `Scope` covers: the one place where a tenant's border is drawn."""

from typing import Any

from engine.scope import Scope, ScopeKind

__all__ = ["covering"]


def covering(scope: Scope, query: Any, table: Any, *, agency: str = "agency", office: str = "office", exporter: str = "exporter") -> Any:
    """The query with the scope's condition added. `agency`, `office` and `exporter` name the table's columns.

    A public scope covers no row here: what strangers may see is asked for by a code or a number, through the register.
    Neither does any scope cover a row that does not say whose it is.
    """
    agency_of, office_of, exporter_of = (getattr(table, name, None) for name in (agency, office, exporter))
    match scope.kind:
        case ScopeKind.PLATFORM:
            return query
        case ScopeKind.AGENCY if agency_of is not None:
            return query.where(agency_of == scope.agency_id)
        case ScopeKind.OFFICES if agency_of is not None and office_of is not None:
            return query.where(agency_of == scope.agency_id, office_of.is_in(_some(scope.office_ids)))
        case ScopeKind.EXPORTER | ScopeKind.BROKER if exporter_of is not None:
            return query.where(exporter_of.is_in(_some(scope.exporter_ids)))
        case _:
            return query.where(table.id.is_null())


def _some(ids: frozenset[Any]) -> list[Any]:
    """The ids as a list; an empty one becomes an id that no row has, since SQL has no empty IN."""
    return sorted(ids, key=str) or ["00000000-0000-0000-0000-000000000000"]
