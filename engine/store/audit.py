"""The audit: append-only entries written with their effect, chained afterwards by one sequencer (see `sealing`).

An entry says who, what, when and to what, with hashes of before and after; never a name, a key or a PIN. The chain
is sealed seconds behind the transactions, so it never slows or fails an act.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from engine.store.sealing import GENESIS, Chain, ChainCheck, ordered_id
from engine.store.tables import AuditEntry, AuditSeal, AuditUnsealed
from engine.store.unit import joining

__all__ = ["GENESIS", "ChainCheck", "audit", "chain_breaks", "check_chain", "seal"]

_COVERED = ("at", "zone", "actor", "act", "room", "subject", "agency", "office", "before_sha256", "after_sha256", "detail")


async def audit(
    act: str,
    *,
    room: str,
    subject: str,
    actor: str,
    at: datetime,
    agency: object = "",
    office: object = "",
    before: str = "",
    after: str = "",
    detail: Mapping[str, object] | None = None,
) -> None:
    """Writes one entry, and that it is still to be sealed, in the unit of work around the call."""
    entry = AuditEntry(
        id=ordered_id(at),
        at=at,
        actor=actor,
        act=act,
        room=room,
        subject=subject,
        agency=str(agency or ""),
        office=str(office or ""),
        before_sha256=before,
        after_sha256=after,
        detail=json.dumps(detail or {}, sort_keys=True),
    )
    async with joining():
        await AuditEntry.insert(entry)
        await _CHAIN.wait(entry.id, at)


async def _content(ids: Sequence[UUID]) -> dict[UUID, list[object]]:
    rows = await AuditEntry.select().where(AuditEntry.id.is_in(list(ids))) if ids else []
    return {row["id"]: [row[name] for name in _COVERED] for row in rows}


_CHAIN = Chain("audit", "entry", AuditEntry, AuditUnsealed, AuditSeal, _content)


async def seal(at: datetime, *, most: int = 1000) -> int:
    """Chains entries that are not yet sealed and tells how many; none while another process does."""
    return await _CHAIN.seal(at, most=most)


async def check_chain(mark: str = "", *, most: int = 10_000) -> ChainCheck:
    """Compares the next `most` links with their entries, and behind the last one looks for entries outside the chain.

    A stretch costs the same however long the chain is. Raises Refused for a mark that no stretch gave.
    """
    return await _CHAIN.check(mark, most=most)


async def chain_breaks() -> list[str]:
    """Where the chain does not hold, from the first entry on; empty if it is whole. It is read in stretches, never as a whole."""
    return await _CHAIN.breaks()
