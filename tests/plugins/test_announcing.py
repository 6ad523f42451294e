"""Listeners: one that fails blocks nobody, undoes nothing, and is told again."""

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import config as configuration
from engine import hookspecs
from engine.issuing import queue
from engine.registry import load
from engine.site import open_site
from engine.store import uow
from engine.store.tables import Announcement

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ISSUED = {"number": "EIA/2026/MUM/00000017", "sha256": "0" * 64, "scheme": "AIFTA"}

LISTENER = """
from engine.api import hookimpl
contract, heard, failures = 1, [], {failures}
@hookimpl
def coo_certificate_issued(number, scheme):
    heard.append((number, scheme))
    if len(heard) <= failures:
        raise {error}
"""


@pytest.fixture
def listener(guest):
    """Installs a plugin that listens and fails so many times; gives what it heard."""
    return lambda name, failures=0, error="OSError": guest(LISTENER.format(failures=failures, error=error), name)


@pytest.fixture
async def announced(sites, tmp_path):
    """A site on which one certificate was announced."""
    async with open_site(configuration.load(sites.make(tmp_path / "site"), {}), work=False) as site:
        async with uow():
            await Announcement.insert(
                Announcement(topic="coo_certificate_issued", payload=json.dumps(ISSUED), made_at=NOW, due_at=NOW),
            )
        yield site


async def row():
    return await Announcement.select().first()


@pytest.mark.parametrize("error", ["OSError('no network')", "SystemExit(0)"])
async def test_a_failing_listener_blocks_nobody_and_is_told_again(announced, listener, error):
    modules = listener("z_failing", 1, error), listener("a_well")
    registry = load()
    assert await queue.announce(registry, NOW) == 1
    failing, well = (sys.modules[module].heard for module in modules)
    assert (failing, well) == ([("EIA/2026/MUM/00000017", "AIFTA")],) * 2
    assert (await row())["told_at"] is None
    assert "z_failing" in (await row())["last_error"]
    assert await queue.announce(registry, NOW + timedelta(minutes=10)) == 1
    assert (len(failing), (await row())["told_at"]) == (2, NOW + timedelta(minutes=10))
    assert await queue.announce(registry, NOW + timedelta(days=1)) == 0


async def test_a_listener_that_never_gets_well_is_left_after_some_tries(announced, listener):
    listener("failing", 10_000)
    registry = load()
    rounds = [await queue.announce(registry, NOW + timedelta(days=day)) for day in range(40)]
    assert 3 <= sum(rounds) < 40
    assert rounds[-1] == 0
    assert (await row())["told_at"] is None


def test_every_hook_that_the_engine_speaks_of_is_one():
    engine = Path(hookspecs.__file__).parent
    spoken = {name for path in engine.rglob("*.py") for name in re.findall(r"\bcoo_[a-z_]+", path.read_text())}
    assert {name for name in spoken if not hasattr(hookspecs, name)} <= {"coo_payment_gateways"}
