"""The headers of every answer, also of errors and static files, and the id that names a request in logs and answers.

One hook writes them all, so that no page can forget one. An answer that says nothing about caching is not to be kept:
most of what we answer is about somebody.
"""

import os
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from litestar.types import BeforeMessageSendHookHandler, Message, Scope

__all__ = ["policy_with_form", "request_id", "security_headers"]

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
# What the API answers is no page: it loads nothing, opens nothing and sends nobody anywhere (OWASP REST Security sheet).
_OF_API: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_API = "/api/"
_INDEXED = frozenset({"/", "/verify"})


def policy_with_form(origin: str) -> Mapping[str, str]:
    """The policy of a page one of whose forms goes to that origin, such as https://pay.example.in, and to no other."""
    return {"content-security-policy": _POLICY.replace("form-action 'self'", f"form-action 'self' {origin}")}


def request_id(scope: Any) -> str:
    """The id of this request: 16 hex digits, made when first asked for; never taken from the caller."""
    state: dict[str, Any] = scope.setdefault("state", {})
    found: str = state.get("request_id") or state.setdefault("request_id", os.urandom(8).hex())
    return found


def security_headers(*, tls: bool) -> BeforeMessageSendHookHandler:
    """The hook that completes the headers of an answer; `tls` adds the promise never to be asked without it."""
    promise = {"strict-transport-security": "max-age=31536000"} if tls else {}
    of_pages, of_api = _Ready.of({**_ALWAYS, **promise}), _Ready.of({**_OF_API, **promise})
    page_only = {b"x-robots-tag"}

    async def complete(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start":
            return
        path = scope["path"]
        ready = of_api if path.startswith(_API) else of_pages
        said = list(message["headers"])
        left_out = {name.lower() for name, _ in said}
        if path in _INDEXED:
            left_out |= page_only
        message["headers"] = [*said, *ready.without(left_out), (b"x-request-id", request_id(scope).encode())]

    return complete


@dataclass(frozen=True, slots=True)
class _Ready:
    """Headers as they go out."""

    names: frozenset[bytes]
    headers: Sequence[tuple[bytes, bytes]]

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "_Ready":
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        return cls(frozenset(name for name, _ in encoded), encoded)

    def without(self, names: Set[bytes]) -> Sequence[tuple[bytes, bytes]]:
        """All but those of these names."""
        return self.headers if self.names.isdisjoint(names) else [header for header in self.headers if header[0] not in names]
