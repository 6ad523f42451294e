"""Counts tries in windows of a minute, so that one address cannot ask without end.

A request only touches memory; about once a second what was counted goes into `store_try_count`, and what the other
processes counted comes back. So a limit holds over all processes within a second, and no request waits for a write.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any

from litestar.connection import ASGIConnection

from engine.clock import Clock
from engine.errors import EngineError, TooMany
from engine.store import uow
from engine.store.tables import TryCount

__all__ = ["Limits", "address_of"]

_log = logging.getLogger(__name__)

EVERYBODY = "*"
_WINDOW_S = 60
_FLUSH_S = 1.0
_KEPT_FOR = timedelta(minutes=10)
_MOST_SUBJECTS = 50_000  # of one window; beyond it the count of everybody together still holds
_MOST_ROWS = 300  # written in one go, the busiest first


@dataclass(slots=True)
class _Count:
    """Tries of one subject in one window: those of this process not yet written, and those known of all processes."""

    fresh: int = 0
    known: int = 0


class Limits:
    """The counters of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._window = 0
        self._counts: dict[tuple[str, str], _Count] = {}
        self._swept = 0

    def hit(self, name: str, subject: str, per_minute: int) -> None:
        """Counts a try. Raises TooMany, saying when to come back, once there were more than `per_minute` in this minute."""
        second = int(self._clock.now().timestamp())
        if second // _WINDOW_S != self._window:
            self._window, self._counts = second // _WINDOW_S, {}
        count = self._counts.get((name, subject))
        if count is None:
            if len(self._counts) >= _MOST_SUBJECTS and subject != EVERYBODY:
                return
            count = self._counts[(name, subject)] = _Count()
        count.fresh += 1
        if count.fresh + count.known > per_minute:
            raise TooMany("That was too often in one minute. Wait a little, then try again.", retry_after_s=_WINDOW_S - second % _WINDOW_S)

    async def flush(self) -> None:
        """Writes what is fresh and learns what other processes counted."""
        window, counts = self._window, self._counts
        fresh = sorted(((count.fresh, key) for key, count in counts.items() if count.fresh), reverse=True)[:_MOST_ROWS]
        if not fresh:
            return
        at = datetime.fromtimestamp(window * _WINDOW_S, UTC)
        totals: dict[tuple[str, str], tuple[int, int]] = {}
        async with uow():
            if self._swept != window:
                await TryCount.delete().where(TryCount.window_at < at - _KEPT_FOR)
            for number, key in fresh:
                totals[key] = (number, await _add(*key, at, number))
        self._swept = window
        for key, (written, total) in totals.items():
            counts[key].fresh -= written
            counts[key].known = total

    @asynccontextmanager
    async def sharing(self, *others: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Flushes about once a second while the block runs, and a last time at its end; `others` keep what they noted too."""
        ending = asyncio.Event()
        task = asyncio.create_task(self._share(ending, others), name="limits")
        try:
            yield
        finally:
            ending.set()
            await task

    async def _share(self, ending: asyncio.Event, others: Sequence[Callable[[], Awaitable[None]]]) -> None:
        while not ending.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH_S):
                    await ending.wait()
            for flush in (self.flush, *others):
                await _try(flush)  # never cut off between what it wrote and what it remembers of it
        for flush in (self.flush, *others):
            await _try(flush)


async def _try(flush: Callable[[], Awaitable[None]]) -> None:
    try:
        await flush()
    except EngineError as error:  # kept in memory meanwhile; written with the next second
        _log.warning("what was counted was not written: %s", error.say)


async def _add(name: str, subject: str, at: datetime, number: int) -> int:
    """Adds to a row and gives its new count."""
    mine = (TryCount.name == name, TryCount.subject == subject, TryCount.window_at == at)
    for _ in range(2):
        changed = await TryCount.update({TryCount.tries: TryCount.tries + number}).where(*mine).returning(TryCount.tries)
        if changed:
            return int(changed[0]["tries"])
        row = TryCount(name=name, subject=subject, window_at=at, tries=0)
        await TryCount.insert(row).on_conflict(target=(TryCount.name, TryCount.subject, TryCount.window_at), action="DO NOTHING")
    return number


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Whom a try is counted for: the caller's address; of an IPv6 one its /64, which one household holds."""
    client = connection.scope.get("client")
    return _counted(client[0]) if client else "unknown"


@lru_cache(maxsize=4096)
def _counted(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host[:120]
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)
