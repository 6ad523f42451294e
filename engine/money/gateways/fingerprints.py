"""Keyed fingerprints of secrets: two persons can see whether they entered the same one, and nobody can read it off.

The key is drawn once for a database and lies sealed in it. The agency is part of what is hashed: two agencies with one secret
have two fingerprints.
"""

import hashlib
import hmac
import secrets
from uuid import UUID

from engine.store import SecretBox, uow
from engine.store.tables import Setting

__all__ = ["Printer", "printer"]

_NAME = "fingerprint_key"
_DIGITS = 8


class Printer:
    """Makes fingerprints with this database's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def print_of(self, agency: UUID, secret: str) -> str:
        """8 hex digits."""
        return hmac.new(self._key, f"{agency}:{secret}".encode(), hashlib.sha256).hexdigest()[:_DIGITS]


async def printer(box: SecretBox) -> Printer:
    """The printer of this database; its key is drawn at the first use."""
    if (key := await _kept(box)) is None:
        fresh = box.seal(secrets.token_hex(32), purpose=_NAME)
        async with uow():
            await Setting.insert(Setting(name=_NAME, value=fresh)).on_conflict(target=Setting.name, action="DO NOTHING")
        key = await _kept(box)
        assert key is not None  # noqa: S101  # one of those who drew it at once wrote it
    return Printer(key)


async def _kept(box: SecretBox) -> bytes | None:
    row = await Setting.select(Setting.value).where(Setting.name == _NAME).first()
    return bytes.fromhex(box.unseal(row["value"], purpose=_NAME)) if row else None
