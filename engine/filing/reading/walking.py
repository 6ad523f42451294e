"""A walk over a file that is still plain JSON: its shape against the published schema, its texts tidied.

Collects every problem instead of stopping at the first, each with its path and a sentence that a clerk understands.
Speaks exactly the words of JSON Schema that `engine.filing.reading.schema` uses; it is no general validator.
"""

import difflib
import itertools
import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from engine.errors import Problem
from engine.filing.reading.text import shown, text_problems, tidy

__all__ = ["MAX_PROBLEMS", "Object", "Walk"]

MAX_PROBLEMS = 200  # a person mends no more in one sitting, and a hostile file earns no more work

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}\Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_KINDS = {
    "string": "text in quotes",
    "integer": "a whole number without quotes",
    "boolean": "true or false without quotes",
    "array": "a list in [ ]",
    "object": "a group of keys in { }",
}


class Object(dict[str, Any]):
    """A JSON object that remembers which keys its text gave twice."""

    twice: tuple[str, ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, Any]]) -> "Object":
        """The object of key and value pairs in the order of the text."""
        made, twice = cls(), []
        for key, value in pairs:
            if key in made:
                twice.append(key)
            made[key] = value
        made.twice = tuple(twice)
        return made


class Walk:
    """One walk. `broken` holds what has not the published shape, `texts` what is wrong with characters. `noun` is what the file holds."""

    def __init__(self, schema: Mapping[str, Any], noun: str = "application") -> None:
        self._root = schema
        self._noun = noun
        self.broken: list[Problem] = []
        self.texts: list[Problem] = []

    def whole(self, tree: object) -> object:
        """The tree with its texts in NFC; look at `broken` before using it."""
        if not isinstance(tree, dict):
            self._note("", "type", f"The file must hold one {self._noun} in {{ }}; it holds {_kind(tree)}.")
            return tree
        return self._value(self._root, tree, "")

    def _value(self, schema: Mapping[str, Any], value: object, path: str) -> object:
        if len(self.broken) >= MAX_PROBLEMS:
            return value
        schema, optional = self._resolve(schema)
        if value is None and optional:
            return None
        if "enum" in schema:
            return self._choice(schema, value, path)
        kind = str(schema["type"])
        if not _is(kind, value):
            self._note(path, "type", f"{path} must be {_KINDS[kind]}{_for_example(schema, value)}; it is {_kind(value)}.")
            return value
        if isinstance(value, dict):
            return self._object(schema, value, path)
        if isinstance(value, list | tuple):
            return self._array(schema, value, path)
        return self._text(schema, value, path) if isinstance(value, str) else self._number(schema, value, path)

    def _resolve(self, schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
        """The schema behind references and `or null`, and whether null may stand there."""
        optional = False
        while "anyOf" in schema or "$ref" in schema:
            if "anyOf" in schema:
                optional = True
                schema = next(option for option in schema["anyOf"] if option.get("type") != "null")
            else:
                schema = self._root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        return schema, optional

    def _object(self, schema: Mapping[str, Any], value: Mapping[Any, object], path: str) -> dict[str, object]:
        known = schema["properties"]
        for key in itertools.islice((key for key in value if key not in known), MAX_PROBLEMS):
            self._unknown(path, str(key), known)
        for key in getattr(value, "twice", ())[:MAX_PROBLEMS]:
            self._note(_join(path, key), "keys once", f"The key {shown(key)} is given twice in {path or 'the file'}; keep one.")
        for key in schema.get("required", ()):
            if key not in value:
                title = known[key].get("title", key)
                self._note(
                    _join(path, key), "required", f"{_join(path, key)} is missing: {title}. {known[key].get('description', '')}".strip()
                )
        return {key: self._value(known[key], part, _join(path, key)) for key, part in value.items() if key in known}

    def _unknown(self, path: str, key: str, known: Mapping[str, Any]) -> None:
        near = difflib.get_close_matches(key, list(known), n=1) if len(key) <= 40 else []
        hint = f"; did you mean '{near[0]}'?" if near else "; remove it."
        self._note(_join(path, key), "known keys", f"{path or 'The file'} has no key {shown(key)}{hint}")

    def _array(self, schema: Mapping[str, Any], value: list[object] | tuple[object, ...], path: str) -> list[object]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", len(value))
        if not least <= len(value) <= most:
            self._note(path, "how many", f"{path} may hold {least} to {most} entries; it holds {len(value)}.")
        return [self._value(schema["items"], part, f"{path}[{index}]") for index, part in enumerate(value[:most])]

    def _choice(self, schema: Mapping[str, Any], value: object, path: str) -> object:
        if value not in schema["enum"]:
            self._note(path, "one of", f"{path} must be one of {', '.join(schema['enum'])}; it is {shown(value)}.")
        return value

    def _number(self, schema: Mapping[str, Any], value: object, path: str) -> object:
        least, most = schema.get("minimum"), schema.get("maximum")
        if isinstance(value, int) and not isinstance(value, bool) and least is not None and most is not None and not least <= value <= most:
            allowed = str(least) if least == most else f"{least} to {most}"
            self._note(path, "range", f"{path} must be {allowed}; it is {_digits(value)}.")
        return value

    def _text(self, schema: Mapping[str, Any], value: str, path: str) -> object:
        text = tidy(value)
        if any("\ud800" <= char <= "\udfff" for char in text):
            self.broken += text_problems(path, text, lines=True)
            return text
        if schema.get("format") == "date":
            self._day(text, path)
        elif pattern := schema.get("pattern"):
            if not re.search(pattern.removesuffix("$") + r"\Z", text):
                self._note(path, "shape", f"{path} must be {schema['x-must']}; it is {shown(text)}.")
        else:
            self._length(schema, text, path)
            self.texts += text_problems(path, text, lines=bool(schema.get("x-lines")))[: MAX_PROBLEMS - len(self.texts)]
        return text

    def _length(self, schema: Mapping[str, Any], text: str, path: str) -> None:
        least, most = schema.get("minLength", 0), schema.get("maxLength", len(text))
        if not text:
            self._note(path, "required", f"{path} is empty; write the text or leave the key out if it may be absent.")
        elif not least <= len(text) <= most:
            allowed = f"exactly {most}" if least == most else f"{least} to {most}"
            self._note(path, "length", f"{path} may have {allowed} characters; it has {len(text)}.")

    def _day(self, text: str, path: str) -> None:
        try:
            if not _DAY.match(text):
                raise ValueError(text)
            date.fromisoformat(text)
        except ValueError:
            self._note(path, "date", f"{path} must be a day of the calendar written YYYY-MM-DD, such as 2026-11-21; it is {shown(text)}.")

    def _note(self, path: str, rule: str, say: str) -> None:
        if len(self.broken) < MAX_PROBLEMS:
            self.broken.append(Problem(path or None, rule, say))


def _join(path: str, key: str) -> str:
    """The path of a key; a key that is no name keeps the path of the group it stands in."""
    if not _KEY.match(key):
        return path
    return f"{path}.{key}" if path else key


def _is(kind: str, value: object) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list | tuple)
        case _:
            return isinstance(value, dict)


def _kind(value: object) -> str:
    """What a value is, for a sentence."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Decimal | float):
        return f"the number {_digits(value)}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    return "a list" if isinstance(value, list | tuple) else "a group of keys"


def _digits(number: int | Decimal | float) -> str:
    """A number for a sentence; a huge one by its size, for writing it out would be the attack."""
    if isinstance(number, int) and number.bit_length() > 128:
        return "larger than any shipment"
    return shown(str(number)).strip("'")


def _for_example(schema: Mapping[str, Any], value: object) -> str:
    """The quotes somebody forgot around an amount."""
    numeric = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return f', such as "{_digits(value)}"' if numeric and schema.get("type") == "string" else ""  # type: ignore[arg-type]  # numeric narrows it
