"""Makes the tables and triggers, and knows whether a database has the shape this program expects."""

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from engine.errors import ConfigError
from engine.store.engines import WalSQLite
from engine.store.tables import Setting
from engine.store.unit import database, uow

if TYPE_CHECKING:
    from engine.store.rows import Row

__all__ = ["build", "fingerprint", "require_current"]

_FINGERPRINT = "schema"


def _tables() -> Sequence[type["Row"]]:
    from engine.schema import TABLES

    return TABLES


def statements() -> list[str]:
    """All DDL of the bound database's kind, in order."""
    return list(_statements(isinstance(database(), WalSQLite)))


@cache
def _statements(sqlite: bool) -> tuple[str, ...]:
    from engine.schema import APPEND_ONLY

    made = [ddl for table in _tables() for ddl in table.create_table().ddl]
    names = [table._meta.tablename for table in APPEND_ONLY]
    return (*made, *(_sqlite_triggers(names) if sqlite else _postgres_triggers(names)))


def _sqlite_triggers(names: Sequence[str]) -> list[str]:
    return [
        f'CREATE TRIGGER "{name}_{act.lower()}_refused" BEFORE {act} ON "{name}" BEGIN SELECT RAISE(ABORT, \'{name} is append-only\'); END'
        for name in names
        for act in ("UPDATE", "DELETE")
    ]


def _postgres_triggers(names: Sequence[str]) -> list[str]:
    refuse = (
        "CREATE FUNCTION ecoo_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    rows = [
        f'CREATE TRIGGER "{name}_change_refused" BEFORE UPDATE OR DELETE ON "{name}" FOR EACH ROW EXECUTE FUNCTION ecoo_append_only()'
        for name in names
    ]
    whole = [
        f'CREATE TRIGGER "{name}_truncate_refused" BEFORE TRUNCATE ON "{name}" FOR EACH STATEMENT EXECUTE FUNCTION ecoo_append_only()'
        for name in names
    ]
    return [refuse, *rows, *whole]


def fingerprint() -> str:
    """SHA-256 of the DDL: another program version with another schema has another one."""
    return hashlib.sha256("\n".join(statements()).encode()).hexdigest()


async def build() -> None:
    """Makes everything in an empty database and remembers the fingerprint. One transaction."""
    async with uow():
        for statement in statements():
            await database().run_ddl(statement)
        await Setting.insert(Setting(name=_FINGERPRINT, value=fingerprint()))


async def require_current() -> None:
    """Raises ConfigError, with the command that mends it, if the database has another schema or none."""
    if not await Setting.table_exists():
        raise ConfigError("The database is empty. Run: ecoo migrate", code="schema_missing")
    row = await Setting.select(Setting.value).where(Setting.name == _FINGERPRINT).first()
    if row is None or row["value"] != fingerprint():
        raise ConfigError(
            "The database was made by another version of ecoo with another schema. "
            "For a demonstration site run: ecoo demo --fresh. Otherwise restore the matching version and run: ecoo migrate",
            code="schema_other",
        )
