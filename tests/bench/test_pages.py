"""The pages measured on a full site: every page is found, and none is left out in silence."""

import asyncio
import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.bench import pages
from engine.bench.filling import Sizes
from engine.bench.pages import GOAL_MS, PageTime, PageTimes, measure_pages
from engine.config import Config
from engine.people.access import RoleKind

SMALL = Sizes(agencies=3, offices=10, officers=10, exporters=20, entries=60, orders=300)


@pytest.fixture(scope="module")
def times() -> PageTimes:
    """One small run, in a thread of its own, for it brings its own event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(measure_pages, Config(Path("engine.toml")), rounds=1, sizes=SMALL).result()


def test_every_page_is_measured_or_named(times: PageTimes) -> None:
    from admin.app import create_app

    known = set(pages._pages_of(create_app(Config(Path("engine.toml")), work=False)))
    measured = {each.path.partition("?")[0] for each in times.pages}
    assert known == measured | set(times.closed)
    assert measured & set(times.closed) == set()
    assert {"/audit", "/keys", "/changes", "/dashboard", "/account", "/verify", "/changes/{change}"} <= measured


def test_every_role_is_asked_as(times: PageTimes) -> None:
    assert {each.role for each in times.pages} == {"nobody", "signing in", *map(str, RoleKind)}
    by_role = {role: {each.path for each in times.pages if each.role == role} for role in ("nobody", "administrator", "exporter")}
    assert "/audit" in by_role["administrator"]
    assert "/audit" not in by_role["exporter"] | by_role["nobody"]


def test_no_page_of_the_full_site_goes_wrong(times: PageTimes) -> None:
    assert {path: why for path, why in times.closed.items() if why.startswith("answers 5")} == {}


def test_the_slowest_stands_first_and_is_held_against_the_goal(times: PageTimes) -> None:
    told = times.as_json()
    medians = [each["median_ms"] for each in told["pages"]]
    assert medians == sorted(medians, reverse=True)
    slow = PageTimes([PageTime("/slow", "officer", GOAL_MS, 1, 99, 1)], {"/shut": "answers 404"})
    assert [each.met for each in slow.figures] == [False]
    assert "MISSED" in slow.plain()
    assert "/shut" in slow.plain()
    quick = PageTimes([PageTime("/quick", "officer", GOAL_MS - 1, 1, 99, 1)], {})
    assert [each.met for each in quick.figures] == [True]


def test_a_page_that_only_certain_rows_open_is_measured(times: PageTimes) -> None:
    measured = {each.path for each in times.pages}
    assert {
        "/payments/{order}",
        "/payments/{order}/receipts/{receipt}",
        "/payments/refunds/{refund}",
        "/payments/review/{attempt}",
        "/wallet/{place}/{firm}",
        "/offices/{office}/wallets/{firm}",
        "/offices/{office}/settlements/{settlement}",
        "/offices/{office}/settlements/lines/{line}",
        "/applications/{application}/withdraw",
        "/pay/fees",
        "/v/{code}",
        "/dsc/{presented}",
        "/sign-in/code",
    } <= measured


async def test_a_filled_site_holds_what_it_says_and_its_chain_is_whole(tmp_path: Path) -> None:
    from engine.bench.stage import site_config
    from engine.money.ledger import check_books, journal_breaks
    from engine.money.orders.tables import OrderRow
    from engine.money.settling.tables import SettlementFileRow, SettlementLineRow
    from engine.store import connect
    from engine.store.audit import chain_breaks

    config = site_config(tmp_path / "site", Config(Path("engine.toml")))
    crowd = await pages._filled(config, SMALL)
    path = config.database.url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as filled:
        counts = {
            name: filled.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("agency", "office", "officer", "exporter")
        }
        assert filled.execute("PRAGMA foreign_key_check").fetchall() == []
    assert counts == {"agency": 3, "office": 10, "officer": 10, "exporter": 20}
    assert set(crowd.accounts) == set(RoleKind)
    database = await connect(config.database.url)
    try:
        assert await asyncio.wait_for(chain_breaks(), 60) == []
        assert await check_books(None, None) == []
        assert await journal_breaks() == []
        sold = {row["state"] for row in await OrderRow.select(OrderRow.state)}
        assert sold == {"open", "paid", "expired", "cancelled"}
        assert await SettlementLineRow.count() > await SettlementFileRow.count() > 0
    finally:
        await database.close()
