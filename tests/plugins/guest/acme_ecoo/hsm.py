"""The signer `acme_hsm`: a P-256 key per signatory. Put the call of your HSM where `key.sign` stands."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from engine import api

from .rehearsal import make_keys

contract = 1


class AcmeHsm(api.SignsAtOnce):
    id, title, mode, max_documents = "acme_hsm", "Acme HSM", api.Mode.SERVER, 100
    config_fields: Sequence[api.ConfigField] = (api.ConfigField("slot", "The slot of the HSM.", default="0"),)

    def validate_config(self, settings: Mapping[str, str]) -> Sequence[str]:
        return [f"[signers.acme_hsm] does not know the key {name!r}; it knows slot." for name in settings.keys() - {"slot"}]

    async def open(self, ctx: api.SignerContext) -> None:
        if wrong := self.validate_config(ctx.settings):
            raise api.ConfigError(wrong[0])
        self.ctx = ctx

    async def close(self) -> None:
        """Nothing is kept open."""

    async def identity(self, signatory: api.Signatory) -> api.X509Chain:
        path = self.ctx.folder / f"{signatory.key}.chain.pem"
        if not signatory.key.isidentifier() or not path.is_file():
            raise api.Refused(f"The HSM holds no key {signatory.key!r}; make it first.", code="unknown_key")
        leaf, *issuers = (each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(path.read_bytes()))
        chain = api.X509Chain(leaf, tuple(issuers))
        if signatory.fingerprint not in (None, chain.fingerprint):
            raise api.Refused(
                f"The key {signatory.key!r} is not the one enrolled for {signatory.name}; enrol it first.", code="not_enrolled"
            )
        return chain

    async def enrol(self, signatory: api.Signatory, evidence: bytes | None = None) -> api.X509Chain:
        chain = await self.identity(signatory)
        chain.check_usable(self.ctx.clock.now())
        return chain

    async def ready(self, signatory: api.Signatory) -> None:
        """Raise `api.SignerUnavailable` while the HSM is locked or gone; call `self.ctx.wake()` when it is ready again."""

    async def start(self, job: api.SignatureJob) -> api.SigningOutcome:
        try:
            await self.enrol(job.signatory)
        except api.Refused as refused:
            return api.Declined(refused.code, refused.say)
        key = load_pem_private_key((self.ctx.folder / f"{job.signatory.key}.key.pem").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return api.Signed(tuple(api.SignedDocument(each.id, _sign(key, each.attributes or b"")) for each in job.documents))

    def rehearse(self, folder: Path, people: Sequence[tuple[str, str, str]], now: datetime) -> Path:
        return make_keys(folder, people, now)


def _sign(key: ec.EllipticCurvePrivateKey, attributes: bytes) -> api.RawSignature:
    return api.RawSignature(key.sign(attributes, ec.ECDSA(hashes.SHA256())), api.Mechanism.ECDSA_SHA256)


@api.hookimpl
def coo_signers() -> Sequence[api.Signer]:
    return [AcmeHsm()]
