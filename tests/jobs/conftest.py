"""A database of each kind with all tables."""

import pytest

from engine.store.engines import Engine


@pytest.fixture
async def database(built_database: Engine) -> Engine:
    return built_database
