"""`ecoo enrol`: what an operator does at the machine that holds the token, whether or not another ecoo process works there."""

import asyncio
import contextlib
from collections.abc import Callable

from cryptography import x509
from cryptography.x509.oid import NameOID

from engine import people
from engine.clock import SystemClock
from engine.config import Config
from engine.contracts.signing import Signatory, Signer, SignerContext, X509Chain
from engine.errors import ConfigError, Refused, SignerUnavailable
from engine.people import OfficerHere
from engine.proof.chain import check_chain
from engine.proof.trust import Trust
from engine.scope import PLATFORM
from engine.site import open_site

__all__ = ["end_officers", "enrol_officer"]

Tell = Callable[[str], None]
_LOOK_AGAIN_S = 0.5


async def enrol_officer(config: Config, email: str, signer_id: str, key: str, *, wait_s: float, tell: Tell) -> X509Chain:
    """Reads the chain from the device, checks that it may sign and ends at a trusted root, and enrols it.

    A device that a person must unlock first is waited for, up to `wait_s` seconds. One that another process holds is that
    signer's affair: it asks there.
    """
    if signer_id not in config.signers:
        raise ConfigError(f"{config.path}: [signers.{signer_id}] is missing; say how the signer is set up first.")
    clock = SystemClock()
    async with open_site(config, work=False) as site:
        officer = await people.find_officer(PLATFORM, email)
        signer = site.registry.signer(signer_id)
        folder = config.plugin_folder("signers", signer_id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with contextlib.suppress(SignerUnavailable):  # said by enrol, which may do without
                await signer.open(SignerContext(config.signers[signer_id], folder, clock, config.site.demo))
            chain = await _patiently(signer, Signatory(str(officer.id), officer.name, key), wait_s, tell)
        finally:
            await signer.close()
        _require_issuers(chain, site.trust, signer)
        check_chain(chain, trust=site.trust, at=clock.now())
        await people.enrol(signer=signer_id, key=key, chain=chain, officer=(officer.agency_id, officer.id), actor="shell", at=clock.now())
        return chain


async def end_officers(config: Config, email: str, reason: str) -> list[X509Chain]:
    """Ends every enrolment that an officer can sign with, and gives the chains that sign no more. Raises Refused if there is none."""
    clock = SystemClock()
    async with open_site(config, work=False):
        officer: OfficerHere = await people.find_officer(PLATFORM, email)
        ended: list[X509Chain] = []
        while True:
            try:
                live = await people.live_enrolment(officer=officer.id, at=clock.now())
            except Refused:
                if not ended:
                    raise
                return ended
            await people.end_enrolment(live.id, reason, actor="shell", at=clock.now())
            ended.append(live.chain)


async def _patiently(signer: Signer, signatory: Signatory, wait_s: float, tell: Tell) -> X509Chain:
    """The chain to enrol; says once what a person must do first, and looks again until they did."""
    loop, told = asyncio.get_running_loop(), ""
    until = loop.time() + wait_s
    while True:
        try:
            return await signer.enrol(signatory)
        except SignerUnavailable as error:
            if loop.time() >= until:
                raise
            if error.say != told:
                told = error.say
                tell(f"{told}\n  Do it in another shell; this one waits {wait_s:g} seconds for it.")
        await asyncio.sleep(_LOOK_AGAIN_S)


def _require_issuers(chain: X509Chain, trust: Trust, signer: Signer) -> None:
    """Raises Refused naming the issuer whose X.509 certificate is neither on the device nor in the trust."""
    known = [x509.load_der_x509_certificate(der) for der in (*chain.issuers, *trust.intermediates, *trust.roots)]
    roots = {x509.load_der_x509_certificate(der).subject for der in trust.roots}
    by_subject = {each.subject: each for each in known}
    current = x509.load_der_x509_certificate(chain.leaf)
    for _ in range(len(known) + 1):
        if current.issuer in roots or current.issuer == current.subject:
            return
        if current.issuer not in by_subject:
            _refuse_missing(current, signer)
        current = by_subject[current.issuer]


def _refuse_missing(child: x509.Certificate, signer: Signer) -> None:
    places = "[trust] intermediates"
    if any(each.name == "issuers" for each in signer.config_fields):
        places += f" or to [signers.{signer.id}] issuers"
    raise Refused(
        f"The X.509 certificate of {_name(child.issuer)}, which issued that of {_name(child.subject)}, is missing: it is neither with the "
        f"key nor in engine.toml. Get it from the certifying authority and add it to {places}; if it is a root, to [trust] roots.",
        code="missing_issuer",
        rule="chain to a trusted root",
    )


def _name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
