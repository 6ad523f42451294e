"""Sends what was written: each letter at least once, and again, later each time, until it is out or three days old.

A letter is claimed before it is sent, so that of two processes one sends it. Whoever dies between sending and recording
leaves a claim that runs out, and the letter goes a second time, with the same Message-ID. The log names ids and purposes.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from engine.clock import Clock
from engine.errors import EngineError, Refused
from engine.mail.letter import unsealed
from engine.mail.mailer import MAIL_DOWN, Mailer
from engine.mail.message import Sender, compose
from engine.mail.tables import LetterRow
from engine.store import SecretBox, audit, uow

__all__ = ["FIRST_PAUSE", "GIVEN_UP_AFTER", "LONGEST_PAUSE", "send_waiting"]

_log = logging.getLogger(__name__)

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(days=3)
CLAIMED_FOR = timedelta(minutes=5)
_LONGEST_S = 120.0  # well within the claim
_MOST = 100


async def send_waiting(mailer: Mailer, *, box: SecretBox, clock: Clock, sender: Sender) -> int:
    """One round: sends what is due, oldest first, at most a hundred, and gives how many went out.

    A letter that fails keeps no other waiting. If it is the mailer that is down, the round ends.
    """
    sent = 0
    for row in await _due(clock.now()):
        tries = await _claim(row["id"], clock.now())
        if tries is None:
            continue
        trouble = await _send(mailer, row, box, sender)
        if trouble is None:
            await _record_sent(row, clock.now())
            sent += 1
            continue
        await _record_trouble(row, tries, trouble, clock.now())
        if getattr(trouble, "code", "") == MAIL_DOWN:
            break
    return sent


def _waits(now: datetime) -> tuple[Any, ...]:
    """The conditions under which a letter may be claimed; `next_try_at` is null once it is over."""
    return LetterRow.next_try_at <= now, LetterRow.claimed_until.is_null() | (LetterRow.claimed_until <= now)


async def _due(now: datetime) -> list[dict[str, Any]]:
    return await LetterRow.select().where(*_waits(now)).order_by(LetterRow.written_at, LetterRow.id).limit(_MOST)


async def _claim(id: UUID, now: datetime) -> int | None:
    """Which try this is; None if another process was quicker. A try counts when it begins: it may be the last act of this process."""
    async with uow():
        claimed = (
            await LetterRow.update({LetterRow.tries: LetterRow.tries + 1, LetterRow.claimed_until: now + CLAIMED_FOR})
            .where(LetterRow.id == id, *_waits(now))
            .returning(LetterRow.tries)
        )
    return claimed[0]["tries"] if claimed else None


async def _send(mailer: Mailer, row: dict[str, Any], box: SecretBox, sender: Sender) -> Exception | None:
    """Sends one letter; what kept it, or None."""
    try:
        letter = unsealed(row["id"], row["to_sealed"], row["content_sealed"], box)
        message = compose(letter, id=row["id"], written_at=row["written_at"], sender=sender)
        async with asyncio.timeout(_LONGEST_S):
            await mailer.send(message)
    except Exception as error:  # whatever it is, this letter waits and the others go on
        return error
    return None


async def _record_sent(row: dict[str, Any], at: datetime) -> None:
    """Remembers that a letter went out, and nothing of what it said."""
    over: dict[Any, Any] = {LetterRow.sent_at: at, LetterRow.last_error: "", **_over()}
    async with uow():
        await LetterRow.update(over).where(LetterRow.id == row["id"], LetterRow.next_try_at.is_not_null())
    _log.info("letter_sent", extra=_spoken(row))


async def _record_trouble(row: dict[str, Any], tries: int, trouble: Exception, at: datetime) -> None:
    """Puts the letter off, or gives it up; unless its claim ran out meanwhile and it is another's."""
    name = (trouble.code if isinstance(trouble, EngineError) else type(trouble).__name__)[:40]
    last = row["written_at"] + GIVEN_UP_AFTER
    final = isinstance(trouble, Refused) or at >= last
    changed: dict[Any, Any] = {LetterRow.last_error: name}
    if final:
        changed |= {LetterRow.given_up_at: at, **_over()}
    else:
        changed |= {LetterRow.next_try_at: min(at + _pause(tries), last), LetterRow.claimed_until: None}
    async with uow():
        ours = (
            await LetterRow.update(changed)
            .where(LetterRow.id == row["id"], LetterRow.tries == tries, LetterRow.next_try_at.is_not_null())
            .returning(LetterRow.id)
        )
        if ours and final:
            detail = {"purpose": row["purpose"], "tries": tries, "problem": name}
            await audit("letter_given_up", room="mail", subject=str(row["id"]), actor="mail", at=at, detail=detail)
    if ours:
        _log.log(logging.ERROR if final else logging.WARNING, "letter_given_up" if final else "letter_put_off", extra=_spoken(row))


def _over() -> dict[Any, Any]:
    return {LetterRow.content_sealed: "", LetterRow.next_try_at: None, LetterRow.claimed_until: None}


def _pause(tries: int) -> timedelta:
    """A minute after the first try, twice as long after each further one, at most six hours."""
    return min(FIRST_PAUSE * (1 << min(tries - 1, 20)), LONGEST_PAUSE)


def _spoken(row: dict[str, Any]) -> dict[str, str]:
    return {"letter": str(row["id"]), "purpose": row["purpose"]}
