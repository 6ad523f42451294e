"""The books of three offices and two firms, in an empty database of each kind."""

import pytest

from engine.store.engines import Engine
from tests.money.ledger.desk import Desk, make_desk


@pytest.fixture
async def desk(built_database: Engine) -> Desk:
    """Two offices of one agency and one of another, with nothing in their books."""
    return await make_desk()
