"""One child: its process, its pipe, and the only folder in which it may write."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection

__all__ = ["Child"]


class Child:
    """A fresh interpreter that runs `inside.serve`: not a fork, and not our main program imported once more."""

    def __init__(self, name: str, memory_mib: int) -> None:
        self.folder = tempfile.mkdtemp(prefix=f"ecoo-{name}-")
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
            shutil.rmtree(self.folder, ignore_errors=True)
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
        shutil.rmtree(self.folder, ignore_errors=True)


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
