"""BillDesk as the engine meets it: one gateway with two interfaces, chosen by each office's parameters and by nothing else."""

import re
from collections.abc import Mapping, Sequence

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
    StartedPayment,
    StartPayment,
    Untrusted,
)
from plugins.payment.billdesk import classic_calls, jose_calls
from plugins.payment.billdesk.classic import IN_MESSAGE
from plugins.payment.billdesk.jose import is_compact, peeked, text_of
from plugins.payment.billdesk.parameters import FIELDS, is_classic, problems_of
from plugins.payment.billdesk.settings import SETTINGS, hosts, wrong_settings
from plugins.payment.billdesk.wire import form_value, require_sendable, short, untrusted

__all__ = ["BillDesk"]

# A field of either interface with something in it, or what could be an envelope: by the wrong one of the two the office is set up wrong.
_CLAIMS = re.compile(rb"(?:^[\r\n]*|&)(?:msg|transaction_response)=[^&]|^[^=&]*\.[^=&]*\.")


class BillDesk:
    """BillDesk's classic interface and its JOSE API. It refunds, and reads no settlement file: BillDesk publishes no shape of one."""

    id = "billdesk"
    title = "BillDesk"
    config_fields: Sequence[ConfigField] = SETTINGS
    fields: Sequence[GatewayField] = FIELDS
    limits = PaymentLimits(refund_days=180)

    def validate_config(self, settings: Mapping[str, str]) -> Sequence[str]:
        """Settings that it does not know, addresses that are none, and codes that cannot be codes."""
        return wrong_settings(settings)

    def hosts(self, settings: Mapping[str, str]) -> Sequence[str]:
        """The hosts of the operator's addresses."""
        return hosts(settings)

    def validate(self, values: Mapping[str, str]) -> Sequence[FieldProblem]:
        """What the chosen interface needs and the office did not enter."""
        return list(problems_of(values))

    async def test_connection(self, ctx: GatewayContext) -> ConnectionReport:
        """Asks about a payment that nobody made. Only a proven answer that knows none passes."""
        return await (classic_calls.test(ctx) if is_classic(ctx) else jose_calls.test(ctx))

    async def start(self, ctx: GatewayContext, payment: StartPayment) -> StartedPayment:
        """The form that leads the payer to BillDesk; by JOSE an order is made there first."""
        require_sendable(payment, least_paise=self.limits.least_paise, most_paise=self.limits.most_paise)
        return classic_calls.start(ctx, payment) if is_classic(ctx) else await jose_calls.start(ctx, payment)

    def locate(self, raw: RawCallback) -> str | None:
        """The reference that a message names, of either interface; None where it cannot be read, as in what is encrypted."""
        try:
            if is_compact(raw.body):
                return short(text_of(peeked(raw.body), "orderid")) or None
            return _named_in_form(raw.body)
        except Untrusted:
            return None

    def verify(self, ctx: GatewayContext, raw: RawCallback, *, gateway_order_id: str = "") -> GatewayEvent:
        """What a message states, once its checksum or signature is good. The method, headers and query of the request count for nothing.

        What neither interface would have sent as proof, such as what comes back of a payer who gave up, is `unsigned`.
        """
        if not _CLAIMS.search(raw.body):
            raise untrusted("unsigned", "it carries neither checksum nor signature")
        return classic_calls.event_in(ctx, raw.body) if is_classic(ctx) else jose_calls.event_in(ctx, raw.body)

    def acknowledge(self, accepted: bool) -> HttpReply:
        """A short constant text: BillDesk does not document what it wants to hear."""
        return HttpReply(200, b"OK") if accepted else HttpReply(400, b"REFUSED")

    async def query(self, ctx: GatewayContext, reference: str, *, gateway_order_id: str = "", amount_paise: int = 0) -> GatewayEvent:
        """What BillDesk says of an attempt now."""
        return await (classic_calls.query(ctx, reference) if is_classic(ctx) else jose_calls.query(ctx, reference))

    async def refund(self, ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
        """Asks once for a refund; what BillDesk takes on is PENDING."""
        return await (classic_calls.refund(ctx, wanted) if is_classic(ctx) else jose_calls.refund(ctx, wanted))

    async def query_refund(self, ctx: GatewayContext, wanted: RefundWanted, gateway_refund_id: str = "") -> RefundReport:
        """What became of a refund; UNKNOWN where BillDesk's answer does not tell."""
        if is_classic(ctx):
            return await classic_calls.query_refund(ctx, wanted, gateway_refund_id)
        return await jose_calls.query_refund(ctx, wanted)


def _named_in_form(body: bytes) -> str | None:
    """The reference in a posted form of either interface."""
    try:
        fields = form_value(body, "msg").strip(b"\r\n").split(b"|")
    except Untrusted:
        return short(text_of(peeked(form_value(body, "transaction_response")), "orderid")) or None
    return short(fields[1].decode("utf-8", "replace")) or None if len(fields) == IN_MESSAGE.count + 1 else None
