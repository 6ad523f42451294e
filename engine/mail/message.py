"""A letter as a message of RFC 5322: UTF-8, wrapped, from this site, and marked as written by a machine."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

from engine.mail.address import mailbox, require_line
from engine.mail.letter import Letter

__all__ = ["Sender", "compose"]

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Sender:
    """Who letters come from; `host` stands in their Message-ID. Raises Refused for what must not be in a header.

    With `url`, the site's own address, every letter ends by naming the site: whom a person turns to with a question.
    """

    address: str
    name: str
    host: str
    url: str = ""

    @property
    def farewell(self) -> str:
        """The last lines of every letter."""
        if not self.url:
            return ""
        return (
            f"\n\n-- \nQuestions about this letter? Turn to {self.name}:\n{self.url}\nEvery link in our letters begins with this address.\n"
        )

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", mailbox(self.address, box="mail.from_address"))
        require_line(self.name, "name", most=_LONGEST_NAME)


def compose(letter: Letter, *, id: UUID, written_at: datetime, sender: Sender) -> EmailMessage:
    """The message, the same however often it is made: a copy that comes twice has the same Message-ID and Date.

    The Message-ID begins with the moment of writing, to the microsecond, so that ids in order are in the order of time.
    """
    written_at = written_at.astimezone(UTC)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(sender.name, addr_spec=sender.address)
    message["To"] = Address(addr_spec=letter.to)
    message["Subject"] = letter.subject
    message["Date"] = written_at
    message["Message-ID"] = f"<{written_at:%Y%m%dT%H%M%S%f}.{id}@{sender.host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text.rstrip("\n") + sender.farewell if sender.farewell else letter.text, charset="utf-8")
    return message
