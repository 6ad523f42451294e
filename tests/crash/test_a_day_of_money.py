"""The books balance to zero after a random day of events with kill -9 in it, on both databases, whoever is killed and when.

Small by default; `ECOO_PROVE=1` makes it 10,000 events with more than 50 kills, and `ECOO_DAY` says how many events it has.
On SQLite two processes write beside each other, as a server and a command do; on PostgreSQL three.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine import schema
from engine.clock import IST
from engine.store import SecretBox
from engine.store.engines import Engine
from tests.crash.money_crew import Crew
from tests.crash.money_day import Day
from tests.crash.money_events import EVENTS
from tests.crash.money_healing import deliver_again, heal, standing
from tests.crash.money_verdict import figures, judge
from tests.crash.money_world import make_world, outside

EVENTS_OF_A_DAY = int(os.environ.get("ECOO_DAY", "0")) or (10_000 if os.environ.get("ECOO_PROVE") == "1" else 240)
KILLS = max(5, EVENTS_OF_A_DAY // 80)
BEGINS = datetime(2027, 3, 31, 6, 0, tzinfo=IST)  # the year of receipts ends at midnight
HANDS = {"sqlite": 2, "postgres": 3}


@pytest.mark.timeout(7200 if EVENTS_OF_A_DAY > 500 else 600)
async def test_the_books_balance_to_zero_after_a_day_with_kills_in_it(
    money_nursery: Any, database_url: str, empty_database: Engine, tmp_path: Path, request: pytest.FixtureRequest, quote: Any
) -> None:
    await schema.build()
    kind, dice = request.node.callspec.params["database_url"], Random(int(os.environ.get("ECOO_SEED", "20261122")))
    box = SecretBox.open(tmp_path / "keys", create=True)
    world = await make_world(box, BEGINS - timedelta(hours=1))
    with outside(BEGINS) as there:
        wish = {"url": database_url, "folder": str(tmp_path), "settings": there.settings(), "at": BEGINS.isoformat()}
        crew = Crew(money_nursery, tmp_path, wish, HANDS[kind])
        doom = set(dice.sample(range(1, EVENTS_OF_A_DAY + 1), KILLS))
        day = Day(crew, world, there, dice, BEGINS, EVENTS_OF_A_DAY, doom, EVENTS)
        await crew.open()
        await day.whole(clerks=HANDS[kind] + 1)
        await crew.power_cut()
        await heal(day)
        await judge(day)
        before = await standing()
        refused = await deliver_again(day)
        after = await standing()
        assert {name for name in before if before[name] != after[name]} == set()
        await judge(day)
        await crew.close()
    assert sum(crew.kills.values()) >= KILLS // 2  # a boundary that nobody passes kills nobody
    differences = sum(before[name] != after[name] for name in before)
    told = await figures(day, {"second delivery": f"{differences} differences, {refused} refused"})
    quote(f"A day of money on {kind}, {EVENTS_OF_A_DAY} events: {told}")
