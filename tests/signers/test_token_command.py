"""`ecoo token`: a person's words reach the process that holds the token, and the PIN comes from the keyboard alone."""

import asyncio
import importlib
import inspect
import io
import re
import sys
from pathlib import Path

import pytest

import engine.api
from engine.cli.app import run
from engine.errors import Refused, SignerUnavailable
from plugins.signers.dsc_token.signer import DscToken

MODULE = "/usr/lib/softhsm/libsofthsm2.so"


@pytest.fixture
def folder(context) -> Path:
    return context().folder


@pytest.fixture
def commands(monkeypatch, folder):
    """The command functions of a site whose token folder is `folder`."""
    monkeypatch.setattr(engine.api, "site_folder", lambda config, plugin: folder, raising=False)
    module = importlib.import_module("plugins.signers.dsc_token.commands")
    monkeypatch.setattr(module, "site_folder", lambda config, plugin: folder)
    return module


@pytest.fixture
async def served(officer_token, context):
    signer = DscToken()
    await signer.open(context(module=MODULE))
    yield signer
    await signer.close()


def type_in(monkeypatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


async def test_a_piped_pin_unlocks_and_the_sentence_goes_to_stderr(commands, served, officer_token, monkeypatch, capsys):
    type_in(monkeypatch, f"{officer_token.pin}\n")
    await asyncio.to_thread(commands.unlock)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "The token officer" in shown.err
    assert "is unlocked." in shown.err
    assert officer_token.pin not in shown.err
    await asyncio.to_thread(commands.check)
    assert "unlocked and ready" in capsys.readouterr().err
    await asyncio.to_thread(commands.lock)
    assert "Locked: officer" in capsys.readouterr().err


async def test_a_wrong_pin_is_refused_in_words(commands, served, monkeypatch):
    type_in(monkeypatch, "00000000\n")
    with pytest.raises(Refused, match="PIN was wrong"):
        await asyncio.to_thread(commands.unlock)


async def test_a_person_at_a_terminal_is_asked_without_echo(commands, served, officer_token, monkeypatch, capsys):
    terminal = io.StringIO("")
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    prompts = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: prompts.append(prompt) or officer_token.pin)
    await asyncio.to_thread(commands.unlock, "officer")
    assert "is unlocked." in capsys.readouterr().err
    (prompt,) = prompts
    assert re.fullmatch(r"PIN of officer \(serial [0-9a-f]+\): ", prompt)
    await asyncio.to_thread(commands.unlock, "officer")
    assert "unlocked already" in capsys.readouterr().err
    assert len(prompts) == 1


async def test_of_several_tokens_a_person_is_asked_for_one_before_its_pin(commands, served, officer_token, monkeypatch, capsys):
    officer_token.token("second")
    terminal = io.StringIO("second\n")
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    prompts = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: prompts.append(prompt) or officer_token.pin)
    await asyncio.to_thread(commands.unlock)
    shown = capsys.readouterr().err
    assert shown.index("Several tokens are inserted") < shown.index("Serial of the token")
    assert "The token second" in shown
    assert prompts[0].startswith("PIN of second ")


async def test_a_pin_that_is_piped_for_no_token_in_particular_is_not_read(commands, served, officer_token, monkeypatch):
    officer_token.token("second")
    read = io.StringIO("73519284\n")
    monkeypatch.setattr(sys, "stdin", read)
    with pytest.raises(Refused, match="Several tokens are inserted"):
        await asyncio.to_thread(commands.unlock)
    assert read.tell() == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("unlock", "--pin", "73519284"),
        ("unlock", "--pin=73519284"),
        ("unlock", "--password=73519284"),
        ("unlock", "-p", "73519284"),
        ("unlock", "officer", "73519284"),
        ("check", "73519284"),
        ("lock", "officer", "73519284"),
        ("unlock", "--secret=73519284"),
    ],
)
def test_a_pin_on_the_command_line_is_refused_and_not_said_back(arguments, capsys):
    assert run(["token", *arguments]) == 2
    shown = "".join(capsys.readouterr())
    assert "73519284" not in shown
    assert "history" in shown or "--secret" in shown


async def test_the_commands_that_are_named_name_the_site_that_was_named(commands, served, monkeypatch, capsys, tmp_path):
    await asyncio.to_thread(lambda: commands.check(config=tmp_path / "a site.toml"))
    assert f"`ecoo token unlock --config '{tmp_path / 'a site.toml'}'`" in capsys.readouterr().err


def test_nobody_types_a_pin_that_nobody_waits_for(commands, monkeypatch):
    read = io.StringIO("73519284\n")
    monkeypatch.setattr(sys, "stdin", read)
    with pytest.raises(SignerUnavailable, match="No ecoo process is waiting"):
        commands.unlock()
    assert read.tell() == 0


def test_no_command_takes_a_pin_as_an_option(commands):
    for command in (commands.unlock, commands.check, commands.lock):
        assert not [p for p in inspect.signature(command).parameters if "pin" in p.lower()]
