"""The rehearsal gateway: what payment gateways answer, by codecs of its own, over real HTTP. No money, no bank.

A plain ASGI application: `ecoo rehearsal gateway` serves it where [site] rehearsal is true. It speaks as the sandbox, and as the
gateways of `plugins.payment.sandbox.rehearsal.wires`; the plugins' code is not used here, for a wrong plugin must fail. Nothing
in it waits: what comes later comes when its clock is moved, and a timeout is a connection that is cut.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from plugins.payment.sandbox.rehearsal import pages
from plugins.payment.sandbox.rehearsal.control import Control
from plugins.payment.sandbox.rehearsal.desk import Desk
from plugins.payment.sandbox.rehearsal.http import Line, Reply, Request, text_reply
from plugins.payment.sandbox.rehearsal.scripts import Part, Script
from plugins.payment.sandbox.rehearsal.sending import Deliver, Outbox, post_here
from plugins.payment.sandbox.rehearsal.till import Merchant, Payment, Till
from plugins.payment.sandbox.rehearsal.wires import WIRES, Asked

__all__ = ["Merchant", "RehearsalGateway"]

Message = MutableMapping[str, Any]
_MOST_BYTES = 64 * 1024
_GARBAGE = b"<html><body>Gateway under maintenance \x00\xff</body></html>"
_HERE = {"127.0.0.1", "localhost", "::1"}


class RehearsalGateway:
    """One server for all wires. `now` and `series` are for tests and restarts (see `Till`), `deliver` for tests without a network."""

    def __init__(
        self,
        merchants: Sequence[Merchant],
        *,
        now: Callable[[], datetime] | None = None,
        series: str = "RE",
        deliver: Deliver = post_here,
    ) -> None:
        self.till = Till(tuple(merchants), now=now, series=series)
        self.wires = {each.name: each(self.till) for each in WIRES}
        self.outbox = Outbox(self.till, self.wires, deliver)
        self.calls: list[dict[str, object]] = []
        self.released = asyncio.Event()
        self.control = Control(self)
        self._desk = Desk(self, self.control)

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        """One request, and afterwards the notices that are due."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        reply = text_reply(413, "ERROR|TOO_LONG") if body is None else await self.reply(_request(scope, body))
        await self._send(reply, receive, send)
        if reply.line is Line.WHOLE:
            await self.outbox.pump()

    async def reply(self, request: Request) -> Reply:
        """What is answered. Requests that did not come from this machine's own names are refused: a page elsewhere has no business here."""
        if urlsplit(request.base).hostname not in _HERE:
            return text_reply(421, "ERROR|HOST")
        if request.path.startswith("/control/"):
            return await self.control.reply(request)
        if request.path == "/" or request.path.startswith("/rehearsal/"):
            return await self._desk.reply(request)
        return self.asked(request)

    def asked(self, request: Request) -> Reply:
        """What the gateways answer: the one whose wire the request speaks."""
        for wire in self.wires.values():
            found = wire.read(request)
            if isinstance(found, Reply):
                self._note(wire.name, request, None, found)
                return found
            if found is not None:
                reply = self.answer(found)
                self._note(wire.name, request, found, reply)
                return reply
        return text_reply(404, "ERROR|NOT_FOUND")

    def answer(self, asked: Asked) -> Reply:
        """The answer to a question that was understood, or the fault that its script wants instead."""
        subjects = (asked.reference, asked.parent, asked.merchant.id)
        fault = self.till.fault(asked.operation, *subjects, amount_paise=self._amount(asked))
        match fault.scenario if fault else "":
            case "start_refused":
                return asked.refusal() if asked.refusal else text_reply(400, "ERROR|REFUSED")
            case "start_unreachable" | "start_timeout_no_effect":
                return Reply(200, b"", line=Line.CUT)
            case "start_timeout_with_effect":
                asked.answer()
                return Reply(200, b"", line=Line.CUT)
            case "http_500":
                return Reply(500, b"Internal Server Error")
            case "garbage_body":
                return Reply(200, _GARBAGE, "text/html")
            case "slow_drip":
                return Reply(200, b"|", line=Line.DRIP)
        return self._done(asked)

    def unplugged(self, reference: str) -> bool:
        """Whether the script of a reference wants that nobody is reached at all: for a test's transport, which alone can do that."""
        script = self.till.script(Part.START, reference)
        return script is not None and script.scenario == "start_unreachable"

    def usual(self, payment: Payment) -> str:
        """The scenario that a payment follows if nobody chooses another one."""
        return self.script(payment).scenario

    def script(self, payment: Payment, chosen: str = "") -> Script:
        """The script of a payment, or of the scenario that somebody chose."""
        script = self.till.script(Part.PAYMENT, payment.reference, payment.merchant.id, amount_paise=payment.amount_paise)
        return script if script and chosen in {"", script.scenario} else Script(chosen or "success")

    def _done(self, asked: Asked) -> Reply:
        first = asked.operation == "refund" and self.till.refund(asked.merchant.wire, asked.reference) is None
        done = asked.answer()
        if isinstance(done, Payment):
            return pages.pay_page(done, self.usual(done))
        script = self.till.script(Part.REFUND, asked.reference, asked.parent, asked.merchant.id, amount_paise=self._amount(asked))
        if first and script and script.scenario == "refund_timeout_with_effect":
            return Reply(200, b"", line=Line.CUT)
        return done

    def _amount(self, asked: Asked) -> int:
        """The amount of the payment that a question is about, which chooses by its paise."""
        payment = self.till.payment(asked.merchant.wire, asked.parent or asked.reference, asked.merchant.id)
        return payment.amount_paise if payment else asked.amount_paise if asked.operation in {"start", "open"} else 0

    def _note(self, wire: str, request: Request, asked: Asked | None, reply: Reply) -> None:
        """What was asked, for those who test: never a signature, a key or what a person typed."""
        told = {"wire": wire, "path": request.path, "at": self.till.now().isoformat(), "status": reply.status, "line": str(reply.line)}
        about = (
            {"operation": asked.operation, "merchant": asked.merchant.id, "reference": asked.reference}
            if asked
            else {"operation": "refused"}
        )
        self.calls.append({**told, **about})

    async def _send(self, reply: Reply, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        promised = len(reply.body) + (0 if reply.line is Line.WHOLE else 64)
        head = {"content-type": reply.media_type, "content-length": str(promised), "cache-control": "no-store", **reply.headers}
        await send({"type": "http.response.start", "status": reply.status, "headers": [(k.encode(), v.encode()) for k, v in head.items()]})
        if reply.line is Line.CUT:
            return  # without the body that was promised the server cuts the connection
        await send({"type": "http.response.body", "body": reply.body, "more_body": reply.line is Line.DRIP})
        if reply.line is Line.DRIP:
            await self._drip(receive)

    async def _drip(self, receive: Callable[[], Awaitable[Message]]) -> None:
        """Holds the connection until the control API lets it go, or the asker hangs up."""
        waits = [asyncio.ensure_future(self.released.wait()), asyncio.ensure_future(_gone(receive))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()


async def _gone(receive: Callable[[], Awaitable[Message]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


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


def _request(scope: Message, body: bytes) -> Request:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    base = f"{scope.get('scheme', 'http')}://{headers.get('host', '')}"
    return Request(scope["method"], scope["path"], scope.get("query_string", b"").decode("latin-1"), headers, body, base)
