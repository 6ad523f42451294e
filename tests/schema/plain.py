"""Rows of the rooms of people and money that break nothing of their own."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from piccolo.columns import UUID, Date, ForeignKey, Timestamptz, Varchar

from tests.schema import breaks_of_money, breaks_of_people

__all__ = ["row_of"]

_AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
_GOOD = {**breaks_of_people.GOOD, **breaks_of_money.GOOD}


def row_of(table: Any, **told: Any) -> Any:
    """A row that breaks nothing of its own: what is good for its table, and where a value must be, one that no other row has."""
    values: dict[str, Any] = {}
    for column in table._meta.columns:
        name = column._meta.name
        if column._meta.null or name == "id":
            continue
        if isinstance(column, ForeignKey | UUID):
            values[name] = uuid4()
        elif isinstance(column, Varchar) and (column._meta.unique or name.endswith("_key")):
            values[name] = uuid4().hex[: column.length]
        elif isinstance(column, Timestamptz):
            values[name] = _AT
        elif isinstance(column, Date):
            values[name] = _AT.date()
    values |= {"id": uuid4()} | _GOOD.get(table._meta.tablename, {}) | told
    return table(**{name: value(values) if callable(value) else value for name, value in values.items()})
