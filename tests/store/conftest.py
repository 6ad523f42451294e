"""A database of each kind with all tables and triggers, and nothing in them."""

from datetime import UTC, datetime

import pytest

from engine.store.engines import Engine

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


@pytest.fixture
async def database(built_database: Engine) -> Engine:
    return built_database


@pytest.fixture
def at() -> datetime:
    return AT
