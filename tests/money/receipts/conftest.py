"""The till, in an empty database of each kind."""

from pathlib import Path

import pytest

from engine.application import Application
from engine.store import SecretBox
from engine.store.engines import Engine
from tests.money.till import Till, make_till


@pytest.fixture
async def till(built_database: Engine, application: Application, tmp_path: Path) -> Till:
    """Two offices that take payments, and a firm that owes."""
    return await make_till(SecretBox.open(tmp_path / "keys", create=True), application)
