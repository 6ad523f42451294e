"""What arrives from outside: the payer's browser that comes back, and the gateway's server that tells.

Promises that nothing is believed but for its signature over the raw bytes, that all of it is kept, that what proves nothing is
kept once and within bounds, and that nothing a stranger sends breaks anything here.
"""

import hashlib
import logging
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from engine.contracts.paying import Channel, GatewayEvent, Pays
from engine.contracts.signing import HttpReply, RawCallback
from engine.errors import Conflict, NotFound, Untrusted
from engine.money.gateways import Parameters
from engine.money.orders.finding import attempt_by_reference, attempt_by_token
from engine.money.orders.inbox import Received, keep_received, key_of, known_verdict
from engine.money.orders.nouns import Attempt
from engine.money.orders.tables import Verdict
from engine.money.paying.asking import ask_now, bring_forward, may_ask
from engine.money.paying.cashier import Cashier
from engine.money.paying.hearing import Heard, hear, lacks
from engine.money.paying.refusing import Place, note_orphan, refuse
from engine.money.paying.versions import UNSIGNED, merchant_of, verified, versions_of_attempt, versions_of_office, versions_that_prove
from engine.people import OfficeHere
from engine.people.offices.keeping import office_by_id
from engine.scope import PLATFORM
from engine.store import uow

__all__ = ["hear_notice", "hear_return"]

_log = logging.getLogger(__name__)
_PATIENCE_S = 8.0  # while a browser or a gateway's server waits for its answer
_UNSAID = "it leaves out what must be compared; the gateway was asked"


async def hear_return(token: str, raw: RawCallback, *, cashier: Cashier, gateway: str = "", address: str = "", at: datetime) -> Heard:
    """Takes what the payer's browser brings back. What brings nothing, or nothing that is proved, changes nothing, and lets the
    gateway be asked soon.

    Raises NotFound for a token that no try has.
    """
    attempt = await attempt_by_token(token)
    if attempt is None or gateway not in {"", attempt.gateway}:
        raise NotFound("There is no such payment.", code="attempt")
    if not raw.body.strip() and not raw.query:
        await bring_forward(attempt, at)
        return _nothing(attempt)
    pays = cashier.pays(attempt.gateway)
    try:
        if pays is None:
            raise Untrusted("This gateway takes no payments here any more.", code="gateway")
        versions = await versions_that_prove(attempt, cashier, at)
        event = verified(pays, versions, raw, cashier, gateway_order_id=attempt.gateway_order_id)
    except Untrusted as error:
        place = Place(attempt.gateway, Channel.RETURN, f"r/{attempt.id}", address, attempt.agency_id, attempt.office_id, attempt)
        heard = await refuse(place, raw, unsigned=error.code == UNSIGNED, cashier=cashier, at=at)
        await bring_forward(attempt, at)
        return heard
    return await _believe(attempt, event, Received.of(Channel.RETURN, raw, at), cashier, at)


async def hear_notice(gateway: str, account: str, raw: RawCallback, *, cashier: Cashier, address: str = "", at: datetime) -> Heard:
    """Takes what a gateway's server tells of an office's payments, and says what to answer it. `account` names the office.

    Raises NotFound for an office that there is not, or a gateway that takes no payments here.
    """
    pays, office = cashier.pays(gateway), await _office(account)
    if pays is None or office is None:
        raise NotFound("Nobody is told of payments here.", code="account")
    attempt = await _located(pays, gateway, raw)
    if attempt is not None and attempt.office_id != office.id:
        attempt = None  # whatever it is, this office's keys say nothing of another's payment
    versions = await _versions(gateway, office, attempt, cashier, at)
    order_id = attempt.gateway_order_id if attempt is not None else ""
    received = Received.of(Channel.NOTICE, raw, at)
    try:
        event = verified(pays, versions, raw, cashier, gateway_order_id=order_id)
    except Untrusted as error:
        place = Place(gateway, Channel.NOTICE, f"s/{office.id}", address, office.agency_id, office.id, attempt)
        return _answered(pays, await refuse(place, raw, unsigned=error.code == UNSIGNED, cashier=cashier, at=at))
    if attempt is None or event.reference != attempt.reference:  # what was read unsigned named another one
        attempt = await attempt_by_reference(gateway, event.reference)
    if attempt is None or attempt.office_id != office.id:
        key = f"orphan/{office.id}/{hashlib.sha256(event.key.encode('utf-8', 'surrogatepass')).hexdigest()}"
        foreign = attempt is not None
        return _answered(pays, await note_orphan(gateway, office, key, event, received, foreign=foreign, cashier=cashier, at=at))
    return _answered(pays, await _believe(attempt, event, received, cashier, at))


async def _believe(attempt: Attempt, event: GatewayEvent, received: Received, cashier: Cashier, at: datetime) -> Heard:
    """Hears what was proved; a success that leaves something out is kept, and the gateway asked for the whole of it."""
    if not lacks(event):
        own = (await versions_of_attempt(attempt, cashier, at, however_old=True))[0]
        return await hear(attempt, event, received, merchant=merchant_of(cashier, own), cashier=cashier, at=at)
    key = key_of(attempt, f"{received.channel}:{event.key}")
    if await known_verdict(attempt.gateway, key) is None:
        try:
            async with uow():
                await keep_received(received, attempt.gateway, key, Verdict.IGNORED, _UNSAID, event=event, attempt=attempt)
        except Conflict:  # the same message was quicker beside this one
            pass
    heard = await ask_now(attempt, cashier=cashier, at=at, patience_s=_PATIENCE_S) if await may_ask(attempt, at) else None
    if heard is None:
        await bring_forward(attempt, at)
        return Heard(Verdict.IGNORED, _UNSAID, attempt.state, attempt.order_id)
    return heard


async def _office(account: str) -> OfficeHere | None:
    try:
        return await office_by_id(PLATFORM, UUID(account))
    except (ValueError, NotFound):
        return None


async def _located(pays: Pays, gateway: str, raw: RawCallback) -> Attempt | None:
    """The try that a message names, before it is believed."""
    try:
        reference = pays.locate(raw)
    except Exception as error:  # bytes of strangers went in: whatever it is, it must not come out
        _log.error("a gateway's plugin broke in locate", extra={"gateway": gateway, "problem": type(error).__name__})
        return None
    return await attempt_by_reference(gateway, reference) if isinstance(reference, str) else None


async def _versions(gateway: str, office: OfficeHere, attempt: Attempt | None, cashier: Cashier, at: datetime) -> list[Parameters]:
    if attempt is not None:
        return list(await versions_that_prove(attempt, cashier, at))
    return list(await versions_of_office(gateway, office.id, cashier, at))


def _nothing(attempt: Attempt) -> Heard:
    return Heard(Verdict.IGNORED, "nothing was said", attempt.state, attempt.order_id)


def _answered(pays: Pays, heard: Heard) -> Heard:
    """With what the gateway's server wants to hear; never an error of ours, whatever the plugin says."""
    accepted = heard.verdict is not Verdict.REFUSED
    try:
        reply = pays.acknowledge(accepted)
        usable = isinstance(reply, HttpReply) and 200 <= reply.status < 500
    except Exception as error:
        _log.error("a gateway's plugin broke in acknowledge", extra={"problem": type(error).__name__})
        usable = False
    return replace(heard, reply=reply if usable else HttpReply(200 if accepted else 400, b"stored" if accepted else b"refused"))
