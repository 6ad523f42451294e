"""What an X.509 certificate says of its holder, as a person compares it with what they know. Reads, and decides nothing.

The policy numbers are India's: the classes below 2.16.356.100.2, the document signer of an organisation, and an issuing
authority's own below 2.16.356.100.1 (Interoperability Guidelines of the Controller of Certifying Authorities).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["CLASS_3", "DOCUMENT_SIGNER", "EXPIRES_SOON", "CertificateFacts", "facts_of", "is_authority"]

CLASS_3 = "2.16.356.100.2.3"
DOCUMENT_SIGNER = "2.16.356.100.10.1"
EXPIRES_SOON = timedelta(days=30)
_POLICIES = {
    "2.16.356.100.2.1": "Class 1",
    "2.16.356.100.2.2": "Class 2",
    CLASS_3: "Class 3",
    "2.16.356.100.2.4.1": "eKYC, single factor",
    "2.16.356.100.2.4.2": "eKYC, multi factor",
    DOCUMENT_SIGNER: "document signer of an organisation",
}
_OWN_POLICY = "2.16.356.100.1."
_USAGES = (
    ("digital_signature", "digital signature"),
    ("content_commitment", "non-repudiation"),
    ("key_encipherment", "key encipherment"),
    ("data_encipherment", "data encipherment"),
    ("key_agreement", "key agreement"),
    ("key_cert_sign", "certificate signing"),
)
_PURPOSES = {
    ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string: "client authentication",
    ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string: "e-mail protection",
    "1.3.6.1.4.1.311.10.3.12": "document signing",
    "1.2.840.113583.1.1.5": "authentic documents",
    "1.3.6.1.4.1.311.10.3.4": "encrypting file system",
    "1.3.6.1.4.1.311.20.2.2": "smartcard logon",
}


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate in words. What it does not say is empty."""

    holder: str
    organisation: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    policies: tuple[str, ...]
    policy_oids: frozenset[str]
    usages: tuple[str, ...]
    non_repudiation: bool
    purposes: tuple[str, ...]
    key: str

    def expires_soon(self, at: datetime) -> bool:
        """Whether it ends within 30 days and has not ended yet."""
        return timedelta() <= self.not_after - at <= EXPIRES_SOON


def facts_of(der: bytes) -> CertificateFacts:
    """What the certificate says. Raises ValueError for what is none, or says what cannot be read."""
    try:
        return _facts(x509.load_der_x509_certificate(der))
    except (TypeError, x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType) as error:
        raise ValueError("not a readable X.509 certificate") from error


def is_authority(der: bytes) -> bool:
    """Whether the certificate is an issuer's and nobody's to sign documents with."""
    try:
        found = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.BasicConstraints)
    except (ValueError, TypeError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.InvalidVersion):
        return False
    return found.value.ca


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    usage, oids = _usage(certificate), _policies(certificate)
    return CertificateFacts(
        holder=_named(certificate.subject, NameOID.COMMON_NAME),
        organisation=_named(certificate.subject, NameOID.ORGANIZATION_NAME),
        issuer=_named(certificate.issuer, NameOID.COMMON_NAME) or certificate.issuer.rfc4514_string(),
        serial=f"{certificate.serial_number:x}",
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        policies=tuple(_policy(oid) for oid in oids),
        policy_oids=frozenset(oids),
        usages=tuple(word for name, word in _USAGES if usage is not None and getattr(usage, name)),
        non_repudiation=usage is not None and usage.content_commitment,
        purposes=_purposes(certificate),
        key=_key(certificate),
    )


def _named(name: x509.Name, oid: x509.ObjectIdentifier) -> str:
    found = name.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _policies(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        stated = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(policy.policy_identifier.dotted_string for policy in stated)


def _policy(oid: str) -> str:
    if oid.startswith(_OWN_POLICY):
        return f"policy of the issuing authority ({oid})"
    return f"{_POLICIES[oid]} ({oid})" if oid in _POLICIES else oid


def _purposes(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        stated = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(_PURPOSES.get(oid.dotted_string, oid.dotted_string) for oid in stated)


def _key(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA, {key.key_size} bits"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA, {key.curve.name}"
    return "of another kind"
