"""Processes that issue, made to be killed: see `forking` for how one is asked for.

Asked for are: `config` (an engine.toml), `application` (a file), `count` (how many copies to file and approve at the shell first),
`executor` (its name at the job engine), `shift_s` (how far its clock is ahead). A worker says `approved ID` for each, `at work`
when it has begun and `done` when no approval is open.
"""

import asyncio
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
from tests.crash.forking import serve


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


def begin(wish: dict[str, Any]) -> None:
    """What a forked worker does."""
    clock = MovableClock(timedelta(seconds=wish["shift_s"]))
    asyncio.run(work(Path(wish["config"]), Path(wish["application"]), wish["count"], wish["executor"], clock))


serve(begin)
