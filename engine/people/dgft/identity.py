"""Who signed in at the registry."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from engine.people.plain_text import email_fault, normal_email, text_fault, tidy

__all__ = ["Identity", "email_fault", "normal_email", "text_fault", "tidy"]


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
