"""A letter, and writing one: it is kept sealed in the unit of work of its deed, so it goes out if the deed is true, and only then."""

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from engine.mail.address import mailbox, require_line, require_text
from engine.mail.tables import LetterRow
from engine.store import SecretBox
from engine.store.unit import joining

__all__ = ["Letter", "seal_of", "unsealed", "write_letter"]

LONGEST_SUBJECT = 200
_LONGEST_TEXT = 50_000
_PURPOSE = re.compile(r"[a-z][a-z0-9_]{0,19}")


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person is told: plain text under a subject. Its text, which may carry a link that opens something, is never shown."""

    to: str
    subject: str
    text: str = field(repr=False)


async def write_letter(letter: Letter, *, box: SecretBox, purpose: str, at: datetime, about: UUID | None = None) -> UUID:
    """Puts a letter into the outbox in the caller's unit of work, and gives its id; `send_waiting` sends it once that is committed.

    `purpose` is a short word for the log (`reset`, `invited`), `about` the row that it tells of. Raises Refused, naming what
    is wrong, for an address that is none, or for a subject or text that could be read as something else.
    """
    if not _PURPOSE.fullmatch(purpose):
        raise ValueError("A letter's purpose is a short word of small letters: the log repeats it.")
    to, subject = mailbox(letter.to), require_line(letter.subject, "subject", most=LONGEST_SUBJECT)
    text = require_text(letter.text, most=_LONGEST_TEXT)
    row = LetterRow(purpose=purpose, about=str(about) if about else None, written_at=at, next_try_at=at)
    id = UUID(str(row.id))
    row.to_sealed = box.seal(to, purpose=seal_of(id))
    row.content_sealed = box.seal(json.dumps([subject, text]), purpose=seal_of(id))
    async with joining():
        await LetterRow.insert(row)
    return id


def seal_of(id: UUID) -> str:
    """What address and content of a letter are sealed for."""
    return f"letter:{id}"


def unsealed(id: UUID, to_sealed: str, content_sealed: str, box: SecretBox) -> Letter:
    """The letter of a row that waits. Raises Untrusted if it was not sealed for this row with a key that we have."""
    to = box.unseal(to_sealed, purpose=seal_of(id))
    subject, text = json.loads(box.unseal(content_sealed, purpose=seal_of(id)))
    return Letter(to, subject, text)
