"""A start waits for what must be there and for nobody who listens; housekeeping keeps its hands off a halted site."""

import asyncio
import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest

from engine import config as configuration
from engine import rounds
from engine.config import Config
from engine.contracts.signing import SignerContext
from engine.errors import SignerUnavailable
from engine.issuing import queue
from engine.site import open_site


@pytest.fixture
def config(sites: Any, tmp_path: Path) -> Config:
    path = sites.make(tmp_path / "site")
    path.write_text(path.read_text() + "\n[drawing]\nprocesses = 1\n")
    return configuration.load(path, {})


async def test_a_listener_that_takes_its_time_does_not_hold_up_the_start(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    listening, free, started = asyncio.Event(), asyncio.Event(), []

    async def slow(*_: object) -> int:
        listening.set()
        await free.wait()
        return 0

    async def look(*_: object) -> int:
        started.append("queued")
        return 0

    monkeypatch.setattr(queue, "announce", slow)
    monkeypatch.setattr(queue, "sweep", look)
    async with asyncio.timeout(60):
        async with open_site(config, work=True):
            assert started == ["queued"]
            await listening.wait()
            free.set()


@pytest.mark.parametrize("halted", [False, True])
async def test_files_without_a_row_are_looked_after_unless_the_site_is_halted(config: Config, halted: bool) -> None:
    config = dataclasses.replace(config, site=dataclasses.replace(config.site, halted=halted))
    async with open_site(config, work=False) as site:
        orphan = await site.files.put(b"an orphan")
        place = Path(config.files.url) / "sha256" / orphan[:2] / orphan
        os.utime(place, times=(0, 0))
        await rounds._settle_files(site)
        assert place.exists() == halted
        assert await site.files.get(orphan) == b"an orphan"


async def test_a_signer_whose_device_comes_later_is_missing_until_it_says_that_it_is_there(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = []

    async def locked(self: object, ctx: SignerContext) -> None:
        contexts.append(ctx)
        raise SignerUnavailable("The token is locked.")

    async with open_site(config, work=False) as site:
        kind = type(site.registry.signer("key_file"))
    monkeypatch.setattr(kind, "open", locked)
    async with open_site(config, work=True) as site:
        assert site.signer_problems == {"key_file": "The token is locked."}
        contexts[-1].wake()
        assert site.signer_problems == {}
