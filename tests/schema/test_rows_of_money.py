"""What ties the rows of money to each other, and what keeps the written ones as they are, on both databases.

A row with parents of its own firm, office, order and application is taken; with one parent of another, each time only that one,
it is refused by the rule that says so. What is append-only is written, and then nobody changes or removes it.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from piccolo.table import Table

from engine.errors import Conflict
from engine.money.gateways.tables import ConnectionTestRow, OverrideRow, ParametersRow
from engine.money.ledger.tables import JournalRow, JournalSeal, TransferRow
from engine.money.orders.tables import InboxRow, MoveRow
from engine.money.receipts.tables import ReceiptRow
from engine.money.settling.tables import SettlementFileRow
from engine.schema import APPEND_ONLY, TABLES
from engine.store import uow
from engine.store.engines import Engine, PooledPostgres
from engine.store.rows import CompositeForeignKey
from tests.schema.planted import Garden, Ground, new_agency, new_exporter, new_office, plant

WRITTEN = (
    JournalRow,
    TransferRow,
    JournalSeal,
    InboxRow,
    MoveRow,
    ReceiptRow,
    SettlementFileRow,
    ParametersRow,
    ConnectionTestRow,
    OverrideRow,
)
OURS = tuple(table for table in TABLES if table.__module__.startswith("engine.money."))
# Of which garden a parent is that differs in this column alone. An order, an application or a try has the same firm and office.
DIFFERS = {"office": "office", "exporter": "firm", "order": "order", "application": "order", "attempt": "order"}
# What of a garden is named where it has two of a kind.
NAMED = {"payment_order_line.application": "spare", "ledger_transfer.credit": "credit"}
# What a row says so that the parent in question is tied by that rule alone.
ALONE: Mapping[str, Mapping[str, Any]] = {
    "ledger_journal_reversed_here": {"kind": "reversal"},
    "ledger_transfer_resolved_here": {"phase": "void"},
    "payment_move_of_attempt": {"inbox": None},
    "payment_refund_of_order": {"attempt": None, "order_line": None},
    "cover_of_exporter": {"kind": "waiver", "waived_by": "test", "order_line": None, "hold": None},
}


class Undone(Exception):
    """Takes back what was written."""


def ties() -> dict[str, tuple[type[Table], CompositeForeignKey]]:
    """Every composite key of money's tables by its name."""
    return {rule._meta.name: (table, rule) for table in OURS for rule in table._meta.constraints if isinstance(rule, CompositeForeignKey)}


@pytest.fixture
async def gardens(built_database: Engine) -> dict[str, Garden]:
    """One `here`, and others that differ from it in one thing: the office, the firm, or the order and its application alone."""
    async with uow():
        agency = await new_agency()
        here = Ground(agency, await new_office(agency, "MUM"), await new_exporter())
        office = Ground(agency, await new_office(agency, "DEL"), here.exporter)
        firm = Ground(agency, here.office, await new_exporter())
        return {"here": await plant(here), "office": await plant(office), "firm": await plant(firm), "order": await plant(here)}


async def refused(row: Any) -> str:
    """How the database names the rule that refuses the row, or nothing if it is taken. Nothing stays."""
    try:
        with suppress(Undone):
            async with uow():
                await type(row).insert(row)
                raise Undone
    except Conflict as conflict:
        return conflict.say
    return ""


def said_by(database: Engine, name: str, say: str) -> bool:
    """Whether that rule refused it. SQLite names no foreign key."""
    return re.search(rf"\b{name}\b", say) is not None if isinstance(database, PooledPostgres) else "FOREIGN KEY constraint failed" in say


def test_the_list_of_what_is_written_is_whole() -> None:
    assert {table._meta.tablename for table in APPEND_ONLY if table in OURS} == {table._meta.tablename for table in WRITTEN}
    assert len(ties()) > 45
    assert set(ALONE) <= set(ties())


async def test_a_row_names_no_parent_of_another_office_firm_order_or_application(
    empty_database: Engine, gardens: dict[str, Garden]
) -> None:
    here, wrong = gardens["here"], {}
    for name, (table, rule) in ties().items():
        *scopes, column = rule.columns
        if column == "office":
            continue
        for scope in scopes:
            told = {column: parent(here, table, rule)} | ALONE.get(name, {})
            if say := await refused(here.row(table, **told)):
                wrong[f"{name}, its own"] = say
            by_name = scope == "gateway"  # every garden has the same one
            other = {"gateway": "another"} if by_name else {column: parent(gardens[DIFFERS[scope]], table, rule)}
            say = await refused(here.row(table, **told | other))
            if not said_by(empty_database, name, say):
                wrong[f"{name}, another {scope}'s"] = say
    assert wrong == {}


def parent(garden: Garden, table: Any, rule: CompositeForeignKey) -> UUID:
    """The row of the garden that the key would name."""
    return garden.ids[NAMED.get(f"{table._meta.tablename}.{rule.columns[-1]}", rule.table)]


async def test_an_office_is_that_of_its_agency(empty_database: Engine, gardens: dict[str, Garden]) -> None:
    here, other, wrong, seen = gardens["here"], await new_agency(), {}, 0
    for name, (table, rule) in ties().items():
        if rule.columns == ["agency", "office"]:
            seen += 1
            say = await refused(here.row(table, agency=other))
            if not said_by(empty_database, name, say):
                wrong[name] = say
    assert wrong == {}
    assert seen > 20


async def test_a_cover_names_one_line_of_its_own_application(empty_database: Engine, gardens: dict[str, Garden]) -> None:
    """Also where it has no office, and so no key that would look."""
    here, other = gardens["here"], gardens["order"]
    cover = next(table for table in OURS if table._meta.tablename == "cover")
    without = {"issuer_kind": "self", "agency": None, "office": None}
    assert "cover_self_is_waived" in await refused(here.row(cover, **without))
    assert "cover_self_is_waived" in await refused(here.row(cover, **without, order_line=other.ids["payment_order_line"]))
    assert await refused(here.row(cover)) == ""


def acts_on(database: Engine, name: str, columns: Sequence[str], id: UUID) -> list[str]:
    """Statements that would change or remove rows of the table, or this one."""
    whole = [f'UPDATE "{name}" SET "{column}" = "{column}"' for column in columns] + [f'DELETE FROM "{name}"']
    one = [f"{act} WHERE id = '{id}'" for act in whole]
    if isinstance(database, PooledPostgres):
        again = f'INSERT INTO "{name}" SELECT * FROM "{name}" ON CONFLICT (id) DO UPDATE SET id = EXCLUDED.id'
        return [*whole, *one, again, f'TRUNCATE "{name}" CASCADE']
    return [*whole, *one, f'INSERT OR REPLACE INTO "{name}" SELECT * FROM "{name}"', f'UPDATE OR REPLACE "{name}" SET id = id']


async def test_what_is_written_is_neither_changed_nor_removed(empty_database: Engine, gardens: dict[str, Garden]) -> None:
    wrong = {}
    for table in WRITTEN:
        id = await gardens["here"].add(table)
        name, before = table._meta.tablename, await table.select()
        assert id in {row["id"] for row in before}
        by_trigger = "IntegrityConstraintViolationError" if isinstance(empty_database, PooledPostgres) else f"({name} is append-only)"
        for act in acts_on(empty_database, name, [each._meta.name for each in table._meta.columns], id):
            say = ""
            try:
                async with uow():
                    await table.raw(act)
            except Conflict as conflict:
                say = conflict.say
            if by_trigger not in say:
                wrong[act] = say
        assert await table.select() == before
    assert wrong == {}
