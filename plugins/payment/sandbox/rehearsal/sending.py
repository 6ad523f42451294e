"""The server's own messages: what is due, in which order, and how it leaves this machine for this machine alone."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from urllib.parse import urlsplit

from plugins.payment.sandbox.rehearsal.scripts import Way, Word
from plugins.payment.sandbox.rehearsal.till import Payment, Till
from plugins.payment.sandbox.rehearsal.wires.asked import Post, Wire

__all__ = ["Deliver", "Outbox", "Sent", "is_here", "post_here"]

Deliver = Callable[[Post], Awaitable[int]]
"""Sends a message, and gives the status that it was answered with; 0 if nobody answered."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that went out, and the status that came back."""

    reference: str
    way: str
    state: str
    status: int


@dataclass(frozen=True, slots=True)
class _Due:
    at: datetime
    payment: Payment
    word: Word


def is_here(url: str) -> bool:
    """Whether the address is on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.hostname in {"127.0.0.1", "localhost", "::1"}


async def post_here(post: Post) -> int:
    """Posts to an address on this machine, once, without redirects; nothing is sent anywhere else."""
    import httpx

    if not is_here(post.url):
        return 0
    try:
        async with httpx.AsyncClient(verify=_tls(), trust_env=False, follow_redirects=False, timeout=10) as client:
            answer = await client.post(post.url, content=post.body, headers={"content-type": post.media_type, **post.headers})
    except httpx.HTTPError:
        return 0
    return answer.status_code


@cache
def _tls() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context(trust_env=False)


class Outbox:
    """What is to be sent. Nothing is tried again by itself: a button and the control API do that."""

    def __init__(self, till: Till, wires: dict[str, Wire], deliver: Deliver) -> None:
        self._till, self._wires, self._deliver = till, wires, deliver
        self._due: list[_Due] = []
        self._lock = asyncio.Lock()
        self.sent: list[Sent] = []

    def plan(self, payment: Payment) -> None:
        """Puts down the notices of a payment that begins its turns now."""
        if payment.plan is None or payment.paid_at is None:
            return
        for word in payment.plan.words:
            if word.way is Way.NOTICE:
                after = timedelta(seconds=payment.plan.turns[word.turn].after_s)
                self._due.append(_Due(payment.paid_at + after, payment, word))

    async def first(self, payment: Payment) -> None:
        """Sends what must be there before the browser is."""
        mine = [each for each in self._due if each.payment is payment and each.word.first]
        self._due = [each for each in self._due if each not in mine]
        for each in mine:
            await self.send(each.payment, each.word)

    async def pump(self) -> list[Sent]:
        """Sends all that is due, in the order of its time, and gives what was sent."""
        async with self._lock:
            before = len(self.sent)
            while ready := [each for each in self._due if each.at <= self._till.now()]:
                self._due = [each for each in self._due if each not in ready]
                for each in sorted(ready, key=lambda due: due.at):
                    await self.send(each.payment, each.word)
            return self.sent[before:]

    async def send(self, payment: Payment, word: Word) -> list[Sent]:
        """Sends a notice now, as often as it says."""
        said = self._till.worded(payment, word)
        post = self._wires[payment.merchant.wire].notice(payment, said)
        if word.together:
            statuses = list(await asyncio.gather(*(self._deliver(post) for _ in range(word.copies))))
        else:
            statuses = [await self._deliver(post) for _ in range(word.copies)]
        made = [Sent(payment.reference, str(word.way), str(said.status), status) for status in statuses]
        self.sent += made
        return made

    def back(self, payment: Payment) -> Post | None:
        """The form with which the browser returns; None where the scenario lets it go nowhere."""
        word = next((each for each in (payment.plan.words if payment.plan else ()) if each.way is Way.RETURN), None)
        return self._wires[payment.merchant.wire].back(payment, self._till.worded(payment, word)) if word else None
