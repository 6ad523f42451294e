"""The messages of BillDesk's classic interface: fields joined by bars, the last one a checksum over everything before it.

The checksum is judged over the bytes as they came, exactly and in upper case, before anything is split. Three algorithms have
been in use; the office's parameters name the one of its contract, and no other is ever tried: guessing would let a stranger
choose the weakest.
"""

import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.api import GatewayEvent, PaymentOutcome, Refused, Secret
from plugins.payment.billdesk.wire import MOST_BYTES, moment, paise_of, short, statement_key, untrusted

__all__ = ["ALGORITHMS", "IN_ANSWER", "IN_MESSAGE", "NOTHING", "Mark", "Places", "event_of", "opened", "signed"]

NOTHING = "NA"
_SENDABLE = re.compile(r"[ -{}~]{1,400}", re.ASCII)  # printable, and no bar


def _hmac_sha256(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest().upper()


def _sha256(key: bytes, message: bytes) -> str:
    return hashlib.sha256(message + b"|" + key).hexdigest().upper()


def _crc32(key: bytes, message: bytes) -> str:
    return str(zlib.crc32(message + b"|" + key))


ALGORITHMS: Mapping[str, Callable[[bytes, bytes], str]] = {"hmac-sha256": _hmac_sha256, "sha256": _sha256, "crc32": _crc32}


@dataclass(frozen=True, slots=True)
class Mark:
    """How an office's messages are marked: the algorithm of its contract, and its checksum key."""

    algorithm: str
    key: Secret

    @property
    def proves(self) -> bool:
        """Whether the checksum shows who made a message. A CRC does not: whoever has seen one message can mark another."""
        return self.algorithm != "crc32"

    def over(self, message: bytes) -> bytes:
        """The checksum of a message."""
        return ALGORITHMS[self.algorithm](self.key.value.encode(), message).encode("ascii")


def signed(mark: Mark, fields: Sequence[str]) -> str:
    """A message of these fields with its checksum. Raises Refused for a field that is empty or has a bar or an unprintable character."""
    if not all(_SENDABLE.fullmatch(field) for field in fields):
        raise Refused("A field of the message to BillDesk is empty, or has a character that cannot be sent.", code="unsendable")
    message = "|".join(fields)
    return f"{message}|{mark.over(message.encode('ascii')).decode('ascii')}"


def opened(mark: Mark, raw: bytes, *, count: int) -> list[str]:
    """The fields of a message whose checksum is good, without the checksum. Line breaks around it are no part of it.

    Raises Untrusted: a bad checksum is refused before anything is split, then any other number of fields than `count`.
    """
    if len(raw) > MOST_BYTES:
        raise untrusted("oversized", "it is too long")
    message, bar, claimed = raw.strip(b"\r\n").rpartition(b"|")
    if not bar or not hmac.compare_digest(mark.over(message), claimed):
        raise untrusted("checksum", "its checksum does not fit")
    fields = message.decode("utf-8", "replace").split("|")
    if len(fields) != count:
        raise untrusted("fields", f"it has {len(fields)} fields where {count} are expected")
    return fields


@dataclass(frozen=True, slots=True)
class Places:
    """Where a message of one kind has what we read: the numbers of its fields, from 0."""

    count: int
    merchant: int
    reference: int
    txn: int
    bank: int
    amount: int
    method: int
    currency: int
    dated: int
    status: int
    error: int
    description: int


# The browser's return and the server's notice.
IN_MESSAGE = Places(
    count=25, merchant=0, reference=1, txn=2, bank=3, amount=4, method=7, currency=8, dated=13, status=14, error=23, description=24
)
# The answer 0130 to the question 0122.
IN_ANSWER = Places(
    count=32, merchant=1, reference=2, txn=3, bank=4, amount=5, method=8, currency=9, dated=14, status=15, error=24, description=25
)

# Text, never numbers: 0300 is not 300. What is not here says nothing that we know.
_OUTCOMES: Mapping[str, PaymentOutcome] = {
    "0300": PaymentOutcome.SUCCEEDED,
    "0002": PaymentOutcome.PENDING,
    "0399": PaymentOutcome.FAILED,
    "NA": PaymentOutcome.FAILED,
    "0001": PaymentOutcome.UNKNOWN,  # an error of BillDesk's own is no word of the bank: it is asked about again
}
_HINTS = frozenset({PaymentOutcome.SUCCEEDED, PaymentOutcome.PENDING, PaymentOutcome.UNKNOWN})
_SAYS: Mapping[str, str] = {
    "NA": "BillDesk found the request invalid; the office's payment parameters may be wrong.",
    "0001": "BillDesk had an error of its own; whether the payment succeeds is not known yet.",
}


def event_of(fields: Sequence[str], places: Places, *, proven: bool, outcome: PaymentOutcome | None = None) -> GatewayEvent:
    """What verified fields state. A success whose amount cannot be read contradicts itself.

    Where the checksum is no proof, a success comes without its amount and a failure as UNKNOWN, so that the engine asks first.
    """
    status = fields[places.status]
    found = outcome or _OUTCOMES.get(status, PaymentOutcome.UNKNOWN)
    amount = paise_of(fields[places.amount])
    if found is PaymentOutcome.SUCCEEDED and amount is None:
        found = PaymentOutcome.CONTRADICTS
    if not proven:
        amount, found = None, found if found in _HINTS else PaymentOutcome.UNKNOWN
    reference, txn = short(fields[places.reference]), short(fields[places.txn])
    code = NOTHING if status == NOTHING else short(status, most=20)
    named = {"bank": fields[places.bank], "method": fields[places.method], "dated": fields[places.dated], "error": fields[places.error]}
    return GatewayEvent(
        key=statement_key(reference=reference, txn=txn, code=code, amount_paise=amount, outcome=found, hint=not proven),
        outcome=found,
        reference=reference,
        merchant=short(fields[places.merchant]) or None,
        amount_paise=amount,
        currency=short(fields[places.currency], most=8) or None,
        gateway_txn_id=txn,
        code=code,
        say=_SAYS.get(status) or short(fields[places.description], most=200),
        occurred_at=moment(fields[places.dated]),
        detail={name: word for name, text in named.items() if (word := short(text, most=40))},
    )
