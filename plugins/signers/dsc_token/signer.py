"""The signer itself: chooses the signatory's certificate on the token, has attributes signed, and proves each signature.

While a token is locked, gone or busy its jobs wait (`SignerUnavailable`). What was signed before a token was pulled out is
remembered for as long as this process lives, so that a job that goes on signs each document once. One ecoo process of a site
holds the tokens; any other may enrol, because it asks that one.
"""

import asyncio
import secrets
from collections.abc import Collection, Mapping, Sequence
from functools import partial
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
    HeldKey,
    Mechanism,
    Mode,
    PluginError,
    RawSignature,
    Refused,
    Signatory,
    SignatureJob,
    Signed,
    SignedDocument,
    SignerContext,
    SignerUnavailable,
    SigningOutcome,
    SignsAtOnce,
    Untrusted,
    X509Chain,
)

from .chains import Choice, chain_of, choices, key_of, listing
from .child import Child, run
from .door import HELD, Door, Request, knock
from .tokens import Tokens
from .wire import Fault, Found, Made, Pin, TokenState

WAITS = frozenset(("locked", "gone", "no_token", "slow", "died", "module"))
"""Faults that go away when a person inserts and unlocks the token; the others are for a person to correct."""

SECRET_NAMES = ("pin", "pass", "secret")
PROOF = b"ecoo enrols the key of this X.509 certificate: "
LIMIT_S = 60.0
MAX_REMEMBERED = 2000


class DscToken(SignsAtOnce):
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
        self._tokens: Tokens | None = None
        self._door: Door | None = None
        self._taking = asyncio.Lock()
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
        """Opens the door for the PIN; the driver's process starts when it is first needed.

        Raises SignerUnavailable while another ecoo process holds the tokens; once that one has ended, the next use takes them.
        """
        if wrong := self.validate_config(ctx.settings):
            raise ConfigError(wrong[0])
        _require_module(ctx.settings)
        self._issuers = _read_issuers(ctx)
        self._ctx = ctx
        await self._held()

    async def close(self) -> None:
        """Closes the door and ends the driver's processes, which locks the tokens."""
        async with self._taking:
            door, tokens, self._door, self._tokens, self._ctx = self._door, self._tokens, None, None, None
            if door is not None:
                await door.close()
            if tokens is not None:
                await tokens.close()

    async def identity(self, signatory: Signatory) -> X509Chain | None:
        """The enrolled X.509 certificate as it lies on the token; no PIN is needed."""
        _, chain = await self._find(signatory)
        return chain

    async def enrol(self, signatory: Signatory, evidence: bytes | None = None) -> X509Chain:
        """The one certificate of the token that may sign now, once its key proved to be there by a signature over a nonce.

        If another ecoo process holds the tokens, that one is asked. Refused lists the certificates, each with its key, if there
        are several; SignerUnavailable while the token is locked.
        """
        try:
            await self._held()
        except SignerUnavailable as error:
            if error.code != HELD:
                raise
            return await self._enrolled_by_the_holder(signatory)
        found, chain = await self._find(signatory)
        chain.check_usable(self._context().clock.now())
        await self._make(found, chain, PROOF + secrets.token_bytes(32))
        return chain

    async def ready(self, signatory: Signatory) -> None:
        """Returns if the signatory's token is inserted and unlocked and holds the key, which is looked for and not used."""
        found, _ = await self._find(signatory)
        await self._ask(found, "ready", key_id=found.key_id)

    async def start(self, job: SignatureJob) -> SigningOutcome:
        """Signs each document, one C_Sign each; declines if the X.509 certificate may not sign now."""
        try:
            found, chain = await self._find(job.signatory)
            chain.check_usable(self._context().clock.now())
            return Signed(tuple([SignedDocument(d.id, await self._sign(found, chain, d)) for d in job.documents]))
        except Refused as refused:
            return Declined(refused.code, refused.say)

    async def held(self) -> Sequence[HeldKey]:
        """What lies on every inserted token; no PIN is needed to read it. Raises SignerUnavailable while another process holds them."""
        tokens = await self._held()
        try:
            on_token = await tokens.certificates("", several=True, anew=True)
        except Fault as fault:
            raise _error(fault) from None
        unlocked = tokens.serials
        return [HeldKey(key_of(f), chain, f.named, f.serial in unlocked) for f, chain in choices(on_token, b"", self._issuers)]

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
        if request.verb == "enrol":
            return await self._enrolled_here(request)
        tokens = await self._held()
        if request.verb == "lock" and (locked := await tokens.lock(request.token)):
            return f"Locked: {', '.join(state.named for state in locked)}."
        states = await tokens.inserted()
        if request.verb == "check":
            return _describe(states)
        if request.verb == "lock" and not request.token:
            return "No token was unlocked."
        state = _chosen(states, request.token)
        if request.verb == "lock":
            return f"The token {state.named} was not unlocked."
        if request.verb == "choose":
            return f"PIN of {state.named}: " if not state.unlocked else ""
        if request.verb != "unlock" or not request.pin:
            raise Fault("bad_request", "No PIN was given; nothing was tried.")
        say = await tokens.unlock(state, request.pin, final_try=request.final_try)
        self._context().wake()
        return say

    async def _enrolled_here(self, request: Request) -> str:
        """The chain for another ecoo process that enrols, as PEM."""
        try:
            chain = await self.enrol(Signatory("", request.name, request.token))
        except EngineError as error:
            raise Fault(error.code, error.say) from None
        return "".join(_to_pem(der) for der in (chain.leaf, *chain.issuers))

    async def _enrolled_by_the_holder(self, signatory: Signatory) -> X509Chain:
        """The chain that the process at the door had prove itself; issuers that only these settings name are added."""
        request = Request("enrol", signatory.key, name=signatory.name)
        try:
            pem = await asyncio.to_thread(knock, self._context().folder, request)
        except Fault as fault:
            raise _error(fault) from None
        leaf, *issuers = (each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(pem.encode()))
        return chain_of(leaf, (*issuers, *self._issuers))

    # --- inside --------------------------------------------------------------------------------

    async def _held(self) -> Tokens:
        """The tokens, which this process takes now if no process holds them. Raises SignerUnavailable, `HELD` if another does."""
        async with self._taking:
            ctx = self._context()
            if self._tokens is None:
                door = Door(ctx.folder, self._answer)
                await door.open()
                self._door, self._tokens = door, Tokens(ctx.settings["module"], self._child, self._limit_s)
            return self._tokens

    async def _sign(self, found: Found, chain: X509Chain, document: Document) -> RawSignature:
        if document.attributes is None:
            raise PluginError("The signer dsc_token was given a document without signed attributes.")
        place = (chain.fingerprint, document.attributes)
        if place in self._signed:
            return self._signed[place]
        signature = await self._make(found, chain, document.attributes)
        if len(self._signed) >= MAX_REMEMBERED:
            self._signed.clear()
        self._signed[place] = signature
        return signature

    async def _make(self, found: Found, chain: X509Chain, data: bytes) -> RawSignature:
        """One C_Sign, and the proof that the key belongs to the X.509 certificate."""
        made: Made = await self._ask(found, "sign", key_id=found.key_id, data=data)
        signature = RawSignature(made.value, Mechanism.ECDSA_SHA256 if made.ecdsa else Mechanism.RSA_SHA256)
        if not chain.verifies(data, signature):
            raise Untrusted(
                f"The token returned a damaged signature for {chain.label}; nothing was issued. Try again, or try another reader."
            )
        return signature

    async def _find(self, signatory: Signatory) -> Choice:
        """The certificate that signs: the enrolled one, wherever it is, or the only one that may be enrolled."""
        tokens = await self._held()
        try:
            return await (self._enrolled(tokens, signatory) if signatory.fingerprint else self._unenrolled(tokens, signatory))
        except Fault as fault:
            if fault.code == "no_token" and signatory.fingerprint and (name := _split(signatory.key)[0]):
                say = f"The token {name} of {signatory.name} is not inserted; insert it, then unlock it with `ecoo token unlock`."
                raise SignerUnavailable(say, code=fault.code) from None
            raise _error(fault) from None

    async def _enrolled(self, tokens: Tokens, signatory: Signatory) -> Choice:
        """Looks on the unlocked tokens first, then on those that are known, then for what was inserted meanwhile."""
        name, key_id = _split(signatory.key)
        on_token: list[Found] = []
        chains: list[Choice] = []
        for look in (tokens.unlocked, partial(tokens.certificates, several=True), partial(tokens.certificates, several=True, anew=True)):
            on_token = await look(name)
            chains = choices(on_token, key_id, self._issuers)
            for pair in chains:
                if pair[1].fingerprint == signatory.fingerprint:
                    return pair
        raise Refused(
            f"The X.509 certificate enrolled for {signatory.name} is not on this token. {listing(chains, on_token)}", code="not_enrolled"
        )

    async def _unenrolled(self, tokens: Tokens, signatory: Signatory) -> Choice:
        name, key_id = _split(signatory.key)
        on_token = await tokens.certificates(name)
        chains = choices(on_token, key_id, self._issuers)
        if not chains:
            there = listing(choices(on_token, b"", self._issuers), on_token)
            raise Refused(f"The token holds no X.509 certificate{' with that id' if key_id else ''}. {there}", code="unknown_key")
        return self._only_usable(signatory, chains)

    def _only_usable(self, signatory: Signatory, chains: Sequence[Choice]) -> Choice:
        at = self._context().clock.now()
        usable = [pair for pair in chains if pair[1].unusable(at) is None]
        if len(usable) == 1:
            return usable[0]
        if usable:
            raise Refused(
                f"Several X.509 certificates on this token can sign; name one of them with --key. {listing(usable, ())}",
                code="ambiguous",
            )
        reasons = " ".join(why.say for _, chain in chains if (why := chain.unusable(at)) is not None)
        raise Refused(
            f"There is no X.509 certificate for {signatory.name} on this token that can sign. {reasons}".strip(), code="unknown_key"
        )

    async def _ask(self, found: Found, verb: str, **arguments: object) -> Any:
        try:
            return await (await self._held()).ask(found, verb, **arguments)
        except Fault as fault:
            raise _error(fault) from None

    def _context(self) -> SignerContext:
        if self._ctx is None:
            raise PluginError("The signer dsc_token was used before it was opened, or after it was closed.")
        return self._ctx


def _require_module(settings: Mapping[str, str]) -> None:
    if not (module := Path(settings["module"])).is_file():
        raise ConfigError(f"[signers.dsc_token] module: there is no file {module}; install the token's driver.")


def _split(key: str) -> tuple[str, bytes]:
    token, slash, identifier = key.rpartition("/")
    try:
        return (token, bytes.fromhex(identifier)) if slash else (key, b"")
    except ValueError:
        return key, b""


def _error(fault: Fault) -> EngineError:
    if fault.code == "nobody":
        return SignerUnavailable("The ecoo process that holds the tokens of this site is starting or ending just now.", code=HELD)
    if fault.code == Untrusted.code:
        return Untrusted(fault.say)
    kind = SignerUnavailable if fault.code in WAITS else Refused
    return kind(fault.say, code=fault.code)


def _to_pem(der: bytes) -> str:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()


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
