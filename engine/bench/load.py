"""Asks a server on this machine as fast as it answers, for a bounded time: by wrk where it is installed, else by our own client.

Both keep sixteen connections busy with one request each, from one thread, over a list of paths in random order.
"""

import asyncio
import random
import re
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from engine.errors import PluginError

__all__ = ["Load", "client", "load"]

_CONNECTIONS = 16
_LUA = """\
local paths = {}
for path in io.lines("%s") do paths[#paths + 1] = path end
request = function() return wrk.format("GET", paths[math.random(#paths)]) end
"""
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True, slots=True)
class Load:
    """Answers a second, and how long half and all but one in a hundred took, in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


def client() -> str:
    """Who asks: wrk, or our own client, which is slower than a fast server and so flatters a slow one a little."""
    return "wrk" if shutil.which("wrk") else "asyncio"


def load(port: int, paths: Sequence[str], *, key: str | None, seconds: float, folder: Path) -> Load:
    """Asks 127.0.0.1 for these paths. Raises PluginError if an answer was anything but 200."""
    wrk = shutil.which("wrk")
    return _by_wrk(wrk, port, paths, key, seconds, folder) if wrk else _by_ourselves(port, paths, key, seconds)


def _by_wrk(wrk: str, port: int, paths: Sequence[str], key: str | None, seconds: float, folder: Path) -> Load:
    (folder / "paths.txt").write_text("\n".join(paths), encoding="ascii")
    (folder / "ask.lua").write_text(_LUA % (folder / "paths.txt"), encoding="utf-8")
    command = [wrk, "-t1", f"-c{_CONNECTIONS}", f"-d{max(1, round(seconds))}s", "--latency", "-s", str(folder / "ask.lua")]
    if key:
        command += ["-H", f"Authorization: Bearer {key}"]
    said = subprocess.run([*command, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    if wrong := re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", said):
        raise PluginError(f"The server did not answer everything: {wrong[0]}.")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if rate is None:
        raise PluginError(f"wrk said something else than its figures: {said[:200]}")
    return Load(float(rate[1]), _share(said, "50%"), _share(said, "99%"))


def _share(said: str, name: str) -> float:
    found = re.search(rf"{name}\s+([\d.]+)(us|ms|s)", said)
    return float(found[1]) * _UNITS[found[2]] if found else 0.0


def _by_ourselves(port: int, paths: Sequence[str], key: str | None, seconds: float) -> Load:
    extra = f"Authorization: Bearer {key}\r\n" if key else ""
    asks = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{extra}\r\n".encode("ascii") for path in paths]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        took = runner.run(_ask_for(port, asks, seconds))
    if not took:
        raise PluginError("The server answered nothing.")
    ordered = sorted(took)
    return Load(len(took) / seconds, statistics.median(ordered) * 1e3, ordered[len(ordered) * 99 // 100] * 1e3)


async def _ask_for(port: int, asks: Sequence[bytes], seconds: float) -> list[float]:
    loop, took, wrong = asyncio.get_running_loop(), list[float](), list[str]()
    end = time.perf_counter() + seconds
    opened = [
        await loop.create_connection(lambda: _Asker(asks, end, took, wrong, loop.create_future()), "127.0.0.1", port)
        for _ in range(_CONNECTIONS)
    ]
    await asyncio.wait_for(asyncio.gather(*(asker.over for _, asker in opened)), seconds + 30)
    if wrong:
        raise PluginError(f"The server did not answer everything: {wrong[0]}.")
    return took


class _Asker(asyncio.Protocol):
    """One connection: asks, waits for the whole answer, asks again until the time is over."""

    def __init__(self, asks: Sequence[bytes], end: float, took: list[float], wrong: list[str], over: "asyncio.Future[None]") -> None:
        self._asks, self._end, self._took, self._wrong, self.over = asks, end, took, wrong, over
        self._answer = b""
        self._since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks the first time."""
        self._transport: asyncio.WriteTransport = transport  # type: ignore[assignment]  # a TCP connection can write
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Looks whether the answer is whole."""
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found or len(body) < _length(head):
            return
        now = time.perf_counter()
        self._took.append(now - self._since)
        if not head.startswith(b"HTTP/1.1 200"):
            self._wrong.append(head.split(b"\r\n", 1)[0].decode("latin-1"))
        self._answer = b""
        if now < self._end and not self._wrong:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, wanted or not."""
        if exc is not None or (time.perf_counter() < self._end and not self._wrong):
            self._wrong.append(f"the connection was lost ({exc})")
        if not self.over.done():
            self.over.set_result(None)

    def _ask(self) -> None:
        self._since = time.perf_counter()
        self._transport.write(random.choice(self._asks))  # noqa: S311  # nobody guesses which certificate is asked for


def _length(head: bytes) -> int:
    """How long the body is; our servers always say so."""
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return int(found[1]) if found else 0
