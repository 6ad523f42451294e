"""The same request twice has one effect: a caller's key, the hash of what was asked, and the first answer.

An answer is kept for thirty days. From then on its key is unknown, whether the sweep has taken the row away or not.
"""

import hashlib
from datetime import datetime, timedelta

from engine.errors import Conflict
from engine.store.tables import Idempotency
from engine.store.unit import joining, uow

__all__ = ["KEPT_FOR", "first_answer", "forget_expired", "remember_answer"]

KEPT_FOR = timedelta(days=30)


async def first_answer(actor: str, key: str, request: bytes, *, at: datetime) -> str | None:
    """What this actor was answered under this key, or None. Raises Conflict if something else was asked then."""
    row = await Idempotency.select().where(Idempotency.actor == actor, Idempotency.key == key).first()
    if row is None or row["expires_at"] <= at:
        return None
    if row["request_sha256"] != hashlib.sha256(request).hexdigest():
        raise Conflict("This idempotency key was used for another request. Use a new key for a new request.", code="idempotency_key_reused")
    return str(row["response"])


async def remember_answer(actor: str, key: str, request: bytes, response: str, *, at: datetime) -> None:
    """Writes the answer in the unit of work of its effect; a second writer fails there and then."""
    row = Idempotency(actor=actor, key=key, request_sha256=hashlib.sha256(request).hexdigest(), response=response, expires_at=at + KEPT_FOR)
    async with joining():
        await Idempotency.delete().where(Idempotency.actor == actor, Idempotency.key == key, Idempotency.expires_at <= at)
        await Idempotency.insert(row)


async def forget_expired(at: datetime, *, most: int = 500) -> int:
    """Deletes the answers whose time is over, in units of work of at most `most` rows, and tells how many there were."""
    forgotten = 0
    while True:
        async with uow():
            over = await Idempotency.select(Idempotency.id).where(Idempotency.expires_at <= at).limit(most)
            if over:
                await Idempotency.delete().where(Idempotency.id.is_in([row["id"] for row in over]))
        forgotten += len(over)
        if len(over) < most:
            return forgotten
