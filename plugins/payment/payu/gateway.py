"""PayU India as the engine meets it."""

from collections.abc import Mapping, Sequence

from engine.api import (
    ConfigField,
    ConnectionReport,
    FieldProblem,
    FormPost,
    GatewayContext,
    GatewayEvent,
    GatewayField,
    HttpReply,
    PaymentLimits,
    RawCallback,
    RefundReport,
    RefundWanted,
    StartedPayment,
    StartPayment,
)
from plugins.payment.payu import calls
from plugins.payment.payu.messages import event_in, form_of, located
from plugins.payment.payu.parameters import FIELDS
from plugins.payment.payu.settings import SETTINGS, hosts, pay_url, wrong_settings

__all__ = ["PayU"]


class PayU:
    """PayU's hosted checkout and its commands. It refunds, and reads no settlement file: the shape of one is not published."""

    id = "payu"
    title = "PayU"
    config_fields: Sequence[ConfigField] = SETTINGS
    fields: Sequence[GatewayField] = FIELDS
    limits = PaymentLimits()

    def validate_config(self, settings: Mapping[str, str]) -> Sequence[str]:
        """Settings that it does not know, and addresses that are none."""
        return wrong_settings(settings)

    def hosts(self, settings: Mapping[str, str]) -> Sequence[str]:
        """The hosts of the operator's addresses."""
        return hosts(settings)

    def validate(self, values: Mapping[str, str]) -> Sequence[FieldProblem]:
        """Nothing beyond what each field says of itself."""
        return ()

    async def test_connection(self, ctx: GatewayContext) -> ConnectionReport:
        """Asks about a payment that nobody made."""
        return await calls.test(ctx)

    async def start(self, ctx: GatewayContext, payment: StartPayment) -> StartedPayment:
        """The form that leads the payer to PayU; nobody is asked before."""
        url = pay_url(ctx.settings, rehearsal=ctx.rehearsal)
        return StartedPayment(FormPost(url, form_of(ctx, payment, self.limits)))

    def locate(self, raw: RawCallback) -> str | None:
        """The reference that a message names."""
        return located(raw.body)

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        """What a message states, once its hash is good. The method, headers and query of the request count for nothing."""
        return event_in(ctx, raw.body)

    def acknowledge(self, accepted: bool) -> HttpReply:
        """A short constant text."""
        return HttpReply(200, b"OK") if accepted else HttpReply(400, b"REFUSED")

    async def query(self, ctx: GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0) -> GatewayEvent:
        """What PayU says of an attempt now."""
        return await calls.query(ctx, reference)

    async def refund(self, ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
        """Asks once for a refund, under our reference as its token."""
        return await calls.refund(ctx, wanted)

    async def query_refund(self, ctx: GatewayContext, wanted: RefundWanted, gateway_refund_id: str = "") -> RefundReport:
        """What became of a refund, found by its token."""
        return await calls.query_refund(ctx, wanted, gateway_refund_id)
