"""The wire formats that the rehearsal server speaks, each with a codec of its own that shares no code with any plugin."""

from collections.abc import Sequence

from plugins.payment.sandbox.rehearsal.wires.asked import Asked, Post, Wire
from plugins.payment.sandbox.rehearsal.wires.billdesk import BillDeskWire
from plugins.payment.sandbox.rehearsal.wires.billdesk_jose import BillDeskJoseWire
from plugins.payment.sandbox.rehearsal.wires.payu import PayUWire
from plugins.payment.sandbox.rehearsal.wires.razorpay import RazorpayWire
from plugins.payment.sandbox.rehearsal.wires.sandbox import SandboxWire

__all__ = ["WIRES", "Asked", "Post", "Wire"]

WIRES: Sequence[type[Wire]] = (SandboxWire, BillDeskWire, BillDeskJoseWire, RazorpayWire, PayUWire)
