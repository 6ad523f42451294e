"""With which parameters a message is verified and a question asked: those that the try began with, while they count.

An old version counts for as long as the gateway says (`keeps_versions_days`). Beside it count the version in use and those between
the two, if they name the same merchant: a gateway signs what it sends today with today's key, also about a try of yesterday. Who the
merchant is says the field that the gateway marks as its identity, which no change of a key changes.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from engine.contracts.paying import GatewayEvent, PaymentOutcome, Pays
from engine.contracts.payment import GatewayContext, identity_of
from engine.contracts.signing import RawCallback
from engine.errors import EngineError, Untrusted
from engine.money.gateways import Parameters, in_use, parameters_by_id
from engine.money.gateways.tables import ActivationRow, ParametersRow
from engine.money.orders.nouns import Attempt
from engine.money.paying.cashier import Cashier, said
from engine.scope import PLATFORM

__all__ = [
    "UNSIGNED",
    "checked",
    "merchant_of",
    "verified",
    "version_to_act",
    "versions_of_attempt",
    "versions_of_office",
    "versions_that_prove",
]

_log = logging.getLogger(__name__)
_MOST_VERSIONS = 5
UNSIGNED = "unsigned"  # the code of a message that claims no proof at all, as that of a payer who gave up


def merchant_of(cashier: Cashier, parameters: Parameters) -> str:
    """What names the office at its gateway, by these parameters, and stays when a key is replaced."""
    return parameters.values.get(identity_of(cashier.registry.gateway(parameters.gateway).fields).name, "")


async def versions_of_attempt(attempt: Attempt, cashier: Cashier, at: datetime, *, however_old: bool = False) -> Sequence[Parameters]:
    """The parameters that a try began with, while they count, and those in use that name the same merchant at the same gateway."""
    own = await parameters_by_id(PLATFORM, attempt.office_id, attempt.parameters_id)
    found = [own] if however_old or await _counts(own, cashier.pays(attempt.gateway), at) else []
    live = await in_use(PLATFORM, attempt.office_id)
    if live is not None and live.id != own.id and live.gateway == own.gateway:
        found += [live] if merchant_of(cashier, live) == merchant_of(cashier, own) else []
    return found


async def versions_that_prove(attempt: Attempt, cashier: Cashier, at: datetime) -> Sequence[Parameters]:
    """By which versions a message about a try is verified: the one that it began with first, then all others of the same merchant
    that count now, for a key may have been replaced more than once while the try lasted."""
    found = list(await versions_of_attempt(attempt, cashier, at))
    merchant = merchant_of(cashier, await parameters_by_id(PLATFORM, attempt.office_id, attempt.parameters_id))
    known = {each.id for each in found}
    others = await versions_of_office(attempt.gateway, attempt.office_id, cashier, at)
    return [*found, *(each for each in others if each.id not in known and merchant_of(cashier, each) == merchant)]


async def version_to_act(attempt: Attempt, cashier: Cashier, at: datetime) -> Parameters:
    """By which version a payment that succeeded is given back: the one in use, if it names the same merchant, for a gateway takes no
    key that was replaced; else the one that the try began with."""
    return (await versions_of_attempt(attempt, cashier, at, however_old=True))[-1]


async def versions_of_office(gateway: str, office_id: UUID, cashier: Cashier, at: datetime) -> Sequence[Parameters]:
    """The parameters of an office for a gateway that count now, the newest first: for a message about no try that we know."""
    query = ParametersRow.select(ParametersRow.id).where(ParametersRow.office == office_id, ParametersRow.gateway == gateway)
    found = []
    for row in await query.order_by(ParametersRow.version, ascending=False).limit(_MOST_VERSIONS):
        parameters = await parameters_by_id(PLATFORM, office_id, row["id"])
        if await _counts(parameters, cashier.pays(gateway), at):
            found.append(parameters)
    return found


async def _counts(parameters: Parameters, gateway: Pays | None, at: datetime) -> bool:
    """Whether a version is in use, or was until not too long ago."""
    if parameters.active:
        return True
    days = gateway.limits.keeps_versions_days if gateway is not None else 0
    used = ActivationRow.select(ActivationRow.ended_at).where(
        ActivationRow.parameters == parameters.id, ActivationRow.ended_at.is_not_null()
    )
    last = await used.order_by(ActivationRow.ended_at, ascending=False).first()
    return last is not None and bool(last["ended_at"] > at - timedelta(days=days))


def verified(
    gateway: Pays, versions: Sequence[Parameters], raw: RawCallback, cashier: Cashier, *, gateway_order_id: str = ""
) -> GatewayEvent:
    """What a message states, proved by one of the versions. What breaks in a plugin proves nothing either.

    Raises Untrusted if none proves it: `unsigned` if it does not even claim to be proved, so that no key can be at fault.
    """
    codes = set()
    for parameters in versions:
        try:
            context = cashier.context(parameters)
            return checked(gateway.verify(context, raw, gateway_order_id=gateway_order_id), context)
        except Untrusted as error:
            codes.add(error.code)
        except Exception as error:  # bytes of strangers went in: whatever it is, it must not come out
            _log.error("a gateway's plugin broke in verify", extra={"gateway": parameters.gateway, "problem": type(error).__name__})
            codes.add("broke")
    raise Untrusted("The message does not prove who sent it.", code=UNSIGNED if codes == {UNSIGNED} else "unproved")


def checked(event: GatewayEvent, context: GatewayContext) -> GatewayEvent:
    """The statement of a plugin, without a secret in what it says. Raises Untrusted for what is none."""
    if not isinstance(event, GatewayEvent) or not isinstance(event.outcome, PaymentOutcome) or not event.key:
        raise Untrusted("The payment gateway's plugin did not say what the message states.", code="no_statement")
    paise = event.amount_paise
    if paise is not None and (not isinstance(paise, int) or isinstance(paise, bool)):
        raise Untrusted("The payment gateway's plugin named an amount that is not in whole paise.", code="no_statement")
    return replace(
        event,
        code=said(event.code, 60, context.secrets),
        say=said(event.say, 300, context.secrets),
        detail={name: said(str(value), 200, context.secrets) for name, value in event.detail.items()},
    )


def engine_error(error: BaseException) -> str:
    """How an error is named in a log: by its code, never by what it says."""
    return error.code if isinstance(error, EngineError) else type(error).__name__
