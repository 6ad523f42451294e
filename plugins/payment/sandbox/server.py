"""The rehearsal server of the sandbox: what a gateway answers, by a codec of its own, over real HTTP. No money, no bank.

A plain ASGI application: `ecoo rehearsal gateway` serves it where [site] rehearsal is true. It knows the merchants it was
given, and answers the question that costs nothing. The plugin's code is not used here: a wrong plugin must fail.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from hashlib import sha256
from hmac import HMAC, compare_digest
from typing import Any
from urllib.parse import parse_qs

__all__ = ["RehearsalGateway"]

Message = MutableMapping[str, Any]
_MOST_BYTES = 64 * 1024
_PAGE = b"<!doctype html><title>TEST gateway</title><h1>TEST</h1><p>The sandbox's rehearsal server. No money moves here.</p>"


class RehearsalGateway:
    """`merchants` maps each Merchant ID to its checksum key."""

    def __init__(self, merchants: Mapping[str, str]) -> None:
        self._merchants = dict(merchants)
        self.asked = 0

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        """One request. Everything but the start and the question is not found."""
        if scope["type"] != "http":
            return
        status, kind, body = await self._answer(scope, receive)
        head = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Message, receive: Callable[[], Awaitable[Message]]) -> tuple[int, bytes, bytes]:
        match scope["method"], scope["path"]:
            case "GET", "/":
                return 200, b"text/html", _PAGE
            case "POST", "/query":
                self.asked += 1
                sent = await _body(receive)
                return (413, b"text/plain", b"ERROR|TOO_LONG") if sent is None else self._query(sent)
            case _:
                return 404, b"text/plain", b"ERROR|NOT_FOUND"

    def _query(self, sent: bytes) -> tuple[int, bytes, bytes]:
        words = parse_qs(sent.decode("ascii", "replace")).get("msg", [""])[0].split("|")
        if len(words) != 5 or words[0] != "QUERY" or not (words[3].isdigit() and len(words[3]) == 14):
            return 400, b"text/plain", b"ERROR|MALFORMED"
        _, merchant, reference, moment, claimed = words
        key = self._merchants.get(merchant)
        if key is None:
            return 403, b"text/plain", b"ERROR|UNKNOWN_MERCHANT"
        if not compare_digest(claimed.encode(), _mark(key, f"QUERY|{merchant}|{reference}|{moment}").encode()):
            return 403, b"text/plain", b"ERROR|CHECKSUM"
        answer = f"ANSWER|{merchant}|{reference}|NOT_FOUND"
        return 200, b"text/plain", f"{answer}|{_mark(key, answer)}".encode()


def _mark(key: str, text: str) -> str:
    made = HMAC(key.encode("ascii"), digestmod=sha256)
    made.update(text.encode("ascii", "replace"))
    return "".join(f"{byte:02X}" for byte in made.digest())


async def _body(receive: Callable[[], Awaitable[Message]]) -> bytes | None:
    """The whole body, or None if it is too long."""
    found = bytearray()
    while True:
        part = await receive()
        found += part.get("body", b"")
        if len(found) > _MOST_BYTES:
            return None
        if not part.get("more_body"):
            return bytes(found)
