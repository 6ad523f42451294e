"""What Razorpay's API, checkout and webhooks share on the wire: JSON, forms, signatures, moments, and the key of a statement.

Whatever is read here comes from strangers until a signature has judged it, so nothing is guessed. No number of a message ever
becomes a float: one with a fraction stays the text that it was, and is no amount.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from engine.api import PaymentOutcome, Secret, Unresolved, Untrusted

__all__ = [
    "fields_of_form",
    "is_id",
    "is_reference",
    "is_signed",
    "misread",
    "moment",
    "object_in",
    "paise_of",
    "part",
    "short",
    "statement_key",
    "text_of",
    "untrusted",
]

_MOST_BYTES = 256 * 1024
_MOST_FORM, _MOST_PAIRS = 32 * 1024, 60
_MOST_PAISE = 10**13
_PLAIN = re.compile(rb"[\x20-\x7e]+")
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9]{1,12}_[A-Za-z0-9]{1,40}", re.ASCII)
_REFERENCE = re.compile(r"[A-Z0-9]{10,40}", re.ASCII)
_SECONDS = range(946_684_800, 7_258_118_400)  # the years 2000 to 2199


def untrusted(code: str, because: str) -> Untrusted:
    """The refusal of a message that proves nothing. `because` ends a sentence, and tells neither secret nor signature."""
    return Untrusted(f"The message was not believed, because {because}. Nothing was changed.", code=code)


def misread(because: str, *, code: str = "not_believed") -> Unresolved:
    """That an answer to our own question cannot be believed, so what was asked for may have happened."""
    return Unresolved(f"Razorpay's answer could not be believed: {because}. Nobody knows yet what it did; ask again.", code=code)


def object_in(data: bytes, *, most: int = _MOST_BYTES) -> dict[str, Any]:
    """The JSON object that bytes are. Raises Untrusted for what is none, for a name that stands twice, and for NaN."""
    if len(data) > most:
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
    """A text of an object; nothing where it is another kind of thing."""
    found = thing.get(name)
    return found if isinstance(found, str) else ""


def paise_of(thing: Mapping[str, Any], name: str = "amount") -> int | None:
    """An amount in paise: a whole number from 0. A text, a fraction, a truth value and far too much are none."""
    found = thing.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < _MOST_PAISE else None


def fields_of_form(body: bytes, names: Sequence[str]) -> dict[str, str]:
    """The fields of those names in a posted form; others are passed over.

    Raises Untrusted for a body that is no plain form, and where a name is missing, stands twice or has no ASCII text.
    """
    form = body.strip(b"\r\n")
    if len(form) > _MOST_FORM:
        raise untrusted("oversized", "it is too long")
    pairs = [pair.partition(b"=") for pair in form.split(b"&", _MOST_PAIRS)]
    if not _PLAIN.fullmatch(form) or len(pairs) > _MOST_PAIRS:
        raise untrusted("no_form", "it is no form")
    read = [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]
    found = {}
    for name in names:
        values = [value for each, value in read if each == name.encode("ascii")]
        if len(values) != 1 or not _PLAIN.fullmatch(values[0]):
            raise untrusted("fields", f"the field {name} does not stand in it exactly once")
        found[name] = values[0].decode("ascii")
    return found


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def is_signed(data: bytes, signature: str, secret: Secret) -> bool:
    """Whether it is the HMAC-SHA256 of these bytes, in small hex. Compared in constant time; without a secret nothing is signed."""
    if not secret or not _HEX.fullmatch(signature):
        return False
    made = hmac.new(secret.value.encode("utf-8"), data, hashlib.sha256).hexdigest()
    return hmac.compare_digest(made.encode("ascii"), signature.encode("ascii"))


def is_id(text: str, kind: str) -> bool:
    """Whether it has the shape of Razorpay's ids of that kind, such as order or pay. Only such a text becomes part of an address."""
    return bool(_ID.fullmatch(text)) and text.startswith(f"{kind}_")


def is_reference(text: str) -> bool:
    """Whether it has the shape of our references."""
    return bool(_REFERENCE.fullmatch(text))


def short(text: str, *, most: int = 60) -> str:
    """A word of Razorpay's that may be kept and shown: printable ASCII, cut."""
    return "".join(char if " " <= char <= "~" else "?" for char in text[:most]).strip()


def moment(thing: Mapping[str, Any], name: str = "created_at") -> datetime | None:
    """When it happened, in UTC: Razorpay counts whole seconds since 1970."""
    found = thing.get(name)
    whole = isinstance(found, int) and not isinstance(found, bool) and found in _SECONDS
    return datetime.fromtimestamp(found, UTC) if whole and isinstance(found, int) else None


def statement_key(*, order: str, payment: str, code: str, amount_paise: int | None, outcome: PaymentOutcome | str) -> str:
    """The same for two deliveries of one statement, and for our question that was answered with it.

    It is made of what is signed. The id of an event stands in a header that nothing signs, so whoever repeats a genuine event
    under another id would bring a new statement each time.
    """
    parts = ("razorpay", order, payment, code, "" if amount_paise is None else str(amount_paise), str(outcome))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
