"""Officers: who they are, which offices they are mapped to, and whether they can issue there now."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from engine.contracts.drawing import CleanImage
from engine.errors import Conflict, Problem, Refused
from engine.mail import mailbox
from engine.people.listing import in_force
from engine.people.offices.needs import office_items, officer_problems
from engine.people.offices.offices import OfficeHere
from engine.people.pictures.tables import Appearance, BearerKind
from engine.people.pictures.versions import put_version
from engine.people.staff.spells import begin_spell
from engine.people.tables import Account, AgencyListing, Officer, OfficerOffice
from engine.scope import Scope
from engine.store import audit, uow
from engine.store.scoped import covering

__all__ = [
    "OfficerHere",
    "add_officer",
    "find_officer",
    "map_officer",
    "put_appearance",
    "require_mapped",
    "require_may_issue",
    "why_not_officer",
]


@dataclass(frozen=True, slots=True)
class OfficerHere:
    """An officer as the other rooms need them; `closed` says that the desk closed their account, `appearance_sha256` is None while
    there is no picture of the hand."""

    id: UUID
    account_id: UUID
    agency_id: UUID
    name: str
    designation: str
    email: str
    active: bool
    appearance_sha256: str | None
    appearance_version: int
    closed: bool = False

    @property
    def actor(self) -> str:
        """How the audit names them."""
        return f"account:{self.account_id}"


async def add_officer(agency_id: UUID, *, email: str, name: str, designation: str, actor: str, at: datetime) -> UUID:
    """Adds a person as an officer of the agency and gives the officer's id."""
    account = Account(email=mailbox(email.strip()).lower(), name=name, made_at=at)
    officer = Officer(agency=agency_id, account=account.id, name=name, designation=designation)
    async with uow():
        await Account.insert(account)
        await Officer.insert(officer)
        await begin_spell(agency_id, UUID(str(officer.id)), designation, active=True, at=at)
        await audit("officer_added", room="people", subject=str(officer.id), actor=actor, at=at, agency=agency_id)
    return UUID(str(officer.id))


async def map_officer(agency_id: UUID, officer_id: UUID, office_id: UUID, *, actor: str, at: datetime) -> None:
    """Lets an officer issue at an office of the same agency. Raises Conflict if they are mapped to it already."""
    live_key = f"{officer_id}:{office_id}"
    row = OfficerOffice(agency=agency_id, officer=officer_id, office=office_id, live_key=live_key, mapped_at=at, mapped_by=actor)
    async with uow():
        if await OfficerOffice.exists().where(OfficerOffice.live_key == live_key):
            raise Conflict("The officer is mapped to this office already.", code="mapped")
        await OfficerOffice.insert(row)
        await audit("officer_mapped", room="people", subject=str(officer_id), actor=actor, at=at, agency=agency_id, office=office_id)


async def find_officer(scope: Scope, email: str) -> OfficerHere:
    """The officer with that e-mail address. Raises Refused if there is none that the scope covers."""
    columns = (Officer.account.email.as_alias("email"), Officer.account.active.as_alias("opens"))
    query = Officer.select(*Officer.all_columns(), *columns).where(Officer.account.email == email.strip().lower())
    row = await covering(scope, query, Officer, office="id").first()
    if row is None:
        raise Refused(f"There is no officer with the address {email}.", box="officer", rule="officer registered")
    picture = (
        await Appearance.select()
        .where(Appearance.officer == row["id"], Appearance.ended_at.is_null())
        .order_by(Appearance.version, ascending=False)
        .first()
    )
    return OfficerHere(
        id=row["id"],
        account_id=row["account"],
        agency_id=row["agency"],
        name=row["name"],
        designation=row["designation"],
        email=row["email"],
        active=row["active"],
        appearance_sha256=picture["sha256"] if picture else None,
        appearance_version=picture["version"] if picture else 0,
        closed=not row["opens"],
    )


async def put_appearance(officer: OfficerHere, image: CleanImage, sha256: str, *, actor: str, at: datetime) -> int:
    """Makes a stored, cleaned picture the officer's signature picture at once and gives its version: for who makes a site."""
    columns = {"agency": officer.agency_id, "officer": officer.id}
    return await put_version(BearerKind.OFFICER, columns, sha256=sha256, quality=image.quality, made_by=actor, actor=actor, at=at)


async def require_may_issue(officer: OfficerHere, office: OfficeHere) -> None:
    """Raises Refused with everything that keeps this officer from issuing at this office (F74)."""
    problems = [
        Problem("officer", rule, say)
        for wrong, rule, say in (
            (officer.agency_id != office.agency_id, "officer of the agency", f"{officer.email} is no officer of {office.agency_code}."),
            (
                not await _is_mapped(officer, office.id),
                "officer mapped",
                f"{officer.email} is not mapped to the office {office.code}; the agency's administrator maps officers.",
            ),
        )
        if wrong
    ]
    problems += officer_problems(
        officer.email, active=officer.active, closed=officer.closed, pictured=officer.appearance_sha256 is not None
    )
    problems += [item.problem for item in office_items(office) if not item.done]
    if problems:
        raise Refused.because(problems)


async def require_mapped(officer: OfficerHere, agency_id: UUID, office_id: UUID) -> None:
    """Raises Refused unless the officer is active and mapped to that office of their agency: enough to decide, not to sign."""
    if officer.agency_id != agency_id or not officer.active or officer.closed or not await _is_mapped(officer, office_id):
        say = f"{officer.email} is no active officer of the office that this was lodged with; the agency's administrator maps officers."
        raise Refused(say, box="officer", rule="officer mapped")


async def _is_mapped(officer: OfficerHere, office_id: UUID) -> bool:
    return await OfficerOffice.exists().where(
        OfficerOffice.officer == officer.id, OfficerOffice.office == office_id, OfficerOffice.ended_at.is_null()
    )


async def why_not_officer(officer_id: UUID, office_id: UUID, on: date) -> str:
    """Why an approval of this officer must not be signed any more at that office on that day; empty if it may.

    It may while the officer is active, with an account that is open, and mapped to the office, the office is switched on and the
    agency is listed.
    """
    columns = (
        OfficerOffice.officer.active.as_alias("officer_active"),
        OfficerOffice.officer.account.active.as_alias("account_active"),
        OfficerOffice.office.active.as_alias("office_active"),
        OfficerOffice.agency,
    )
    mapped = (OfficerOffice.officer == officer_id, OfficerOffice.office == office_id, OfficerOffice.ended_at.is_null())
    row = await OfficerOffice.select(*columns).where(*mapped).first()
    if row is None:
        return "The officer who approved it was unmapped from the office before it was signed. It is decided anew."
    if not row["officer_active"]:
        return "The officer who approved it was deactivated before it was signed. It is decided anew."
    if not row["account_active"]:
        return "The account of the officer who approved it was closed before it was signed. It is decided anew."
    if not row["office_active"]:
        return "The office was switched off before it was signed. It is decided anew once the office is on."
    if not await AgencyListing.exists().where(AgencyListing.agency == row["agency"], in_force(AgencyListing, on)):
        return "The agency was delisted before it was signed; it issues nothing any more."
    return ""
