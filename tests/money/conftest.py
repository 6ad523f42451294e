"""Applications that are filed at a demonstration site, and the scopes of those who ask."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engine import registry
from engine.application import Application
from engine.filing import Draft, open_draft
from engine.money import file
from engine.scope import PLATFORM
from engine.store import SecretBox
from engine.store.engines import Engine
from tests.money.bureau import Bureau, make_bureau

Filing = Callable[[Application], Awaitable[Draft]]


@pytest.fixture
def filed(walk: Any) -> Filing:
    """Files an application and gives its row."""

    async def act(application: Application) -> Draft:
        at = walk.clock.now()
        draft = await open_draft(PLATFORM, application, actor="test", at=at)
        return (await file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=at)).draft

    return act


@pytest.fixture(scope="session")
def gateways() -> registry.Registry:
    """The plugins of the house, without a site."""
    return registry.load()


@pytest.fixture
async def bureau(built_database: Engine, gateways: registry.Registry, tmp_path: Path) -> Bureau:
    """Two agencies with offices and administrators, in an empty database of each kind."""
    return await make_bureau(gateways, SecretBox.open(tmp_path / "keys", create=True))
