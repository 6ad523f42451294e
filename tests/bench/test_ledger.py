"""The ledger measured: every figure is there, and what misses its goal says so."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.bench.ledger import LedgerFigures, LedgerSizes, measure_ledger

SMALL = LedgerSizes(processes=2, offices=2, wallets=2, transfers=10, lines=120)


@pytest.fixture(scope="module")
def figures() -> LedgerFigures:
    """One small run, in a thread of its own, for it brings its own event loops."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(measure_ledger, rounds=1, sizes=SMALL).result()


def test_a_small_run_gives_every_figure(figures: LedgerFigures) -> None:
    told = json.loads(json.dumps(figures.as_json()))
    assert set(told["page_ms"]) == {"PostgreSQL", "SQLite"}
    for name in ("transfers_per_second", "transfers_per_second_one_office", "plain_per_second", "ratio"):
        assert told[name] > 0
    assert set(told["goals"]) == {"ledger_ratio", "page_ms_PostgreSQL", "page_ms_SQLite"}
    assert "transfers of the ledger" in figures.table()


def test_the_ratio_is_that_of_the_rounds_and_held_against_its_goal() -> None:
    slow = LedgerFigures([10, 30], [1, 1], [100, 100], {"SQLite": [1, 60]}, 100)
    assert [(figure.value, figure.met) for figure in slow.figures] == [(0.2, False), (60, False)]
    assert slow.table().count("MISSED") == 2
    quick = LedgerFigures([25], [1], [100], {"SQLite": [49]}, 100)
    assert [figure.met for figure in quick.figures] == [True, True]
