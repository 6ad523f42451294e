"""Payments by machine: orders opened, looked up and paid, wallets, receipts and refunds.

Paying needs a key with the right `pay`, of an exporter or a broker: an agency's key reads. Whoever pays through a gateway sends a
person's browser there; what counts is what the gateway then says of it.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter
from litestar.response import Response

from admin.api.applications import IdempotencyKey
from admin.api.description import asking, errors
from admin.api.once import Once
from admin.api.payment_answers import (
    HandoverAnswer,
    OrderAnswer,
    OrderList,
    OrderShort,
    ReceiptAnswer,
    ReceiptList,
    RefundAnswer,
    RefundList,
    StatementAnswer,
    WalletAnswer,
)
from admin.api.payment_deeds import ORDERING, PAYING, Ordering, TopUp
from admin.guards import caller_of
from admin.pages.payments import mark_of, place_of
from admin.pages.ways import origin_of
from admin.parts import parts_of, site_of
from engine.contracts.drawing import Mark
from engine.errors import Forbidden, NotFound, Refused
from engine.money.ledger import balance, statement, wallets_of
from engine.money.orders import Order, OrderState, Purpose, attempts_of, lines_of, open_top_up, order_by_reference, orders_of
from engine.money.paying import open_fee_order, pay_by_wallet, start_payment
from engine.money.paying.refund_rows import refunds_of
from engine.money.receipts import Receipt, receipt_by_id, receipts_of, receipts_of_order
from engine.money.terms import refund_sentence, terms_by_id
from engine.people import Caller, ExporterHere, OfficeHere, find_office
from engine.people.firms.exporters import exporter_by_id, exporter_by_iec
from engine.people.offices.keeping import office_by_id
from engine.scope import PLATFORM, Scope, ScopeKind

__all__ = ["HANDLERS"]

_Asked = Request[Any, Any, Any]
_MOST = 200
_STARTS_PER_MINUTE = 60
_DRAWN_PER_MINUTE = 60
_Limit = Annotated[int, QueryParameter(ge=1, le=_MOST, description="How many at most.")]
_Before = Annotated[str, QueryParameter(name="before", max_length=60, description="`next_before` of the page before; none for the first.")]
_Agency = Annotated[str, QueryParameter(name="agency", max_length=12, description="Code of the agency.")]
_Office = Annotated[str, QueryParameter(name="office", max_length=4, description="Code of the agency's office.")]
_Iec = Annotated[str | None, QueryParameter(name="iec", max_length=10, description="The firm, where the key acts for several.")]
_Order = Annotated[str, QueryParameter(name="order", max_length=20, description="Reference of an order, for its documents alone.")]
_READING = errors(401, 403, 404, 422)


@post("/orders", operation_class=asking("PaymentOrdering"), responses=errors(401, 403, 404, 409, 413, 422))
async def create(request: _Asked, idempotency_key: IdempotencyKey = None) -> OrderAnswer:
    """Open an order: the fees of 1 to 50 filed applications with their tax and terms frozen, or a top-up of a wallet. Nothing is paid yet."""
    caller, site, body = caller_of(request), site_of(request), await request.body()
    scope, at = _paying_scope(caller), site.clock.now()
    once = Once(caller.actor, idempotency_key, b"order\n" + body, OrderAnswer)
    if known := await once.before(at):
        return known
    asked: Ordering = ORDERING.read(body)
    if (asked.applications is None) == (asked.top_up is None):
        raise Refused("An order is for applications, or for a top-up: name one of the two.", box="applications", rule="one of two")

    async def deed() -> OrderAnswer:
        if asked.top_up is not None:
            order = await _top_up(scope, asked.top_up, caller, at)
        else:
            order = await open_fee_order(scope, asked.applications or [], actor=caller.actor, at=at)
        return await _whole(scope, order, at)

    return await once.now(deed, at=at)


@get("/orders", responses=errors(401, 403, 422))
async def listed(
    request: _Asked,
    wanted: Annotated[OrderState | None, QueryParameter(name="state", description="Only those in this state.")] = None,
    limit: _Limit = 50,
    before: _Before = "",
) -> OrderList:
    """List the orders that the key covers, newest first."""
    scope = caller_of(request).require("see")
    found = await orders_of(scope, state=wanted, **place_of(before), most=limit)
    names = await _names(found)
    return OrderList(
        [OrderShort.of(order, names) for order in found], mark_of(found[-1].made_at, found[-1].id) if len(found) == limit else None
    )


@get("/orders/{reference:str}", responses=errors(401, 403, 404))
async def one(request: _Asked, reference: FromPath[str]) -> OrderAnswer:
    """Look up an order: its break-up, every try to pay it, and how it stands in words."""
    scope = caller_of(request).require("see")
    return await _whole(scope, await order_by_reference(scope, reference), site_of(request).clock.now())


@post("/orders/{reference:str}/payments", operation_class=asking("PaymentPaying"), responses=errors(202, 401, 403, 404, 409, 422, 429, 503))
async def start(request: _Asked, reference: FromPath[str]) -> HandoverAnswer:
    """Begin a payment through the office's gateway, and learn where the payer's browser goes.

    While another one may still come it is a conflict, so sending this twice begins one payment; a 202 means that nobody knows
    whether it began: look at the order, and do not repeat it.
    """
    caller, site = caller_of(request), site_of(request)
    scope, body = _paying_scope(caller), await request.body()
    parts_of(request).limits.hit("api_pay", caller.actor, _STARTS_PER_MINUTE)
    again = PAYING.read(body).again if body.strip() else False
    order = await order_by_reference(scope, reference)
    started = await start_payment(scope, reference, cashier=site.cashier(), again=again, actor=caller.actor, at=site.clock.now())
    attempt = (await attempts_of(order))[0]
    origin_of(site, attempt.gateway, started.handover.url)
    return HandoverAnswer.of(started, order, attempt)


@post(
    "/orders/{reference:str}/wallet",
    status_code=200,
    operation_class=asking("PaymentPaying"),
    responses=errors(401, 403, 404, 409, 422, 429),
)
async def by_wallet(request: _Asked, reference: FromPath[str]) -> OrderAnswer:
    """Pay an order from the firm's wallet at its office; one that the wallet paid before stays as it is."""
    caller, site = caller_of(request), site_of(request)
    scope, body, at = _paying_scope(caller), await request.body(), site.clock.now()
    parts_of(request).limits.hit("api_pay", caller.actor, _STARTS_PER_MINUTE)
    again = PAYING.read(body).again if body.strip() else False
    return await _whole(scope, await pay_by_wallet(scope, reference, again=again, actor=caller.actor, at=at), at)


@get("/wallet", responses=_READING)
async def wallet(request: _Asked, agency: _Agency, office: _Office, iec: _Iec = None) -> WalletAnswer:
    """Look up the balance of a wallet: posted, held, available."""
    scope = caller_of(request).require("see")
    here, firm = await _place(scope, agency, office, iec)
    found = await balance(scope, here.id, firm.id)
    return WalletAnswer.of(found, agency=here.agency_code, office=here.code, iec=firm.iec, on=here.wallet)


@get("/wallet/statement", responses=_READING)
async def lines(
    request: _Asked, agency: _Agency, office: _Office, iec: _Iec = None, limit: _Limit = 50, before: _Before = ""
) -> StatementAnswer:
    """List the lines of a wallet, newest first, each with the balance behind it."""
    scope = caller_of(request).require("see")
    here, firm = await _place(scope, agency, office, iec)
    if before and not re.fullmatch(r"[0-9]{1,10}", before, re.ASCII):
        raise Refused("The statement cannot be read on from there. Begin at its first page.", box="before", rule="mark of a page")
    return StatementAnswer.of(await statement(scope, here.id, firm.id, before=int(before) if before else None, most=limit))


@get("/receipts", responses=errors(401, 403, 404, 422))
async def receipts(request: _Asked, order: _Order = "", limit: _Limit = 50, before: _Before = "") -> ReceiptList:
    """List receipts and vouchers, newest first; of one order, where it is named."""
    scope = caller_of(request).require("see")
    if order:
        found: Sequence[Receipt] = await receipts_of_order(scope, (await order_by_reference(scope, order)).id)
        return ReceiptList([ReceiptAnswer.of(each) for each in found], None)
    found = await receipts_of(scope, before=await receipt_by_id(scope, _id(before)) if before else None, most=limit)
    return ReceiptList([ReceiptAnswer.of(each) for each in found], str(found[-1].id) if len(found) == limit else None)


@get("/receipts/{receipt:uuid}/pdf", media_type="application/pdf", responses=errors(401, 403, 404, 429, 503))
async def receipt_pdf(request: _Asked, receipt: FromPath[UUID]) -> Response[bytes]:
    """Download a receipt or voucher as PDF."""
    caller, site = caller_of(request), site_of(request)
    found = await receipt_by_id(caller.require("see"), receipt)
    parts_of(request).limits.hit("api_receipts", caller.actor, _DRAWN_PER_MINUTE)
    pdf = await site.studio().receipt(found.content, mark=Mark.DEMONSTRATION if site.config.site.demo else Mark.NONE)
    name = f"{found.number.replace('/', '-')}.pdf"
    return Response(pdf, media_type="application/pdf", headers={"content-disposition": f'attachment; filename="{name}"'})


@get("/refunds", responses=errors(401, 403, 422))
async def refunds(request: _Asked, limit: _Limit = 50, before: _Before = "") -> RefundList:
    """List refunds, newest first, and where each stands."""
    found = await refunds_of(caller_of(request).require("see"), **place_of(before), most=limit)
    return RefundList([RefundAnswer.of(each) for each in found], mark_of(found[-1].asked_at, found[-1].id) if len(found) == limit else None)


HANDLERS = [create, listed, one, start, by_wallet, wallet, lines, receipts, receipt_pdf, refunds]


def _paying_scope(caller: Caller) -> Scope:
    """Whose fees the key may pay. Raises Forbidden without the right, and for an agency's key: it never spends a firm's money."""
    scope = caller.require("pay")
    if scope.kind not in {ScopeKind.EXPORTER, ScopeKind.BROKER}:
        raise Forbidden("An agency's key pays nothing: an exporter or their broker does.", code="key_right")
    return scope


async def _top_up(scope: Scope, asked: TopUp, caller: Caller, at: datetime) -> Order:
    here, firm = await _place(scope, asked.agency, asked.office, asked.iec)
    return await open_top_up(scope, here.id, firm.id, asked.amount_paise, actor=caller.actor, at=at)


async def _place(scope: Scope, agency: str, office: str, iec: str | None) -> tuple[OfficeHere, ExporterHere]:
    """The office and the firm of a wallet. Raises Refused for codes that name no office, and where the firm is to be named."""
    here = await find_office(PLATFORM, agency.strip().upper(), office.strip().upper())
    here = await office_by_id(PLATFORM, here.id)
    if iec is None:
        if len(scope.exporter_ids) != 1:
            raise Refused("Name the firm by its IEC: this key acts for several, or for none.", box="iec", rule="firm named")
        firm = await exporter_by_id(scope, next(iter(scope.exporter_ids)))
    else:
        asked = PLATFORM if scope.kind is ScopeKind.AGENCY and scope.agency_id == here.agency_id else scope
        firm = await exporter_by_iec(asked, iec.strip().upper())
    if firm is None:
        raise NotFound("There is no such firm.", code="exporter", box="iec", rule="known IEC")
    if scope.kind is ScopeKind.AGENCY and not await wallets_of(scope, office_id=here.id, exporter_id=firm.id, most=1):
        raise NotFound("There is no such firm.", code="exporter", box="iec", rule="known IEC")  # it learns of its own wallets alone
    return here, firm


async def _whole(scope: Scope, order: Order, at: datetime) -> OrderAnswer:
    terms = await terms_by_id(PLATFORM, order.terms_id)
    return OrderAnswer.of(
        order,
        await _names([order]),
        lines=await lines_of(order),
        attempts=await attempts_of(order),
        receipts=await receipts_of_order(scope, order.id),
        refund_rule="" if order.purpose is Purpose.TOP_UP else refund_sentence(terms),
        at=at,
    )


async def _names(orders: Iterable[Order]) -> dict[Any, str]:
    """Codes of agencies and offices, and IECs, of orders that a scope found, by their ids."""
    found: dict[Any, str] = {}
    for office in {order.office_id for order in orders}:
        here = await office_by_id(PLATFORM, office)
        found |= {here.id: here.code, here.agency_id: here.agency_code}
    for exporter in {order.exporter_id for order in orders}:
        firm = await exporter_by_id(PLATFORM, exporter)
        found[exporter] = firm.iec if firm else ""
    return found


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such receipt.", code="receipt") from error
