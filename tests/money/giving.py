"""The till's gateway with its other half: it gives money back as a test says, and reads settlement files of JSON."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from engine.contracts.paying import RefundOutcome, RefundReport, RefundWanted, SettledLine, SettlementKind
from engine.contracts.payment import GatewayContext
from engine.errors import Refused
from engine.money.orders import Attempt, Order
from engine.money.paying import Refund, refunds_of_order
from engine.scope import PLATFORM, Scope
from tests.money.till import Scripted, Till, signed

__all__ = ["Giving", "line_of", "office_scope", "one_refund", "paid", "settlement", "with_refunds"]


class Giving(Scripted):
    """Answers a refund and a question about one with what a test lays out: an outcome, a report, or an error that it raises."""

    settlement_help = "JSON"

    def __init__(self) -> None:
        super().__init__()
        self.given: list[RefundWanted] = []
        self.asked_refunds: list[str] = []
        self.on_refund: Any = RefundOutcome.DONE
        self.on_question: Any = RefundOutcome.NOT_FOUND

    async def refund(self, ctx: GatewayContext, wanted: RefundWanted) -> RefundReport:
        self.given.append(wanted)
        return _answer(self.on_refund, wanted)

    async def query_refund(self, ctx: GatewayContext, wanted: RefundWanted, gateway_refund_id: str = "") -> RefundReport:
        self.asked_refunds.append(wanted.reference)
        return _answer(self.on_question, wanted)

    def read_settlement(self, ctx: GatewayContext, name: str, data: bytes) -> Iterable[SettledLine]:
        try:
            told = json.loads(data)
        except ValueError:
            raise Refused("Line 1 of the file is cut off.", box="file", rule="whole") from None
        for each in told:
            yield SettledLine(**{**each, "kind": SettlementKind(each["kind"]), "settled_on": date.fromisoformat(each["settled_on"])})


def _answer(laid_out: Any, wanted: RefundWanted) -> RefundReport:
    if isinstance(laid_out, Exception):
        raise laid_out
    if isinstance(laid_out, RefundReport):
        return laid_out
    return RefundReport(laid_out, gateway_refund_id=f"R{wanted.reference}"[:20], amount_paise=wanted.amount_paise)


def with_refunds(till: Till) -> Giving:
    """Puts the whole gateway in place of the till's."""
    gateway = Giving()
    registry: Any = till.cashier.registry
    registry.gateways["scripted"] = gateway
    registry.gateway = lambda id: {"scripted": gateway}[id]
    till.gateway = gateway
    return gateway


def office_scope(till: Till) -> Scope:
    """The eyes of the agency's administrator."""
    return Scope.agency(till.office.agency_id)


async def paid(till: Till, order: Order, txn: str = "T1") -> Attempt:
    """The order is paid through the gateway."""
    attempt = await till.start(order)
    await till.notice(signed(till.told(attempt, txn=txn)))
    return await till.now(attempt)


async def one_refund(order: Order) -> Refund:
    """The only refund of an order."""
    [refund] = await refunds_of_order(PLATFORM, order.id)
    return refund


def line_of(attempt: Attempt, key: str = "L1", **more: Any) -> dict[str, Any]:
    """A line that settles a payment, for a fee of 2 rupees and 36 paise with its tax."""
    told = {
        "key": key,
        "kind": "payment",
        "reference": attempt.reference,
        "gateway_txn_id": attempt.gateway_txn_id,
        "gross_paise": attempt.amount_paise,
        "fee_paise": 200,
        "tax_paise": 36,
        "utr": "UTR1",
        "settled_on": "2026-11-23",
    } | more
    return (
        told
        | {"net_paise": told["gross_paise"] - told["fee_paise"] - told["tax_paise"]}
        | {k: v for k, v in more.items() if k == "net_paise"}
    )


def settlement(*lines: dict[str, Any]) -> bytes:
    """A file of these lines."""
    return json.dumps(lines).encode()
