"""The menu of each role leads to pages that the role may enter, and to no others."""

import pytest

from admin.menu import _MENUS
from engine.people.access import RoleKind
from tests.admin.test_who_may_enter import TABLE


@pytest.mark.parametrize("role", list(RoleKind))
def test_every_entry_leads_to_a_page_of_the_role(role: RoleKind) -> None:
    for entry in _MENUS[role]:
        assert str(role) in TABLE[f"GET {entry.path}"].split(), f"{role} is led to {entry.path}"


def test_every_role_has_a_menu() -> None:
    assert set(_MENUS) == set(RoleKind)
