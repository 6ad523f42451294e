"""Registering through pages: the list of agencies, the form, the mailed link, and what a stranger cannot learn or break."""

import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from engine.clock import ist_day
from engine.config import AccessSection
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import add_agency, add_office, appoint_administrator
from engine.people.access import Device, RoleKind, Stage
from engine.people.access.sessions import begin
from engine.people.agencies.official import record_address
from engine.people.agencies.register import delist
from engine.people.agencies.tables import AddressKind
from engine.people.joining.tables import RegistrationRequest
from engine.people.tables import Account, Administrator, Officer
from engine.store import uow
from tests.admin.conftest import BASE, TOKEN
from tests.admin.world import World

LINK = re.compile(r"/register/prove/([A-Za-z0-9_-]{43})")


def pdf() -> bytes:
    out = io.BytesIO()
    sheet = Canvas(out)
    sheet.drawString(40, 700, "We appoint Meera Iyer.")
    sheet.save()
    return out.getvalue()


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (120, 160), "white").save(out, "PNG")
    return out.getvalue()


@dataclass
class Visitor:
    """A browser at the registration, an agency of its own to register for, and the mail of everybody."""

    client: httpx.AsyncClient
    house: Litestar
    clock: Any
    agency: UUID
    code: str
    domain: str

    @property
    def email(self) -> str:
        return f"head@{self.domain}"

    async def send(self, path: str, *, on: str | None = None, letter: bytes | None = None, **fields: str) -> httpx.Response:
        form = await self.client.get(on or path)
        token = TOKEN.search(form.text)
        assert token, (form.status_code, form.text[:400])
        files = {"letter": ("letter.pdf", letter, "application/pdf")} if letter is not None else None
        data = {"_csrf_token": token[1], **fields}
        return await self.client.post(path, data=data, files=files, headers={"origin": BASE})

    async def ask(self, role: str = "administrator", *, letter: bytes | None = None, **changed: str) -> httpx.Response:
        told = {"agency": self.code, "role": role, "email": self.email, "name": "Meera Iyer", "designation": "Director", "phone": ""}
        on = f"/register/agency?agency={self.code}&role={role}"
        letter = pdf() if letter is None and role == "administrator" else letter
        return await self.send("/register/agency", on=on, letter=letter, **{**told, **changed})

    async def mail(self, to: str) -> list[str]:
        box = self.house.state["parts"].site.secrets
        rows = await LetterRow.select().where(LetterRow.sent_at.is_null()).order_by(LetterRow.written_at)
        opened = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], box) for row in rows]
        return [letter.text for letter in opened if letter.to == to]

    async def link(self, to: str = "") -> str:
        found = LINK.search((await self.mail(to or self.email))[-1])
        assert found
        return f"/register/prove/{found[1]}"

    async def prove(self, to: str = "") -> httpx.Response:
        return await self.send(await self.link(to))


@pytest.fixture
async def visitor(client: httpx.AsyncClient, house: Litestar, clock: Any) -> AsyncIterator[Visitor]:
    clock.forward(minutes=1)
    code, domain = f"R{uuid4().hex[:8].upper()}", f"{uuid4().hex[:8]}.example.in"
    agency = await add_agency(code, f"Chamber {code}", actor="test", at=clock.now())
    await record_address(agency, AddressKind.DOMAIN, domain, actor="test", at=clock.now())
    await add_office(agency, "PNQ", "Pune Office", "Pune", actor="test", at=clock.now())
    yield Visitor(client, house, clock, agency, code, domain)
    client.cookies.clear()


# --- choosing -------------------------------------------------------------------------------------


async def test_listed_agencies_are_offered_below_their_appendix_and_others_are_not(visitor: Visitor) -> None:
    page = (await visitor.client.get("/register")).text
    assert "CoO Authorized Agency" in page
    assert page.index("Appendix 2B, preferential") < page.index(f'value="{visitor.code}"')
    box, at = visitor.house.state["parts"].site.secrets, visitor.clock.now()
    await delist(visitor.agency, ist_day(at), reason="Over.", box=box, actor="test", at=at)
    assert f'value="{visitor.code}"' not in (await visitor.client.get("/register")).text
    gone = await visitor.client.get(f"/register/agency?agency={visitor.code}&role=officer")
    assert gone.status_code == 422


@pytest.mark.parametrize("words", ["%", "_", "'; --", "<script>alert(1)</script>"])
async def test_the_search_takes_every_sign_for_itself(visitor: Visitor, words: str) -> None:
    page = await visitor.client.get("/register", params={"q": words})
    assert page.status_code == 200
    assert f'value="{visitor.code}"' not in page.text
    assert "<script>alert" not in page.text
    found = await visitor.client.get("/register", params={"q": visitor.code.lower()})
    assert found.text.count("<option value=") == 2, "one, and the empty one"


@pytest.mark.parametrize(("agency", "role"), [("", ""), ("NONE", "officer"), (None, "broker"), (None, "platform"), (None, "")])
async def test_what_cannot_be_chosen_leads_back_to_the_choice(visitor: Visitor, agency: str | None, role: str) -> None:
    wanted = visitor.code if agency is None else agency
    page = await visitor.client.get("/register/agency", params={"agency": wanted, "role": role})
    chosen = agency is None
    said = ("Choose an agency from the list" in page.text, "Choose what you are there" in page.text)
    assert (page.status_code, *said) == (422, not chosen, role not in {"administrator", "officer"})
    assert (f'value="{visitor.code}" selected' in page.text) is chosen, "what was chosen is kept"


# --- asking ---------------------------------------------------------------------------------------


async def test_an_administrator_asks_confirms_and_waits(visitor: Visitor) -> None:
    done = await visitor.ask()
    assert (done.status_code, done.headers["location"]) == (303, "/register/asked")
    link = await visitor.link()
    look = await visitor.client.get(link)
    assert "Meera Iyer" in look.text
    assert "Yes, this is my request" in look.text
    [row] = await RegistrationRequest.select().where(RegistrationRequest.agency == visitor.agency)
    assert row["state"] == "unproved", "looking proves nothing"
    assert (await visitor.prove()).status_code == 303
    after = await visitor.client.get(link)
    assert "waits for the platform" in after.text
    assert "Yes, this is my request" not in after.text


async def test_an_officer_chooses_a_regional_office_of_the_agency(visitor: Visitor) -> None:
    form = await visitor.client.get(f"/register/agency?agency={visitor.code}&role=officer")
    assert "Pune Office (PNQ)" in form.text
    assert "Mumbai" not in form.text
    assert 'type="file"' not in form.text
    wrong = await visitor.ask("officer", office="MUM")
    assert (wrong.status_code, "Choose the regional office" in wrong.text) == (422, True)
    assert (await visitor.ask("officer", office="PNQ")).status_code == 303


async def test_a_broker_asks_with_firm_and_licence(visitor: Visitor) -> None:
    email = f"{uuid4().hex[:8]}@konkan.example"
    told = {"firm": "Konkan Clearing", "licence": "11/1234", "name": "A Broker", "email": email}
    assert (await visitor.send("/register/broker", **{**told, "licence": "?"})).status_code == 422
    assert (await visitor.send("/register/broker", **told)).headers["location"] == "/register/asked"
    link = await visitor.link(email)
    assert "Konkan Clearing" in (await visitor.client.get(link)).text
    assert (await visitor.send(link)).headers["location"] == link


@pytest.mark.parametrize(
    ("changed", "say"),
    [
        ({"email": "head@gmail.com"}, "not an official e-mail address"),
        ({"email": "not an address"}, "An e-mail address has"),
        ({"name": ""}, "The name is missing; enter it."),
        ({"phone": "<b>"}, "A phone number has"),
        ({"designation": "x" * 121}, "The designation must"),
    ],
)
async def test_what_is_wrong_is_named_and_what_was_typed_is_kept(visitor: Visitor, changed: dict[str, str], say: str) -> None:
    again = await visitor.ask(**{"name": "Meera <i>Iyer</i>", **changed})
    assert (again.status_code, say in again.text) == (422, True)
    assert "Choose the file once more" in again.text
    if "name" not in changed:
        assert 'value="Meera &lt;i&gt;Iyer&lt;/i&gt;"' in again.text
    assert visitor.domain not in again.text.replace(visitor.email, ""), "the page lists no recorded address"
    assert not await RegistrationRequest.exists().where(RegistrationRequest.agency == visitor.agency)


async def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_form(visitor: Visitor) -> None:
    again = await visitor.ask(letter=b"", email="head@gmail.com", name="", designation="", phone="<b>")
    said = re.findall(r'<li><a href="#(\w+)">', again.text)
    assert said == ["email", "name", "designation", "phone", "letter"]
    assert all(f'id="{box}-wrong"' in again.text for box in said)
    broker = await visitor.send("/register/broker", firm="", licence="", name="", email="x", phone="<b>")
    assert re.findall(r'<li><a href="#(\w+)">', broker.text) == ["firm", "licence", "name", "email", "phone"]


@pytest.mark.parametrize(
    "letter",
    [b"", b"<html><script>alert(1)</script></html>", b"MZ" + b"\0" * 100, photo() + b"PK\x03\x04", pdf() + b"<script>", b"%PDF-1.7"],
)
async def test_a_letter_of_another_kind_or_of_two_is_refused(visitor: Visitor, letter: bytes) -> None:
    again = await visitor.ask(letter=letter)
    assert again.status_code == 422
    assert 'id="letter-wrong"' in again.text
    assert not await RegistrationRequest.exists().where(RegistrationRequest.agency == visitor.agency)


async def test_a_letter_that_is_too_large_is_refused_and_one_of_four_megabytes_is_not(visitor: Visitor) -> None:
    whole = pdf()
    too_large = await visitor.ask(letter=whole + b"\n" * (4_000_001 - len(whole)))
    assert (too_large.status_code, "larger than 4 MB" in too_large.text) == (422, True)
    assert (await visitor.ask(letter=whole + b"\n" * 6_000_000)).status_code == 413
    assert (await visitor.ask(letter=whole + b"\n" * (4_000_000 - len(whole)))).status_code == 303


async def test_a_known_person_and_a_stranger_get_the_same_answer(visitor: Visitor) -> None:
    account = Account(email=visitor.email, name="A Known Person", made_at=visitor.clock.now())
    administrator = Administrator(
        agency=visitor.agency, account=account.id, live_key=f"{account.id}:{visitor.agency}", made_by="test", made_at=visitor.clock.now()
    )
    async with uow():
        await Account.insert(account)
        await Administrator.insert(administrator)
    await visitor.ask()
    await visitor.prove()
    known = await visitor.ask()  # has an account, the very role, and a request that waits
    stranger = await visitor.ask(email=f"stranger@{visitor.domain}")
    for name in ("status_code", "text"):
        assert getattr(known, name) == getattr(stranger, name)
    assert known.headers["location"] == stranger.headers["location"]


async def test_one_address_asks_six_times_a_minute(visitor: Visitor) -> None:
    answers = [await visitor.ask(email=f"n{number}@{visitor.domain}") for number in range(7)]
    assert [answer.status_code for answer in answers] == [303] * 6 + [429]
    visitor.clock.forward(minutes=1)
    assert (await visitor.ask(email=f"n8@{visitor.domain}")).status_code == 303


async def test_sending_the_form_twice_puts_one_request_before_the_desk(visitor: Visitor) -> None:
    await visitor.ask()
    await visitor.ask()
    links = {LINK.search(text)[0] for text in await visitor.mail(visitor.email)}  # type: ignore[index]
    assert len(links) == 2
    answers = sorted([(await visitor.send(link)).status_code for link in links])
    assert answers == [303, 422]
    waiting = RegistrationRequest.count().where(RegistrationRequest.agency == visitor.agency, RegistrationRequest.state == "waiting")
    assert await waiting == 1


# --- the link -------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["x", "a" * 43, "a" * 5000, "%27%20OR%201=1", "%00"])
async def test_a_guessed_link_reads_like_one_that_is_over(visitor: Visitor, token: str) -> None:
    page = await visitor.client.get(f"/register/prove/{token}")
    assert (page.status_code, "too old, or its request is over" in page.text) == (404, True)


async def test_a_link_is_confirmed_by_a_form_of_ours_alone(visitor: Visitor) -> None:
    await visitor.ask()
    link = await visitor.link()
    assert (await visitor.client.post(link, headers={"origin": BASE})).status_code == 403
    assert (await visitor.client.post(link, headers={"origin": "https://evil.example"})).status_code == 403
    assert not await RegistrationRequest.exists().where(
        RegistrationRequest.agency == visitor.agency, RegistrationRequest.state == "waiting"
    )


async def test_a_request_is_withdrawn_by_its_link_and_forgotten(visitor: Visitor) -> None:
    await visitor.ask()
    link = await visitor.link()
    await visitor.prove()
    gone = await visitor.send(f"{link}/withdraw", on=link)
    assert (gone.status_code, "withdrawn" in gone.text) == (200, True)
    over = await visitor.client.get(link)
    assert "Meera" not in over.text


# --- an agency's administrator decides on officers -------------------------------------------------


@pytest.fixture
async def asked(visitor: Visitor) -> str:
    """The id of an officer's request that waits for the agency's administrator, who is signed in."""
    done = await visitor.ask("officer", office="PNQ", name="Kavya <b>Nair</b>")
    assert done.status_code == 303, done.text
    await visitor.prove()
    boss, at = f"boss@{visitor.domain}", visitor.clock.now()
    account = await appoint_administrator(visitor.agency, email=boss, name="A Boss", actor="test", at=at)
    async with uow():
        await Account.update({Account.totp_sealed: "x", Account.totp_set_at: at, Account.password_hash: "x"}).where(Account.id == account)
        visitor.client.cookies.set("session", await begin(account, Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=at))
    [row] = await RegistrationRequest.select().where(RegistrationRequest.email == visitor.email)
    return str(row["id"])


async def test_an_administrator_approves_an_officer(visitor: Visitor, asked: str) -> None:
    listed = await visitor.client.get("/users/requests")
    assert "Kavya &lt;b&gt;Nair&lt;/b&gt;" in listed.text
    assert "<b>Nair" not in listed.text
    path = f"/users/requests/{asked}"
    async with uow():
        await Account.insert(Account(email=visitor.email, name="Somebody Known", made_at=visitor.clock.now()))
    page = (await visitor.client.get(path)).text
    assert "official</strong>" in page
    assert ("has an account" in page, "Somebody Known" in page) == (False, False), "an agency learns nothing of accounts"
    done = await visitor.send(f"{path}/approve", on=path)
    assert (done.status_code, done.headers["location"]) == (303, path)
    assert "approved</strong>" in (await visitor.client.get(path)).text
    [row] = await RegistrationRequest.select().where(RegistrationRequest.id == UUID(asked))
    assert await Officer.exists().where(Officer.account == row["account"], Officer.active.eq(True))
    form = TOKEN.search((await visitor.client.get("/account")).text)
    assert form
    again = await visitor.client.post(f"{path}/approve", data={"_csrf_token": form[1]}, headers={"origin": BASE})
    assert again.status_code == 409


async def test_a_rejection_keeps_what_was_typed_until_it_does(visitor: Visitor, asked: str) -> None:
    path = f"/users/requests/{asked}"
    empty = await visitor.send(f"{path}/reject", on=path, reason=" ")
    assert (empty.status_code, "The reason must" in empty.text) == (422, True)
    assert (await visitor.send(f"{path}/reject", on=path, reason="Not of this office.")).status_code == 303
    assert "Not of this office." in (await visitor.client.get(path)).text


async def test_another_agencys_administrator_sees_and_decides_nothing(visitor: Visitor, world: World, asked: str) -> None:
    await world.enter(visitor.client, RoleKind.ADMINISTRATOR, visitor.clock.now())
    path = f"/users/requests/{asked}"
    assert "Kavya" not in (await visitor.client.get("/users/requests")).text
    assert (await visitor.client.get(path)).status_code == 404
    for deed in ("approve", "reject"):
        assert (await visitor.send(f"{path}/{deed}", on="/account", reason="Mine.")).status_code == 404


async def test_deciding_asks_for_a_fresh_proof(visitor: Visitor, asked: str) -> None:
    visitor.clock.forward(minutes=29)
    page = await visitor.client.get(f"/users/requests/{asked}")
    assert (page.status_code, page.headers["location"]) == (303, f"/account/prove?next=/users/requests/{asked}")
