"""The rehearsal gateway on a port of this machine, with a merchant for every wire, and its control API as functions.

    with rehearsing() as rehearsal:
        rehearsal.script(reference, "failure")
        ...                                      # the plugin starts a payment at rehearsal.address
        rehearsal.pay(reference)                 # the payer presses the button; gives what the browser posts back
        rehearsal.advance(600)                   # ten minutes later; what is due was sent when this returns

What the gateway sends to us goes to the address that the payment or the merchant names. A test without a web server of its own
asks `emit(..., deliver=False)` for the message and hands it over itself, or reads what was sent in `rehearsal.posted`.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from engine.api import GatewayContext, RawCallback
from engine.config import Secret
from engine.money.gateways import HttpLine
from plugins.payment.sandbox.rehearsal.till import Merchant
from plugins.payment.sandbox.server import RehearsalGateway
from tests.clocks import StillClock
from tests.sockets import listening

__all__ = [
    "BILLDESK",
    "BILLDESK_JOSE",
    "MERCHANTS",
    "PAYU",
    "RAZORPAY",
    "SANDBOX",
    "START",
    "Rehearsal",
    "callback",
    "context",
    "rehearsing",
    "sandboxes",
]

START = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
SANDBOX = Merchant("sandbox", "COOMUM01", {"checksum": "k9XvQ2mNpR7sT4wZ"})
BILLDESK = Merchant("billdesk", "COOMUM01", {"checksum": "b1llDeskChecksumKeyOfNoBank"})
BILLDESK_JOSE = Merchant("billdesk_jose", "COOMUM01", {"signing": "b1llDeskSign1ngKeyOfNoBank0000000"}, {"client_id": "coomum01client"})
RAZORPAY = Merchant(
    "razorpay",
    "rzp_test_COOMUM0100000",
    {"key": "r4zorKeySecretOfNoBank00", "webhook": "r4zorWebhookSecretOfNoBank"},
    {"account": "acc_REHEARSAL00001"},
)
PAYU = Merchant("payu", "COOMUM", {"salt": "p4yuSaltOfNoBank00000000000000000"})
MERCHANTS = (SANDBOX, Merchant("sandbox", "COODEL01", {"checksum": "Zz8yXw7vUt6sRq5p"}), BILLDESK, BILLDESK_JOSE, RAZORPAY, PAYU)


def sandboxes(keys: Mapping[str, str]) -> tuple[Merchant, ...]:
    """The sandbox's merchants of these ids and checksum keys."""
    return tuple(Merchant("sandbox", id, {"checksum": key}) for id, key in keys.items())


@dataclass
class Rehearsal:
    """A served rehearsal gateway. `posted` is what it sent by itself; `answers` what it is told then (200 each)."""

    address: str
    gateway: RehearsalGateway
    clock: StillClock
    posted: list[Any] = field(default_factory=list)
    line: httpx.Client = field(default_factory=httpx.Client, repr=False)  # one for all, as each takes a while to make

    def control(self, deed: str, /, **told: Any) -> dict[str, Any]:
        """One deed of the control API."""
        answer = self.line.post(f"{self.address}/control/{deed}", json=told)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def script(self, subject: str, scenario: str, **told: Any) -> None:
        """From now on a reference, or a merchant, goes by this scenario."""
        self.control("scripts", reference=subject, scenario=scenario, **told)

    def pay(self, reference: str, scenario: str = "") -> dict[str, Any]:
        """The payer presses a button."""
        return self.control("pay", reference=reference, scenario=scenario)

    def advance(self, seconds: int = 0) -> list[dict[str, Any]]:
        """So many seconds later. Gives what was sent in between."""
        return list(self.control("advance", seconds=seconds)["sent"])

    def emit(self, reference: str, **told: Any) -> list[dict[str, Any]]:
        """A message now, as it is sent."""
        return list(self.control("emit", reference=reference, **told)["messages"])

    @property
    def calls(self) -> list[dict[str, Any]]:
        """What was asked of the gateways."""
        return list(self.line.get(f"{self.address}/control/calls").json()["calls"])

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc


@contextlib.contextmanager
def rehearsing(
    merchants: tuple[Merchant, ...] = MERCHANTS, *, deliver: Callable[[Any], Awaitable[int]] | None = None, series: str = "RE"
) -> Iterator[Rehearsal]:
    """A rehearsal gateway whose clock stands still; what it sends by itself is kept in `posted`, unless `deliver` takes it."""
    posted: list[Any] = []

    async def keep(post: Any) -> int:
        posted.append(post)
        return 200

    with listening() as served, httpx.Client() as line:
        clock = StillClock(START)
        copies = tuple(Merchant(each.wire, each.id, each.secrets, each.more, each.notices) for each in merchants)
        gateway = RehearsalGateway(copies, now=clock.now, series=series, deliver=deliver or keep)
        served.app = gateway
        yield Rehearsal(served.address, gateway, clock, posted, line)


def context(
    rehearsal: Rehearsal, settings: dict[str, str], values: dict[str, str], secrets: dict[str, str], *, transport: Any = None
) -> GatewayContext:
    """What a plugin may use for an office, with the real line to the rehearsal's address and nowhere else."""
    line = HttpLine([rehearsal.host], rehearsal=True, transport=transport, total_s=5)
    hidden = {name: Secret(value) for name, value in secrets.items()}
    return GatewayContext(UUID(int=1), 1, settings, values, hidden, line, rehearsal.clock, rehearsal=True)


def callback(message: Any, *, body: bytes | None = None) -> RawCallback:
    """A message of the rehearsal gateway as it arrives here: one that it sent, or one that the control API showed."""
    if isinstance(message, dict):
        headers, found = dict(message["headers"]), message["body"].encode()
    else:
        headers, found = {"content-type": message.media_type, **message.headers}, message.body
    lower = {name.lower(): value for name, value in headers.items()}
    return RawCallback("POST", lower, {}, found if body is None else body, START)
