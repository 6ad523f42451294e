"""kill -9 at every boundary and at random moments: what was approved is issued once, under one number, with one file."""

import os
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine import config as configuration
from engine.failpoints import POINTS
from engine.issuing.tables import ApprovalRow
from engine.site import Site, open_site

PROVE = os.environ.get("ECOO_PROVE") == "1"
BOUNDARIES = {"sqlite": POINTS, "postgres": POINTS if PROVE else ("intended", "stored", "issuing")}
ROUNDS, AT_ONCE = (100, 40) if PROVE else (8, 8)
KILLED = -9


@pytest.fixture
def crash_site(sites, tmp_path: Path, database_kind: str) -> Path:
    """A site whose work is drawn by one process, to leave the machine to others."""
    path: Path = sites.make(tmp_path / "site", database_kind)
    path.write_text(path.read_text() + "\n[drawing]\nprocesses = 1\n")
    return path


async def counted(config: Path, nursery, tally: Callable[[Site], Awaitable[object]]):
    async with open_site(configuration.load(config, {}), work=False, clock=nursery.clock) as site:
        found = await tally(site)
        kept = {str(row["id"]) for row in await ApprovalRow.select(ApprovalRow.id)}
        promised = {id for worker in nursery.of(config) for id in worker.approved}
        assert promised <= kept, "an approval that was committed is gone"
        return found


@pytest.mark.timeout(600)
async def test_kill_at_every_boundary_is_made_good_by_the_next_start(nursery, crash_site: Path, database_kind: str, tally, quote) -> None:
    points = BOUNDARIES[database_kind]
    for point in points:
        worker = nursery.start(crash_site, count=1, env={"ECOO_FAIL_AT": f"{point}:kill"})
        assert worker.finish() == KILLED, f"the point {point} was not passed: {worker.errors.read_text()[-2000:]}"
    assert nursery.start(crash_site, count=0).finish() == 0
    found = await counted(crash_site, nursery, tally)
    assert (found.approvals, found.issued) == (len(points), len(points))
    quote(f"R2 {database_kind} kill -9 at {', '.join(points)}: {found}")


@pytest.mark.timeout(7200 if PROVE else 600)
async def test_kills_at_random_moments_lose_nothing_and_issue_nothing_twice(
    nursery, crash_site: Path, database_kind: str, tally, quote
) -> None:
    chance, killed = random.Random(20261121), 0
    for turn in range(ROUNDS):
        worker = nursery.start(crash_site, count=AT_ONCE)
        killed += strike(worker, chance, AT_ONCE)
        if turn % 10 < 3:  # a second kill while the first is made good
            killed += strike(nursery.start(crash_site, count=0), chance, AT_ONCE)
    last = nursery.start(crash_site, count=0)
    assert last.finish() == 0, last.errors.read_text()[-2000:]
    found = await counted(crash_site, nursery, tally)
    assert found.approvals <= ROUNDS * AT_ONCE
    assert found.issued == found.approvals
    assert killed >= ROUNDS // 2
    quote(f"R1 {database_kind} {ROUNDS} rounds x {AT_ONCE}, {killed} kills: {found}")


def strike(worker, chance: random.Random, size: int) -> int:
    """Kills a worker at a random moment of its work, sometimes while it starts; 1 if it was still alive then."""
    if chance.random() < 0.8:
        worker.hears("at work", 60.0)
    if worker.hears("done", chance.uniform(0.0, 0.35 * size)):
        assert worker.end() == 0
        return 0
    assert worker.kill() == KILLED
    return 1
