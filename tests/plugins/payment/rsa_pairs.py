"""RSA keys for tests, made anew in each process: no private key lies in the repository."""

import base64
import json
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

__all__ = ["as_jwk", "private_pem", "public_pem"]


@cache
def _key(name: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def private_pem(name: str, bits: int = 2048, *, old: bool = False) -> str:
    """The private key of that name."""
    form = serialization.PrivateFormat.TraditionalOpenSSL if old else serialization.PrivateFormat.PKCS8
    return _key(name, bits).private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def public_pem(name: str, bits: int = 2048) -> str:
    """Its public half."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return _key(name, bits).public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def as_jwk(name: str, *, private: bool) -> str:
    """The same as JWK."""
    told = _key(name, 2048).private_numbers()
    shown = {"n": told.public_numbers.n, "e": told.public_numbers.e}
    if private:
        shown |= {"d": told.d, "p": told.p, "q": told.q, "dp": told.dmp1, "dq": told.dmq1, "qi": told.iqmp}
    return json.dumps({"kty": "RSA", **{name: _number(value) for name, value in shown.items()}}, indent=1)


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
