"""The options that most commands share, and opening the site they name."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import Parameter

from engine import config as configuration
from engine import log
from engine.cli.output import say
from engine.config import Config

__all__ = ["ConfigOption", "JsonOption", "run_async", "site_config"]

ConfigOption = Annotated[Path | None, Parameter(name="--config", help="The site's engine.toml; else ECOO_CONFIG, else ./engine.toml.")]
JsonOption = Annotated[bool, Parameter(name="--json", negative=(), help="Print exactly one JSON object on stdout, also on failure.")]

T = TypeVar("T")


def site_config(path: Path | None) -> Config:
    """The configuration of the site, with logging set up."""
    config = configuration.load(path)
    log.set_up(config.log.level)
    return config


async def _make_demo(config: Config) -> None:
    from engine.demo import ensure_demo  # it needs every room, and most commands do not

    if await ensure_demo(config):
        say(f"Made the demonstration site in {config.folder}.")


def run_async(config: Config, act: Callable[[], Awaitable[T]]) -> T:
    """Runs the act in a loop of its own; a demonstration site that is absent is made first."""

    async def whole() -> T:
        if config.site.demo:
            await _make_demo(config)
        return await act()

    return asyncio.run(whole())
