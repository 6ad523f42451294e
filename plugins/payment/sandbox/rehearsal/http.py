"""A request and a reply, as much of them as the rehearsal server needs; the server's ASGI side turns one into the other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

__all__ = ["Line", "Reply", "Request", "json_reply", "text_reply"]


class Line(StrEnum):
    """What becomes of the connection: a whole answer, one cut off after its head, one that drips until the control API lets it go."""

    WHOLE = "whole"
    CUT = "cut"
    DRIP = "drip"


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked. `headers` have small names; `base` is this server's own address as the asker wrote it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str

    def form(self) -> dict[str, str]:
        """The fields of a posted form; of two with one name, the last. Empty for what is no form."""
        try:
            return dict(parse_qsl(self.body.decode("utf-8"), keep_blank_values=True, max_num_fields=200))
        except ValueError:
            return {}

    def asked(self) -> dict[str, str]:
        """The fields of the query."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        """The posted JSON object. Empty for what is none."""
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `line` is how it travels."""

    status: int
    body: bytes
    media_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)
    line: Line = Line.WHOLE


def text_reply(status: int, text: str) -> Reply:
    """A short answer in plain text."""
    return Reply(status, text.encode("ascii", "replace"))


def json_reply(status: int, told: object) -> Reply:
    """An answer in JSON."""
    return Reply(status, json.dumps(told).encode(), "application/json")
