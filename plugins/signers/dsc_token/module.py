"""The PKCS#11 module, seen from the one thread that may call it.

python-pkcs11 initialises modules without locking, so everything here runs in a process of its own, one call at a time. A
PIN is used for one log-in and kept nowhere. Any error of the device but a refusal of the PIN is a `Fault` that ends this
process, since a driver whose token was pulled out may never find back: a person unlocks the token again, in a new one.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, TokenFlag
from pkcs11.exceptions import (
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    UserPinNotInitialized,
)
from pkcs11.util.ec import encode_ecdsa_signature

from .wire import Fault, Found, Made, Pin, TokenState

# RFC 8017, 9.2, note 1: DigestInfo of SHA-256 up to the hash itself.
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")

INSERT = "Insert the token and unlock it with `ecoo token unlock`."


class Module:
    """A loaded PKCS#11 module and the sessions that people unlocked."""

    def __init__(self, path: str) -> None:
        self._lib = pkcs11.lib(path)
        self._sessions: dict[str, Any] = {}
        self._keys: dict[tuple[str, bytes], Any] = {}

    def verbs(self) -> dict[str, Callable[..., object]]:
        """What may be asked for over the pipe."""
        return {
            "tokens": self.tokens,
            "unlock": self.unlock,
            "lock": self.lock,
            "certificates": self.certificates,
            "ready": self.ready,
            "sign": self.sign,
        }

    def tokens(self) -> list[TokenState]:
        """Every token that is inserted and initialised. Raises Fault if one that was unlocked answers no more."""
        if not self._sessions:
            self._lib.reinitialize()  # many modules notice what was inserted or pulled out only then
        states = [self.state(token) for token in self._present()]
        for serial in tuple(self._sessions):
            self._private_keys(serial, {})
        return states

    def unlock(self, token: str, pin: Pin, final_try: bool) -> str:
        """Logs in once with this PIN and says what came of it. Raises Fault; never tries a second time."""
        chosen = self._choose(token)
        state = self.state(chosen)
        if state.unlocked:
            return f"The token {state.named} is unlocked already; the PIN was not used."
        if state.pin_locked:
            raise Fault(
                "pin_locked",
                f"The PIN of the token {state.named} is locked; unblock it with the PUK in the vendor's tool, or ask the issuing CA.",
            )
        if state.pin_final and not final_try:
            raise Fault(
                "final_try",
                f"One try is left before the token {state.named} locks itself; if you are sure of the PIN, repeat with --final-try.",
            )
        self._sessions[state.serial] = self._log_in(chosen, state, pin)
        return f"The token {state.named} is unlocked."

    def lock(self, token: str) -> str:
        """Logs out of one token, or of all with an empty name."""
        gone = [s for s in map(self.state, self._inserted()) if s.unlocked and token in ("", s.serial, s.label)]
        for state in gone:
            self._drop(state.serial)
        return f"Locked: {', '.join(s.named for s in gone)}." if gone else "No token was unlocked."

    def certificates(self, token: str) -> list[Found]:
        """The X.509 certificates on a token; no PIN is needed to read them."""
        chosen = self._choose(token)
        serial, name = _text(chosen.serial), self._name_of(chosen)
        session = self._sessions.get(serial)
        try:
            with _Borrowed(chosen, session) as opened:
                found = opened.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
                return [Found(bytes(o[Attribute.ID]), bytes(o[Attribute.VALUE]), name) for o in found]
        except PKCS11Error as error:
            raise self._gone(serial, error) from error

    def ready(self, token: str, key_id: bytes) -> None:
        """Returns if that key could sign now; it is looked for anew and not used. Raises Fault."""
        serial = self._unlocked(self._choose(token))
        self._keys.pop((serial, key_id), None)
        self._key(serial, key_id)

    def sign(self, token: str, key_id: bytes, data: bytes) -> Made:
        """The signature of the private key with that CKA_ID over `data`, with SHA-256."""
        chosen = self._choose(token)
        serial = self._unlocked(chosen)
        key = self._key(serial, key_id)
        try:
            return self._sign(key, self.mechanisms(chosen), data)
        except PKCS11Error as error:
            raise self._gone(serial, error) from error

    def state(self, token: Any) -> TokenState:
        """How a token stands now; the flags are read afresh from the token."""
        flags, serial = TokenFlag(token.flags), _text(token.serial)
        return TokenState(
            serial,
            _text(token.label),
            serial in self._sessions,
            TokenFlag.USER_PIN_COUNT_LOW in flags,
            TokenFlag.USER_PIN_FINAL_TRY in flags,
            TokenFlag.USER_PIN_LOCKED in flags,
        )

    def mechanisms(self, token: Any) -> set[Any]:
        """What the token says it can do."""
        return set(token.slot.get_mechanisms())

    def raw_sign(self, key: Any, data: bytes, mechanism: Any) -> bytes:
        """One C_Sign."""
        return bytes(key.sign(data, mechanism=mechanism))

    def _inserted(self) -> Iterator[Any]:
        for slot in self._lib.get_slots(token_present=True):
            try:
                token = slot.get_token()
            except PKCS11Error:  # a slot whose token was pulled out a moment ago
                continue
            if TokenFlag.TOKEN_INITIALIZED in TokenFlag(token.flags):
                yield token

    def _present(self) -> list[Any]:
        """The tokens that are inserted; a session whose token is not among them is dropped."""
        found = list(self._inserted())
        for serial in self._sessions.keys() - {_text(t.serial) for t in found}:
            self._drop(serial)
        return found

    def _choose(self, name: str) -> Any:
        found = self._matching(name)
        if not found and not self._sessions:
            self._lib.reinitialize()
            found = self._matching(name)
        if not found:
            raise Fault("no_token", _missing(name, [self.state(t) for t in self._present()]))
        if len(found) > 1:
            names = ", ".join(self.state(t).named for t in found)
            raise Fault("several_tokens", f"Several tokens are inserted: {names}; name one by its serial.")
        return found[0]

    def _matching(self, name: str) -> list[Any]:
        return [t for t in self._present() if name in ("", _text(t.serial), _text(t.label))]

    def _name_of(self, token: Any) -> str:
        """The label if no other token has it, else the serial."""
        label = _text(token.label)
        return label if label and len(self._matching(label)) == 1 else _text(token.serial)

    def _unlocked(self, token: Any) -> str:
        serial = _text(token.serial)
        if serial not in self._sessions:
            raise Fault("locked", f"The token {self.state(token).named} is locked. Unlock it with `ecoo token unlock`.")
        return serial

    def _private_keys(self, serial: str, wanted: dict[Any, Any]) -> list[Any]:
        try:
            return list(self._sessions[serial].get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, **wanted}))
        except PKCS11Error as error:
            raise self._gone(serial, error) from error

    def _log_in(self, token: Any, state: TokenState, pin: Pin) -> Any:
        try:
            return token.open(user_pin=pin.reveal())
        except (PinIncorrect, PinInvalid, PinLenRange):
            after = self.state(self._choose(state.serial))
            left = " One try is left before it locks itself." if after.pin_final else ""
            raise Fault("wrong_pin", f"The PIN was wrong; nothing was unlocked.{left}") from None
        except PinLocked:
            raise Fault(
                "pin_locked", f"The token {state.named} has locked its PIN; unblock it with the PUK in the vendor's tool."
            ) from None
        except (PinExpired, UserPinNotInitialized):
            raise Fault("pin_unset", f"The token {state.named} wants a new PIN; set one in the vendor's tool, then unlock it.") from None
        except PKCS11Error as error:
            raise self._gone(state.serial, error) from None

    def _key(self, serial: str, key_id: bytes) -> Any:
        if (serial, key_id) not in self._keys:
            found = [key for key in self._private_keys(serial, {Attribute.ID: key_id}) if key[Attribute.SIGN]]
            if len(found) != 1:
                raise Fault(
                    "no_private_key",
                    f"The token holds {len(found) or 'no'} private keys for signing with the id {key_id.hex()}, and one is needed: "
                    "an X.509 certificate without its key cannot sign. Import the key, or use the token that it was made on.",
                )
            if found[0][Attribute.ALWAYS_AUTHENTICATE]:
                raise Fault(
                    "attended_only",
                    "This key asks for the PIN before every signature, so it cannot sign on a server; its holder must sign with the token agent.",
                )
            self._keys[serial, key_id] = found[0]
        return self._keys[serial, key_id]

    def _sign(self, key: Any, offered: set[Any], data: bytes) -> Made:
        digest = hashlib.sha256(data).digest()
        if key.key_type == KeyType.EC:
            for mechanism, input_ in ((Mechanism.ECDSA_SHA256, data), (Mechanism.ECDSA, digest)):
                if mechanism in offered:
                    return Made(encode_ecdsa_signature(self.raw_sign(key, input_, mechanism)), ecdsa=True)
        if key.key_type == KeyType.RSA:
            for mechanism, input_ in ((Mechanism.SHA256_RSA_PKCS, data), (Mechanism.RSA_PKCS, DIGEST_INFO + digest)):
                if mechanism in offered:
                    return Made(self.raw_sign(key, input_, mechanism), ecdsa=False)
        raise Fault(
            "no_mechanism", "The token cannot make signatures with SHA-256 (it offers no fitting mechanism); another token is needed."
        )

    def _gone(self, serial: str, error: PKCS11Error) -> Fault:
        self._drop(serial)
        return Fault("gone", f"The token stopped answering ({type(error).__name__}). {INSERT}")

    def _drop(self, serial: str) -> None:
        session = self._sessions.pop(serial, None)
        self._keys = {k: v for k, v in self._keys.items() if k[0] != serial}
        if session is not None:
            _close(session)


class _Borrowed:
    """The unlocked session, or one without PIN that is closed again."""

    def __init__(self, token: Any, session: Any | None) -> None:
        self._token, self._session, self._own = token, session, session is None

    def __enter__(self) -> Any:
        if self._session is None:
            self._session = self._token.open()
        return self._session

    def __exit__(self, *_: object) -> None:
        if self._own:
            _close(self._session)


def _close(session: Any) -> None:
    try:
        session.close()
    except PKCS11Error:
        return  # the token is gone, and the session with it


def _missing(name: str, present: list[TokenState]) -> str:
    """What is missing, without the name that was asked for: it may have been a PIN."""
    if not present:
        return f"No token is inserted. {INSERT}"
    names = ", ".join(state.named for state in present)
    return f"No inserted token has that label or serial; inserted: {names}. Name one of them, or insert the token that is meant."


def _text(value: bytes | str) -> str:
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else value).strip("\0 ")
