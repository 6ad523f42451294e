"""Entries of the audit as a file: CSV for spreadsheets, JSON Lines for programs, a line at a time.

Promises that no cell begins what a spreadsheet would calculate, and that a line of JSON has all that the chain's hash
covers, as it covers it: whoever holds the lines of a stretch can compute the hashes again.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from admin.acts import sentence_of, who_is
from engine.clock import IST, utc_text
from engine.people import id_of_actor, names_of
from engine.store.audit_reading import Entry

__all__ = ["KINDS", "Kind", "lines_of"]

_CALCULATED = ("=", "+", "-", "@", "\t", "\r", "\n")
_COLUMNS = (
    "chain_number", "at_utc", "at_ist", "who", "did", "act", "actor", "room", "subject", "subject_name", "agency", "agency_name", "office",
    "office_name", "before_sha256", "after_sha256", "detail", "id", "previous_hash", "hash", "sealed_at_utc",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: the ending of its name, its media type, its first line, and how it writes an entry."""

    ending: str
    media_type: str
    head: str
    write: Callable[[Entry, Mapping[str, str]], str]


async def lines_of(kind: Kind, batches: AsyncIterator[Sequence[Entry]]) -> AsyncIterator[str]:
    """The file in pieces; the names are those that persons and places have while it is written."""
    if kind.head:
        yield kind.head
    async for entries in batches:
        names = await names_of({word for each in entries for word in (id_of_actor(each.actor), each.subject, each.agency, each.office)})
        yield "".join(kind.write(each, names) for each in entries)


def _sentence(entry: Entry, names: Mapping[str, str]) -> str:
    before, after = sentence_of(entry.act)
    return before if after is None else f"{before}{names.get(entry.subject, entry.subject)}{after}"


def _csv_line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([f"'{cell}" if cell.startswith(_CALCULATED) else cell for cell in cells])
    return out.getvalue()


def _as_csv(entry: Entry, names: Mapping[str, str]) -> str:
    link = entry.link
    return _csv_line(
        [
            str(link.seq) if link else "",
            utc_text(entry.at),
            entry.at.astimezone(IST).replace(tzinfo=None).isoformat(" ", timespec="seconds"),
            who_is(entry.actor, names),
            _sentence(entry, names),
            entry.act,
            entry.actor,
            entry.room,
            entry.subject,
            names.get(entry.subject, ""),
            entry.agency,
            names.get(entry.agency, ""),
            entry.office,
            names.get(entry.office, ""),
            entry.before_sha256,
            entry.after_sha256,
            entry.detail,
            str(entry.id),
            link.previous if link else "",
            link.hash if link else "",
            utc_text(link.sealed_at) if link else "",
        ]
    )


def _as_json(entry: Entry, names: Mapping[str, str]) -> str:
    link = entry.link
    told: dict[str, Any] = {
        "id": entry.id,
        "at": entry.at,
        "zone": entry.zone,
        "actor": entry.actor,
        "act": entry.act,
        "room": entry.room,
        "subject": entry.subject,
        "agency": entry.agency,
        "office": entry.office,
        "before_sha256": entry.before_sha256,
        "after_sha256": entry.after_sha256,
        "detail": entry.detail,
        "at_ist": entry.at.astimezone(IST),
        "who": who_is(entry.actor, names),
        "did": _sentence(entry, names),
        "subject_name": names.get(entry.subject),
        "agency_name": names.get(entry.agency),
        "office_name": names.get(entry.office),
        "chain": {"number": link.seq, "previous": link.previous, "hash": link.hash, "sealed_at": link.sealed_at} if link else None,
    }
    return msgspec.json.encode(told).decode() + "\n"


KINDS: Mapping[str, Kind] = {
    "csv": Kind("csv", "text/csv; charset=utf-8", _csv_line(_COLUMNS), _as_csv),
    "jsonl": Kind("jsonl", "application/jsonl; charset=utf-8", "", _as_json),
}
