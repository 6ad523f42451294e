"""The audit: append-only entries written with their effect, chained afterwards by one sequencer.

An entry says who, what, when and to what, with hashes of before and after; never a name, a key or a PIN. The chain
is sealed seconds behind the transactions, in the order the sequencer sees them, so it never slows or fails an act.
What is still to be sealed lies in an outbox that is written with the entry: sealing costs the same however long the
chain is, and an entry that is committed late is sealed late.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from engine.store.tables import AuditEntry, AuditSeal, AuditUnsealed
from engine.store.unit import alone, joining, reading, uow

__all__ = ["GENESIS", "audit", "chain_breaks", "seal"]

GENESIS = "0" * 64
_COVERED = ("at", "zone", "actor", "act", "room", "subject", "agency", "office", "before_sha256", "after_sha256", "detail")
# An outbox row without its entry stays, so that it is noticed, and keeps no other waiting.
_WAITING = "SELECT u.id FROM audit_unsealed u JOIN audit_entry e ON e.id = u.id ORDER BY u.at, u.id LIMIT {}"
_OUTSIDE = """
    SELECT e.id FROM audit_entry e LEFT JOIN audit_seal s ON s.entry = e.id LEFT JOIN audit_unsealed u ON u.id = e.id
    WHERE s.id IS NULL AND u.id IS NULL ORDER BY e.at LIMIT 100
"""
_GONE = "SELECT u.id FROM audit_unsealed u LEFT JOIN audit_entry e ON e.id = u.id WHERE e.id IS NULL LIMIT 100"


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
        await AuditUnsealed.insert(AuditUnsealed(id=entry.id, at=at))


def _hash(previous: str, entry: Mapping[str, object]) -> str:
    covered = [previous, str(entry["id"]), *[entry[name] for name in _COVERED]]
    return hashlib.sha256(msgspec.json.encode(covered)).hexdigest()


async def seal(at: datetime, *, most: int = 1000) -> int:
    """Chains entries that are not yet sealed and tells how many; none while another process does."""
    async with uow():
        if not await alone("audit seal"):
            return 0
        waiting = await AuditUnsealed.raw(_WAITING, most)
        if not waiting:
            return 0
        entries, linked = await _entries([row["id"] for row in waiting])
        last = await AuditSeal.select(AuditSeal.seq, AuditSeal.hash).order_by(AuditSeal.seq, ascending=False).first()
        seq, previous = (last["seq"], last["hash"]) if last else (0, GENESIS)
        rows = []
        for entry in entries:
            seq, digest = seq + 1, _hash(previous, entry)
            rows.append(AuditSeal(seq=seq, entry=entry["id"], previous=previous, hash=digest, sealed_at=at))
            previous = digest
        if rows:
            await AuditSeal.insert(*rows)
        if done := [*linked, *(entry["id"] for entry in entries)]:
            await AuditUnsealed.delete().where(AuditUnsealed.id.is_in(done))
        return len(rows)


async def _entries(waiting: list[UUID]) -> tuple[list[dict[str, Any]], set[UUID]]:
    """The entries that wait, in order, and those that a link holds already: no trigger guards the outbox, so it is not believed."""
    linked = {row["entry"] for row in await AuditSeal.select(AuditSeal.entry).where(AuditSeal.entry.is_in(waiting))}
    found = await AuditEntry.select().where(AuditEntry.id.is_in(waiting)).order_by(AuditEntry.at, AuditEntry.id)
    return [entry for entry in found if entry["id"] not in linked], linked


async def chain_breaks() -> list[str]:
    """Where the chain does not hold, from the first entry on; empty if it is whole. At most 100 entries outside it are named."""
    found: list[str] = []
    async with reading():
        previous, expected = GENESIS, 1
        for link in await AuditSeal.select().order_by(AuditSeal.seq):
            entry = await AuditEntry.select().where(AuditEntry.id == link["entry"]).first()
            if link["seq"] != expected:
                found.append(f"link {expected} is missing")
            if entry is None:
                found.append(f"the entry of link {link['seq']} is missing")
            elif link["previous"] != previous or link["hash"] != _hash(previous, entry):
                found.append(f"link {link['seq']} does not match its entry")
            previous, expected = link["hash"], link["seq"] + 1
        found += [f"entry {row['id']} is neither sealed nor waits for it" for row in await AuditEntry.raw(_OUTSIDE)]
        found += [f"entry {row['id']} waits to be sealed and is missing" for row in await AuditEntry.raw(_GONE)]
    return found
