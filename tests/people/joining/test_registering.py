"""Registration from the asker's form to the decision: who may ask, what proves it, who decides, and what is told to whom."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from engine.clock import ist_day
from engine.errors import Conflict, EngineError, NotFound, Refused
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import add_agency, add_office, appoint_administrator, appoint_to_desk
from engine.people.access import roles_of
from engine.people.agencies.official import end_address, record_address
from engine.people.agencies.register import delist
from engine.people.agencies.tables import AddressKind, OfficialAddress
from engine.people.joining.deciding import (
    approve_administrator,
    approve_broker,
    approve_officer,
    count_requests,
    reject_request,
    request_of,
    requests_of,
)
from engine.people.joining.forgetting import address_mark, forget_rejected
from engine.people.joining.letters import Attached
from engine.people.joining.registering import Asker, ask_registration, behind_link, expire_requests, prove_request, withdraw_request
from engine.people.joining.replacing import Successor, replace_administrator
from engine.people.joining.tables import Applicant, RegistrationRequest
from engine.people.tables import Account, Administrator, Broker, Office, Officer, OfficerOffice
from engine.scope import PLATFORM, PUBLIC, Scope
from engine.store import FileStore, uow
from engine.store.tables import AuditEntry, Blob, BlobRef
from tests.people.conftest import People, closed

BASE = "https://coo.example.in"
LETTER = Attached(b"%PDF-1.7 a letter", "application/pdf", "pdf")
DESK = "account:desk"


@dataclass
class Hall:
    """Where persons ask, and where it is decided."""

    people: People
    files: FileStore

    @property
    def ways(self) -> dict[str, Any]:
        """What every door takes, a second later each time: what was written later is later."""
        return {"box": self.people.box, "base": BASE, "at": self.people.later(seconds=1).at}

    def asker(self, role: Applicant = Applicant.ADMINISTRATOR, **more: Any) -> Asker:
        asker = Asker(role, "head@eia.example.in", "Meera Iyer", "Director", agency_id=self.people.agency_id)
        if role is Applicant.ADMINISTRATOR:
            asker = replace(asker, letter=LETTER)
        elif role is Applicant.OFFICER:
            asker = replace(asker, office_id=self.people.office_id)
        else:
            asker = replace(asker, firm="Konkan Clearing", licence="11/1234", agency_id=None, email="desk@konkan.example")
        return replace(asker, **more)

    async def ask(self, role: Applicant = Applicant.ADMINISTRATOR, **more: Any) -> str:
        """Asks and gives the token of the mailed link."""
        asker = self.asker(role, **more)
        await ask_registration(asker, files=self.files, **self.ways)
        return self.token((await self.mail(asker.email.strip().lower()))[-1])

    @staticmethod
    def token(text: str) -> str:
        return text.partition("/register/prove/")[2].split()[0]

    async def waiting(self, role: Applicant = Applicant.ADMINISTRATOR, **more: Any) -> UUID:
        """Asks, proves it, and gives the request's id."""
        token = await self.ask(role, **more)
        await prove_request(token, **self.ways)
        found = await behind_link(token, self.people.at)
        assert found is not None
        return found.id

    async def mail(self, to: str) -> list[str]:
        rows = await LetterRow.select().order_by(LetterRow.written_at)
        opened = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], self.people.box) for row in rows]
        return [f"{letter.subject}\n{letter.text}" for letter in opened if letter.to == to]

    async def refused(self, call: Any) -> Refused:
        with pytest.raises(Refused) as refused:
            await call
        return refused.value


@pytest.fixture
async def hall(people: People, tmp_path: Path) -> Hall:
    await record_address(people.agency_id, AddressKind.DOMAIN, "eia.example.in", actor="test", at=people.at)
    return Hall(people, FileStore(str(tmp_path / "files")))


# --- asking ---------------------------------------------------------------------------------------


async def test_nobody_sees_a_request_before_its_address_is_proved(hall: Hall) -> None:
    token = await hall.ask()
    [row] = await RegistrationRequest.select()
    assert row["state"] == "unproved"
    assert token not in str(row)
    assert await requests_of(PLATFORM) == ()
    assert await count_requests(PLATFORM) == 0
    await hall.refused(request_of(PLATFORM, row["id"]))
    await hall.refused(approve_administrator(PLATFORM, row["id"], actor=DESK, **hall.ways))
    await hall.refused(reject_request(PLATFORM, row["id"], "No.", box=hall.people.box, actor=DESK, at=hall.people.at))
    await prove_request(token, **hall.ways)
    assert [each.id for each in await requests_of(PLATFORM)] == [row["id"]]


async def test_a_proved_request_is_told_to_the_person_and_to_everybody_at_the_desk(hall: Hall) -> None:
    for name in ("one", "two"):
        await appoint_to_desk(email=f"{name}@platform.example.in", name="R. Das", actor="test", at=hall.people.at)
    id = await hall.waiting()
    assert "waits for the platform's desk" in (await hall.mail("head@eia.example.in"))[-1]
    for name in ("one", "two"):
        [letter] = await hall.mail(f"{name}@platform.example.in")
        assert f"{BASE}/desk/requests/{id}" in letter
        assert "Meera" not in letter


async def test_what_a_stranger_chose_stands_in_no_letter_to_an_unproved_address(hall: Hall) -> None:
    lure = "Win at evil.example now"
    await hall.ask(Applicant.BROKER, email="victim@anywhere.example", name=lure, firm=lure, licence="EVIL.EXAMPLE")
    [letter] = await hall.mail("victim@anywhere.example")
    assert "evil.example" not in letter.lower()


@pytest.mark.parametrize("role", [Applicant.ADMINISTRATOR, Applicant.OFFICER])
@pytest.mark.parametrize(
    "email", ["head@gmail.com", "head@eia.example.in.evil.example", "head@evileia.example.in", "head@e\u0456a.example.in"]
)
async def test_an_address_that_is_not_official_is_refused_and_nothing_is_kept(hall: Hall, role: Applicant, email: str) -> None:
    refusal = await hall.refused(hall.ask(role, email=email))
    assert refusal.box == "email"
    assert "eia.example.in" not in refusal.say
    assert (await RegistrationRequest.count(), await LetterRow.count()) == (0, 0)


async def test_for_an_agency_without_recorded_addresses_nobody_registers(hall: Hall) -> None:
    agency = await add_agency("FIEO", "An Organisation", actor="test", at=hall.people.at)
    refusal = await hall.refused(hall.ask(agency_id=agency))
    assert "No official address is recorded" in refusal.say


async def test_for_an_agency_that_is_not_listed_nobody_registers(hall: Hall) -> None:
    today = ist_day(hall.people.at)
    await delist(hall.people.agency_id, today, reason="Over.", box=hall.people.box, actor="test", at=hall.people.at)
    assert (await hall.refused(hall.ask())).rule == "agency listed"


@pytest.mark.parametrize(
    ("role", "more", "box"),
    [
        (Applicant.ADMINISTRATOR, {"name": ""}, "name"),
        (Applicant.ADMINISTRATOR, {"name": "x" * 121}, "name"),
        (Applicant.ADMINISTRATOR, {"name": "Meera\u202e Iyer"}, "name"),
        (Applicant.ADMINISTRATOR, {"name": "Meera\nIyer"}, "name"),
        (Applicant.ADMINISTRATOR, {"designation": ""}, "designation"),
        (Applicant.ADMINISTRATOR, {"phone": "call me"}, "phone"),
        (Applicant.ADMINISTRATOR, {"letter": None}, "letter"),
        (Applicant.ADMINISTRATOR, {"email": "no address"}, "email"),
        (Applicant.ADMINISTRATOR, {"email": "head@eia.example.in\r\nBcc: x@evil.example"}, "email"),
        (Applicant.ADMINISTRATOR, {"agency_id": uuid4()}, "agency"),
        (Applicant.OFFICER, {"office_id": None}, "office"),
        (Applicant.OFFICER, {"office_id": uuid4()}, "office"),
        (Applicant.BROKER, {"firm": ""}, "firm"),
        (Applicant.BROKER, {"licence": "<script>"}, "licence"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(hall: Hall, role: Applicant, more: dict[str, Any], box: str) -> None:
    asker = hall.asker(role, **more)
    refusal = await hall.refused(ask_registration(asker, files=hall.files, **hall.ways))
    assert refusal.box == box
    assert await RegistrationRequest.count() == 0


async def test_an_office_of_another_agency_is_refused(hall: Hall) -> None:
    other = await add_agency("FIEO", "An Organisation", actor="test", at=hall.people.at)
    office = await add_office(other, "DEL", "Delhi", "Delhi", actor="test", at=hall.people.at)
    assert (await hall.refused(hall.ask(Applicant.OFFICER, office_id=office))).box == "office"


async def test_a_known_person_and_a_stranger_leave_the_same_traces(hall: Hall) -> None:
    await appoint_administrator(hall.people.agency_id, email="head@eia.example.in", name="X", actor="test", at=hall.people.at)
    before = await AuditEntry.count()
    await hall.ask()
    await hall.ask(email="stranger@eia.example.in")
    assert await AuditEntry.count().where(AuditEntry.act == "registration_asked") == 2
    assert await AuditEntry.count() == before + 2
    known, strange = await hall.mail("head@eia.example.in"), await hall.mail("stranger@eia.example.in")
    assert [hall.token(text) for text in known] != [hall.token(text) for text in strange]
    assert known[0].replace(hall.token(known[0]), "") == strange[0].replace(hall.token(strange[0]), "")


async def test_nobodys_mailbox_is_filled(hall: Hall) -> None:
    for _ in range(8):
        await ask_registration(hall.asker(), files=hall.files, **hall.ways)
    assert len(await hall.mail("head@eia.example.in")) == 3
    hall.people.later(hours=1, seconds=1)
    await hall.ask()
    assert len(await hall.mail("head@eia.example.in")) == 4


async def test_no_name_and_no_address_is_in_the_audit(hall: Hall) -> None:
    id = await hall.waiting(phone="+91 22 2345 6789")
    await approve_administrator(PLATFORM, id, actor=DESK, **hall.ways)
    written = str(await AuditEntry.select())
    assert all(word not in written for word in ("Meera", "head@", "2345"))


# --- the link -------------------------------------------------------------------------------------


@pytest.mark.parametrize("guess", ["", "x", "a" * 43, "' OR 1=1 --", "\x00"])
async def test_a_guessed_link_opens_nothing(hall: Hall, guess: str) -> None:
    await hall.ask()
    assert await behind_link(guess, hall.people.at) is None
    await hall.refused(prove_request(guess, **hall.ways))
    await hall.refused(withdraw_request(guess, at=hall.people.at))
    assert (await RegistrationRequest.select(RegistrationRequest.state))[0]["state"] == "unproved"


async def test_a_link_is_good_for_a_day(hall: Hall) -> None:
    token = await hall.ask()
    hall.people.later(hours=24)
    assert await behind_link(token, hall.people.at) is None
    await hall.refused(prove_request(token, **hall.ways))


async def test_confirming_twice_is_confirming_once(hall: Hall) -> None:
    token = await hall.ask()
    await asyncio.gather(prove_request(token, **hall.ways), prove_request(token, **hall.ways), return_exceptions=True)
    await prove_request(token, **hall.ways)
    assert len([text for text in await hall.mail("head@eia.example.in") if "waits for a decision" in text]) == 1
    assert await count_requests(PLATFORM) == 1


async def test_of_one_person_role_and_agency_one_request_waits(hall: Hall) -> None:
    first, second = await hall.ask(), await hall.ask(name="Another Name")
    await prove_request(first, **hall.ways)
    with pytest.raises(Conflict, match="waits already"):
        await prove_request(second, **hall.ways)
    await hall.waiting(Applicant.OFFICER)  # another role is another request
    await withdraw_request(first, at=hall.people.at)
    await prove_request(second, **hall.ways)
    assert [each.name for each in await requests_of(PLATFORM)] == ["Another Name"]


async def test_a_stranger_who_writes_the_address_first_keeps_nobody_out(hall: Hall) -> None:
    await hall.ask(name="An Attacker")
    await hall.waiting(name="Meera Iyer")
    assert [each.name for each in await requests_of(PLATFORM)] == ["Meera Iyer"]


async def test_a_withdrawn_request_is_forgotten(hall: Hall) -> None:
    token = await hall.ask()
    await prove_request(token, **hall.ways)
    await withdraw_request(token, at=hall.people.at)
    [row] = await RegistrationRequest.select()
    assert (row["state"], row["name"], row["email"], row["phone"]) == ("withdrawn", "", "", "")
    assert await BlobRef.count() == 0
    assert await Blob.count() == 0
    assert await requests_of(PLATFORM) == ()
    await hall.refused(withdraw_request(token, at=hall.people.at))
    await hall.refused(prove_request(token, **hall.ways))


async def test_what_nobody_proves_is_forgotten_after_a_day_and_what_nobody_decides_after_ninety(hall: Hall) -> None:
    await hall.ask()
    hall.people.later(hours=2)
    id = await hall.waiting(email="second@eia.example.in")
    assert await expire_requests(hall.people.at) == 0
    hall.people.later(hours=23)
    assert await expire_requests(hall.people.at) == 1
    assert await expire_requests(hall.people.at) == 0
    assert {row["name"] for row in await RegistrationRequest.select()} == {"", "Meera Iyer"}
    hall.people.later(days=90)
    await hall.refused(approve_administrator(PLATFORM, id, actor=DESK, **hall.ways))
    assert await expire_requests(hall.people.at) == 1
    assert await BlobRef.count() == 0


async def test_what_was_rejected_is_forgotten_after_ninety_days_and_leaves_its_trace(hall: Hall) -> None:
    id, broker = await hall.waiting(phone="+91 22 2345 6789"), await hall.waiting(Applicant.BROKER)
    for each in (id, broker):
        await reject_request(PLATFORM, each, "The letter of Meera Iyer is not signed.", box=hall.people.box, actor=DESK, at=hall.people.at)
    approved = await hall.waiting(email="second@eia.example.in")
    await approve_administrator(PLATFORM, approved, actor=DESK, **hall.ways)
    hall.people.later(days=89)
    assert await forget_rejected(hall.people.at) == 0
    hall.people.later(days=2)
    assert await forget_rejected(hall.people.at) == 2
    assert await forget_rejected(hall.people.at) == 0
    rows = {row["id"]: row for row in await RegistrationRequest.select()}
    told = str([rows[id], rows[broker]])
    assert not [word for word in ("Meera", "Iyer", "head@", "desk@", "2345", "Konkan", "11/1234", "Director", "signed") if word in told]
    kept = rows[id]
    assert (kept["role"], kept["state"], kept["agency"]) == ("administrator", "rejected", hall.people.agency_id)
    assert kept["decided_at"]
    assert kept["email_sha256"] == address_mark(id, "head@eia.example.in") != address_mark(broker, "head@eia.example.in")
    assert [ref["row"] for ref in await BlobRef.select()] == [str(approved)]
    assert (rows[approved]["email"], rows[approved]["email_sha256"]) == ("second@eia.example.in", "")
    assert (await request_of(PLATFORM, id)).email == ""


async def test_what_a_broker_told_is_forgotten_with_a_request_that_became_nothing(hall: Hall) -> None:
    await withdraw_request(await hall.ask(Applicant.BROKER), at=hall.people.at)
    await hall.ask(Applicant.BROKER, email="two@konkan.example")
    hall.people.later(days=2)
    assert await expire_requests(hall.people.at) == 1
    assert {(row["firm"], row["licence"]) for row in await RegistrationRequest.select()} == {("", "")}


async def test_of_many_who_ask_at_once_for_one_address_three_are_written_to(hall: Hall) -> None:
    ways = hall.ways
    await asyncio.gather(*(ask_registration(hall.asker(), files=hall.files, **ways) for _ in range(8)))
    assert len(await hall.mail("head@eia.example.in")) == 3
    assert await RegistrationRequest.count() == 3


@pytest.mark.parametrize("licence", ["11/1234", "AB1", " CHA  11/1234 ", "A" * 40])
async def test_a_licence_that_is_taken_can_be_approved(hall: Hall, licence: str) -> None:
    id = await hall.waiting(Applicant.BROKER, licence=licence)
    await approve_broker(PLATFORM, id, actor=DESK, **hall.ways)
    [broker] = await Broker.select(Broker.licence)
    assert broker["licence"] == " ".join(licence.split())


@pytest.mark.parametrize("licence", ["A" * 41, "11/1234-", "AB", "", "٣٤٥"])
async def test_a_licence_that_could_not_be_approved_is_not_taken(hall: Hall, licence: str) -> None:
    refusal = await hall.refused(hall.ask(Applicant.BROKER, licence=licence))
    assert [problem.box for problem in refusal.problems] == ["licence"]


async def test_an_officer_whom_the_registry_let_in_enters_by_password_alone(hall: Hall) -> None:
    account = await hall.people.person("head@eia.example.in")
    async with uow():
        await Account.update({Account.registry_key: "0" * 64}).where(Account.id == account)
    token = await hall.people.whole("head@eia.example.in", account)
    id = await hall.waiting(Applicant.OFFICER)
    await approve_officer(Scope.agency(hall.people.agency_id), id, actor="account:x", **hall.ways)
    [row] = await Account.select(Account.registry_key).where(Account.id == account)
    assert row["registry_key"] is None
    assert await hall.people.resume(token) is None


# --- deciding: the desk ---------------------------------------------------------------------------


async def test_an_approved_administrator_is_invited_and_has_the_role(hall: Hall) -> None:
    id = await hall.waiting()
    account = await approve_administrator(PLATFORM, id, actor=DESK, **hall.ways)
    assert [role.kind for role in await roles_of(account, hall.people.at)] == ["administrator"]
    assert "/password/" in (await hall.mail("head@eia.example.in"))[-1]
    assert await requests_of(PLATFORM) == ()
    assert (await request_of(PLATFORM, id)).state == "approved"


async def test_a_request_is_decided_once_however_many_decide(hall: Hall) -> None:
    id = await hall.waiting()
    deeds = [approve_administrator(PLATFORM, id, actor=DESK, **hall.ways) for _ in range(4)]
    deeds += [reject_request(PLATFORM, id, "No.", box=hall.people.box, actor=DESK, at=hall.people.at) for _ in range(4)]  # type: ignore[misc]
    answers = await asyncio.gather(*deeds, return_exceptions=True)
    assert len([answer for answer in answers if not isinstance(answer, BaseException)]) == 1
    assert all(isinstance(answer, EngineError) for answer in answers if isinstance(answer, BaseException))
    decided = [text for text in await hall.mail("head@eia.example.in") if "/password/" in text or "not approved" in text]
    assert len(decided) == 1


async def test_nothing_is_approved_after_the_agency_was_delisted(hall: Hall) -> None:
    id, officer = await hall.waiting(), await hall.waiting(Applicant.OFFICER, email="o@eia.example.in")
    today = ist_day(hall.people.at)
    await delist(hall.people.agency_id, today, reason="Over.", box=hall.people.box, actor="test", at=hall.people.at)
    assert (await hall.refused(approve_administrator(PLATFORM, id, actor=DESK, **hall.ways))).rule == "agency listed"
    scope = Scope.agency(hall.people.agency_id)
    assert (await hall.refused(approve_officer(scope, officer, actor="account:x", **hall.ways))).rule == "agency listed"
    assert await count_requests(PLATFORM) == 1, "a refused approval leaves the request where it was"
    assert await Administrator.count() == 0


async def test_nothing_is_approved_after_the_address_ceased_to_be_official(hall: Hall) -> None:
    id, officer = await hall.waiting(), await hall.waiting(Applicant.OFFICER, email="o@eia.example.in")
    await record_address(hall.people.agency_id, AddressKind.ADDRESS, "other@elsewhere.example", actor="test", at=hall.people.at)
    [row] = await OfficialAddress.select().where(OfficialAddress.kind == "domain")
    await end_address(hall.people.agency_id, row["id"], actor="test", at=hall.people.at)
    assert (await request_of(PLATFORM, id)).official is False
    assert (await hall.refused(approve_administrator(PLATFORM, id, actor=DESK, **hall.ways))).rule == "official e-mail"
    scope = Scope.agency(hall.people.agency_id)
    assert (await hall.refused(approve_officer(scope, officer, actor="account:x", **hall.ways))).rule == "official e-mail"


@pytest.mark.parametrize("address", ["head@eia.example.in", "head+desk@eia.example.in", "head+@eia.example.in"])
async def test_nobody_decides_on_their_own_request_whatever_stands_behind_their_name(hall: Hall, address: str) -> None:
    own = await appoint_to_desk(email=address, name="X", actor="test", at=hall.people.at)
    id = await hall.waiting()
    assert (await hall.refused(approve_administrator(PLATFORM, id, actor=f"account:{own}", **hall.ways))).rule == "another person decides"


async def test_a_rejection_needs_a_reason_and_tells_it(hall: Hall) -> None:
    id = await hall.waiting()
    for reason in ("", "  ", "x" * 401, "hidden\u200b"):
        refusal = await hall.refused(reject_request(PLATFORM, id, reason, box=hall.people.box, actor=DESK, at=hall.people.at))
        assert refusal.box == "reason"
    await reject_request(PLATFORM, id, "The letter names another person.", box=hall.people.box, actor=DESK, at=hall.people.at)
    assert "The letter names another person." in (await hall.mail("head@eia.example.in"))[-1]
    assert "another person" not in str(await AuditEntry.select())
    await hall.waiting()  # and the person may ask again


async def test_an_approved_broker_is_opened_with_its_first_user(hall: Hall) -> None:
    id = await hall.waiting(Applicant.BROKER)
    await approve_broker(PLATFORM, id, actor=DESK, **hall.ways)
    [account] = await Account.select(Account.id).where(Account.email == "desk@konkan.example")
    assert [role.kind for role in await roles_of(account["id"], hall.people.at)] == ["broker"]
    with pytest.raises(Conflict):
        await approve_broker(PLATFORM, id, actor=DESK, **hall.ways)


async def test_a_closed_account_gets_no_new_role(hall: Hall) -> None:
    account = await hall.people.person("head@eia.example.in")
    id = await hall.waiting()
    async with uow():
        await Account.update(closed(hall.people.at)).where(Account.id == account)
    assert (await hall.refused(approve_administrator(PLATFORM, id, actor=DESK, **hall.ways))).rule == "account active"


@pytest.mark.parametrize("of", [PUBLIC, Scope.agency(uuid4()), Scope.exporter(uuid4())])
async def test_only_the_desk_sees_and_decides_what_is_the_desks(hall: Hall, of: Scope) -> None:
    id = await hall.waiting()
    for scope in (of, Scope.agency(hall.people.agency_id)):
        assert await requests_of(scope) == ()
        with pytest.raises(NotFound):
            await request_of(scope, id)
        with pytest.raises(NotFound):
            await approve_administrator(scope, id, actor="account:x", **hall.ways)
        with pytest.raises(NotFound):
            await reject_request(scope, id, "No.", box=hall.people.box, actor="account:x", at=hall.people.at)


# --- deciding: an agency's administrators ---------------------------------------------------------


async def test_an_officer_becomes_active_and_mapped_and_is_invited(hall: Hall) -> None:
    await appoint_administrator(hall.people.agency_id, email="boss@eia.example.in", name="B", actor="test", at=hall.people.at)
    id = await hall.waiting(Applicant.OFFICER)
    assert f"{BASE}/users/requests/{id}" in (await hall.mail("boss@eia.example.in"))[-1]
    scope = Scope.agency(hall.people.agency_id)
    assert [each.id for each in await requests_of(scope)] == [id]
    officer = await approve_officer(scope, id, actor="account:x", **hall.ways)
    [row] = await Officer.select().where(Officer.id == officer)
    assert (row["active"], row["name"], row["designation"]) == (True, "Meera Iyer", "Director")
    [role] = await roles_of(row["account"], hall.people.at)
    assert role.office_ids == {hall.people.office_id}
    assert "/password/" in (await hall.mail("head@eia.example.in"))[-1]


async def test_a_foreign_administrator_and_an_officer_see_and_decide_nothing(hall: Hall) -> None:
    id = await hall.waiting(Applicant.OFFICER)
    mine = hall.people.agency_id
    for scope in (Scope.agency(uuid4()), Scope.offices(mine, frozenset({hall.people.office_id})), PLATFORM, PUBLIC):
        assert await requests_of(scope) == ()
        for unknown in (id, uuid4()):
            said = {str(await hall.refused(request_of(scope, unknown)))}
            said.add(str(await hall.refused(approve_officer(scope, unknown, actor="account:x", **hall.ways))))
            assert said == {"There is no such request, or it is not yours to decide."}


async def test_one_account_takes_another_role_and_is_told_without_a_new_password(hall: Hall) -> None:
    account = await hall.people.exporter_user("head@eia.example.in", "see")
    id = await hall.waiting(Applicant.OFFICER)
    assert (await request_of(Scope.agency(hall.people.agency_id), id)).known
    await approve_officer(Scope.agency(hall.people.agency_id), id, actor="account:x", **hall.ways)
    assert {role.kind for role in await roles_of(account, hall.people.at)} == {"officer", "exporter"}
    assert await Account.count().where(Account.email == "head@eia.example.in") == 1
    last = (await hall.mail("head@eia.example.in"))[-1]
    assert ("/password/" in last, f"{BASE}/account" in last) == (False, True)


async def test_an_officer_of_one_office_asks_for_a_second_one(hall: Hall) -> None:
    first = await approve_officer(
        Scope.agency(hall.people.agency_id), await hall.waiting(Applicant.OFFICER), actor="account:x", **hall.ways
    )
    office = await add_office(hall.people.agency_id, "DEL", "Delhi", "Delhi", actor="test", at=hall.people.at)
    again = await hall.waiting(Applicant.OFFICER, office_id=office)
    assert await approve_officer(Scope.agency(hall.people.agency_id), again, actor="account:x", **hall.ways) == first
    assert await OfficerOffice.count().where(OfficerOffice.ended_at.is_null()) == 2
    third = await hall.waiting(Applicant.OFFICER, office_id=office)  # mapped there already: nothing more to do
    assert await approve_officer(Scope.agency(hall.people.agency_id), third, actor="account:x", **hall.ways) == first
    assert await OfficerOffice.count().where(OfficerOffice.ended_at.is_null()) == 2


async def test_a_deactivated_officer_comes_not_back_by_registering(hall: Hall) -> None:
    account = await hall.people.officer("head@eia.example.in")
    async with uow():
        await Officer.update({Officer.active: False}).where(Officer.account == account)
    id = await hall.waiting(Applicant.OFFICER)
    refusal = await hall.refused(approve_officer(Scope.agency(hall.people.agency_id), id, actor="account:x", **hall.ways))
    assert refusal.rule == "officer activated by two"
    assert await roles_of(account, hall.people.at) == ()


async def test_an_office_that_was_switched_off_takes_no_officer(hall: Hall) -> None:
    id = await hall.waiting(Applicant.OFFICER)
    async with uow():
        await Office.update({Office.active: False}).where(Office.id == hall.people.office_id)
    assert (await hall.refused(approve_officer(Scope.agency(hall.people.agency_id), id, actor="account:x", **hall.ways))).box == "office"
    assert await Officer.count() == 0


# --- a lost administrator -------------------------------------------------------------------------


@dataclass
class Lost:
    row: UUID
    account: UUID
    token: str


@pytest.fixture
async def lost(hall: Hall) -> Lost:
    account = await hall.people.person("lost@eia.example.in", factor=True)
    await hall.people.administrator(account)
    [row] = await Administrator.select(Administrator.id).where(Administrator.account == account)
    return Lost(row["id"], account, await hall.people.whole("lost@eia.example.in", account))


SUCCESSOR = Successor("New.Head@eia.example.in", "Kavya Nair", "Left the agency.", LETTER)


async def test_a_lost_administrator_is_replaced_in_one_act_and_both_are_told(hall: Hall, lost: Lost) -> None:
    account = await replace_administrator(PLATFORM, lost.row, SUCCESSOR, files=hall.files, actor=DESK, **hall.ways)
    assert await hall.people.resume(lost.token) is None
    assert await roles_of(lost.account, hall.people.at) == ()
    assert [role.kind for role in await roles_of(account, hall.people.at)] == ["administrator"]
    assert "Left the agency." in (await hall.mail("lost@eia.example.in"))[-1]
    new = await hall.mail("new.head@eia.example.in")
    assert "/password/" in new[-1]
    assert "Left the agency." not in new[-1]
    [kept] = await RegistrationRequest.select()
    assert (kept["state"], kept["reason"], kept["decided_by"]) == ("approved", "Left the agency.", DESK)
    assert await hall.files.get(kept["letter_sha256"]) == LETTER.data
    again = replace_administrator(PLATFORM, lost.row, SUCCESSOR, files=hall.files, actor=DESK, **hall.ways)
    assert isinstance(await hall.refused(again), NotFound)


@pytest.mark.parametrize(
    ("change", "box"),
    [
        ({"email": "new@gmail.com"}, "email"),
        ({"email": "lost@eia.example.in"}, "email"),
        ({"email": "nobody"}, "email"),
        ({"name": ""}, "name"),
        ({"reason": " "}, "reason"),
    ],
)
async def test_a_replacement_that_is_refused_leaves_the_one_before(hall: Hall, lost: Lost, change: dict[str, str], box: str) -> None:
    successor = replace(SUCCESSOR, **change)
    refusal = await hall.refused(replace_administrator(PLATFORM, lost.row, successor, files=hall.files, actor=DESK, **hall.ways))
    assert refusal.box == box
    assert await hall.people.resume(lost.token) is not None


async def test_nobody_at_the_desk_puts_themselves_in_an_administrators_place(hall: Hall, lost: Lost) -> None:
    own = await appoint_to_desk(email="new.head@eia.example.in", name="X", actor="test", at=hall.people.at)
    replacing = replace_administrator(PLATFORM, lost.row, SUCCESSOR, files=hall.files, actor=f"account:{own}", **hall.ways)
    assert (await hall.refused(replacing)).rule == "another person decides"
    assert await hall.people.resume(lost.token) is not None


@pytest.mark.parametrize("scope", [PUBLIC, Scope.agency(uuid4()), Scope.exporter(uuid4())])
async def test_who_does_not_sit_at_the_desk_replaces_nobody(hall: Hall, lost: Lost, scope: Scope) -> None:
    replacing = replace_administrator(scope, lost.row, SUCCESSOR, files=hall.files, actor="account:x", **hall.ways)
    assert isinstance(await hall.refused(replacing), NotFound)
    assert await hall.people.resume(lost.token) is not None


def test_what_a_person_told_is_in_no_repr() -> None:
    asker = Asker(Applicant.OFFICER, "head@eia.example.in", "Meera Iyer", phone="+91 22 2345", agency_id=uuid4())
    assert all(word not in repr(asker) for word in ("head@", "Meera", "2345"))
