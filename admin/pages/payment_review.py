"""What waits for a person of the office: payments under review, payments that were told twice, payments that nobody owed, and
refunds that no gateway ends.

Each decision asks for a fresh proof and for a reason, and the audit names who decided.
"""

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.errors import status_of
from admin.pages.forms import sent
from admin.pages.payment_words import attempt_words, refund_tag, refund_words
from admin.pages.payments import mark_of, place_of
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import EngineError, NotFound, Refused
from engine.money.orders import Attempt, AttemptState, Disposition, attempt_by_id, moves_of, order_by_id
from engine.money.orders.listing import amounts_named, reasons_of
from engine.money.orders.tables import RefundState, RefundTo, RefundWhy
from engine.money.paying.excess import excess_queue, refund_excess
from engine.money.paying.refund_rows import Refund, refund_by_id, refunds_of
from engine.money.paying.reviewing import (
    ReviewDecision,
    answer_doubt,
    decide_refund,
    doubt_about,
    doubted_queue,
    refund_otherwise,
    refunds_waiting,
    release_review,
    review_queue,
)
from engine.people import exporter_by_id
from engine.people.naming import names_of
from engine.people.offices.keeping import office_by_id
from engine.scope import PLATFORM

__all__ = ["HANDLERS"]

_ON_A_PAGE = 50
DECISIONS = (
    (ReviewDecision.SUCCEEDED, "The money came", "It pays its order, or, where the order is over, is owed back to the firm."),
    (ReviewDecision.FAILED, "No money came", "The firm may pay again. A success that the gateway tells later still counts."),
    (ReviewDecision.ASK_AGAIN, "Ask the gateway again", "The payment goes on being asked about; what is heard decides."),
)
_BACK = (
    (RefundTo.SOURCE, "Back the way it came", "The gateway is asked for it within minutes."),
    (RefundTo.BY_HAND, "By the office itself", "For a gateway that gives nothing back: transfer the money, then say so here."),
)
_OTHERWISE = (
    (RefundTo.BY_HAND, "The office moved the money itself", "Say when and how, so that the books and the bank agree."),
    (RefundTo.WALLET, "Credit the firm's e-wallet", "At once; the firm spends it on other fees here."),
)


@get("/review", include_in_schema=False)
async def queue(request: Request[Any, Any, Any]) -> Response[Any]:
    """All that waits, who waits longest first."""
    scope, at = person_of(request).scope, site_of(request).clock.now()
    reviews, excess, refunds = await review_queue(scope), await excess_queue(scope), await refunds_waiting(scope)
    doubted = await doubted_queue(scope)
    waiting: list[Attempt | Refund] = [*reviews, *doubted, *excess, *refunds]
    why = await reasons_of(reviews)
    ids = {str(id) for each in waiting for id in (each.office_id, each.exporter_id)}
    return page(
        request,
        "payment_queue.html",
        reviews=[(each, why.get(each.id, "")) for each in reviews],
        doubted=[(each, await doubt_about(each)) for each in doubted],
        excess=[(each, attempt_words(each, at)[2]) for each in excess],
        refunds=[(each, *refund_words(each)) for each in refunds],
        names=await names_of(ids),
    )


@get("/review/{attempt:uuid}", guards=[require_fresh], include_in_schema=False)
async def look(request: Request[Any, Any, Any], attempt: FromPath[UUID]) -> Response[Any]:
    """One payment, what is known of it, and what can be decided."""
    return await _look(request, attempt)


@post("/review/{attempt:uuid}", guards=[require_fresh], status_code=200, include_in_schema=False)
async def decide(request: Request[Any, Any, Any], attempt: FromPath[UUID]) -> Response[Any]:
    """Decides about it: a payment under review, one of which another success was told, or one that nobody owed."""
    person, site, told = person_of(request), site_of(request), await sent(request, "decision", "back_to", "reason")
    found, at = await attempt_by_id(person.scope, attempt), site.clock.now()
    try:
        if found.state is AttemptState.REVIEW:
            decision = _one_of(ReviewDecision, told["decision"], "decision", "Choose what you found.")
            await release_review(person.scope, attempt, decision, told["reason"], cashier=site.cashier(), actor=person.actor, at=at)
        elif found.doubted_at is not None:
            await answer_doubt(person.scope, attempt, told["reason"], actor=person.actor, at=at)
        else:
            back_to = _one_of(RefundTo, told["back_to"], "back_to", "Choose how the money goes back.")
            await refund_excess(person.scope, attempt, back_to=back_to, reason=told["reason"], actor=person.actor, at=at)
    except NotFound:
        raise
    except Refused as refusal:
        return await _look(request, attempt, told, refusal)
    return go(request, "/payments/review")


@get("/refunds", include_in_schema=False)
async def refunds(request: Request[Any, Any, Any], before: FromQuery[str] = "") -> Response[Any]:
    """Every refund, the newest first."""
    state = request.query_params.get("state", "")
    wanted = [RefundState(state)] if state in set(RefundState) else []
    found = await refunds_of(person_of(request).scope, states=wanted, **place_of(before), most=_ON_A_PAGE + 1)
    shown = found[:_ON_A_PAGE]
    return page(
        request,
        "refunds.html",
        refunds=[(each, *refund_words(each)) for each in shown],
        names=await names_of({str(id) for each in shown for id in (each.office_id, each.exporter_id)}),
        states=[(each, refund_tag(each)) for each in RefundState],
        state=state if wanted else "",
        further=mark_of(shown[-1].asked_at, shown[-1].id) if len(found) > _ON_A_PAGE else "",
        paged=bool(before),
    )


@get("/refunds/{refund:uuid}", guards=[require_fresh], include_in_schema=False)
async def refund(request: Request[Any, Any, Any], refund: FromPath[UUID]) -> Response[Any]:
    """One refund, and what the office can do about it."""
    return await _refund(request, refund)


@post("/refunds/{refund:uuid}", guards=[require_fresh], status_code=200, include_in_schema=False)
async def end_refund(request: Request[Any, Any, Any], refund: FromPath[UUID]) -> Response[Any]:
    """Ends it by the office's hand, or by what a person saw."""
    person, site, told = person_of(request), site_of(request), await sent(request, "back_to", "done", "reason")
    found, at = await refund_by_id(person.scope, refund), site.clock.now()
    try:
        if found.state in (RefundState.UNKNOWN, RefundState.PENDING):
            if told["done"] not in {"yes", "no"}:
                raise Refused("Say whether the money went back.", box="done", rule="what was seen")
            done = told["done"] == "yes"
            await decide_refund(person.scope, refund, done=done, reason=told["reason"], actor=person.actor, at=at)
        else:
            back_to = _one_of(RefundTo, told["back_to"], "back_to", "Choose what becomes of the money.")
            await refund_otherwise(person.scope, refund, back_to=back_to, reason=told["reason"], actor=person.actor, at=at)
    except NotFound:
        raise
    except Refused as refusal:
        return await _refund(request, refund, told, refusal)
    return go(request, "/payments/review")


HANDLERS = [queue, look, decide, refunds, refund, end_refund]


def _one_of(kind: Any, text: str, box: str, say: str) -> Any:
    """The word of an enumeration that a form sent. Raises Refused."""
    if text not in set(kind):
        raise Refused(say, box=box, rule="chosen")
    return kind(text)


async def _look(
    request: Request[Any, Any, Any], id: UUID, told: dict[str, str] | None = None, refusal: EngineError | None = None
) -> Response[Any]:
    scope, site = person_of(request).scope, site_of(request)
    attempt = await attempt_by_id(scope, id)
    gateway = site.registry.gateways.get(attempt.gateway)
    return page(
        request,
        "payment_decide.html",
        status=status_of(refusal) if refusal else 200,
        form=True,
        attempt=attempt,
        words=attempt_words(attempt, site.clock.now()),
        gateway=str(gateway.title) if gateway else attempt.gateway,
        order=await order_by_id(scope, attempt.order_id),
        office=await office_by_id(scope, attempt.office_id),
        firm=await exporter_by_id(PLATFORM, attempt.exporter_id),
        steps=await moves_of(attempt),
        named=await amounts_named(attempt),
        decisions=DECISIONS if attempt.state is AttemptState.REVIEW else (),
        doubt=await doubt_about(attempt) if attempt.doubted_at is not None else "",
        ways=_BACK if attempt.doubted_at is None and attempt.disposition is Disposition.EXCESS and not attempt.refunded_paise else (),
        told=told or {},
        wrong={refusal.box or "reason": refusal.say} if refusal else {},
    )


async def _refund(
    request: Request[Any, Any, Any], id: UUID, told: dict[str, str] | None = None, refusal: EngineError | None = None
) -> Response[Any]:
    scope = person_of(request).scope
    found: Refund = await refund_by_id(scope, id)
    unknown = found.state in (RefundState.UNKNOWN, RefundState.PENDING)
    return page(
        request,
        "refund_decide.html",
        status=status_of(refusal) if refusal else 200,
        form=True,
        refund=found,
        words=refund_words(found),
        order=await order_by_id(scope, found.order_id),
        office=await office_by_id(scope, found.office_id),
        firm=await exporter_by_id(PLATFORM, found.exporter_id),
        ways=(_OTHERWISE[:1] if found.why is RefundWhy.TOP_UP else _OTHERWISE) if found.waits_for_hands and not unknown else (),
        unknown=found.waits_for_hands and unknown,
        told=told or {},
        wrong={refusal.box or "reason": refusal.say} if refusal else {},
    )
