"""The signer's contract: a signer turns bytes into a signature or a CMS, and knows nothing of pages or rows.

The engine makes the signature field, placeholder, signed attributes, embedding and timestamps. A job holds 1 to
`max_documents` documents of one signatory. No call blocks on a person: whoever must be waited for is answered
with `Waiting`, and the job goes on later from its row, perhaps in another process.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from engine.clock import Clock
from engine.contracts import x509
from engine.errors import Refused

__all__ = [
    "Action",
    "AgentJob",
    "Cms",
    "ConfigField",
    "Declined",
    "Document",
    "Evidence",
    "FormPost",
    "HttpReply",
    "Mechanism",
    "Mode",
    "RawCallback",
    "RawSignature",
    "Redirect",
    "ShowAndWait",
    "Signatory",
    "SignatureJob",
    "Signed",
    "SignedDocument",
    "Signer",
    "SignerContext",
    "SigningOutcome",
    "Waiting",
    "X509Chain",
]


class Mode(StrEnum):
    """Where the key is: here (file, HSM, token in this machine), at the signatory's own computer, or at a service."""

    SERVER = "server"
    CLIENT = "client"
    REMOTE = "remote"


class Mechanism(StrEnum):
    """How a raw signature was made over the signed attributes; RSA is PKCS#1 v1.5. Nothing with SHA-1 exists here."""

    RSA_SHA256 = "rsa_sha256"
    ECDSA_SHA256 = "ecdsa_sha256"


@dataclass(frozen=True, slots=True)
class ConfigField:
    """One setting of a plugin, as `ecoo check` lists it: name, whether it must be set, a line of help, its default."""

    name: str
    help: str
    required: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class X509Chain:
    """A signatory's X.509 certificate and the issuers above it, each as DER; the root may be absent."""

    leaf: bytes
    issuers: tuple[bytes, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the leaf, 64 lower-case hex digits: what enrolment remembers."""
        return hashlib.sha256(self.leaf).hexdigest()

    @property
    def name(self) -> str:
        """The holder's name as the leaf gives it: for showing, never for comparing."""
        return x509.holder(self.leaf)

    @property
    def label(self) -> str:
        """Holder, serial, issuer and last day: tells two certificates of one name apart."""
        return x509.label(self.leaf)

    def unusable(self, at: datetime) -> x509.Unusable | None:
        """Why the leaf may not sign at that moment (expired, wrong usage, weak key and so on), or None if it may."""
        return x509.why_unusable(self.leaf, at)

    def check_usable(self, at: datetime) -> None:
        """Raises Refused, with the code and the sentence of `unusable`, unless the leaf may sign at that moment."""
        if (why := self.unusable(at)) is not None:
            raise Refused(why.say, code=why.code)

    def verifies(self, data: bytes, signature: "RawSignature") -> bool:
        """Whether the signature over `data` was made by the leaf's key with the mechanism it claims."""
        check = x509.rsa_verifies if signature.mechanism is Mechanism.RSA_SHA256 else x509.ecdsa_verifies
        return check(self.leaf, data, signature.value)


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs: an officer or an exporter's user, and the key that is theirs.

    `key` is the signer's own reference (a file's stem, a token label and object id); `fingerprint` is that of the
    enrolled X.509 certificate, or None while enrolling.
    """

    id: str
    name: str
    key: str
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a job. `attributes` is the DER SET OF signed attributes to sign (modes server and client);
    `digest` is the SHA-256 of the byte range (what a remote service receives)."""

    id: str
    title: str
    digest: bytes
    attributes: bytes | None
    drawn_sha256: str


@dataclass(frozen=True, slots=True)
class SignatureJob:
    """What one signatory is asked to sign in one go; `transaction` is unique per try."""

    id: str
    transaction: str
    signatory: Signatory
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class RawSignature:
    """A bare signature value over `Document.attributes`."""

    value: bytes
    mechanism: Mechanism


@dataclass(frozen=True, slots=True)
class Cms:
    """A finished CMS SignedData over `Document.digest`, as DER."""

    der: bytes


@dataclass(frozen=True, slots=True)
class Declined:
    """No signature, for a reason that will not go away by waiting. `code` is stable, `say` fit for a person."""

    code: str
    say: str


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """What became of one document of the job."""

    id: str
    result: RawSignature | Cms | Declined


@dataclass(frozen=True, slots=True)
class Signed:
    """An answer for every document of the job: none missing, none extra."""

    documents: tuple[SignedDocument, ...]


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the signatory's browser there."""

    url: str


@dataclass(frozen=True, slots=True)
class FormPost:
    """One form with a visible button that posts these fields there."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AgentJob:
    """The token agent on the signatory's computer will fetch this job."""

    job: str


@dataclass(frozen=True, slots=True)
class ShowAndWait:
    """Nothing to click: show the sentence and look again later."""

    say: str


Action = Redirect | FormPost | AgentJob | ShowAndWait


@dataclass(frozen=True, slots=True)
class Waiting:
    """A person or a service must act first. `until` is when the try is given up (None: never by itself)."""

    action: Action
    until: datetime | None = None


SigningOutcome = Signed | Waiting | Declined


@dataclass(frozen=True, slots=True)
class RawCallback:
    """What arrived at `/cb/sign/{plugin}/{token}`: untouched, believed only for its signature."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verified callback: whose transaction, and the outcome it proves."""

    transaction: str
    outcome: SigningOutcome
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What the other side wants to hear after a callback."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain"


def _nobody() -> None:
    """Wakes nobody: nothing waits."""


@dataclass(frozen=True, slots=True)
class SignerContext:
    """All a signer may use: its own settings, its own folder under the site's data, the clock, whether this is a demo, and
    `wake`, to be called when a device became ready: what waits for it is tried at once instead of some time later."""

    settings: Mapping[str, str]
    folder: Path
    clock: Clock
    demo: bool
    wake: Callable[[], None] = _nobody


@runtime_checkable
class Signer(Protocol):
    """One way to sign. Instances are made by the plugin and opened once per process."""

    id: str
    title: str
    mode: Mode
    max_documents: int
    config_fields: Sequence[ConfigField]

    def validate_config(self, settings: Mapping[str, str]) -> Sequence[str]:
        """What is wrong with the settings, one sentence each; empty when nothing is. Pure: no file is read."""
        ...

    async def open(self, ctx: SignerContext) -> None:
        """Makes ready. Raises ConfigError for settings, SignerUnavailable for a device that is not there yet or that another process
        holds: the signer is used all the same, and opens by itself as soon as it can."""
        ...

    async def close(self) -> None:
        """Lets go of sessions, children and files; safe to call twice and without `open`."""
        ...

    async def identity(self, signatory: Signatory) -> X509Chain | None:
        """The chain this signatory would sign with; None if it is known only afterwards (eSign).

        Raises Refused if there is no such key, SignerUnavailable if the device is locked or gone.
        """
        ...

    async def enrol(self, signatory: Signatory, evidence: bytes | None = None) -> X509Chain:
        """The chain to enrol for this signatory, checked to be usable for signing. Raises Refused with the reason.

        Asked by a process of its own while another one may be signing.
        """
        ...

    async def ready(self, signatory: Signatory) -> None:
        """Returns if `start` could sign for this signatory now, without a key being used. Raises SignerUnavailable saying who must
        do what if a device is locked or gone: the engine asks before it makes anything ready, and again later."""
        ...

    async def start(self, job: SignatureJob) -> SigningOutcome:
        """Signs, or says who must act first. Raises SignerUnavailable if nothing happened and a later try may work."""
        ...

    async def complete(self, job: SignatureJob, evidence: Evidence) -> SigningOutcome:
        """Goes on after a callback; the same evidence twice gives the same answer."""
        ...

    async def poll(self, job: SignatureJob) -> SigningOutcome:
        """Asks what became of a job whose answer was missed."""
        ...

    def locate(self, raw: RawCallback) -> str | None:
        """The transaction a callback claims to belong to: a hint, not believed."""
        ...

    async def verify(self, ctx: SignerContext, raw: RawCallback) -> Evidence:
        """The evidence in a callback. Raises Untrusted if it does not prove itself."""
        ...

    def acknowledge(self, accepted: bool) -> HttpReply:
        """The answer to a callback."""
        ...

    async def cancel(self, job: SignatureJob) -> bool:
        """Gives a waiting job up; True if it surely will not be signed any more."""
        ...
