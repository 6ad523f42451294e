"""What the README says is what happens."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.cli import output
from engine.cli.app import build
from engine.registry import load
from engine.templating.summary import markdown

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL_LINES = [line.partition("#")[0].strip() for line in README.splitlines() if line.startswith(".venv/bin/ecoo ")]


def test_every_line_of_the_shell_section_works_in_order(shell: Any, tmp_path: Path) -> None:
    lines = [shlex.split(line)[1:] for line in SHELL_LINES if "$" not in line]
    assert len(lines) >= 6
    shutil.copytree(ROOT / "plugins" / "templates", tmp_path / "plugins" / "templates")
    for arguments in lines:
        ended = shell.ecoo(*arguments) if arguments[0] != "schema" else None
        assert ended is None or ended.code == 0, (arguments, ended)


def test_every_command_it_names_exists(monkeypatch: pytest.MonkeyPatch) -> None:
    app = build([])
    named = set(re.findall(r"`?ecoo ([a-z-]+)(?: ([a-z-]+))?", README))
    for first, second in named:
        assert first in app, first
        if first in {"token", "schema", "log", "template", "cost-sheet"} and second:
            assert second in app[first], (first, second)


def test_its_exit_codes_are_the_programs() -> None:
    table = {int(code) for code in re.findall(r"^\| (\d) \|", README, re.MULTILINE)}
    assert table == {output.DONE, output.NOT_GENUINE, output.REFUSED, output.UNAVAILABLE, output.UNRESOLVED, output.BROKEN}


def test_its_table_of_templates_is_what_the_packs_say() -> None:
    assert markdown(load().forms()) in README


def test_every_file_it_links_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)|src=\"([^\"]+)\"", README):
        path = link[0] or link[1]
        assert (ROOT / path).exists(), path


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    for lock in ("requirements.lock", "requirements-test.lock"):
        assert "://" not in (ROOT / lock).read_text()
