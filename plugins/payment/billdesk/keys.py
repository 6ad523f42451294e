"""RSA keys as an office enters them: PEM without a passphrase, or JWK; and what is wrong with them, without a word of what they are."""

import json
from collections.abc import Iterator

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

__all__ = ["key_faults", "rsa_key"]

_LEAST_BITS, _MOST_BITS = 2048, 4096
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
_SIZE = f"must be an RSA key of {_LEAST_BITS} to {_MOST_BITS} bits"


def rsa_key(text: str) -> RSAKey:
    """The key that a text is. Raises ValueError, which repeats nothing of it, for what is none of a size that may be used."""
    try:
        key = RSAKey.import_key(_jwk(text) if text.startswith("{") else text)
        bits = key.public_key.key_size
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise ValueError("it is no RSA key") from None
    if not _LEAST_BITS <= bits <= _MOST_BITS:
        raise ValueError("it is too short or too long")
    return key


def key_faults(private: str, public: str) -> Iterator[tuple[str, str, str]]:
    """What is wrong with the two keys of an office: the field, a code, and the end of a sentence about it."""
    keys: dict[str, RSAKey] = {}
    for name, text in (("private_key", private), ("gateway_key", public)):
        try:
            keys[name] = rsa_key(text)
        except ValueError:
            yield name, "bad_char", f"cannot be read: it {_SIZE}, in PEM without a passphrase or in JWK"
    if "private_key" in keys and not keys["private_key"].is_private:
        yield "private_key", "bad_char", "is a public key; enter the private one"
    if "gateway_key" in keys and keys["gateway_key"].is_private:
        yield "gateway_key", "bad_char", "is a private key; enter BillDesk's public one, and use this private key nowhere any more"
    elif len(keys) == 2 and _numbers(keys["private_key"]) == _numbers(keys["gateway_key"]):
        yield "gateway_key", "same_as_merchant_id", "is the public half of this office's own key; enter the one that BillDesk gave"


def _numbers(key: RSAKey) -> tuple[int, int]:
    found = key.public_key.public_numbers()
    return found.n, found.e


def _jwk(text: str) -> dict[str, str | list[str]]:
    """A JWK of a flat JSON object with texts alone; of a public one nothing private is passed over."""
    found = json.loads(text)
    if not isinstance(found, dict) or found.get("kty") != "RSA" or not all(isinstance(value, str) for value in found.values()):
        raise ValueError("it is no JWK")
    if _PRIVATE & found.keys() and "d" not in found:
        raise ValueError("it is half a key")
    return found
