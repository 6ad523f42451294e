"""The `ecoo` command in process, on a demonstration site of its own."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cli.app import run


@dataclass
class Ended:
    """How a command ended: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Shell:
    """Runs `ecoo` in this process against one site."""

    site: Path
    capture: pytest.CaptureFixture[str]

    def ecoo(self, *arguments: str) -> Ended:
        self.capture.readouterr()
        code = run([*arguments, "--config", str(self.site)])
        streams = self.capture.readouterr()
        return Ended(code, streams.out, streams.err)

    def rows(self) -> dict[str, int]:
        """How many rows each table has: what must not change when something is refused."""
        with sqlite3.connect(self.site.parent / "var" / "ecoo.db") as db:
            # A site's own settings are written at its first start, whatever is asked of it.
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'store_setting'")]
            return {name: db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}

    def files(self) -> set[str]:
        """Every file in the file store."""
        return {path.name for path in (self.site.parent / "var" / "files").rglob("*") if path.is_file()}


@pytest.fixture
def shell(sites: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A fresh demonstration site on SQLite, with the working folder beside it."""
    site = sites.make(tmp_path / "site", "sqlite")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ECOO_CONFIG", raising=False)
    return Shell(site, capsys)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], str]:
    """Writes an application file and gives its path."""

    def written(content: Any, name: str = "application.json") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode())
        return str(path)

    return written
