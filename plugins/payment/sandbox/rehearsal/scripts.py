"""What can be rehearsed: every scenario, the turns that a payment takes under it, and the words that are sent about them.

A scenario is chosen by a script for the attempt's reference, else by one for the merchant, else by the paise of the amount, else
it is `success`. Nothing here is random and nothing waits: what comes later comes when the clock of the till is moved.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

__all__ = ["SCENARIOS", "SUFFIXES", "Part", "Plan", "Script", "ScriptWrong", "Spoil", "Status", "Turn", "Way", "Word", "plan_of"]


class Status(StrEnum):
    """How a payment stands at the rehearsal gateway. OPEN: its order is known, and nobody paid."""

    OPEN = "open"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Way(StrEnum):
    """How word goes: with the payer's browser, or from this server."""

    RETURN = "return"
    NOTICE = "notice"


class Spoil(StrEnum):
    """What is wrong with a message; the first three carry a good signature."""

    NONE = ""
    AMOUNT = "amount"
    MERCHANT = "merchant"
    REFERENCE = "reference"
    MISSING = "missing"
    CHECKSUM = "checksum"
    CASE = "case"


class Part(StrEnum):
    """What a script is about; a payment can have one of each."""

    PAYMENT = "payment"
    START = "start"
    QUERY = "query"
    ANSWER = "answer"
    REFUND = "refund"
    SETTLEMENT = "settlement"


@dataclass(frozen=True, slots=True)
class Turn:
    """How the payment stands from so many seconds after the payer pressed the button."""

    after_s: int
    status: Status


@dataclass(frozen=True, slots=True)
class Word:
    """A message about a turn. `copies` are the same statement; `together`: all at once; `first`: before the browser goes back;
    `again`: about a second charge of the same order."""

    way: Way
    turn: int = 0
    spoil: Spoil = Spoil.NONE
    copies: int = 1
    together: bool = False
    first: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The turns of a payment, and the words about them in their order."""

    turns: tuple[Turn, ...]
    words: tuple[Word, ...]


class ScriptWrong(Exception):
    """A script that cannot be followed; the text says why."""


@dataclass(frozen=True, slots=True)
class Script:
    """A scenario and its numbers: `after` seconds for what comes later, `n` copies, `times` that a fault shows (0: always), `on`
    which question it strikes, `by` paise that an amount is off, `how` a settlement is wrong."""

    scenario: str
    after: int = 600
    n: int = 3
    times: int = 1
    on: str = "any"
    by: int = -100
    how: str = "match"

    @property
    def part(self) -> Part:
        """What it is about."""
        return SCENARIOS[self.scenario]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Script":
        """The script that a JSON object names. Raises ScriptWrong for an unknown scenario, and for a number that is none."""
        known = {each.name: each.type for each in fields(cls)}
        found = {name: value for name, value in told.items() if name in known}
        if found.get("scenario") not in SCENARIOS:
            raise ScriptWrong(f"There is no such scenario. Known: {', '.join(SCENARIOS)}.")
        for name, value in found.items():
            if not isinstance(value, int if known[name] is int else str) or isinstance(value, bool):
                raise ScriptWrong(f"{name} is of the wrong kind.")
        script = cls(**found)
        if script.on not in _OPERATIONS or script.how not in _SETTLED or not (script.after >= 0 and 1 <= script.n <= 50):
            raise ScriptWrong(f"on is one of {', '.join(_OPERATIONS)}; how one of {', '.join(_SETTLED)}; n 1 to 50; after not below 0.")
        return script


_OPERATIONS = ("any", "start", "query", "refund", "query_refund")
_SETTLED = ("match", "amount_diff", "missing_here", "missing_there", "duplicate")
_RETURN, _NOTICE = Word(Way.RETURN), Word(Way.NOTICE)
_PAID, _FAILED, _PENDING = (Turn(0, Status.PAID),), (Turn(0, Status.FAILED),), (Turn(0, Status.PENDING),)


def _both(turns: tuple[Turn, ...]) -> Plan:
    """Browser and server say each turn; the browser goes back once, with the first."""
    return Plan(turns, (_RETURN, *(Word(Way.NOTICE, turn) for turn in range(len(turns)))))


def _then(first: Status, later: Status, script: Script) -> Plan:
    return _both((Turn(0, first), Turn(script.after, later)))


def _spoilt(spoil: Spoil) -> Plan:
    return Plan(_PAID, (Word(Way.RETURN, spoil=spoil), Word(Way.NOTICE, spoil=spoil)))


def _disordered(script: Script) -> Plan:
    """Paid; and word of it comes first, with the older words after it."""
    turns = (Turn(0, Status.PENDING), Turn(0, Status.FAILED), Turn(0, Status.PAID))
    return Plan(turns, (Word(Way.NOTICE, 2), Word(Way.NOTICE, 0), Word(Way.NOTICE, 1), Word(Way.RETURN, 0)))


_PLANS: Mapping[str, Callable[[Script], Plan]] = {
    "success": lambda script: _both(_PAID),
    "failure": lambda script: _both(_FAILED),
    "user_cancel": lambda script: _both((Turn(0, Status.CANCELLED),)),
    "pending_then_success": lambda script: _then(Status.PENDING, Status.PAID, script),
    "pending_then_failure": lambda script: _then(Status.PENDING, Status.FAILED, script),
    "pending_forever": lambda script: _both(_PENDING),
    "failed_then_late_success": lambda script: _then(Status.FAILED, Status.PAID, script),
    "no_return": lambda script: Plan(_PAID, (_NOTICE,)),
    "return_only": lambda script: Plan(_PAID, (_RETURN,)),
    "s2s_before_return": lambda script: Plan(_PAID, (Word(Way.NOTICE, first=True), _RETURN)),
    "duplicate": lambda script: Plan(_PAID, (_RETURN, Word(Way.NOTICE, copies=script.n))),
    "concurrent": lambda script: Plan(_PAID, (Word(Way.NOTICE, copies=script.n, together=True), _RETURN)),
    "out_of_order": _disordered,
    "tampered_checksum": lambda script: _spoilt(Spoil.CHECKSUM),
    "tampered_amount_valid_signature": lambda script: _spoilt(Spoil.AMOUNT),
    "wrong_merchant_valid_signature": lambda script: _spoilt(Spoil.MERCHANT),
    "unknown_reference": lambda script: _spoilt(Spoil.REFERENCE),
    "missing_field": lambda script: _spoilt(Spoil.MISSING),
    "lowercase_checksum": lambda script: _spoilt(Spoil.CASE),
    "double_charge": lambda script: Plan(_PAID, (_RETURN, _NOTICE, Word(Way.NOTICE, again=True))),
}
_FAULTS: Mapping[str, Part] = {
    "start_refused": Part.START,
    "start_unreachable": Part.START,
    "start_timeout_no_effect": Part.START,
    "start_timeout_with_effect": Part.START,
    "http_500": Part.ANSWER,
    "slow_drip": Part.ANSWER,
    "garbage_body": Part.ANSWER,
    "query_not_found_then_found": Part.QUERY,
    "refund_ok": Part.REFUND,
    "refund_pending_then_ok": Part.REFUND,
    "refund_failed": Part.REFUND,
    "refund_timeout_with_effect": Part.REFUND,
    "settlement": Part.SETTLEMENT,
}
SCENARIOS: Mapping[str, Part] = {**dict.fromkeys(_PLANS, Part.PAYMENT), **_FAULTS}
SUFFIXES: Mapping[int, str] = {
    1: "failure",
    2: "pending_forever",
    3: "pending_then_success",
    4: "pending_then_failure",
    5: "failed_then_late_success",
    6: "user_cancel",
    7: "no_return",
    8: "return_only",
    9: "s2s_before_return",
    10: "duplicate",
    11: "concurrent",
    12: "out_of_order",
    13: "tampered_checksum",
    14: "tampered_amount_valid_signature",
    15: "wrong_merchant_valid_signature",
    16: "unknown_reference",
    17: "missing_field",
    18: "lowercase_checksum",
    19: "double_charge",
    20: "start_refused",
    21: "start_timeout_no_effect",
    22: "start_timeout_with_effect",
    23: "http_500",
    24: "garbage_body",
    25: "query_not_found_then_found",
    26: "refund_pending_then_ok",
    27: "refund_failed",
    28: "refund_timeout_with_effect",
}


def plan_of(script: Script) -> Plan:
    """The turns and words of a payment under a script of that part."""
    return _PLANS[script.scenario](script)
