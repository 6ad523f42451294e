"""Filling a database with rows that the program writes, straight and fast: the base of the crowd, its papers and its takings."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from engine.people.access import RoleKind

__all__ = ["Crowd", "Filling", "Sizes", "shared"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of each there are."""

    agencies: int = 125
    offices: int = 1_000
    officers: int = 1_000
    exporters: int = 100_000
    entries: int = 100_000
    orders: int = 20_000


@dataclass(slots=True)
class Crowd:
    """Who the pages are asked as, ids that their addresses may need, by the table they are of, the persons' own first, and for a
    page that no id alone opens the addresses to try. `files` are what its rows say lies in the file store."""

    accounts: dict[RoleKind, UUID] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    files: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Filling:
    """One filling of a database."""

    database: sqlite3.Connection
    sizes: Sizes
    at: datetime
    crowd: Crowd = field(default_factory=Crowd)

    def put(self, table: Any, rows: Iterable[Mapping[str, Any]]) -> list[UUID]:
        """Inserts rows with the table's own defaults for what they leave out, and gives their ids."""
        made, each, ids = 0, iter(rows), list[UUID]()
        while batch := list(islice(each, 2000)):
            plain = {column._meta.name: getattr(table(**batch[0]), column._meta.name) for column in table._meta.columns}
            full = [{**plain, "id": uuid4(), **row} for row in batch]
            names, marks = ", ".join(f'"{name}"' for name in plain), ", ".join("?" for _ in plain)
            statement = f'INSERT INTO "{table._meta.tablename}" ({names}) VALUES ({marks})'  # noqa: S608  # our own columns
            self.database.executemany(statement, [tuple(row[name] for name in plain) for row in full])
            ids += [row["id"] for row in full]
            made += len(batch)
        self.crowd.ids.setdefault(table._meta.tablename, []).extend(map(str, ids[:5]))
        return ids


def shared(owners: Sequence[UUID], count: int, *, busy: float) -> Iterator[UUID]:
    """So many things shared out: the first owner has its part of them, the others the rest in turn."""
    first = count if len(owners) == 1 else max(1, round(count * busy))
    yield from [owners[0]] * first
    for index in range(count - first):
        yield owners[1 + index % (len(owners) - 1)]
