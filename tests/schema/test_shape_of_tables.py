"""Rules that every table keeps, whoever adds the next one."""

import inspect

import pytest
from piccolo.columns import ForeignKey, Numeric, OnDelete, Varchar
from piccolo.columns import Text as LongText

from engine.schema import APPEND_ONLY, TABLES
from engine.store.rows import rows_in_order


def of_ours(rows) -> set[str]:
    return {row._meta.tablename for row in rows if row.__module__.startswith("engine.")}


def test_every_table_is_in_the_list() -> None:
    assert of_ours(rows_in_order()) == {table._meta.tablename for table in TABLES}


def test_every_table_comes_after_those_it_refers_to() -> None:
    seen: set[str] = set()
    for table in TABLES:
        seen.add(table._meta.tablename)
        for key in table._meta.foreign_key_columns:
            assert key._foreign_key_meta.resolved_references._meta.tablename in seen, f"{table._meta.tablename}.{key._meta.name}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table._meta.tablename)
def test_a_foreign_key_never_deletes_and_no_number_is_inexact(table) -> None:
    for column in table._meta.columns:
        name = f"{table._meta.tablename}.{column._meta.name}"
        if isinstance(column, ForeignKey):
            assert column._foreign_key_meta.on_delete is OnDelete.restrict, name
        assert not isinstance(column, Numeric), name
        assert column.value_type is not float, name
        if isinstance(column, Varchar):
            assert column.length, name
        elif column.value_type is str:
            assert isinstance(column, LongText), name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table._meta.tablename)
def test_a_column_is_named_for_what_it_holds(table) -> None:
    from piccolo.columns import Date, Timestamp, Timestamptz

    for column in table._meta.columns:
        name = f"{table._meta.tablename}.{column._meta.name}"
        assert not isinstance(column, Timestamp) or isinstance(column, Timestamptz), f"{name} has no zone"
        if isinstance(column, Timestamptz):
            assert name.endswith(("_at", ".at", "until", "delete_after")), name
        if isinstance(column, Date):
            assert name.endswith("_on"), name
        if name.endswith("_paise"):
            assert column.value_type is int, name


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table._meta.tablename)
def test_a_child_repeats_whose_it_is(table) -> None:
    columns = {column._meta.name for column in table._meta.columns}
    if any(isinstance(column, ForeignKey) and column._meta.name == "office" for column in table._meta.columns):
        assert "agency" in columns, "an office without its agency"
        ties = [constraint.ddl for constraint in table._meta.constraints]
        assert any('("agency", "office") REFERENCES "office"' in tie or '("exporter", "' in tie for tie in ties), ties


def test_every_table_says_what_a_row_is() -> None:
    assert [table.__name__ for table in TABLES if not inspect.getdoc(table)] == []


def test_what_must_not_change_is_append_only() -> None:
    assert {table._meta.tablename for table in APPEND_ONLY} >= {"audit_entry", "audit_seal", "certificate_file", "certificate_event"}
