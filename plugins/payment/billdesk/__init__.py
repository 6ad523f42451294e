"""The payment gateway `billdesk`: its classic interface of piped messages, and its JOSE API; the office's parameters say which."""

from collections.abc import Sequence

from engine.api import PaymentGateway, hookimpl
from plugins.payment.billdesk.gateway import BillDesk

contract = 1
version = "1"


@hookimpl
def coo_payment_gateways() -> Sequence[PaymentGateway]:
    return [BillDesk()]
