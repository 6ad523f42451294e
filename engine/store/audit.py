"""The audit: append-only entries written with their effect, chained afterwards by one sequencer.

An entry says who, what, when and to what, with hashes of before and after; never a name, a key or a PIN. The chain
is sealed seconds behind the transactions, in the order the sequencer sees them, so it never slows or fails an act.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

import msgspec

from engine.store.tables import AuditEntry, AuditSeal
from engine.store.unit import reading, uow

__all__ = ["GENESIS", "audit", "chain_breaks", "seal"]

GENESIS = "0" * 64
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
    """Writes one entry in the unit of work around the call."""
    await AuditEntry.insert(
        AuditEntry(
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
    )


def _hash(previous: str, entry: Mapping[str, object]) -> str:
    covered = [previous, str(entry["id"]), *[entry[name] for name in _COVERED]]
    return hashlib.sha256(msgspec.json.encode(covered)).hexdigest()


async def seal(at: datetime, *, most: int = 1000) -> int:
    """Chains the entries that are not yet sealed and tells how many; one process does this at a time."""
    async with uow():
        last = await AuditSeal.select(AuditSeal.seq, AuditSeal.hash).order_by(AuditSeal.seq, ascending=False).first()
        seq, previous = (last["seq"], last["hash"]) if last else (0, GENESIS)
        sealed = AuditSeal.select(AuditSeal.entry)
        entries = await AuditEntry.select().where(AuditEntry.id.not_in(sealed)).order_by(AuditEntry.at, AuditEntry.id).limit(most)
        rows = []
        for entry in entries:
            seq, digest = seq + 1, _hash(previous, entry)
            rows.append(AuditSeal(seq=seq, entry=entry["id"], previous=previous, hash=digest, sealed_at=at))
            previous = digest
        if rows:
            await AuditSeal.insert(*rows)
        return len(rows)


async def chain_breaks() -> list[str]:
    """Where the chain does not hold, from the first entry on; empty if it is whole."""
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
    return found
