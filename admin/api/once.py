"""The same request sent twice has one effect, if its sender names it with an `Idempotency-Key`."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import msgspec

from engine.errors import Conflict, Refused
from engine.store import uow
from engine.store.idempotency import first_answer, remember_answer

__all__ = ["once"]

T = TypeVar("T")
_KEY = re.compile(r"[\x21-\x7e]{1,120}")


async def once(key: str | None, deed: Callable[[], Awaitable[T]], *, actor: str, asked: bytes, kind: type[T], at: datetime) -> T:
    """What the deed answers, or what it answered this actor first under this key.

    Raises Conflict if the key was used for another request, Refused for a key that is none.
    """
    if key is None:
        return await deed()
    if not _KEY.fullmatch(key):
        raise Refused("An idempotency key is 1 to 120 visible ASCII characters.", box="Idempotency-Key", rule="idempotency key")
    if (known := await first_answer(actor, key, asked)) is not None:
        return msgspec.json.decode(known, type=kind)
    try:
        async with uow():
            answer = await deed()
            await remember_answer(actor, key, asked, msgspec.json.encode(answer).decode(), at=at)
    except Conflict:  # perhaps the same request was quicker beside this one
        if (known := await first_answer(actor, key, asked)) is None:
            raise
        return msgspec.json.decode(known, type=kind)
    return answer
