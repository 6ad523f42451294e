"""What every wire format has in common: a request that it understood, and a message that it wrote."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlencode

from plugins.payment.sandbox.rehearsal.http import Reply, Request
from plugins.payment.sandbox.rehearsal.till import Merchant, Payment, Statement, Till

__all__ = ["Asked", "Post", "Wire"]


@dataclass(frozen=True, slots=True)
class Post:
    """A message on its way: a form that the browser posts, or what this server posts itself."""

    url: str
    fields: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    media_type: str = "application/x-www-form-urlencoded"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The bytes that are posted."""
        return urlencode(self.fields).encode("ascii") if self.raw is None else self.raw


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose signature is good. `operation` is start, open, query, refund, query_refund or settlement.

    `answer` does what was asked and gives the reply; for `open` it gives the payment whose page is shown. `refusal` is how this
    wire says no to a start.
    """

    operation: str
    merchant: Merchant
    reference: str
    answer: Callable[[], Reply | Payment]
    amount_paise: int = 0
    refusal: Callable[[], Reply] | None = None
    parent: str = ""


class Wire(Protocol):
    """One gateway's wire format, spoken from the gateway's side."""

    name: str

    def __init__(self, till: Till) -> None: ...

    def read(self, request: Request) -> Asked | Reply | None:
        """What is asked, a refusal of what cannot be believed, or None for a request of another wire."""
        ...

    def back(self, payment: Payment, said: Statement) -> Post:
        """The form with which the browser returns."""
        ...

    def notice(self, payment: Payment, said: Statement) -> Post:
        """What this server posts about a payment."""
        ...
