"""Official addresses: what mail the register records for an agency, and whether an address is one of it.

Promises that a domain covers itself and what lies below it at a dot, in ASCII as a mail server sees it (IDNA), and never a
name that merely ends or looks alike; and that a domain where anybody can open a mailbox is recorded for no agency.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from engine.clock import ist_day
from engine.errors import Conflict, NotFound, Refused
from engine.mail import mailbox
from engine.people.agencies.tables import AddressKind, OfficialAddress
from engine.people.tables import Agency
from engine.store import audit, uow

__all__ = ["end_address", "is_official", "normal_address", "record_address", "require_official", "which_official"]

# Where anybody can open a mailbox. Names of many countries (yahoo.co.in, yahoo.fr) are told by their first part.
_PUBLIC_HOSTS = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "live.in",
        "msn.com",
        "rediffmail.com",
        "rediff.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "aol.com",
        "aim.com",
        "proton.me",
        "protonmail.com",
        "pm.me",
        "zohomail.com",
        "zohomail.in",
        "zoho.com",
        "zoho.in",
        "gmx.com",
        "gmx.net",
        "gmx.de",
        "mail.com",
        "yandex.com",
        "yandex.ru",
        "mail.ru",
        "inbox.com",
        "in.com",
        "sify.com",
        "indiatimes.com",
        "fastmail.com",
        "fastmail.fm",
        "tutanota.com",
        "tuta.io",
        "tuta.com",
        "hushmail.com",
        "mailinator.com",
        "guerrillamail.com",
        "10minutemail.com",
        "qq.com",
        "163.com",
        "126.com",
        "dataone.in",
        "vsnl.com",
        "vsnl.net",
        "airtelmail.in",
        "bsnl.in",
        "eth.net",
        "satyam.net.in",
    ]
)
_PUBLIC_FIRST = frozenset({"yahoo", "ymail", "rocketmail", "hotmail", "outlook", "live", "gmail", "googlemail", "yandex"})
# Below these anybody, or every government office alike, has names and mailboxes.
_SHARED_ENDS = frozenset(
    [
        "co.in",
        "gov.in",
        "nic.in",
        "org.in",
        "net.in",
        "ac.in",
        "res.in",
        "edu.in",
        "mil.in",
        "firm.in",
        "gen.in",
        "ind.in",
        "info.in",
        "bank.in",
        "bharat.in",
        "emails.gov.in",
        "co.uk",
        "com.au",
        "com.sg",
        "co.jp",
        "org.uk",
    ]
)
_NUMBERS = re.compile(r"[0-9.]+")


async def is_official(agency_id: UUID, email: str) -> bool | None:
    """Whether the address is one that the register records for the agency today; None where it records none at all."""
    return (await which_official([(agency_id, email)]))[agency_id, email]


async def which_official(asked: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], bool | None]:
    """The same of many addresses of many agencies, in one query."""
    recorded: dict[UUID, list[tuple[AddressKind, str]]] = {agency: [] for agency, _ in asked}
    if recorded:
        columns = (OfficialAddress.agency, OfficialAddress.kind, OfficialAddress.value)
        live = (OfficialAddress.agency.is_in(list(recorded)), OfficialAddress.ended_on.is_null())
        for row in await OfficialAddress.select(*columns).where(*live):
            recorded[row["agency"]].append((AddressKind(row["kind"]), row["value"]))
    return {(agency, email): _among(recorded[agency], email) for agency, email in asked}


def _among(recorded: Sequence[tuple[AddressKind, str]], email: str) -> bool | None:
    if not recorded:
        return None
    address = mailbox(email.strip()).lower()
    host = address.rpartition("@")[2]
    return any(_covers(kind, value, address, host) for kind, value in recorded)


async def require_official(agency_id: UUID, email: str, *, none_recorded: bool = True) -> None:
    """Raises Refused unless the address is official for the agency (F37, F75, F76); nobody is told which ones are recorded.

    Where the register records none for the agency, every address passes, or with `none_recorded=False` no address does.
    """
    official = await is_official(agency_id, email)
    if official is None and not none_recorded:
        say = "No official address is recorded for this agency yet, so nobody can register for it. Ask the platform's desk to record one."
        raise Refused(say, box="email", rule="official e-mail")
    if official is False:
        say = (
            "This is not an official e-mail address of the agency, as it is recorded with DGFT. Use your official one; if it is and "
            "is refused, ask the platform's desk to record it."
        )
        raise Refused(say, box="email", rule="official e-mail")


async def record_address(agency_id: UUID, kind: AddressKind, value: str, *, actor: str, at: datetime) -> UUID:
    """Records an address or a domain for the agency from today. Raises Refused for a shared domain, Conflict for a recorded one."""
    normal = normal_address(kind, value)
    live_key = f"{agency_id}:{kind}:{normal}"
    row = OfficialAddress(agency=agency_id, kind=str(kind), value=normal, live_key=live_key, recorded_on=ist_day(at))
    async with uow():
        if not await Agency.exists().where(Agency.id == agency_id):
            raise NotFound("There is no such agency in the register.", code="agency")
        if await OfficialAddress.exists().where(OfficialAddress.live_key == live_key):
            raise Conflict(f"{normal} is recorded for this agency already.", code="recorded", box=str(kind))
        await OfficialAddress.insert(row)
        detail = {"kind": str(kind)}
        await audit("address_recorded", room="people", subject=str(row.id), actor=actor, at=at, agency=agency_id, detail=detail)
    return UUID(str(row.id))


async def end_address(agency_id: UUID, entry: UUID, *, actor: str, at: datetime) -> None:
    """Ends an agency's recorded address or domain today. Raises NotFound for one of another agency, or that ended before."""
    async with uow():
        live = (OfficialAddress.id == entry, OfficialAddress.agency == agency_id, OfficialAddress.ended_on.is_null())
        change = {OfficialAddress.ended_on: ist_day(at), OfficialAddress.live_key: str(entry)}
        if not await OfficialAddress.update(change).where(*live).returning(OfficialAddress.id):
            raise NotFound("There is no such recorded address of this agency, or it ended before.", code="address")
        await audit("address_ended", room="people", subject=str(entry), actor=actor, at=at, agency=agency_id)


def normal_address(kind: AddressKind, value: str) -> str:
    """The address or domain as it is recorded: ASCII, small letters. Raises Refused, naming what is wrong."""
    if kind is AddressKind.ADDRESS:
        return mailbox(value.strip(), box="address").lower()
    domain = mailbox(f"x@{value.strip().removeprefix('@')}", box="domain").lower().removeprefix("x@")
    if "." not in domain or _NUMBERS.fullmatch(domain):
        raise Refused("A domain has at least two parts, such as example.gov.in.", box="domain", rule="domain of the agency")
    if _is_public(domain):
        say = f"Anybody can have a mailbox at {domain}, so it proves no agency. Record the single addresses instead."
        raise Refused(say, box="domain", rule="domain of the agency")
    return domain


def _covers(kind: AddressKind, value: str, address: str, host: str) -> bool:
    if kind is AddressKind.ADDRESS:
        return address == value
    return host == value or host.endswith(f".{value}")


def _is_public(domain: str) -> bool:
    parts = domain.split(".")
    ends = {".".join(parts[start:]) for start in range(len(parts))}
    registered = parts[-3] if len(parts) > 2 and ".".join(parts[-2:]) in _SHARED_ENDS else parts[-2]
    return bool(ends & _PUBLIC_HOSTS) or registered in _PUBLIC_FIRST or domain in _SHARED_ENDS
