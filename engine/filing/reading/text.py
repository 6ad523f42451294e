"""Text that may be filed: Unicode in NFC, every character visible, in reading order.

Promises that nothing hides in a text: no control, no bidi-override, no invisible or unassigned character, no space
but the ordinary one. ZWJ and ZWNJ stay inside Indic words, where spelling needs them. What a form's font can draw is
the form's business (`Form.problems`); whether a word mixes alphabets is the officer's (`engine.filing.checks.doubts`).
"""

import re
import unicodedata

from engine.errors import Problem

__all__ = ["shown", "text_problems", "tidy"]

_JOINERS = "\u200c\u200d"
_ZWJ = "\u200d"
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Drawn as nothing although their category says letter, mark or symbol: Default_Ignorable_Code_Point outside Cf, and the
# blank Braille cell (Unicode 15, DerivedCoreProperties).
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
# The blocks from Devanagari to Sinhala, whose words are spelt with joiners.
_INDIC = re.compile("[\u0900-\u0dff]")


def tidy(text: str) -> str:
    """The text in NFC with Unix line ends; a lone surrogate stays, to be refused by name."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


def shown(value: object, length: int = 40) -> str:
    """A value fit for a sentence: quoted if text, shortened, every character that does not show written as U+XXXX."""
    text = value if isinstance(value, str) else str(value)
    short = text if len(text) <= length else text[: length - 3] + "..."
    safe = "".join(char if char.isprintable() and not _BLANK.match(char) else f"<U+{ord(char):04X}>" for char in short)
    return f"'{safe}'" if isinstance(value, str) else safe


def text_problems(box: str, text: str, *, lines: bool = False) -> list[Problem]:
    """What is wrong with one text; `lines` allows line breaks. At most one problem per rule, naming the first place."""
    found: dict[str, Problem] = {}
    for index, char in enumerate(text):
        if char == " " or (char.isprintable() and char.isascii()) or (lines and char == "\n"):
            continue
        rule = _rule_broken(text, index)
        if rule and rule not in found:
            found[rule] = Problem(box, rule, _say(box, rule, char, index))
    return [*found.values(), *_edges(box, text, lines)]


def _rule_broken(text: str, index: int) -> str | None:
    """The rule that the character at this index breaks, or None."""
    char = text[index]
    category = unicodedata.category(char)
    if char in _JOINERS:
        return None if _joins(text, index) else "no invisible characters"
    if char in _BIDI:
        return "no bidi control characters"
    if category == "Cc":
        return "no control characters"
    if category == "Cs":
        return "whole characters only"
    if category in ("Cn", "Co"):
        return "assigned characters only"
    if category in ("Zs", "Zl", "Zp"):
        return None if char == " " else "ordinary spaces only"
    if category == "Cf" or _BLANK.match(char):
        return "no invisible characters"
    return None


def _joins(text: str, index: int) -> bool:
    """Whether a ZWJ or ZWNJ stands inside an Indic word, or is a ZWJ that ends one after a virama (old chillu, half form)."""
    before = text[index - 1] if index else ""
    after = text[index + 1] if index + 1 < len(text) else ""
    if not _in_word(before):
        return False
    return _in_word(after) or (text[index] == _ZWJ and unicodedata.combining(before) == 9 and not _continues(after))


def _in_word(char: str) -> bool:
    return bool(char) and bool(_INDIC.match(char)) and unicodedata.category(char)[0] in "LM"


def _continues(char: str) -> bool:
    return bool(char) and (char.isalnum() or char in _JOINERS or unicodedata.category(char)[0] == "M")


_MEND = {
    "no control characters": "is a control character; type the text again without it",
    "no bidi control characters": "turns the reading order round, so the page could read differently from the file; remove it",
    "no invisible characters": "cannot be seen on paper; remove it",
    "ordinary spaces only": "is not the ordinary space; type a space instead",
    "whole characters only": "is half a character; type the text again",
    "assigned characters only": "means nothing in Unicode; type the text again",
}


def _say(box: str, rule: str, char: str, index: int) -> str:
    name = unicodedata.name(char, "")
    named = f" ({name})" if name else ""
    return f"{box}, character {index + 1}: U+{ord(char):04X}{named} {_MEND[rule]}."


def _edges(box: str, text: str, lines: bool) -> list[Problem]:
    """Spaces at an end of a line, empty lines, and texts of nothing but spaces."""
    parts = text.split("\n") if lines else [text]
    if not text.strip():
        return [Problem(box, "not empty", f"{box} is empty; write the text or leave the key out if it may be absent.")]
    if any(part != part.strip(" ") for part in parts):
        return [Problem(box, "no space at either end", f"{box} begins or ends with a space; remove it.")]
    if not all(parts):
        return [Problem(box, "no empty lines", f"{box} has an empty line; remove it.")]
    return []
