"""Judging what an administrator enters for a gateway: every text exactly as it came, nothing trimmed, nothing guessed.

A space or an unseen character in a Merchant ID shows only when exporters cannot pay (TN23 section 3.I.iii), so it is refused
here, by the field, with what is wrong and where; the text itself is repeated in no sentence.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from engine.contracts.payment import FieldProblem, GatewayField, PaymentGateway
from engine.filing.reading.text import text_problems

__all__ = ["CODES", "as_entered", "judge_parameters"]

CODES = (
    "required",
    "edge_space",
    "inner_space",
    "invisible_char",
    "bad_char",
    "length",
    "placeholder",
    "same_as_merchant_id",
    "duplicate_in_agency",
)

_BOM = "\ufeff"
_SPACE_RULE = "ordinary spaces only"
_NEVER = frozenset("|\"'<>`")
_IN_LINES = frozenset("\n \"'")
_MASKS = frozenset("*•●∙·⋅◦○■□▪x")
_PLACEHOLDERS = frozenset(
    {"na", "n/a", "none", "null", "nil", "test", "tbd", "dummy", "sample", "changeme", "merchantid", "checksum", "checksumkey", "password"}
)


def judge_parameters(gateway: PaymentGateway, values: Mapping[str, str]) -> Sequence[FieldProblem]:
    """Everything that is wrong with an office's parameters: each field by itself, then one beside another, then what the gateway says.

    `values` has a text for each field of the gateway; what it has beside them is nobody's.
    """
    told = as_entered(gateway, values)
    alone = [problem for field in gateway.fields for problem in _alone(field, told[field.name])]
    if alone:
        return [*alone, *_swapped(gateway.fields, told)]
    beside = list(_beside(gateway.fields, told))
    return beside or list(gateway.validate(told))


def as_entered(gateway: PaymentGateway, values: Mapping[str, str]) -> dict[str, str]:
    """A text for each field of the gateway, as it came; of a text with lines the breaks are of one kind, and none stands at an end."""
    told = {field.name: values.get(field.name, "") for field in gateway.fields}
    broken = [field.name for field in gateway.fields if field.lines]
    return told | {name: told[name].replace("\r\n", "\n").replace("\r", "\n").strip("\n") for name in broken}


def _alone(field: GatewayField, text: str) -> Iterator[FieldProblem]:
    """What is wrong with one field, each fault once."""
    if not text.strip():
        if text or field.required:
            yield _fault(field, "required", "must not be blank.")
        return
    found = [*_edges(field, text), *_inside(field, text)]
    yield from found
    core = text.strip().strip(_BOM)
    if _is_placeholder(core):
        yield _fault(field, "placeholder", "is a placeholder or a masked text that was copied. Enter the value that the gateway gave you.")
    elif not found:
        yield from _shape(field, text)


def _edges(field: GatewayField, text: str) -> Iterator[FieldProblem]:
    for word, count in (("begins", _blanks(text)), ("ends", _blanks(text[::-1]))):
        if count:
            what = "1 space or other blank character" if count == 1 else f"{count} spaces or other blank characters"
            yield _fault(field, "edge_space", f"{word} with {what}. Remove it and save again.")
            return


def _blanks(text: str) -> int:
    """How many blank characters a text begins with."""
    return next((place for place, char in enumerate(text) if not _is_blank(char)), 0)


def _is_blank(char: str) -> bool:
    """Whether it is a space, a tab, a line break, one of the many other spaces, or a byte order mark."""
    return char.isspace() or char == _BOM or unicodedata.category(char) in {"Zs", "Zl", "Zp"}


def _inside(field: GatewayField, text: str) -> Iterator[FieldProblem]:
    """The first character of each kind that must not be there, between the blanks of the edges."""
    first, last = _blanks(text), len(text) - _blanks(text[::-1])
    seen: set[str] = set()
    for place in range(first, last):
        code, say = ("", "") if field.lines and text[place] in _IN_LINES else _wrong(text[place])
        if code and code not in seen:
            seen.add(code)
            yield _fault(field, code, say.format(place=place + 1))


def _wrong(char: str) -> tuple[str, str]:
    """The code of what is wrong with a character wherever it stands, and the end of the sentence."""
    if char != _BOM and _is_blank(char):
        return "inner_space", "contains a space at position {place}. Remove it."
    if _is_unseen(char):
        return (
            "invisible_char",
            "contains an invisible character at position {place}, often from copying out of a PDF or an e-mail. Type it.",
        )
    if unicodedata.east_asian_width(char) == "F":
        return "bad_char", "contains a full-width character at position {place}, which only looks like an ordinary one. Type it again."
    if not char.isascii():
        return "bad_char", "contains a character at position {place} that is no plain letter, digit or sign. Type it again."
    if char in _NEVER:
        return "bad_char", "contains a quote, a bracket or a bar at position {place}, which no gateway takes."
    return "", ""


def _is_unseen(char: str) -> bool:
    """Whether filing would refuse it as a control, invisible or reading-order character."""
    return any(problem.rule != _SPACE_RULE for problem in text_problems("", f"a{char}b"))


def _is_placeholder(core: str) -> bool:
    plain = re.sub(r"[\s_-]", "", core.casefold())
    return plain in _PLACEHOLDERS or (bool(plain) and set(plain) <= _MASKS)


def _shape(field: GatewayField, text: str) -> Iterator[FieldProblem]:
    if not field.least <= len(text) <= field.most:
        limits = f"{field.least}" if field.least == field.most else f"{field.least} to {field.most}"
        yield _fault(field, "length", f"must have {limits} characters; it has {len(text)}.")
    elif not re.fullmatch(field.pattern, text, re.ASCII):
        yield _fault(field, "bad_char", f"must be {field.shape}.")


def _beside(fields: Sequence[GatewayField], told: Mapping[str, str]) -> Iterator[FieldProblem]:
    """A secret that is the same as another field: one of the two was pasted twice."""
    seen: dict[str, GatewayField] = {}
    for field in (*(each for each in fields if not each.secret), *(each for each in fields if each.secret)):
        text = told[field.name]
        if field.secret and text and text in seen:
            yield _fault(field, "same_as_merchant_id", f"is the same as {seen[text].label}. One of the two was entered twice.")
        seen.setdefault(text, field)


def _swapped(fields: Sequence[GatewayField], told: Mapping[str, str]) -> Iterator[FieldProblem]:
    """Two fields that are each right in the other's place."""
    for plain in (field for field in fields if not field.secret):
        for secret in (field for field in fields if field.secret and told[plain.name].strip()):
            right = [not list(_alone(field, told[other.name])) for field, other in ((plain, secret), (secret, plain), (plain, plain))]
            if right == [True, True, False]:
                yield _fault(secret, "same_as_merchant_id", f"and {plain.label} look as if one was entered in place of the other.")


def _fault(field: GatewayField, code: str, say: str) -> FieldProblem:
    return FieldProblem(field.name, code, f"{field.label} {say}")
