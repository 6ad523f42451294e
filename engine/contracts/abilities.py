"""What a signer may have beside its contract: what it can inherit, and what it may offer and is asked for by `isinstance`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from engine.contracts.signing import Evidence, HttpReply, RawCallback, SignatureJob, SignerContext, SigningOutcome, X509Chain
from engine.errors import Untrusted

__all__ = ["HeldKey", "Holds", "Rehearses", "SignsAtOnce", "Stands"]


class _Starts(Protocol):
    id: str

    async def start(self, job: SignatureJob) -> SigningOutcome: ...


class SignsAtOnce:
    """What a signer that never answers `Waiting` need not write: it has no callbacks, and a repeated job is signed again.

    For a plugin's class to inherit; `start` is its own.
    """

    async def complete(self: _Starts, job: SignatureJob, evidence: Evidence) -> SigningOutcome:
        """Nothing waits, so nothing is completed: signs as `start` does."""
        return await self.start(job)

    async def poll(self: _Starts, job: SignatureJob) -> SigningOutcome:
        """Signs the same bytes again: the answer of the first try was never used."""
        return await self.start(job)

    def locate(self, raw: RawCallback) -> str | None:
        """No callback is ever ours."""
        return None

    async def verify(self: _Starts, ctx: SignerContext, raw: RawCallback) -> Evidence:
        """No callback is ever ours. Raises Untrusted."""
        raise Untrusted(f"The signer {self.id} expects no callbacks.")

    def acknowledge(self, accepted: bool) -> HttpReply:
        """No callback is ever ours: 404."""
        return HttpReply(404)

    async def cancel(self, job: SignatureJob) -> bool:
        """True: what was not signed at once will not be."""
        return True


@runtime_checkable
class Rehearses(Protocol):
    """A signer that can make keys for a demonstration site on the spot; asked for by `isinstance`, optional."""

    def rehearse(self, folder: Path, people: Sequence[tuple[str, str, str]], now: datetime) -> Path:
        """Makes a demonstration key for each (key, common name, organisation) in `folder`, the signer's own folder.

        Gives the path of the root certificate to trust, as PEM. Raises Refused if there are such keys already.
        """
        ...


@runtime_checkable
class Stands(Protocol):
    """A signer whose device another process may hold; asked for by `isinstance`, optional."""

    def standing(self, folder: Path) -> str | None:
        """How the device stands, in a sentence of the process that holds it; None if no process does. `folder` is the signer's own;
        asked without `open`."""
        ...


@dataclass(frozen=True, slots=True)
class HeldKey:
    """An X.509 certificate on a signer's device: `key` is what `Signatory.key` would be, `device` names the device for a person,
    and `ready` is whether it could sign now."""

    key: str
    chain: X509Chain
    device: str
    ready: bool


@runtime_checkable
class Holds(Protocol):
    """A signer that can say which X.509 certificates its devices hold, so that a person picks theirs; asked for by `isinstance`,
    optional."""

    async def held(self) -> Sequence[HeldKey]:
        """Every X.509 certificate there, issuers' and unusable ones too; no key is used. Raises SignerUnavailable for a device that
        is gone or that another process holds."""
        ...
