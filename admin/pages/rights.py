"""What a person of an exporter or a broker may do with a right: whose things they touch with it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request

from admin.parts import site_of
from admin.persons import person_of
from engine.errors import Forbidden
from engine.people.access import RoleKind
from engine.people.firms import rights_granted
from engine.scope import Scope

__all__ = ["FIRMS", "firms_with", "has_right", "scope_with"]

FIRMS = (RoleKind.EXPORTER, RoleKind.BROKER)
_DOES = {
    "see": "see what the firm filed and paid",
    "submit": "file and withdraw applications",
    "pay": "pay, or ask about payments",
}


async def scope_with(request: Request[Any, Any, Any], right: str) -> Scope:
    """What the person may touch with that right: of a broker's person, the exporters that grant the broker the right too.

    Staff of an agency and the desk have the scope of their role. Raises Forbidden for a person of a firm without the right.
    """
    person = person_of(request)
    role = person.role
    if role is None or role.kind not in FIRMS:
        return person.scope
    if right not in role.rights:
        say = f"You may not {_DOES[right]} here: your firm did not give you the right {right!r}. Ask whoever manages its persons."
        raise Forbidden(say, code="right")
    if role.broker_id is None:
        return role.scope
    granted = await _granted(request, role.broker_id)
    return Scope.broker(frozenset(exporter for exporter, rights in granted.items() if right in rights))


async def has_right(request: Request[Any, Any, Any], right: str, exporter_id: UUID) -> bool:
    """Whether a page offers this person an act for that firm: the act itself asks again."""
    try:
        return exporter_id in (await scope_with(request, right)).exporter_ids
    except Forbidden:
        return False


async def firms_with(request: Request[Any, Any, Any], right: str) -> frozenset[UUID]:
    """The firms for which the person has that right; empty if there are none."""
    try:
        return (await scope_with(request, right)).exporter_ids
    except Forbidden:
        return frozenset()


async def _granted(request: Request[Any, Any, Any], broker_id: UUID) -> Mapping[UUID, frozenset[str]]:
    return await rights_granted(broker_id, site_of(request).clock.now())
