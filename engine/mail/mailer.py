"""What carries a letter away: the one deed, and how it may fail."""

from email.message import EmailMessage
from typing import Protocol

__all__ = ["MAIL_DOWN", "Mailer"]

MAIL_DOWN = "mail_down"
"""The code of an Unavailable that would meet any other letter just now: the server is silent, the disk is full."""


class Mailer(Protocol):
    """Sends one message to whom it names."""

    async def send(self, message: EmailMessage) -> None:
        """Returns when somebody else answers for the message.

        Raises Unavailable (try later; with the code MAIL_DOWN: later for all others too) or Refused (never).
        """
        ...
