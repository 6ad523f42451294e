"""Bytes in, an application out: the one reader of application files.

Promises that what it returns has the published shape, its texts in NFC with whole and visible characters, and that it
raises nothing but `Refused`, whatever the bytes are: with every problem of the file that can be found at once, not only
the first. Whether the facts hold together is `engine.filing.checks`'s.
"""

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

from engine.application import Application
from engine.errors import Problem, Refused
from engine.filing.reading.schema import schema_of
from engine.filing.reading.text import shown
from engine.filing.reading.walking import Object, Walk

__all__ = ["MAX_BYTES", "from_tree", "look", "read", "text_slips", "to_tree"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 16

# Brackets outside strings; possessive, so that a hostile file costs one pass and no stack.
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)


def read(data: bytes) -> Application:
    """The application in a file. Raises Refused with every problem found, each with its box and rule."""
    application, problems = look(data)
    if application is None or problems:
        raise Refused.because(problems)
    return application


def look(data: bytes) -> tuple[Application | None, list[Problem]]:
    """What `read` would return, or None if the file has not the published shape, and all that is wrong with it.

    An application beside problems means that only its texts are at fault: `check` names these again, and the rest.
    """
    try:
        tree = _parse(data)
    except Refused as refusal:
        return None, list(refusal.problems)
    return _shape(tree)


def from_tree(tree: object) -> Application:
    """The application in plain dicts, lists and strings, as a web form or the API hands them over. Raises Refused as `read`."""
    application, problems = _shape(tree)
    if application is None or problems:
        raise Refused.because(problems)
    return application


def text_slips(application: Application) -> list[Problem]:
    """What is wrong with the characters of its texts; nothing in one that `read` gave."""
    walk = Walk(schema_of())
    walk.application(to_tree(application))
    return walk.texts


def to_tree(application: Application) -> dict[str, Any]:
    """The application as plain dicts, lists and strings; `from_tree` gives an equal one back."""
    tree: dict[str, Any] = msgspec.to_builtins(application)
    return tree


def _shape(tree: object) -> tuple[Application | None, list[Problem]]:
    walk = Walk(schema_of())
    tidied = walk.application(tree)
    if walk.broken:
        return None, [*walk.broken, *walk.texts]
    try:
        return msgspec.convert(tidied, Application), walk.texts
    except msgspec.ValidationError as error:  # the schema is made from the types, so this is a stricter type, never a looser one
        return None, [Problem(None, "shape", f"The application cannot be read: {error}."), *walk.texts]


def _parse(data: bytes) -> object:
    """The JSON of a file as it stands: numbers exact, keys given twice remembered."""
    if len(data) > MAX_BYTES:
        _refuse("file size", f"The file has {len(data)} bytes; an application has at most {MAX_BYTES}. Attach documents separately.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse("UTF-8", f"The file is not UTF-8 text: byte {error.start + 1} cannot be read. Save it as UTF-8.")
    if _depth(data) > MAX_DEPTH:
        _refuse("nesting", f"The file nests brackets deeper than {MAX_DEPTH} levels; an application needs half of that.")
    try:
        return json.loads(text, object_pairs_hook=Object.of, parse_float=Decimal, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        _refuse("JSON", f"The file is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.")
    except ValueError as error:  # a number of thousands of digits, NaN
        _refuse("JSON", f"The file has a number that cannot be read: {shown(str(error), 80)}.")


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
