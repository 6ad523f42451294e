"""Asking the registry over HTTP: a closed list of hosts, no redirects, one time limit for the whole answer, one for its size.

The host is held by TLS and the list, so an answer can come from nobody else; proxies of the environment are not used,
because they are hosts that [dgft] does not name.
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import httpx
import msgspec

from engine.errors import Unavailable, Untrusted
from engine.people.dgft.settings import Settings

__all__ = ["MOST_BYTES", "TIMEOUT_S", "Answer", "Line", "read"]

_log = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024
TIMEOUT_S = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a body of bounded size; neither is believed yet."""

    status: int
    body: bytes


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


class Line:
    """The line to the registry. `transport` and `timeout_s` are for tests."""

    def __init__(self, settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._transport = transport
        self._timeout_s = timeout_s

    def require_allowed(self, what: str, url: str) -> None:
        """Raises Untrusted unless the address is https (or this machine, in a rehearsal) at a host that [dgft] names."""
        if fault := self._settings.address_fault(url):
            say = f"The registry names an address for {what} that is not asked, because {fault}. Nothing was done; the operator of this site can mend it."
            raise Untrusted(say, code="registry_host")

    async def get(self, what: str, url: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer of a GET."""
        return await self._ask(what, "GET", url, headers or {}, None)

    async def post(self, what: str, url: str, body: bytes, *, headers: Mapping[str, str]) -> Answer:
        """The answer of a POST, which is never repeated."""
        return await self._ask(what, "POST", url, headers, body)

    async def _ask(self, what: str, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        self.require_allowed(what, url)
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._exchange(method, url, {"accept": "application/json", "accept-encoding": "identity", **headers}, body)
        except (TimeoutError, httpx.HTTPError, ssl.SSLError, OSError) as error:
            _log.warning("the registry was silent", extra={"problem": type(error).__name__, "topic": what})
            raise Unavailable(
                f"The registry did not answer when it was asked for {what}. Nothing was changed; try again in some minutes.",
                code="registry_silent",
            ) from error
        if answer is None:
            say = f"The registry's answer about {what} is longer than {MOST_BYTES // 1024} kB and was not read. Nothing was changed; try again later."
            raise Untrusted(say, code="registry_oversized")
        if 300 <= answer.status < 400:
            say = (
                f"The registry pointed elsewhere when it was asked for {what}, which is not followed. Nothing was changed; try again later."
            )
            raise Untrusted(say, code="registry_redirect")
        if answer.status >= 500 or answer.status == 429:
            say = f"The registry is out of order: it could not tell {what}. Nothing was changed; try again in some minutes."
            raise Unavailable(say, code="registry_silent")
        return answer

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer | None:
        """One exchange over a connection of its own, or None if the answer is too long."""
        async with (
            httpx.AsyncClient(
                transport=self._transport, verify=_tls(), timeout=self._timeout_s, follow_redirects=False, trust_env=False
            ) as client,
            client.stream(method, url, headers=dict(headers), content=body) as response,
        ):
            data = bytearray()
            async for part in response.aiter_raw(8192):
                data += part
                if len(data) > MOST_BYTES:
                    return None
            return Answer(response.status_code, bytes(data))


def read(what: str, answer: Answer, shape: type[T]) -> T:
    """The answer's JSON in that shape. Raises Untrusted for anything else, without a word of what was in it."""
    say = f"The registry's answer about {what} cannot be understood, so it was not taken. Nothing was changed; try again later."
    if answer.status != 200:
        raise Untrusted(say, code="registry_garbage")
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Untrusted(say, code="registry_garbage") from error
