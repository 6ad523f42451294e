"""The audit: append-only entries written with their effect, chained afterwards by one sequencer.

An entry says who, what, when and to what, with hashes of before and after; never a name, a key or a PIN. The chain
is sealed seconds behind the transactions, in the order the sequencer sees them, so it never slows or fails an act.
What is still to be sealed lies in an outbox that is written with the entry: sealing costs the same however long the
chain is, and an entry that is committed late is sealed late.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from engine.errors import Refused
from engine.store.tables import AuditEntry, AuditSeal, AuditUnsealed
from engine.store.unit import alone, joining, reading, uow

__all__ = ["GENESIS", "ChainCheck", "audit", "chain_breaks", "check_chain", "seal"]

GENESIS = "0" * 64
_COVERED = ("at", "zone", "actor", "act", "room", "subject", "agency", "office", "before_sha256", "after_sha256", "detail")
# An outbox row without its entry stays, so that it is noticed, and keeps no other waiting.
_WAITING = "SELECT u.id FROM audit_unsealed u JOIN audit_entry e ON e.id = u.id ORDER BY u.at, u.id LIMIT {}"
_OUTSIDE = """
    SELECT e.id FROM audit_entry e LEFT JOIN audit_seal s ON s.entry = e.id LEFT JOIN audit_unsealed u ON u.id = e.id
    WHERE e.id > {} AND e.id <= {} AND s.id IS NULL AND u.id IS NULL ORDER BY e.id LIMIT 100
"""
_GONE = "SELECT u.id FROM audit_unsealed u LEFT JOIN audit_entry e ON e.id = u.id WHERE e.id IS NULL LIMIT 100"
_BATCH = 500
_TICKS_PER_MS = 4096
_MOST_BREAKS = 100
_DIGITS = 19
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_last_tick = 0
_FIRST, _LAST = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"


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
        id=_next_id(at),
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


def _next_id(at: datetime) -> UUID:
    """A UUID of version 7 (RFC 9562) of that moment that sorts behind all that this process made before: entries of one moment
    keep their order."""
    global _last_tick
    _last_tick = max(_last_tick + 1, (at - _EPOCH) // timedelta(milliseconds=1) * _TICKS_PER_MS)
    ms, fraction = divmod(_last_tick, _TICKS_PER_MS)
    return UUID(int=ms << 80 | 7 << 76 | fraction << 64 | 2 << 62 | secrets.randbits(62))


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


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """A stretch of the check: where the chain does not hold, at most a hundred of them, and the mark to go on from, which is
    empty once everything was looked at. `links` counts those that were compared in this stretch."""

    links: int
    breaks: tuple[str, ...]
    mark: str


async def check_chain(mark: str = "", *, most: int = 10_000) -> ChainCheck:
    """Compares the next `most` links with their entries, and behind the last one looks for entries outside the chain.

    A stretch costs the same however long the chain is. Raises Refused for a mark that no stretch gave.
    """
    kind, _, after = (mark or "link 0").partition(" ")
    async with reading():
        if kind == "link" and after.isdecimal() and len(after) < _DIGITS:
            return await _links(int(after), most)
        if kind == "entry" and (not after or _UUID.fullmatch(after)):
            return await _outside(after, most)
    raise Refused("The check of the chain cannot go on from there. Begin it again.", code="audit_mark", box="mark", rule="mark of a check")


async def chain_breaks() -> list[str]:
    """Where the chain does not hold, from the first entry on; empty if it is whole. It is read in stretches, never as a whole."""
    found: list[str] = []
    stretch = ChainCheck(0, (), "link 0")
    while stretch.mark:
        stretch = await check_chain(stretch.mark)
        found += stretch.breaks
    return found


async def _links(after: int, most: int) -> ChainCheck:
    """The links behind the one of that number; each is compared with the one before it."""
    last = await AuditSeal.select(AuditSeal.hash).where(AuditSeal.seq == after).first()
    previous, expected, seen = (last["hash"] if last else GENESIS), after + 1, 0
    found: list[str] = []
    while seen < most and len(found) < _MOST_BREAKS:
        links = await AuditSeal.select().where(AuditSeal.seq >= expected).order_by(AuditSeal.seq).limit(min(_BATCH, most - seen))
        if not links:
            rest = await _outside("", most - seen)
            return ChainCheck(seen, (*found, *rest.breaks), rest.mark)
        rows = await AuditEntry.select().where(AuditEntry.id.is_in([link["entry"] for link in links]))
        entries = {row["id"]: row for row in rows}
        for link in links:
            if link["seq"] != expected:
                found.append(f"link {expected} is missing")
            entry = entries.get(link["entry"])
            if entry is None:
                found.append(f"the entry of link {link['seq']} is missing")
            elif link["previous"] != previous or link["hash"] != _hash(previous, entry):
                found.append(f"link {link['seq']} does not match its entry")
            previous, expected = link["hash"], link["seq"] + 1
        seen += len(links)
    return ChainCheck(seen, tuple(found), f"link {expected - 1}")


async def _outside(after: str, most: int) -> ChainCheck:
    """Entries that no link holds and that do not wait for one, and what waits and is no entry."""
    start = UUID(after or _FIRST)
    rest = AuditEntry.select(AuditEntry.id).where(AuditEntry.id > start).order_by(AuditEntry.id)
    last = await rest.limit(1).offset(most - 1).first()
    end = last["id"] if last else UUID(_LAST)
    found = [f"entry {row['id']} is neither sealed nor waits for it" for row in await AuditEntry.raw(_OUTSIDE, start, end)]
    if last is None:
        found += [f"entry {row['id']} waits to be sealed and is missing" for row in await AuditEntry.raw(_GONE)]
    return ChainCheck(0, tuple(found), f"entry {end}" if last else "")
