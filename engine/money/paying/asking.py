"""Asking the gateway: on the schedule of a try, when a browser came back with nothing, and before a success is believed that
leaves something out. The answer is heard like every other message."""

import asyncio
import logging
from datetime import datetime
from uuid import UUID

from engine.contracts.paying import Channel, GatewayEvent
from engine.errors import EngineError, Refused, TooMany, Unresolved, Untrusted
from engine.money.orders.finding import attempt_by_id
from engine.money.orders.inbox import Received
from engine.money.orders.nouns import Attempt
from engine.money.orders.trying import ask_soon, claim_due, note_asked
from engine.money.paying.cashier import Cashier
from engine.money.paying.hearing import Heard, hear
from engine.money.paying.moving import abandon
from engine.money.paying.versions import checked, engine_error, merchant_of, versions_of_attempt
from engine.scope import PLATFORM
from engine.store.quota import take_of_day

__all__ = ["ask", "ask_due", "ask_now", "bring_forward", "may_ask"]

_log = logging.getLogger(__name__)
_AT_ONCE = 40
_BESIDE = 8
_MOST_SOON = 60  # times a day that a try is asked about before its turn
_SILENT = "silent"  # the code of a line on which nothing came


async def ask(attempt_id: UUID, *, cashier: Cashier, at: datetime) -> Heard | None:
    """Asks the gateway about a try, whatever its state, and hears the answer; None if none came that can be believed.

    When the last question of the schedule was asked in vain, the try is ABANDONED.
    """
    attempt = await attempt_by_id(PLATFORM, attempt_id)
    heard = await ask_now(attempt, cashier=cashier, at=at)
    if await note_asked(attempt_id, at):
        await abandon(attempt_id, cashier=cashier, at=at)
    return heard


async def ask_now(attempt: Attempt, *, cashier: Cashier, at: datetime, patience_s: float | None = None) -> Heard | None:
    """Asks once, and hears the answer, without touching the schedule; None if none came."""
    try:
        async with asyncio.timeout(patience_s):
            event = await _answer(attempt, cashier, at)
    except TimeoutError:
        event = None
    if event is None:
        return None
    own = merchant_of(cashier, (await versions_of_attempt(attempt, cashier, at, however_old=True))[0])
    return await hear(attempt, event, Received(Channel.QUERY, at), merchant=own, cashier=cashier, at=at)


async def _answer(attempt: Attempt, cashier: Cashier, at: datetime) -> GatewayEvent | None:
    """What the gateway answers, asked with the version that the try began with, then with the one in use; None if it says nothing."""
    gateway = cashier.pays(attempt.gateway)
    if gateway is None:
        return None
    for parameters in await versions_of_attempt(attempt, cashier, at, however_old=True):
        try:
            context = cashier.context(parameters)
            event = await gateway.query(
                context, attempt.reference, gateway_order_id=attempt.gateway_order_id, amount_paise=attempt.amount_paise
            )
            return checked(event, context)
        except TooMany:
            return None
        except (Refused, Untrusted) as error:  # perhaps the other version is the right one
            _told(attempt, error)
        except Exception as error:
            _told(attempt, error)
            if not isinstance(error, Unresolved) or error.code == _SILENT:
                return None  # an answer that no key proves may be one to a key that was replaced; silence is no such answer
    return None


def _told(attempt: Attempt, error: BaseException) -> None:
    what = {"gateway": attempt.gateway, "reference": attempt.reference, "problem": engine_error(error)}
    _log.warning("a payment was asked about in vain", extra=what)


async def bring_forward(attempt: Attempt, at: datetime) -> None:
    """Lets a try that is under way be asked about at the next round; so many times a day and no more, whoever presses."""
    if attempt.under_way and await may_ask(attempt, at):
        await ask_soon(attempt, at)


async def may_ask(attempt: Attempt, at: datetime) -> bool:
    """Whether one more question about a try may be asked today because of what came from outside, which is counted: whoever repeats a
    message makes us ask so often and no more."""
    try:
        await take_of_day("pay_ask", str(attempt.id), _MOST_SOON, at=at)
    except TooMany:
        return False
    return True


async def ask_due(cashier: Cashier, at: datetime) -> int:
    """The round of questions that are due; gives how many tries were asked about. One that is silent holds up no other for long."""
    due = await claim_due(at, _AT_ONCE)
    room = asyncio.Semaphore(_BESIDE)

    async def one(attempt: Attempt) -> None:
        async with room:
            try:
                await ask(attempt.id, cashier=cashier, at=at)
            except EngineError as error:  # it is due again once the claim is over
                _told(attempt, error)

    await asyncio.gather(*(one(attempt) for attempt in due))
    return len(due)
