"""A process that has everything imported already and forks another one for each wish that it reads, to be killed.

A line of JSON asks; its `out` is a FIFO for the new process's words, `errors` a file for its complaints, `env` what it finds in its
environment. The answer is the new process's pid; the line `wait PID` is answered with its exit code.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["Wish", "serve"]

Wish = dict[str, Any]


def serve(work: Callable[[Wish], None]) -> None:
    """Forks until nobody asks any more; `work` is what a forked process does with its wish."""
    for line in sys.stdin:
        if line.startswith("wait "):
            _, status = os.waitpid(int(line.split()[1]), 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
        else:
            print(_fork(work, json.loads(line)), flush=True)


def _fork(work: Callable[[Wish], None], wish: Wish) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.dup2(os.open(wish["out"], os.O_WRONLY), 1)
        os.dup2(os.open(wish["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(wish["env"])
        work(wish)
        code = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)
