"""A firm's e-wallets: what each holds, its statement line by line, and topping it up. One wallet for each office, and never between two."""

import re
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.errors import status_of
from admin.pages.book_words import statement_rows
from admin.pages.forms import number_of, sent
from admin.pages.pay import begin
from admin.pages.rendering import page
from admin.pages.rights import has_right, scope_with
from admin.pages.wallet_places import Wanted, called, places_to_open, used_wallets
from admin.pages.ways import LEGACY, ways_of
from admin.parts import parts_of, site_of
from admin.persons import person_of
from engine.errors import EngineError, NotFound, Refused
from engine.money.amounts import paise_of
from engine.money.ledger import JournalKind, balance, statement
from engine.money.orders import open_top_up
from engine.money.paying.subjects import orders_behind
from engine.money.terms import terms_of
from engine.money.terms.tables import TopUpIs
from engine.people import exporter_by_id
from engine.people.access import RoleKind
from engine.people.offices.keeping import office_by_id
from engine.scope import PLATFORM, Scope

__all__ = ["HANDLERS"]

_ON_A_PAGE = 50
_SEQ = re.compile(r"[0-9]{1,10}", re.ASCII)
_TOP_UPS_PER_MINUTE = 10


@get("/", include_in_schema=False)
async def overview(
    request: Request[Any, Any, Any],
    office: FromQuery[str] = "",
    firm: FromQuery[str] = "",
    after: FromQuery[str] = "",
    at: FromQuery[str] = "",
) -> Response[Any]:
    """The wallets of the firm, or of a broker's firms, and the offices at which one may be opened: a page of each, as they are searched."""
    scope, person = await scope_with(request, "see"), person_of(request)
    wanted = Wanted.of(office, firm)
    used, further = await used_wallets(scope, wanted, after)
    others, pages = await places_to_open(scope, wanted, number_of(at))
    return page(
        request,
        "wallets.html",
        places=[(each, called(each.agency, each.office)) for each in used],
        others=[(each.id, called(each.agency, each.name), exporter) for each, exporter in others],
        firms=person.role is not None and person.role.kind is RoleKind.BROKER,
        legacy=LEGACY,
        wanted=wanted,
        further=further,
        paged=bool(after),
        at=min(number_of(at), pages),
        pages=pages,
    )


@get("/{place:uuid}/{firm:uuid}", include_in_schema=False)
async def one(request: Request[Any, Any, Any], place: FromPath[UUID], firm: FromPath[UUID], before: FromQuery[str] = "") -> Response[Any]:
    """One wallet with its statement, the newest line first."""
    return await _wallet(request, place, firm, before=before)


@post("/{place:uuid}/{firm:uuid}/top-up", status_code=200, include_in_schema=False)
async def top_up(request: Request[Any, Any, Any], place: FromPath[UUID], firm: FromPath[UUID]) -> Response[Any]:
    """Opens an order for that amount, and leads to the gateway with it."""
    person, site, told = person_of(request), site_of(request), await sent(request, "amount")
    scope = await scope_with(request, "pay")
    parts_of(request).limits.hit("top_up", str(person.account_id), _TOP_UPS_PER_MINUTE)
    try:
        paise = paise_of(told["amount"].strip().replace(",", ""))
        office = await office_by_id(PLATFORM, place)
        ways = await ways_of(site, scope, office, firm, paise, terms=None, top_up=True)
        if not ways.gateway:
            raise Refused(ways.no_gateway, box="amount", rule="payment possible")
        order = await open_top_up(scope, place, firm, paise, actor=person.actor, at=site.clock.now())
    except NotFound:
        raise
    except Refused as refusal:
        return await _wallet(request, place, firm, amount=told["amount"], refusal=refusal)
    return await begin(request, scope, order, "gateway")


HANDLERS = [overview, one, top_up]


async def _wallet(
    request: Request[Any, Any, Any], place: UUID, firm_id: UUID, *, before: str = "", amount: str = "", refusal: EngineError | None = None
) -> Response[Any]:
    site, scope = site_of(request), await scope_with(request, "see")
    firm, office = await _firm(scope, firm_id), await office_by_id(PLATFORM, place)
    found = await balance(scope, place, firm_id)
    lines = await statement(scope, place, firm_id, before=_seq(before), most=_ON_A_PAGE)
    terms = await terms_of(PLATFORM, place)
    may_pay = await has_right(request, "pay", firm_id)
    ways = await ways_of(site, scope, office, firm_id, 0, terms=None, top_up=True) if may_pay else None
    return page(
        request,
        "wallet.html",
        status=status_of(refusal) if refusal else 200,
        form=True,
        office=office,
        called=called(office.agency_name, office.name),
        firm=firm,
        balance=found,
        lines=statement_rows(lines.lines),
        orders=await orders_behind(scope, [line.subject for line in lines.lines]),
        opening=next((line for line in lines.lines if line.kind is JournalKind.OPENING), None),
        further=lines.further,
        paged=bool(before),
        ways=ways,
        may_pay=may_pay,
        terms=terms,
        advance=terms is not None and terms.top_up_is is TopUpIs.ADVANCE,
        amount=amount,
        wrong={"amount": refusal.say} if refusal else {},
        legacy=LEGACY,
    )


async def _firm(scope: Scope, id: UUID) -> Any:
    firm = await exporter_by_id(scope, id)
    if firm is None:
        raise NotFound("There is no such wallet.", code="wallet_unknown")
    return firm


def _seq(text: str) -> int | None:
    if not text:
        return None
    if not _SEQ.fullmatch(text):
        raise Refused("The statement cannot be read on from there. Begin at its first page.", box="before", rule="mark of a page")
    return int(text)
