"""Razorpay as the engine meets it."""

from collections.abc import Iterable, Mapping, Sequence

from engine.api import (
    ConfigField,
    ConnectionReport,
    FieldProblem,
    GatewayContext,
    GatewayEvent,
    GatewayField,
    HttpReply,
    PaymentLimits,
    RawCallback,
    RefundReport,
    RefundWanted,
    SettledLine,
    StartedPayment,
    StartPayment,
)
from plugins.payment.razorpay import calls, messages, refunds, settlement
from plugins.payment.razorpay.parameters import FIELDS, problems_of
from plugins.payment.razorpay.settings import SETTINGS, hosts, wrong_settings

__all__ = ["Razorpay"]


class Razorpay:
    """Razorpay's orders, hosted checkout, webhooks, refunds and settlement report. Auto-capture must be on in its dashboard."""

    id = "razorpay"
    title = "Razorpay"
    config_fields: Sequence[ConfigField] = SETTINGS
    fields: Sequence[GatewayField] = FIELDS
    limits = PaymentLimits(refund_days=180)
    settlement_help = settlement.HELP

    def validate_config(self, settings: Mapping[str, str]) -> Sequence[str]:
        """Settings that it does not know, and addresses that are none."""
        return wrong_settings(settings)

    def hosts(self, settings: Mapping[str, str]) -> Sequence[str]:
        """The hosts of the operator's addresses."""
        return hosts(settings)

    def validate(self, values: Mapping[str, str]) -> Sequence[FieldProblem]:
        """A previous webhook secret without a present one."""
        return problems_of(values)

    async def test_connection(self, ctx: GatewayContext) -> ConnectionReport:
        """Asks for the newest order: whoever is shown it has the right key. The webhook secret cannot be tried so."""
        return await calls.test(ctx)

    async def start(self, ctx: GatewayContext, payment: StartPayment) -> StartedPayment:
        """Makes the order, and gives the form that leads the payer to Razorpay's checkout."""
        return await calls.start(ctx, payment, self.limits)

    def locate(self, raw: RawCallback) -> str | None:
        """The reference that a webhook names."""
        return messages.located(raw)

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        """What a message states: a webhook by its signed body, a return by its signature over the order that was stored."""
        if messages.SIGNATURE in raw.headers:
            return messages.told(ctx, raw, gateway_order_id)
        return messages.returned(ctx, raw.body, gateway_order_id)

    def acknowledge(self, accepted: bool) -> HttpReply:
        """A short constant text. What Razorpay reads as a refusal it sends again for a day, and then no more at all."""
        return HttpReply(200, b"OK") if accepted else HttpReply(400, b"REFUSED")

    async def query(self, ctx: GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0) -> GatewayEvent:
        """What Razorpay says of the payments of an order."""
        return await calls.query(ctx, reference, gateway_order_id)

    async def refund(self, ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
        """Asks once for a refund, under our reference as the key that keeps Razorpay from a second one."""
        return await refunds.refund(ctx, wanted)

    async def query_refund(self, ctx: GatewayContext, wanted: RefundWanted, gateway_refund_id: str = "") -> RefundReport:
        """What became of a refund, found among those of its payment."""
        return await refunds.query_refund(ctx, wanted, gateway_refund_id)

    def read_settlement(self, ctx: GatewayContext, name: str, data: bytes) -> Iterable[SettledLine]:
        """The lines of a settlement report as Razorpay's API gives it."""
        return settlement.read_settlement(data)
