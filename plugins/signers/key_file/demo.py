"""A demonstration authority: a root, an issuing CA and a leaf per person, made on the spot and worth nothing outside.

The names say DEMONSTRATION, the profile follows the Indian one (digitalSignature and nonRepudiation, RSA-2048, SHA-256),
and no Class 3 policy is claimed, because nobody checked these people.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from engine.api import Refused

Person = tuple[str, str, str]
"""The stem of the key file, the common name, the organisation."""

AUTHORITY = "ecoo DEMONSTRATION"
AUTHORITY_DAYS, LEAF_DAYS = 3650, 730
ROOT_FILE = "demo-root.pem"

Signing = tuple[x509.Name, rsa.RSAPrivateKey]


def make_demo_keys(folder: Path, people: Sequence[Person], now: datetime) -> Path:
    """Writes `STEM.key.pem` (mode 600) and `STEM.chain.pem` for each person, and gives the path of the root's PEM.

    The keys of root and issuing CA are never written, so nobody is added later: call it once with everybody. Raises
    Refused if there is a demonstration root already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root_path = folder / ROOT_FILE
    if root_path.exists():
        raise Refused(f"There are demonstration keys in {folder.name} already; delete the folder to make new ones.", code="exists")
    root_key, issuing_key = _new_key(), _new_key()
    root_name, issuing_name = _name(f"{AUTHORITY} Root"), _name(f"{AUTHORITY} Issuing CA")
    root = _authority(root_name, root_key, (root_name, root_key), now, depth=1)
    issuing = _authority(issuing_name, issuing_key, (root_name, root_key), now, depth=0)
    for stem, common_name, organisation in people:
        key = _new_key()
        leaf = _leaf(_name(common_name, organisation), key, (issuing_name, issuing_key), now)
        _write_key(folder / f"{stem}.key.pem", key)
        (folder / f"{stem}.chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in (leaf, issuing, root)))
    root_path.write_bytes(root.public_bytes(Encoding.PEM))
    return root_path


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _write_key(path: Path, key: rsa.RSAPrivateKey) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _name(common_name: str, organisation: str = AUTHORITY) -> x509.Name:
    parts = ((NameOID.COUNTRY_NAME, "IN"), (NameOID.ORGANIZATION_NAME, organisation), (NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _builder(subject: x509.Name, key: rsa.RSAPrivateKey, by: Signing, now: datetime, days: int) -> x509.CertificateBuilder:
    start = now - timedelta(minutes=5)
    return (
        x509.CertificateBuilder(by[0], subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by[1].public_key()), critical=False)
    )


def _authority(subject: x509.Name, key: rsa.RSAPrivateKey, by: Signing, now: datetime, depth: int) -> x509.Certificate:
    builder = _builder(subject, key, by, now, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
    builder = builder.add_extension(_usage(certificates=True), critical=True)
    return builder.sign(by[1], hashes.SHA256())


def _leaf(subject: x509.Name, key: rsa.RSAPrivateKey, by: Signing, now: datetime) -> x509.Certificate:
    builder = _builder(subject, key, by, now, LEAF_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(certificates=False), critical=True)
    return builder.sign(by[1], hashes.SHA256())


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=not certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )
