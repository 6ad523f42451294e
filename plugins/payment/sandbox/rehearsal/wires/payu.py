"""PayU from PayU's side: the hashed form of `_payment`, its answer, and the commands of `postservice`.

By domain/payments.md 3.4. The hash is SHA-512 over the fields with bars between them and the salt at one end. A merchant's id is
its key, its secret `salt`. Amounts are hashed exactly as they were sent, and come back so.
"""

from datetime import timedelta, timezone
from hashlib import sha512
from hmac import compare_digest
from typing import Any

from plugins.payment.sandbox.rehearsal.amounts import paise, rupees
from plugins.payment.sandbox.rehearsal.http import Reply, Request, json_reply, text_reply
from plugins.payment.sandbox.rehearsal.scripts import Spoil, Status
from plugins.payment.sandbox.rehearsal.settlement import lines_of
from plugins.payment.sandbox.rehearsal.till import Duplicate, Merchant, Payment, Refund, Statement, Till, TooMuch
from plugins.payment.sandbox.rehearsal.wires.asked import Asked, Post

__all__ = ["PayUWire"]

_IST = timezone(timedelta(hours=5, minutes=30))
_STATUS = {Status.PAID: "success", Status.PENDING: "pending", Status.FAILED: "failure", Status.CANCELLED: "failure"}
_UNMAPPED = {Status.PAID: "captured", Status.PENDING: "pending", Status.FAILED: "failed", Status.CANCELLED: "userCancelled"}
_UDFS = ("udf1", "udf2", "udf3", "udf4", "udf5")
_HASHED = ("key", "txnid", "amount", "productinfo", "firstname", "email", *_UDFS)
_WANTED = ("key", "txnid", "amount", "productinfo", "firstname", "email", "phone", "surl", "furl", "hash")
_MOST = {"txnid": 25, "productinfo": 100, "firstname": 60}


class PayUWire:
    """PayU India."""

    name = "payu"

    def __init__(self, till: Till) -> None:
        self._till = till

    def read(self, request: Request) -> Asked | Reply | None:
        """A browser at `_payment`, or a command."""
        if request.method != "POST":
            return None
        if request.path == "/_payment":
            return self._brought(request.form())
        if request.path in {"/merchant/postservice.php", "/merchant/postservice"} and request.asked().get("form") == "2":
            return self._command(request.form())
        return None

    def back(self, payment: Payment, said: Statement) -> Post:
        """The answer to `surl`, or to `furl` where nothing was paid."""
        url = payment.return_url if said.status is Status.PAID else str(payment.more["furl"])
        return Post(url, self._answer(payment, said))

    def notice(self, payment: Payment, said: Statement) -> Post:
        """The same fields, from server to server."""
        return Post(payment.merchant.notices, self._answer(payment, said))

    def _brought(self, sent: dict[str, str]) -> Asked | Reply:
        merchant = self._till.merchant(self.name, sent.get("key", ""))
        amount = paise(sent.get("amount", ""))
        whole = all(sent.get(name) for name in _WANTED) and all(len(sent[name]) <= most for name, most in _MOST.items())
        if merchant is None or not amount or not whole:
            return text_reply(400, "ERROR")
        made = _sha512(*(sent.get(name, "") for name in _HASHED), "", "", "", "", "", merchant.secrets["salt"])
        if not compare_digest(made.encode(), sent["hash"].encode()):
            return text_reply(400, "ERROR: hash")

        def begin() -> Payment | Reply:
            known = self._till.payment(self.name, sent["txnid"], merchant.id)
            if known is not None and (known.plan is not None or known.more["sent"]["amount"] != sent["amount"]):
                return text_reply(400, "ERROR: duplicate txnid")
            kept = {name: sent.get(name, "") for name in (*_HASHED, "phone")}
            return known or self._till.begin(merchant, sent["txnid"], amount, "INR", return_url=sent["surl"], furl=sent["furl"], sent=kept)

        return Asked("open", merchant, sent["txnid"], begin, amount, lambda: text_reply(400, "ERROR: refused"))

    def _answer(self, payment: Payment, said: Statement) -> dict[str, str]:
        sent = payment.more["sent"]
        amount = sent["amount"] if said.amount_paise == payment.amount_paise else rupees(said.amount_paise)
        told = {
            **sent,
            "key": said.merchant,
            "txnid": said.reference,
            "amount": amount,
            "mihpayid": said.txn,
            "mode": "NB",
            "status": _STATUS[said.status],
            "unmappedstatus": _UNMAPPED[said.status],
            "addedon": said.at.astimezone(_IST).strftime("%Y-%m-%d %H:%M:%S"),
            "bank_ref_num": said.bank,
            "bankcode": "HDFB",
            "error": "E000" if said.status is Status.PAID else "E1903",
            "error_Message": "No Error" if said.status is Status.PAID else f"Transaction {said.status}",
            "PG_TYPE": "NB-PG",
        }
        turned = [told[name] for name in reversed(_HASHED)]
        told["hash"] = _sha512(payment.merchant.secrets["salt"], told["status"], "", "", "", "", "", *turned)
        match said.spoil:
            case Spoil.CHECKSUM:
                told["hash"] = told["hash"][:-1] + ("0" if told["hash"][-1] != "0" else "1")
            case Spoil.CASE:
                told["hash"] = told["hash"].upper()
            case Spoil.MISSING:
                del told["txnid"]
        return told

    # --- commands

    def _command(self, sent: dict[str, str]) -> Asked | Reply:
        merchant, command, var1 = self._till.merchant(self.name, sent.get("key", "")), sent.get("command", ""), sent.get("var1", "")
        if merchant is None:
            return json_reply(200, {"status": 0, "msg": "Invalid Key"})
        made = _sha512(merchant.id, command, var1, merchant.secrets["salt"])
        if not compare_digest(made.encode(), sent.get("hash", "").encode()):
            return json_reply(200, {"status": 0, "msg": "Invalid Hash."})
        var2, amount = sent.get("var2", ""), sent.get("var3", "")
        match command:
            case "verify_payment":
                return Asked("query", merchant, var1.partition("|")[0], lambda: self._verify(merchant, var1.split("|")))
            case "cancel_refund_transaction":
                payment = self._till.payment(self.name, var1, merchant.id)
                parent = payment.reference if payment else var1
                return Asked("refund", merchant, var2, lambda: self._refund(payment, var2, amount), paise(amount) or 0, parent=parent)
            case "check_action_status":
                return Asked("query_refund", merchant, var1, lambda: self._actions(merchant, var1))
            case "get_settlement_details":
                return Asked("settlement", merchant, var1, lambda: self._settled(merchant, var1))
            case _:
                return json_reply(200, {"status": 0, "msg": "Invalid command"})

    def _verify(self, merchant: Merchant, references: list[str]) -> Reply:
        told = {reference: self._verified(merchant, reference) for reference in references}
        found = sum(each["status"] != "Not Found" for each in told.values())
        msg = f"{found} out of {len(told)} Transactions Fetched Successfully"
        return json_reply(200, {"status": 1 if found else 0, "msg": msg, "transaction_details": told})

    def _verified(self, merchant: Merchant, reference: str) -> dict[str, Any]:
        payment = self._till.payment(self.name, reference, merchant.id)
        if payment is None or self._till.status(payment) is Status.OPEN or not self._till.seen(payment):
            return {"mihpayid": "Not Found", "status": "Not Found"}
        said = self._till.statement(payment)
        answer = self._answer(payment, said)
        shown = {name: answer[name] for name in ("mihpayid", "bank_ref_num", "txnid", "productinfo", "firstname", "mode", "status")}
        kept = {name: answer[name] for name in ("unmappedstatus", "addedon", "error_Message", "bankcode", *_UDFS)}
        told = {"request_id": "", "amt": rupees(said.amount_paise), "transaction_amount": rupees(said.amount_paise), "disc": "0.00"}
        return {**shown, **kept, **told, "error_code": answer["error"], "net_amount_debit": answer["amount"]}

    def _refund(self, payment: Payment | None, token: str, amount: str) -> Reply:
        if payment is None or not token:
            return json_reply(200, {"status": 0, "msg": "Invalid payuid", "error_code": 105})
        if token in payment.refunds:
            return json_reply(200, {"status": 0, "msg": "Refund request with the same token exists", "error_code": 227})
        try:
            made = self._till.give_back(payment, token, paise(amount) or 0)
        except (Duplicate, TooMuch):
            return json_reply(200, {"status": 0, "msg": "Refund FAILURE - Invalid amount", "error_code": 109})
        told = {"status": 1, "msg": "Refund Request Queued", "request_id": made.id, "bank_ref_num": None}
        return json_reply(200, {**told, "mihpayid": payment.txn, "error_code": 102})

    def _actions(self, merchant: Merchant, asked: str) -> Reply:
        """The refund of a request id, or of a token; or all of a payment."""
        payment = self._till.payment(self.name, asked, merchant.id)
        found = self._till.refund(self.name, asked)
        mine = [found] if found and found[0].merchant.id == merchant.id else []
        all_of = [(payment, each) for each in payment.refunds.values()] if payment else []
        told = {each.id: self._action(paid, each) for paid, each in [*mine, *all_of]}
        if not told:
            return json_reply(
                200,
                {
                    "status": 0,
                    "msg": "0 out of 1 Transactions Fetched Successfully",
                    "transaction_details": {asked: "No action status found"},
                },
            )
        return json_reply(200, {"status": 1, "msg": "1 out of 1 Transactions Fetched Successfully", "transaction_details": {asked: told}})

    def _action(self, payment: Payment, refund: Refund) -> dict[str, Any]:
        status = "failure" if refund.failed else "success" if self._till.is_done(refund) else "queued"
        told = {"mihpayid": payment.txn, "request_id": refund.id, "amt": rupees(refund.amount_paise), "action": "refund"}
        return {**told, "token": refund.reference, "status": status, "bank_ref_num": "", "mode": "NB", "bank_arn": ""}

    def _settled(self, merchant: Merchant, day: str) -> Reply:
        lines = [each for each in lines_of(self._till, self.name, merchant.id) if each.on.isoformat() == day or each.utr == day]
        told = [
            {
                "payuid": each.txn,
                "txnid": each.reference,
                "txndate": f"{each.on.isoformat()} 00:00:00",
                "mode": "NB",
                "amount": rupees(each.gross_paise),
                "requestid": each.id,
                "requestaction": "capture" if each.kind == "PAYMENT" else "refund",
                "requestamount": rupees(each.gross_paise),
                "mer_utr": each.utr,
                "mer_service_fee": rupees(each.fee_paise),
                "mer_service_tax": rupees(each.tax_paise),
                "mer_net_amount": rupees(each.net_paise),
            }
            for each in lines
        ]
        return json_reply(200, {"status": 1, "msg": f"{len(told)} transactions settled", "Txn_details": told})


def _sha512(*fields: str) -> str:
    return sha512("|".join(fields).encode("utf-8")).hexdigest()
