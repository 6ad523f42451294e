"""Payments as one reads them: the history of orders, one order with its state in plain words, and its receipts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.pages.payment_words import Standing, attempt_words, order_tag, refund_words, standing_of
from admin.pages.rendering import page
from admin.pages.rights import FIRMS, has_right, scope_with
from admin.pages.ways import ways_of
from admin.parts import parts_of, site_of
from admin.persons import person_of
from engine.contracts.drawing import Mark
from engine.errors import EngineError, NotFound, Refused
from engine.money.orders import Attempt, Order, OrderState, Purpose, attempts_of, lines_of, moves_of, order_by_reference, orders_of
from engine.money.orders.closing import under_way
from engine.money.orders.listing import glances_of
from engine.money.orders.tables import AttemptState, Disposition
from engine.money.paying.refund_once import refundable
from engine.money.paying.refund_rows import refunds_of_order
from engine.money.receipts import Receipt, receipt_by_id, receipts_of_order
from engine.money.terms import terms_by_id
from engine.people import exporter_by_id
from engine.people.access import RoleKind
from engine.people.naming import names_of
from engine.people.offices.keeping import office_by_id, offices_of
from engine.scope import PLATFORM, Scope

__all__ = ["HANDLERS", "mark_of", "order_page", "place_of", "receipt_of"]

_ON_A_PAGE = 25
_DRAWN_PER_MINUTE = 30
_MARK = re.compile(r"([0-9]{10,17})(?:\.([0-9a-f]{32}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tried:
    """A try to pay, as its line on the order's page; `steps` are for staff."""

    attempt: Attempt
    tone: str
    word: str
    say: str
    gateway: str
    steps: Sequence[tuple[datetime, AttemptState, AttemptState, str, str]]
    credits: bool


@get("/", include_in_schema=False)
async def history(request: Request[Any, Any, Any], office: FromQuery[str] = "", before: FromQuery[str] = "") -> Response[Any]:
    """The orders that the person sees, the newest first."""
    person, scope = person_of(request), await scope_with(request, "see")
    state = request.query_params.get("state", "")
    wanted = OrderState(state) if state in set(OrderState) else None
    offices = list(await offices_of(scope)) if person.role and person.role.kind is RoleKind.ADMINISTRATOR else []
    chosen = next((each.id for each in offices if str(each.id) == office), None)
    found = await orders_of(scope, office_id=chosen, state=wanted, **place_of(before), most=_ON_A_PAGE + 1)
    shown, further = found[:_ON_A_PAGE], len(found) > _ON_A_PAGE
    names = await names_of({str(id) for order in shown for id in (order.office_id, order.exporter_id)})
    glances = await glances_of(shown)
    return page(
        request,
        "payments.html",
        orders=[(order, *order_tag(order, glances[order.id].last), glances[order.id]) for order in shown],
        names=names,
        states=list(OrderState),
        state=str(wanted or ""),
        offices=offices,
        office=str(chosen or ""),
        firms=person.role is not None and person.role.kind is not RoleKind.EXPORTER,
        pays=person.role is not None and person.role.kind in FIRMS and "pay" in person.role.rights,
        further=mark_of(shown[-1].made_at, shown[-1].id) if further else "",
        paged=bool(before),
    )


@get("/{order:str}", include_in_schema=False)
async def one(request: Request[Any, Any, Any], order: FromPath[str]) -> Response[Any]:
    """One order: how it stands, what it is for, how it can be paid, every try, receipts and refunds."""
    scope = await scope_with(request, "see")
    return await order_page(request, await order_by_reference(scope, order))


@get("/{order:str}/receipts/{receipt:uuid}", include_in_schema=False)
async def receipt(request: Request[Any, Any, Any], order: FromPath[str], receipt: FromPath[UUID]) -> Response[Any]:
    """A receipt or voucher as a page."""
    found, of = await receipt_of(await scope_with(request, "see"), order, receipt)
    return page(request, "receipt.html", receipt=found, content=found.content, order=of)


@get("/{order:str}/receipts/{receipt:uuid}/receipt.pdf", include_in_schema=False)
async def receipt_pdf(request: Request[Any, Any, Any], order: FromPath[str], receipt: FromPath[UUID]) -> Response[bytes]:
    """The same as PDF."""
    found, _ = await receipt_of(await scope_with(request, "see"), order, receipt)
    parts_of(request).limits.hit("receipts", str(person_of(request).account_id), _DRAWN_PER_MINUTE)
    site = site_of(request)
    pdf = await site.studio().receipt(found.content, mark=Mark.DEMONSTRATION if site.config.site.demo else Mark.NONE)
    name = f"{found.number.replace('/', '-')}.pdf"
    headers = {"cache-control": "private, no-cache", "content-disposition": f'attachment; filename="{name}"'}
    return Response(pdf, media_type="application/pdf", headers=headers)


HANDLERS = [history, one, receipt, receipt_pdf]


async def receipt_of(scope: Scope, reference: str, id: UUID) -> tuple[Receipt, Order]:
    """A receipt of that order. Raises NotFound for one of another order, of another firm, or of none."""
    order = await order_by_reference(scope, reference)
    found = next((each for each in await receipts_of_order(scope, order.id) if each.id == id), None)
    if found is None:
        raise NotFound("There is no such receipt.", code="receipt")
    return await receipt_by_id(scope, id), order


async def order_page(request: Request[Any, Any, Any], order: Order, *, status: int = 200, told: EngineError | None = None) -> Response[Any]:
    """The page of an order; `told` is what became of the deed that was just tried on it."""
    person, site = person_of(request), site_of(request)
    scope, at = person.scope, site.clock.now()
    order = await order_by_reference(scope, order.reference)
    office, firm = await office_by_id(PLATFORM, order.office_id), await exporter_by_id(PLATFORM, order.exporter_id)
    attempts = await attempts_of(order)
    staff = person.role is not None and person.role.kind not in FIRMS
    may_pay = not staff and await has_right(request, "pay", order.exporter_id)
    lines = await lines_of(order)
    ended = bool(lines) and all(line.ended_at for line in lines)
    standing: Standing = standing_of(order, attempts, at, ended=ended)
    decides = person.role is not None and person.role.kind is RoleKind.ADMINISTRATOR
    terms = await terms_by_id(PLATFORM, order.terms_id)
    ways = None
    if order.open and may_pay and (standing.pays or standing.again):
        top_up = order.purpose is Purpose.TOP_UP
        ways = await ways_of(site, scope, office, order.exporter_id, order.amount_paise, terms=terms, top_up=top_up)
    tone, word = order_tag(order, attempts[0].state if attempts else None)
    return page(
        request,
        "payment.html",
        status=status,
        form=True,
        order=order,
        tone=tone,
        word=word,
        standing=standing,
        told=told,
        office=office,
        firm=firm,
        firms=person.role is not None and person.role.kind is not RoleKind.EXPORTER,
        lines=[(line.reference, line.scheme, line.breakup, line.refunded_paise, line.ended_at) for line in lines],
        ways=ways,
        may_pay=may_pay,
        cancels=may_pay and order.open and not await under_way(order),
        tries=[await _tried(request, attempt, at, staff=staff, credits=may_pay and office.wallet) for attempt in attempts],
        receipts=await receipts_of_order(scope, order.id),
        refunds=[(refund, *refund_words(refund)) for refund in await refunds_of_order(scope, order.id)],
        staff=staff,
        decides=decides,
        gives_back=decides and (await refundable(order, wallet=office.wallet)).anything,
    )


async def _tried(request: Request[Any, Any, Any], attempt: Attempt, at: datetime, *, staff: bool, credits: bool) -> Tried:
    tone, word, say = attempt_words(attempt, at)
    gateway = site_of(request).registry.gateways.get(attempt.gateway)
    waits = attempt.disposition is Disposition.EXCESS and attempt.refunded_paise == 0
    title = str(gateway.title) if gateway else attempt.gateway
    return Tried(attempt, tone, word, say, title, await moves_of(attempt) if staff else (), credits and waits)


class Place(TypedDict):
    """Where a page of a list begins: behind that row of that moment, or at the start."""

    before: datetime | None
    behind: UUID | None


def mark_of(moment: datetime, id: UUID) -> str:
    """Where a page of the history ends, as the address of the next one has it: microseconds since 1970, and the id of the last row."""
    return f"{round(moment.timestamp() * 1_000_000)}.{id.hex}"


def place_of(mark: str) -> Place:
    """The place that a mark names. Raises Refused for what no page gave."""
    if not mark:
        return Place(before=None, behind=None)
    parts = _MARK.fullmatch(mark)
    if parts is None:
        raise Refused("The history cannot be read on from there. Begin at its first page.", box="before", rule="mark of a page")
    seconds, micro = divmod(int(parts[1]), 1_000_000)
    return Place(before=datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro), behind=UUID(parts[2]) if parts[2] else None)
