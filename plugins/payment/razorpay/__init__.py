"""The payment gateway `razorpay`: orders by its API, its hosted checkout, signed webhooks, refunds, and its settlement report."""

from collections.abc import Sequence

from engine.api import PaymentGateway, hookimpl
from plugins.payment.razorpay.gateway import Razorpay

contract = 1
version = "1"


@hookimpl
def coo_payment_gateways() -> Sequence[PaymentGateway]:
    return [Razorpay()]
