"""The registry's door opens no account of an agency's or the platform's person, whenever they became one; and a new address is told."""

import asyncio
from uuid import UUID

import pytest

from engine.errors import Refused
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import add_agency, appoint_administrator, appoint_to_desk
from engine.people.access import resume
from engine.people.access.roles import RoleKind, roles_of
from engine.people.firms.entering import prove_by_registry
from engine.people.tables import Account, Officer
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.people.firms.conftest import IEC, Firms, identity, profile, user

FIRM = profile(user("s1"))
EMAIL = "s1@firm.example.in"


async def account_of(email: str = EMAIL) -> dict:
    [row] = await Account.select().where(Account.email == email)
    return dict(row)


async def appoint(firms: Firms, how: str) -> UUID:
    """Makes the person of that address staff, on each of the ways."""
    if how == "desk":
        return await appoint_to_desk(email=EMAIL, name="A Person", actor="test", at=firms.at)
    agency = await add_agency("EIA", "Export Inspection Agency", actor="test", at=firms.at)
    return await appoint_administrator(agency, email=EMAIL, name="A Person", actor="test", at=firms.at)


@pytest.mark.parametrize("how", ["desk", "administrator"])
async def test_who_is_appointed_is_out_of_the_registrys_door_at_once_and_for_good(firms: Firms, how: str) -> None:
    entered = await firms.enter(identity("s1"), FIRM)
    account = await appoint(firms, how)
    assert account == (await account_of())["id"]
    assert (await account_of())["registry_key"] is None
    assert await resume(entered.token, limits=firms.limits, at=firms.at) is None
    with pytest.raises(Refused) as refused:
        await firms.later(hours=1).enter(identity("s1"), FIRM)
    assert refused.value.code == "registry_staff"
    assert (await account_of())["registry_key"] is None
    assert "registry_unlinked" in {entry["act"] for entry in await AuditEntry.select().where(AuditEntry.subject == str(account))}


async def test_who_is_appointed_acts_for_the_firm_by_password_or_by_another_address(firms: Firms) -> None:
    await firms.enter(identity("s1"), FIRM)
    account = await appoint(firms, "desk")
    assert {role.kind for role in await roles_of(account, firms.at)} == {RoleKind.PLATFORM, RoleKind.EXPORTER}
    await firms.later(hours=1).enter(identity("s1", "own@firm.example.in"), FIRM)
    assert [role.kind for role in await roles_of((await account_of("own@firm.example.in"))["id"], firms.at)] == [RoleKind.EXPORTER]
    assert {role.kind for role in await roles_of(account, firms.at)} == {RoleKind.PLATFORM}


@pytest.mark.parametrize("active", [True, False])
async def test_a_linked_account_of_an_officer_is_refused_and_keeps_its_address(firms: Firms, active: bool) -> None:
    """However it came to be linked: the link is not what is asked."""
    entered = await firms.enter(identity("s1"), FIRM)
    account = (await account_of())["id"]
    here = await resume(entered.token, limits=firms.limits, at=firms.at)
    assert here is not None
    agency = await add_agency("EIA", "Export Inspection Agency", actor="test", at=firms.at)
    async with uow():
        await Officer.insert(Officer(agency=agency, account=account, name="X", designation="Y", active=active))
    for who in (identity("s1"), identity("s1", "thief@evil.example.in")):
        with pytest.raises(Refused) as refused:
            await firms.later(hours=1).enter(who, FIRM)
        assert refused.value.code == "registry_staff"
    with pytest.raises(Refused) as refused:
        await prove_by_registry(here, identity("s1"), device=here_device(), limits=firms.limits, at=firms.at)
    assert refused.value.code == "registry_staff"
    assert (await account_of())["email"] == EMAIL
    assert await LetterRow.count() == 0


def here_device():
    from engine.people.access import Device

    return Device("Firefox")


async def test_an_appointment_and_a_sign_in_at_once_leave_no_session_of_the_registry(firms: Firms) -> None:
    await firms.enter(identity("s1"), FIRM)
    entered, account = await asyncio.gather(firms.enter(identity("s1"), FIRM), appoint(firms, "desk"), return_exceptions=True)
    assert isinstance(account, UUID)
    assert (await account_of())["registry_key"] is None
    if not isinstance(entered, BaseException):
        assert await resume(entered.token, limits=firms.limits, at=firms.at) is None


async def test_another_address_of_the_registry_is_audited_and_told_at_the_old_one(firms: Firms) -> None:
    await firms.enter(identity("s1"), FIRM)
    account = (await account_of())["id"]
    await firms.later(hours=1).enter(identity("s1", "new@firm.example.in"), FIRM)
    assert (await account_of("new@firm.example.in"))["id"] == account
    [letter] = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], firms.box) for row in await LetterRow.select()]
    assert letter.to == EMAIL
    assert "DGFT" in letter.text
    entries = await AuditEntry.select().where(AuditEntry.act == "account_address_changed")
    assert [entry["subject"] for entry in entries] == [str(account)]
    assert "firm.example.in" not in str(await AuditEntry.select())


@pytest.mark.parametrize("verified", [False, True])
async def test_an_address_that_is_unproved_or_the_same_or_taken_changes_nothing(firms: Firms, verified: bool) -> None:
    await firms.enter(identity("s1"), FIRM)
    await firms.exporter(iec="ZZZCQ0001Z")
    [taken] = await Account.select(Account.email).where(Account.email != EMAIL)
    told = taken["email"] if verified else "new@firm.example.in"
    for who in (identity("s1"), identity("s1", told, verified=verified)):
        await firms.later(hours=1).enter(who, FIRM)
    assert (await account_of())["email"] == EMAIL
    assert await LetterRow.count() == 0
    assert IEC not in str(await AuditEntry.select().where(AuditEntry.act == "account_address_changed"))
