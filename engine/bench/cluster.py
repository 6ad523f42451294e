"""A PostgreSQL server for as long as something is measured, as PostgreSQL comes: what it says is committed is on the disk."""

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.bench.serving import free_port
from engine.errors import ConfigError

__all__ = ["postgres"]

_PATIENCE_S = 60


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty database on a server of its own, which ends with the block. Raises ConfigError if PostgreSQL is not
    installed. It runs as an unprivileged user, as it insists on."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not binaries:
        raise ConfigError("PostgreSQL is not installed here. On Debian: apt-get install postgresql", code="postgres_missing")
    name, become = _unprivileged()
    with _ending_when_told(), tempfile.TemporaryDirectory(prefix="ecoo-bench-pg-") as folder:
        if become:
            os.chown(folder, become["user"], become["group"])
        port = free_port()
        _run(binaries[-1] / "initdb", "-D", f"{folder}/data", "-A", "trust", "-U", name, "-E", "UTF8", folder=folder, become=become)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        server = (binaries[-1] / "pg_ctl", "-D", f"{folder}/data", "-w")
        _run(*server, "-l", f"{folder}/log", "-o", options, "start", folder=folder, become=become)
        try:
            yield f"postgresql://{name}@127.0.0.1:{port}/postgres"
        finally:
            _run(*server, "-m", "immediate", "stop", folder=folder, become=become)


@contextlib.contextmanager
def _ending_when_told() -> Iterator[None]:
    """A process that is told to end leaves the block in order: a server is not left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _unprivileged() -> tuple[str, dict[str, Any]]:
    """The name of the user that runs the server, and how to become it."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name, {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return name, {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise ConfigError("PostgreSQL does not run as root, and there is no other user here to run it as.", code="postgres_missing")


def _run(program: Path, *argv: str, folder: str, become: dict[str, Any]) -> None:
    env = {"PATH": os.environ.get("PATH", ""), "HOME": folder, "LC_ALL": "C.UTF-8"}
    command = [str(program), *argv]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=_PATIENCE_S, check=False, **become)
    if done.returncode:
        raise ConfigError(f"{program.name} did not work: {(done.stderr or done.stdout)[-300:]}", code="postgres_missing")
