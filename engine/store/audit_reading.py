"""The audit read back: what a scope covers of it, narrowed by time, act, person and subject, a page at a time.

Promises that a page costs the same however long the audit is: it goes on by key from where the last one ended, and a
filter that finds little gives up after `REACH` entries and says how far back it looked. Nothing is read without a scope:
an agency's sees its agency's entries, a person's own alone are what any narrower one sees, and strangers see none.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from piccolo.columns.combination import WhereRaw

from engine.errors import Refused
from engine.scope import Scope, ScopeKind
from engine.store.audit import audit
from engine.store.tables import AuditEntry, AuditSeal, AuditUnsealed
from engine.store.unit import reading

__all__ = ["Chain", "Entry", "Link", "Page", "Place", "Wanted", "chain", "entries_of", "every_entry", "note_export"]

REACH = 10_000
_BATCH = 1000
_PLACE = re.compile(r"([0-9T:.+-]{20,40})~([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_COLUMNS = ("id", "at", "zone", "actor", "act", "room", "subject", "agency", "office", "before_sha256", "after_sha256", "detail")


@dataclass(frozen=True, slots=True)
class Link:
    """Where the chain holds an entry: its number, the hash before it, its own, and when it was sealed."""

    seq: int
    previous: str
    hash: str
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was written; `detail` is its JSON text, `link` None while it waits to be sealed."""

    id: UUID
    at: datetime
    zone: str
    actor: str
    act: str
    room: str
    subject: str
    agency: str
    office: str
    before_sha256: str
    after_sha256: str
    detail: str
    link: Link | None


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two entries, the later of which was seen. Its text form goes into an address."""

    at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"

    @classmethod
    def of(cls, text: str) -> "Place":
        """The place of a text form. Raises Refused for any other text."""
        found = _PLACE.fullmatch(text)
        try:
            at = datetime.fromisoformat(found[1]) if found else None
        except ValueError:
            at = None
        if found is None or at is None or at.tzinfo is None or not 2000 <= at.year <= 2100:
            raise Refused("There is no such page of the audit. Begin at the newest entries.", box="before", rule="page of the audit")
        return cls(at, UUID(found[2]))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; what is left empty narrows nothing.

    `until` is the first moment that is too late. An entry is of a person if one of `actors` did it or it was done to one of
    `persons`. `subject` is a subject to the letter, `about` a part of one in any case.
    """

    since: datetime | None = None
    until: datetime | None = None
    acts: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    persons: frozenset[str] = frozenset()
    subject: str = ""
    about: str = ""
    agency: str = ""
    office: str = ""

    @property
    def of_person(self) -> bool:
        """Whether entries of a person are wanted, to which their own index leads."""
        return bool(self.actors or self.persons)

    @property
    def reaches(self) -> bool:
        """Whether no index leads straight to what is wanted, so that entries are gone through."""
        return bool(self.acts or self.about or self.office or self.of_person) and not self.subject


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first; `further` is where the next page begins, or None at the end. `looked_back_to` is set where
    the search gave up before it had a page full."""

    entries: tuple[Entry, ...]
    further: Place | None
    looked_back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """How far the chain goes: its last link and when that was sealed, and how many entries wait."""

    links: int
    sealed_at: datetime | None
    waiting: int


async def entries_of(scope: Scope, own: str, wanted: Wanted, *, before: Place | None = None, most: int = 50) -> Page:
    """One page. `own` is the actor that asks: a scope narrower than an agency's sees what that one did, and nothing else."""
    conditions = [*_covering(scope, own, indexed=not wanted.of_person), *_conditions(wanted)]
    async with reading():
        floor = await _floor(scope, own, wanted, before) if wanted.reaches else None
        if floor is not None:
            conditions += [AuditEntry.at >= floor.at, (AuditEntry.at > floor.at) | (AuditEntry.id >= floor.id)]
        rows = await _rows(conditions, before, most + 1)
        entries = await _with_links(rows[:most])
    if len(rows) > most:
        return Page(entries, Place(entries[-1].at, entries[-1].id))
    return Page(entries, floor, floor.at if floor else None)


async def every_entry(scope: Scope, own: str, wanted: Wanted, *, before: Place) -> AsyncIterator[Sequence[Entry]]:
    """All entries before that place, the newest first, a thousand at a time, and no more of them in memory."""
    conditions = [*_covering(scope, own), *_conditions(wanted)]
    place: Place | None = before
    while place is not None:
        async with reading():
            entries = await _with_links(await _rows(conditions, place, _BATCH))
        if entries:
            yield entries
        place = Place(entries[-1].at, entries[-1].id) if len(entries) == _BATCH else None


async def note_export(kind: str, wanted: Wanted, *, actor: str, agency: str, at: datetime) -> Place:
    """Writes down that somebody takes entries with them, and by what they narrowed them, and gives the place before which they
    lie: what is written from now on is not among them. Whom they looked for is not said: the entry is theirs to read, and a
    name beside an id would tell them who has an account here."""
    detail: dict[str, object] = {
        "since": wanted.since.isoformat() if wanted.since else None,
        "until": wanted.until.isoformat() if wanted.until else None,
        "acts": len(wanted.acts),
        "person": bool(wanted.actors),
        "subject": bool(wanted.subject or wanted.about),
        "office": bool(wanted.office),
    }
    said = {name: value for name, value in detail.items() if value}
    await audit("audit_exported", room="store", subject=kind, actor=actor, at=at, agency=agency, detail=said)
    return Place(at, UUID(int=0))


async def chain() -> Chain:
    """How far the chain goes; of the site as a whole, so no scope is asked for."""
    async with reading():
        last = await AuditSeal.select(AuditSeal.seq, AuditSeal.sealed_at).order_by(AuditSeal.seq, ascending=False).first()
        waiting = await AuditUnsealed.count()
    return Chain(last["seq"] if last else 0, last["sealed_at"] if last else None, waiting)


def _covering(scope: Scope, own: str, *, indexed: bool = True) -> list[Any]:
    """What the scope lets see. The entries hold ids as text, so that they outlive what they are about. Unless `indexed`, the
    database does not go by the agency's index: a person's is much shorter."""
    match scope.kind:
        case ScopeKind.PLATFORM:
            return []
        case ScopeKind.AGENCY:
            mine = str(scope.agency_id)
            return [AuditEntry.agency == mine if indexed else WhereRaw("agency || '' = {}", mine)]
        case ScopeKind.OFFICES | ScopeKind.EXPORTER | ScopeKind.BROKER:
            return [AuditEntry.actor == own]
        case _:
            return [AuditEntry.id.is_null()]


def _conditions(wanted: Wanted) -> list[Any]:
    found: list[Any] = []
    if wanted.since:
        found.append(AuditEntry.at >= wanted.since)
    if wanted.until:
        found.append(AuditEntry.at < wanted.until)
    if wanted.acts:
        found.append(AuditEntry.act.is_in(sorted(wanted.acts)))
    if wanted.actors or wanted.persons:
        by = AuditEntry.actor.is_in(sorted(wanted.actors) or [""])
        found.append(by | AuditEntry.subject.is_in(sorted(wanted.persons)) if wanted.persons else by)
    if wanted.subject:
        found.append(AuditEntry.subject == wanted.subject)
    if wanted.about:
        found.append(_holding(wanted.about))
    if wanted.agency:
        found.append(AuditEntry.agency == wanted.agency)
    if wanted.office:
        found.append(AuditEntry.office == wanted.office)
    return found


def _holding(part: str) -> Any:
    """That the subject holds these words, whatever their case and whatever they mean to LIKE."""
    plain = part.upper().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return WhereRaw("upper(subject) LIKE {} ESCAPE '\\'", f"%{plain}%")


async def _floor(scope: Scope, own: str, wanted: Wanted, before: Place | None) -> Place | None:
    """The entry at which a search gives up: `REACH` behind where it begins, along the index that it goes by."""
    if wanted.of_person:
        along = _conditions(Wanted(wanted.since, wanted.until, actors=wanted.actors))
    else:
        along = [*_covering(scope, own), *_conditions(replace(wanted, acts=frozenset(), about="", office=""))]
    rows = await _rows(along, before, 1, skip=REACH, columns=("at", "id"))
    return Place(rows[0]["at"], rows[0]["id"]) if rows else None


async def _rows(
    conditions: Sequence[Any], before: Place | None, most: int, *, skip: int = 0, columns: Sequence[str] = _COLUMNS
) -> list[dict[str, Any]]:
    query = AuditEntry.select(*(getattr(AuditEntry, name) for name in columns)).limit(most).offset(skip)
    if before is not None:
        earlier = (AuditEntry.at < before.at) | (AuditEntry.id < before.id)
        query = query.where(AuditEntry.at <= before.at, earlier)
    if conditions:
        query = query.where(*conditions)
    rows: list[dict[str, Any]] = await query.order_by(AuditEntry.at, AuditEntry.id, ascending=False)
    return rows


async def _with_links(rows: Sequence[Mapping[str, Any]]) -> tuple[Entry, ...]:
    links = await AuditSeal.select().where(AuditSeal.entry.is_in([row["id"] for row in rows])) if rows else []
    by_entry = {link["entry"]: Link(link["seq"], link["previous"], link["hash"], link["sealed_at"]) for link in links}
    return tuple(Entry(**row, link=by_entry.get(row["id"])) for row in rows)
