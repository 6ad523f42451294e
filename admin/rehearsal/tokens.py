"""The rehearsal registry's own way of signing, written on `cryptography` alone: what it shares with its client, it cannot prove."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from admin.rehearsal.faults import TokenFault

__all__ = ["PublicKey", "SigningKey", "b64", "claims_of", "half_hash", "id_token", "new_key"]

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, the algorithm that it signs with, and its name."""

    kid: str
    algorithm: str
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

    def sign(self, data: bytes) -> bytes:
        """The signature as JWS has it."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return self.private.sign(data, _padding(self.algorithm), SHA256())

    def as_jwk(self) -> dict[str, Any]:
        """The public half as the JWKS shows it."""
        named = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        public = self.private.public_key()
        if isinstance(public, ec.EllipticCurvePublicKey):
            at = public.public_numbers()
            return {**named, "kty": "EC", "crv": "P-256", "x": b64(at.x.to_bytes(32, "big")), "y": b64(at.y.to_bytes(32, "big"))}
        numbers = public.public_numbers()
        return {**named, "kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}

    def as_pem(self) -> bytes:
        """The public half in PEM: what a careless client might take for a secret."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def new_key(algorithm: str = "ES256") -> SigningKey:
    """A fresh key for RS256, PS256 or ES256, named by the hash of its public half."""
    private = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else rsa.generate_private_key(65537, 2048)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(hashlib.sha256(public).hexdigest()[:16], algorithm, private)


def b64(data: bytes) -> str:
    """Base64url without its padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def half_hash(text: str) -> str:
    """What `at_hash` is: the left half of a SHA-256."""
    return b64(hashlib.sha256(text.encode()).digest()[:16])


def id_token(claims: dict[str, Any], key: SigningKey, fault: TokenFault | None, spare: SigningKey) -> str:
    """The claims, signed; or spoilt in the way that was asked for. `spare` is a key that nobody publishes."""
    header: dict[str, Any] = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}
    match fault:
        case TokenFault.ALG_NONE:
            return _joined({"alg": "none", "kid": key.kid}, claims) + "."
        case TokenFault.ALG_HS256:
            said = _joined(header | {"alg": "HS256"}, claims)
            return f"{said}.{b64(hmac.digest(key.as_pem(), said.encode(), 'sha256'))}"
        case TokenFault.UNKNOWN_KID:
            return _signed(header | {"kid": spare.kid}, claims, spare)
        case TokenFault.FORGED:
            return _signed(header | {"jwk": spare.as_jwk()}, claims, spare)
        case TokenFault.TAMPERED:
            _, _, signature = _signed(header, claims, key).split(".")
            return f"{_joined(header, claims | {'sub': 'rehearsal-9999'})}.{signature}"
        case TokenFault.CRIT:
            return _signed(header | {"crit": ["b64"], "b64": True}, claims, key)
        case TokenFault.FIVE_PARTS:
            return _signed(header, claims, key) + ".e30.e30"
    return _signed(header, claims, key)


def _signed(header: dict[str, Any], claims: dict[str, Any], key: SigningKey) -> str:
    said = _joined(header, claims)
    return f"{said}.{b64(key.sign(said.encode()))}"


def _joined(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(b64(json.dumps(part).encode()) for part in (header, claims))


def claims_of(token: str, key: PublicKey) -> dict[str, Any] | None:
    """What a client's assertion says, if that key signed it with RS256, PS256 or ES256; else None."""
    try:
        head, body, signature = token.split(".")
        algorithm = json.loads(_unb64(head))["alg"]
        _check(key, algorithm, _unb64(signature), f"{head}.{body}".encode())
        claims = json.loads(_unb64(body))
    except (ValueError, KeyError, TypeError, InvalidSignature):
        return None
    return claims if isinstance(claims, dict) else None


def _check(key: PublicKey, algorithm: str, signature: bytes, data: bytes) -> None:
    if isinstance(key, ec.EllipticCurvePublicKey):
        if algorithm != "ES256" or len(signature) != 64:
            raise InvalidSignature
        parts = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        key.verify(encode_dss_signature(*parts), data, ec.ECDSA(SHA256()))
    elif algorithm in {"RS256", "PS256"}:
        key.verify(signature, data, _padding(algorithm), SHA256())
    else:
        raise InvalidSignature


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    return padding.PKCS1v15() if algorithm == "RS256" else padding.PSS(padding.MGF1(SHA256()), 32)


def _number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
