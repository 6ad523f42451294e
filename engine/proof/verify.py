"""Whether a certificate is genuine: one of six verdicts, never an exception for a bad document.

Genuine is: the register knows these very bytes, their signature is valid and trusted, and the certificate is neither
superseded nor cancelled. Nothing here needs signing, drawing or money, so verification stays up without them.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from engine.certificate import CertificateState, FileKind, Verdict, code_from, is_code, is_legacy, number_key, number_slip, verify_url
from engine.clock import utc_text
from engine.config import is_loopback
from engine.errors import Unavailable, Untrusted
from engine.proof.marks import Marks
from engine.proof.signature import SignatureReport
from engine.store import Found, lookup, moment_of

__all__ = ["REASONS", "Answer", "Facts", "Verifier"]

REASONS: Mapping[str, str] = {
    "registered_bytes": "These are the very bytes that were issued, and their signature is valid.",
    "registered_number": "This number was issued. Compare the details below with the paper in hand.",
    "registered_code": "The code belongs to an issued certificate. Compare the details below with the paper in hand.",
    "other_bytes": "The file names an issued certificate but is not the file that was issued.",
    "leaf": "This is a printable leaf, not the signed electronic copy. Verify it by its number or its code.",
    "signature_invalid": "The file is registered, but its signature does not verify here.",
    "replaced": "It was replaced by an in-lieu certificate.",
    "withdrawn": "It was cancelled by the issuing agency.",
    "older_platform": "The number is of the older platform; verify it there, by the legacy process.",
    "not_in_register": "No certificate with this number or code was issued here.",
    "check_character": "The number contains a typing slip: its check character does not match.",
    "foreign_host": "The link leads to another host than this one. It was not opened.",
    "not_a_certificate": "The file is not a certificate issued here.",
    "empty": "Nothing was given to verify.",
}

_BY = {
    column: f"SELECT number, code, state, shown, issued_at, replaced_by FROM certificate WHERE {column} = ?"  # noqa: S608  # our own columns
    for column in ("number_key", "code")
}
_FILE_QUERY = (
    "SELECT c.number, c.code, c.state, c.shown, c.issued_at, c.replaced_by, f.kind, f.made_at"
    " FROM certificate_file f JOIN certificate c ON c.id = f.certificate WHERE f.file_sha256 = ?"
)
_WEB = {"http", "https"}
_PUBLIC = {str(CertificateState.ISSUED), str(CertificateState.SUPERSEDED), str(CertificateState.CANCELLED)}


class Facts(Mapping[str, Any]):
    """What the printed certificate shows, kept as the JSON it was stored as: most who ask pass it on unread."""

    __slots__ = ("_all", "_shown", "_standing")

    def __init__(self, standing: dict[str, Any], shown: str) -> None:
        self._standing = standing
        self._shown = shown
        self._all: dict[str, Any] | None = None

    def as_json(self) -> bytes:
        """The facts as one JSON object, without reading what was stored."""
        return msgspec.json.encode(self._standing)[:-1] + b"," + self._shown.encode()[1:]

    def _read(self) -> dict[str, Any]:
        if self._all is None:
            self._all = {**self._standing, **msgspec.json.decode(self._shown)}
        return self._all

    def __getitem__(self, key: str) -> Any:
        return self._read()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, the codes of its reasons (see REASONS), and what the printed certificate shows, or None."""

    verdict: Verdict
    reasons: tuple[str, ...]
    certificate: Facts | None = field(default=None)

    def as_json(self) -> dict[str, Any]:
        """The answer as the CLI and the API give it."""
        return {
            "verdict": str(self.verdict),
            "reasons": list(self.reasons),
            "certificate": dict(self.certificate) if self.certificate is not None else None,
        }


class Verifier:
    """Answers for one site. `check` judges a file's signature at a moment, `read` finds the marks on a foreign file;
    both run in a limited child process, since what strangers upload is hostile."""

    def __init__(
        self,
        public_url: str,
        *,
        check: Callable[[bytes, datetime], Awaitable[SignatureReport]],
        read: Callable[[bytes], Awaitable[Marks]],
    ) -> None:
        self._host = _host_of(public_url)
        self._public_url = public_url
        self._check = check
        self._read = read

    async def argument(self, text: str) -> Answer:
        """A link if it begins with http, the bare code of a QR if it is one, else a number."""
        if text.strip().lower().startswith(("http:", "https:")):
            return await self.link(text)
        return await (self.code(text) if is_code(text.strip().upper()) else self.number(text))

    async def number(self, text: str) -> Answer:
        """By a printed number, however it was typed."""
        key = number_key(text)
        if not key:
            return _unknown("empty")
        if len(text) > 200:
            return _unknown("not_in_register")
        if row := await self._one("number_key", key):
            return self._standing(row, "registered_number")
        if is_legacy(text):
            return Answer(Verdict.LEGACY, ("older_platform",))
        return _unknown("check_character" if number_slip(text) else "not_in_register")

    async def code(self, code: str) -> Answer:
        """By the code that the QR carries."""
        code = code.strip().upper()
        row = await self._one("code", code) if is_code(code) else None
        return self._standing(row, "registered_code") if row else _unknown("not_in_register")

    async def link(self, url: str) -> Answer:
        """By a scanned address; one of another host is never opened."""
        try:
            parts = urlsplit(url.strip())
            host, path = _host_of(url.strip()), parts.path
        except ValueError:
            return _unknown("foreign_host")
        if host != self._host or parts.scheme.lower() not in _WEB:
            return _unknown("foreign_host")
        code = code_from(path)
        return await self.code(code) if code else _unknown("not_in_register")

    async def file(self, data: bytes) -> Answer:
        """By the bytes of a PDF."""
        if not data:
            return _unknown("empty")
        found = await lookup(_FILE_QUERY, hashlib.sha256(data).hexdigest())
        if not found or found[0]["state"] not in _PUBLIC:
            return await self._foreign(data)
        row = found[0]
        if row["kind"] == FileKind.LEAF:
            return Answer(Verdict.ALTERED, ("leaf",), self._shown(row))
        try:
            report = await self._check(data, moment_of(row["made_at"]))
        except Untrusted as lost:  # these are the issued bytes: it is the machine that failed, not the file
            raise Unavailable("The check of this file could not be finished here. Try again in a moment.", code="check_lost") from lost
        if not report.ok:
            return Answer(Verdict.UNKNOWN, ("signature_invalid", *report.reasons), self._shown(row))
        return self._standing(row, "registered_bytes")

    async def _foreign(self, data: bytes) -> Answer:
        """Bytes the register does not know: do they pretend to be one that it does?"""
        try:
            marks = await self._read(data)
        except Untrusted:
            return _unknown("not_a_certificate")
        for url in marks.urls:
            answer = await self.link(url)
            if answer.certificate is not None:
                return Answer(Verdict.ALTERED, ("other_bytes",), answer.certificate)
        for number in marks.numbers:
            answer = await self.number(number)
            if answer.certificate is not None:  # a number can be guessed, so a file that only prints one learns nothing more
                return Answer(Verdict.ALTERED, ("other_bytes",))
            if answer.verdict is Verdict.LEGACY:
                return answer
        return _unknown("not_a_certificate")

    async def _one(self, column: str, value: str) -> Found | None:
        found = await lookup(_BY[column], value)
        return found[0] if found and found[0]["state"] in _PUBLIC else None

    def _standing(self, row: Found, reason: str) -> Answer:
        match row["state"]:
            case CertificateState.ISSUED:
                return Answer(Verdict.GENUINE, (reason,), self._shown(row))
            case CertificateState.SUPERSEDED:
                return Answer(Verdict.SUPERSEDED, ("replaced",), self._shown(row))
            case _:
                return Answer(Verdict.CANCELLED, ("withdrawn",), self._shown(row))

    def _shown(self, row: Found) -> Facts:
        """What the printed certificate shows, and how it stands."""
        standing = {
            "number": row["number"],
            "state": row["state"],
            "issued_at": utc_text(moment_of(row["issued_at"])),
            "replaced_by": row["replaced_by"] or None,
            "verify_url": verify_url(self._public_url, row["code"]),
        }
        return Facts(standing, row["shown"])


def _host_of(url: str) -> str:
    """Host and port; of this machine without the port, since a demonstration is served now on one, now on another."""
    parts = urlsplit(url)
    _ = parts.port  # ValueError for a port that is none
    return parts.hostname if parts.hostname and "@" not in parts.netloc and is_loopback(parts.hostname) else parts.netloc.lower()


def _unknown(reason: str) -> Answer:
    return Answer(Verdict.UNKNOWN, (reason,))
