"""The headers of every answer, also of errors and static files, and the id that names a request in logs and answers.

One hook writes them all, so that no page can forget one. An answer that says nothing about caching is not to be kept:
most of what we answer is about somebody.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from litestar.types import BeforeMessageSendHookHandler, Message, Scope

__all__ = ["request_id", "security_headers"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_ALWAYS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    # Our own forms must still send their Origin; another host must not learn the code in an address.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-robots-tag": "noindex, nofollow",
    "cache-control": "no-store",
}
_INDEXED = frozenset({"/", "/verify"})


def request_id(scope: Any) -> str:
    """The id of this request: 16 hex digits, made when first asked for; never taken from the caller."""
    state: dict[str, Any] = scope.setdefault("state", {})
    found: str = state.get("request_id") or state.setdefault("request_id", secrets.token_hex(8))
    return found


def security_headers(*, tls: bool) -> BeforeMessageSendHookHandler:
    """The hook that completes the headers of an answer; `tls` adds the promise never to be asked without it."""
    always = {**_ALWAYS, **({"strict-transport-security": "max-age=31536000"} if tls else {})}
    ready = [(name.encode(), value.encode()) for name, value in always.items()]
    page_only = {b"x-robots-tag"}

    async def complete(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        headers = list(message["headers"])
        present = {name.lower() for name, _ in headers}
        left_out = page_only if scope["path"] in _INDEXED else frozenset()
        headers += [header for header in ready if header[0] not in present and header[0] not in left_out]
        headers.append((b"x-request-id", request_id(scope).encode()))
        message["headers"] = headers

    return complete
