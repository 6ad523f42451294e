"""The outbox of a demonstration site as a page: what would lie in people's mailboxes. Elsewhere there is no such page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from litestar import Request, get
from litestar.exceptions import NotFoundException
from litestar.response import Response

from admin.pages.rendering import page
from admin.parts import site_of
from engine.mail import FileOutbox, outbox_of

__all__ = ["outbox"]

_MOST = 50
_ADDRESS = re.compile(r"https?://[^\s<>\"'`\\]+")
_AFTER = ".,;:!?)]}"  # what follows an address in a sentence and is not of it


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a letter's text; `href` is where it leads, if it may."""

    text: str
    href: str = ""


@get("/dev/outbox", include_in_schema=False)
async def outbox(request: Request[Any, Any, Any]) -> Response[str]:
    """The newest letters of a demonstration; 404 on any other site, as for an address that does not exist."""
    config = site_of(request).config
    if not config.site.demo or not _from_here(request):
        raise NotFoundException
    posted = await FileOutbox(outbox_of(config)).newest(_MOST + 1)
    letters = [(each, list(_pieces(each.text, config.site.public_url))) for each in posted[:_MOST]]
    return page(request, "outbox.html", letters=letters, most=_MOST, more=len(posted) > _MOST, by_smtp=bool(config.mail.url))


def _from_here(request: Request[Any, Any, Any]) -> bool:
    """Whether this machine itself asks: letters carry links that open accounts."""
    client = request.scope.get("client")
    return client is not None and client[0] in {"127.0.0.1", "::1"}


def _pieces(text: str, ours: str) -> Iterator[_Piece]:
    """The text in stretches; only an address on our own host leads anywhere."""
    end = 0
    for found in _ADDRESS.finditer(text):
        address = found[0].rstrip(_AFTER)
        if address == ours or address.startswith(f"{ours}/"):
            yield _Piece(text[end : found.start()])
            yield _Piece(address, address)
            end = found.start() + len(address)
    yield _Piece(text[end:])
