"""Goal M1: a wallet that hundreds spend from and fill at once holds exactly what they did, to the paisa, and each key counts once.

With `ECOO_PROVE=1` there are 1,000 debits, fifty at a time, and 200 top-ups and refunds, on PostgreSQL from four processes.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.money.ledger import JournalKind, check_books, journal_breaks, seal_journals
from engine.money.ledger.tables import JournalRow, TransferRow
from engine.scope import PLATFORM
from engine.store.engines import PooledPostgres
from tests.money.ledger.desk import AT, Desk
from tests.money.ledger.hands import run_errands

PROVE = os.environ.get("ECOO_PROVE") == "1"
DEBITS, OTHERS, PROCESSES = (1_000, 200, 4) if PROVE else (100, 20, 2)
AT_ONCE = 50
BEGINNING = 40 * DEBITS
ROOT = Path(__file__).parents[3]


def errands_of(seed: int) -> list[dict[str, Any]]:
    """Every errand with a key of its own, in a mixed order; the debits ask for more than there is."""
    random = Random(seed)
    kinds = [JournalKind.FEE] * DEBITS + [JournalKind.TOP_UP, JournalKind.REFUND] * (OTHERS // 2)
    errands = [{"kind": str(kind), "paise": random.randint(1, 200), "key": f"{kind}:{index}"} for index, kind in enumerate(kinds)]
    random.shuffle(errands)
    return errands


async def in_processes(url: str, desk: Desk, shares: list[list[dict[str, Any]]]) -> list[list[str]]:
    """Each share in a process of its own; all begin together."""
    whose = {"agency": str(desk.here.agency_id), "office": str(desk.here.office_id), "firm": str(desk.firm)}
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "tests.money.ledger.hands", url)
    hands = [await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT, limit=1 << 24) for _ in shares]
    try:
        for hand, share in zip(hands, shares, strict=True):
            hand.stdin.write(json.dumps({**whose, "errands": share, "at_once": AT_ONCE // len(shares) + 1}).encode() + b"\n")
        for hand in hands:
            assert await hand.stdout.readline() == b"ready\n"
        answers = [await hand.communicate(b"go\n") for hand in hands]
        return [json.loads(said) for said, _ in answers]
    finally:
        for hand in hands:
            if hand.returncode is None:
                hand.kill()
                await hand.wait()


@pytest.mark.timeout(1800 if PROVE else 120)
async def test_a_wallet_that_many_spend_from_at_once_is_exact(database_url: str, empty_database: Any, desk: Desk) -> None:
    await desk.fill(BEGINNING)
    await desk.fill(10**9, firm=desk.rival)
    await desk.pay(10**8, firm=desk.rival)  # so that there is something to refund from
    errands = errands_of(1)
    doubles = Random(2).sample(errands, len(errands) // 5)  # asked for again by another hand at the same time
    if isinstance(empty_database, PooledPostgres):
        shares = [errands[index::PROCESSES] + doubles[(index + 1) % PROCESSES :: PROCESSES] for index in range(PROCESSES)]
        answers = await in_processes(database_url, desk, shares)
    else:
        shares = [errands + doubles]
        answers = [await run_errands(desk.here, desk.firm, shares[0], AT_ONCE)]
    became: dict[str, list[str]] = {}
    for share, said in zip(shares, answers, strict=True):
        for errand, answer in zip(share, said, strict=True):
            became.setdefault(errand["key"], []).append(answer)
    assert {answer for said in became.values() for answer in said} == {"done", "replayed", "insufficient_funds"}
    done = {key for key, said in became.items() if "done" in said}
    assert all(said.count("done") == 1 for key, said in became.items() if key in done)
    assert all(set(said) == {"insufficient_funds"} for key, said in became.items() if key not in done)
    assert {key for key in became if not key.startswith("fee:")} <= done
    signed = sum(errand["paise"] * (-1 if errand["kind"] == "fee" else 1) for errand in errands if errand["key"] in done)
    assert await desk.stands() == (BEGINNING + signed, 0)
    assert min(line.balance_paise for line in await desk.lines()) >= 0
    assert await JournalRow.count() == await TransferRow.count() == 3 + len(done)
    assert {row["key"] for row in await JournalRow.select(JournalRow.key)} >= done
    assert await check_books(PLATFORM, desk.here.office_id) == []
    while await seal_journals(AT):
        pass
    assert await journal_breaks() == []
    refused = DEBITS + OTHERS - len(done)
    print(
        f"\n{DEBITS} debits and {OTHERS} others, {len(doubles)} asked twice: {len(done)} done once, {refused} refused, exact to the paisa"
    )
