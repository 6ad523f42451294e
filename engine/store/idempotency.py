"""The same request twice has one effect: a caller's key, the hash of what was asked, and the first answer."""

import hashlib
from datetime import datetime, timedelta

from engine.errors import Conflict
from engine.store.tables import Idempotency

__all__ = ["first_answer", "remember_answer"]

KEPT_FOR = timedelta(days=30)


async def first_answer(actor: str, key: str, request: bytes) -> str | None:
    """What this actor was answered under this key, or None. Raises Conflict if something else was asked then."""
    row = await Idempotency.select().where(Idempotency.actor == actor, Idempotency.key == key).first()
    if row is None:
        return None
    if row["request_sha256"] != hashlib.sha256(request).hexdigest():
        raise Conflict("This idempotency key was used for another request. Use a new key for a new request.", code="idempotency_key_reused")
    return str(row["response"])


async def remember_answer(actor: str, key: str, request: bytes, response: str, *, at: datetime) -> None:
    """Writes the answer in the unit of work of its effect; a second writer fails there and then."""
    await Idempotency.insert(
        Idempotency(actor=actor, key=key, request_sha256=hashlib.sha256(request).hexdigest(), response=response, expires_at=at + KEPT_FOR)
    )
