"""What an office needs before anything is issued there, one sentence each: the one place of these words.

The readiness page lists them, filing refuses by them, and so does who is about to issue. A sentence names offices and never
persons: exporters read it too. Whom something is missing for stands in `details`, which are for the agency's own eyes.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from engine.clock import ist_day
from engine.errors import Problem, Refused
from engine.people.listing import require_listed
from engine.people.offices.offices import OfficeHere, switched_off
from engine.people.tables import OfficerOffice
from engine.store import moment_of

__all__ = ["Item", "Mends", "Signing", "listing_item", "office_items", "officer_problems", "signing_at", "signing_item"]


class Mends(StrEnum):
    """Who can put an item right."""

    DESK = "the platform's desk"
    ADMINISTRATOR = "an administrator of the agency"
    OFFICER = "the officer"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing an office needs. `say` is empty once it is there, else a sentence that says what is missing.

    `code` is stable; `title` names the need. `mends` and `path` say who puts it right, and on which page; an empty path is
    nowhere here. `details` name for whom something is missing, and are for the agency alone.
    """

    code: str
    title: str
    say: str
    mends: Mends
    path: str = ""
    box: str = "office"
    rule: str = ""
    details: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether it is there."""
        return not self.say

    @property
    def problem(self) -> Problem:
        """What is missing, as a refusal names it."""
        return Problem(self.box, self.rule or self.title, self.say)


@dataclass(frozen=True, slots=True)
class Signing:
    """How an officer who is mapped to an office stands: what signing there takes. `closed` says that the desk closed their account,
    `until` is the last day of the newest X.509 certificate that is registered for them, `valid` whether one is valid at this moment."""

    officer: UUID
    email: str
    active: bool
    closed: bool
    pictured: bool
    valid: bool
    until: date | None

    @property
    def faults(self) -> tuple[str, ...]:
        """What keeps them from signing, one sentence each."""
        found = [problem.say for problem in officer_problems(self.email, active=self.active, closed=self.closed, pictured=self.pictured)]
        if not self.valid:
            found.append(
                f"{self.email} has no digital signature certificate registered."
                if self.until is None
                else f"{self.email} has a digital signature certificate that is not valid today; its last day is {self.until.isoformat()}."
            )
        return tuple(found)


def officer_problems(email: str, *, active: bool, closed: bool, pictured: bool) -> Iterator[Problem]:
    """What an officer lacks wherever they sign."""
    if closed:
        yield Problem("officer", "account open", f"The account of {email} is closed; the platform's desk can open it again.")
    if not active:
        yield Problem("officer", "officer active", f"{email} is deactivated; the agency's administrator can activate them again.")
    if not pictured:
        yield Problem("officer", "signature picture", f"{email} has no signature picture; upload one in User Management.")


async def listing_item(office: OfficeHere, on: date) -> Item:
    """Whether the office's agency is listed on that day."""
    say = ""
    try:
        await require_listed(office.agency_id, office.agency_code, on)
    except Refused as refusal:
        say = refusal.say
    return Item("agency_listed", "The agency is listed", say, Mends.DESK, box="agency", rule="agency listed")


def office_items(office: OfficeHere) -> tuple[Item, ...]:
    """What the office itself must have."""
    here, own = office.code, f"/offices/{office.id}"
    missing = [name for name, value in (("address", office.address), ("PIN code", office.pin), ("state", office.state)) if not value]
    unaddressed = f"The office {here} has no {' and no '.join(missing)}; enter it in Office Management." if missing else ""
    unstamped = "" if office.stamp_sha256 else f"The office {here} has no stamp; upload one in Office Management."
    off = "" if office.active else switched_off(office.agency_code, here)
    return (
        Item("office_active", "The office is switched on", off, Mends.ADMINISTRATOR, own, rule="office active"),
        Item("office_address", "Address, PIN code and state", unaddressed, Mends.ADMINISTRATOR, f"{own}/change", rule="office address"),
        Item("office_stamp", "Stamp", unstamped, Mends.ADMINISTRATOR, f"{own}/stamp", rule="office stamp"),
    )


def signing_item(office: OfficeHere, officers: Sequence[Signing]) -> Item:
    """Whether somebody can sign there at this moment, and if not, what each officer who is mapped to it lacks."""
    title, rule = "An officer who can sign today", "officer ready"
    if any(not officer.faults for officer in officers):
        return Item("officer_ready", title, "", Mends.ADMINISTRATOR, "/users", rule=rule)
    say = (
        f"At the office {office.code} nobody can sign today: an officer must be active, mapped to it, and have a signature picture "
        "and a valid digital signature certificate."
    )
    details = tuple(fault for officer in officers for fault in officer.faults) or (f"No officer is mapped to the office {office.code}.",)
    return Item("officer_ready", title, say, Mends.ADMINISTRATOR, "/users", rule=rule, details=details)


_SIGNING = """
    SELECT m.office, o.id AS officer, a.email, o.active AS active, NOT a.active AS closed,
      EXISTS (SELECT 1 FROM appearance p WHERE p.officer = o.id AND p.ended_at IS NULL) AS pictured,
      EXISTS (SELECT 1 FROM enrolment e WHERE e.officer = o.id AND e.ended_at IS NULL AND e.not_before_at <= {} AND e.not_after_at >= {})
        AS valid,
      (SELECT max(e.not_after_at) FROM enrolment e WHERE e.officer = o.id AND e.ended_at IS NULL) AS until
    FROM officer_office m JOIN officer o ON o.id = m.officer JOIN account a ON a.id = o.account
    WHERE m.ended_at IS NULL AND m.agency = {} AND (m.office = {} OR {} = 1) ORDER BY o.name, a.email
"""


async def signing_at(agency: UUID, office: UUID | None = None, *, at: datetime) -> Mapping[UUID, Sequence[Signing]]:
    """The officers mapped to each office of an agency, or to one office of it alone, and how they stand; the caller found agency
    and office within a scope. One query."""
    found: dict[UUID, list[Signing]] = defaultdict(list)
    for row in await OfficerOffice.raw(_SIGNING, at, at, agency, office or agency, int(office is None)):
        until = row["until"] and ist_day(moment_of(row["until"]))
        active, closed, pictured, valid = (bool(row[fact]) for fact in ("active", "closed", "pictured", "valid"))
        signing = Signing(row["officer"], row["email"], active, closed, pictured, valid, until)
        found[row["office"]].append(signing)
    return found
