"""The envelopes of BillDesk's JOSE API from BillDesk's side, made by hand from RFC 7515, 7516 and 7518.

Which scheme a merchant has follows from its secrets: `signing` alone is the HMAC one, `encryption` beside it the symmetric one
(encrypted first, signed then), and `own`, BillDesk's private key in PEM, the RSA one, whose `more` has the office's public key.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from hmac import HMAC, compare_digest
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plugins.payment.sandbox.rehearsal.till import Merchant

__all__ = ["client_of", "opened", "sealed"]

_OAEP = padding.OAEP(mgf=padding.MGF1(algorithm=hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
_TAG = 16


def client_of(body: bytes) -> str:
    """The client that an envelope names in its open header, believed for nothing."""
    return str(_json(body.partition(b".")[0]).get("clientid", ""))


def sealed(merchant: Merchant, content: Mapping[str, Any]) -> str:
    """The envelope of an answer or a message to that office."""
    inner = json.dumps(content).encode()
    if _encrypts(merchant):
        inner = _encrypted(merchant, inner)
    header = {"alg": "PS256" if "own" in merchant.secrets else "HS256", "clientid": merchant.more["client_id"]}
    text = b".".join((_b64(json.dumps(header).encode()), _b64(inner)))
    return b".".join((text, _b64(_signature(merchant, text)))).decode("ascii")


def opened(merchant: Merchant, body: bytes) -> dict[str, Any] | None:
    """What an envelope of that office holds; None if its signature, its algorithms or its encryption are not the office's."""
    parts = body.split(b".")
    if len(parts) != 3:
        return None
    by_rsa = "own" in merchant.secrets
    header = _json(parts[0])
    if header.get("alg") != ("PS256" if by_rsa else "HS256") or header.get("clientid") != merchant.more.get("client_id"):
        return None
    try:
        if not _is_signed(merchant, b".".join(parts[:2]), _unb64(parts[2])):
            return None
        inner = _unb64(parts[1])
        return _object(_decrypted(merchant, inner) if _encrypts(merchant) else inner)
    except (ValueError, InvalidTag):
        return None


def _encrypts(merchant: Merchant) -> bool:
    return "own" in merchant.secrets or "encryption" in merchant.secrets


def _signature(merchant: Merchant, text: bytes) -> bytes:
    if "own" in merchant.secrets:
        return _own(merchant).sign(text, _PSS, hashes.SHA256())
    return HMAC(merchant.secrets["signing"].encode(), text, hashlib.sha256).digest()


def _is_signed(merchant: Merchant, text: bytes, mark: bytes) -> bool:
    if "own" not in merchant.secrets:
        return compare_digest(mark, _signature(merchant, text))
    try:
        _office(merchant).verify(mark, text, _PSS, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _encrypted(merchant: Merchant, inner: bytes) -> bytes:
    """A JWE: to the office's public key, or under the key that both have."""
    by_rsa = "own" in merchant.secrets
    key = os.urandom(32) if by_rsa else merchant.secrets["encryption"].encode()
    wrapped = _b64(_office(merchant).encrypt(key, _OAEP)) if by_rsa else b""
    told = {"alg": "RSA-OAEP-256" if by_rsa else "dir", "enc": "A256GCM", "kid": merchant.more.get("key_id", "")}
    head, nonce = _b64(json.dumps(told).encode()), os.urandom(12)
    whole = AESGCM(key).encrypt(nonce, inner, head)
    return b".".join((head, wrapped, _b64(nonce), _b64(whole[:-_TAG]), _b64(whole[-_TAG:])))


def _decrypted(merchant: Merchant, body: bytes) -> bytes:
    by_rsa = "own" in merchant.secrets
    head, wrapped, nonce, text, tag = body.split(b".")
    header = _json(head)
    if (header.get("alg"), header.get("enc")) != ("RSA-OAEP-256" if by_rsa else "dir", "A256GCM"):
        raise ValueError("another algorithm")
    if not by_rsa and (wrapped or header.get("kid") != merchant.more.get("key_id")):
        raise ValueError("another key")
    key = _own(merchant).decrypt(_unb64(wrapped), _OAEP) if by_rsa else merchant.secrets["encryption"].encode()
    return AESGCM(key).decrypt(_unb64(nonce), _unb64(text) + _unb64(tag), head)


def _own(merchant: Merchant) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(merchant.secrets["own"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101  # who made the merchant gave one
    return key


def _office(merchant: Merchant) -> rsa.RSAPublicKey:
    key = serialization.load_pem_public_key(merchant.more["office"].encode())
    assert isinstance(key, rsa.RSAPublicKey)  # noqa: S101  # who made the merchant gave one
    return key


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _unb64(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def _json(part: bytes) -> dict[str, Any]:
    try:
        return _object(_unb64(part))
    except ValueError:
        return {}


def _object(data: bytes) -> dict[str, Any]:
    found = json.loads(data)
    return found if isinstance(found, dict) else {}
