"""Processes that are killed: a nursery that forks workers, and the words they say."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.clocks import MovableClock, to_the_morning

pytest.register_assert_rewrite("tests.crash.money_verdict", "tests.crash.money_healing", "tests.crash.money_paper")

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "plugins" / "templates" / "aifta" / "example.json"
LONGEST_S = 100.0


@dataclass
class Worker:
    """A process at work on one site; `said` is what it printed."""

    nursery: "Nursery"
    pid: int
    pipe: int
    errors: Path
    said: str = ""
    silent: bool = False
    code: int | None = None

    def hears(self, word: str, timeout_s: float) -> bool:
        """Whether it says the word within that time; False too if it ended without."""
        end = time.monotonic() + timeout_s
        while word not in self.said:
            ready, _, _ = select.select([self.pipe], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return False
            heard = os.read(self.pipe, 4096)
            if not heard:
                self.silent = True
                return False
            self.said += heard.decode()
        return True

    @property
    def approved(self) -> set[str]:
        """The approvals that it was told are committed."""
        return set(re.findall(r"^approved (\S+)$", self.said, re.MULTILINE))

    def kill(self) -> int:
        """Kills it as a power cut would, and gives its exit code."""
        os.kill(self.pid, signal.SIGKILL)
        return self.end()

    def end(self) -> int:
        """Waits for its end and gives its exit code."""
        if self.code is None:
            self.code = int(self.nursery.ask(f"wait {self.pid}"))
            self.hears("\0", 10.0)  # what it said and nobody has read yet
            os.close(self.pipe)
        return self.code

    def finish(self) -> int:
        """Lets it run to its end, whatever that is; kills it and fails if it takes too long."""
        if not self.hears("done", LONGEST_S) and not self.silent:
            self.kill()
            pytest.fail(f"the worker did not finish in {LONGEST_S} s: {self.errors.read_text()[-2000:]}")
        return self.end()


@dataclass
class Nursery:
    """Where workers come from, and the clock that they all read."""

    process: "subprocess.Popen[str]"
    folder: Path
    clock: MovableClock
    workers: list[Worker] = field(default_factory=list)

    def ask(self, line: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline()

    def start(self, config: Path, *, count: int, env: Mapping[str, str] | None = None, executor: str = "embedded") -> Worker:
        """A worker for that site, which files and approves `count` applications before it begins to work."""
        wish: dict[str, Any] = {"config": str(config), "application": str(EXAMPLE), "count": count, "env": dict(env or {})}
        return self.raise_one(config.parent, wish | {"executor": executor, "shift_s": self.clock.shift.total_seconds()})

    def raise_one(self, folder: Path, wish: Mapping[str, Any]) -> Worker:
        """A process with that wish; what it complains of lies in the folder."""
        fifo, errors = self.folder / uuid4().hex, folder / "errors.txt"
        os.mkfifo(fifo)
        pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        pid = int(self.ask(json.dumps({**wish, "out": str(fifo), "errors": str(errors)})))
        worker = Worker(self, pid, pipe, errors)
        self.workers.append(worker)
        return worker

    def of(self, config: Path) -> list[Worker]:
        """The workers that this site had."""
        return [worker for worker in self.workers if worker.errors.parent == config.parent]


@contextmanager
def rearing(module: str, folder: Path) -> Iterator[Nursery]:
    """A nursery of the processes that a module forks; those that live at its end are killed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ECOO_")}
    process = subprocess.Popen([sys.executable, "-m", module], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT)
    nursery = Nursery(process, folder, MovableClock(to_the_morning()))
    yield nursery
    for worker in nursery.workers:
        if worker.code is None:
            worker.kill()
    assert process.stdin is not None
    process.stdin.close()
    process.wait(20)


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Forks workers that issue."""
    with rearing("tests.crash.worker", tmp_path_factory.mktemp("nursery")) as nursery:
        yield nursery


@pytest.fixture(scope="session")
def money_nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """Forks processes that handle money."""
    with rearing("tests.crash.money_hand", tmp_path_factory.mktemp("money")) as nursery:
        yield nursery
