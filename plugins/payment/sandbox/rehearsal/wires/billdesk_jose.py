"""BillDesk's JOSE API from BillDesk's side, in all three schemes: signed alone, symmetric, and by RSA.

Error bodies are sealed too; their codes are invented and begin with RH, for no public list has them. A trace id that comes twice
within a day is refused. What a merchant's secrets are says `jose_codec`, where the envelopes are made by hand, on purpose: the
plugin's library must agree with the RFCs, not with itself.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta, timezone
from typing import Any

from plugins.payment.sandbox.rehearsal.amounts import paise, rupees
from plugins.payment.sandbox.rehearsal.http import Reply, Request, text_reply
from plugins.payment.sandbox.rehearsal.scripts import Spoil, Status
from plugins.payment.sandbox.rehearsal.till import Duplicate, Merchant, Payment, Refund, Statement, Till, TooMuch
from plugins.payment.sandbox.rehearsal.wires.asked import Asked, Post
from plugins.payment.sandbox.rehearsal.wires.jose_codec import client_of, opened, sealed

__all__ = ["BillDeskJoseWire"]

_IST = timezone(timedelta(hours=5, minutes=30))
_DAY = timedelta(days=1)
_STATUS = {Status.PAID: "0300", Status.PENDING: "0002", Status.FAILED: "0399", Status.CANCELLED: "0399"}
_KIND = {
    Status.PAID: "success",
    Status.PENDING: "pending",
    Status.FAILED: "payment_processing_error",
    Status.CANCELLED: "payment_authentication_error",
}
_CODE = {Status.PAID: "TRS0000", Status.PENDING: "TRP0000", Status.FAILED: "RHF0001", Status.CANCELLED: "RHC0001"}
_WANTED = ("mercid", "orderid", "amount", "currency", "order_date", "ru", "itemcode", "device")
_SDK = "/web/v1_2/embeddedsdk"


class BillDeskJoseWire:
    """BillDesk's JOSE API."""

    name = "billdesk_jose"

    def __init__(self, till: Till) -> None:
        self._till = till
        self._traces: dict[tuple[str, str], Any] = {}

    def read(self, request: Request) -> Asked | Reply | None:
        """One of the four operations under any prefix of the API, or the browser at the hosted page."""
        if request.method != "POST":
            return None
        if request.path.endswith(_SDK):
            return self._arrived(request.form())
        operation = next((each for each in self._operations if request.path.endswith(f"/{each}")), None)
        if operation is None or "/payments/v" not in request.path:
            return None
        merchant, content = self._opened(request.body)
        if merchant is None:
            return text_reply(401, "Unauthorized")
        if refusal := self._headers(merchant, request):
            return refusal
        return self._operations[operation](self, merchant, content, request.base)

    def back(self, payment: Payment, said: Statement) -> Post:
        """The transaction in the form field `transaction_response`."""
        return Post(payment.return_url, {"transaction_response": self._transaction_jws(payment, said), "orderid": said.reference})

    def notice(self, payment: Payment, said: Statement) -> Post:
        """The transaction as the body itself."""
        body = self._transaction_jws(payment, said).encode("ascii")
        return Post(payment.merchant.notices, raw=body, media_type="application/jose")

    # --- what is asked

    def _create(self, merchant: Merchant, content: Mapping[str, Any], base: str) -> Asked | Reply:
        amount, reference = paise(str(content.get("amount", ""))), str(content.get("orderid", ""))
        missing = [name for name in _WANTED if not content.get(name)]
        if missing or not amount or content["currency"] != "356" or content["itemcode"] != "DIRECT" or "." not in str(content["amount"]):
            return _error(merchant, 422, "invalid_data_error", "RH422", f"Wrong: {', '.join(missing) or 'amount'}")

        def begin() -> Reply:
            try:
                made = self._till.begin(merchant, reference, amount, "INR", return_url=str(content["ru"]), token=self._till.new_id("TOKEN"))
            except Duplicate:
                return _error(merchant, 409, "invalid_data_error", "RH409", "Order exists already")
            return _sealed(merchant, 200, self._order(made, base, content))

        return Asked(
            "start", merchant, reference, begin, amount, lambda: _error(merchant, 422, "invalid_data_error", "RH400", "Refused by script")
        )

    def _get(self, merchant: Merchant, content: Mapping[str, Any], base: str) -> Asked | Reply:
        reference = str(content.get("orderid") or content.get("transactionid") or "")

        def find() -> Reply:
            payment = self._till.payment(self.name, reference, merchant.id)
            if payment is None or self._till.status(payment) is Status.OPEN or not self._till.seen(payment):
                return _error(merchant, 404, "invalid_data_error", "RH404", "No transaction found")
            return _sealed(merchant, 200, _transaction(payment, self._till.statement(payment)))

        return Asked("query", merchant, reference, find)

    def _refund(self, merchant: Merchant, content: Mapping[str, Any], base: str) -> Asked | Reply:
        order, reference = str(content.get("orderid", "")), str(content.get("merc_refund_ref_no", ""))
        amount = paise(str(content.get("refund_amount", "")))

        def give_back() -> Reply:
            payment = self._till.payment(self.name, order, merchant.id)
            told = (content.get("transactionid"), content.get("txn_amount"), content.get("currency"), content.get("mercid"))
            if payment is None or told != (payment.txn, rupees(payment.amount_paise), "356", merchant.id):
                return _error(merchant, 404, "invalid_data_error", "RH404", "No such transaction")
            try:
                return _sealed(merchant, 200, self._refund_entity(payment, self._till.give_back(payment, reference, amount or 0)))
            except Duplicate:
                return _error(merchant, 409, "invalid_data_error", "RH409", "Refund reference exists already")
            except TooMuch:
                return _error(merchant, 422, "invalid_data_error", "RH422", "Refund amount exceeds what is left")

        return Asked("refund", merchant, reference, give_back, amount or 0, parent=order)

    def _get_refund(self, merchant: Merchant, content: Mapping[str, Any], base: str) -> Asked | Reply:
        reference = str(content.get("merc_refund_ref_no") or content.get("refundid") or "")

        def find() -> Reply:
            found = self._till.refund(self.name, reference)
            if found is None or found[0].merchant.id != merchant.id:
                return _error(merchant, 404, "invalid_data_error", "RH404", "No refund found")
            return _sealed(merchant, 200, self._refund_entity(*found))

        return Asked("query_refund", merchant, reference, find)

    _operations: Mapping[str, Callable[..., Asked | Reply]] = {
        "orders/create": _create,
        "transactions/get": _get,
        "refunds/create": _refund,
        "refunds/get": _get_refund,
    }

    def _arrived(self, sent: Mapping[str, str]) -> Asked | Reply:
        payment = self._till.payment(self.name, sent.get("bdorderid", ""), sent.get("merchantid") or sent.get("mercid", ""))
        token = sent.get("rdata") or sent.get("authorization", "").removeprefix("OToken ")
        if payment is None or token != payment.more["token"]:
            return text_reply(400, "ERROR")
        return Asked("open", payment.merchant, payment.reference, lambda: payment, payment.amount_paise)

    # --- envelopes

    def _opened(self, body: bytes) -> tuple[Merchant | None, Mapping[str, Any]]:
        """Whose request it is, and what it says; nobody's if the signature, the client or the Merchant ID is wrong."""
        client = client_of(body)
        for merchant in self._till.merchants:
            if merchant.wire == self.name and merchant.more.get("client_id") == client:
                content = opened(merchant, body)
                if content is not None and content.get("mercid") == merchant.id:
                    return merchant, content
        return None, {}

    def _headers(self, merchant: Merchant, request: Request) -> Reply | None:
        trace, moment = request.headers.get("bd-traceid", ""), request.headers.get("bd-timestamp", "")
        if not (0 < len(trace) <= 40 and trace.isalnum() and len(moment) == 14 and moment.isdigit()):
            return _error(merchant, 400, "invalid_request_error", "RH400", "BD-Traceid or BD-Timestamp is wrong")
        if request.headers.get("content-type") != "application/jose":
            return _error(merchant, 415, "invalid_request_error", "RH415", "Content-Type must be application/jose")
        seen = self._traces.get((merchant.id, trace))
        self._traces[merchant.id, trace] = self._till.now()
        if seen is not None and self._till.now() - seen < _DAY:
            return _error(merchant, 409, "invalid_request_error", "RH409", "BD-Traceid was used before")
        return None

    def _order(self, payment: Payment, base: str, content: Mapping[str, Any]) -> dict[str, Any]:
        link = {
            "href": f"{base}{_SDK}",
            "rel": "redirect",
            "method": "POST",
            "parameters": {"mercid": payment.merchant.id, "bdorderid": payment.order, "rdata": payment.more["token"]},
            "headers": {"authorization": f"OToken {payment.more['token']}"},
        }
        kept = {name: content[name] for name in ("mercid", "orderid", "amount", "currency", "order_date", "ru", "itemcode")}
        return {"objectid": "order", **kept, "bdorderid": payment.order, "next_step": "redirect", "links": [link], "status": "ACTIVE"}

    def _refund_entity(self, payment: Payment, refund: Refund) -> dict[str, Any]:
        status = "0399" if refund.failed else "0799" if self._till.is_done(refund) else "0002"
        return {
            "objectid": "refund",
            "refundid": refund.id,
            "mercid": payment.merchant.id,
            "transactionid": payment.txn,
            "orderid": payment.reference,
            "txn_amount": rupees(payment.amount_paise),
            "refund_amount": rupees(refund.amount_paise),
            "currency": "356",
            "refund_date": refund.made_at.astimezone(_IST).isoformat(timespec="seconds"),
            "merc_refund_ref_no": refund.reference,
            "refund_status": status,
        }

    def _transaction_jws(self, payment: Payment, said: Statement) -> str:
        told = _transaction(payment, said)
        if said.spoil is Spoil.MISSING:
            del told["orderid"]
        whole = sealed(payment.merchant, told)
        head, _, mark = whole.rpartition(".")
        if said.spoil is Spoil.CHECKSUM:
            mark = ("A" if mark[0] != "A" else "B") + mark[1:]
        return f"{head}.{mark.swapcase() if said.spoil is Spoil.CASE else mark}"


def _transaction(payment: Payment, said: Statement) -> dict[str, Any]:
    return {
        "objectid": "transaction",
        "transactionid": said.txn,
        "orderid": said.reference,
        "bdorderid": said.order,
        "mercid": said.merchant,
        "transaction_date": said.at.astimezone(_IST).isoformat(timespec="seconds"),
        "amount": rupees(said.amount_paise),
        "surcharge": "0.00",
        "discount": "0.00",
        "charge_amount": rupees(said.amount_paise),
        "currency": "356",
        "auth_status": _STATUS[said.status],
        "transaction_error_type": _KIND[said.status],
        "transaction_error_code": _CODE[said.status],
        "transaction_error_desc": f"Transaction {said.status}",
        "payment_method_type": "netbanking",
        "bank_ref_no": said.bank,
    }


def _error(merchant: Merchant, status: int, kind: str, code: str, message: str) -> Reply:
    return _sealed(merchant, status, {"status": status, "error_type": kind, "error_code": code, "message": message})


def _sealed(merchant: Merchant, status: int, content: Mapping[str, Any]) -> Reply:
    return Reply(status, sealed(merchant, content).encode("ascii"), "application/jose")
