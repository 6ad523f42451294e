"""What programs rely on: one JSON object, stable keys, exit codes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.certificate import check_character
from engine.cli.app import run
from engine.cli.output import exit_code
from engine.errors import (
    ConfigError,
    EngineError,
    OriginRefused,
    PluginError,
    Refused,
    SignerUnavailable,
    Unavailable,
    Unresolved,
    Untrusted,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("no"), 2),
        (OriginRefused("no"), 2),
        (Untrusted("no"), 2),
        (Unavailable("no"), 3),
        (SignerUnavailable("no"), 3),
        (Unresolved("no"), 4),
        (ConfigError("no"), 5),
        (PluginError("no"), 5),
        (EngineError("no"), 4),
        (ValueError("no"), 4),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_has_its_exit_code(error: BaseException, code: int) -> None:
    assert exit_code(error) == code


def test_an_issued_certificate_is_described_and_written_once(shell: Any, write: Any, example: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    ended = shell.ecoo("issue", write(example), "--out", str(out), "--json")
    done = ended.json
    assert ended.code == 0, ended
    assert list(done) == ["number", "sha256", "verify_url", "path", "state", "reference"]
    assert (done["state"], done["path"]) == ("issued", str(out))
    assert done["verify_url"] == done["verify_url"].lower()
    again = shell.ecoo("issue", done["reference"], "--json")
    assert again.json["sha256"] == done["sha256"], "a reference that is issued gives the same certificate"
    assert Path(again.json["path"]).name == done["number"].replace("/", "-") + ".pdf"
    assert Path(again.json["path"]).read_bytes() == out.read_bytes()
    taken = shell.ecoo("issue", done["reference"], "--out", str(out), "--json")
    assert taken.code == 2


def test_the_same_file_twice_issues_two_certificates_in_sequence(shell: Any, write: Any, example: dict[str, Any]) -> None:
    first, second = (shell.ecoo("issue", write(example), "--json") for _ in range(2))
    assert [ended.json["number"][-8:-1] for ended in (first, second)] == ["0000001", "0000002"]
    assert "Look at invoices[0].number" not in first.err
    told = next(line for line in second.err.splitlines() if line.startswith("Look at invoices[0].number"))
    assert first.json["number"] in told, "the officer learns that these goods are certified already"


def test_verify_answers_with_the_verdict_and_its_exit_code(shell: Any, write: Any, example: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    done = shell.ecoo("issue", write(example), "--out", str(out), "--json").json
    code = done["verify_url"].rpartition("/")[2]
    spelt = (done["number"], done["number"].replace("/", " ").lower(), done["verify_url"], done["verify_url"].upper(), code)
    for argument in (str(out), *spelt):
        ended = shell.ecoo("verify", argument, "--offline", "--json")
        assert (ended.code, ended.json["verdict"]) == (0, "genuine"), argument
        assert ended.json["certificate"]["number"] == done["number"]
        assert ended.json["certificate"]["demo"] is True
    out.write_bytes(out.read_bytes() + b"\n")
    for argument, verdict, reason in (
        (str(out), "altered", "other_bytes"),
        (f"EIA/2026/MUM/9999999{check_character('EIA', 2026, 'MUM', 9999999)}", "unknown", "not_in_register"),
        (done["number"][:-1] + ("A" if done["number"][-1] != "A" else "B"), "unknown", "check_character"),
        ("EIC/2024/001/0000000A/00000000", "legacy", "older_platform"),
        ("https://coo.example.org/v/" + done["verify_url"].rsplit("/", 1)[1], "unknown", "foreign_host"),
        ("http://127.0.0.1:8000/v/" + "a" * 27, "unknown", "not_in_register"),
        (write(b"nothing of ours", "garbage.bin"), "unknown", "not_a_certificate"),
        (write(b"", "empty.pdf"), "unknown", "empty"),
    ):
        ended = shell.ecoo("verify", argument, "--json")
        assert (ended.code, ended.json["verdict"], ended.json["reasons"][0]) == (1, verdict, reason), argument


@pytest.mark.parametrize("slip", ["certificat.pdf", "CERTIFICATE.PDF", "/nowhere/it", "./it", "../it"])
def test_a_slip_in_a_path_does_not_read_as_a_forgery(shell: Any, slip: str) -> None:
    ended = shell.ecoo("verify", slip, "--json")
    assert (ended.code, ended.json["error"]["code"]) == (2, "no_such_file")


def test_check_lists_everything_that_would_stop_a_file(shell: Any, write: Any, example: dict[str, Any]) -> None:
    assert shell.ecoo("check", write(example), "--json").json["ok"] is True
    example["destination"], example["currency"] = "DE", "ZZZ"
    ended = shell.ecoo("check", write(example), "--json")
    assert ended.code == 2
    assert {problem["box"] for problem in ended.json["problems"]} >= {"destination", "currency"}
    assert all(set(problem) == {"box", "rule", "say"} for problem in ended.json["problems"])


def test_check_without_a_file_says_what_the_site_has(shell: Any) -> None:
    ended = shell.ecoo("check", "--json")
    assert ended.code == 0, ended.out
    assert all(each["ok"] for each in ended.json["checks"])


def test_origin_shows_the_arithmetic_and_ends_well_with_any_finding(shell: Any, write: Any, example: dict[str, Any]) -> None:
    example["items"][2]["origin"]["inputs"][0]["value"] = "20999.00"
    del example["items"][2]["origin"]["costs"]
    ended = shell.ecoo("origin", write(example), "--json")
    assert (ended.code, ended.json["outcome"]) == (0, "fails")
    assert any("35" in step["working"] or "65" in step["working"] for step in ended.json["lines"][2]["steps"])


def test_a_site_that_is_not_there_is_a_config_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "X", "--json", "--config", str(tmp_path / "engine.toml")]) == 5
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "config"


def test_wrong_usage_is_refused_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["issue", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"
    assert run(["issue", "x", "--no-such-option", "--json"]) == 2
    assert run(["no-such-command", "--json"]) == 2


def test_an_unforeseen_error_says_nothing_but_a_reference(
    shell: Any, write: Any, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr("engine.cli.issuing.foresee", explode)
    ended = shell.ecoo("issue", write(example), "--json")
    assert ended.code == 4
    assert ended.json["error"]["reference"].startswith("ERR-")
    assert "secret words" not in ended.out + ended.err


def test_the_demo_is_refused_on_an_address_that_looks_real(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECOO_SITE__PUBLIC_URL", "https://coo.example.in")
    assert shell.ecoo("check", "--json").code == 5


def test_a_database_of_another_schema_stops_with_the_command_that_mends_it(shell: Any) -> None:
    import sqlite3

    with sqlite3.connect(shell.site.parent / "var" / "ecoo.db") as db:
        db.execute("UPDATE store_setting SET value = 'another' WHERE name = 'schema'")
    ended = shell.ecoo("verify", "EIA/2026/MUM/00000017", "--json")
    assert ended.code == 5
    assert "ecoo demo --fresh" in ended.json["error"]["say"]


def test_the_command_is_installed_and_prints_nothing_but_json(sites: Any, tmp_path: Path) -> None:
    site = sites.make(tmp_path / "site", "sqlite")
    ecoo = Path(sys.executable).parent / "ecoo"
    done = subprocess.run(
        [str(ecoo), "verify", "X", "--json", "--config", str(site)], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["verdict"] == "unknown"
