"""Operations in an exporter's own words against a list in an agreement's.

Words are compared, not understood. So only two things are certain: an operation that is on the list, word by word, and one that
shares no significant word with it or with the usual names of simple handling. All between is a person's to judge.
"""

import re
from collections.abc import Iterable

__all__ = ["Operations"]

_WORD = re.compile(r"[^\W_]+")
_PARTS = re.compile(r"[,;&/+\n]|\band\b|\bor\b", re.IGNORECASE)
_FILLING = frozenset(
    _WORD.findall(
        "a an and any as at by for from in into like of on only or other others out similar simple simply substance substances such "
        "the their then this to up using which with within without"
    )
)
_ENDINGS = _WORD.findall("ations ation ions ion ments ment ings ing ages age ag als al ers er ed es s e y")
_LEAST = 3
# What goods are handled with everywhere and no agreement takes for manufacture, under names that its list need not use.
_HANDLING = _WORD.findall(
    "affix arrange assemble attach bag blend bottle box break bundle case check chill clean coat collect combine cool count crate cut "
    "date divide dilute disassemble dismantle dry dust fill fold freeze grade handle hang hull inspect iron join keep label load "
    "maintain mark match measure mix move open pack paint peel place polish press preserve print put remove repack rinse "
    "salt screen seal separate set shell sieve sift slice sort split stamp sticker store sweep tag test thaw tie transport "
    "trim unload unpack ventilate wash water weigh wipe wrap"
)


class Operations:
    """A list of operations."""

    def __init__(self, listed: Iterable[str]) -> None:
        listed = tuple(listed)
        self._known = frozenset(map(_bare, listed)) - {()}
        self._stems = frozenset(_stem(word) for text in (*listed, *_HANDLING) for word in _words(text))

    def are_listed(self, operation: str) -> bool:
        """Whether the line, or each of its parts between commas and "and", is an operation of the list."""
        if _bare(operation) in self._known:
            return True
        parts = [bare for part in _PARTS.split(operation) if (bare := _bare(part))]
        return bool(parts) and all(bare in self._known for bare in parts)

    def are_exceeded(self, operation: str) -> bool:
        """Whether a part of the line has significant words, and shares none of them; words in other letters are not compared."""
        return any(self._is_beyond(part) for part in _PARTS.split(operation))

    def _is_beyond(self, part: str) -> bool:
        words = _words(part)
        return part.isascii() and bool(words) and not any(word.isdigit() or _stem(word) in self._stems for word in words)


def _bare(operation: str) -> tuple[str, ...]:
    """The words, in small letters; without those that only fill, unless there are no others."""
    words = tuple(_WORD.findall(operation.casefold()))
    return tuple(word for word in words if word == "simple" or word not in _FILLING)


def _words(text: str) -> list[str]:
    """The significant words."""
    return [word for word in _WORD.findall(text.casefold()) if word not in _FILLING]


def _stem(word: str) -> str:
    """What a word shares with others of its family: pack, of packing, packed and packaging."""
    before = ""
    while before != word:
        before = word
        word = next((word[: -len(end)] for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= _LEAST), word)
    return word[:-1] if len(word) > _LEAST and word[-1] == word[-2] else word
