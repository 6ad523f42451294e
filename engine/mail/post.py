"""What carries the letters of a site, whom they come from, and how they stand, as engine.toml and the rows say."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.clock import utc_text
from engine.config import Config
from engine.errors import ConfigError, Refused
from engine.mail.address import mailbox
from engine.mail.mailer import Mailer
from engine.mail.message import Sender
from engine.mail.outbox import FileOutbox
from engine.mail.smtp import Smtp
from engine.mail.tables import LetterRow
from engine.store import reading

__all__ = ["Standing", "mailer_of", "outbox_of", "sender_of", "standing"]

_SHOWN = 3


def mailer_of(config: Config) -> Mailer:
    """The operator's mail server, or the outbox where none is set."""
    return Smtp(config.mail) if config.mail.url else FileOutbox(outbox_of(config))


def outbox_of(config: Config) -> Path:
    """The folder of letters."""
    return config.folder / "outbox"


def sender_of(config: Config) -> Sender:
    """Who letters come from. Raises ConfigError if that cannot stand in a letter."""
    try:
        return Sender(config.mail.from_address, config.mail.from_name, _id_host(config.site.public_url), url=config.site.public_url)
    except Refused as refusal:
        raise ConfigError(f"{config.path}: mail.from_address or mail.from_name cannot stand in a letter. {refusal.say}") from refusal


def _id_host(public_url: str) -> str:
    """Our host as the right side of a Message-ID."""
    host = urlsplit(public_url).hostname or "localhost"
    try:
        return f"[{IPv6Address(host)}]"
    except ValueError:
        return mailbox(f"id@{host}", box="site.public_url").partition("@")[2]


@dataclass(frozen=True, slots=True)
class Standing:
    """How many letters wait, since when the oldest does, and which were given up last."""

    waiting: int
    oldest_at: datetime | None
    given_up: int
    latest: tuple[str, ...]

    def __str__(self) -> str:
        said = [f"{self.waiting} waiting" + (f", the oldest since {utc_text(self.oldest_at)}" if self.oldest_at else "")]
        if self.given_up:
            said.append(f"{self.given_up} given up, the last ones: {'; '.join(self.latest)}")
        return "; ".join(said)


async def standing() -> Standing:
    """How the letters stand, by id, purpose and class of the trouble: no address and no text."""
    async with reading():
        waiting: Any = LetterRow.next_try_at.is_not_null()
        lost: Any = LetterRow.given_up_at.is_not_null()
        oldest = await LetterRow.select(LetterRow.written_at).where(waiting).order_by(LetterRow.written_at).first()
        columns = (LetterRow.id, LetterRow.purpose, LetterRow.last_error, LetterRow.given_up_at)
        latest = await LetterRow.select(*columns).where(lost).order_by(LetterRow.given_up_at, ascending=False).limit(_SHOWN)
        return Standing(
            waiting=await LetterRow.count().where(waiting),
            oldest_at=oldest["written_at"] if oldest else None,
            given_up=await LetterRow.count().where(lost),
            latest=tuple(f"{row['id']} ({row['purpose']}, {row['last_error']}, {utc_text(row['given_up_at'])})" for row in latest),
        )
