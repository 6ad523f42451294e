"""Paying: applications of one office are chosen, what they owe is shown before anything is written, and an order is paid by wallet or
through the gateway; asked about, cancelled, or its excess credited."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.errors import status_of
from admin.pages.forms import sent
from admin.pages.payments import order_page
from admin.pages.rendering import page
from admin.pages.rights import firms_with, scope_with
from admin.pages.ways import hand_over, ways_of
from admin.parts import parts_of, site_of
from admin.persons import go, person_of
from engine.errors import Conflict, EngineError, NotFound, Refused, Unavailable, Unresolved
from engine.filing import find
from engine.money.orders import MOST_LINES, Order, amount_of, attempts_of, cancel_order, order_by_id, order_by_reference
from engine.money.orders.finding import live_line
from engine.money.owing import Owing, owing_of
from engine.money.paying import ask, open_fee_order, pay_by_wallet, start_payment
from engine.money.paying.excess import credit_excess
from engine.money.readiness import require_payable
from engine.money.terms import terms_of
from engine.people import exporter_by_id
from engine.people.access import RoleKind
from engine.people.offices.keeping import office_by_id
from engine.scope import PLATFORM, Scope

__all__ = ["ASKING", "FEES", "ORDERS", "begin"]

_PER_MINUTE = 20
_ASKED_PER_MINUTE = 6
_MOST_REFERENCES = 200
Deed = Callable[[], Awaitable[Any]]


@get("/", include_in_schema=False)
async def choose(request: Request[Any, Any, Any]) -> Response[Any]:
    """The applications that owe their fee, by firm and office."""
    return await _choose(request)


@get("/fees", include_in_schema=False)
async def fees(request: Request[Any, Any, Any]) -> Response[Any]:
    """What the chosen applications owe, and how it can be paid. Nothing is written by it."""
    references = request.query_params.getall("application", [])[:_MOST_REFERENCES]
    if not references:
        await scope_with(request, "pay")
        return go(request, "/pay")
    try:
        return await _fees(request, await scope_with(request, "pay"), references)
    except NotFound:
        raise
    except Refused as refusal:
        return await _choose(request, refusal, references)


@post("/fees", status_code=200, include_in_schema=False)
async def pay_fees(request: Request[Any, Any, Any]) -> Response[Any]:
    """Opens the order of the chosen applications, or finds the one that is open for them, and pays it."""
    person, site, told = person_of(request), site_of(request), await sent(request, "way", "amount")
    scope, form = await scope_with(request, "pay"), await request.form()
    references = [each for each in form.getall("application", []) if isinstance(each, str)][:_MOST_REFERENCES]
    try:
        owed = await amount_of(scope, references, at=site.clock.now())
        if told["amount"] != str(owed.total_paise):
            say = "What these applications owe has changed since the page was shown. Look at it again, then pay."
            return await _fees(request, scope, references, Conflict(say, code="amount_changed"))
        await require_payable(PLATFORM, owed.office.id, registry=site.registry, at=site.clock.now())
        order = await open_fee_order(scope, references, actor=person.actor, at=site.clock.now())
    except NotFound:
        raise
    except Conflict as conflict:
        if (known := await _ordered(scope, references)) is None:
            raise
        return await order_page(request, known, status=status_of(conflict), told=conflict)
    except Refused as refusal:
        return await _choose(request, refusal, references)
    return await begin(request, scope, order, told["way"])


@post("/{order:str}/gateway", status_code=200, include_in_schema=False)
async def by_gateway(request: Request[Any, Any, Any], order: FromPath[str]) -> Response[Any]:
    """Begins a try through the office's gateway."""
    told, scope = await sent(request, "again"), await scope_with(request, "pay")
    return await begin(request, scope, await order_by_reference(scope, order), "gateway", again=told["again"] == "yes")


@post("/{order:str}/wallet", status_code=200, include_in_schema=False)
async def by_wallet(request: Request[Any, Any, Any], order: FromPath[str]) -> Response[Any]:
    """Pays from the firm's wallet at the office."""
    told, scope = await sent(request, "again"), await scope_with(request, "pay")
    return await begin(request, scope, await order_by_reference(scope, order), "wallet", again=told["again"] == "yes")


@post("/{order:str}/ask", status_code=200, include_in_schema=False)
async def ask_now(request: Request[Any, Any, Any], order: FromPath[str]) -> Response[Any]:
    """Asks the gateway about the newest try whose end is not known, or that failed."""
    site, scope = site_of(request), await _asking_scope(request)
    found = await order_by_reference(scope, order)
    parts_of(request).limits.hit("pay_ask", found.reference, _ASKED_PER_MINUTE)
    attempts = await attempts_of(found)
    wanted = next((attempt for attempt in attempts if attempt.under_way), attempts[0] if attempts else None)
    if wanted is None:
        raise Conflict("Nobody tried to pay this order yet, so there is nothing to ask.", code="attempt_state")
    heard = await ask(wanted.id, cashier=site.cashier(), at=site.clock.now())
    if heard is None:
        say = "The gateway did not answer just now. It is asked again by itself; look again in some minutes."
        return await order_page(request, found, told=Unavailable(say, code="gateway_silent"))
    return go(request, f"/payments/{found.reference}")


@post("/{order:str}/cancel", status_code=200, include_in_schema=False)
async def cancel(request: Request[Any, Any, Any], order: FromPath[str]) -> Response[Any]:
    """Cancels an open order under which no payment is under way."""
    person, site, scope = person_of(request), site_of(request), await scope_with(request, "pay")
    found = await order_by_reference(scope, order)
    return await _do(request, found, lambda: cancel_order(scope, order, actor=person.actor, at=site.clock.now()))


@post("/{order:str}/credit", status_code=200, include_in_schema=False)
async def credit(request: Request[Any, Any, Any], order: FromPath[str]) -> Response[Any]:
    """Puts a payment that nobody owed into the firm's wallet, because the firm wants it there."""
    person, site, scope, told = person_of(request), site_of(request), await scope_with(request, "pay"), await sent(request, "attempt")
    found = await order_by_reference(scope, order)
    wanted = next((each for each in await attempts_of(found) if str(each.id) == told["attempt"]), None)
    if wanted is None:
        raise NotFound("There is no such try to pay.", code="attempt")
    id = wanted.id
    return await _do(request, found, lambda: credit_excess(scope, id, actor=person.actor, at=site.clock.now()))


FEES = [choose, fees, pay_fees]
ORDERS = [by_gateway, by_wallet, cancel, credit]
ASKING = [ask_now]


async def begin(request: Request[Any, Any, Any], scope: Scope, order: Order, way: str, *, again: bool = False) -> Response[Any]:
    """Pays an order by that way: from the wallet at once, or by the page that leads to the gateway. What keeps it from being paid
    stands on the order's page."""
    person, site = person_of(request), site_of(request)
    parts_of(request).limits.hit("pay", str(person.account_id), _PER_MINUTE)
    at = site.clock.now()
    if not order.open:
        return go(request, f"/payments/{order.reference}")
    if way == "wallet":
        return await _do(request, order, lambda: pay_by_wallet(scope, order.reference, again=again, actor=person.actor, at=at))
    if way != "gateway":
        return await order_page(request, order, status=422, told=Refused("Choose how to pay.", box="way", rule="way chosen"))
    try:
        started = await start_payment(scope, order.reference, cashier=site.cashier(), again=again, actor=person.actor, at=at)
    except (Refused, Unavailable, Unresolved) as error:
        return await order_page(request, order, status=status_of(error), told=error)
    return await hand_over(request, order, started)


async def _asking_scope(request: Request[Any, Any, Any]) -> Scope:
    """Who may pay may ask; and an administrator, whose office it is."""
    role = person_of(request).role
    return await scope_with(request, "see" if role is not None and role.kind is RoleKind.ADMINISTRATOR else "pay")


async def _do(request: Request[Any, Any, Any], order: Order, deed: Deed) -> Response[Any]:
    try:
        await deed()
    except NotFound:
        raise
    except (Refused, Unavailable) as error:
        return await order_page(request, order, status=status_of(error), told=error)
    return go(request, f"/payments/{order.reference}")


async def _choose(request: Request[Any, Any, Any], refusal: EngineError | None = None, chosen: Sequence[str] = ()) -> Response[Any]:
    scope = await scope_with(request, "pay")
    found = sorted(
        await owing_of(scope), key=lambda each: (each.exporter, str(each.exporter_id), each.office, str(each.office_id), each.filed_at)
    )

    def place(each: Owing) -> tuple[UUID, UUID]:
        return each.exporter_id, each.office_id

    return page(
        request,
        "pay.html",
        status=status_of(refusal) if refusal else 200,
        places=[(f"{exporter}-{office}", list(some)) for (exporter, office), some in groupby(found, place)],
        firms=len(await firms_with(request, "pay")) > 1,
        chosen=frozenset(chosen),
        bare=request.query_params.get("choose") == "none",
        refusal=refusal,
        most=MOST_LINES,
    )


async def _fees(request: Request[Any, Any, Any], scope: Scope, references: Sequence[str], told: EngineError | None = None) -> Response[Any]:
    site = site_of(request)
    if (known := await _ordered(scope, references)) is not None:
        return go(request, f"/payments/{known.reference}")
    owed = await amount_of(scope, references, at=site.clock.now())
    office = await office_by_id(PLATFORM, owed.office.id)
    terms = await terms_of(PLATFORM, office.id)
    return page(
        request,
        "pay_fees.html",
        status=status_of(told) if told else 200,
        form=True,
        office=office,
        firm=await exporter_by_id(scope, owed.exporter_id),
        firms=len(scope.exporter_ids) > 1,
        lines=[(line.draft.reference, line.draft.application.scheme, line.breakup, 0, None) for line in owed.lines],
        total_paise=owed.total_paise,
        applications=[("application", line.draft.reference) for line in owed.lines],
        ways=await ways_of(site, scope, office, owed.exporter_id, owed.total_paise, terms=terms),
        told=told,
    )


async def _ordered(scope: Scope, references: Sequence[str]) -> Order | None:
    """The order that one of these applications stands in already."""
    for reference in references:
        line = await live_line((await find(scope, reference)).id)
        if line is not None:
            return await order_by_id(scope, line.order_id)
    return None
