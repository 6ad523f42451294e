"""`ecoo enrol`: what an operator does at the machine that holds the token."""

from engine import people
from engine.clock import SystemClock
from engine.config import Config
from engine.contracts.signing import Signatory, SignerContext, X509Chain
from engine.errors import ConfigError
from engine.proof.chain import check_chain
from engine.scope import PLATFORM
from engine.site import lock_is_free, open_site

__all__ = ["enrol_officer"]


async def enrol_officer(config: Config, email: str, signer_id: str, key: str) -> X509Chain:
    """Reads the chain from the device, checks that it may sign and ends at a trusted root, and enrols it."""
    if not lock_is_free(config):
        raise ConfigError("Another ecoo process works on this site and holds the token. Stop it, enrol, and start it again.", code="locked")
    if signer_id not in config.signers:
        raise ConfigError(f"{config.path}: [signers.{signer_id}] is missing; say how the signer is set up first.")
    clock = SystemClock()
    async with open_site(config, work=False) as site:
        officer = await people.find_officer(PLATFORM, email)
        signer = site.registry.signer(signer_id)
        folder = config.plugin_folder("signers", signer_id)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        await signer.open(SignerContext(config.signers[signer_id], folder, clock, config.site.demo))
        try:
            chain = await signer.enrol(Signatory(str(officer.id), officer.name, key))
        finally:
            await signer.close()
        check_chain(chain, trust=site.trust, at=clock.now())
        await people.enrol(signer=signer_id, key=key, chain=chain, officer=(officer.agency_id, officer.id), actor="shell", at=clock.now())
        return chain
