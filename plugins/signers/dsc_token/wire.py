"""What crosses the pipe between the signer and the process that owns the token: plain, small, and shy about the PIN."""

from dataclasses import dataclass


class Pin:
    """A PIN on its way to the token. It shows itself to nobody: not in repr, not in a traceback, not in a log."""

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        self._digits = digits

    def __repr__(self) -> str:
        return "Pin(hidden)"

    def __reduce__(self) -> tuple[type["Pin"], tuple[str]]:
        return Pin, (self._digits,)

    def __bool__(self) -> bool:
        return bool(self._digits)

    def reveal(self) -> str:
        """The digits, for the one call that needs them."""
        return self._digits


class Fault(Exception):
    """Why the token did not do it: a stable code and a sentence. Travels through the pipe."""

    def __init__(self, code: str, say: str) -> None:
        super().__init__(code, say)
        self.code = code
        self.say = say


ENDS = frozenset(("gone", "module"))
"""Faults after which nothing more is asked of a driver: its process ends, which locks its tokens, and the next one is new."""


@dataclass(frozen=True, slots=True)
class TokenState:
    """A token that is inserted: how it names itself, and how its PIN stands."""

    serial: str
    label: str
    unlocked: bool
    pin_low: bool
    pin_final: bool
    pin_locked: bool

    @property
    def named(self) -> str:
        """How a sentence names it."""
        return f"{self.label or 'without a label'} (serial {self.serial})"


@dataclass(frozen=True, slots=True)
class Found:
    """An X.509 certificate on a token: its CKA_ID, which the private key shares, and its DER; the token's serial, how a
    sentence names that token, and how `--key` does."""

    key_id: bytes
    der: bytes
    serial: str
    named: str
    token: str


@dataclass(frozen=True, slots=True)
class Made:
    """A signature value as the token made it, RSA PKCS#1 v1.5 or ECDSA in DER."""

    value: bytes
    ecdsa: bool
