"""One child: its process, its pipe, and the only folder in which it may write."""

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

__all__ = ["Child", "sweep"]

_PREFIX = "ecoo-child-"
_FRESH_S = 60.0


class Child:
    """A fresh interpreter that runs `inside.serve`: not a fork, and not our main program imported once more."""

    def __init__(self, name: str, memory_mib: int) -> None:
        self.folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{name}-")
        # Held by this process alone and let go when it ends, however it ends: a folder without it is nobody's.
        self._lock = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        ours, theirs = socket.socketpair()
        code = f"import sys; sys.path[:] = {sys.path!r}; from engine.children.inside import serve; serve({theirs.fileno()}, {memory_mib}, {os.getpid()})"
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-B", "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=self.folder,
                env=_environment(self.folder),
            )
        except BaseException:
            ours.close()
            self._tidy()
            raise
        finally:
            theirs.close()
        self.pipe = Connection(ours.detach())

    @property
    def lives(self) -> bool:
        """Whether it waits for a task; one that has something to say unasked is closing its pipe."""
        return self.process.poll() is None and not self.pipe.poll(0)

    def kill(self) -> None:
        """Ends the process and removes its folder; safe to call twice."""
        self.process.kill()
        self.process.wait()
        self.pipe.close()
        self._tidy()

    def _tidy(self) -> None:
        """Removes the folder and lets its lock go."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _environment(folder: str) -> dict[str, str]:
    """What a child knows of its parent's environment: nothing. One thread per library: a child is one core's work."""
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        "TMPDIR": folder,
        "HOME": folder,
        "PYTHONHASHSEED": "0",
        "MALLOC_ARENA_MAX": "2",
        **threads,
    }


def sweep(like: str) -> None:
    """Removes what children of processes that were killed left behind: folders older than `like` that nobody holds."""
    for folder in Path(like).parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if Path(like).stat().st_mtime - folder.stat().st_mtime < _FRESH_S:
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
