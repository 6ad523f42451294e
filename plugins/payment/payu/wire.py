"""What PayU's messages share on the wire: rupees, forms, JSON, hashes, and the key of a statement.

Every hash is SHA-512 over fields with bars between them and the salt at one end, in small hex. Such a hash can be lengthened by
whoever has seen one: a bar within a field, or a byte that no field has, would make another message of it. So no field of a
message that is believed has either, and the number of fields and the last of them are fixed.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from engine.api import IST, PaymentOutcome, Secret, Unresolved, Untrusted

__all__ = [
    "fields_of_form",
    "hashed",
    "is_hash",
    "misread",
    "moment",
    "object_in",
    "paise_of",
    "part",
    "rupees_of",
    "short",
    "statement_key",
    "text_of",
    "untrusted",
]

_MOST_BYTES = 256 * 1024
_MOST_FORM, _MOST_PAIRS = 32 * 1024, 150
_RUPEES = re.compile(r"([0-9]{1,9})(?:\.([0-9]{1,2})0{0,8})?", re.ASCII)
_FORM = re.compile(rb"[\x20-\x7e]+")
_FIELD = re.compile(rb"[\x20-\x7b\x7d\x7e]*")  # printable ASCII, and no bar
_HASH = re.compile(r"[0-9a-f]{128}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def untrusted(code: str, because: str) -> Untrusted:
    """The refusal of a message that proves nothing. `because` ends a sentence, and tells neither salt nor hash."""
    return Untrusted(f"The message was not believed, because {because}. Nothing was changed.", code=code)


def misread(because: str, *, code: str = "not_believed") -> Unresolved:
    """That an answer to our own question cannot be believed, so what was asked for may have happened."""
    return Unresolved(f"PayU's answer could not be believed: {because}. Nobody knows yet what it did; ask again.", code=code)


def rupees_of(paise: int) -> str:
    """Rupees with two decimals: 23600 is 236.00."""
    return f"{paise // 100}.{paise % 100:02d}"


def paise_of(text: str) -> int | None:
    """The paise of an amount in rupees, or None: 236, 236.0 and 236.00 are read; signs, commas, exponents, fractions of a paisa are not."""
    match = _RUPEES.fullmatch(text)
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0")) if match else None


def hashed(*fields: str | Secret) -> str:
    """The hash over the fields in this order, the salt among them."""
    parts = [field.value if isinstance(field, Secret) else field for field in fields]
    return hashlib.sha512("|".join(parts).encode("utf-8")).hexdigest()


def is_hash(text: str, wanted: str) -> bool:
    """Whether both are one hash, compared in constant time; capitals are another one."""
    return bool(_HASH.fullmatch(text)) and hmac.compare_digest(text.encode("ascii"), wanted.encode("ascii"))


def fields_of_form(body: bytes, names: Sequence[str], *, optional: Sequence[str] = ()) -> dict[str, str]:
    """The fields of those names in a posted form; others are passed over.

    Raises Untrusted for a body that is no plain form, and where a name is missing, stands twice, or has a bar or no ASCII text.
    """
    form = body.strip(b"\r\n")
    if len(form) > _MOST_FORM:
        raise untrusted("oversized", "it is too long")
    pairs = [pair.partition(b"=") for pair in form.split(b"&", _MOST_PAIRS)]
    if not _FORM.fullmatch(form) or len(pairs) > _MOST_PAIRS:
        raise untrusted("no_form", "it is no form")
    read = [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]
    found = {}
    for name in (*names, *optional):
        values = [value for each, value in read if each == name.encode("ascii")]
        if not values and name in optional:
            continue
        if len(values) != 1 or not _FIELD.fullmatch(values[0]):
            raise untrusted("fields", f"the field {name} does not stand in it exactly once")
        found[name] = values[0].decode("ascii")
    return found


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def object_in(data: bytes) -> dict[str, Any]:
    """The JSON object that bytes are; a number with a fraction stays the text that it was, never a float.

    Raises Untrusted for what is none, for a name that stands twice, and for NaN.
    """
    if len(data) > _MOST_BYTES:
        raise untrusted("oversized", "it is too long")
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_float=str, parse_constant=_never)
    except (ValueError, RecursionError):  # a ValueError is raised for what is not UTF-8, not JSON, and for far too long a number
        raise untrusted("malformed", "it is no plain JSON") from None
    if not isinstance(found, dict):
        raise untrusted("malformed", "it is no JSON object")
    return found


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _never(word: str) -> Any:
    raise ValueError("no number")


def part(thing: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """An object within an object; an empty one where there is none."""
    found: Any = thing
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def text_of(thing: Mapping[str, Any], name: str) -> str:
    """A text of an object, a whole number as its digits: PayU's ids are beyond what a float holds. Nothing for another kind of thing."""
    found = thing.get(name)
    if isinstance(found, int) and not isinstance(found, bool):
        return str(found) if abs(found) < 10**40 else ""
    return found if isinstance(found, str) else ""


def short(text: str, *, most: int = 60) -> str:
    """A word of PayU's that may be kept and shown: printable ASCII, cut."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:most]).strip()


def moment(text: str) -> datetime | None:
    """When it happened, in UTC; PayU writes Indian time without a zone."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        found = datetime.fromisoformat(text).replace(tzinfo=IST)
    except ValueError:
        return None
    return found.astimezone(UTC) if 2000 <= found.year < 2200 else None


def statement_key(*, reference: str, status: str, amount_paise: int | None, outcome: PaymentOutcome) -> str:
    """The same for two deliveries of one statement, and for our question that was answered with it: of what a hash covers."""
    parts = ("payu", reference, status, "" if amount_paise is None else str(amount_paise), str(outcome))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
