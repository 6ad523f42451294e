"""The inside of a child process: takes a task, does it, answers, and cannot do much else.

Started by `engine.children.process` alone. The limits are set after the warm-up, which may import and read what it needs;
after it every file is read-only but those in the child's own folder, and sockets and processes are refused.
"""

import contextlib
import ctypes
import gc
import os
import pickle
import resource
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

from engine.children.answers import as_answer

__all__ = ["serve"]

_PR_SET_PDEATHSIG = 1
_FILE_BYTES = 64 * 1024 * 1024
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

# Audit events (https://docs.python.org/3/library/audit_events.html) of what no task needs.
_REFUSED = frozenset(
    {
        "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system", "os.kill", "os.killpg",
        "pty.spawn", "subprocess.Popen", "socket.__new__", "socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname",
    }
)  # fmt: skip
_ON_PATHS = frozenset(
    {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod", "os.truncate", "os.utime", "shutil.rmtree"}
)


def serve(pipe_number: int, memory_mib: int, parent: int) -> None:
    """Answers tasks from the pipe until it closes."""
    _die_with(parent)
    pipe = Connection(pipe_number)
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        initializer, arguments = pickle.loads(pipe.recv_bytes())  # noqa: S301  # written by our parent
        pipe.send_bytes(_done(_warm_up, initializer, arguments, memory_mib))
        while True:
            fn, arguments = pickle.loads(pipe.recv_bytes())  # noqa: S301  # written by our parent
            pipe.send_bytes(_done(fn, *arguments))


def _done(fn: Any, *arguments: Any) -> bytes:
    """The answer of one task: what it gave, or the error it ended with."""
    try:
        return pickle.dumps(fn(*arguments), protocol=5)
    except BaseException as error:
        answer = as_answer(error)
        error.__traceback__ = None
        gc.collect()
        return _dumped(answer)


def _dumped(answer: object) -> bytes:
    try:
        return pickle.dumps(answer, protocol=5)
    except Exception as error:
        return pickle.dumps(as_answer(RuntimeError(f"the error cannot be passed on: {type(error).__name__}")), protocol=5)


def _warm_up(initializer: Any, arguments: tuple[Any, ...], memory_mib: int) -> str:
    """Runs the initialiser, then closes the doors behind it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if initializer is not None:
        initializer(*arguments)
    ceiling = memory_mib * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    sys.addaudithook(_hook(os.path.realpath(os.environ["TMPDIR"])))
    return "ready"


def _hook(folder: str) -> Any:
    """The audit hook that refuses what no task needs."""
    inside = folder + os.sep

    def allowed(path: object) -> bool:
        if not isinstance(path, str | bytes):
            return False
        real = os.path.realpath(os.fsdecode(path))
        return real.startswith(inside) or real in {folder, os.devnull}

    def writes_elsewhere(path: object, flags: object) -> bool:
        # An opened number is no path: it was opened, and asked about, before.
        return isinstance(flags, int) and bool(flags & _WRITING) and not isinstance(path, int) and not allowed(path)

    def hook(event: str, details: tuple[Any, ...]) -> None:
        if event == "open" and writes_elsewhere(details[0], details[2]):
            raise PermissionError(f"{details[0]!r} may not be written in this process")
        paths = [path for path in details[:2] if isinstance(path, str | bytes)] if event in _ON_PATHS else []
        if event in _REFUSED or not all(allowed(path) for path in paths):
            raise PermissionError(f"{event} is not allowed in this process")

    return hook


def _die_with(parent: int) -> None:
    """Asks the kernel to end this process with the thread that started it, and ends at once if that came too late."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
