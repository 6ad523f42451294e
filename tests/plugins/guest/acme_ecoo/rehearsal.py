"""Keys for a demonstration: a root, and one P-256 key per person below it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from engine.api import Refused

Key = ec.EllipticCurvePrivateKey


def make_keys(folder: Path, people: Sequence[tuple[str, str, str]], now: datetime) -> Path:
    """Writes KEY.key.pem and KEY.chain.pem for each person and gives the path of the root; Refused if there are keys already."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "demo-root.pem"
    if path.exists():
        raise Refused("There are demonstration keys already; delete the folder to make new ones.", code="exists")
    root_key, name = ec.generate_private_key(ec.SECP256R1()), _name("Acme DEMONSTRATION Root", "Acme")
    root = _certificate(name, root_key, name, root_key, now, ca=True)
    for stem, person, firm in people:
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = _certificate(_name(person, firm), key, name, root_key, now, ca=False)
        key_path = folder / f"{stem}.key.pem"
        key_path.touch(mode=0o600)
        key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / f"{stem}.chain.pem").write_bytes(leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM))
    path.write_bytes(root.public_bytes(Encoding.PEM))
    return path


def _name(common_name: str, firm: str) -> x509.Name:
    parts = ((NameOID.COUNTRY_NAME, "IN"), (NameOID.ORGANIZATION_NAME, firm), (NameOID.COMMON_NAME, common_name))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _certificate(subject: x509.Name, key: Key, issuer: x509.Name, by: Key, now: datetime, *, ca: bool) -> x509.Certificate:
    start = now - timedelta(minutes=5)
    usage = x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), start, start + timedelta(days=730))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
        .sign(by, hashes.SHA256())
    )
