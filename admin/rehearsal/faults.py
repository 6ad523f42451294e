"""What a rehearsal can be made to do wrong: set by whoever starts the registry in a test, never by a browser."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["AnswerFault", "Endpoint", "Faults", "TokenFault"]


class Endpoint(StrEnum):
    """Where an answer can be spoilt."""

    METADATA = "metadata"
    KEYS = "keys"
    TOKENS = "tokens"
    PROFILE = "profile"


class AnswerFault(StrEnum):
    """How an answer is spoilt as a whole."""

    SLOW = "slow"
    OVERSIZED = "oversized"
    REDIRECT = "redirect"
    GARBAGE = "garbage"
    BROKEN = "broken"


class TokenFault(StrEnum):
    """How an ID token lies."""

    WRONG_NONCE = "wrong_nonce"
    NO_NONCE = "no_nonce"
    WRONG_AUD = "wrong_aud"
    MORE_AUD = "more_aud"
    FOREIGN_AZP = "foreign_azp"
    SWAPPED_ISS = "swapped_iss"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    OLD = "old"
    TIMELESS = "timeless"
    STALE = "stale"
    NO_AUTH_TIME = "no_auth_time"
    WRONG_AT_HASH = "wrong_at_hash"
    NO_SUBJECT = "no_subject"
    HOSTILE_NAME = "hostile_name"
    ALG_NONE = "alg_none"
    ALG_HS256 = "alg_hs256"
    UNKNOWN_KID = "unknown_kid"
    FORGED = "forged"
    TAMPERED = "tampered"
    CRIT = "crit"
    FIVE_PARTS = "five_parts"


@dataclass(slots=True)
class Faults:
    """All knobs, none turned. `metadata` replaces entries of the metadata, `iss` the issuer in the browser's answer ("": left out)."""

    token: TokenFault | None = None
    answers: Mapping[Endpoint, AnswerFault] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    iss: str | None = None
    keys: tuple[Mapping[str, Any], ...] = ()
