"""Listeners: one that fails blocks nobody, undoes nothing, and is told again."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from engine import config as configuration
from engine.errors import PluginError
from engine.issuing import queue
from engine.registry import load
from engine.site import open_site
from engine.store import uow
from engine.store.tables import Announcement

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ISSUED = {"number": "EIA/2026/MUM/00000017", "sha256": "0" * 64, "scheme": "AIFTA"}


class Listener:
    """Hears what is announced, and fails as often as it is told to."""

    contract = 1

    def __init__(self, error=None, times=0):
        self.error, self.times, self.heard = error, times, []

    def listen(self, number, scheme):
        self.heard.append((number, scheme))
        if self.times:
            self.times -= 1
            raise self.error


class Registry:
    """The listeners as the registry gives them: each asked for what it takes."""

    def __init__(self, **listeners):
        self.named = listeners

    def listeners(self, hook):
        assert hook == "coo_certificate_issued"
        return [(name, lambda *, number, scheme, sha256, heard=each: heard.listen(number, scheme)) for name, each in self.named.items()]


@pytest.fixture
async def announced(sites, tmp_path):
    """A site on which one certificate was announced."""
    config = configuration.load(sites.make(tmp_path / "site"), {})
    async with open_site(config, work=False) as site:
        async with uow():
            await Announcement.insert(
                Announcement(topic="coo_certificate_issued", payload=json.dumps(ISSUED), made_at=NOW, due_at=NOW),
            )
        yield site


async def row():
    return await Announcement.select().first()


@pytest.mark.parametrize("error", [RuntimeError("no network"), PluginError("The plugin tried to end the process.")])
async def test_a_failing_listener_blocks_nobody_and_is_told_again(announced, error):
    failing, well = Listener(error, times=1), Listener()
    registry = Registry(failing=failing, well=well)
    assert await queue.announce(registry, NOW) == 1
    assert (failing.heard, well.heard) == ([("EIA/2026/MUM/00000017", "AIFTA")],) * 2
    assert (await row())["told_at"] is None
    assert "failing" in (await row())["last_error"]
    assert await queue.announce(registry, NOW + timedelta(minutes=10)) == 1
    assert (len(failing.heard), (await row())["told_at"]) == (2, NOW + timedelta(minutes=10))
    assert await queue.announce(registry, NOW + timedelta(days=1)) == 0


async def test_a_listener_that_never_gets_well_is_left_after_some_tries(announced):
    registry = Registry(failing=Listener(RuntimeError("gone"), times=10_000))
    rounds = [await queue.announce(registry, NOW + timedelta(days=day)) for day in range(40)]
    assert 3 <= sum(rounds) < 40
    assert rounds[-1] == 0


async def test_what_is_announced_fits_the_hooks_that_listen():
    """Every topic that the engine writes is a hook, and no built-in listens to one that is never told."""
    assert [load().listeners(topic) for topic in ("coo_application_filed", "coo_certificate_issued", "coo_certificate_superseded")] == [
        []
    ] * 3
