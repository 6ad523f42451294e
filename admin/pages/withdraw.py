"""Withdrawing an application: what it does is told first, above all what becomes of its fee."""

from typing import Any

from litestar import Request, get, post
from litestar.params import FromPath
from litestar.response import Response

from admin.errors import status_of
from admin.pages.rendering import page
from admin.pages.rights import scope_with
from admin.parts import site_of
from admin.persons import go, person_of
from engine.application import ApplicationState
from engine.errors import Conflict, EngineError, NotFound
from engine.filing import Draft, find
from engine.money import withdraw_application
from engine.money.fees import rupees
from engine.money.orders import OrderState, order_by_id
from engine.money.orders.finding import live_line
from engine.money.owing import FeeIs, fee_standings
from engine.money.terms import terms_by_id
from engine.money.terms.tables import OnEnding
from engine.people import exporter_by_id
from engine.scope import PLATFORM, Scope

__all__ = ["HANDLERS"]

_WITHDRAWN = (ApplicationState.FILED, ApplicationState.QUERIED)


@get("/{application:str}/withdraw", include_in_schema=False)
async def form(request: Request[Any, Any, Any], application: FromPath[str]) -> Response[Any]:
    """Asks whether to do it."""
    return await _form(request, await scope_with(request, "submit"), application)


@post("/{application:str}/withdraw", status_code=200, include_in_schema=False)
async def withdraw(request: Request[Any, Any, Any], application: FromPath[str]) -> Response[Any]:
    """Does it."""
    person, scope = person_of(request), await scope_with(request, "submit")
    draft = await _found(scope, application)
    try:
        await withdraw_application(scope, draft.reference, actor=person.actor, at=site_of(request).clock.now())
    except Conflict as conflict:
        return await _form(request, scope, application, conflict)
    return go(request, f"/dashboard?withdrawn={draft.reference}#applications")


HANDLERS = [form, withdraw]


async def _form(request: Request[Any, Any, Any], scope: Scope, reference: str, told: EngineError | None = None) -> Response[Any]:
    draft = await _found(scope, reference)
    return page(
        request,
        "withdraw.html",
        status=status_of(told) if told else 200,
        form=True,
        application=draft,
        firm=await exporter_by_id(scope, draft.exporter_id),
        possible=draft.state in _WITHDRAWN,
        fee=await _fee(scope, draft),
        told=told,
    )


async def _found(scope: Scope, reference: str) -> Draft:
    """The application. Raises NotFound in the same words for one of another firm and for none."""
    try:
        return await find(scope, reference)
    except NotFound as error:
        raise NotFound("There is no such application.", code="application") from error


async def _fee(scope: Scope, draft: Draft) -> str:
    """What becomes of the fee, in one sentence."""
    line = await live_line(draft.id)
    standing = (await fee_standings(scope, [draft.id])).get(draft.id)
    if standing is not None and standing.standing is FeeIs.WAIVED:
        return "Its fee was waived, so nothing goes back."
    if line is None:
        return "No fee was paid for it, so nothing goes back."
    order = await order_by_id(PLATFORM, line.order_id)
    if order.state is OrderState.OPEN:
        return f"Its fee is not paid. The order {order.reference} is cancelled, and its other applications can be paid in a new one."
    amount = f"Its fee of ₹ {rupees(line.amount_paise - line.refunded_paise)}"
    ending = (await terms_by_id(PLATFORM, order.terms_id)).on_withdrawal
    if standing is not None and standing.standing is FeeIs.SET_ASIDE:
        if ending is OnEnding.KEEP:
            return f"{amount} is set aside in the e-wallet. By the office's terms it is taken, and not paid back."
        return f"{amount} is set aside in the e-wallet, and is let go: it can be spent again at once."
    if ending is OnEnding.KEEP:
        return f"{amount} is not paid back: so say the office's terms, under which it was paid."
    if ending is OnEnding.WALLET or order.paid_by == "wallet":
        return f"{amount} is credited to your e-wallet at this office."
    return f"{amount} is paid back the way it was paid; banks need some days for that."
