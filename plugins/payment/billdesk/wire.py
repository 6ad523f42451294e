"""What both of BillDesk's interfaces share on the wire: rupees, forms, moments, short words, and the key of a statement.

Whatever is read here comes from strangers until a checksum or a signature has judged it, so nothing is guessed: what is not
exactly of the known shape is refused, or read as nothing.
"""

import hashlib
import re
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

from engine.api import IST, PaymentOutcome, Refused, StartPayment, TooMany, Unresolved, Untrusted

__all__ = [
    "MOST_BYTES",
    "check_status",
    "code_or",
    "form_value",
    "misread",
    "moment",
    "paise_of",
    "require_sendable",
    "rupees_of",
    "short",
    "statement_key",
    "untrusted",
]

MOST_BYTES = 32 * 1024
_MOST_PAIRS = 40
_RUPEES = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2})0{0,8})?", re.ASCII)
_PLAIN = re.compile(rb"[\x20-\x7e]*")
_REFERENCE = re.compile(r"[A-Z0-9]{1,30}", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9/-]{1,60}", re.ASCII)
_ADDRESS = re.compile(r"https?://[!-{}~]{1,400}", re.ASCII)  # printable, and no bar
_MOMENTS = ("%d-%m-%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%d")
_CODE = re.compile(r"[A-Za-z0-9_]{1,40}", re.ASCII)
_YEARS = range(2000, 2200)
_NOT_SAID = frozenset({"", "NA"})
_SLOWER_S = 60


def untrusted(code: str, because: str) -> Untrusted:
    """The refusal of a message that proves nothing. `because` ends a sentence, and tells neither key nor checksum."""
    return Untrusted(f"The message was not believed, because {because}. Nothing was changed.", code=code)


def misread(because: str, *, code: str = "not_believed") -> Unresolved:
    """That an answer to our own question cannot be believed, so what was asked for may have happened."""
    return Unresolved(f"BillDesk's answer could not be believed: {because}. Nobody knows yet what it did; ask again.", code=code)


def check_status(status: int) -> None:
    """Raises TooMany where BillDesk wants to be asked more slowly."""
    if status == 429:
        raise TooMany("BillDesk was asked too often; wait a minute.", retry_after_s=_SLOWER_S)


def rupees_of(paise: int) -> str:
    """Rupees with two decimals, as both interfaces write them: 23600 is 236.00."""
    return f"{paise // 100}.{paise % 100:02d}"


def paise_of(text: str) -> int | None:
    """The paise of an amount in rupees, or None: 236, 236.0 and 236.00 are read; signs, commas, exponents, fractions of a paisa are not."""
    match = _RUPEES.fullmatch(text)
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else None


def require_sendable(payment: StartPayment, *, least_paise: int, most_paise: int) -> None:
    """Raises Refused for a payment that cannot be put into a message: nothing was sent then."""
    if not _REFERENCE.fullmatch(payment.reference):
        raise Refused("The reference of the payment must be 1 to 30 capitals and digits.", code="reference")
    if payment.currency != "INR" or not least_paise <= payment.amount_paise <= most_paise:
        say = f"BillDesk takes rupees, from {rupees_of(least_paise)} to {rupees_of(most_paise)} at a time."
        raise Refused(say, code="amount")
    if not _ADDRESS.fullmatch(payment.return_url):
        raise Refused("The address that the payer returns to cannot be sent to BillDesk.", code="return_url")
    if len(payment.tags) > 7 or not all(_TAG.fullmatch(tag) for tag in payment.tags):
        raise Refused("A payment has at most seven tags of letters, digits, / and -.", code="tags")


def form_value(body: bytes, name: str) -> bytes:
    """The one value of that name in a posted form, percent-decoded and otherwise as it came; fields of other names are passed over.

    Raises Untrusted for a body that is empty, too long or no plain form, and where the name is missing or stands twice.
    """
    form = body.strip(b"\r\n")
    if len(form) > MOST_BYTES:
        raise untrusted("oversized", "it is too long")
    if not form or not _PLAIN.fullmatch(form):
        raise untrusted("no_form", "it is no form")
    pairs = [pair.partition(b"=") for pair in form.split(b"&", _MOST_PAIRS)]
    if len(pairs) > _MOST_PAIRS:
        raise untrusted("no_form", "its form has too many fields")
    found = [value for key, _, value in pairs if unquote_to_bytes(key.replace(b"+", b" ")) == name.encode("ascii")]
    if len(found) != 1:
        raise untrusted("no_message", f"the field {name} does not stand in it exactly once")
    return unquote_to_bytes(found[0].replace(b"+", b" "))


def short(text: str, *, most: int = 60) -> str:
    """A word of the gateway that may be kept and shown: printable ASCII, cut; nothing where BillDesk says NA."""
    plain = "".join(char if " " <= char <= "~" else "?" for char in text[:most]).strip()
    return "" if plain in _NOT_SAID else plain


def code_or(text: str, otherwise: str = "refused") -> str:
    """A code of the gateway, or another word where it gave none that is one."""
    return text if text != "NA" and _CODE.fullmatch(text) else otherwise


def moment(text: str) -> datetime | None:
    """When it happened, in UTC, or None: the text's format is not documented, so a few are tried, and without a zone it is IST."""
    if len(text) > 40 or not text.isascii():
        return None
    found = next((at for form in _MOMENTS if (at := _parsed(text, form))), None) or _iso(text)
    if found is None or found.year not in _YEARS:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=IST)).astimezone(UTC)


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007  # the zone is added by who asked
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def statement_key(*, reference: str, txn: str, code: str, amount_paise: int | None, outcome: PaymentOutcome, hint: bool = False) -> str:
    """The same for two deliveries of one statement and for our question that was answered with it; another one for a mere `hint`."""
    parts = ("hint" if hint else "payment", reference, txn, code, "" if amount_paise is None else str(amount_paise), str(outcome))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
