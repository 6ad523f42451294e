"""Makes an office ready to issue: the one place where tests that file give it what it needs."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from engine.people.dsc.tables import Enrolment
from engine.people.pictures.tables import Appearance, Stamp
from engine.people.tables import Account, Office, Officer, OfficerOffice
from engine.store import uow

__all__ = ["make_ready", "ready_officer"]

_ADDRESS = {"address": "4th floor, 12 Churchgate Road", "pin": "400020", "state": "27"}


async def make_ready(agency: UUID, office: UUID, at: datetime, *, officer: UUID | None = None, picture: str = "5" * 64) -> UUID:
    """Gives the office an address, a stamp, and an officer who can sign there: the named one, or a new one. Gives the officer's id.

    `picture` is the hash of a stored picture, for who looks at it.
    """
    async with uow():
        told: dict[Any, Any] = {getattr(Office, name): value for name, value in _ADDRESS.items()}
        await Office.update(told).where(Office.id == office)
        await Stamp.insert(
            Stamp(agency=agency, office=office, version=1, live_key=str(office), sha256=picture, quality=90, made_by="test", made_at=at)
        )
        return await ready_officer(agency, office, at, officer=officer, picture=picture)


async def ready_officer(agency: UUID, office: UUID, at: datetime, *, officer: UUID | None = None, picture: str = "6" * 64) -> UUID:
    """An officer with a picture and an X.509 certificate that is valid then, mapped to the office."""
    async with uow():
        id = officer or await _officer(agency, at)
        key = f"{id}:{office}"
        if not await OfficerOffice.exists().where(OfficerOffice.live_key == key):
            await OfficerOffice.insert(OfficerOffice(agency=agency, officer=id, office=office, live_key=key, mapped_at=at))
        if not await Appearance.exists().where(Appearance.officer == id):
            await Appearance.insert(
                Appearance(agency=agency, officer=id, version=1, live_key=str(id), sha256=picture, quality=90, made_by="test", made_at=at)
            )
        if not await Enrolment.exists().where(Enrolment.officer == id, Enrolment.ended_at.is_null()):
            await Enrolment.insert(_enrolment(agency, id, at))
    return id


async def _officer(agency: UUID, at: datetime) -> UUID:
    account = Account(email=f"{uuid4().hex}@ready.example.in", name="A. Ready", made_at=at)
    officer = Officer(agency=agency, account=account.id, name="A. Ready", designation="Deputy Director")
    await Account.insert(account)
    await Officer.insert(officer)
    return UUID(str(officer.id))


def _enrolment(agency: UUID, officer: UUID, at: datetime) -> Enrolment:
    fingerprint = uuid4().hex * 2
    return Enrolment(
        agency=agency,
        officer=officer,
        signer="key_file",
        key="test",
        fingerprint=fingerprint,
        live_key=fingerprint,
        chain="",
        subject="CN=A. Ready",
        issuer="CN=Test",
        serial="1",
        not_before_at=at - timedelta(days=1),
        not_after_at=at + timedelta(days=730),
        enrolled_at=at,
        enrolled_by="test",
    )
