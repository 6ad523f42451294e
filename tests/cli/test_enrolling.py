"""`ecoo enrol` on a demonstration site: one X.509 certificate serves one signatory, and a renewal takes over."""

import fcntl
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine import demo
from plugins.signers.key_file.demo import make_demo_keys

KEYS = Path("var") / "signers" / "key_file" / "keys"


@pytest.fixture
def enrol(shell):
    return lambda key, *more: shell.ecoo("enrol", demo.OFFICER, "--signer", "key_file", "--key", key, *more)


@pytest.fixture
def renewed(shell, tmp_path):
    """Another key of the officer, from an authority that the site trusts too."""
    root = make_demo_keys(tmp_path / "new", [("renewed", "Asha Deshmukh", "Export Inspection Agency")], datetime.now(UTC))
    for path in (tmp_path / "new").glob("renewed.*"):
        path.rename(shell.site.parent / KEYS / path.name)
    text = shell.site.read_text()
    shell.site.write_text(text.replace('demo-root.pem"', f'demo-root.pem", "{root}"'))
    return "renewed"


def test_a_certificate_that_serves_already_is_refused_with_whom_it_serves(enrol, shell):
    before = shell.rows()
    for key, name in (("officer", "Asha Deshmukh"), ("exporter", "Vikram Rao")):
        ended = enrol(key)
        assert ended.code == 2, ended
        assert re.search(rf"is enrolled already, for {name} since \d{{4}}-\d\d-\d\d", ended.err)
        assert "UNIQUE" not in ended.err
    assert shell.rows() == before


def test_a_renewed_certificate_is_enrolled_beside_the_old_one_and_signs(enrol, renewed, shell, write, example):
    assert enrol(renewed).code == 0
    assert shell.ecoo("issue", write(example), "--json").json["state"] == "issued"
    with sqlite3.connect(shell.site.parent / "var" / "ecoo.db") as db:
        (key,) = db.execute("SELECT e.key FROM signing_job j JOIN enrolment e ON e.id = j.signatory").fetchone()
    assert key == renewed


def test_enrolling_needs_nobody_to_stop_who_works_on_the_site(enrol, renewed, shell):
    with (shell.site.parent / "var" / "lock").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        ended = enrol(renewed)
    assert ended.code == 0, ended
    assert "Enrolled for" in ended.err


def test_an_ended_certificate_signs_no_more_and_may_be_enrolled_again(enrol, shell, write, example):
    ended = shell.ecoo("enrol", demo.OFFICER, "--end", "lost")
    assert ended.code == 0
    assert "Ended for" in ended.err
    refused = shell.ecoo("issue", write(example), "--json")
    assert (refused.code, refused.json["error"]["rule"]) == (2, "officer ready")
    assert shell.ecoo("enrol", demo.OFFICER, "--end", "lost").code == 2
    assert enrol("officer").code == 0
    assert shell.ecoo("issue", write(example), "--json").code == 0


def test_enrolling_needs_a_signer_and_a_key(shell):
    ended = shell.ecoo("enrol", demo.OFFICER)
    assert ended.code == 2
    assert "--signer SIGNER --key KEY" in ended.err
