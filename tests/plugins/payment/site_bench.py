"""The real application on a port of its own, in the loop of who asks for it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import uvicorn

from admin.app import create_app
from engine.config import Config
from engine.site import Site
from tests.clocks import StillClock
from tests.sockets import running

__all__ = ["served"]


class _Quiet(uvicorn.Server):
    """A server that leaves the process's signals alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(config: Config, clock: StillClock) -> AsyncIterator[tuple[Site, str]]:
    """The real application on a port of its own, in this loop, and the site that it opened."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = create_app(replace(config, site=replace(config.site, public_url=base)), clock=clock, work=False)
    server = _Quiet(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=5))
    async with running(app):
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield app.state["parts"].site, base
        finally:
            server.should_exit = True
            await serving
