"""A database of each kind with all tables."""

import pytest

from engine import schema
from engine.store.engines import Engine


@pytest.fixture
async def database(empty_database: Engine) -> Engine:
    await schema.build()
    return empty_database
