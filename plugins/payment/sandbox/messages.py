"""The sandbox's messages as the plugin reads and writes them: fields joined by `|`, the last one the checksum.

The checksum is HMAC-SHA256 over everything before the last bar, in upper-case hex. Nothing is read before it is verified over
the bytes as they came, and no error repeats any of them.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from engine.api import IST, GatewayEvent, PaymentOutcome, RawCallback, Untrusted

__all__ = ["MOMENT", "event_of", "message_in", "open_message", "paise_of", "rupees_of", "signed"]

MOMENT = "%Y%m%d%H%M%S"
_MOST = 4096
_RUPEES = re.compile(r"(0|[1-9][0-9]{0,8})\.([0-9]{2})", re.ASCII)
_FIELD = re.compile(r"[\x20-\x7b\x7d\x7e]*", re.ASCII)
_OUTCOMES = {
    "PAID": PaymentOutcome.SUCCEEDED,
    "PENDING": PaymentOutcome.PENDING,
    "FAILED": PaymentOutcome.FAILED,
    "CANCELLED": PaymentOutcome.FAILED,
}
_SAYINGS = {
    "PAID": "The payment was made.",
    "PENDING": "The bank has not answered yet.",
    "FAILED": "The bank refused the payment.",
    "CANCELLED": "The payer gave up.",
    "OPEN": "The payment page was opened, and nobody paid there yet.",
}


def rupees_of(paise: int) -> str:
    """The amount as messages carry it: rupees with two decimals."""
    return f"{paise // 100}.{paise % 100:02d}"


def paise_of(text: str) -> int | None:
    """The paise of an amount in exactly that form; None for any other text."""
    match = _RUPEES.fullmatch(text)
    return int(match[1]) * 100 + int(match[2]) if match else None


def signed(key: str, *fields: str) -> str:
    """The message of these fields, with its checksum. Raises ValueError for a field that cannot stand in one."""
    if not all(_FIELD.fullmatch(field) for field in fields):
        raise ValueError("a field has a bar or a character beyond ASCII")
    message = "|".join(fields)
    return f"{message}|{_checksum(key, message.encode('ascii'))}"


def open_message(key: str, data: bytes) -> Sequence[str]:
    """The fields of a message whose checksum is good, without it. Raises Untrusted for any other."""
    message, bar, checksum = data.rpartition(b"|")
    if not bar or not hmac.compare_digest(checksum, _checksum(key, message).encode("ascii")):
        raise Untrusted("The checksum of the message is not right.", code="checksum")
    try:
        fields = message.decode("ascii").split("|")
    except UnicodeDecodeError:
        raise _malformed() from None
    if not all(_FIELD.fullmatch(field) for field in fields):
        raise _malformed()
    return fields


def message_in(raw: RawCallback) -> bytes:
    """The one message that a browser or the gateway's server posted. Raises Untrusted for anything beside it, or without it."""
    if b"msg=" not in raw.body:
        raise Untrusted("The message is not one of the sandbox's: it carries no checksum.", code="unsigned")
    if raw.method != "POST" or len(raw.body) > _MOST:
        raise _malformed()
    try:
        sent = parse_qsl(raw.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, encoding="latin-1", max_num_fields=4)
    except ValueError:
        raise _malformed() from None
    if [name for name, _ in sent] != ["msg"]:
        raise _malformed()
    return sent[0][1].encode("latin-1")


def event_of(fields: Sequence[str], *, asked: bool) -> GatewayEvent:
    """What ten verified fields say: merchant, reference, order, transaction, amount, currency, status, code, bank's reference, moment.

    Raises Untrusted for another number of them, or for one that cannot be read. `asked`: it answers our own question, and there
    alone an order that nobody paid is NOT_FOUND.
    """
    if len(fields) != 10:
        raise _malformed()
    merchant, reference, order, txn, amount, currency, status, code, bank, moment = fields
    paise, at = paise_of(amount), _moment(moment)
    if paise is None or at is None or not (merchant and reference and status):
        raise _malformed()
    nobody_paid = asked and status == "OPEN"
    return GatewayEvent(
        key=hashlib.sha256("|".join(("sandbox", *fields[:9])).encode("ascii")).hexdigest(),
        outcome=PaymentOutcome.NOT_FOUND if nobody_paid else _OUTCOMES.get(status, PaymentOutcome.UNKNOWN),
        reference=reference,
        merchant=merchant,
        amount_paise=paise,
        currency=currency,
        gateway_txn_id=txn,
        gateway_order_id=order,
        code=code,
        say=_SAYINGS.get(status, "The gateway said something that is not known here."),
        occurred_at=at,
        detail={"bank_reference": bank} if bank else {},
    )


def _checksum(key: str, message: bytes) -> str:
    return hmac.new(key.encode("ascii"), message, hashlib.sha256).hexdigest().upper()


def _moment(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, MOMENT).replace(tzinfo=IST) if re.fullmatch(r"[0-9]{14}", text, re.ASCII) else None
    except ValueError:
        return None


def _malformed() -> Untrusted:
    return Untrusted("The message is not one of the sandbox's: it cannot be read.", code="malformed")
