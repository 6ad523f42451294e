"""The signer itself: chooses the signatory's certificate on the token, has attributes signed, and proves each signature.

While a token is locked, gone or busy its jobs wait (`SignerUnavailable`). What was signed before a token was pulled out is
remembered for as long as this process lives, so that a job that goes on signs each document once.
"""

import secrets
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from engine.api import (
    ConfigError,
    ConfigField,
    Declined,
    Document,
    EngineError,
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
from .door import Door, Request, knock
from .process import TokenProcess
from .wire import ENDS, Fault, Found, Made, Pin, TokenState

WAITS = frozenset(("locked", "gone", "no_token", "slow", "died", "module"))
"""Faults that go away when a person inserts and unlocks the token; the others are for a person to correct."""

SECRET_NAMES = ("pin", "pass", "secret")
PROOF = b"ecoo enrols the key of this X.509 certificate: "
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
        wrong = [_unknown(name, known) for name in sorted(settings.keys() - known)]
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
        """The one certificate of the token that may sign now, once its key proved to be there by a signature over a nonce.

        Refused lists the certificates, each with its key, if there are several; SignerUnavailable while the token is locked.
        """
        found, chain = await self._find(signatory)
        chain.check_usable(self._context().clock.now())
        await self._make(signatory.key, found, chain, PROOF + secrets.token_bytes(32))
        return chain

    async def ready(self, signatory: Signatory) -> None:
        """Returns if the signatory's token is inserted and unlocked and holds the key, which is looked for and not used."""
        found, _ = await self._find(signatory)
        await self._ask("ready", token=_split(signatory.key)[0], key_id=found.key_id)

    async def start(self, job: SignatureJob) -> SigningOutcome:
        """Signs each document, one C_Sign each; declines if the X.509 certificate may not sign now."""
        try:
            found, chain = await self._find(job.signatory)
            chain.check_usable(self._context().clock.now())
            return Signed(tuple([SignedDocument(d.id, await self._sign(job.signatory.key, found, chain, d)) for d in job.documents]))
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
        try:
            return await self._answer(Request("unlock", token, Pin(pin), final_try))
        except Fault as fault:
            raise _error(fault) from None

    def standing(self, folder: Path) -> str | None:
        """How the tokens stand, in the words of the process that holds them; None if there is none. Asked by `ecoo check`."""
        try:
            return knock(folder, Request("check"))
        except Fault as fault:
            return None if fault.code == "nobody" else fault.say

    async def _answer(self, request: Request) -> str:
        states = await self._tokens()
        if request.verb == "check":
            return _describe(states)
        if request.verb == "lock":
            if request.token:
                _chosen(states, request.token)
            return str(await self._running().ask("lock", token=request.token))
        state = _chosen(states, request.token)
        if request.verb == "choose":
            return f"PIN of {state.named}: " if not state.unlocked else ""
        if request.verb != "unlock" or not request.pin:
            raise Fault("bad_request", "No PIN was given; nothing was tried.")
        say = str(await self._running().ask("unlock", token=state.serial, pin=request.pin, final_try=request.final_try))
        self._context().wake()
        return say

    async def _tokens(self) -> list[TokenState]:
        """The tokens by a driver that works: one that lost its token is ended, and a new one is asked. Uses no PIN."""
        try:
            states: list[TokenState] = await self._running().ask("tokens")
        except Fault as fault:
            if fault.code not in ENDS | {"died"}:
                raise
            states = await self._running().ask("tokens")
        return states

    # --- inside --------------------------------------------------------------------------------

    async def _sign(self, key: str, found: Found, chain: X509Chain, document: Document) -> RawSignature:
        if document.attributes is None:
            raise PluginError("The signer dsc_token was given a document without signed attributes.")
        place = (chain.fingerprint, document.attributes)
        if place in self._signed:
            return self._signed[place]
        signature = await self._make(key, found, chain, document.attributes)
        if len(self._signed) >= MAX_REMEMBERED:
            self._signed.clear()
        self._signed[place] = signature
        return signature

    async def _make(self, key: str, found: Found, chain: X509Chain, data: bytes) -> RawSignature:
        """One C_Sign, and the proof that the key belongs to the X.509 certificate."""
        made: Made = await self._ask("sign", token=_split(key)[0], key_id=found.key_id, data=data)
        signature = RawSignature(made.value, Mechanism.ECDSA_SHA256 if made.ecdsa else Mechanism.RSA_SHA256)
        if not chain.verifies(data, signature):
            raise Untrusted(
                f"The token returned a damaged signature for {chain.label}; nothing was issued. Try again, or try another reader."
            )
        return signature

    async def _find(self, signatory: Signatory) -> tuple[Found, X509Chain]:
        token, key_id = _split(signatory.key)
        on_token = await self._certificates(token, signatory)
        chains = [(f, self._chain(f, on_token)) for f in on_token if not key_id or f.key_id == key_id]
        if signatory.fingerprint is not None:
            chosen = [pair for pair in chains if pair[1].fingerprint == signatory.fingerprint]
            if not chosen:
                raise Refused(
                    f"The X.509 certificate enrolled for {signatory.name} is not on this token. {_listing(chains)}",
                    code="not_enrolled",
                )
            return chosen[0]
        if not chains:
            raise Refused(
                f"The token holds no X.509 certificate with that id. {_listing([(f, self._chain(f, on_token)) for f in on_token])}",
                code="unknown_key",
            )
        return self._only_usable(signatory, chains)

    async def _certificates(self, token: str, signatory: Signatory) -> list[Found]:
        try:
            found: list[Found] = await self._ask("certificates", token=token)
        except SignerUnavailable as error:
            if error.code == "no_token" and signatory.fingerprint and token:
                raise SignerUnavailable(f"The token {token} of {signatory.name} is needed. {error.say}", code=error.code) from None
            raise
        return found

    def _only_usable(self, signatory: Signatory, chains: Sequence[tuple[Found, X509Chain]]) -> tuple[Found, X509Chain]:
        at = self._context().clock.now()
        usable = [pair for pair in chains if pair[1].unusable(at) is None]
        if len(usable) == 1:
            return usable[0]
        if usable:
            raise Refused(
                f"Several X.509 certificates on this token can sign; name one of them with --key. {_listing(usable)}",
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
            raise _error(fault) from None

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


def _error(fault: Fault) -> EngineError:
    kind = SignerUnavailable if fault.code in WAITS else Refused
    return kind(fault.say, code=fault.code)


def _unknown(name: str, known: Collection[str]) -> str:
    if any(part in name.lower() for part in SECRET_NAMES):
        return (
            f"[signers.dsc_token] has a setting {name!r}, and a PIN is kept in no file and no environment variable. Remove it, "
            "change the PIN in the vendor's tool, and unlock the token by hand: `ecoo token unlock`."
        )
    return f"[signers.dsc_token] does not know the key {name!r}; it knows {', '.join(sorted(known))}."


def _chosen(states: Sequence[TokenState], name: str) -> TokenState:
    """The one token that a person means. What they typed is not said back: it may have been the PIN."""
    if not states:
        raise Fault("no_token", "No token is inserted. Insert it, then unlock it with `ecoo token unlock`.")
    listed = ", ".join(state.named for state in states)
    found = [state for state in states if name in ("", state.serial, state.label)]
    if not found:
        raise Fault(
            "unknown_token",
            f"No inserted token has that label or serial; inserted: {listed}. If what you typed was a PIN, it may now be in "
            "your shell's history: change it in the vendor's tool.",
        )
    if len(found) > 1:
        raise Fault("several_tokens", f"Several tokens are inserted: {listed}; name one by its serial.")
    return found[0]


def _listing(chains: Sequence[tuple[Found, X509Chain]]) -> str:
    if not chains:
        return "It holds no X.509 certificate."
    return f"It holds: {'; '.join(f'{c.label}: --key {shlex.quote(_key_of(f))}' for f, c in chains)}."


def _key_of(found: Found) -> str:
    return f"{found.token}/{found.key_id.hex()}"


def _describe(states: Sequence[TokenState]) -> str:
    if not states:
        return "No token is inserted. Insert it, then unlock it with `ecoo token unlock`."
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
