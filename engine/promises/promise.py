"""What a promise is, and how one is put to the test: a small async function that ends, or says what was broken."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from engine.errors import EngineError

__all__ = ["Broken", "Promise", "Vow", "demand", "keep"]

Vow = Callable[[], Awaitable[None]]
"""Ends if the promise is kept, raises if not."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise put to the test: what it says, whether it was kept, and if not, what was seen."""

    name: str
    kept: bool
    say: str


class Broken(Exception):
    """A promise was not kept; the text says what was seen."""


def demand(kept: bool, say: str) -> None:
    """Raises Broken with the sentence unless kept."""
    if not kept:
        raise Broken(say)


async def keep(name: str, vow: Vow) -> Promise:
    """The outcome of one promise; whatever a plugin raises is part of the answer."""
    try:
        await vow()
    except Broken as broken:
        return Promise(name, False, str(broken))
    except EngineError as error:
        return Promise(name, False, f"It raised {type(error).__name__}: {error.say}")
    except Exception as error:  # a guest's plugin may raise anything, and the others are still to be asked
        return Promise(name, False, f"It raised {type(error).__name__}, which is no error of the engine.")
    return Promise(name, True, "kept")
