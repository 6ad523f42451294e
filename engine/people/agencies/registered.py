"""The register of agencies, read: the public list that registration picks from, and the desk's view of each entry."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from engine.errors import NotFound
from engine.people.agencies.tables import Certifies, OfficialAddress
from engine.people.listing import in_force
from engine.people.paging import page_of
from engine.people.tables import Administrator, Agency, AgencyListing, Appendix, Office, Officer
from engine.scope import Scope, ScopeKind
from engine.store import reading

__all__ = [
    "AddressEntry",
    "AdministratorEntry",
    "AgencyEntry",
    "AgencyRecord",
    "CertifiesEntry",
    "Choice",
    "ListingEntry",
    "agencies_to_choose",
    "agency_record",
    "offices_to_choose",
    "search_agencies",
]


@dataclass(frozen=True, slots=True)
class Choice:
    """An agency, or an office of one, to be picked: its code and its name. `appendices` are those that list the agency now."""

    id: UUID
    code: str
    name: str
    appendices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgencyEntry:
    """An agency in the desk's list. `listed` are the appendices in force; `ended_on` is the last day's end where there is none."""

    id: UUID
    code: str
    name: str
    listed: tuple[str, ...]
    ended_on: date | None
    administrators: int
    offices: int


@dataclass(frozen=True, slots=True)
class ListingEntry:
    """One listing; `state` is coming, now or over."""

    id: UUID
    appendix: str
    starts_on: date
    ends_on: date | None
    notice: str
    reason: str
    state: str


@dataclass(frozen=True, slots=True)
class CertifiesEntry:
    """One entry of what an agency may certify; `products` are beginnings of HS codes, none for all goods."""

    id: UUID
    appendix: str
    scheme: str
    products: tuple[str, ...]
    starts_on: date
    ends_on: date | None
    notice: str
    state: str


@dataclass(frozen=True, slots=True)
class AddressEntry:
    """A recorded address or domain."""

    id: UUID
    kind: str
    value: str
    recorded_on: date
    ended_on: date | None


@dataclass(frozen=True, slots=True)
class AdministratorEntry:
    """A present administrator as the desk sees them."""

    id: UUID
    name: str
    email: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class AgencyRecord:
    """Everything that the register says of one agency."""

    id: UUID
    code: str
    name: str
    listed: bool
    listings: tuple[ListingEntry, ...]
    certifies: tuple[CertifiesEntry, ...]
    addresses: tuple[AddressEntry, ...]
    offices: tuple[Choice, ...]
    administrators: tuple[AdministratorEntry, ...]
    officers: int

    @property
    def ends_on(self) -> date | None:
        """The first day without a listing, where the agency is listed now and that day is known."""
        ends = [each.ends_on for each in self.listings if each.state == "now"]
        return max((day for day in ends if day), default=None) if ends and all(ends) else None


async def agencies_to_choose(on: date) -> tuple[Choice, ...]:
    """The agencies that are listed on that day, by name. The register is public, so no scope is asked for."""
    query = AgencyListing.select(AgencyListing.appendix, AgencyListing.agency.id, AgencyListing.agency.code, AgencyListing.agency.name)
    found: dict[UUID, tuple[str, str, set[str]]] = {}
    for row in await query.where(in_force(AgencyListing, on)):
        _, _, appendices = found.setdefault(row["agency.id"], (row["agency.code"], row["agency.name"], set()))
        appendices.add(row["appendix"])
    made = (Choice(id, code, name, tuple(sorted(appendices))) for id, (code, name, appendices) in found.items())
    return tuple(sorted(made, key=lambda each: (each.name.casefold(), each.code)))


async def offices_to_choose(agency_id: UUID) -> tuple[Choice, ...]:
    """The offices of an agency that are switched on, by name; public like the register."""
    rows = await Office.select(Office.id, Office.code, Office.name).where(Office.agency == agency_id, Office.active.eq(True))
    return tuple(Choice(row["id"], row["code"], row["name"]) for row in sorted(rows, key=lambda row: (row["name"].casefold(), row["code"])))


async def search_agencies(scope: Scope, words: str, on: date, *, page: int = 1) -> tuple[tuple[AgencyEntry, ...], int]:
    """The agencies whose code or name has all the words, a page at a time by name, and how many there are. For the desk alone.

    Searched here and not in SQL: the register has some hundreds of rows, a sign that SQL reads otherwise stands for itself,
    and capitals count for nothing in every script.
    """
    if scope.kind is not ScopeKind.PLATFORM:
        return (), 0
    async with reading():
        wanted = words.casefold().split()
        rows = [row for row in await Agency.select() if all(word in f"{row['code']} {row['name']}".casefold() for word in wanted)]
        listings: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
        for listing in await AgencyListing.select():
            listings[listing["agency"]].append(listing)
        heads = Counter(row["agency"] for row in await Administrator.select(Administrator.agency).where(Administrator.ended_at.is_null()))
        offices = Counter(row["agency"] for row in await Office.select(Office.agency))
    rows.sort(key=lambda row: (row["name"].casefold(), row["code"]))
    shown = page_of(rows, page)
    return tuple(_entry(row, listings[row["id"]], on, heads[row["id"]], offices[row["id"]]) for row in shown), len(rows)


async def agency_record(scope: Scope, agency_id: UUID, on: date) -> AgencyRecord:
    """One agency with all its entries, for the desk. Raises NotFound for an unknown one, and for whoever sits not at the desk."""
    async with reading():
        agency = await Agency.select().where(Agency.id == agency_id).first() if scope.kind is ScopeKind.PLATFORM else None
        if agency is None:
            raise NotFound("There is no such agency in the register.", code="agency")
        listings = await AgencyListing.select().where(AgencyListing.agency == agency_id).order_by(AgencyListing.starts_on, ascending=False)
        certifies = await Certifies.select().where(Certifies.agency == agency_id)
        addresses = await OfficialAddress.select().where(OfficialAddress.agency == agency_id).order_by(OfficialAddress.value)
        offices = await Office.select(Office.id, Office.code, Office.name).where(Office.agency == agency_id).order_by(Office.name)
        heads = await Administrator.select(
            Administrator.id,
            Administrator.made_at,
            Administrator.account.name.as_alias("name"),
            Administrator.account.email.as_alias("email"),
        ).where(Administrator.agency == agency_id, Administrator.ended_at.is_null())
        officers = await Officer.count().where(Officer.agency == agency_id, Officer.active.eq(True))
    entries = tuple(_listing(row, on) for row in listings)
    return AgencyRecord(
        id=agency["id"],
        code=agency["code"],
        name=agency["name"],
        listed=any(entry.state == "now" for entry in entries),
        listings=entries,
        certifies=tuple(_certifies(row, on) for row in sorted(certifies, key=_certifies_order)),
        addresses=tuple(
            AddressEntry(row["id"], row["kind"], row["value"], row["recorded_on"], row["ended_on"])
            for row in sorted(addresses, key=lambda row: (row["ended_on"] is not None, row["kind"], row["value"]))
        ),
        offices=tuple(Choice(row["id"], row["code"], row["name"]) for row in offices),
        administrators=tuple(AdministratorEntry(row["id"], row["name"], row["email"], row["made_at"]) for row in heads),
        officers=int(officers),
    )


def _entry(row: dict[str, Any], listings: list[dict[str, Any]], on: date, administrators: int, offices: int) -> AgencyEntry:
    live = tuple(sorted({each["appendix"] for each in listings if _state(each, on) == "now"}, key=list(Appendix).index))
    ended = [each["ends_on"] for each in listings if _state(each, on) == "over"]
    return AgencyEntry(row["id"], row["code"], row["name"], live, max(ended) if ended and not live else None, administrators, offices)


def _listing(row: dict[str, Any], on: date) -> ListingEntry:
    return ListingEntry(row["id"], row["appendix"], row["starts_on"], row["ends_on"], row["notice"], row["reason"], _state(row, on))


def _certifies(row: dict[str, Any], on: date) -> CertifiesEntry:
    products = tuple(row["products"].split())
    return CertifiesEntry(
        row["id"], row["appendix"], row["scheme"], products, row["starts_on"], row["ends_on"], row["notice"], _state(row, on)
    )


def _certifies_order(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["ends_on"] is not None, row["appendix"], row["scheme"], row["products"], row["starts_on"]


def _state(row: dict[str, Any], on: date) -> str:
    if row["ends_on"] is not None and row["ends_on"] <= on:
        return "over"
    return "coming" if row["starts_on"] > on else "now"
