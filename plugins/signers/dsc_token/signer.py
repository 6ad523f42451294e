"""The signer itself: chooses the signatory's certificate on the token, has attributes signed, and proves each signature.

While a token is locked, gone or busy its jobs wait (`SignerUnavailable`). What was signed before a token was pulled out is
remembered for as long as this process lives, so that a job that goes on signs each document once.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from engine.api import (
    ConfigError,
    ConfigField,
    Declined,
    Document,
    Evidence,
    HttpReply,
    Mechanism,
    Mode,
    PluginError,
    RawCallback,
    RawSignature,
    Refused,
    Signatory,
    SignatureJob,
    Signed,
    SignedDocument,
    SignerContext,
    SignerUnavailable,
    SigningOutcome,
    Untrusted,
    X509Chain,
)

from .child import Child, run
from .door import Door, Request
from .process import TokenProcess
from .wire import Fault, Found, Made, Pin, TokenState

WAITS = frozenset(("locked", "gone", "no_token", "slow", "died", "module"))
"""Faults that go away when a person inserts and unlocks the token; the others are for a person to correct."""

LIMIT_S = 60.0
MAX_REMEMBERED = 2000


class DscToken:
    """Signs with PKCS#11 tokens in this machine. `Signatory.key` is `TOKEN/ID`: the token's serial or label and the CKA_ID
    in hex; either may be missing if there is no choice or the enrolled fingerprint decides."""

    id = "dsc_token"
    title = "DSC token in this server"
    mode = Mode.SERVER
    max_documents = 500
    config_fields: Sequence[ConfigField] = (
        ConfigField("module", "Absolute path of the vendor's PKCS#11 module (a .so file).", required=True),
        ConfigField(
            "issuers", "PEM file with the issuers' X.509 certificates, for tokens that hold only the leaf; counts from the signer's folder."
        ),
    )

    def __init__(self, *, child: Child = run, limit_s: float = LIMIT_S) -> None:
        self._child, self._limit_s = child, limit_s
        self._ctx: SignerContext | None = None
        self._process: TokenProcess | None = None
        self._door: Door | None = None
        self._issuers: tuple[bytes, ...] = ()
        self._signed: dict[tuple[str, bytes], RawSignature] = {}

    def validate_config(self, settings: Mapping[str, str]) -> Sequence[str]:
        """What is wrong with the settings: unknown names, a module that is missing or not an absolute path."""
        known = {f.name for f in self.config_fields}
        wrong = [
            f"[signers.dsc_token] does not know the key {name!r}; it knows {', '.join(sorted(known))}." for name in settings.keys() - known
        ]
        module = settings.get("module", "")
        if not module:
            wrong.append("[signers.dsc_token] module is missing; give the path of the token's PKCS#11 module.")
        elif not Path(module).is_absolute():
            wrong.append(f"[signers.dsc_token] module = {module!r} is not an absolute path; a bare name could load any library.")
        return wrong

    async def open(self, ctx: SignerContext) -> None:
        """Opens the door for the PIN; the token's process starts when it is first needed."""
        if wrong := self.validate_config(ctx.settings):
            raise ConfigError(wrong[0])
        module = _module(ctx.settings)
        self._issuers = _read_issuers(ctx)
        door = Door(ctx.folder, self._answer)
        await door.open()
        self._ctx, self._door = ctx, door
        self._process = TokenProcess(str(module), self._child, self._limit_s)

    async def close(self) -> None:
        """Closes the door and ends the token's process, which locks the tokens."""
        door, process, self._door, self._process, self._ctx = self._door, self._process, None, None, None
        if door is not None:
            await door.close()
        if process is not None:
            await process.stop()

    async def identity(self, signatory: Signatory) -> X509Chain | None:
        """The enrolled X.509 certificate as it lies on the token; no PIN is needed."""
        _, chain = await self._find(signatory)
        return chain

    async def enrol(self, signatory: Signatory, evidence: bytes | None = None) -> X509Chain:
        """The one certificate of the token that may sign now; Refused lists them if there are several."""
        _, chain = await self._find(signatory)
        chain.check_usable(self._context().clock.now())
        return chain

    async def start(self, job: SignatureJob) -> SigningOutcome:
        """Signs each document, one C_Sign each; declines if the X.509 certificate may not sign now."""
        try:
            found, chain = await self._find(job.signatory)
            chain.check_usable(self._context().clock.now())
            token, _ = _split(job.signatory.key)
            return Signed(tuple([SignedDocument(d.id, await self._sign(token, found, chain, d)) for d in job.documents]))
        except Refused as refused:
            return Declined(refused.code, refused.say)

    async def complete(self, job: SignatureJob, evidence: Evidence) -> SigningOutcome:
        """Nothing waits here, so nothing is completed: signs as `start` does."""
        return await self.start(job)

    async def poll(self, job: SignatureJob) -> SigningOutcome:
        """Signs what is not signed yet."""
        return await self.start(job)

    def locate(self, raw: RawCallback) -> str | None:
        """No callback is ever ours."""
        return None

    async def verify(self, ctx: SignerContext, raw: RawCallback) -> Evidence:
        """No callback is ever ours."""
        raise Untrusted("The signer dsc_token expects no callbacks.")

    def acknowledge(self, accepted: bool) -> HttpReply:
        """No callback is ever ours."""
        return HttpReply(404)

    async def cancel(self, job: SignatureJob) -> bool:
        """True: what was not signed at once will not be."""
        return True

    # --- for the person at the door ------------------------------------------------------------

    async def unlock(self, pin: str, *, token: str = "", final_try: bool = False) -> str:
        """One log-in with this PIN, and the sentence of what came of it. Raises Refused or SignerUnavailable."""
        return str(await self._ask("unlock", token=token, pin=Pin(pin), final_try=final_try))

    async def _answer(self, request: Request) -> str:
        process = self._running()
        if request.verb == "check":
            return _describe(await process.ask("tokens"))
        if request.verb == "lock":
            return str(await process.ask("lock", token=request.token))
        if request.verb == "unlock" and request.pin:
            return str(await process.ask("unlock", token=request.token, pin=request.pin, final_try=request.final_try))
        raise Fault("bad_request", "No PIN was given; nothing was tried.")

    # --- inside --------------------------------------------------------------------------------

    async def _sign(self, token: str, found: Found, chain: X509Chain, document: Document) -> RawSignature:
        if document.attributes is None:
            raise PluginError("The signer dsc_token was given a document without signed attributes.")
        place = (chain.fingerprint, document.attributes)
        if place in self._signed:
            return self._signed[place]
        made: Made = await self._ask("sign", token=token, key_id=found.key_id, data=document.attributes)
        signature = RawSignature(made.value, Mechanism.ECDSA_SHA256 if made.ecdsa else Mechanism.RSA_SHA256)
        if not chain.verifies(document.attributes, signature):
            raise Untrusted(
                f"The token returned a damaged signature for {chain.label}; nothing was issued. Try again, or try another reader."
            )
        if len(self._signed) >= MAX_REMEMBERED:
            self._signed.clear()
        self._signed[place] = signature
        return signature

    async def _find(self, signatory: Signatory) -> tuple[Found, X509Chain]:
        token, key_id = _split(signatory.key)
        on_token: list[Found] = await self._ask("certificates", token=token)
        chains = [(f, self._chain(f, on_token)) for f in on_token if not key_id or f.key_id == key_id]
        if signatory.fingerprint is not None:
            chosen = [pair for pair in chains if pair[1].fingerprint == signatory.fingerprint]
            if not chosen:
                raise Refused(
                    f"The X.509 certificate enrolled for {signatory.name} is not on this token. {_listing([c for _, c in chains])}",
                    code="not_enrolled",
                )
            return chosen[0]
        return self._only_usable(signatory, chains)

    def _only_usable(self, signatory: Signatory, chains: Sequence[tuple[Found, X509Chain]]) -> tuple[Found, X509Chain]:
        at = self._context().clock.now()
        usable = [pair for pair in chains if pair[1].unusable(at) is None]
        if len(usable) == 1:
            return usable[0]
        if usable:
            raise Refused(
                f"Several X.509 certificates on this token can sign; name one by its id. {_listing([c for _, c in usable])}",
                code="ambiguous",
            )
        reasons = " ".join(why.say for _, chain in chains if (why := chain.unusable(at)) is not None)
        raise Refused(
            f"There is no X.509 certificate for {signatory.name} on this token that can sign. {reasons}".strip(), code="unknown_key"
        )

    def _chain(self, found: Found, on_token: Sequence[Found]) -> X509Chain:
        """The leaf with those issuers of the token and of the settings that stand above it."""
        pool = {c.subject: c for c in (x509.load_der_x509_certificate(der) for der in (*(f.der for f in on_token), *self._issuers))}
        issuers: list[bytes] = []
        current = x509.load_der_x509_certificate(found.der)
        while (above := pool.pop(current.issuer, None)) is not None and above != current:
            issuers.append(above.public_bytes(Encoding.DER))
            current = above
        return X509Chain(found.der, tuple(issuers))

    async def _ask(self, verb: str, **arguments: object) -> Any:
        try:
            return await self._running().ask(verb, **arguments)
        except Fault as fault:
            kind = SignerUnavailable if fault.code in WAITS else Refused
            raise kind(fault.say, code=fault.code) from None

    def _running(self) -> TokenProcess:
        if self._process is None:
            raise PluginError("The signer dsc_token was used before it was opened, or after it was closed.")
        return self._process

    def _context(self) -> SignerContext:
        if self._ctx is None:
            raise PluginError("The signer dsc_token was used before it was opened, or after it was closed.")
        return self._ctx


def _module(settings: Mapping[str, str]) -> Path:
    module = Path(settings["module"])
    if not module.is_file():
        raise ConfigError(f"[signers.dsc_token] module: there is no file {module}; install the token's driver.")
    return module


def _split(key: str) -> tuple[str, bytes]:
    token, slash, identifier = key.rpartition("/")
    try:
        return (token, bytes.fromhex(identifier)) if slash else (key, b"")
    except ValueError:
        return key, b""


def _listing(chains: Sequence[X509Chain]) -> str:
    return f"It holds: {'; '.join(c.label for c in chains)}." if chains else "It holds no X.509 certificate."


def _describe(states: Sequence[TokenState]) -> str:
    if not states:
        return "No token is inserted."
    return " ".join(f"The token {s.named} is {_standing(s)}" for s in states)


def _standing(state: TokenState) -> str:
    if state.unlocked:
        return "unlocked and ready."
    if state.pin_locked:
        return "blocked: its PIN is locked, and the PUK is needed."
    if state.pin_final:
        return "locked, with one try left for the PIN."
    low = " (a wrong PIN was entered before)" if state.pin_low else ""
    return f"locked{low}; unlock it with `ecoo token unlock`."


def _read_issuers(ctx: SignerContext) -> tuple[bytes, ...]:
    if not (name := ctx.settings.get("issuers")):
        return ()
    path = ctx.folder / name
    try:
        return tuple(c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError):
        raise ConfigError(f"[signers.dsc_token] issuers: {path} holds no readable X.509 certificates in PEM form.") from None
