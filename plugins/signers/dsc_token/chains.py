"""What lies on a token, as X.509 chains: each certificate with its issuers, and the sentence that lists them for a person.

Whatever else was stored as a certificate object is passed over here, so that it stops nobody's signing. Nothing is decided
about trust or about who may sign.
"""

import shlex
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from engine.api import X509Chain

from .wire import Found

Choice = tuple[Found, X509Chain]
"""A certificate on a token, and its chain."""


def choices(on_token: Sequence[Found], key_id: bytes, issuers: Sequence[bytes]) -> list[Choice]:
    """Those X.509 certificates that have this id, or all without one, each with its issuers. What is none is passed over."""
    readable = [found for found in on_token if _is_x509(found.der)]
    beside = [*(found.der for found in readable), *issuers]
    return [(found, chain_of(found.der, beside)) for found in readable if not key_id or found.key_id == key_id]


def chain_of(leaf: bytes, beside: Sequence[bytes]) -> X509Chain:
    """The leaf with those of the issuers beside it that stand above it."""
    pool = {c.subject: c for c in (x509.load_der_x509_certificate(der) for der in beside)}
    issuers: list[bytes] = []
    current = x509.load_der_x509_certificate(leaf)
    while (above := pool.pop(current.issuer, None)) is not None and above != current:
        issuers.append(above.public_bytes(Encoding.DER))
        current = above
    return X509Chain(leaf, tuple(issuers))


def listing(chosen: Sequence[Choice], on_token: Sequence[Found]) -> str:
    """What there is to choose from; if that is nothing, which tokens hold an object that is no X.509 certificate."""
    if chosen:
        return f"It holds: {'; '.join(f'{c.label}: --key {shlex.quote(key_of(f))}' for f, c in chosen)}."
    if garbled := sorted({found.named for found in on_token if not _is_x509(found.der)}):
        return (
            f"An object on the token {', '.join(garbled)} is not an X.509 certificate; write the X.509 certificate to it anew in "
            "the vendor's tool."
        )
    return "It holds no X.509 certificate."


def key_of(found: Found) -> str:
    """The reference to that certificate and its key, as `Signatory.key` and `--key` take it."""
    return f"{found.token}/{found.key_id.hex()}"


def _is_x509(der: bytes) -> bool:
    """Whether that is an X.509 certificate whose names can be read."""
    try:
        return bool(X509Chain(der).label)
    except (ValueError, TypeError, x509.InvalidVersion):  # the library raises each of these for some damage
        return False
