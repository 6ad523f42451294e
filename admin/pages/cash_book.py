"""An office's books: every account with its balance, the lines of one or of all, and both as files for accountants."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath, FromQuery
from litestar.response import Response

from admin.pages.book_words import account_words, line_words
from admin.pages.forms import require_day
from admin.pages.rendering import page
from admin.parts import parts_of, site_of
from admin.persons import person_of
from engine.clock import ist_day
from engine.errors import NotFound, Refused
from engine.money.ledger import Account, Role, cash_book, trial_balance
from engine.money.paying.subjects import orders_behind
from engine.money.receipts import as_csv, as_xlsx, journal_sheet, receipt_sheet
from engine.people import OfficeHere
from engine.people.naming import names_of
from engine.people.offices.keeping import office_by_id

__all__ = ["HANDLERS"]

_ON_A_PAGE = 50
_FILES_PER_MINUTE = 6
_SHEETS = {"receipts": receipt_sheet, "journals": journal_sheet}
_TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@get("/{office:uuid}/books", include_in_schema=False)
async def books(
    request: Request[Any, Any, Any], office: FromPath[UUID], account: FromQuery[str] = "", before: FromQuery[str] = ""
) -> Response[Any]:
    """The trial balance, and a page of the cash-book."""
    here = await office_by_id(person_of(request).scope, office)
    return await _books(request, here, account=account, before=before)


@get("/{office:uuid}/books/export", include_in_schema=False)
async def file(
    request: Request[Any, Any, Any],
    office: FromPath[UUID],
    what: FromQuery[str] = "receipts",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    kind: FromQuery[str] = "csv",
) -> Response[Any]:
    """Receipts or journals of a period, the present month if none is named, as CSV or XLSX."""
    person, site = person_of(request), site_of(request)
    here = await office_by_id(person.scope, office)
    parts_of(request).limits.hit("books_file", str(person.account_id), _FILES_PER_MINUTE)
    today = ist_day(site.clock.now())
    try:
        first = require_day(since, "since") if since else today.replace(day=1)
        last = require_day(until, "until") if until else today
        if what not in _SHEETS or kind not in _TYPES:
            raise Refused("Choose receipts or journals, as CSV or XLSX.", box="since", rule="kind of file")
        sheet = await _SHEETS[what](person.scope, here.id, since=first, until=last)
    except NotFound:
        raise
    except Refused as refusal:
        return await _books(request, here, since=since, until=until, wrong={refusal.box or "until": refusal.say})
    at = site.clock.now()
    data = await asyncio.to_thread(as_csv, sheet) if kind == "csv" else await asyncio.to_thread(as_xlsx, sheet, made_at=at)
    name = f"{here.agency_code}-{here.code}-{what}-{first.isoformat()}-{last.isoformat()}.{kind}"
    return Response(data, media_type=_TYPES[kind], headers={"content-disposition": f'attachment; filename="{name}"'})


HANDLERS = [books, file]


async def _books(
    request: Request[Any, Any, Any],
    office: OfficeHere,
    *,
    account: str = "",
    before: str = "",
    since: str = "",
    until: str = "",
    wrong: dict[str, str] | None = None,
) -> Response[Any]:
    scope, today = person_of(request).scope, ist_day(site_of(request).clock.now())
    trial = await trial_balance(scope, office.id)
    wanted = _account(account)
    found = await cash_book(scope, office.id, account=wanted, before=before or None, most=_ON_A_PAGE)
    firms = await names_of({str(side.exporter_id) for line in found.lines for side in (line.debit, line.credit) if side.exporter_id})

    def side(account: Account) -> str:
        name, _ = account_words(account)
        return f"Wallet of {firms.get(str(account.exporter_id), 'a firm')}" if account.exporter_id else name

    return page(
        request,
        "books.html",
        status=422 if wrong else 200,
        office=office,
        trial=trial,
        accounts=[(line, *account_words((line.role, line.detail)), _name_of(line.role, line.detail)) for line in trial.lines],
        account=account if wanted else "",
        called=account_words(wanted)[0] if wanted else "",
        lines=[(line, line_words(line), side(line.debit), side(line.credit)) for line in found.lines],
        orders=await orders_behind(scope, [line.subject for line in found.lines]),
        further=found.further,
        paged=bool(before),
        since=since or today.replace(day=1).isoformat(),
        until=until or today.isoformat(),
        wrong=wrong or {},
    )


def _name_of(role: Role, detail: str) -> str:
    """How an address names an account; wallets have none here: each has its statement."""
    return "" if role is Role.WALLET else f"{role}:{detail}"


def _account(name: str) -> Account | None:
    """The account that an address names; None for all. Raises NotFound for what names none."""
    if not name:
        return None
    role, _, detail = name.partition(":")
    try:
        return Account(Role(role), detail)
    except ValueError as error:
        raise NotFound("There is no such account in the books.", code="account") from error
