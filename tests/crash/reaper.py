"""Kills its own process at a boundary that a test names: at a statement, before or after a COMMIT, before or after a gateway is asked."""

import os
import signal
from typing import Any

import asyncpg
from piccolo.engine.postgres import PostgresTransaction
from piccolo.engine.sqlite import SQLiteTransaction

from engine.money.gateways import HttpLine
from engine.store import engines

__all__ = ["BOUNDARIES", "Reaper"]

BOUNDARIES = ("statement", "before commit", "after commit", "before asking", "after asking")


class Reaper:
    """Armed, it counts the boundaries of one kind that this process passes, and kills it as kill -9 does at the one that was named."""

    def __init__(self) -> None:
        self._boundary, self._left = "", 0
        for kind, name in ((engines.WalSQLite, "_run_in_existing_connection"), (asyncpg.Connection, "fetch")):
            self._watch(kind, name, "statement", "")
        for kind in (SQLiteTransaction, PostgresTransaction):
            self._watch(kind, "commit", "before commit", "after commit")
        self._watch(HttpLine, "_ask", "before asking", "after asking")

    def arm(self, boundary: str, number: int) -> None:
        """From now on the `number`th passage of that boundary is the last thing this process does."""
        self._boundary, self._left = boundary, number

    def pass_by(self, boundary: str) -> None:
        """One passage."""
        if boundary and boundary == self._boundary:
            self._left -= 1
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def _watch(self, kind: Any, name: str, before: str, after: str) -> None:
        real = getattr(kind, name)

        async def run(*args: Any, **kwargs: Any) -> Any:
            self.pass_by(before)
            answer = await real(*args, **kwargs)
            self.pass_by(after)
            return answer

        setattr(kind, name, run)
