"""Giving money back because the office says so: a fee or a part of it, or what is left of a top-up. With a fresh proof and a reason."""

from typing import Any
from uuid import UUID, uuid4

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.errors import status_of
from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import EngineError, NotFound, Refused
from engine.money.amounts import paise_of
from engine.money.orders import order_by_reference
from engine.money.orders.tables import RefundTo
from engine.money.paying.refund_once import RefundAsked, refund_once, refundable
from engine.people import exporter_by_id
from engine.people.offices.keeping import office_by_id
from engine.scope import PLATFORM

__all__ = ["HANDLERS"]

_WAYS = {
    RefundTo.SOURCE: ("Back the way it came", "The gateway is asked for it within minutes; the bank needs some days."),
    RefundTo.BY_HAND: ("By the office itself", "For a gateway that gives nothing back: transfer the money, then say so under Refunds."),
    RefundTo.WALLET: ("To the firm's e-wallet", "At once; the firm spends it on other fees here."),
}


@get("/{order:str}/refund", guards=[require_fresh], include_in_schema=False)
async def form(request: Request[Any, Any, Any], order: FromPath[str]) -> Response[Any]:
    """What can still go back of an order, and how."""
    return await _form(request, order)


@post("/{order:str}/refund", guards=[require_fresh], status_code=200, include_in_schema=False)
async def give_back(request: Request[Any, Any, Any], order: FromPath[str]) -> Response[Any]:
    """Gives it back; the same form once more does nothing more."""
    person, site = person_of(request), site_of(request)
    told = await sent(request, "what", "amount", "back_to", "reason", "key")
    try:
        asked = RefundAsked(order, _what(told["what"]), _amount(told["amount"]), _way(told["back_to"]), told["reason"].strip())
        await refund_once(person.scope, asked, key=told["key"], actor=person.actor, at=site.clock.now())
    except NotFound:
        raise
    except Refused as refusal:
        return await _form(request, order, told, refusal)
    return go(request, f"/payments/{order}#refunds")


HANDLERS = [form, give_back]


def _what(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused("Choose what goes back.", box="what", rule="chosen") from None


def _amount(text: str) -> int | None:
    """The paise that were typed; None for nothing, which is all that is left."""
    plain = text.strip().replace(",", "")
    return paise_of(plain) if plain else None


def _way(text: str) -> RefundTo:
    if text not in set(RefundTo):
        raise Refused("Choose how the money goes back.", box="back_to", rule="chosen")
    return RefundTo(text)


async def _form(
    request: Request[Any, Any, Any], reference: str, told: dict[str, str] | None = None, refusal: EngineError | None = None
) -> Response[Any]:
    """The form, with a key of its own: it keeps the key it was sent with, so that what was refused for a slip is still done once."""
    scope = person_of(request).scope
    order = await order_by_reference(scope, reference)
    office = await office_by_id(scope, order.office_id)
    left = await refundable(order, wallet=office.wallet)
    spoilt = refusal is not None and refusal.code == "idempotency_key_reused"
    return page(
        request,
        "payment_refund.html",
        status=status_of(refusal) if refusal else 200,
        form=True,
        order=order,
        office=office,
        firm=await exporter_by_id(PLATFORM, order.exporter_id),
        left=left,
        ways=[(way, *_WAYS[way]) for way in left.ways],
        told=told or {},
        key=told["key"] if told and told["key"] and not spoilt else str(uuid4()),
        wrong={refusal.box or "reason": refusal.say} if refusal else {},
    )
