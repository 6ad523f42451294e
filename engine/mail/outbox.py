"""A folder in place of a mail server: one file a letter, for a demonstration, or for a mail server that picks files up."""

import asyncio
import contextlib
import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP, default
from pathlib import Path

from engine.errors import Refused, Unavailable
from engine.mail.mailer import MAIL_DOWN

__all__ = ["FileOutbox", "Posted"]

_ID = re.compile(r"<([0-9A-Za-z][0-9A-Za-z.-]{0,199})@[^<>\s]+>")
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]*\.eml")
_MOST_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Posted:
    """A letter as it lies in the folder."""

    to: str
    subject: str
    at: datetime
    text: str = field(repr=False)


class FileOutbox:
    """Puts each letter into a file of its own (0600), named by its Message-ID, which begins with the time; never over another.

    A file is there whole or not at all. The same letter a second time is the same file, and is there already.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def send(self, message: EmailMessage) -> None:
        """Returns when the file is on the disk. Raises Unavailable if the disk does not take it."""
        found = _ID.fullmatch(str(message["Message-ID"] or ""))
        if found is None:
            raise Refused("A letter without a plain Message-ID has no name in the outbox.", code="letter")
        try:
            await asyncio.to_thread(_write_new, self.folder / f"{found[1]}.eml", message.as_bytes(policy=SMTP))
        except OSError as error:
            raise Unavailable(f"The outbox did not take a letter: {error.strerror}. Look at the disk.", code=MAIL_DOWN) from error

    async def newest(self, most: int) -> list[Posted]:
        """The letters that lie there, newest first. What is no letter of ours is passed over."""
        return await asyncio.to_thread(self._newest, most)

    def _newest(self, most: int) -> list[Posted]:
        try:
            names = sorted((name for name in os.listdir(self.folder) if _NAME.fullmatch(name)), reverse=True)  # noqa: PTH208
        except FileNotFoundError:
            return []
        read = (_read(self.folder / name) for name in names[:most])
        return [posted for posted in read if posted is not None]


def _write_new(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> Posted | None:
    """The letter in a file; None if it is none, or went away meanwhile."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as source:
            message = message_from_bytes(source.read(_MOST_BYTES), policy=default)
        text = str(message.get_content()).replace("\r\n", "\n")
        return Posted(str(message["To"]), str(message["Subject"]), message["Date"].datetime, text)
    except (OSError, AttributeError, KeyError, LookupError, ValueError):
        return None
