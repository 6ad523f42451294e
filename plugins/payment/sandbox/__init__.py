"""The payment gateway `sandbox`: no money, no bank, everything else like a real one. Its other half is `server.py`."""

from collections.abc import Sequence

from engine.api import PaymentGateway, hookimpl
from plugins.payment.sandbox.gateway import Sandbox

contract = 1
version = "1"


@hookimpl
def coo_payment_gateways() -> Sequence[PaymentGateway]:
    return [Sandbox()]
