"""A try begins: its row is committed before the gateway is asked, and what the gateway answers decides what may be said of it.

A definite no is START_FAILED, and the application stays as it was. Silence is not a no: the try stays STARTED, is asked about
on its schedule, and keeps a second one from beginning for a quarter of an hour.
"""

import logging
import secrets
from datetime import datetime
from uuid import UUID

from engine.contracts.paying import Pays, StartedPayment, StartPayment
from engine.contracts.payment import GatewayContext
from engine.errors import Conflict, EngineError, PluginError, Refused, TooMany, Unavailable, Unresolved
from engine.money.fees import rupees
from engine.money.gateways import Parameters, in_use
from engine.money.orders.closing import hold_open
from engine.money.orders.finding import attempts_of, order_by_reference, sha256_of_token
from engine.money.orders.nouns import Attempt, Order
from engine.money.orders.trying import add_attempt, note_gateway_order
from engine.money.paying.asking import bring_forward
from engine.money.paying.cashier import Cashier, said
from engine.money.paying.moving import fail_start
from engine.money.paying.versions import engine_error
from engine.people import exporter_by_id, id_of_actor
from engine.people.offices.keeping import office_by_id
from engine.people.telling import address_of_account
from engine.scope import PLATFORM, Scope
from engine.store import audit, uow

__all__ = ["require_no_other_try", "start_payment"]

_log = logging.getLogger(__name__)
_UNKNOWN = (
    "The payment gateway did not answer, so nobody knows yet whether a payment began. It is asked again by itself; look at the order "
    "in some minutes, and do not pay a second time before."
)


async def start_payment(
    scope: Scope,
    order_reference: str,
    *,
    cashier: Cashier,
    gateway: str | None = None,
    again: bool = False,
    actor: str,
    at: datetime,
) -> StartedPayment:
    """Begins a try to pay an order through its office's gateway, and says where the payer's browser goes.

    Raises Refused where it cannot be paid so, Conflict (`payment_under_way`) while another try may still bring money, unless the
    payer says `again`; Unavailable if nothing was sent, and Unresolved if nobody knows.
    """
    order = await order_by_reference(scope, order_reference)
    parameters = await _parameters(order, gateway)
    pays = cashier.require_pays(parameters.gateway)
    _require_within(order, pays)
    context = cashier.context(parameters)
    token = secrets.token_urlsafe(24)
    async with uow():
        await _require_open(order)
        await require_no_other_try(order, again=again, actor=actor, at=at)
        attempt = await add_attempt(
            order, gateway=parameters.gateway, parameters=parameters.id, token_sha256=sha256_of_token(token), actor=actor, at=at
        )
        detail = {"order": order.reference, "gateway": parameters.gateway, "amount_paise": order.amount_paise}
        await audit(
            "payment_started",
            room="money",
            subject=attempt.reference,
            actor=actor,
            at=at,
            agency=order.agency_id,
            office=order.office_id,
            detail=detail,
        )
    wanted = await _wanted(order, attempt, token, cashier, actor)
    started = await _ask(pays, context, attempt, wanted, cashier=cashier, actor=actor, at=at)
    await note_gateway_order(attempt, said(started.gateway_order_id, 120, context.secrets))
    return started


async def require_no_other_try(order: Order, *, again: bool, actor: str, at: datetime) -> None:
    """Raises Conflict while a younger try may still bring money; with `again` the payer takes that on, and it is written down.

    The caller's unit of work holds the order.
    """
    blocking = next((attempt for attempt in await attempts_of(order) if attempt.blocks(at)), None)
    if blocking is None:
        return
    if not again:
        say = f"A payment of the order {order.reference} is under way, and may still come. Wait a quarter of an hour before you pay again."
        raise Conflict(say, code="payment_under_way", reference=order.reference)
    await audit(
        "payment_again",
        room="money",
        subject=order.reference,
        actor=actor,
        at=at,
        agency=order.agency_id,
        office=order.office_id,
        detail={"beside": blocking.reference},
    )


async def _require_open(order: Order) -> None:
    """Keeps the order open until the unit of work ends. Raises Conflict if it is not."""
    if not await hold_open(order):
        say = f"The order {order.reference} is not open any more; load it again."
        raise Conflict(say, code="order_state", reference=order.reference)


async def _parameters(order: Order, gateway: str | None) -> Parameters:
    live = await in_use(PLATFORM, order.office_id)
    if live is None or gateway not in {None, live.gateway}:
        office = await office_by_id(PLATFORM, order.office_id)
        other = " Pay from the e-wallet." if office.wallet and live is None else ""
        say = f"The office {office.agency_code} {office.code} takes no payments through {gateway or 'a gateway'} just now.{other}"
        raise Refused(say, box="gateway", rule="payment possible")
    return live


def _require_within(order: Order, pays: Pays) -> None:
    limits = pays.limits
    if not limits.least_paise <= order.amount_paise <= limits.most_paise:
        say = (
            f"The gateway takes amounts from Rs {rupees(limits.least_paise)} to Rs {rupees(limits.most_paise)}; the order "
            f"{order.reference} comes to Rs {rupees(order.amount_paise)}."
        )
        raise Refused(say, box="amount", rule="amount the gateway takes")


async def _wanted(order: Order, attempt: Attempt, token: str, cashier: Cashier, actor: str) -> StartPayment:
    firm = await exporter_by_id(PLATFORM, order.exporter_id)
    office = await office_by_id(PLATFORM, order.office_id)
    account = actor.startswith("account:")
    return StartPayment(
        reference=attempt.reference,
        amount_paise=attempt.amount_paise,
        return_url=cashier.return_url(attempt.gateway, token),
        notice_url=cashier.notice_url(attempt.gateway, order.office_id),
        payer_name=firm.name if firm else "",
        payer_email=await address_of_account(UUID(id_of_actor(actor))) if account else "",
        tags=(order.reference, f"{office.agency_code}-{office.code}", "FEES" if order.purpose == "fees" else "TOPUP"),
    )


async def _ask(
    pays: Pays, context: GatewayContext, attempt: Attempt, wanted: StartPayment, *, cashier: Cashier, actor: str, at: datetime
) -> StartedPayment:
    """The gateway's answer. What it raises is told apart by what may have happened, and by nothing else."""
    try:
        started = await pays.start(context, wanted)
        if not isinstance(started, StartedPayment):
            raise PluginError(f"The payment gateway {attempt.gateway} answered start with {type(started).__name__}.")
    except (Unavailable, TooMany) as error:
        await fail_start(attempt, f"the gateway was not reached ({error.code})", cashier=cashier, actor=actor, at=at)
        say = "The payment gateway cannot be reached just now. Nothing was paid and the order stays as it is; try again in some minutes."
        raise Unavailable(say, code="gateway_unavailable", reference=attempt.reference) from error
    except Conflict as error:  # our reference is known there: something happened, so it is asked
        await bring_forward(attempt, at)
        raise Unresolved(_UNKNOWN, code="payment_unknown", reference=attempt.reference) from error
    except Refused as error:
        why = said(error.code, 60, context.secrets)
        await fail_start(attempt, f"the gateway refused to begin it ({why})", cashier=cashier, actor=actor, at=at)
        say = "The payment gateway refused to begin the payment. Nothing was paid and the order stays as it is; tell the office if it stays so."
        raise Refused(say, code="gateway_refused", box="gateway", rule="gateway takes the payment", reference=attempt.reference) from error
    except EngineError as error:
        _log.error("a payment began, or not", extra={"gateway": attempt.gateway, "problem": engine_error(error)})
        raise Unresolved(_UNKNOWN, code="payment_unknown", reference=attempt.reference) from error
    except Exception as error:  # what a plugin raises may carry what it was given
        _log.error("a gateway's plugin broke in start", extra={"gateway": attempt.gateway, "problem": engine_error(error)})
        raise Unresolved(_UNKNOWN, code="payment_unknown", reference=attempt.reference) from None
    return started
