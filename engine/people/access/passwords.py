"""Passwords: Argon2id in a thread, one rule for what is too weak, and an unknown address that takes as long as a known one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import Problem, Refused

__all__ = ["LONGEST", "SHORTEST", "fits", "hash_of", "is_outdated", "require_strong"]

SHORTEST, LONGEST = 12, 200
_LETTERS = 5
_HASHER = PasswordHasher()
_THREADS = ThreadPoolExecutor(4, "password")  # each takes 64 MiB and a core for a tenth of a second; who verifies must not wait for them
_WORDS = ("ecoo", "password", "administrator", "officer", "certificate", "origin")
_FORWARD = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_ROWS = (*_FORWARD, *(row[::-1] for row in _FORWARD))


async def hash_of(password: str) -> str:
    """The hash that is kept; some 100 ms of work, in a thread."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _hash, password)


async def fits(password: str, kept: str) -> bool:
    """Whether the password is the one that was kept. Nothing kept takes as long, and never fits."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _fits, password[: LONGEST + 1], kept)


def is_outdated(kept: str) -> bool:
    """Whether the hash was made with lighter settings than today's."""
    return _HASHER.check_needs_rehash(kept)


def require_strong(password: str, *, email: str, box: str = "password") -> None:
    """Raises Refused for a password that is short, long, of few characters, or says who it is for."""
    inside = password.casefold()
    named = [part for part in (email.partition("@")[0].casefold(), *_WORDS) if len(part) > 3 and part in inside]
    wrong = [
        say
        for bad, say in (
            (
                len(password) < SHORTEST,
                f"It has {len(password)} characters; make it at least {SHORTEST} long, of a few words for instance.",
            ),
            (len(password) > LONGEST, f"It has {len(password)} characters; shorten it to at most {LONGEST}."),
            (
                len(set(_without_rows(inside))) < _LETTERS,
                f"It repeats itself or follows the keyboard; add words until it has at least {_LETTERS} different characters beside that.",
            ),
            (
                bool(named),
                f"It contains {', '.join(repr(part) for part in named)}, which is the first that anybody would try; leave that out, and use other words.",
            ),
        )
        if bad
    ]
    if wrong:
        raise Refused.because([Problem(box, "strong password", f"Choose another password. {' '.join(wrong)}")])


def _without_rows(text: str) -> str:
    """What is left without stretches of four and more that follow the alphabet, the digits or a row of the keyboard, either way."""
    left, start = [], 0
    while start < len(text):
        end = start + 1
        while end < len(text) and any(text[start : end + 1] in row for row in _ROWS):
            end += 1
        left += [text[start:end]] if end - start < 4 else []
        start = end
    return "".join(left)


def _hash(password: str) -> str:
    return _HASHER.hash(password)


def _fits(password: str, kept: str) -> bool:
    try:
        return _HASHER.verify(kept or _nobodys(), password) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys() -> str:
    """A hash that no password is kept under, for the time that it takes to try one."""
    return _HASHER.hash("nobody has this password, and it would not open anything")
