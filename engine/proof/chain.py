"""Whether a signatory's chain holds at a moment, by an operator's trust alone: the same judgement before signing and after.

Promises no network: revocation is known only from the lists that the trust was given, and a list that has grown old still
counts for what it says. Without a list nothing is known to be revoked.
"""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from typing import Any, TypeVar

from asn1crypto import x509
from cryptography import x509 as pyca
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import ExpiredError, NotYetValidError, PathError, ValidationError
from pyhanko_certvalidator.path import ValidationPath

from engine.contracts.signing import X509Chain
from engine.errors import Refused
from engine.proof.trust import Trust

__all__ = ["apart", "check_chain", "context", "list_until", "revoked", "usages", "warm"]

T = TypeVar("T")


def check_chain(chain: X509Chain, *, trust: Trust, at: datetime) -> None:
    """Raises Refused unless this chain ends at a trusted root and nothing in it is expired or revoked at that moment.

    Asked before signing; `X509Chain.check_usable` says whether the leaf itself may sign.
    """
    above = [x509.Certificate.load(der) for der in chain.issuers]
    validator = CertificateValidator(x509.Certificate.load(chain.leaf), above, context(trust, at))
    try:
        path = apart(validator.async_validate_path())
    except (ExpiredError, NotYetValidError) as error:
        say = f"The X.509 certificate of {chain.label} or one above it is not valid at this moment."
        raise Refused(say, code="outside_validity") from error
    except (ValidationError, PathError) as error:
        say = f"The X.509 certificate of {chain.label} does not lead to a root that this site trusts; see [trust] in engine.toml."
        raise Refused(say, code="untrusted") from error
    if revoked(path, trust=trust, at=at):
        raise Refused(f"The X.509 certificate of {chain.label} or one above it is revoked; enrol another one.", code="revoked")


def revoked(path: ValidationPath, *, trust: Trust, at: datetime) -> bool:
    """Whether a list of the trust, signed by the issuer, says that a certificate of the path was revoked by that moment."""
    certificates = [pyca.load_der_x509_certificate(c.dump()) for c in path.iter_certs(include_root=True)]
    lists = [pyca.load_der_x509_crl(der) for der in trust.crls]
    return any(
        entry.revocation_date_utc <= at
        for issuer, certificate in pairwise(certificates)
        for crl in lists
        if crl.issuer == issuer.subject and crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # any key a CA has
        if (entry := crl.get_revoked_certificate_by_serial_number(certificate.serial_number)) is not None
    )


def list_until(chain: X509Chain, *, trust: Trust) -> datetime | None:
    """Until when the newest revocation list of the leaf's issuer counts by its own word; None if the trust has no such list, so
    that nobody here would know of a revocation."""
    leaf = pyca.load_der_x509_certificate(chain.leaf)
    above = [pyca.load_der_x509_certificate(der) for der in (*chain.issuers, *trust.intermediates, *trust.roots)]
    issuers = [each for each in above if each.subject == leaf.issuer]
    until = [
        crl.next_update_utc or crl.last_update_utc
        for crl in (pyca.load_der_x509_crl(der) for der in trust.crls)
        if crl.issuer == leaf.issuer and any(crl.is_signature_valid(each.public_key()) for each in issuers)  # type: ignore[arg-type]  # any key a CA has
    ]
    return max(until, default=None)


def context(trust: Trust, at: datetime | None) -> ValidationContext:
    """How pyHanko judges chains at that moment by this trust; revocation is judged by `revoked`."""
    return ValidationContext(
        trust_roots=[x509.Certificate.load(der) for der in trust.roots],
        other_certs=[x509.Certificate.load(der) for der in trust.intermediates],
        moment=at,
        best_signature_time=at,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )


def usages(trust: Trust) -> KeyUsageConstraints:
    """Which key usage a signer's X.509 certificate must state."""
    wanted = {"non_repudiation", "digital_signature"} if trust.digital_signature_suffices else {"non_repudiation"}
    return KeyUsageConstraints(key_usage=wanted)


def apart(work: Coroutine[Any, Any, T]) -> T:
    """Runs pyHanko's coroutine to its end, on a loop of its own, whether or not the caller has one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _finish(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_finish, work).result()


_kept_loop: asyncio.AbstractEventLoop | None = None


def warm() -> None:
    """Makes the loop that checks run on, for a child process in which no socket may be made afterwards."""
    global _kept_loop
    _kept_loop = asyncio.new_event_loop()


def _finish(work: Coroutine[Any, Any, T]) -> T:
    if _kept_loop is not None:
        return _kept_loop.run_until_complete(work)
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()
