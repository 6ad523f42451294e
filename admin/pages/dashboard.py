"""My Dashboard: what waits for the person, and where to go in the role they act in."""

from typing import Any

from litestar import Request, get
from litestar.response import Response

from admin.pages.rendering import page
from admin.persons import person_of
from engine.people.changes import count_to_decide

__all__ = ["dashboard"]


@get("/", include_in_schema=False)
async def dashboard(request: Request[Any, Any, Any]) -> Response[Any]:
    """The first page after signing in."""
    person = person_of(request)
    return page(request, "dashboard.html", to_decide=await count_to_decide(person))
