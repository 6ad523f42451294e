"""A server on a port of this machine, for what is asked over real HTTP; what answers there is put there by each test. And an application
between its start and its stop, for whoever asks it in this loop."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import uvicorn

__all__ = ["Socket", "listening", "running"]


@dataclass
class Socket:
    """A server on a port of its own; what answers there is whatever registry was put there last."""

    address: str
    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)


@contextlib.contextmanager
def listening() -> Iterator[Socket]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    served = Socket(f"http://127.0.0.1:{listener.getsockname()[1]}")
    config = uvicorn.Config(served, lifespan="off", log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive()


@contextlib.asynccontextmanager
async def running(app: Any) -> AsyncIterator[None]:
    """The application between start and stop, in one task of its own: a fixture begins and ends in two."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await stop.wait()

    task = asyncio.create_task(live())
    task.add_done_callback(lambda _: started.set())
    await started.wait()
    try:
        if not task.done():
            yield
    finally:
        stop.set()
        await task
