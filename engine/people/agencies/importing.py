"""The register of agencies from a file: agencies, listings, what each certifies, and official mail, as data.

Promises all or nothing; that the same file a second time changes nothing; and that nothing is removed because a file is silent
about it. What ended is said by its last day, `ends_on`, the first day on which it is over.
"""

import tomllib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from engine.contracts.form import Form
from engine.errors import Refused
from engine.people.agencies.official import normal_address, record_address
from engine.people.agencies.register import (
    add_certifies,
    add_listing,
    end_certifies,
    end_listing,
    enter_agency,
    products_of,
    rename_agency,
    require_listed_from,
)
from engine.people.agencies.tables import AddressKind, Certifies, OfficialAddress
from engine.people.tables import Agency, AgencyListing
from engine.store import audit, uow

__all__ = ["RegisterFile", "import_register", "read_register"]

_MOST_BYTES = 4_000_000


class _Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A piece of the file: closed to unknown keys."""


class ListingNode(_Node, frozen=True, kw_only=True):
    """A listing: under 2B, 2E or RA."""

    appendix: str
    starts_on: date
    ends_on: date | None = None
    notice: str = ""


class CertifiesNode(_Node, frozen=True, kw_only=True):
    """What the agency may certify: an agreement, or all of the appendix's kind; all goods, or those of some HS codes."""

    appendix: str
    starts_on: date
    scheme: str = ""
    products: tuple[str, ...] = ()
    ends_on: date | None = None
    notice: str = ""


class AgencyNode(_Node, frozen=True, kw_only=True):
    """One agency."""

    code: str
    name: str
    listings: tuple[ListingNode, ...] = ()
    certifies: tuple[CertifiesNode, ...] = ()
    addresses: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()


class RegisterFile(_Node, frozen=True, kw_only=True):
    """The whole file: `[[agencies]]` tables."""

    agencies: tuple[AgencyNode, ...]


def read_register(data: bytes) -> RegisterFile:
    """The file's content. Raises Refused, naming the place, for what is no TOML or has a key nobody knows."""
    if len(data) > _MOST_BYTES:
        raise Refused("The file is larger than 4 MB; no register of agencies is.", rule="register file")
    try:
        found = msgspec.convert(tomllib.loads(data.decode("utf-8")), RegisterFile)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Refused(f"The file cannot be read as a register of agencies: {error}.", rule="register file") from error
    codes = [each.code for each in found.agencies]
    if twice := {code for code in codes if codes.count(code) > 1}:
        raise Refused(f"The file names {', '.join(sorted(twice))} twice; write everything of an agency in one place.", rule="register file")
    return found


async def import_register(
    file: RegisterFile, *, schemes: Sequence[str], forms: Sequence[Form] = (), actor: str, at: datetime
) -> tuple[str, ...]:
    """Brings the register to what the file says, and tells what it changed, a line each; nothing at all if something is refused.

    `schemes` are the agreements that this site knows, `forms` those that have to have room for a name that is new. Raises Refused naming the agency and the entry.
    """
    said: list[str] = []
    async with uow():
        for node in file.agencies:
            try:
                said += await _agency(node, schemes, forms, actor, at)
            except Refused as refusal:
                raise Refused(f"{node.code[:20]}: {refusal.say}", box=refusal.box, rule=refusal.rule) from refusal
        if said:
            await audit("register_imported", room="people", subject="register", actor=actor, at=at, detail={"changes": len(said)})
    return tuple(said)


async def _agency(node: AgencyNode, schemes: Sequence[str], forms: Sequence[Form], actor: str, at: datetime) -> list[str]:
    row = await Agency.select().where(Agency.code == node.code).first()
    said = []
    if row is None:
        id = await enter_agency(node.code, node.name, forms=forms, actor=actor, at=at)
        said.append(f"{node.code}: entered as {node.name}")
    else:
        id = row["id"]
        if row["name"] != node.name:
            await rename_agency(id, node.name, forms=forms, actor=actor, at=at)
            said.append(f"{node.code}: renamed to {node.name}")
    ended: set[date] = set()
    for listing in node.listings:
        said += await _listing(id, node.code, listing, ended, actor, at)
    for day in sorted(ended):
        await require_listed_from(id, day)
    for entry in node.certifies:
        if entry.scheme and entry.scheme not in schemes:
            raise Refused(f"certifies: no template here is for {entry.scheme[:20]!r}.", box="scheme", rule="agreement")
        said += await _certifies(id, node.code, entry, actor, at)
    recorded = [(AddressKind.ADDRESS, value) for value in node.addresses] + [(AddressKind.DOMAIN, value) for value in node.domains]
    for kind, value in recorded:
        said += await _address(id, node.code, kind, value, actor, at)
    return said


async def _listing(id: UUID, code: str, node: ListingNode, ended: set[date], actor: str, at: datetime) -> list[str]:
    """Enters or ends a listing; the day of an end goes into `ended`."""
    known = (AgencyListing.agency == id, AgencyListing.appendix == node.appendix, AgencyListing.starts_on == node.starts_on)
    row = await AgencyListing.select().where(*known).first()
    what = f"{code}: listed under {node.appendix} from {node.starts_on}"
    if row is None:
        notice = node.notice
        await add_listing(id, node.appendix, node.starts_on, ends_on=node.ends_on, notice=notice, actor=actor, at=at)
        return [f"{what}{_until(node.ends_on)}"]
    if not _ends(row, node.ends_on, what):
        return []
    assert node.ends_on is not None  # noqa: S101  # _ends() says so
    await end_listing(id, row["id"], node.ends_on, reason=node.notice, followed=True, actor=actor, at=at)
    ended.add(node.ends_on)
    return [f"{what}: ends on {node.ends_on}"]


async def _certifies(id: UUID, code: str, node: CertifiesNode, actor: str, at: datetime) -> list[str]:
    products = products_of(node.products)
    known = (Certifies.agency == id, Certifies.appendix == node.appendix, Certifies.scheme == node.scheme)
    same = (Certifies.products == products, Certifies.starts_on == node.starts_on)
    row = await Certifies.select().where(*known, *same).first()
    what = f"{code}: certifies {node.scheme or 'everything'} under {node.appendix} from {node.starts_on}"
    if row is None:
        await add_certifies(
            id,
            node.appendix,
            scheme=node.scheme,
            products=node.products,
            starts_on=node.starts_on,
            ends_on=node.ends_on,
            notice=node.notice,
            actor=actor,
            at=at,
        )
        return [f"{what}{_until(node.ends_on)}"]
    if not _ends(row, node.ends_on, what):
        return []
    assert node.ends_on is not None  # noqa: S101  # _ends() says so
    await end_certifies(id, row["id"], node.ends_on, actor=actor, at=at)
    return [f"{what}: ends on {node.ends_on}"]


async def _address(id: UUID, code: str, kind: AddressKind, value: str, actor: str, at: datetime) -> list[str]:
    """An address that ended is recorded anew only at the desk: a file that still names it is an old one."""
    normal = normal_address(kind, value)
    mine = (OfficialAddress.agency == id, OfficialAddress.kind == str(kind), OfficialAddress.value == normal)
    if await OfficialAddress.exists().where(*mine):
        return []
    await record_address(id, kind, value, actor=actor, at=at)
    return [f"{code}: {kind} {normal} recorded"]


def _ends(row: dict[str, Any], ends_on: date | None, what: str) -> bool:
    """Whether the file ends an entry that the register has without that end. Raises Refused if it would make it longer."""
    if row["ends_on"] == ends_on:
        return False
    if ends_on is None or (row["ends_on"] is not None and ends_on > row["ends_on"]):
        say = f"{what} ended on {row['ends_on']} here, and an end is not taken back. Write that end, and a new entry from another day."
        raise Refused(say, box="ends_on", rule="ends stay")
    return True


def _until(ends_on: date | None) -> str:
    return f" to {ends_on}, when it is over" if ends_on else ""
