"""Every CHECK and UNIQUE of the rooms of people and of money refuses a row that breaks it, on both databases.

`BREAKS` holds rows for each CHECK; one without is told by name. A row needs no parents here: a rule of its own is looked at
before its foreign keys are. Two rows break each UNIQUE; those that hold the id besides are there for children to refer to, and
the primary key keeps them. The last test looks at what no row tells: a CHECK that comes to NULL lets a row pass.
"""

import itertools
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from piccolo.constraints import Check, Unique

from engine.errors import Conflict
from engine.schema import TABLES
from engine.store.engines import Engine
from tests.schema import breaks_of_money as money
from tests.schema import breaks_of_people as people
from tests.schema.plain import row_of

ROOMS = ("engine.people.", "engine.money.")
OURS = {table._meta.tablename: table for table in TABLES if table.__module__.startswith(ROOMS)}
BREAKS: Mapping[str, Sequence[Mapping[str, Any]]] = {name: [row] for name, row in people.BREAKS.items()} | dict(money.BREAKS)
WITH = {**people.WITH, **money.WITH}
# What a second row has otherwise, where several UNIQUEs of a table would refuse it.
ANOTHER: Mapping[str, Mapping[str, Any]] = {
    "ledger_seal": {"seq": 2},
    "payment_order_line": {"line": 2},
    "receipt": {"serial": 2, "number": "MU/2"},
}


def checks() -> dict[str, Any]:
    return {rule._meta.name: table for table in OURS.values() for rule in table._meta.constraints if isinstance(rule, Check)}


def uniques() -> dict[str, tuple[Any, tuple[str, ...]]]:
    """Every UNIQUE by its name, with its table and columns; one of a single column is named by table and column."""
    found: dict[str, tuple[Any, tuple[str, ...]]] = {}
    for name, table in OURS.items():
        for rule in table._meta.constraints:
            if isinstance(rule, Unique):
                columns = tuple(re.findall(r'"(\w+)"', rule.ddl))
                if "id" not in columns:
                    found[rule._meta.name] = table, columns
        found |= {f"{name}.{each._meta.name}": (table, (each._meta.name,)) for each in table._meta.columns if each._meta.unique}
    return found


async def refusal(table: Any, *rows: Any) -> str:
    """How the database names the rule that these rows break, or nothing if it takes them."""
    try:
        await table.insert(*rows)
    except Conflict as conflict:
        return conflict.say
    return ""


def test_every_check_has_a_row_that_breaks_it_and_every_row_its_check() -> None:
    assert set(checks()) == set(BREAKS)
    assert all(BREAKS.values())
    assert set(people.GOOD) | set(money.GOOD) <= set(OURS)
    assert set(WITH) <= set(uniques())
    assert len(uniques()) > 70


@pytest.fixture
async def built(built_database: Engine) -> Engine:
    return built_database


async def test_a_row_as_it_should_be_breaks_no_rule_of_its_own(built: Engine) -> None:
    """Otherwise the tests below would prove nothing: at most a parent is missing."""
    for name, table in OURS.items():
        say = await refusal(table, row_of(table))
        assert not say or "FOREIGN KEY" in say or "_fkey" in say or "_fk" in say or _composite(table, say), f"{name}: {say}"


def _composite(table: Any, say: str) -> bool:
    return any(f"({rule._meta.name})" in say for rule in table._meta.constraints if not isinstance(rule, Check | Unique))


async def test_every_check_refuses_its_row(built: Engine) -> None:
    wrong = {}
    for name, table in checks().items():
        for told in BREAKS[name]:
            say = await refusal(table, row_of(table, **told))
            if not re.search(rf"\b{name}\b", say):
                wrong[name] = f"{told}: {say}"
    assert wrong == {}


LIVE = {
    "stamp": ("office",),
    "appearance": ("officer",),
    "platform_user": ("account",),
    "administrator": ("account", "agency"),
    "officer_spell": ("officer",),
    "officer_office": ("officer", "office"),
    "exporter_user": ("exporter", "account"),
    "broker_grant": ("broker", "exporter"),
    "payment_activation": ("office",),
}


@pytest.mark.parametrize("name", LIVE)
async def test_a_live_key_is_what_the_row_is_about_and_nothing_else(built: Engine, name: str) -> None:
    """With any other key the UNIQUE beside it would hold nothing: two rows of one thing would live at once."""
    table, end = OURS[name], "ends_at" if name == "officer_spell" else "ended_at"
    good = row_of(table)
    about, own = ":".join(str(getattr(good, column)) for column in LIVE[name]), str(good.id)
    swapped = ":".join(reversed(about.split(":")))
    wrong = [{"live_key": key} for key in ("x", own, about[:-1], about.upper(), swapped) if key != about]
    wrong += [{end: "moment", "live_key": key} for key in ("x", about)]
    for told in wrong:
        when = getattr(good, "made_at", None) or getattr(good, "starts_at", None) or datetime(2026, 11, 21, 9, tzinfo=UTC)
        changed = {column: value for column, value in good.to_dict().items() if column != "live_key"} | told
        if end in told:
            changed[end] = when
        assert f"{name}_live_until_it_ends" in await refusal(table, table(**changed)), told


WHOSE = [
    table
    for table in TABLES
    if {"agency", "office"} <= {each._meta.name for each in table._meta.columns}
    and table._meta.tablename not in {"fee", "people_change", "registration_request"}  # of a whole agency, where no office is named
]


@pytest.mark.parametrize("table", WHOSE, ids=lambda table: str(table._meta.tablename))
async def test_a_row_is_of_an_agencys_office_or_of_nobodys(built: Engine, table: Any) -> None:
    """Of an agency without an office, or of an office without an agency, no scope would cover it, and its composite key holds nothing."""
    rules = [rule for rule in table._meta.constraints if isinstance(rule, Check)]
    nullable = [each._meta.name for each in table._meta.columns if each._meta.name in {"agency", "office"} and each._meta.null]
    for missing in nullable:
        row = row_of(table, agency=uuid4(), office=uuid4())
        setattr(row, missing, None)
        say = await refusal(table, row)
        named = [rule._meta.name for rule in rules if re.search(rf"\b{rule._meta.name}\b", say)]
        assert named, f"without {missing}: {say}"


async def test_every_unique_refuses_the_second_row(built: Engine) -> None:
    wrong = {}
    for name, (table, columns) in uniques().items():
        told = WITH.get(name, {})
        first = row_of(table, **told)
        another = {"version": 2} if hasattr(table, "version") else {}
        another |= ANOTHER.get(table._meta.tablename, {})
        second = row_of(table, **{**told, **another} | {column: getattr(first, column) for column in columns})
        say = await refusal(table, first, second)
        named = name.replace(".", "_")  # SQLite names the columns, PostgreSQL the rule
        spelt = ", ".join(f"{table._meta.tablename}.{column}" for column in columns)
        if named not in say and f"UNIQUE constraint failed: {spelt})" not in say:
            wrong[name] = say
    assert wrong == {}


def nulls_of(condition: str, columns: Mapping[str, bool]) -> list[dict[str, Any]]:
    """Rows for which this condition comes to NULL. `columns` are the table's, and whether each may be NULL.

    Each column that it names is tried as nothing, if it may be; as each word of the condition; and as something else.
    """
    words = sorted({"", *re.findall(r"'([^']*)'", condition)})
    named = set(re.findall(r"\w+", re.sub(r"'[^']*'", "", condition)))
    used = [name for name in columns if name in named]
    tried = [[None, "x"] if columns[name] else [*words, 1] for name in used]
    row = ", ".join(f'? AS "{name}"' for name in used)
    with closing(sqlite3.connect(":memory:")) as memory:
        return [
            dict(zip(used, values, strict=True))
            for values in itertools.product(*tried)
            if memory.execute(f"SELECT ({condition}) FROM (SELECT {row})", values).fetchone() == (None,)  # our own rules
        ]


def test_no_check_comes_to_null() -> None:
    """A CHECK that comes to NULL is passed: what it says of a column that is nothing must be yes or no."""
    found = {
        rule._meta.name: nulls_of(rule.get_condition_str(), {each._meta.name: each._meta.null for each in table._meta.columns})
        for table in TABLES
        for rule in table._meta.constraints
        if isinstance(rule, Check)
    }
    assert len(found) > 150
    assert {name: rows for name, rows in found.items() if rows} == {}


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("key = CASE state WHEN 'done' THEN act END IS TRUE", []),
        ("act = 'x'", [{"act": None}]),
        ("state <> 'done' OR act = key", [{"state": "done", "key": key, "act": None} for key in ("", "done", 1)]),
        ("state <> 'done' OR act IS NOT NULL", []),
    ],
)
def test_a_check_that_would_come_to_null_is_found(condition: str, rows: list[dict[str, Any]]) -> None:
    assert nulls_of(condition, {"state": False, "key": False, "act": True}) == rows
