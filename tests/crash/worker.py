"""Processes that issue, made to be killed. Started once, it has everything imported and forks a worker for each line it reads.

A line of JSON asks: `config` (an engine.toml), `application` (a file), `count` (how many copies to file and approve at the
shell first), `executor` (its name at the job engine), `env`, `out` (a FIFO for the worker's words), `shift_s` (how far its clock is ahead).
The answer is the worker's pid; the line `wait PID` is answered with its exit code. A worker says `approved ID` for each, `at work` when it has begun and `done` when no approval is open.
"""

import asyncio
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import engine.jobs.engine  # noqa: F401  # half a second that is not paid again for every worker
from engine import config as configuration
from engine import demo
from engine.filing import read
from engine.issuing.shell import approve_at_shell
from engine.issuing.tables import ApprovalRow, ApprovalState
from engine.site import open_site
from tests.clocks import MovableClock


async def work(config_path: Path, application_path: Path, count: int, executor: str, clock: MovableClock) -> None:
    config = configuration.load(config_path)
    if count:
        application = read(application_path.read_bytes())
        async with open_site(config, work=False, clock=clock) as site:
            for _ in range(count):
                _, approval = await approve_at_shell(
                    application, officer=demo.OFFICER, signatory=demo.SIGNATORY, registry=site.registry, clock=clock, demo=True
                )
                print(f"approved {approval.id}", flush=True)
    async with open_site(config, work=True, clock=clock, executor=executor):
        print("at work", flush=True)
        while await ApprovalRow.exists().where(ApprovalRow.state != str(ApprovalState.DONE)):
            await asyncio.sleep(0.02)
    print("done", flush=True)


def fork(wish: dict[str, Any]) -> int:
    """A worker for this wish; gives its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        out = os.open(wish["out"], os.O_WRONLY)
        os.dup2(out, 1)
        os.dup2(os.open(wish["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(wish["env"])
        clock = MovableClock(timedelta(seconds=wish["shift_s"]))
        asyncio.run(work(Path(wish["config"]), Path(wish["application"]), wish["count"], wish["executor"], clock))
        code = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def main() -> None:
    for line in sys.stdin:
        if line.startswith("wait "):
            _, status = os.waitpid(int(line.split()[1]), 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
        else:
            print(fork(json.loads(line)), flush=True)


main()
