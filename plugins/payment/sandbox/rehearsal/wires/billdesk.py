"""BillDesk's classic interface from BillDesk's side: piped messages with a checksum over everything before the last bar.

By domain/payments.md 3.1 and its sources, which are public integrations. Codes of refusals that no source has are invented, and
begin with RH. A merchant's secret is `checksum`; `more` may have `algorithm` (hmac-sha256, sha256, crc32) and `security_id`.
"""

import binascii
import hashlib
from datetime import timedelta, timezone
from hmac import HMAC, compare_digest

from plugins.payment.sandbox.rehearsal.amounts import paise, rupees
from plugins.payment.sandbox.rehearsal.http import Reply, Request, text_reply
from plugins.payment.sandbox.rehearsal.scripts import Spoil, Status
from plugins.payment.sandbox.rehearsal.till import Duplicate, Merchant, Payment, Refund, Statement, Till, TooMuch
from plugins.payment.sandbox.rehearsal.wires.asked import Asked, Post

__all__ = ["BillDeskWire"]

_IST = timezone(timedelta(hours=5, minutes=30))
_ERROR = text_reply(200, "ERROR")
_PAY, _QUERY, _REFUND = "/pgidsk/PGIMerchantPayment", "/pgidsk/PGIQueryController", "/pgidsk/PGIRefundController"
_LENGTHS = {_PAY: 22, _QUERY: 4, _REFUND: 12}
_STATUS = {Status.PAID: "0300", Status.PENDING: "0002", Status.FAILED: "0399", Status.CANCELLED: "0399"}
_SAYS = {
    Status.PAID: "Successful transaction",
    Status.PENDING: "Pending from bank",
    Status.FAILED: "Declined by bank",
    Status.CANCELLED: "Cancelled by user",
}


class BillDeskWire:
    """BillDesk classic."""

    name = "billdesk"

    def __init__(self, till: Till) -> None:
        self._till = till

    def read(self, request: Request) -> Asked | Reply | None:
        """A payment that a browser brings, a question 0122 or a refund 0400; the bare word ERROR for what is none."""
        if request.method != "POST" or request.path not in _LENGTHS:
            return None
        words = request.form().get("msg", "").split("|")
        checksum = words.pop()
        merchant = self._till.merchant(self.name, words[0 if request.path == _PAY else 1]) if len(words) == _LENGTHS[request.path] else None
        if merchant is None or not compare_digest(checksum.encode(), _mark(merchant, "|".join(words)).encode()):
            return text_reply(400, "ERROR") if request.path == _PAY else _ERROR
        if request.path == _PAY:
            return self._brought(merchant, words)
        if request.path == _QUERY:
            return Asked("query", merchant, words[2], lambda: self._query(merchant, words[2])) if words[0] == "0122" else _ERROR
        if words[0] != "0400":
            return _ERROR
        return Asked("refund", merchant, words[8], lambda: self._refund(merchant, words), paise(words[6]) or 0, parent=words[4])

    def back(self, payment: Payment, said: Statement) -> Post:
        """The response in the form field `msg`."""
        return Post(payment.return_url, {"msg": self._response(payment, said)})

    def notice(self, payment: Payment, said: Statement) -> Post:
        """The same response, from server to server."""
        return Post(payment.merchant.notices, {"msg": self._response(payment, said)})

    def _brought(self, merchant: Merchant, words: list[str]) -> Asked | Reply:
        amount, security = paise(words[3]), merchant.more.get("security_id") or "NA"
        fixed = [words[2], *words[4:10], words[11], words[12], words[13]]
        wanted = ["NA", "NA", "NA", "NA", "INR", "NA", "R", "NA", "NA", "F"]
        if not amount or words[10] != security or fixed != wanted or not words[21].startswith(("http://", "https://")):
            return text_reply(400, "ERROR")
        return Asked("open", merchant, words[1], lambda: self._open(merchant, words, amount), amount, lambda: text_reply(400, "ERROR"))

    def _open(self, merchant: Merchant, words: list[str], amount: int) -> Payment | Reply:
        known = self._till.payment(self.name, words[1], merchant.id)
        if known is not None and (known.plan is not None or known.amount_paise != amount):
            return text_reply(400, "ERROR")
        return known or self._till.begin(merchant, words[1], amount, "INR", return_url=words[21], infos=words[14:21])

    def _query(self, merchant: Merchant, reference: str) -> Reply:
        payment = self._till.payment(self.name, reference, merchant.id)
        if payment is None or self._till.status(payment) is Status.OPEN or not self._till.seen(payment):
            return _told(merchant, ["0130", merchant.id, reference, *["NA"] * 28, "N"])
        said = self._till.statement(payment)
        head = ["0130", said.merchant, said.reference, said.txn, said.bank or "NA", rupees(said.amount_paise), "HDF", "NA", "01", "INR"]
        body = ["DIRECT", "NA", "NA", "NA", _day(said), _STATUS[said.status], "NA", *payment.more["infos"], "NA", _SAYS[said.status], "NA"]
        return _told(merchant, [*head, *body, *self._last_refund(payment), "Y"])

    def _last_refund(self, payment: Payment) -> list[str]:
        """Columns 27 to 30: status, sum, day and reference of the last refund."""
        made = [each for each in payment.refunds.values() if not each.failed]
        if not made:
            return ["NA"] * 4
        status = "0799" if self._till.is_done(made[-1]) else "0699"
        return [status, rupees(payment.refunded_paise), f"{made[-1].made_at.astimezone(_IST):%Y%m%d}", made[-1].reference]

    def _refund(self, merchant: Merchant, words: list[str]) -> Reply:
        payment, amount = self._till.payment(self.name, words[4], merchant.id), paise(words[6])
        echo = ["0410", *words[1:8]]
        if payment is None or words[2] not in {payment.txn, payment.second} or rupees(payment.amount_paise) != words[5]:
            return _told(merchant, [*echo, "NA", "NA", "RH404", "No such transaction", "N"])
        try:
            made: Refund = self._till.give_back(payment, words[8], amount or 0)
        except (Duplicate, TooMuch):
            return _told(merchant, [*echo, "NA", "NA", "RH409", "Refund not allowed", "N"])
        if made.failed:
            return _told(merchant, [*echo, "NA", "NA", "RH500", "Refund failed", "N"])
        return _told(merchant, [*echo, "0799", made.id, "NA", "NA", "Y"])

    def _response(self, payment: Payment, said: Statement) -> str:
        """25 fields and the checksum; a spoilt one lacks a field, or its checksum is another's or in the other case."""
        security = payment.merchant.more.get("security_id") or "NA"
        head = [said.merchant, said.reference, said.txn, said.bank or "NA", rupees(said.amount_paise), "HDF", "NA", "01", "INR", "DIRECT"]
        fields = [*head, "NA", security, "NA", _day(said), _STATUS[said.status], "NA", *payment.more["infos"], "NA", _SAYS[said.status]]
        text = "|".join(fields[:-1] if said.spoil is Spoil.MISSING else fields)
        mark = _mark(payment.merchant, text)
        if said.spoil is Spoil.CHECKSUM:
            mark = mark[:-1] + ("0" if mark[-1] != "0" else "1")
        return f"{text}|{mark.lower() if said.spoil is Spoil.CASE else mark}"


def _day(said: Statement) -> str:
    return said.at.astimezone(_IST).strftime("%d-%m-%Y %H:%M:%S")


def _told(merchant: Merchant, fields: list[str]) -> Reply:
    text = "|".join(fields)
    return text_reply(200, f"{text}|{_mark(merchant, text)}")


def _mark(merchant: Merchant, text: str) -> str:
    """The checksum of the merchant's contract."""
    key, data = merchant.secrets["checksum"], text.encode("utf-8")
    match merchant.more.get("algorithm", "hmac-sha256"):
        case "sha256":
            return hashlib.sha256(b"%b|%b" % (data, key.encode())).hexdigest().upper()
        case "crc32":
            return str(binascii.crc32(b"%b|%b" % (data, key.encode())))
        case _:
            return HMAC(key.encode(), data, hashlib.sha256).hexdigest().upper()
