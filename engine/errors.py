"""Every error of the engine, named for who can put it right.

    EngineError               code, and say: one sentence fit for a person
    ├── Refused               exporter or officer can correct it; names the box and the rule
    │   ├── NotFound          no such thing, or not yours: the two read the same
    │   ├── Conflict          somebody was quicker, or the state does not allow it
    │   ├── Forbidden         you may not do this here
    │   ├── TooMany           slow down; says when to come back
    │   └── OriginRefused     the goods do not meet the rule of origin, with the arithmetic
    ├── Unavailable           an outside service was silent and nothing happened; repeat freely
    │   └── SignerUnavailable the token is locked, gone or busy; the job waits and goes on later
    ├── Unresolved            it may have happened; never repeat: query, or a person decides
    ├── Untrusted             what arrived does not prove what it claims; change nothing, log it
    ├── ConfigError           engine.toml or the site is wrong; gives the path to the key
    └── PluginError           a plugin broke its promise; names plugin and hook

Callers branch on the six; HTTP appears only in `admin/errors.py`, exit codes only in `engine/cli`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = [
    "ConfigError",
    "Conflict",
    "EngineError",
    "Forbidden",
    "NotFound",
    "OriginRefused",
    "PluginError",
    "Problem",
    "Refused",
    "SignerUnavailable",
    "TooMany",
    "Unavailable",
    "Unresolved",
    "Untrusted",
]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the box it is in, the rule it breaks, and a sentence for a person.

    `box` is a path into the application (`items[2].hs`) or a printed box (`box 7`); both may be None.
    """

    box: str | None
    rule: str | None
    say: str


class EngineError(Exception):
    """The root of the tree: a stable `code` for machines and `say`, one sentence for a person."""

    code = "engine_error"

    def __init__(
        self,
        say: str,
        *,
        code: str | None = None,
        box: str | None = None,
        rule: str | None = None,
        problems: Sequence[Problem] = (),
        reference: str | None = None,
    ) -> None:
        super().__init__(say)
        self.say = say
        self.code = code or type(self).code
        first = problems[0] if problems else None
        self.box = box if box is not None or first is None else first.box
        self.rule = rule if rule is not None or first is None else first.rule
        self.problems = tuple(problems)
        self.reference = reference

    def as_json(self) -> dict[str, Any]:
        """The error as `ecoo --json` and the API show it; unused keys are null."""
        return {
            "code": self.code,
            "say": self.say,
            "box": self.box,
            "rule": self.rule,
            "problems": [asdict(p) for p in self.problems],
            "reference": self.reference,
        }


class Refused(EngineError):
    """The exporter or the officer can correct it."""

    code = "refused"

    @classmethod
    def because(cls, problems: Sequence[Problem]) -> "Refused":
        """One refusal for a non-empty list of problems, spoken by the first of them."""
        more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
        return cls(problems[0].say + more, problems=problems)


class NotFound(Refused):
    """No such thing, or not yours: an unknown id and a foreign one read the same."""

    code = "not_found"


class Conflict(Refused):
    """Somebody was quicker, or the state of the thing does not allow it."""

    code = "conflict"


class Forbidden(Refused):
    """Whoever asks may not do this here."""

    code = "forbidden"


class TooMany(Refused):
    """Too many tries; `retry_after_s` says when the next one is welcome."""

    code = "too_many"

    def __init__(self, say: str, *, retry_after_s: int) -> None:
        super().__init__(say)
        self.retry_after_s = retry_after_s


class OriginRefused(Refused):
    """The goods do not meet the rule of origin; the problems carry the arithmetic."""

    code = "origin_refused"


class Unavailable(EngineError):
    """An outside service was silent and nothing happened; repeat freely."""

    code = "unavailable"


class SignerUnavailable(Unavailable):
    """The token is locked, gone or busy; the certificate keeps its number and goes on later."""

    code = "signer_unavailable"


class Unresolved(EngineError):
    """It may have happened; never repeat: query, or let a person decide."""

    code = "unresolved"


class Untrusted(EngineError):
    """What arrived does not prove what it claims; nothing was changed."""

    code = "untrusted"


class ConfigError(EngineError):
    """engine.toml or the site is wrong; the sentence gives the path to the key."""

    code = "config"


class PluginError(EngineError):
    """A plugin broke its promise; the sentence names plugin and hook."""

    code = "plugin"
