"""The home page, and the picture in the browser's tab."""

from importlib.resources import files
from typing import Any

from litestar import Request, get
from litestar.response import Response

from admin.pages.rendering import page

__all__ = ["home", "icon"]


@get("/", include_in_schema=False)
async def home(request: Request[Any, Any, Any]) -> Response[str]:
    """What this is, and the way to verification."""
    return page(request, "home.html")


@get(["/favicon.ico", "/favicon.svg"], include_in_schema=False)
async def icon() -> Response[bytes]:
    """The same drawing under both names that browsers ask for."""
    drawing = (files("admin") / "static" / "favicon.svg").read_bytes()
    return Response(drawing, media_type="image/svg+xml", headers={"cache-control": "public, max-age=86400"})
