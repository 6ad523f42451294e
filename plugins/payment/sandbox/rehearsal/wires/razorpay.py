"""Razorpay from Razorpay's side: orders, the hosted checkout, payments of an order, refunds, webhooks and the settlement report.

By domain/payments.md 3.3. The checkout signs `order|payment` with the key secret, a webhook its raw body with another secret, both
in small hex. A merchant's id is its key id, its secrets are `key` and `webhook`; `more` may have `account`.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from hmac import HMAC, compare_digest

from plugins.payment.sandbox.rehearsal.http import Reply, Request, json_reply
from plugins.payment.sandbox.rehearsal.scripts import Spoil, Status
from plugins.payment.sandbox.rehearsal.settlement import Line, lines_of
from plugins.payment.sandbox.rehearsal.till import Duplicate, Merchant, Payment, Statement, Till, TooMuch
from plugins.payment.sandbox.rehearsal.wires.asked import Asked, Post
from plugins.payment.sandbox.rehearsal.wires.razorpay_entities import (
    STATES,
    order_entity,
    payment_entity,
    recon_entity,
    refund_entity,
    stamp,
)

__all__ = ["RazorpayWire"]

_EVENT = {name: f"payment.{state}" for name, state in STATES.items()}
_KEY = re.compile(r"[A-Za-z0-9_-]{10,64}", re.ASCII)
_ROUTES = (
    ("POST", r"/v1/orders", "create"),
    ("GET", r"/v1/orders", "orders"),
    ("GET", r"/v1/orders/(\w+)", "order"),
    ("GET", r"/v1/orders/(\w+)/payments", "order_payments"),
    ("GET", r"/v1/payments/(\w+)", "payment"),
    ("POST", r"/v1/payments/(\w+)/refund", "refund"),
    ("GET", r"/v1/payments/(\w+)/refunds", "refunds"),
    ("GET", r"/v1/(?:payments/\w+/)?refunds/(\w+)", "one_refund"),
    ("GET", r"/v1/settlements/recon/combined", "recon"),
)


class RazorpayWire:
    """Razorpay."""

    name = "razorpay"

    def __init__(self, till: Till) -> None:
        self._till = till

    def read(self, request: Request) -> Asked | Reply | None:
        """A call of the API by its key, or a browser at the hosted checkout."""
        if request.path == "/v1/checkout/embedded" and request.method == "POST":
            return self._arrived(request.form())
        for method, pattern, name in _ROUTES:
            if method == request.method and (found := re.fullmatch(pattern, request.path, re.ASCII)):
                merchant = self._caller(request)
                if merchant is None:
                    return _error(401, "Authentication failed")
                deed: Callable[..., Asked | Reply] = getattr(self, f"_{name}")
                return deed(merchant, request, *found.groups())
        return None

    def back(self, payment: Payment, said: Statement) -> Post:
        """Order, payment and signature to the callback address; for a failure the error, unsigned as Razorpay sends it."""
        if said.status in {Status.FAILED, Status.CANCELLED}:
            metadata = json.dumps({"payment_id": said.txn, "order_id": said.order})
            told = {"code": "BAD_REQUEST_ERROR", "description": f"Payment {said.status}", "reason": "payment_failed", "metadata": metadata}
            return Post(payment.return_url, {f"error[{name}]": value for name, value in told.items()})
        order = said.order[::-1] if said.reference != payment.reference else said.order
        fields = {"razorpay_payment_id": said.txn, "razorpay_order_id": order}
        mark = _hex(payment.merchant.secrets["key"], f"{order}|{said.txn}".encode())
        fields["razorpay_signature"] = _spoilt(mark, said.spoil)
        if said.spoil is Spoil.MISSING:
            del fields["razorpay_payment_id"]
        return Post(payment.return_url, fields)

    def notice(self, payment: Payment, said: Statement) -> Post:
        """A webhook. A second delivery of one event has the same event id and body."""
        entity = payment_entity(payment, said)
        if said.spoil is Spoil.MISSING:
            del entity["order_id"]
        order = order_entity(payment, said)
        event = {
            "entity": "event",
            "account_id": payment.merchant.more.get("account", "acc_REHEARSAL00001") + said.merchant.removeprefix(payment.merchant.id),
            "event": _EVENT[said.status],
            "contains": ["payment", "order"] if said.status is Status.PAID else ["payment"],
            "payload": {"payment": {"entity": entity}} | ({"order": {"entity": order}} if said.status is Status.PAID else {}),
            "created_at": stamp(said.at),
        }
        body = json.dumps(event, separators=(",", ":")).encode()
        headers = {
            "X-Razorpay-Signature": _spoilt(_hex(payment.merchant.secrets["webhook"], body), said.spoil),
            "x-razorpay-event-id": f"evt_{hashlib.sha256(body).hexdigest()[:14]}",
        }
        return Post(payment.merchant.notices, raw=body, media_type="application/json", headers=headers)

    # --- orders and payments

    def _create(self, merchant: Merchant, request: Request) -> Asked | Reply:
        told = request.json()
        amount, receipt = told.get("amount"), told.get("receipt")
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 100 or told.get("currency") != "INR":
            return _error(400, "The amount must be at least INR 1.00")
        if not isinstance(receipt, str) or not 0 < len(receipt) <= 40:
            return _error(400, "receipt: the length must be between 1 and 40.")

        def begin() -> Reply:
            try:
                order = f"order_{self._till.new_id('', digits=12)}"
                made = self._till.begin(merchant, receipt, amount, "INR", order=order, notes=told.get("notes") or [])
            except Duplicate:
                return _error(400, "Receipt already exists")
            return json_reply(200, order_entity(made, self._till.statement(made)))

        return Asked("start", merchant, receipt, begin, amount, lambda: _error(400, "Refused by script"))

    def _orders(self, merchant: Merchant, request: Request) -> Asked:
        receipt = request.asked().get("receipt", "")

        def find() -> Reply:
            mine = [each for each in self._till.payments if each.merchant is merchant and receipt in {"", each.reference}]
            shown = [order_entity(each, self._till.statement(each)) for each in mine if self._till.seen(each)]
            return json_reply(200, {"entity": "collection", "count": len(shown), "items": shown})

        return Asked("query", merchant, receipt, find)

    def _order(self, merchant: Merchant, request: Request, id: str) -> Asked:
        return self._about(merchant, id, lambda paid: json_reply(200, order_entity(paid, self._till.statement(paid))))

    def _order_payments(self, merchant: Merchant, request: Request, id: str) -> Asked:
        def show(payment: Payment) -> Reply:
            said = self._till.statement(payment)
            made = [] if said.status is Status.OPEN else [payment_entity(payment, said)]
            if payment.second:
                made.append(payment_entity(payment, replace(said, txn=payment.second)))
            return json_reply(200, {"entity": "collection", "count": len(made), "items": made})

        return self._about(merchant, id, show)

    def _payment(self, merchant: Merchant, request: Request, id: str) -> Asked:
        return self._about(merchant, id, lambda paid: json_reply(200, payment_entity(paid, replace(self._till.statement(paid), txn=id))))

    def _about(self, merchant: Merchant, id: str, show: Callable[[Payment], Reply]) -> Asked:
        payment = self._till.payment(self.name, id, merchant.id)

        def find() -> Reply:
            if payment is None or not self._till.seen(payment):
                return _error(400, "The id provided does not exist")
            return show(payment)

        return Asked("query", merchant, payment.reference if payment else id, find)

    def _arrived(self, sent: Mapping[str, str]) -> Asked | Reply:
        merchant = self._till.merchant(self.name, sent.get("key_id", ""))
        payment = self._till.payment(self.name, sent.get("order_id", ""), merchant.id) if merchant else None
        amount = sent.get("amount")
        if merchant is None or payment is None or not sent.get("callback_url") or amount not in {None, "", str(payment.amount_paise)}:
            return _error(400, "The id provided does not exist")

        def open_page() -> Payment:
            payment.return_url = sent["callback_url"]
            notes = {name[6:-1]: value for name, value in sent.items() if name.startswith("notes[") and name.endswith("]")}
            payment.more["payment_notes"] = notes or payment.more["notes"]
            return payment

        return Asked("open", merchant, payment.reference, open_page, payment.amount_paise)

    # --- refunds and settlement

    def _refund(self, merchant: Merchant, request: Request, id: str) -> Asked | Reply:
        told, payment = request.json(), self._till.payment(self.name, id, merchant.id)
        key, notes = request.headers.get("x-refund-idempotency", ""), told.get("notes") or {}
        amount = told.get("amount", payment.amount_paise if payment else 0)
        if key and not _KEY.fullmatch(key):
            return _error(400, "X-Refund-Idempotency: wrong format")
        reference = key or str(told.get("receipt") or self._till.new_id("rfref"))

        def give_back() -> Reply:
            if payment is None or not isinstance(amount, int) or isinstance(amount, bool):
                return _error(400, "The id provided does not exist")
            try:
                made = self._till.give_back(payment, reference, amount)
            except Duplicate:
                return _error(400, "Different request body sent for the same Idempotency key")
            except TooMuch:
                return _error(400, "The total refund amount is greater than the refund payment amount")
            kept = payment.more.setdefault("refund_notes", {})
            kept.setdefault(made.id, (notes, told.get("receipt")))
            return json_reply(200, refund_entity(self._till, payment, made))

        return Asked("refund", merchant, reference, give_back, parent=payment.reference if payment else id)

    def _refunds(self, merchant: Merchant, request: Request, id: str) -> Asked:
        payment = self._till.payment(self.name, id, merchant.id)

        def find() -> Reply:
            shown = [refund_entity(self._till, payment, each) for each in payment.refunds.values()] if payment else []
            return json_reply(200, {"entity": "collection", "count": len(shown), "items": shown})

        return Asked("query_refund", merchant, payment.reference if payment else id, find)

    def _one_refund(self, merchant: Merchant, request: Request, id: str) -> Asked:
        def find() -> Reply:
            found = self._till.refund(self.name, id)
            return json_reply(200, refund_entity(self._till, *found)) if found else _error(400, "The id provided does not exist")

        return Asked("query_refund", merchant, id, find)

    def _recon(self, merchant: Merchant, request: Request) -> Asked:
        asked = request.asked()
        wanted = tuple(int(asked[name]) if asked.get(name, "").isdigit() else 0 for name in ("year", "month", "day"))

        def show() -> Reply:
            lines = [each for each in lines_of(self._till, self.name, merchant.id) if _on_day(each, wanted)]
            shown = [recon_entity(self._till, each) for each in lines]
            return json_reply(200, {"entity": "collection", "count": len(shown), "items": shown})

        return Asked("settlement", merchant, "", show)

    def _caller(self, request: Request) -> Merchant | None:
        kind, _, told = request.headers.get("authorization", "").partition(" ")
        try:
            id, _, secret = base64.b64decode(told, validate=True).decode("ascii").partition(":")
        except (binascii.Error, ValueError):
            return None
        merchant = self._till.merchant(self.name, id)
        good = merchant is not None and compare_digest(secret.encode(), merchant.secrets["key"].encode())
        return merchant if kind == "Basic" and good else None


def _error(status: int, description: str) -> Reply:
    told = {"code": "BAD_REQUEST_ERROR", "description": description, "source": "NA", "step": "NA", "reason": "NA", "metadata": {}}
    return json_reply(status, {"error": told})


def _hex(secret: str, data: bytes) -> str:
    return HMAC(secret.encode(), data, hashlib.sha256).hexdigest()


def _spoilt(mark: str, spoil: Spoil) -> str:
    if spoil is Spoil.CHECKSUM:
        return mark[:-1] + ("0" if mark[-1] != "0" else "1")
    return mark.upper() if spoil is Spoil.CASE else mark


def _on_day(line: Line, wanted: tuple[int, ...]) -> bool:
    return (line.on.year, line.on.month) == wanted[:2] and wanted[2] in {0, line.on.day}
