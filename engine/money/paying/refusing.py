"""What proves nothing, and what is about nobody's payment: kept within bounds, counted by office, told to who can mend it.

A flood fills no disk: the same bytes are one row, an address has so many rows a day, and all of them together have so many.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from engine.contracts.paying import Channel, GatewayEvent
from engine.contracts.signing import RawCallback
from engine.errors import Conflict, TooMany
from engine.money.orders.inbox import Received, keep_received, known_verdict, refused_key
from engine.money.orders.nouns import Attempt
from engine.money.orders.tables import Verdict
from engine.money.paying.cashier import Cashier
from engine.money.paying.hearing import Heard
from engine.people import OfficeHere
from engine.people.offices.keeping import office_by_id
from engine.people.telling import tell_administrators
from engine.scope import PLATFORM, Scope
from engine.store import audit, uow
from engine.store.quota import count_of_day, hold_of_day, take_of_day

__all__ = ["ALARM_AT", "Place", "failing_callbacks", "note_orphan", "refuse"]

_log = logging.getLogger(__name__)

ALARM_AT = 3  # messages of a day that prove nothing, at one office: more than a slip
_OF_ADDRESS = 200
_OF_ALL = 5000
_UNPROVED = "it does not prove who sent it"
_UNSIGNED = "it claims no proof of who sent it"
_FAILING = "pay_failing"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something arrived, and from which address. `where` tells one place from another; `attempt` is the try it was about."""

    gateway: str
    channel: Channel
    where: str
    address: str
    agency_id: UUID
    office_id: UUID
    attempt: Attempt | None


async def refuse(place: Place, raw: RawCallback, *, unsigned: bool = False, cashier: Cashier, at: datetime) -> Heard:
    """Keeps what proved nothing, and changes nothing else. After some of them in a day, the administrators are told, once.

    What is `unsigned`, as gateways send it of a payer who gave up, says nothing of the office's key, so it is not counted to its account.
    """
    because = _UNSIGNED if unsigned else _UNPROVED
    key = refused_key(place.where, raw)
    attempt = place.attempt
    heard = Heard(Verdict.REFUSED, because, attempt.state if attempt else None, attempt.order_id if attempt else None)
    _log.warning("a payment message proved nothing", extra={"gateway": place.gateway, "office": str(place.office_id)})
    if await known_verdict(place.gateway, key) is not None or not await _room(place.address, at):
        return heard
    received = Received.of(place.channel, raw, at)
    try:
        async with uow():
            await keep_received(received, place.gateway, key, Verdict.REFUSED, because, attempt=attempt)
            if unsigned:
                return heard
            await hold_of_day(_FAILING, str(place.office_id), at=at)
    except Conflict:  # the same bytes were quicker beside these
        return heard
    if await count_of_day(_FAILING, str(place.office_id), at=at) >= ALARM_AT:
        await _alarm(place, cashier, at)
    return heard


async def failing_callbacks(scope: Scope, office_id: UUID, *, at: datetime) -> int:
    """How many messages about an office's payments proved nothing today: above `ALARM_AT` its key is probably wrong.

    Raises NotFound for an office that the scope does not cover.
    """
    office = await office_by_id(scope, office_id)
    return await count_of_day(_FAILING, str(office.id), at=at)


async def note_orphan(
    gateway: str, office: OfficeHere, key: str, event: GatewayEvent, received: Received, *, foreign: bool, cashier: Cashier, at: datetime
) -> Heard:
    """Keeps a proved message about a payment that is not this office's, and tells its administrators, once a day."""
    because = "its reference is another office's" if foreign else "nobody here knows its reference"
    heard = Heard(Verdict.ORPHAN, because)
    try:
        async with uow():
            await keep_received(received, gateway, key, Verdict.ORPHAN, because, event=event)
            detail = {"gateway": gateway, "outcome": str(event.outcome)}
            await audit(
                "payment_orphan",
                room="money",
                subject=str(office.id),
                actor=f"gateway:{gateway}",
                at=at,
                agency=office.agency_id,
                office=office.id,
                detail=detail,
            )
    except Conflict:  # it came before
        return heard
    text = (
        f"The payment gateway {gateway} told of a payment to the office {office.code} that was not begun here: {because}. "
        "If the merchant account is used elsewhere too, this is no harm; otherwise compare it with the gateway's own list."
    )
    await _tell_once("pay_orphan", office, "A payment that nobody knows", text, cashier, at)
    return heard


async def _room(address: str, at: datetime) -> bool:
    """Whether one more row may be kept of what proves nothing."""
    try:
        await take_of_day("pay_refused", (address or "unknown")[:120], _OF_ADDRESS, at=at)
        await take_of_day("pay_refused", "*", _OF_ALL, at=at)
    except TooMany:
        return False
    return True


async def _alarm(place: Place, cashier: Cashier, at: datetime) -> None:
    office = await office_by_id(PLATFORM, place.office_id)
    text = (
        f"Messages of the payment gateway {place.gateway} for the office {office.code} cannot be verified today. If its key was changed "
        "there, enter the new one under Office Management. Until then payments are found by asking the gateway, which takes longer:"
        f"\n\n{cashier.base}/offices/{office.id}/payment\n"
    )
    await _tell_once("pay_alarm", office, f"Callbacks failing for the office {office.code}", text, cashier, at)


async def _tell_once(name: str, office: OfficeHere, subject: str, text: str, cashier: Cashier, at: datetime) -> None:
    """A letter to the administrators, the first time on a day."""
    try:
        async with uow():
            await take_of_day(name, str(office.id), 1, at=at)
            await tell_administrators(office.agency_id, subject, text, box=cashier.box, purpose=name, at=at, about=office.id)
    except TooMany:
        return
