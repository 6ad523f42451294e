"""The gateways that come with ecoo, each with the wire that it speaks, what an office enters for it, and the manual's settings."""

import contextlib
import itertools
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from engine.api import FormPost, GatewayContext, Redirect, StartPayment
from engine.registry import load
from plugins.payment.sandbox.rehearsal.till import Merchant
from tests.rehearsal import BILLDESK, BILLDESK_JOSE, PAYU, RAZORPAY, SANDBOX, Rehearsal, context, rehearsing

__all__ = ["SAMPLE", "WIRES", "Wire", "begun", "office", "rehearsing_all", "remarked", "settings_at"]

_MANUAL = (Path(__file__).parents[3] / "plugins" / "README.md").read_text()
SAMPLE = next(block for block in re.findall(r"```toml\n(.*?)```", _MANUAL, re.DOTALL) if "[gateways.payu]" in block)
_SIGNATURE = "X-Razorpay-Signature"
_MARKED = {"msg": "|", "transaction_response": ".", "razorpay_signature": "", "hash": ""}
_COUNT = itertools.count(1)
_CLASSIC = {"interface": "classic", "algorithm": "hmac-sha256", "security_id": "", "client_id": "", "key_id": ""}
_JOSE = {"interface": "jose-hmac", "algorithm": "", "key_id": ""}


@dataclass(frozen=True)
class Wire:
    """A plugin on one of its wires. `naming` is the field of the merchant's id; `sealed` says by which of its secrets each secret field is
    filled, and `open` by what else of it; `plain` are the other fields."""

    gateway: str
    merchant: Merchant
    naming: str
    sealed: Mapping[str, str]
    open: Mapping[str, str] = field(default_factory=dict)
    plain: Mapping[str, str] = field(default_factory=dict)

    def shown(self, merchant: Merchant | None = None) -> dict[str, str]:
        """What an office enters that everybody may see."""
        whose = merchant or self.merchant
        return {self.naming: whose.id, **{name: whose.more[other] for name, other in self.open.items()}, **self.plain}

    def hidden(self, merchant: Merchant | None = None) -> dict[str, str]:
        """What an office enters that nobody is shown again."""
        return {name: (merchant or self.merchant).secrets[other] for name, other in self.sealed.items()}

    def renewed(self, end: str) -> dict[str, str]:
        """Secrets of the merchant's, of the same shape and no other's."""
        return {name: secret[: -len(end)] + end for name, secret in self.merchant.secrets.items()}

    def another(self) -> Merchant:
        """A merchant of the same gateway that is somebody else."""
        more = {name: f"{text[:-1]}9" for name, text in self.merchant.more.items()}
        return Merchant(self.merchant.wire, f"{self.merchant.id[:-1]}9", self.renewed("Other"), more)


WIRES: Mapping[str, Wire] = {
    "sandbox": Wire("sandbox", SANDBOX, "merchant_id", {"checksum": "checksum"}),
    "billdesk-classic": Wire("billdesk", BILLDESK, "merchant_id", {"checksum": "checksum"}, plain=_CLASSIC),
    "billdesk-jose": Wire("billdesk", BILLDESK_JOSE, "merchant_id", {"checksum": "signing"}, {"client_id": "client_id"}, _JOSE),
    "razorpay": Wire("razorpay", RAZORPAY, "key_id", {"key_secret": "key", "webhook_secret": "webhook"}, {"account_id": "account"}),
    "payu": Wire("payu", PAYU, "key", {"salt": "salt"}, plain={"contact_email": "office@eia.example", "contact_phone": "9999999999"}),
}


def settings_at(address: str) -> dict[str, dict[str, str]]:
    """The settings that the manual gives for rehearsing each gateway, moved to another address."""
    told: dict[str, dict[str, str]] = tomllib.loads(SAMPLE.replace("http://127.0.0.1:8002", address))["gateways"]
    return {**told, "sandbox": {"url": address}}


@contextlib.contextmanager
def rehearsing_all() -> Iterator[Rehearsal]:
    """A rehearsal gateway at which every wire's merchant is told of its payments; what it tells is kept in `posted`."""
    with rehearsing() as served:
        for each in WIRES.values():
            served.control("merchants", wire=each.merchant.wire, merchant=each.merchant.id, notices="http://127.0.0.1:9/notices")
        yield served


def office(rehearsal: Rehearsal, wire: str) -> tuple[Any, GatewayContext]:
    """The gateway and its context, with the manual's settings moved to the rehearsal's port."""
    spoken = WIRES[wire]
    told = settings_at(rehearsal.address)[spoken.gateway]
    gateway = load().gateway(spoken.gateway)
    assert not gateway.validate_config(told)
    assert {*gateway.hosts(told)} == {rehearsal.host}
    return gateway, context(rehearsal, told, spoken.shown(), spoken.hidden())


async def begun(rehearsal: Rehearsal, wire: str, scenario: str = "success", **told: Any) -> tuple[Any, GatewayContext, str, str, Any]:
    """A payment of its own, whose payer went to the page and pressed the button."""
    gateway, ctx = office(rehearsal, wire)
    reference = f"{wire[:3].upper()}{next(_COUNT):03d}".translate(str.maketrans("01", "XY")).ljust(20, "Z")
    rehearsal.script(reference, scenario, **told)
    wish = StartPayment(
        reference, 236_00, "http://127.0.0.1:9/cb/pay/x/r/t", "http://127.0.0.1:9/notices", "A Firm", "a@b.example", "9999999999"
    )
    started = await gateway.start(ctx, wish)
    if isinstance(started.handover, Redirect):
        page = httpx.get(started.handover.url)
    else:
        assert isinstance(started.handover, FormPost)
        page = httpx.post(started.handover.url, data=dict(started.handover.fields))
    assert "INR 236.00" in page.text
    rehearsal.posted.clear()
    done = rehearsal.control("pay", reference=reference)
    rehearsal.advance()
    return gateway, ctx, reference, started.gateway_order_id, done


def remarked(message: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """A message with another checksum, signature or hash in place of its own; none at all where it becomes empty."""
    headers, fields = dict(message["headers"]), dict(message["fields"])
    if _SIGNATURE in headers:
        headers[_SIGNATURE] = change(headers[_SIGNATURE])
        return {**message, "headers": {name: text for name, text in headers.items() if text}}
    if not fields:
        return {**message, "body": _tail(message["body"], ".", change)}
    name = next(name for name in _MARKED if name in fields)
    fields[name] = _tail(fields[name], _MARKED[name], change)
    if not fields[name]:
        del fields[name]
    return {**message, "body": urlencode(fields)}


def _tail(text: str, between: str, change: Callable[[str], str]) -> str:
    if not between:
        return change(text)
    head, _, mark = text.rpartition(between)
    mark = change(mark)
    return f"{head}{between}{mark}" if mark else head
