"""The payment gateway `payu` (PayU India): a hashed form for the payer's browser, and commands for status and refunds."""

from collections.abc import Sequence

from engine.api import PaymentGateway, hookimpl
from plugins.payment.payu.gateway import PayU

contract = 1
version = "1"


@hookimpl
def coo_payment_gateways() -> Sequence[PaymentGateway]:
    return [PayU()]
