"""The promises of paying: every gateway in the house keeps them, and one that breaks any is told which."""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.api import (
    FormPost,
    GatewayContext,
    GatewayEvent,
    HttpReply,
    PaymentLimits,
    PaymentOutcome,
    Plays,
    RawCallback,
    RefundOutcome,
    RefundReport,
    Refused,
    StartedPayment,
    Unavailable,
    Unresolved,
    Untrusted,
)
from engine.promises.gateway import promises
from engine.registry import load
from plugins.payment.sandbox.gateway import Sandbox
from plugins.payment.sandbox.messages import event_of, message_in

HERE = "http://127.0.0.1:8002"


async def broken(gateway: Any, players: Sequence[object] = (), settings: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = await promises(gateway, settings or {}, players)
    assert len(kept) >= 20
    return {promise.name: promise.say for promise in kept if not promise.kept}


def spoilt(**changed: Any) -> Sandbox:
    """A sandbox with something else in place of one of its own."""
    return type("Spoilt", (Sandbox,), changed)()


@pytest.mark.parametrize("gateway", sorted(load().gateways))
async def test_a_gateway_in_the_house_keeps_every_promise(gateway: str) -> None:
    registry = load()
    assert await broken(registry.gateway(gateway), list(registry.gateways.values())) == {}


@pytest.mark.parametrize("interface", ["jose-hmac", "jose-symmetric"])
async def test_billdesk_keeps_them_by_its_other_interfaces_too(interface: str) -> None:
    fields = tuple(replace(each, example=interface) if each.name == "interface" else each for each in load().gateway("billdesk").fields)
    jose = type("Jose", (type(load().gateway("billdesk")),), {"fields": fields})()
    settings = {"jose_api_url": f"{HERE}/payments/ve1_2", "jose_pay_url": f"{HERE}/web/v1_2/embeddedsdk"}
    # What is encrypted names its payment to nobody without the key; the engine finds it by the keys of the notice's office then.
    encrypted = {"it locates the payment of a message"} if interface == "jose-symmetric" else set()
    assert set(await broken(jose, [Sandbox()], settings)) == encrypted


def test_the_sandbox_plays_others_and_nobody_it_does_not_know() -> None:
    assert isinstance(Sandbox(), Plays)
    assert Sandbox().play("nobody", None) is None  # type: ignore[arg-type]


async def test_a_gateway_that_nobody_plays_is_told_so() -> None:
    found = await broken(spoilt(play=None))
    assert (
        "has `play`" in found["a changed message is refused, or says the same"] or "Nobody plays" in found["amounts are exact to the paisa"]
    )


# --- each promise attacked ------------------------------------------------------------------------


class Careless(Sandbox):
    """Believes what it can read."""

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        return event_of(message_in(raw).decode("ascii", "replace").split("|")[1:-1], asked=False)


class Lenient(Sandbox):
    """Takes a checksum in any case."""

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        head, bar, mark = raw.body.rpartition(b"%7C")
        return super().verify(ctx, replace(raw, body=head + bar + mark.upper()))


class Crashing(Sandbox):
    """Falls over what it cannot read."""

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        if b"msg" not in raw.body:
            raise KeyError("msg")
        return super().verify(ctx, raw)


class Floating(Sandbox):
    """Loses a paisa here and there."""

    async def query(self, ctx: GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0) -> GatewayEvent:
        event = await super().query(ctx, reference)
        return replace(event, amount_paise=event.amount_paise and int(event.amount_paise / 100 * 99.999999999) * 100 // 99)


class Impatient(Sandbox):
    """Calls silence a failure."""

    async def query(self, ctx: GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0) -> GatewayEvent:
        try:
            return await super().query(ctx, reference)
        except (Unresolved, Unavailable):
            return GatewayEvent("k", PaymentOutcome.FAILED, reference, None, None, None)


class Resending(Sandbox):
    """Takes a refund without an answer for one that was refused."""

    async def refund(self, ctx: GatewayContext, wanted: Any) -> RefundReport:
        try:
            return await super().refund(ctx, wanted)
        except Unresolved:
            raise Refused("The gateway did not answer, so nothing was refunded.", code="silent") from None


class Talking(Sandbox):
    """Tells the key in an error."""

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        try:
            return super().verify(ctx, raw)
        except Untrusted:
            raise Untrusted(f"The message was not made with the key {ctx.secrets['checksum'].value}.") from None


class Leaking(Sandbox):
    """Gives the payer the key to carry."""

    async def start(self, ctx: GatewayContext, payment: Any) -> StartedPayment:
        begun = await super().start(ctx, payment)
        assert isinstance(begun.handover, FormPost)
        fields = {**begun.handover.fields, "key": ctx.secrets["checksum"].value}
        return replace(begun, handover=FormPost(begun.handover.url, fields))


class Wandering(Sandbox):
    """Asks somewhere else besides."""

    async def start(self, ctx: GatewayContext, payment: Any) -> StartedPayment:
        await ctx.line.get("http://10.0.0.1/")
        return await super().start(ctx, payment)


class Open(Sandbox):
    """Leads the payer over plain http."""

    async def start(self, ctx: GatewayContext, payment: Any) -> StartedPayment:
        begun = await super().start(ctx, payment)
        return replace(begun, handover=FormPost("http://pay.example/sandbox/pay", begun.handover.fields))  # type: ignore[union-attr]


class Restless(Sandbox):
    """Has another key for every delivery."""

    count = 0

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        Restless.count += 1
        return replace(super().verify(ctx, raw), key=str(Restless.count))


class Blunt(Sandbox):
    """Has one key for everything."""

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        return replace(super().verify(ctx, raw), key="one")

    async def query(self, ctx: GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0) -> GatewayEvent:
        return replace(await super().query(ctx, reference), key="one")


class Hopeful(Sandbox):
    """Reads pending as paid."""

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        return replace(super().verify(ctx, raw), outcome=PaymentOutcome.SUCCEEDED)


class Mixing(Sandbox):
    """Takes an answer about anything for one about what was asked."""

    async def query(self, ctx: GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0) -> GatewayEvent:
        answer = await ctx.line.post(f"{HERE}/sandbox/query", {"msg": _question(ctx, reference)})
        words = answer.body.decode().split("|")
        return replace(event_of(words[1:-1], asked=True), reference=reference) if len(words) == 12 else await super().query(ctx, reference)


class Generous(Sandbox):
    """Says that every refund is done."""

    async def refund(self, ctx: GatewayContext, wanted: Any) -> RefundReport:
        try:
            return await super().refund(ctx, wanted)
        except Refused:
            return RefundReport(RefundOutcome.DONE)

    async def query_refund(self, ctx: GatewayContext, wanted: Any, gateway_refund_id: str = "") -> RefundReport:
        await super().query_refund(ctx, wanted)
        return RefundReport(RefundOutcome.DONE)


def _question(ctx: GatewayContext, reference: str) -> str:
    from plugins.payment.sandbox.messages import signed

    return signed(ctx.secrets["checksum"].value, "QUERY", ctx.values["merchant_id"], reference, "20260401120000")


@pytest.mark.parametrize(
    ("gateway", "promise"),
    [
        (spoilt(limits=PaymentLimits(least_paise=500, most_paise=100)), "its limits are whole"),
        (spoilt(acknowledge=lambda self, accepted: HttpReply(500)), "it acknowledges what its server sends"),
        (spoilt(locate=lambda self, raw: "SOMETHINGELSE"), "it locates the payment of a message"),
        (spoilt(locate=lambda self, raw: None), "it locates the payment of a message"),
        (spoilt(read_settlement=lambda self, ctx, name, data: ()), "another file is no settlement"),
        (Careless(), "a changed message is refused, or says the same"),
        (Careless(), "another office's key proves nothing"),
        (Crashing(), "junk is no message"),
        (Lenient(), "a changed message is refused, or says the same"),
        (Floating(), "amounts are exact to the paisa"),
        (Impatient(), "silence is unresolved, and never a failure"),
        (Impatient(), "an answer that cannot be believed is unresolved"),
        (Resending(), "silence is unresolved, and never a failure"),
        (Talking(), "no secret leaves it while it pays"),
        (Leaking(), "no secret leaves it while it pays"),
        (Wandering(), "it asks no other host to pay"),
        (Open(), "it leads the payer over a closed line"),
        (Restless(), "the same statement has the same key"),
        (Blunt(), "the same statement has the same key"),
        (Hopeful(), "what its server says is what it reads"),
        (Mixing(), "an answer belongs to its question"),
        (Generous(), "it gives back no more than was paid"),
        (Generous(), "a refund is exact, and found again"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
async def test_a_broken_promise_is_named(gateway: Any, promise: str) -> None:
    assert promise in await broken(gateway)


async def test_a_guests_gateway_that_plays_its_own_server_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "guest"))
    acme = importlib.import_module("acme_ecoo.pay")
    assert await broken(acme.AcmePay()) == {}
