"""The register of agencies, written: who is listed under which appendix and notice, and what each may certify.

Promises that an entry is never removed, only ended, with the first day on which it is over; that two entries which say the same
do not overlap; and that people of an agency whose listing is over are signed out in the same unit of work. Certificates of a
delisted agency stay what they are.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime
from typing import Any
from uuid import UUID

from engine.clock import ist_day
from engine.contracts.form import Form
from engine.errors import Conflict, NotFound, Problem, Refused
from engine.mail import Letter, write_letter
from engine.people.access.sessions import end_all
from engine.people.agencies.tables import Certifies
from engine.people.listing import in_force, listed
from engine.people.plain_text import reason_of, text_fault, tidy
from engine.people.printed_names import agency_problem
from engine.people.tables import Administrator, Agency, AgencyListing, Appendix, Office, Officer
from engine.store import SecretBox, audit, uow

__all__ = [
    "add_certifies",
    "add_listing",
    "delist",
    "end_certifies",
    "end_listing",
    "enter_agency",
    "products_of",
    "rename_agency",
    "require_listed_from",
]

_CODE = re.compile(r"[A-Z][A-Z0-9]{1,11}", re.ASCII)
_SCHEME = re.compile(r"[A-Z0-9_]{1,20}", re.ASCII)
_PRODUCT = re.compile(r"[0-9]{2,10}", re.ASCII)
_MOST_PRODUCTS = 2000
_LONGEST_REASON = 400


async def enter_agency(code: str, name: str, *, forms: Iterable[Form] = (), actor: str, at: datetime) -> UUID:
    """Enters an agency, listed under nothing yet, and gives its id.

    Raises Refused for a wrong code or name, or a name that one of the `forms` has no room for; Conflict for a known code.
    """
    name = _named(name)
    _require_room(name, (), forms)
    if not _CODE.fullmatch(code):
        say = "The code of an agency is 2 to 12 capitals and digits and begins with a letter, such as EIA; numbers begin with it."
        raise Refused(say, box="code", rule="code of the agency")
    agency = Agency(code=code, name=name)
    async with uow():
        if await Agency.exists().where(Agency.code == code):
            raise Conflict(f"The register has an agency {code} already.", code="agency", box="code")
        await Agency.insert(agency)
        await audit("agency_added", room="people", subject=str(agency.id), actor=actor, at=at, agency=agency.id, detail={"code": code})
    return UUID(str(agency.id))


async def rename_agency(agency_id: UUID, name: str, *, forms: Iterable[Form] = (), actor: str, at: datetime) -> None:
    """Changes the name that pages and certificates to come show. Raises Refused as `enter_agency` does, beside each of its offices."""
    name = _named(name)
    offices = await Office.select(Office.name, Office.city).where(Office.agency == agency_id)
    _require_room(name, [(row["name"], row["city"]) for row in offices], forms)  # it takes its time: nothing is held meanwhile
    async with uow():
        await _hold(agency_id)
        await Agency.update({Agency.name: name}).where(Agency.id == agency_id)
        await audit("agency_renamed", room="people", subject=str(agency_id), actor=actor, at=at, agency=agency_id)


async def add_listing(
    agency_id: UUID, appendix: str, starts_on: date, *, ends_on: date | None = None, notice: str = "", actor: str, at: datetime
) -> UUID:
    """Lists an agency under an appendix from a day on. Raises Refused for days in the wrong order, Conflict for an overlap."""
    _known(appendix)
    row = AgencyListing(agency=agency_id, appendix=str(appendix), starts_on=starts_on, ends_on=ends_on, notice=_notice(notice))
    _in_order(starts_on, ends_on)
    async with uow():
        await _hold(agency_id)
        same = await AgencyListing.select().where(AgencyListing.agency == agency_id, AgencyListing.appendix == str(appendix))
        if _overlaps(same, starts_on, ends_on):
            raise Conflict(f"The agency is listed under {appendix} in that time already.", code="listed", box="starts_on")
        await AgencyListing.insert(row)
        detail = {"appendix": str(appendix), "starts_on": starts_on.isoformat(), "ends_on": _day(ends_on)}
        await audit("listing_added", room="people", subject=str(row.id), actor=actor, at=at, agency=agency_id, detail=detail)
    return UUID(str(row.id))


async def end_listing(
    agency_id: UUID, listing: UUID, ends_on: date, *, reason: str = "", followed: bool = False, actor: str, at: datetime
) -> None:
    """Ends one listing of several: `ends_on`, today or later, is the first day without it.

    Raises Refused where the agency would not be listed on that day: that is a delisting, with a reason and letters. Whoever
    ends one that another one follows on that day says `followed`, enters it, and asks `require_listed_from` afterwards.
    """
    async with uow():
        await _hold(agency_id)
        row = await AgencyListing.select().where(AgencyListing.id == listing, AgencyListing.agency == agency_id).first()
        await _end(AgencyListing, row, ends_on, act="listing_ended", reason=reason, actor=actor, at=at)
        if not followed:
            await require_listed_from(agency_id, ends_on)


async def require_listed_from(agency_id: UUID, day: date) -> None:
    """Raises Refused unless the agency is listed on that day, on which a listing of it ends."""
    if not await AgencyListing.exists().where(AgencyListing.agency == agency_id, in_force(AgencyListing, day)):
        say = (
            "Nothing else lists the agency on that day. Use Delist, with a reason that its administrators are told, "
            "or list it otherwise from that day first."
        )
        raise Refused(say, box="ends_on", rule="last listing by delisting")


async def delist(agency_id: UUID, starts_on: date, *, reason: str, box: SecretBox, actor: str, at: datetime) -> None:
    """Ends every listing of an agency from that day on, and tells its administrators by mail. Its certificates stay verifiable.

    Raises Refused for a day that is over or without a reason, Conflict for an agency that is not listed then anyway.
    """
    if starts_on < ist_day(at):
        raise Refused("An agency is delisted from today on or later.", box="delisted_on", rule="today or later")
    reason = reason_of(reason, most=_LONGEST_REASON)
    async with uow():
        await _hold(agency_id)
        rows = await AgencyListing.select().where(
            AgencyListing.agency == agency_id, (AgencyListing.ends_on.is_null()) | (AgencyListing.ends_on > starts_on)
        )
        if not rows:
            raise Conflict("The agency is not listed on that day anyway.", code="listed", box="delisted_on")
        for row in rows:
            ends_on = max(starts_on, row["starts_on"])
            await _end(AgencyListing, row, ends_on, act="listing_ended", reason=reason, actor=actor, at=at)
        detail = {"from": starts_on.isoformat()}
        await audit("agency_delisted", room="people", subject=str(agency_id), actor=actor, at=at, agency=agency_id, detail=detail)
        await _tell_delisted(agency_id, starts_on, reason, box, at)
        await _sign_out_unlisted(agency_id, at)


async def add_certifies(
    agency_id: UUID,
    appendix: str,
    *,
    scheme: str = "",
    products: Iterable[str] = (),
    starts_on: date,
    ends_on: date | None = None,
    notice: str = "",
    actor: str,
    at: datetime,
) -> UUID:
    """Records what an agency may certify: an agreement, or all of the appendix's kind; all goods, or those of some HS codes."""
    _known(appendix)
    if scheme and not _SCHEME.fullmatch(scheme):
        raise Refused("An agreement is named by its code, such as AIFTA.", box="scheme", rule="agreement")
    _in_order(starts_on, ends_on)
    row = Certifies(
        agency=agency_id,
        appendix=str(appendix),
        scheme=scheme,
        products=products_of(products),
        starts_on=starts_on,
        ends_on=ends_on,
        notice=_notice(notice),
    )
    async with uow():
        await _hold(agency_id)
        alike = (Certifies.appendix == row.appendix, Certifies.scheme == scheme, Certifies.products == row.products)
        if _overlaps(await Certifies.select().where(Certifies.agency == agency_id, *alike), starts_on, ends_on):
            raise Conflict("The register says so already for that time.", code="certifies", box="scheme")
        await Certifies.insert(row)
        detail = {"appendix": row.appendix, "scheme": scheme, "products": row.products[:200], "starts_on": starts_on.isoformat()}
        await audit("certifies_added", room="people", subject=str(row.id), actor=actor, at=at, agency=agency_id, detail=detail)
    return UUID(str(row.id))


async def end_certifies(agency_id: UUID, entry: UUID, ends_on: date, *, actor: str, at: datetime) -> None:
    """Ends what an agency may certify: `ends_on` is the first day that it may not."""
    async with uow():
        await _hold(agency_id)
        row = await Certifies.select().where(Certifies.id == entry, Certifies.agency == agency_id).first()
        await _end(Certifies, row, ends_on, act="certifies_ended", reason="", actor=actor, at=at)


def products_of(codes: Iterable[str]) -> str:
    """HS codes, or their beginnings, as an entry keeps them. Raises Refused naming the one that is none."""
    found = sorted({code.replace(".", "") for code in codes})
    for code in found:
        if not _PRODUCT.fullmatch(code):
            raise Refused("An HS code, or its beginning, is 2 to 10 digits, such as 09 or 0902.", box="products", rule="HS code")
    if len(found) > _MOST_PRODUCTS:
        raise Refused(f"An entry names at most {_MOST_PRODUCTS} HS codes; use their common beginnings.", box="products", rule="HS code")
    return " ".join(found)


async def _hold(agency_id: UUID) -> None:
    """Keeps the agency's row until the unit of work ends, so that two changes of its entries see each other. Raises NotFound."""
    if not await Agency.update({Agency.code: Agency.code}, force=True).where(Agency.id == agency_id).returning(Agency.id):
        raise NotFound("There is no such agency in the register.", code="agency")


async def _end(table: Any, row: dict[str, Any] | None, ends_on: date, *, act: str, reason: str, actor: str, at: datetime) -> None:
    if row is None:
        raise NotFound("There is no such entry of this agency.", code="entry")
    if ends_on < row["starts_on"]:
        raise _order()
    if row["ends_on"] is not None and row["ends_on"] <= ends_on:
        raise Conflict(f"This entry ended on {row['ends_on']} already.", code="entry", box="ends_on")
    if ends_on < ist_day(at):
        raise Refused("An entry ends today or later: what was done under it until today stays.", box="ends_on", rule="today or later")
    change: dict[Any, Any] = {table.ends_on: ends_on}
    if reason:
        change[table.reason] = reason
    await table.update(change).where(table.id == row["id"])
    detail = {"ends_on": ends_on.isoformat(), "before": _day(row["ends_on"])}
    await audit(act, room="people", subject=str(row["id"]), actor=actor, at=at, agency=row["agency"], detail=detail)


async def _sign_out_unlisted(agency_id: UUID, at: datetime) -> None:
    """Ends the sessions of the agency's people if it is not listed today; who acts elsewhere too signs in again."""
    if await Agency.exists().where(Agency.id == agency_id, Agency.id.is_in(listed(ist_day(at)))):
        return
    administrators = await Administrator.select(Administrator.account).where(
        Administrator.agency == agency_id, Administrator.ended_at.is_null()
    )
    officers = await Officer.select(Officer.account).where(Officer.agency == agency_id, Officer.active.eq(True))
    for account in sorted({row["account"] for row in (*administrators, *officers)}, key=str):
        await end_all(account, reason="agency delisted", at=at)


async def _tell_delisted(agency_id: UUID, starts_on: date, reason: str, box: SecretBox, at: datetime) -> None:
    [agency] = await Agency.select(Agency.name).where(Agency.id == agency_id)
    text = (
        f"{agency['name']} is delisted from {starts_on:%d.%m.%Y} on, and issues no certificates from then.\n\n"
        f"Reason: {reason}\n\nCertificates that it issued stay verifiable. For questions turn to the platform's desk."
    )
    rows = await Administrator.select(Administrator.account.email.as_alias("email")).where(
        Administrator.agency == agency_id, Administrator.ended_at.is_null()
    )
    for row in rows:
        with suppress(Refused):  # one bad address keeps neither the delisting nor the others' letters
            await write_letter(Letter(row["email"], "Your agency is delisted", text), box=box, purpose="delisted", at=at, about=agency_id)


def _named(name: str) -> str:
    name = tidy(name)
    if fault := text_fault(name, most=200):
        raise Refused(f"The name of an agency must {fault}.", box="name", rule="name of the agency")
    return name


def _require_room(name: str, offices: Iterable[tuple[str, str]], forms: Iterable[Form]) -> None:
    if problem := agency_problem(name, offices, forms):
        raise Refused.because([problem])


def _notice(notice: str) -> str:
    notice = tidy(notice)
    if notice and (fault := text_fault(notice, most=120)):
        raise Refused(f"The reference of a notice must {fault}.", box="notice", rule="notice")
    return notice


def _known(appendix: str) -> None:
    if appendix not in set(Appendix):
        raise Refused("An agency is listed under 2B, 2E or RA.", box="appendix", rule="appendix")


def _in_order(starts_on: date, ends_on: date | None) -> None:
    if ends_on is not None and ends_on < starts_on:
        raise _order()


def _order() -> Refused:
    problem = Problem("ends_on", "days in order", "An entry cannot end before the day on which it starts.")
    return Refused.because([problem])


def _overlaps(rows: Iterable[dict[str, Any]], starts_on: date, ends_on: date | None) -> bool:
    """Whether one of the rows shares a day with this time, or starts on the same day."""
    last = ends_on or date.max
    return any(
        row["starts_on"] == starts_on or (row["starts_on"] < last and starts_on < (row["ends_on"] or date.max) and starts_on < last)
        for row in rows
    )


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
