"""Applications that are filed at a demonstration site, and the scopes of those who ask."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine.application import Application
from engine.filing import Draft, open_draft
from engine.money import file
from engine.scope import PLATFORM

Filing = Callable[[Application], Awaitable[Draft]]


@pytest.fixture
def filed(walk: Any) -> Filing:
    """Files an application and gives its row."""

    async def act(application: Application) -> Draft:
        at = walk.clock.now()
        draft = await open_draft(PLATFORM, application, actor="test", at=at)
        return (await file(PLATFORM, draft.reference, registry=walk.site.registry, actor="test", at=at)).draft

    return act
