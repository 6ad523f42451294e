"""`ecoo enrol`: what an operator does at the machine that holds the token, whether or not another ecoo process works there."""

import asyncio
import contextlib
from collections.abc import Callable

from engine import people
from engine.clock import SystemClock
from engine.config import Config
from engine.contracts.signing import Signatory, Signer, SignerContext, X509Chain
from engine.errors import ConfigError, Refused, SignerUnavailable
from engine.issuing.registering import register
from engine.people import OfficerHere
from engine.people.dsc import officer_as_owner
from engine.scope import PLATFORM
from engine.site import open_site

__all__ = ["end_officers", "enrol_officer"]

Tell = Callable[[str], None]
_LOOK_AGAIN_S = 0.5


async def enrol_officer(config: Config, email: str, signer_id: str, key: str, *, wait_s: float, tell: Tell) -> X509Chain:
    """Reads the chain from the device, has it judged as the page does, and enrols it.

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
        owner = await officer_as_owner(PLATFORM, officer.id)
        await register(owner, signer, key, chain, trust=site.trust, scope=PLATFORM, box=site.secrets, actor="shell", at=clock.now())
        return chain


async def end_officers(config: Config, email: str, reason: str) -> list[X509Chain]:
    """Ends every enrolment that an officer can sign with, and gives the chains that sign no more. Raises Refused if there is none."""
    clock = SystemClock()
    async with open_site(config, work=False) as site:
        officer: OfficerHere = await people.find_officer(PLATFORM, email)
        ended: list[X509Chain] = []
        while True:
            try:
                live = await people.live_enrolment(officer=officer.id, at=clock.now())
            except Refused:
                if not ended:
                    raise
                return ended
            await people.end_enrolment(PLATFORM, live.id, reason, box=site.secrets, actor="shell", at=clock.now())
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
