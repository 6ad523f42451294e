"""The base of every table, and what piccolo 1.38 does not say by itself.

* On SQLite constraints are written inside CREATE TABLE (piccolo emits ALTER TABLE, which SQLite refuses).
* SQLite ignores the length of a Varchar: a CHECK enforces it.
* Composite foreign keys tie a row to the agency and office that its parent has.
* A foreign key restricts: piccolo's default deletes the children of a deleted row.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, cast
from uuid import uuid4

from piccolo.apps.migrations.tables import Migration
from piccolo.columns import UUID as UuidColumn
from piccolo.columns import ForeignKey, OnDelete, Varchar
from piccolo.constraints import Check, Constraint
from piccolo.query.methods.alter import AddConstraint
from piccolo.query.methods.create import Create
from piccolo.table import Table

__all__ = ["CompositeForeignKey", "Row", "bind", "bound_to", "one_of", "refers", "rows_in_order", "text"]

_ROWS: list[type["Row"]] = []


class Row(Table):
    """A table of ours: keyed by a UUID that we make, known to `rows_in_order`."""

    id = UuidColumn(primary_key=True, default=uuid4)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for constraint in cls._meta.constraints:  # PostgreSQL wants a name that no other table uses
            constraint._meta.name = f"{cls._meta.tablename}_{constraint._meta.name}"
        _ROWS.append(cls)


def rows_in_order() -> Sequence[type[Row]]:
    """Every table that was imported, parents before children."""
    from piccolo.table import sort_table_classes

    tables: list[type[Table]] = list(_ROWS)
    return cast("list[type[Row]]", sort_table_classes(tables))


def bound_to() -> Any:
    """The database that the tables point at; asked by every unit of work, so it sorts nothing."""
    return _ROWS[0]._meta.db


def bind(engine: Any) -> None:
    """Points every table at this database."""
    tables: list[type[Table]] = [*_ROWS, Migration]
    for row in tables:
        row._meta._db = engine


def refers(table: Any, *, null: bool = False, index: bool = True) -> Any:
    """A foreign key that restricts."""
    return ForeignKey(table, null=null, default=None, on_delete=OnDelete.restrict, index=index)


def text(length: int, *, null: bool = False, unique: bool = False, index: bool = False, default: str | None = "") -> Any:
    """A text of at most `length` characters, enforced on both databases."""
    return Varchar(length=length, null=null, unique=unique, index=index, default=None if null else default)


def one_of(column: str, words: type[StrEnum]) -> Check:
    """A CHECK that the column holds one of the enumeration's words."""
    return Check(f"{column} IN ({', '.join(repr(str(word)) for word in words)})")


class CompositeForeignKey(Constraint):
    """FOREIGN KEY over several columns: a child cannot name its parent's id with another agency or office."""

    def __init__(self, columns: Sequence[Any], table: Any, target: Sequence[str], name: str | None = None) -> None:
        super().__init__(name=name)
        self.columns = columns
        self.table = table
        self.target = target

    @property
    def ddl(self) -> str:
        own = ", ".join(f'"{column if isinstance(column, str) else column._meta.db_column_name}"' for column in self.columns)
        their = ", ".join(f'"{name}"' for name in self.target)
        table = self.table if isinstance(self.table, str) else self.table._meta.tablename
        return f'FOREIGN KEY ({own}) REFERENCES "{table}" ({their}) ON DELETE RESTRICT'

    def _table_str(self) -> str:
        return f"CompositeForeignKey({self.ddl!r})"

    def serialise_self(self) -> str:
        return self._table_str()


def _sqlite_ddl(self: Create) -> Sequence[str]:
    head, *rest = self.default_ddl
    rest = [statement for statement in rest if not statement.startswith("ALTER TABLE")]
    inside = [AddConstraint(constraint=constraint).ddl.removeprefix("ADD ") for constraint in self.table._meta.constraints]
    inside += [
        f'CONSTRAINT "{self.table._meta.tablename}_{name}_length" CHECK (length("{name}") <= {column.length})'
        for column in self.table._meta.columns
        if isinstance(column, Varchar) and column.length and (name := column._meta.db_column_name)
    ]
    if inside:
        head = f"{head[:-1]}, {', '.join(inside)})"
    return [head, *rest]


type.__setattr__(Create, "sqlite_ddl", property(_sqlite_ddl))  # piccolo looks an engine's own DDL up by this name
