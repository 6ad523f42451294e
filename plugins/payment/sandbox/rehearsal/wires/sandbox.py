"""The sandbox's wire from the gateway's side: fields joined by bars, the last one HMAC-SHA256 in capitals."""

from datetime import timedelta, timezone
from hashlib import sha256
from hmac import HMAC, compare_digest

from plugins.payment.sandbox.rehearsal.amounts import paise, rupees
from plugins.payment.sandbox.rehearsal.http import Reply, Request, text_reply
from plugins.payment.sandbox.rehearsal.scripts import Spoil, Status
from plugins.payment.sandbox.rehearsal.till import Duplicate, Merchant, Payment, Refund, Statement, Till, TooMuch
from plugins.payment.sandbox.rehearsal.wires.asked import Asked, Post

__all__ = ["SandboxWire"]

_IST = timezone(timedelta(hours=5, minutes=30))
_LENGTHS = {"START": 9, "PAY": 6, "QUERY": 4, "REFUND": 8, "REFUND_QUERY": 4}
_KINDS = {
    "/sandbox/start": "START",
    "/sandbox/pay": "PAY",
    "/sandbox/query": "QUERY",
    "/sandbox/refund": "REFUND",
    "/sandbox/refund-query": "REFUND_QUERY",
}


class SandboxWire:
    """The sandbox's own gateway. A merchant's secret is `checksum`."""

    name = "sandbox"

    def __init__(self, till: Till) -> None:
        self._till = till

    def read(self, request: Request) -> Asked | Reply | None:
        """One of the five questions, if its checksum is good."""
        kind = _KINDS.get(request.path)
        if kind is None or request.method != "POST":
            return None
        words = request.form().get("msg", "").split("|")
        if len(words) != _LENGTHS[kind] + 1 or words[0] != kind or not (words[-2].isdigit() and len(words[-2]) == 14):
            return text_reply(400, "ERROR|MALFORMED")
        merchant = self._till.merchant(self.name, words[1])
        if merchant is None:
            return text_reply(403, "ERROR|UNKNOWN_MERCHANT")
        if not compare_digest(words[-1].encode(), _mark(merchant, "|".join(words[:-1])).encode()):
            return text_reply(403, "ERROR|CHECKSUM")
        return self._asked(kind, merchant, words)

    def back(self, payment: Payment, said: Statement) -> Post:
        """The event in the form field `msg`."""
        return Post(payment.return_url, {"msg": self._event(payment, said)})

    def notice(self, payment: Payment, said: Statement) -> Post:
        """The same event, from server to server."""
        return Post(payment.notice_url or payment.merchant.notices, {"msg": self._event(payment, said)})

    def _asked(self, kind: str, merchant: Merchant, words: list[str]) -> Asked | Reply:
        reference = words[2]

        def refuse(code: str = "REFUSED") -> Reply:
            return self._signed(merchant, "REFUSED", merchant.id, reference, code)

        match kind:
            case "START":
                amount = paise(words[3])
                if amount is None or not reference:
                    return refuse("MALFORMED")
                return Asked("start", merchant, reference, lambda: self._start(merchant, words, amount), amount, refuse)
            case "PAY":
                payment = self._till.payment(self.name, words[3], merchant.id)
                if payment is None or payment.reference != reference or rupees(payment.amount_paise) != words[4]:
                    return text_reply(400, "ERROR|UNKNOWN_ORDER")
                return Asked("open", merchant, reference, lambda: payment, payment.amount_paise, refuse)
            case "QUERY":
                return Asked("query", merchant, reference, lambda: self._query(merchant, reference))
            case "REFUND":
                return Asked("refund", merchant, reference, lambda: self._refund(merchant, words), paise(words[5]) or 0, parent=words[3])
            case _:
                return Asked("query_refund", merchant, reference, lambda: self._query_refund(merchant, reference))

    def _start(self, merchant: Merchant, words: list[str], amount: int) -> Reply:
        try:
            made = self._till.begin(merchant, words[2], amount, words[4], return_url=words[5], notice_url=words[6], tags=words[7])
        except Duplicate:
            return self._signed(merchant, "REFUSED", merchant.id, words[2], "DUPLICATE")
        return self._signed(merchant, "STARTED", merchant.id, made.reference, made.order)

    def _query(self, merchant: Merchant, reference: str) -> Reply:
        payment = self._till.payment(self.name, reference, merchant.id)
        if payment is None or not self._till.seen(payment):
            return self._signed(merchant, "ANSWER", merchant.id, reference, "NOT_FOUND")
        return self._signed(merchant, "ANSWER", *_fields(self._till.statement(payment)))

    def _refund(self, merchant: Merchant, words: list[str]) -> Reply:
        payment, amount = self._till.payment(self.name, words[3], merchant.id), paise(words[5])
        if payment is None or amount is None or words[4] not in {payment.txn, payment.second}:
            return self._signed(merchant, "REFUSED", merchant.id, words[2], "NO_SUCH_PAYMENT")
        try:
            return self._told(merchant, self._till.give_back(payment, words[2], amount))
        except Duplicate:
            return self._signed(merchant, "REFUSED", merchant.id, words[2], "DUPLICATE")
        except TooMuch:
            return self._signed(merchant, "REFUSED", merchant.id, words[2], "TOO_MUCH")

    def _query_refund(self, merchant: Merchant, reference: str) -> Reply:
        found = self._till.refund(self.name, reference)
        if found is None or found[0].merchant.id != merchant.id:
            return self._signed(merchant, "REFUND_ANSWER", merchant.id, reference, "NOT_FOUND")
        return self._told(merchant, found[1])

    def _told(self, merchant: Merchant, refund: Refund) -> Reply:
        state, code = ("FAILED", "R9") if refund.failed else ("DONE", "00") if self._till.is_done(refund) else ("PENDING", "R1")
        told = (merchant.id, refund.reference, refund.id, rupees(refund.amount_paise), state, code)
        return self._signed(merchant, "REFUND_ANSWER", *told)

    def _event(self, payment: Payment, said: Statement) -> str:
        """The event; a spoilt one has a field too few, or a checksum that is another's or in small letters."""
        fields = ["EVENT", *_fields(said)]
        text = "|".join(fields[:-1] if said.spoil is Spoil.MISSING else fields)
        mark = _mark(payment.merchant, text)
        if said.spoil is Spoil.CHECKSUM:
            mark = ("0" if mark[0] != "0" else "1") + mark[1:]
        return f"{text}|{mark.lower() if said.spoil is Spoil.CASE else mark}"

    def _signed(self, merchant: Merchant, *fields: str) -> Reply:
        text = "|".join(fields)
        return text_reply(200, f"{text}|{_mark(merchant, text)}")


def _fields(said: Statement) -> list[str]:
    moment = said.at.astimezone(_IST).strftime("%Y%m%d%H%M%S")
    shown = [said.merchant, said.reference, said.order, said.txn, rupees(said.amount_paise), said.currency]
    return [*shown, Status(said.status).name, said.code, said.bank, moment]


def _mark(merchant: Merchant, text: str) -> str:
    made = HMAC(merchant.secrets["checksum"].encode("ascii"), digestmod=sha256)
    made.update(text.encode("ascii", "replace"))
    return "".join(f"{byte:02X}" for byte in made.digest())
