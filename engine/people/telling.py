"""Letters to an agency's administrators, to a firm's persons and to a broker, for rooms that know only their ids.

Each joins the unit of work of its deed, and an address that takes no letter keeps nothing from being done.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from engine.errors import Refused
from engine.mail import Letter, write_letter
from engine.people.tables import Account, Administrator, Broker, ExporterUser
from engine.store import SecretBox

__all__ = ["address_of_account", "tell_administrators", "tell_broker", "tell_firm"]

_MOST = 20


async def tell_administrators(agency_id: UUID, subject: str, text: str, *, box: SecretBox, purpose: str, at: datetime, about: UUID) -> None:
    """One letter to each administrator of an agency."""
    query = Administrator.select(Administrator.account.email.as_alias("email")).where(
        Administrator.agency == agency_id, Administrator.ended_at.is_null(), Administrator.account.active.eq(True)
    )
    await _tell((row["email"] for row in await query), Letter("", subject, text), box, purpose, at, about)


async def tell_firm(
    exporter_id: UUID, right: str, subject: str, text: str, *, box: SecretBox, purpose: str, at: datetime, about: UUID, also: UUID | None
) -> None:
    """One letter to each person of a firm who has that right, twenty at most, and to the account `also`, whose doing it was."""
    query = ExporterUser.select(ExporterUser.account.email.as_alias("email"), ExporterUser.rights).where(
        ExporterUser.exporter == exporter_id, ExporterUser.ended_at.is_null(), ExporterUser.account.active.eq(True)
    )
    found = [row["email"] for row in await query if row["email"] and right in row["rights"].split(",")][:_MOST]
    if also is not None and (own := await address_of_account(also)):
        found.append(own)
    await _tell(found, Letter("", subject, text), box, purpose, at, about)


async def tell_broker(broker_id: UUID, subject: str, text: str, *, box: SecretBox, purpose: str, at: datetime, about: UUID) -> None:
    """One letter to a broker, at the address that the firm has here."""
    row = await Broker.select(Broker.email).where(Broker.id == broker_id).first()
    await _tell([row["email"]] if row and row["email"] else [], Letter("", subject, text), box, purpose, at, about)


async def address_of_account(account: UUID) -> str:
    """The mail address of an active account; empty if there is none."""
    row = await Account.select(Account.email).where(Account.id == account, Account.active.eq(True)).first()
    return str(row["email"]) if row else ""


async def _tell(addresses: Iterable[str], letter: Letter, box: SecretBox, purpose: str, at: datetime, about: UUID) -> None:
    for address in sorted(set(addresses)):
        with suppress(Refused):
            await write_letter(Letter(address, letter.subject, letter.text), box=box, purpose=purpose, at=at, about=about)
