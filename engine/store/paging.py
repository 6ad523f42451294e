"""Reading a list on, the newest first: behind a row, by its moment and, among rows of one moment, by its id."""

from datetime import datetime
from typing import Any
from uuid import UUID

__all__ = ["newest_first"]


def newest_first(query: Any, moment: Any, id: Any, *, before: datetime | None, behind: UUID | None = None) -> Any:
    """The query with its order: by that moment, the latest first, then by id; none is left out or comes twice between two pages.

    Where `before` is given it begins behind it: at rows of an earlier moment, and, if `behind` names the row where the page before
    ended, with the other rows of that moment.
    """
    if before is not None:
        query = query.where(moment < before if behind is None else (moment < before) | ((moment == before) & (id > behind)))
    return query.order_by(moment, ascending=False).order_by(id)
