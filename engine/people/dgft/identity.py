"""Who signed in at the registry."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from engine.errors import Refused
from engine.mail import mailbox

__all__ = ["Identity", "kept_email"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the registry proved them. `email` is empty if it told none; only a verified one says anything about a firm."""

    issuer: str
    subject: str = field(repr=False)
    email: str = field(repr=False)
    email_verified: bool
    name: str = field(repr=False)
    auth_time: datetime | None

    @property
    def registry_key(self) -> str:
        """What an account keeps to know this person by: the hash of issuer and subject. A subject alone says nothing."""
        return hashlib.sha256(f"{len(self.issuer)}:{self.issuer}{self.subject}".encode()).hexdigest()


def kept_email(email: str) -> str | None:
    """An address that the registry told as accounts keep it, nothing for none; None for one that no letter can go to."""
    try:
        return mailbox(email).lower() if email else ""
    except Refused:
        return None
