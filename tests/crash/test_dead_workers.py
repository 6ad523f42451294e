"""The outgrown profile: the work of a worker that was killed is finished by another one that never heard of it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine import config as configuration
from engine.issuing.tables import ApprovalRow
from engine.site import Site, open_site

KILLED = -9


@pytest.fixture
def outgrown_site(sites, tmp_path: Path) -> Path:
    """A site on PostgreSQL whose workers are taken over after a second."""
    path: Path = sites.make(tmp_path / "site", "postgres")
    text = path.read_text() + "\n[drawing]\nprocesses = 1\n"
    section = '[serve]\nprofile = "outgrown"\nlease_s = 1\n'
    assert "[serve]" not in text
    path.write_text(text + section)
    return path


@pytest.mark.timeout(300)
async def test_another_worker_finishes_what_a_killed_one_had_begun(
    nursery, outgrown_site: Path, tally: Callable[[Site], Awaitable[object]], quote
) -> None:
    points = ("numbered", "intended", "stored")
    for index, point in enumerate(points):
        dead = nursery.start(outgrown_site, count=1, env={"ECOO_FAIL_AT": f"{point}:kill"}, executor=f"worker-dead-{index}")
        assert dead.finish() == KILLED, f"the point {point} was not passed: {dead.errors.read_text()[-2000:]}"
    living = nursery.start(outgrown_site, count=0, executor="worker-living")
    assert living.finish() == 0, living.errors.read_text()[-2000:]
    async with open_site(configuration.load(outgrown_site, {}), work=False, clock=nursery.clock) as site:
        found = await tally(site)
        assert (found.approvals, found.issued) == (len(points), len(points))
        assert {row["runs"] for row in await ApprovalRow.select(ApprovalRow.runs)} == {0}, "it went on with the same run"
    quote(f"R2 postgres, workers killed at {', '.join(points)} and taken over: {found}")
