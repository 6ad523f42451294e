"""What the tests of Razorpay and PayU share: a line that answers in turn as it is told, and messages posted from outside."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from engine.api import GatewayAnswer, GatewayContext, RawCallback, RefundWanted, Secret, StartPayment
from tests.clocks import StillClock

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
REFERENCE, REFUND = "COO7ATTEMPTREF2345AB", "REF7REFUNDREFERENCE2"
RETURN_URL = "https://coo.example.in/cb/pay/gateway/r/abc"


@dataclass
class Line:
    """Gives its answers one after the other, the last one again and again; an error is raised, a function is told what was sent.

    Remembers what it was asked.
    """

    answers: list[GatewayAnswer | Exception | Callable[[Any], Any]]
    calls: list[tuple[str, Any, Mapping[str, str]]] = field(default_factory=list)

    async def post(self, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        return self._next(url, dict(fields), headers)

    async def send(self, url: str, body: bytes, *, media_type: str, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        return self._next(url, body, {**(headers or {}), "content-type": media_type})

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        return self._next(url, None, headers)

    def _next(self, url: str, sent: Any, headers: Mapping[str, str] | None) -> GatewayAnswer:
        self.calls.append((url, sent, headers or {}))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, GatewayAnswer) else GatewayAnswer(200, json.dumps(answer(sent)).encode())


def line(*answers: Any, status: int = 200) -> Line:
    """A line with these answers: bytes, things to be written as JSON, answers, errors, or functions that make one of what was sent."""
    made: list[GatewayAnswer | Exception | Callable[[Any], Any]] = []
    for each in answers:
        if isinstance(each, GatewayAnswer | Exception) or callable(each):
            made.append(each)
        else:
            made.append(GatewayAnswer(status, each if isinstance(each, bytes) else json.dumps(each).encode()))
    return Line(made)


def context(
    asked: Any, values: dict[str, str], secrets: dict[str, str], *, settings: Any = None, rehearsal: bool = False
) -> GatewayContext:
    """A context of one office."""
    hidden = {name: Secret(value) for name, value in secrets.items()}
    return GatewayContext(UUID(int=9), 3, settings or {}, values, hidden, asked or nobody(), StillClock(NOW), rehearsal)


def nobody() -> Line:
    """A line that must not be asked."""
    return Line([AssertionError("nobody may be asked here")])


def payment(**changed: Any) -> StartPayment:
    """A payment of 236 rupees."""
    given: dict[str, Any] = {"reference": REFERENCE, "amount_paise": 23600, "return_url": RETURN_URL, "notice_url": f"{RETURN_URL}/n"}
    given |= {"payer_name": "A Firm", "payer_email": "a.firm@firm.example", "payer_phone": "+91 98765-43210", "tags": ("MUM", "COO/2627/7")}
    return StartPayment(**(given | changed))


def wanted(txn: str, order: str = "", **changed: Any) -> RefundWanted:
    """A refund of 100 of 236 rupees."""
    given: dict[str, Any] = {"reference": REFUND, "amount_paise": 10000, "payment_reference": REFERENCE, "gateway_txn_id": txn}
    given |= {"gateway_order_id": order, "paid_paise": 23600, "paid_at": NOW}
    return RefundWanted(**(given | changed))


def posted(body: bytes, **headers: str) -> RawCallback:
    """What arrives with a browser or from a server."""
    return RawCallback("POST", {name.replace("_", "-"): value for name, value in headers.items()}, {}, body, NOW)
