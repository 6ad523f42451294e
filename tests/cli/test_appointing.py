"""`ecoo appoint` on a demonstration site: nobody is appointed who is not told, and nobody twice."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest


def rows(shell: Any, what: str) -> list[Any]:
    with sqlite3.connect(Path(shell.site).parent / "var" / "ecoo.db") as database:
        return database.execute(what).fetchall()


@pytest.mark.parametrize("words", [("desk",), ("administrator", "EIA")])
def test_a_person_is_appointed_and_mailed_a_link(shell: Any, words: tuple[str, ...]) -> None:
    ended = shell.ecoo("appoint", *words, " New.Person@EIA.example.in", "New Person")
    assert ended.code == 0, ended.err
    [(id, hash)] = rows(shell, "SELECT id, password_hash FROM account WHERE email = 'new.person@eia.example.in'")
    assert hash == ""
    assert rows(shell, f"SELECT purpose, about FROM letter WHERE about = '{id}'") == [("invited", id)]
    table = "platform_user" if words == ("desk",) else "administrator"
    assert rows(shell, f"SELECT count(*) FROM {table} WHERE account = '{id}' AND ended_at IS NULL") == [(1,)]
    again = shell.ecoo("appoint", *words, "new.person@eia.example.in", "New Person")
    assert (again.code, "already" in again.err) == (2, True)
    assert rows(shell, f"SELECT count(*) FROM letter WHERE about = '{id}'") == [(1,)]


@pytest.mark.parametrize("words", [("desk", "not an address", "X"), ("administrator", "XYZ", "x@eia.example.in", "X")])
def test_what_cannot_be_appointed_leaves_nothing_behind(shell: Any, words: tuple[str, ...]) -> None:
    counted = "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM letter)"
    before = rows(shell, counted)
    ended = shell.ecoo("appoint", *words)
    assert (ended.code, rows(shell, counted)) == (2, before)
