"""`ecoo check FILE`: all that would stop it and all that deserves a second look, with a site and without one."""

from pathlib import Path
from typing import Any

import pytest

from engine import config as configuration
from engine.certificate import DEFAULT_PATTERN, format_number
from engine.cli.app import run

NOBODYS = format_number(DEFAULT_PATTERN, agency="EIA", year=2026, office="MUM", serial=99, scheme="AIFTA")


def places(found: list[dict[str, Any]]) -> list[tuple[str | None, str | None]]:
    return [(each["box"], each["rule"]) for each in found]


def test_the_register_is_asked_and_nothing_is_changed(shell: Any, write: Any, example: dict[str, Any]) -> None:
    before = shell.rows()
    ended = shell.ecoo("check", write(example), "--json")
    assert (ended.code, ended.json["ok"], ended.json["register_asked"]) == (0, True, True)
    example |= {"office": "DEL", "destination": "US"}
    ended = shell.ecoo("check", write(example), "--json")
    assert (ended.code, ended.json["ok"]) == (2, False)
    assert places(ended.json["problems"]) == [("destination", "partners of the scheme"), ("office", "office of the agency")]
    example |= {"office": "MUM", "destination": "VN", "kind": "in-lieu", "replaces": NOBODYS}
    problems = shell.ecoo("check", write(example), "--json").json["problems"]
    assert places(problems) == [("replaces", "in-lieu at the agency that issued the first")]
    assert shell.rows() == before


def test_goods_that_have_a_certificate_are_named(shell: Any, write: Any, example: dict[str, Any], tmp_path: Path) -> None:
    done = shell.ecoo("issue", write(example), "--out", str(tmp_path / "c.pdf"), "--json").json
    ended = shell.ecoo("check", write(example), "--json")
    twice = [each for each in ended.json["warnings"] if each["rule"] == "goods certified once"]
    assert ended.code == 0
    assert [each["box"] for each in twice] == ["invoices[0].number", "invoices[1].number"]
    assert all(done["reference"] in each["say"] and done["number"] in each["say"] for each in twice)
    plain = shell.ecoo("check", write(example)).out
    assert "can be filed." in plain
    assert f"look at invoices[0].number: {twice[0]['say']}" in plain


def test_faults_of_texts_and_all_others_are_said_at_once_and_once(shell: Any, write: Any, example: dict[str, Any]) -> None:
    example["consignee"]["name"] = "A\u202eB"
    example["destination"] = "US"
    found = places(shell.ecoo("check", write(example), "--json").json["problems"])
    assert found.count(("consignee.name", "no bidi control characters")) == 1
    assert ("destination", "partners of the scheme") in found


def test_a_file_of_no_shape_is_refused_without_asking_anybody(shell: Any, write: Any) -> None:
    ended = shell.ecoo("check", write(b"{}"), "--json")
    assert (ended.code, ended.json["register_asked"]) == (2, False)
    assert ("schema", "required") in places(ended.json["problems"])


@pytest.mark.parametrize("site", ["none", "without a database", "with an empty one"])
def test_without_a_register_it_checks_what_needs_none_and_makes_none(
    site: str, write: Any, example: dict[str, Any], tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ECOO_CONFIG", raising=False)
    path = write(example | {"office": "DEL"})  # nobody is there to know better
    if site != "none":
        (tmp_path / "engine.toml").write_text("[site]\ndemo = true\n", encoding="utf-8")
        database = Path(configuration.load(tmp_path / "engine.toml").database.url.removeprefix("sqlite:///"))
        if site == "with an empty one":
            database.parent.mkdir(parents=True)
            database.touch()
    assert run(["check", path]) == 0
    said = capsys.readouterr().out
    assert "can be filed." in said
    assert "No register was asked" in said
    assert "not confirmed" in said
    if site == "without a database":
        assert not database.exists()


def test_a_database_of_another_version_is_the_sites_fault(shell: Any, write: Any, example: dict[str, Any]) -> None:
    import sqlite3

    with sqlite3.connect(shell.site.parent / "var" / "ecoo.db") as db:
        db.execute("UPDATE store_setting SET value = 'another' WHERE name = 'schema'")
    ended = shell.ecoo("check", write(example), "--json")
    assert (ended.code, ended.json["error"]["code"]) == (5, "schema_other")
