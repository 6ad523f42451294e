"""The seal of our own forms: what a page's form sends back must have come from this site, from this browser, from this host.

A random token travels twice, as a cookie and as a hidden field; both must carry our HMAC and be equal. Litestar's own middleware answers 500 to a token that is a file or has a letter beyond ASCII,
and sets its cookie on every answer; ours is set by pages with a form alone.
"""

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Any

from litestar.connection import Request
from litestar.datastructures import Cookie

__all__ = ["FIELD", "FormSeal"]

FIELD = "_csrf_token"
_LENGTH = 32 + 64  # 128 random bits and an HMAC-SHA256, in hex


class FormSeal:
    """Makes and judges the tokens of one site. `key` must be the same in all its processes."""

    def __init__(self, key: bytes, *, tls: bool) -> None:
        self._key = key
        self.tls = tls
        self.cookie_name = "__Host-form" if tls else "form"

    @classmethod
    def of_site(cls, key_file: Path, *, tls: bool) -> "FormSeal":
        """The seal whose key is derived from the site's key file: nothing secret stands in code or configuration."""
        return cls(hmac.digest(key_file.read_bytes(), b"ecoo form seal 1", "sha256"), tls=tls)

    def new(self) -> str:
        """A fresh token."""
        nonce = secrets.token_hex(16)
        return nonce + self._mac(nonce)

    def is_ours(self, token: object) -> bool:
        """Whether the token was made here, whatever it is."""
        if not isinstance(token, str) or len(token) != _LENGTH or not token.isascii():
            return False
        return hmac.compare_digest(token[32:], self._mac(token[:32]))

    def token_for(self, request: Request[Any, Any, Any]) -> tuple[str, Cookie | None]:
        """The token of this browser, and the cookie to set if it has none yet."""
        known = request.cookies.get(self.cookie_name)
        if known is not None and self.is_ours(known):
            return known, None
        token = self.new()
        cookie = Cookie(key=self.cookie_name, value=token, path="/", secure=self.tls, httponly=True, samesite="strict")
        return token, cookie

    def _mac(self, nonce: str) -> str:
        return hmac.new(self._key, nonce.encode(), hashlib.sha256).hexdigest()
