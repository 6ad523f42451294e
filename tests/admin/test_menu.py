"""The menu of each role leads to pages that the role may enter, and to no others."""

import re
from typing import Any

import httpx
import pytest

from admin.menu import _MENUS
from engine.people.access import RoleKind
from tests.admin.test_who_may_enter import TABLE
from tests.admin.world import World


@pytest.mark.parametrize("role", list(RoleKind))
def test_every_entry_leads_to_a_page_of_the_role(role: RoleKind) -> None:
    for entry in _MENUS[role]:
        assert str(role) in TABLE[f"GET {entry.path}"].split(), f"{role} is led to {entry.path}"


def test_every_role_has_a_menu() -> None:
    assert set(_MENUS) == set(RoleKind)


async def test_the_dashboard_counts_what_waits_for_a_decision(stranger: httpx.AsyncClient, world: World, clock: Any) -> None:
    """The world has a request and a change of another administrator's that wait."""
    for role, wanted in ((RoleKind.ADMINISTRATOR, "/users/requests"), (RoleKind.PLATFORM, "/desk/requests")):
        await world.enter(stranger, role, clock.now())
        shown = (await stranger.get("/dashboard", headers={"accept": "text/html"})).text
        assert re.search(rf'href="{wanted}"><strong>[0-9]+ requests?</strong>', shown), role
    await world.enter(stranger, RoleKind.OFFICER, clock.now())
    assert "to be registered" not in (await stranger.get("/dashboard", headers={"accept": "text/html"})).text
