"""Each SQL statement and each COMMIT made to fail in turn while a success is heard: afterwards all of it is there, or nothing."""

import os
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from piccolo.engine.postgres import PostgresTransaction
from piccolo.engine.sqlite import SQLiteTransaction

from engine.errors import EngineError
from engine.money.orders import OrderState, open_top_up
from engine.money.paying import pay_by_wallet
from engine.store import engines
from tests.money.till import Till, signed

PROVE = os.environ.get("ECOO_PROVE") == "1"
EVERY = {"sqlite": 1, "postgres": 1 if PROVE else 4}


class Saboteur:
    """Counts the statements that reach the database and breaks one of them; a COMMIT also after it took effect."""

    def __init__(self, patch: pytest.MonkeyPatch, failure: Callable[[], Exception]) -> None:
        self.seen, self.at, self._failure, self._patch = 0, 0, failure, patch

    def watch(self, kind: type[Any], name: str, *, also_after: bool = False) -> None:
        real = getattr(kind, name)

        async def run(*args: Any, **kwargs: Any) -> Any:
            self.count()
            answer = await real(*args, **kwargs)
            if also_after:
                self.count()
            return answer

        self._patch.setattr(kind, name, run)

    def count(self) -> None:
        self.seen += 1
        if self.seen == self.at:
            raise self._failure()

    def arm(self, at: int) -> None:
        self.seen, self.at = 0, at


@pytest.fixture
def saboteur(monkeypatch: pytest.MonkeyPatch, till: Till, request: pytest.FixtureRequest) -> Saboteur:
    if request.node.callspec.params["database_url"] == "sqlite":
        made = Saboteur(monkeypatch, lambda: sqlite3.OperationalError("disk I/O error"))
        for name in ("_run_in_existing_connection", "_run_in_new_connection"):
            made.watch(engines.WalSQLite, name)
        made.watch(SQLiteTransaction, "commit", also_after=True)
        return made
    made = Saboteur(monkeypatch, lambda: asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"))
    made.watch(asyncpg.Connection, "fetch")
    made.watch(PostgresTransaction, "commit", also_after=True)
    return made


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["fees", "excess", "top_up", "review"])
async def test_whichever_statement_fails_a_message_is_heard_whole_or_not_at_all(
    till: Till, saboteur: Saboteur, what: str, request: pytest.FixtureRequest
) -> None:
    step = EVERY[request.node.callspec.params["database_url"]]
    body = await said(till, what)
    saboteur.arm(0)
    before = await till.counted()
    saboteur.arm(0)
    await till.notice(body)
    statements = saboteur.seen
    whole = difference(before, await till.counted())
    assert statements > 15
    for number in range(1, statements + 1, step):
        saboteur.arm(0)
        body = await said(till, what)
        before = await till.counted()
        saboteur.arm(number)
        failed = await fails(lambda body=body: till.notice(body))
        broken = saboteur.seen >= number
        saboteur.arm(0)
        after = difference(before, await till.counted())
        assert failed == broken, f"statement {number} of {statements}"
        assert after in ({}, whole), f"statement {number} of {statements}: {after}"
        assert (await till.notice(body)).reply.status == 200  # the gateway sends it again
        assert difference(before, await till.counted()) == whole, f"statement {number} of {statements}"
    await till.sound()


async def test_whichever_statement_fails_the_wallet_pays_whole_or_not_at_all(
    till: Till, saboteur: Saboteur, request: pytest.FixtureRequest
) -> None:
    step = 2 * EVERY[request.node.callspec.params["database_url"]]
    await till.fund(90 * 23_600)
    first = await till.order()
    saboteur.arm(0)
    await pay_by_wallet(till.scope, first.reference, actor="test", at=till.at)
    statements, paid = saboteur.seen, 1
    for number in range(1, statements + 1, step):
        saboteur.arm(0)
        order = await till.order()
        saboteur.arm(number)
        await fails(lambda order=order: pay_by_wallet(till.scope, order.reference, actor="test", at=till.at))
        saboteur.arm(0)
        again = await pay_by_wallet(till.scope, order.reference, actor="test", at=till.at)
        paid += 1
        assert again.state is OrderState.PAID
        assert await till.available() == (90 - paid) * 23_600, f"statement {number} of {statements}"
    await till.sound()


async def said(till: Till, what: str) -> bytes:
    """A message that does one kind of thing when it is heard for the first time."""
    order = (
        await open_top_up(till.scope, till.office.id, till.firm.id, 50_000, actor="test", at=till.at)
        if what == "top_up"
        else await till.order()
    )
    attempt = await till.start(order)
    if what == "excess":
        other = await till.start(order, again=True)
        await till.notice(signed(till.told(other, txn="T0")))
    return signed(till.told(attempt, **({"amount": 1} if what == "review" else {})))


async def fails(deed: Callable[[], Awaitable[Any]]) -> bool:
    try:
        await deed()
    except (EngineError, sqlite3.Error, asyncpg.PostgresError):
        return True
    return False


def difference(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}
