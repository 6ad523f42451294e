"""A newcomer's first day: `make run`'s command, and every line it prints, tried as printed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

ECOO = str(Path(sys.executable).parent / "ecoo")


@dataclass
class Running:
    """The demonstration server and what it printed before it began to serve."""

    printed: str
    env: dict[str, str]
    folder: Path

    def line(self, beginning: str) -> str:
        """The printed command that begins so, made ready to run here."""
        found = next(line.strip() for line in self.printed.splitlines() if line.strip().startswith(beginning))
        return found.replace(".venv/bin/ecoo", ECOO)

    def run(self, command: str) -> str:
        done = subprocess.run(["bash", "-c", command], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=90)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout


def read_until_serving(server: subprocess.Popen[str], url: str) -> str:
    assert server.stderr is not None
    lines: list[str] = []
    for line in server.stderr:
        lines.append(line)
        if line.startswith("Serving"):
            break
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urlopen(f"{url}/health/live", timeout=5):
                return "".join(lines)
        except OSError:
            assert server.poll() is None, "".join(lines)
    raise AssertionError("the server did not answer")


@pytest.fixture
def running(sites: Any, tmp_path: Path, free_port: int) -> Iterator[Running]:
    """`ecoo demo`, as `make run` starts it."""
    site = sites.make(tmp_path / "site", "sqlite")
    env = {**os.environ, "ECOO_CONFIG": str(site), "PORT": str(free_port)}
    server = subprocess.Popen([ECOO, "demo"], cwd=tmp_path, env=env, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        yield Running(read_until_serving(server, f"http://127.0.0.1:{free_port}"), env, tmp_path)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)


def test_every_line_that_make_run_prints_works(running: Running) -> None:
    shown = dict(re.findall(r"^  (certificate|number|verify) +(\S+)$", running.printed, re.MULTILINE))
    assert Path(shown["certificate"]).read_bytes().startswith(b"%PDF-")
    with urlopen(shown["verify"], timeout=10) as page:
        assert shown["number"] in page.read().decode()

    running.run(running.line("cp "))
    filed = json.loads(running.run(running.line("curl -sS -X POST http") + " --fail-with-body"))
    reference = filed["reference"]
    printed = [line.strip() for line in running.printed.splitlines() if "/applications/REFERENCE/" in line]
    assert json.loads(running.run(printed[0].replace("REFERENCE", reference)))["state"] == "filed"
    issued = running.run(running.line("PORT=").replace("REFERENCE", reference))
    number = issued.split()[1]
    running.run(printed[1].replace("REFERENCE", reference))
    name = number.replace("/", "-") + ".pdf"
    downloaded = (running.folder / "downloaded.pdf").read_bytes()
    assert downloaded == (running.folder / name).read_bytes(), "the shell and the API give the same file"
    assert "GENUINE" in running.run(f"{ECOO} verify downloaded.pdf")
    running.run(printed[2].replace("REFERENCE", reference))
    assert (running.folder / "original.pdf").read_bytes().startswith(b"%PDF-")
    leaf = subprocess.run([ECOO, "verify", "original.pdf", "--json"], cwd=running.folder, env=running.env, capture_output=True, text=True)
    assert json.loads(leaf.stdout)["reasons"] == ["leaf"], "a leaf to print is never taken for the certificate"
    assert "GENUINE" in running.run(
        next(line.strip() for line in running.printed.splitlines() if " verify /" in line).replace(".venv/bin/ecoo", ECOO)
    )
