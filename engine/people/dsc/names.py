"""Whether a certificate's name is the one in the register: the same words, whatever their case, order, spaces and titles.

Promises to tell and never to decide: who holds a certificate whose name differs is for the agency's administrator to say.
Letters are compared as Unicode has them, so a look-alike from another alphabet differs.
"""

import re
import unicodedata
from dataclasses import dataclass

from engine.people.plain_text import text_fault

__all__ = ["Difference", "name_difference", "organisation_difference", "same_name"]

_TITLES = frozenset(["dr", "er", "ca", "adv", "mr", "mrs", "ms", "miss", "shri", "sri", "smt", "kum", "kumari"])
_BETWEEN = re.compile(r"[\s.,'\u2019`()_-]+")
_PERSONAL = frozenset({"", "personal"})


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of the certificate that reads otherwise than the register: its name, what the register says, what was read."""

    field: str
    register: str
    read: str


def name_difference(register: str, common_name: str) -> Difference | None:
    """How the certificate's common name differs from the name in the register, or None if it is the same person's."""
    return None if same_name(register, common_name) else Difference("common name (CN)", register, common_name)


def organisation_difference(register: str, organisation: str) -> Difference | None:
    """How the certificate's organisation differs from the register's; None if it is the same, or the certificate is personal."""
    words = _words(organisation)
    if " ".join(words) in _PERSONAL or words == _words(register):
        return None
    return Difference("organisation (O)", register, organisation)


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same but for case, order, spaces, points and titles; an initial stands for a word that begins so.

    At least one whole word must be the same: initials alone name nobody. A name with a character that hides is nobody's.
    """
    if any(text_fault(name.strip(), most=400) for name in (one, other)):
        return False
    mine, theirs = _words(one), _words(other)
    if "".join(mine) == "".join(theirs):
        return bool(mine)
    met: list[str] = []
    left: list[str] = []
    for word in mine:
        (met if _take(theirs, word) else left).append(word)
    whole = any(len(word) > 1 for word in met)
    return whole and len(left) == len(theirs) and all(_take_initial(theirs, word) for word in left)


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return [word for word in _BETWEEN.split(plain) if word and word not in _TITLES]


def _take(words: list[str], word: str) -> bool:
    """Whether the word is among them; it is taken out."""
    if word not in words:
        return False
    words.remove(word)
    return True


def _take_initial(words: list[str], word: str) -> bool:
    """Whether one of them is an initial of the word, or the other way round; it is taken out."""
    fits = [each for each in words if (len(each) == 1 or len(word) == 1) and each[0] == word[0]]
    return bool(fits) and _take(words, fits[0])
