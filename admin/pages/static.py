"""The stylesheet and the script: a handful of files of ours, by name. Nothing a client sends becomes a path."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Response

__all__ = ["asset"]

_MEDIA = {"app.css": "text/css", "app.js": "text/javascript", "favicon.svg": "image/svg+xml"}


@cache
def _read(name: str) -> tuple[bytes, str]:
    data = (files("admin") / "static" / name).read_bytes()
    return data, f'"{hashlib.sha256(data).hexdigest()[:32]}"'


@get("/static/{name:str}", include_in_schema=False)
async def asset(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """One file, with a tag by which a browser need not ask for it twice."""
    if name not in _MEDIA:
        raise NotFoundException
    data, tag = _read(name)
    headers = {"cache-control": "public, max-age=86400", "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, media_type=_MEDIA[name], headers=headers)
    return Response(data, media_type=_MEDIA[name], headers=headers)
