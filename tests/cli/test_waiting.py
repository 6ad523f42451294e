"""What a person is told while something waits for them, and that each way named is one that works."""

import fcntl
import json
import re
from pathlib import Path

import pytest

from engine.cli.app import run
from engine.cli.hints import naming_site
from engine.errors import Refused, SignerUnavailable
from engine.site import Site
from plugins.signers.key_file.signer import KeyFile

MODULE = "/usr/lib/softhsm/libsofthsm2.so"


def test_commands_in_a_sentence_name_the_site_that_was_named():
    say = "Start `ecoo serve`, then `ecoo token unlock`; not `make run`, nor `ecoo check --config x`."
    assert naming_site(say, None) == say
    assert naming_site(say, Path("a b/engine.toml")) == (
        "Start `ecoo serve --config 'a b/engine.toml'`, then `ecoo token unlock --config 'a b/engine.toml'`; "
        "not `make run`, nor `ecoo check --config x`."
    )


@pytest.fixture
def held(monkeypatch):
    """A signer whose device is locked until it was asked so many times."""
    asked = []

    def until(times):
        async def ready(self, signatory):
            asked.append(1)
            if len(asked) < times:
                raise SignerUnavailable("The token is locked. Unlock it with `ecoo token unlock`.")

        monkeypatch.setattr(KeyFile, "ready", ready)

    return until


def test_what_waits_for_a_signatory_says_both_ways_to_go_on(shell, write, example, held):
    held(10**6)
    ended = shell.ecoo("issue", write(example))
    assert ended.code == 0
    site = f"--config {shell.site}"
    for words in (f"`ecoo token unlock {site}`", f"`ecoo serve {site}`", "--wait 300"):
        assert words in ended.out, ended.out


def test_issue_stays_until_the_signatory_is_ready(shell, write, example, held):
    held(3)
    ended = shell.ecoo("issue", write(example), "--wait", "60", "--json")
    assert (ended.code, ended.json["state"]) == (0, "issued")
    assert "The token is locked" in ended.err


def test_issue_stays_no_longer_than_it_was_told(shell, write, example, held):
    held(10**6)
    ended = shell.ecoo("issue", write(example), "--wait", "0.5", "--json")
    assert (ended.code, ended.json["state"]) == (0, "waiting")


def test_issue_does_not_stay_for_what_nobody_may_wait_for(shell, write, example, monkeypatch):
    async def refuse(self, signatory):
        raise Refused("The X.509 certificate enrolled for Asha Deshmukh is not on this token.", code="not_enrolled")

    looked = []
    wait_for = Site.wait_for

    async def counted(self, approval, **how):
        looked.append(how)
        assert len(looked) < 5, "it looks again and again for what only a person can start"
        return await wait_for(self, approval, **how)

    with monkeypatch.context() as patched:
        patched.setattr(KeyFile, "ready", refuse)
        patched.setattr(Site, "wait_for", counted)
        ended = shell.ecoo("issue", write(example), "--wait", "600")
    assert ended.code == 0
    assert "Held back: The X.509 certificate enrolled for Asha Deshmukh is not on this token." in ended.out
    reference = re.search("APP-[0-9A-Z]{10}", ended.out)[0]
    assert f"start it again: `ecoo issue {reference} --config {shell.site}`" in ended.out
    assert "goes on by itself in `ecoo serve" not in ended.out
    assert shell.ecoo("issue", reference, "--json").json["state"] == "issued"


def test_the_demo_is_refused_before_it_prints_or_deletes_while_another_process_works(shell):
    before = shell.rows()
    with (shell.site.parent / "var" / "lock").open("ab") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for arguments in (("demo",), ("demo", "--fresh")):
            ended = shell.ecoo(*arguments)
            assert (ended.code, ended.out) == (5, "")
            assert len(ended.err.splitlines()) == 1
    assert shell.rows() == before


def test_a_new_site_keeps_its_data_from_other_users(tmp_path, capsys):
    assert run(["demo", "--at", str(tmp_path / "site")]) == 0
    assert (tmp_path / "site" / "var").stat().st_mode & 0o777 == 0o700


def test_check_lists_the_settings_of_signers_and_how_a_device_stands(shell):
    with shell.site.open("a") as out:
        out.write(f'\n[signers.dsc_token]\nmodule = "{MODULE}"\n')
    found = json.loads(shell.ecoo("check", "--json").out)
    assert {"signers.dsc_token.module", "signers.key_file.passphrase"} <= {each["name"] for each in found["settings"]}
    (say,) = [each["say"] for each in found["checks"] if each["name"] == "signer dsc_token"]
    assert "no ecoo process holds it" in say


def test_a_pin_in_engine_toml_is_refused_and_not_shown(shell):
    with shell.site.open("a") as out:
        out.write(f'\n[signers.dsc_token]\nmodule = "{MODULE}"\npin = "73519284"\n')
    ended = shell.ecoo("check", "--json")
    assert ended.code == 5
    assert "Remove it" in ended.out
    assert "73519284" not in ended.out + ended.err
