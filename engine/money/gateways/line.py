"""The line to a gateway: a closed list of hosts, TLS, no redirects, no proxy, one limit for the whole answer and one for its size.

A question is asked once: what did not answer may have heard it. Connecting is tried again, for then nothing was sent.
httpx is imported by who asks: most processes ask no gateway.
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from engine.contracts.payment import GatewayAnswer
from engine.errors import Unavailable, Unresolved, Untrusted
from engine.people.web_address import web_address_fault

if TYPE_CHECKING:
    import httpx

__all__ = ["MOST_BYTES", "TOTAL_S", "HttpLine"]

_log = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024
TOTAL_S = 30.0
_PARTS_S = {"connect": 5.0, "read": 20.0, "write": 10.0, "pool": 5.0}
_FORM = "application/x-www-form-urlencoded"
_TRIES = 2  # to connect, and to nothing else


@cache
def _tls() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context(trust_env=False)


class HttpLine:
    """The line of one gateway. `rehearsal` allows plain http to this machine; `transport` and `total_s` are for tests."""

    def __init__(
        self,
        hosts: Sequence[str],
        *,
        rehearsal: bool = False,
        transport: "httpx.AsyncBaseTransport | None" = None,
        total_s: float = TOTAL_S,
    ) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._rehearsal = rehearsal
        self._transport = transport
        self._total_s = total_s

    async def post(self, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        """The answer to a form, asked once. Raises Unavailable if nothing was sent, Unresolved if no answer came to what was sent,
        Untrusted for an answer that is not read."""
        return await self._ask("POST", url, urlencode(fields).encode("ascii"), {"content-type": _FORM, **(headers or {})})

    async def send(self, url: str, body: bytes, *, media_type: str, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        """The answer to a body of that media type, asked once. Raises as `post` does."""
        return await self._ask("POST", url, body, {**(headers or {}), "content-type": media_type})

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        """The answer to a question, asked once. Raises as `post` does."""
        return await self._ask("GET", url, None, dict(headers or {}))

    async def _ask(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> GatewayAnswer:
        import httpx

        self._require_allowed(url)
        try:
            async with asyncio.timeout(self._total_s):
                answer = await self._exchange(method, url, body, {"accept-encoding": "identity", **headers})
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            _log.warning("the gateway was not reached", extra={"problem": type(error).__name__})
            raise Unavailable(
                "The payment gateway cannot be reached. Nothing was sent; try again in some minutes.", code="unreachable"
            ) from error
        except (TimeoutError, httpx.HTTPError, ssl.SSLError, OSError) as error:
            _log.warning("the gateway was silent", extra={"problem": type(error).__name__})
            raise Unresolved("The payment gateway did not answer, so nobody knows yet what it did.", code="silent") from error
        if answer is None:
            raise Untrusted(f"The payment gateway's answer is longer than {MOST_BYTES // 1024} kB and was not read.", code="oversized")
        if 300 <= answer.status < 400:
            raise Untrusted("The payment gateway pointed elsewhere, which is not followed.", code="redirect")
        return answer

    def _require_allowed(self, url: str) -> None:
        if fault := web_address_fault(url, rehearsal=self._rehearsal):
            raise Untrusted(f"The payment gateway was not asked, because of its address: {fault}.", code="address")
        if urlsplit(url).netloc.lower() not in self._hosts:
            raise Untrusted("The payment gateway was not asked: the address is at a host that it did not name.", code="address")

    async def _exchange(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> GatewayAnswer | None:
        """One exchange over a connection of its own, or None if the answer is too long."""
        import httpx

        transport = self._transport or httpx.AsyncHTTPTransport(verify=_tls(), trust_env=False, retries=_TRIES - 1)
        async with (
            httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(**_PARTS_S), follow_redirects=False, trust_env=False) as client,
            client.stream(method, url, content=body, headers=headers) as response,
        ):
            data = bytearray()
            async for part in response.aiter_raw(8192):
                data += part
                if len(data) > MOST_BYTES:
                    return None
            return GatewayAnswer(response.status_code, bytes(data))
