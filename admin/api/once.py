"""The same request sent twice has one effect, if its sender names it with an `Idempotency-Key`."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from engine.errors import Conflict, Refused
from engine.store import uow
from engine.store.idempotency import first_answer, remember_answer

__all__ = ["Once"]

T = TypeVar("T")
_KEY = re.compile(r"[\x21-\x7e]{1,120}")


@dataclass(frozen=True, slots=True)
class Once(Generic[T]):
    """A request of one actor under their key, or under none; `asked` is all that it asks for, `kind` what it is answered with."""

    actor: str
    key: str | None
    asked: bytes
    kind: type[T]

    async def before(self, at: datetime) -> T | None:
        """What was answered under this key before that moment, or None.

        Raises Conflict if the key was used for another request, Refused for a key that is none.
        """
        if self.key is None:
            return None
        if not _KEY.fullmatch(self.key):
            raise Refused("An idempotency key is 1 to 120 visible ASCII characters.", box="Idempotency-Key", rule="idempotency key")
        try:
            known = await first_answer(self.actor, self.key, self.asked, at=at)
        except Conflict as error:
            raise Conflict(error.say, code=error.code, box="Idempotency-Key", rule="one request per key") from error
        return None if known is None else msgspec.json.decode(known, type=self.kind)

    async def now(self, deed: Callable[[], Awaitable[T]], *, at: datetime) -> T:
        """What the deed answers; it and the memory of its answer are written together."""
        if self.key is None:
            return await deed()
        try:
            async with uow():
                answer = await deed()
                await remember_answer(self.actor, self.key, self.asked, msgspec.json.encode(answer).decode(), at=at)
        except Conflict:  # perhaps the same request was quicker beside this one
            known = await self.before(at)
            if known is None:
                raise
            return known
        return answer
