"""A rehearsal server in a process of its own beside `ecoo serve`: its port held, and its end with the pipe that it was given."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.errors import ConfigError

__all__ = ["beside", "end_with_input", "listening"]

_HOST = "127.0.0.1"
_LAST_S = 10


@contextmanager
def beside(path: Path, server: str) -> Iterator[None]:
    """`ecoo rehearsal SERVER` for as long as the block runs.

    It holds a pipe to this process and ends when that closes, however this process ends. One that does not start says why, and the
    site is served all the same.
    """
    run = "from engine.cli import main; main()"
    child = subprocess.Popen([sys.executable, "-c", run, "rehearsal", server, "--with-input", "--config", str(path)], stdin=subprocess.PIPE)
    try:
        yield
    finally:
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(timeout=_LAST_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def end_with_input(server: Any) -> None:
    """Waits for the end of the standard input, and ends the server then; for a thread."""
    with suppress(OSError):
        while os.read(0, 4096):  # not sys.stdin: a thread that waits in it would spoil the end of the process
            pass
    server.should_exit = True


@contextmanager
def listening(port: int, lost: str, what: str) -> Iterator[socket.socket]:
    """The port, held, so that who comes early waits. Raises ConfigError, with what to do, if another process has it."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
            listener.listen(64)
        except OSError as error:
            raise ConfigError(
                f"Port {port} is taken, so {what} cannot listen there and {lost}. "
                f"End what listens there, or give this site another PORT; {what} then moves too.",
                code="port_taken",
            ) from error
        yield listener
