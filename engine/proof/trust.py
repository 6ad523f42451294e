"""Whose X.509 certificates count: the roots an operator chose, with fingerprints to compare by eye, and known intermediates.

Promises that nothing is trusted but what was handed in: no list of the system, no network. Ships no root itself; the
fingerprints are for checking out of band (dsc-pki.md 1).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from asn1crypto import pem
from cryptography import x509 as pyca

from engine.contracts.signing import X509Chain
from engine.errors import ConfigError

__all__ = ["Trust"]


@dataclass(frozen=True, slots=True)
class Trust:
    """What a signature is judged by.

    `roots` end a chain, `intermediates` complete one that came without, `crls` are the revocation lists at hand; all as DER. With `digital_signature_suffices`
    a signer's X.509 certificate may state digitalSignature alone; otherwise nonRepudiation is demanded.
    """

    roots: tuple[bytes, ...] = field(repr=False)
    intermediates: tuple[bytes, ...] = field(default=(), repr=False)
    crls: tuple[bytes, ...] = field(default=(), repr=False)
    digital_signature_suffices: bool = True

    @classmethod
    def load(
        cls,
        roots: Iterable[Path],
        intermediates: Iterable[Path] = (),
        crls: Iterable[Path] = (),
        *,
        digital_signature_suffices: bool = True,
    ) -> Self:
        """The trust in these files, each PEM with one or more entries, or DER. Raises ConfigError naming the file."""
        known, between = _read_all(roots, _certificate), _read_all(intermediates, _certificate)
        return cls(known, between, _read_all(crls, _revocations), digital_signature_suffices)

    @property
    def fingerprints(self) -> Sequence[tuple[str, str]]:
        """Each root's name and SHA-256 in colon-separated capitals, as certificate viewers show it."""
        return [(X509Chain(der).name, hashlib.sha256(der).digest().hex(":").upper()) for der in self.roots]


def _certificate(der: bytes) -> None:
    pyca.load_der_x509_certificate(der)


def _revocations(der: bytes) -> None:
    pyca.load_der_x509_crl(der)


def _read_all(paths: Iterable[Path], check: Callable[[bytes], None]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(der for path in paths for der in _read(path, check)))


def _read(path: Path, check: Callable[[bytes], None]) -> list[bytes]:
    try:
        data = path.read_bytes()
        found = [der for _, _, der in pem.unarmor(data, multiple=True)] if pem.detect(data) else [data]
        for der in found:
            check(der)
    except OSError as error:
        raise ConfigError(f"The trust file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        what = "X.509 certificate" if check is _certificate else "revocation list"
        raise ConfigError(f"The trust file {path} holds something that is no {what}; give PEM or DER.") from error
    return found
