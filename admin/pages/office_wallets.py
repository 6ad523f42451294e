"""The e-wallets of an office: which firms have one, what they hold, and freezing one while the office looks into something."""

import re
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.pages.book_words import statement_rows
from admin.pages.forms import sent
from admin.pages.rendering import page
from admin.parts import site_of
from admin.persons import go, person_of, require_fresh
from engine.errors import NotFound, Refused
from engine.money.ledger import freeze_wallet, statement, thaw_wallet, wallets_of
from engine.money.ledger.wallets import Wallet
from engine.money.paying.subjects import orders_behind
from engine.people.offices.keeping import office_by_id

__all__ = ["HANDLERS"]

_ON_A_PAGE = 50
_IEC = re.compile(r"[A-Z0-9]{10}", re.ASCII)
_SEQ = re.compile(r"[0-9]{1,10}", re.ASCII)


@get("/{office:uuid}/wallets", include_in_schema=False)
async def wallets(request: Request[Any, Any, Any], office: FromPath[UUID], after: FromQuery[str] = "") -> Response[Any]:
    """The wallets, by the firm's IEC."""
    scope = person_of(request).scope
    here = await office_by_id(scope, office)
    found = await wallets_of(scope, office_id=here.id, after=after if _IEC.fullmatch(after) else "", most=_ON_A_PAGE + 1)
    shown = found[:_ON_A_PAGE]
    further = shown[-1].iec if len(found) > _ON_A_PAGE else ""
    return page(request, "office_wallets.html", office=here, wallets=shown, further=further, paged=bool(after))


@get("/{office:uuid}/wallets/{firm:uuid}", guards=[require_fresh], include_in_schema=False)
async def wallet(
    request: Request[Any, Any, Any], office: FromPath[UUID], firm: FromPath[UUID], before: FromQuery[str] = ""
) -> Response[Any]:
    """One of them, with its statement."""
    return await _wallet(request, office, firm, before=before)


@post("/{office:uuid}/wallets/{firm:uuid}", guards=[require_fresh], status_code=200, include_in_schema=False)
async def freeze(request: Request[Any, Any, Any], office: FromPath[UUID], firm: FromPath[UUID]) -> Response[Any]:
    """Freezes it, or thaws it, for a reason."""
    person, site, told = person_of(request), site_of(request), await sent(request, "act", "reason")
    here = await office_by_id(person.scope, office)
    deed = thaw_wallet if told["act"] == "thaw" else freeze_wallet
    try:
        await deed(person.scope, here.id, firm, reason=told["reason"], actor=person.actor, at=site.clock.now())
    except NotFound:
        raise
    except Refused as refusal:
        return await _wallet(request, office, firm, reason=told["reason"], wrong={"reason": refusal.say})
    return go(request, f"/offices/{office}/wallets/{firm}")


HANDLERS = [wallets, wallet, freeze]


async def _wallet(
    request: Request[Any, Any, Any], office: UUID, firm: UUID, *, before: str = "", reason: str = "", wrong: dict[str, str] | None = None
) -> Response[Any]:
    scope = person_of(request).scope
    here = await office_by_id(scope, office)
    found = await _of_firm(request, here.id, firm)
    if before and not _SEQ.fullmatch(before):
        raise Refused("The statement cannot be read on from there. Begin at its first page.", box="before", rule="mark of a page")
    lines = await statement(scope, here.id, firm, before=int(before) if before else None, most=_ON_A_PAGE)
    return page(
        request,
        "office_wallet.html",
        status=422 if wrong else 200,
        form=True,
        office=here,
        wallet=found,
        lines=statement_rows(lines.lines),
        orders=await orders_behind(scope, [line.subject for line in lines.lines]),
        further=lines.further,
        paged=bool(before),
        reason=reason,
        wrong=wrong or {},
    )


async def _of_firm(request: Request[Any, Any, Any], office: UUID, firm: UUID) -> Wallet:
    found = await wallets_of(person_of(request).scope, office_id=office, exporter_id=firm, most=1)
    if not found:
        raise NotFound("The firm has no wallet at this office.", code="wallet_unknown")
    return found[0]
