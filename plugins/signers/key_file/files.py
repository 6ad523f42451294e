"""Reading key files: PEM or PKCS#12, never readable by others, one chain beside each key.

    STEM.key.pem + STEM.chain.pem     a private key (PKCS#8 or traditional), and the X.509 certificates, leaf first
    STEM.pem                          both in one file
    STEM.p12 or STEM.pfx              PKCS#12

What is read stays in memory; a passphrase or a key never appears in an error.
"""

import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, pkcs12

from engine.api import ConfigError, Mechanism, RawSignature, Refused, X509Chain

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """A private key, ready to sign, and the chain it belongs to."""

    chain: X509Chain
    key: PrivateKey = field(repr=False)

    def sign(self, data: bytes) -> RawSignature:
        """The signature over `data` with SHA-256: PKCS#1 v1.5 for RSA, DER of r and s for ECDSA."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return RawSignature(self.key.sign(data, padding.PKCS1v15(), hashes.SHA256()), Mechanism.RSA_SHA256)
        return RawSignature(self.key.sign(data, ec.ECDSA(hashes.SHA256())), Mechanism.ECDSA_SHA256)


def load_key(folder: Path, stem: str, passphrase: str | None) -> LoadedKey:
    """The key of that stem. Raises Refused if there is none, ConfigError if its file is unsafe, damaged or locked."""
    if not stem or Path(stem).name != stem or stem.startswith("."):
        raise Refused(f"{stem!r} is no name of a key: give the file's name without folder and ending.", code="unknown_key")
    for name in (f"{stem}.p12", f"{stem}.pfx"):
        if (path := folder / name).is_file():
            return _check(path, *_read_pkcs12(path, passphrase))
    for name in (f"{stem}.key.pem", f"{stem}.pem"):
        if (path := folder / name).is_file():
            chain = folder / f"{stem}.chain.pem"
            return _check(path, _read_pem(path, passphrase), _read_chain(chain if chain.is_file() else path))
    raise Refused(
        f"There is no key {stem!r} in the key folder: put {stem}.key.pem with {stem}.chain.pem, or {stem}.p12, there.", code="unknown_key"
    )


def stems(folder: Path) -> list[str]:
    """The stems of the files in the folder that may hold a key, in order."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    endings = (".key.pem", ".p12", ".pfx", ".pem")
    kept = [
        next((name.removesuffix(end) for end in endings if name.endswith(end)), "") for name in names if not name.endswith(".chain.pem")
    ]
    return sorted({stem for stem in kept if stem and not stem.startswith(".")})


def _guarded(path: Path) -> bytes:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(f"The key file {path.name} can be read by others (mode {mode:o}); run: chmod 600 {path}")
    return path.read_bytes()


def _secret(passphrase: str | None) -> bytes | None:
    return passphrase.encode() if passphrase else None


def _read_pem(path: Path, passphrase: str | None) -> object:
    data = _guarded(path)
    try:
        return load_pem_private_key(data, _secret(passphrase) if b"ENCRYPTED" in data else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigError(_unreadable(path)) from None


def _read_pkcs12(path: Path, passphrase: str | None) -> tuple[object, list[x509.Certificate]]:
    data = _guarded(path)
    try:
        key, leaf, others = pkcs12.load_key_and_certificates(data, _secret(passphrase))
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(_unreadable(path)) from None
    return key, [c for c in (leaf, *others) if c is not None]


def _unreadable(path: Path) -> str:
    return f"The key file {path.name} cannot be read: it is damaged, or `passphrase` of this signer is missing or wrong."


def _read_chain(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except ValueError:
        raise ConfigError(f"{path.name} holds no X.509 certificates in PEM form; put the leaf and its issuers there, leaf first.") from None


def _check(path: Path, key: object, certificates: Sequence[x509.Certificate]) -> LoadedKey:
    """The key with the certificate that belongs to it first, the issuers in their order."""
    if not isinstance(key, PrivateKey):
        raise ConfigError(f"The key in {path.name} is neither RSA nor ECDSA.")
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    mine = key.public_key().public_bytes(*form)
    leaf = next((c for c in certificates if c.public_key().public_bytes(*form) == mine), None)
    if leaf is None:
        raise ConfigError(f"No X.509 certificate beside {path.name} belongs to its key.")
    others = tuple(c.public_bytes(Encoding.DER) for c in certificates if c != leaf)
    return LoadedKey(X509Chain(leaf.public_bytes(Encoding.DER), others), key)
