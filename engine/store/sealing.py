"""Chains over append-only rows: written behind the transactions that made the rows, by one sequencer, in the order it sees them.

What is still to be sealed lies in an outbox that is written with the row: sealing costs the same however long the chain
is, a row that is committed late is sealed late, and no transaction waits for the chain. The audit and the ledger's
journals each have one.
"""

import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from engine.errors import Refused
from engine.store.unit import alone, reading, uow

__all__ = ["GENESIS", "Chain", "ChainCheck", "ordered_id"]

GENESIS = "0" * 64
# An outbox row without its row stays, so that it is noticed, and keeps no other waiting.
_WAITING = "SELECT u.id FROM {outbox} u JOIN {rows} e ON e.id = u.id ORDER BY u.at, u.id LIMIT {{}}"
_WAIT = "INSERT INTO {outbox} (id, at) VALUES ({{}}, {{}})"
_OUTSIDE = """
    SELECT e.id FROM {rows} e LEFT JOIN {links} s ON s.{noun} = e.id LEFT JOIN {outbox} u ON u.id = e.id
    WHERE e.id > {{}} AND e.id <= {{}} AND s.id IS NULL AND u.id IS NULL ORDER BY e.id LIMIT 100
"""
_GONE = "SELECT u.id FROM {outbox} u LEFT JOIN {rows} e ON e.id = u.id WHERE e.id IS NULL LIMIT 100"
_BATCH = 500
_TICKS_PER_MS = 4096
_MOST_BREAKS = 100
_DIGITS = 19
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_last_tick = 0
_FIRST, _LAST = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"


def ordered_id(at: datetime) -> UUID:
    """A UUID of version 7 (RFC 9562) of that moment that sorts behind all that this process made before: rows of one moment
    keep their order."""
    global _last_tick
    _last_tick = max(_last_tick + 1, (at - _EPOCH) // timedelta(milliseconds=1) * _TICKS_PER_MS)
    ms, fraction = divmod(_last_tick, _TICKS_PER_MS)
    return UUID(int=ms << 80 | 7 << 76 | fraction << 64 | 2 << 62 | secrets.randbits(62))


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """A stretch of the check: where the chain does not hold, at most a hundred of them, and the mark to go on from, which is
    empty once everything was looked at. `links` counts those that were compared in this stretch."""

    links: int
    breaks: tuple[str, ...]
    mark: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain: the rows it covers, their outbox, and its links, whose column named `noun` refers to the row.

    `content` gives what a link covers of each of these rows, in one order for ever; a row that is not there has none.
    """

    name: str
    noun: str
    rows: Any
    outbox: Any
    links: Any
    content: Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, Sequence[object]]]]

    async def wait(self, id: UUID, at: datetime) -> None:
        """Writes down that this row is still to be sealed, in the unit of work that wrote the row."""
        await self.outbox.raw(self._sql(_WAIT), id, at)

    async def seal(self, at: datetime, *, most: int = 1000) -> int:
        """Chains rows that are not yet sealed and tells how many; none while another process does."""
        async with uow():
            if not await alone(f"{self.name} seal"):
                return 0
            waiting = [row["id"] for row in await self.outbox.raw(self._sql(_WAITING), most)]
            if not waiting:
                return 0
            linked = await self._linked(waiting)
            content = await self.content([id for id in waiting if id not in linked])
            rows = await self._next_links(content, [id for id in waiting if id in content], at)
            if rows:
                await self.links.insert(*rows)
            if done := [*linked, *content]:
                await self.outbox.delete().where(self.outbox.id.is_in(done))
            return len(rows)

    async def _linked(self, waiting: Sequence[UUID]) -> set[UUID]:
        """Those that a link holds already: no trigger guards the outbox, so it is not believed."""
        column = self._named
        return {row[self.noun] for row in await self.links.select(column).where(column.is_in(waiting))}

    async def _next_links(self, content: Mapping[UUID, Sequence[object]], ids: Sequence[UUID], at: datetime) -> list[Any]:
        last = await self.links.select(self.links.seq, self.links.hash).order_by(self.links.seq, ascending=False).first()
        seq, previous = (last["seq"], last["hash"]) if last else (0, GENESIS)
        made = []
        for id in ids:
            seq, digest = seq + 1, _hash(previous, id, content[id])
            made.append(self.links(**{"seq": seq, self.noun: id, "previous": previous, "hash": digest, "sealed_at": at}))
            previous = digest
        return made

    async def check(self, mark: str = "", *, most: int = 10_000) -> ChainCheck:
        """Compares the next `most` links with their rows, and behind the last one looks for rows outside the chain.

        A stretch costs the same however long the chain is. Raises Refused for a mark that no stretch gave.
        """
        kind, _, after = (mark or "link 0").partition(" ")
        async with reading():
            if kind == "link" and after.isdecimal() and len(after) < _DIGITS:
                return await self._check_links(int(after), most)
            if kind == self.noun and (not after or _UUID.fullmatch(after)):
                return await self._check_outside(after, most)
        say = "The check of the chain cannot go on from there. Begin it again."
        raise Refused(say, code=f"{self.name}_mark", box="mark", rule="mark of a check")

    async def breaks(self) -> list[str]:
        """Where the chain does not hold, from the first row on; empty if it is whole. It is read in stretches, never as a whole."""
        found: list[str] = []
        stretch = ChainCheck(0, (), "link 0")
        while stretch.mark:
            stretch = await self.check(stretch.mark)
            found += stretch.breaks
        return found

    async def _check_links(self, after: int, most: int) -> ChainCheck:
        """The links behind the one of that number; each is compared with the one before it."""
        seqs, noun = self.links.seq, self.noun
        last = await self.links.select(self.links.hash).where(seqs == after).first()
        previous, expected, seen = (last["hash"] if last else GENESIS), after + 1, 0
        found: list[str] = []
        while seen < most and len(found) < _MOST_BREAKS:
            links = await self.links.select().where(seqs >= expected).order_by(seqs).limit(min(_BATCH, most - seen))
            if not links:
                rest = await self._check_outside("", most - seen)
                return ChainCheck(seen, (*found, *rest.breaks), rest.mark)
            content = await self.content([link[noun] for link in links])
            for link in links:
                if link["seq"] != expected:
                    found.append(f"link {expected} is missing")
                covered = content.get(link[noun])
                if covered is None:
                    found.append(f"the {noun} of link {link['seq']} is missing")
                elif link["previous"] != previous or link["hash"] != _hash(previous, link[noun], covered):
                    found.append(f"link {link['seq']} does not match its {noun}")
                previous, expected = link["hash"], link["seq"] + 1
            seen += len(links)
        return ChainCheck(seen, tuple(found), f"link {expected - 1}")

    async def _check_outside(self, after: str, most: int) -> ChainCheck:
        """Rows that no link holds and that do not wait for one, and what waits and is no row."""
        noun, ids = self.noun, self.rows.id
        start = UUID(after or _FIRST)
        last = await self.rows.select(ids).where(ids > start).order_by(ids).limit(1).offset(most - 1).first()
        end = last["id"] if last else UUID(_LAST)
        outside = await self.rows.raw(self._sql(_OUTSIDE), start, end)
        found = [f"{noun} {row['id']} is neither sealed nor waits for it" for row in outside]
        if last is None:
            found += [f"{noun} {row['id']} waits to be sealed and is missing" for row in await self.rows.raw(self._sql(_GONE))]
        return ChainCheck(0, tuple(found), f"{noun} {end}" if last else "")

    @property
    def _named(self) -> Any:
        """The column of a link that names its row."""
        return getattr(self.links, self.noun)

    def _sql(self, query: str) -> str:
        rows, outbox, links = (f'"{table._meta.tablename}"' for table in (self.rows, self.outbox, self.links))
        return query.format(rows=rows, outbox=outbox, links=links, noun=self.noun)


def _hash(previous: str, id: UUID, covered: Sequence[object]) -> str:
    return hashlib.sha256(msgspec.json.encode([previous, str(id), *covered])).hexdigest()
