"""What an X.509 certificate says that signing must know: whose it is, whether it may sign now, whether a signature is its own.

Everything here reads DER and decides nothing about trust: who issued it and whether that issuer counts is the verifier's.
Names are shown to people and never compared; identity is the SHA-256 of the DER (`X509Chain.fingerprint`).
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from engine.clock import IST

__all__ = ["MIN_RSA_BITS", "Unusable", "ecdsa_verifies", "holder", "label", "rsa_verifies", "why_unusable"]

MIN_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an X.509 certificate may not sign: a stable code (expired, not_yet_valid, wrong_usage, weak_key, weak_hash,
    unknown_key, unreadable) and a sentence that names what was read."""

    code: str
    say: str


@lru_cache(maxsize=512)
def parse(der: bytes) -> x509.Certificate:
    """The parsed certificate. Raises ValueError for what is none."""
    return x509.load_der_x509_certificate(der)


@lru_cache(maxsize=512)
def _public_key(der: bytes) -> object:
    return parse(der).public_key()


def holder(der: bytes) -> str:
    """The name of whoever holds the key: the common name, else the organisation, else the whole subject."""
    subject = parse(der).subject
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        if found := subject.get_attributes_for_oid(oid):
            return str(found[0].value)
    return subject.rfc4514_string()


def label(der: bytes) -> str:
    """Holder, serial number, issuer and last day, as a person tells two X.509 certificates of one name apart."""
    certificate = parse(der)
    issuer = certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    by = str(issuer[0].value) if issuer else certificate.issuer.rfc4514_string()
    last = certificate.not_valid_after_utc.astimezone(IST).date()
    return f"{holder(der)} (serial {certificate.serial_number:x}, issued by {by}, valid until {last})"


def why_unusable(der: bytes, at: datetime) -> Unusable | None:
    """Why this X.509 certificate may not sign at that moment, or None if it may."""
    try:
        certificate, key, who = parse(der), _public_key(der), label(der)
        return _wrong_time(certificate, who, at) or _wrong_usage(certificate, who) or _weak(certificate, key, who)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        return Unusable("unreadable", f"The X.509 certificate cannot be read ({type(error).__name__}); enrol another one.")


def _wrong_time(certificate: x509.Certificate, who: str, at: datetime) -> Unusable | None:
    if at > certificate.not_valid_after_utc:
        return Unusable("expired", f"The X.509 certificate of {who} has expired; renew it and enrol the new one.")
    if at < certificate.not_valid_before_utc:
        first = certificate.not_valid_before_utc.astimezone(IST)
        return Unusable("not_yet_valid", f"The X.509 certificate of {who} is not valid before {first:%Y-%m-%d %H:%M} IST.")
    return None


def _wrong_usage(certificate: x509.Certificate, who: str) -> Unusable | None:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return Unusable("wrong_usage", f"The X.509 certificate of {who} states no key usage, so it is not made for signing.")
    if usage.digital_signature or usage.content_commitment:
        return None
    read = ", ".join(name for name in ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign") if getattr(usage, name))
    return Unusable(
        "wrong_usage",
        f"The X.509 certificate of {who} is for {read or 'something else'} and not for signatures; choose the signing certificate.",
    )


def _weak(certificate: x509.Certificate, key: object, who: str) -> Unusable | None:
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            return Unusable("weak_key", f"The RSA key of {who} has {key.key_size} bits; at least {MIN_RSA_BITS} are needed.")
    elif not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        return Unusable("unknown_key", f"The key of {who} is neither RSA nor ECDSA on P-256.")
    algorithm = certificate.signature_hash_algorithm
    if algorithm is not None and algorithm.name in ("md5", "sha1"):
        return Unusable(
            "weak_hash", f"The X.509 certificate of {who} was issued with {algorithm.name.upper()}, which proves nothing today."
        )
    return None


def rsa_verifies(der: bytes, data: bytes, value: bytes) -> bool:
    """Whether `value` is this certificate's RSA PKCS#1 v1.5 signature with SHA-256 over `data`."""
    key = _public_key(der)
    if not isinstance(key, rsa.RSAPublicKey):
        return False
    try:
        key.verify(value, data, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def ecdsa_verifies(der: bytes, data: bytes, value: bytes) -> bool:
    """Whether `value` is this certificate's ECDSA signature (DER of r and s) with SHA-256 over `data`."""
    key = _public_key(der)
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return False
    try:
        key.verify(value, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
