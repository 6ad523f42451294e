"""Bytes in, an application or a cost sheet out: the one reader of our files.

Promises that what it returns has the published shape, its texts in NFC with whole and visible characters, and that it
raises nothing but `Refused`, whatever the bytes are: with every problem of the file that can be found at once, not only
the first. Whether the facts hold together is `engine.filing.checks`'s.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, NoReturn, TypeVar

import msgspec

from engine.application import Application
from engine.errors import Problem, Refused
from engine.filing.reading.schema import schema_of
from engine.filing.reading.text import shown
from engine.filing.reading.walking import Object, Walk

__all__ = ["MAX_BYTES", "Reader", "from_tree", "look", "read", "text_slips", "to_tree"]

T = TypeVar("T")

MAX_BYTES = 1_000_000
MAX_DEPTH = 16

# Brackets outside strings; possessive, so that a hostile file costs one pass and no stack.
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reader(Generic[T]):
    """The reader of one kind of file: what it gives, what a person calls that, and its published schema."""

    kind: type[T]
    noun: str
    schema: Callable[[], Mapping[str, Any]]

    def read(self, data: bytes) -> T:
        """What a file holds. Raises Refused with every problem found, each with its box and rule."""
        return _whole(*self.look(data))

    def look(self, data: bytes) -> tuple[T | None, list[Problem]]:
        """What `read` would return, or None if the file has not the published shape, and all that is wrong with it.

        Something beside problems means that only its texts are at fault: the checks name these again, and the rest.
        """
        try:
            tree = _parse(data, self.noun)
        except Refused as refusal:
            return None, list(refusal.problems)
        return self.shape(tree)

    def from_tree(self, tree: object) -> T:
        """The same in plain dicts, lists and strings, as a web form or the API hands them over. Raises Refused as `read`."""
        return _whole(*self.shape(tree))

    def text_slips(self, content: T) -> list[Problem]:
        """What is wrong with the characters of its texts; nothing in one that `read` gave."""
        walk = Walk(self.schema(), self.noun)
        walk.whole(to_tree(content))
        return walk.texts

    def shape(self, tree: object) -> tuple[T | None, list[Problem]]:
        """As `look`, from plain dicts, lists and strings."""
        walk = Walk(self.schema(), self.noun)
        tidied = walk.whole(tree)
        if walk.broken:
            return None, [*walk.broken, *walk.texts]
        try:
            return msgspec.convert(tidied, self.kind), walk.texts
        except msgspec.ValidationError as error:  # the schema is made from the types, so this is a stricter type, never a looser one
            return None, [Problem(None, "shape", f"The {self.noun} cannot be read: {error}."), *walk.texts]


APPLICATION = Reader(Application, "application", schema_of)
read, look, from_tree, text_slips = APPLICATION.read, APPLICATION.look, APPLICATION.from_tree, APPLICATION.text_slips


def to_tree(content: Any) -> dict[str, Any]:
    """A file's content as plain dicts, lists and strings; `from_tree` gives an equal one back."""
    tree: dict[str, Any] = msgspec.to_builtins(content)
    return tree


def _whole(content: T | None, problems: list[Problem]) -> T:
    if content is None or problems:
        raise Refused.because(problems)
    return content


def _parse(data: bytes, noun: str) -> object:
    """The JSON of a file as it stands: numbers exact, keys given twice remembered."""
    if len(data) > MAX_BYTES:
        _refuse("file size", f"The file has {len(data)} bytes; {_a(noun)} has at most {MAX_BYTES}. Attach documents separately.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse("UTF-8", f"The file is not UTF-8 text: byte {error.start + 1} cannot be read. Save it as UTF-8.")
    if _depth(data) > MAX_DEPTH:
        _refuse("nesting", f"The file nests brackets deeper than {MAX_DEPTH} levels; {_a(noun)} needs half of that.")
    try:
        return json.loads(text, object_pairs_hook=Object.of, parse_float=Decimal, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        _refuse("JSON", f"The file is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.")
    except ValueError as error:  # a number of thousands of digits, NaN
        _refuse("JSON", f"The file has a number that cannot be read: {shown(str(error), 80)}.")


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _depth(data: bytes) -> int:
    deepest = depth = 0
    for match in _BRACKETS.finditer(data):
        first = match.group()[:1]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _refuse(rule: str, say: str) -> NoReturn:
    raise Refused.because([Problem(None, rule, say)])
