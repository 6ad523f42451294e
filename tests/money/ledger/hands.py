"""A process that moves money beside others: `python -m tests.money.ledger.hands URL`, its errands as JSON on stdin.

It says `ready`, begins at the next line, does `at_once` errands at a time, and answers with what became of each.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from engine.errors import EngineError
from engine.money.ledger import Book, Entry, JournalKind, post, wallet
from engine.store import connect
from tests.money.ledger.desk import AT, GATEWAY, INCOME

__all__ = ["run_errands"]


async def run_errands(book: Book, firm: UUID, errands: Sequence[dict[str, Any]], at_once: int) -> list[str]:
    """What became of each: `done`, `replayed`, or the code of what refused it."""
    turn = asyncio.Semaphore(at_once)

    async def run(errand: dict[str, Any]) -> str:
        kind = JournalKind(errand["kind"])
        other = GATEWAY if kind is JournalKind.TOP_UP else INCOME
        pair = (wallet(firm), other) if kind is JournalKind.FEE else (other, wallet(firm))
        async with turn:
            try:
                done = await post(book, kind, [Entry(*pair, errand["paise"])], key=errand["key"], subject="order", actor="test", at=AT)
            except EngineError as error:
                return error.code
        return "replayed" if done.replayed else "done"

    return await asyncio.gather(*(run(errand) for errand in errands))


async def _main(url: str) -> None:
    told = json.loads(sys.stdin.readline())
    book, firm = Book(UUID(told["agency"]), UUID(told["office"])), UUID(told["firm"])
    database = await connect(url)
    try:
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(await run_errands(book, firm, told["errands"], told["at_once"])), flush=True)
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
