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
    """A loaded PKCS#11 module, and the one token that a person unlocked in it, if any."""

    def __init__(self, path: str) -> None:
        self._lib = pkcs11.lib(path)
        self._own: TokenState | None = None
        self._session: Any = None
        self._keys: dict[bytes, Any] = {}

    def verbs(self) -> dict[str, Callable[..., object]]:
        """What may be asked for over the pipe."""
        return {
            "tokens": self.tokens,
            "unlock": self.unlock,
            "lock": self.lock,
            "answers": self.answers,
            "certificates": self.certificates,
            "ready": self.ready,
            "sign": self.sign,
        }

    def tokens(self) -> list[TokenState]:
        """Every token that is inserted and initialised, looked for anew."""
        self._look_anew()
        return [self.state(token) for token in self._inserted()]

    def unlock(self, token: str, pin: Pin, final_try: bool) -> str:
        """Logs in once with this PIN and says what came of it. Raises Fault; never tries a second time."""
        chosen = self._one(token)
        state = self.state(chosen)
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
        self._session, self._own = self._log_in(chosen, state, pin), state
        return f"The token {state.named} is unlocked."

    def lock(self) -> None:
        """Logs out."""
        session, self._session, self._own = self._session, None, None
        self._keys.clear()
        if session is not None:
            _close(session)

    def answers(self) -> None:
        """Returns if the unlocked token is there and answers. Raises Fault."""
        self._one(self._unlocked().serial)
        self._private_keys({})

    def certificates(self, token: str, several: bool = False, anew: bool = False) -> list[Found]:
        """The X.509 certificates on the token of that name, or on all of that name; no PIN is needed to read them."""
        if anew:
            self._look_anew()
        chosen = self._choose(token) if several else [self._one(token)]
        return [found for each in chosen for found in self._read(each)]

    def ready(self, key_id: bytes) -> None:
        """Returns if that key could sign now; it is looked for anew and not used. Raises Fault."""
        self._one(self._unlocked().serial)
        self._keys.pop(key_id, None)
        self._key(key_id)

    def sign(self, key_id: bytes, data: bytes) -> Made:
        """The signature of the private key with that CKA_ID over `data`, with SHA-256."""
        chosen = self._one(self._unlocked().serial)
        key = self._key(key_id)
        try:
            return self._sign(key, self.mechanisms(chosen), data)
        except PKCS11Error as error:
            raise _gone(error) from error

    def state(self, token: Any) -> TokenState:
        """How a token stands now; the flags are read afresh from the token."""
        flags, serial = TokenFlag(token.flags), _text(token.serial)
        return TokenState(
            serial,
            _text(token.label),
            self._own is not None and self._own.serial == serial,
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

    def _look_anew(self) -> None:
        """Has the module notice what was inserted or pulled out. One that holds a session would lose it, and is left alone."""
        if self._session is None:
            self._lib.reinitialize()

    def _choose(self, name: str) -> list[Any]:
        """The inserted tokens of that serial or label, at least one. Raises Fault."""
        found = self._matching(name)
        if not found and self._own is not None:
            raise Fault("gone", f"The token {self._own.named} was pulled out. {INSERT}")
        if not found:
            self._look_anew()
            found = self._matching(name)
        if not found:
            raise Fault("no_token", _missing(name, [self.state(t) for t in self._inserted()]))
        return found

    def _one(self, name: str) -> Any:
        found = self._choose(name)
        if len(found) > 1:
            names = ", ".join(self.state(t).named for t in found)
            raise Fault("several_tokens", f"Several tokens are inserted: {names}; name one by its serial.")
        return found[0]

    def _matching(self, name: str) -> list[Any]:
        return [t for t in self._inserted() if name in ("", _text(t.serial), _text(t.label))]

    def _read(self, token: Any) -> list[Found]:
        state, name = self.state(token), self._name_of(token)
        try:
            with _Borrowed(token, self._session if state.unlocked else None) as opened:
                found = opened.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
                return [Found(bytes(o[Attribute.ID]), bytes(o[Attribute.VALUE]), state.serial, state.named, name) for o in found]
        except PKCS11Error as error:
            raise _gone(error) from error

    def _name_of(self, token: Any) -> str:
        """The label if no other token has it, else the serial."""
        label = _text(token.label)
        return label if label and len(self._matching(label)) == 1 else _text(token.serial)

    def _unlocked(self) -> TokenState:
        if self._own is None:
            raise Fault("locked", "The token is locked. Unlock it with `ecoo token unlock`.")
        return self._own

    def _private_keys(self, wanted: dict[Any, Any]) -> list[Any]:
        try:
            return list(self._session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, **wanted}))
        except PKCS11Error as error:
            raise _gone(error) from error

    def _log_in(self, token: Any, state: TokenState, pin: Pin) -> Any:
        try:
            return token.open(user_pin=pin.reveal())
        except (PinIncorrect, PinInvalid, PinLenRange):
            after = self.state(self._one(state.serial))
            left = " One try is left before it locks itself." if after.pin_final else ""
            raise Fault("wrong_pin", f"The PIN was wrong; nothing was unlocked.{left}") from None
        except PinLocked:
            raise Fault(
                "pin_locked", f"The token {state.named} has locked its PIN; unblock it with the PUK in the vendor's tool."
            ) from None
        except (PinExpired, UserPinNotInitialized):
            raise Fault("pin_unset", f"The token {state.named} wants a new PIN; set one in the vendor's tool, then unlock it.") from None
        except PKCS11Error as error:
            raise _gone(error) from None

    def _key(self, key_id: bytes) -> Any:
        if key_id not in self._keys:
            found = [key for key in self._private_keys({Attribute.ID: key_id}) if key[Attribute.SIGN]]
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
            self._keys[key_id] = found[0]
        return self._keys[key_id]

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


def _gone(error: PKCS11Error) -> Fault:
    return Fault("gone", f"The token stopped answering ({type(error).__name__}). {INSERT}")


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
