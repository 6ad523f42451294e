"""Processes that handle money, made to be killed: see `forking` for how one is asked for, and `money_deeds` for what it can do.

Asked for are: `url` (a database), `folder` (keys and files), `settings` (of the gateways), `door` (a socket). At the socket a hand reads
one deed a line: `id`, `deed`, `mark` (in whose name), `at` (the moment) and `told` (its arguments); several at once go on beside each
other. `die` names the boundary at which it kills itself. Its answer is a line: `id`, and `done` with what came of it, or `refused`
with a code, or `broke` with what nobody foresaw.
"""

import asyncio
import json
import traceback
from datetime import datetime
from pathlib import Path
from typing import Any

from engine import registry as registry_module
from engine.errors import EngineError
from engine.filing import read
from engine.money.gateways import Tester
from engine.money.paying import Cashier
from engine.store import FileStore, SecretBox, connect
from tests.clocks import StillClock
from tests.crash.forking import Wish, serve
from tests.crash.money_deeds import DEEDS, Desk
from tests.crash.reaper import Reaper

EXAMPLE = Path(__file__).parents[2] / "plugins" / "templates" / "aifta" / "example.json"
BASE = "https://coo.example.in"
LONGEST = 1 << 25
REGISTRY = registry_module.load()


async def work(wish: Wish) -> None:
    """Does what it is told at the socket until nobody is there any more."""
    reader, writer = await asyncio.open_unix_connection(wish["door"], limit=LONGEST)
    database = await connect(wish["url"])
    folder, clock = Path(wish["folder"]), StillClock(datetime.fromisoformat(wish["at"]))
    box = SecretBox.open(folder / "keys", create=False)
    cashier = Cashier(Tester(REGISTRY, wish["settings"], True, box, clock, total_s=10.0), BASE)
    desk = Desk(cashier, FileStore(str(folder / "files")), read(EXAMPLE.read_bytes()))
    reaper, under_way = Reaper(), set[asyncio.Task[None]]()
    writer.write(b'{"id": 0, "done": "at work"}\n')
    while line := await reader.readline():
        told = json.loads(line)
        clock.at = max(clock.at, datetime.fromisoformat(told["at"]))
        if told.get("die"):
            reaper.arm(*told["die"])
        task = asyncio.create_task(answer(desk, told, writer))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await database.close()


async def answer(desk: Desk, told: dict[str, Any], writer: asyncio.StreamWriter) -> None:
    """Does one deed, and says what came of it."""
    said: dict[str, Any]
    try:
        at = datetime.fromisoformat(told["at"])
        said = {"done": await DEEDS[told["deed"]](desk, mark=told["mark"], at=at, **told["told"])}
    except EngineError as error:
        said = {"refused": error.code, "kind": type(error).__name__, "say": error.say}
    except Exception:
        said = {"broke": traceback.format_exc()}
    writer.write(json.dumps({"id": told["id"], **said}).encode() + b"\n")


def begin(wish: Wish) -> None:
    """What a forked hand does."""
    asyncio.run(work(wish))


if __name__ == "__main__":
    serve(begin)
