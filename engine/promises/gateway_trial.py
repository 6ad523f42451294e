"""What the promises of paying are tried with: an office of examples, lines that are cut or answer nonsense, and the other side.

Nothing leaves this machine. A trial remembers all that was asked and all that was raised, so that secrets can be looked for in it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from engine.config import Secret
from engine.contracts.paying import (
    GatewayEvent,
    Handover,
    OtherSide,
    PaymentOutcome,
    Pays,
    Plays,
    Question,
    RefundReport,
    RefundWanted,
    StartPayment,
)
from engine.contracts.payment import GatewayAnswer, GatewayContext, PaymentGateway, identity_of
from engine.contracts.signing import RawCallback
from engine.errors import EngineError, Unavailable, Unresolved, Untrusted
from engine.promises.promise import Broken

__all__ = ["AT", "NONSENSE", "Line", "Paid", "Trial", "callback", "examples", "named", "refund_of", "silent", "unreached"]

AT = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
NONSENSE = (
    GatewayAnswer(200, b""),
    GatewayAnswer(200, b"ERROR"),
    GatewayAnswer(200, b"OK"),
    GatewayAnswer(200, b"{}"),
    GatewayAnswer(200, b"\x00\xff|not|text|"),
    GatewayAnswer(200, b"<html>Under maintenance</html>"),
    GatewayAnswer(404, b"not found"),
    GatewayAnswer(500, b"<html>Internal Server Error</html>"),
    GatewayAnswer(503, b""),
)
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class _Clock:
    def now(self) -> datetime:
        return AT


@dataclass
class Line:
    """A line that answers as a function says, and remembers what was asked."""

    answer: Callable[[Question], Any]
    asked: list[Question] = field(default_factory=list)

    async def post(self, url: str, fields: Mapping[str, str], *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        return await self.send(url, urlencode(fields).encode("ascii"), media_type=_FORM, headers=headers)

    async def send(self, url: str, body: bytes, *, media_type: str, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        return await self._ask(Question("POST", url, _small({**(headers or {}), "content-type": media_type}), body))

    async def get(self, url: str, *, headers: Mapping[str, str] | None = None) -> GatewayAnswer:
        return await self._ask(Question("GET", url, _small(headers or {}), b""))

    async def _ask(self, question: Question) -> GatewayAnswer:
        self.asked.append(question)
        found = self.answer(question)
        return found if isinstance(found, GatewayAnswer) else await found


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment that was begun and paid at the other side, and the genuine messages about it."""

    ctx: GatewayContext
    line: Line
    wish: StartPayment
    order: str
    handover: Handover
    messages: Sequence[RawCallback]


class Trial:
    """One gateway, its settings, and who can play its other side."""

    def __init__(self, gateway: PaymentGateway, settings: Mapping[str, str], players: Sequence[object]) -> None:
        if not isinstance(gateway, Pays):
            raise TypeError("A trial of paying needs a gateway that pays.")
        self.gateway: Any = gateway
        self.pays: Pays = gateway
        self._settings = settings
        self._players = [each for each in (gateway, *players) if isinstance(each, Plays)]
        self.raised: list[EngineError] = []
        self._count = 0

    @property
    def merchant(self) -> str:
        """What names the office at the gateway."""
        return identity_of(self.gateway.fields).example

    @property
    def hidden(self) -> list[str]:
        """The secrets of the examples."""
        return [each.example for each in self.gateway.fields if each.secret]

    def context(self, line: Line, *, other_keys: bool = False) -> GatewayContext:
        """The office's context; with `other_keys` every secret is another of the same length."""
        told = examples(self.gateway)
        hidden = {each.name for each in self.gateway.fields if each.secret}
        return GatewayContext(
            office=UUID(int=7),
            version=1,
            settings=self._settings,
            values={name: text for name, text in told.items() if name not in hidden},
            secrets={name: Secret(told[name][::-1].swapcase() if other_keys else told[name]) for name in hidden},
            line=line,
            clock=_Clock(),
            rehearsal=True,
        )

    def side(self) -> OtherSide:
        """A fresh other side. Raises Broken if nobody plays it: most promises can then not be tried."""
        ctx = self.context(Line(_nobody))
        for each in self._players:
            if (found := each.play(self.gateway.id, ctx)) is not None:
                return found
        raise Broken("Nobody plays the server of this gateway, so its messages cannot be tried. Let the plugin have `play`.")

    def wish(self, amount_paise: int = 236_00) -> StartPayment:
        """A payment that nobody made yet."""
        self._count += 1
        reference = f"PRXM{self._count:06d}".translate(str.maketrans("0123456789", "ABCDEFGHJK")).ljust(20, "Z")
        base = "http://127.0.0.1:8000/cb/pay"
        return StartPayment(
            reference,
            amount_paise,
            f"{base}/{self.gateway.id}/r/t0ken{self._count}",
            f"{base}/{self.gateway.id}/s/office",
            "A Firm",
            "a.firm@firm.example",
            "9999999999",
            ("MUM", "APP-1/2"),
        )

    async def paid(self, outcome: PaymentOutcome = PaymentOutcome.SUCCEEDED, amount_paise: int = 236_00) -> Paid:
        """A payment that was begun, and ended so at a fresh other side."""
        side = self.side()
        line = Line(side.answer)
        ctx, wish = self.context(line), self.wish(amount_paise)
        started = await self.pays.start(ctx, wish)
        messages = await side.pay(started.handover, outcome)
        if not messages:
            raise Broken("The other side sent no message about a payment.")
        return Paid(ctx, line, wish, started.gateway_order_id, started.handover, messages)

    def each(self, paid: Paid) -> list[tuple[RawCallback, GatewayEvent]]:
        """The genuine messages that are believed. A return that proves nothing may be refused: then the server is asked."""
        found = []
        for raw in paid.messages:
            try:
                found.append((raw, self.pays.verify(paid.ctx, raw, gateway_order_id=paid.order)))
            except Untrusted as error:
                self.raised.append(error)
        return found

    def believed(self, paid: Paid) -> list[GatewayEvent]:
        """What those messages say."""
        return [event for _, event in self.each(paid)]

    async def asked(self, paid: Paid) -> GatewayEvent:
        """What its server answers about a payment."""
        return await self.pays.query(paid.ctx, paid.wish.reference, gateway_order_id=paid.order, amount_paise=paid.wish.amount_paise)

    async def caught(self, ask: Callable[[], Any]) -> object:
        """What it gave, or the engine's error that it raised; the error is kept to be looked through."""
        try:
            found = ask()
            return await found if hasattr(found, "__await__") else found
        except EngineError as error:
            self.raised.append(error)
            return error


def examples(gateway: PaymentGateway) -> dict[str, str]:
    """The examples of its fields."""
    return {each.name: each.example for each in gateway.fields}


def callback(body: bytes, *, method: str = "POST", media_type: str = _FORM) -> RawCallback:
    """Something that a stranger posts."""
    return RawCallback(method, {"content-type": media_type}, {}, body, AT)


def refund_of(paid: Paid, txn: str, amount_paise: int, reference: str) -> RefundWanted:
    """A refund of a payment."""
    return RefundWanted(reference, amount_paise, paid.wish.reference, txn, paid.order, paid.wish.amount_paise, AT)


def named(found: object) -> str:
    """What came back, in a word."""
    return found.outcome.name if isinstance(found, GatewayEvent | RefundReport) else type(found).__name__


def silent(question: Question) -> GatewayAnswer:
    """A line on which something was sent, and nothing came back."""
    raise Unresolved("The line is cut.", code="silent")


def unreached(question: Question) -> GatewayAnswer:
    """A line on which nothing was sent."""
    raise Unavailable("Nobody is there to be asked.", code="unreachable")


def _small(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _nobody(question: Question) -> GatewayAnswer:
    raise AssertionError("asked")
