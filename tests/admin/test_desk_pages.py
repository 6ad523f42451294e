"""The platform's desk through pages: requests with their letters, and the register of agencies."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar
from PIL import Image

from engine.clock import ist_day
from engine.config import AccessSection
from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import add_agency, appoint_administrator
from engine.people.access import Device, RoleKind, Stage, roles_of
from engine.people.access.sessions import begin, resume
from engine.people.agencies.official import record_address
from engine.people.agencies.tables import AddressKind, Certifies, OfficialAddress
from engine.people.joining.letters import Attached, read_letter
from engine.people.joining.registering import Asker, ask_registration, behind_link, prove_request
from engine.people.joining.tables import Applicant, RegistrationRequest
from engine.people.tables import Account, Administrator, Agency, AgencyListing
from engine.store import uow
from tests.admin.conftest import BASE, TOKEN
from tests.admin.world import World

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\nstartxref\n0\n%%EOF\n"


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (120, 160), "white").save(out, "JPEG")
    return out.getvalue()


@dataclass
class Desk:
    """A person at the desk, and an agency whose entries are looked at and changed."""

    client: httpx.AsyncClient
    house: Litestar
    clock: Any
    world: World
    agency: UUID
    code: str
    domain: str

    @property
    def today(self) -> str:
        """The day of the site's clock, which goes on over all tests of a run."""
        return ist_day(self.clock.now()).isoformat()

    @property
    def path(self) -> str:
        return f"/desk/agencies/{self.agency}"

    async def send(self, path: str, *, on: str, letter: bytes | None = None, **fields: str) -> httpx.Response:
        form = await self.client.get(on)
        token = TOKEN.search(form.text)
        assert token, (form.status_code, form.text[:400])
        files = {"letter": ("../../etc/passwd\r\nx.pdf", letter, "text/html")} if letter is not None else None
        return await self.client.post(path, data={"_csrf_token": token[1], **fields}, files=files, headers={"origin": BASE})

    async def change(self, what: str, **fields: str) -> httpx.Response:
        return await self.send(f"{self.path}/{what}", on=f"{self.path}/change", **fields)

    async def request(self, letter: Attached, name: str = "Meera Iyer") -> str:
        """The path of a request that waits."""
        site = self.house.state["parts"].site
        at, email = self.clock.now(), f"{uuid4().hex[:8]}@{self.domain}"
        asker = Asker(Applicant.ADMINISTRATOR, email, name, "Director", agency_id=self.agency, letter=letter)
        await ask_registration(asker, files=site.files, box=site.secrets, base=BASE, at=at)
        [text] = await self.mail(email)
        token = text.partition("/register/prove/")[2].split()[0]
        await prove_request(token, box=site.secrets, base=BASE, at=at)
        found = await behind_link(token, at)
        assert found is not None
        return f"/desk/requests/{found.id}"

    async def mail(self, to: str) -> list[str]:
        box = self.house.state["parts"].site.secrets
        rows = await LetterRow.select().where(LetterRow.sent_at.is_null())
        opened = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], box) for row in rows]
        return [letter.text for letter in opened if letter.to == to]

    async def head(self) -> tuple[UUID, UUID, str]:
        """A new administrator of the agency: their appointment, their account, and the token of their session."""
        at = self.clock.now()
        account = await appoint_administrator(self.agency, email=f"{uuid4().hex[:8]}@{self.domain}", name="A Lost One", actor="test", at=at)
        async with uow():
            await Account.update({Account.totp_sealed: "x", Account.totp_set_at: at}).where(Account.id == account)
            token = await begin(account, Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=at)
        [row] = await Administrator.select(Administrator.id).where(Administrator.account == account, Administrator.ended_at.is_null())
        return row["id"], account, token

    async def is_in(self, token: str) -> bool:
        return await resume(token, limits=AccessSection(), at=self.clock.now()) is not None


@pytest.fixture
async def desk(client: httpx.AsyncClient, house: Litestar, clock: Any, world: World) -> AsyncIterator[Desk]:
    clock.forward(minutes=1)
    code, domain = f"K{uuid4().hex[:8].upper()}", f"{uuid4().hex[:8]}.example.in"
    agency = await add_agency(code, f"Chamber <i>{code}</i>", actor="test", at=clock.now())
    await record_address(agency, AddressKind.DOMAIN, domain, actor="test", at=clock.now())
    await world.enter(client, RoleKind.PLATFORM, clock.now())
    yield Desk(client, house, clock, world, agency, code, domain)
    client.cookies.clear()


# --- requests -------------------------------------------------------------------------------------


async def test_a_request_shows_the_letter_beside_what_is_recorded(desk: Desk) -> None:
    path = await desk.request(read_letter(photo()), name="Meera <script>alert(1)</script>")
    page = (await desk.client.get(path)).text
    assert f"@{desk.domain}" in page
    assert "as recorded</strong>" in page
    assert f'src="{path}/picture"' in page
    assert "<script>alert" not in page
    assert "Meera &lt;script&gt;" in page
    listed = (await desk.client.get("/desk/requests")).text
    assert path in listed
    assert "<script>alert" not in listed
    assert (await desk.client.get("/desk")).headers["location"] == "/desk/requests"


async def test_a_letter_is_a_download_of_its_own_kind_that_runs_nothing(desk: Desk) -> None:
    path = await desk.request(Attached(PDF, "application/pdf", "pdf"))
    answer = await desk.client.get(f"{path}/letter")
    assert answer.content == PDF
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith('attachment; filename="letter-')
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "private, no-store"
    assert (await desk.client.get(f"{path}/picture")).status_code == 404, "a PDF is no picture"
    assert f"{path}/picture" not in (await desk.client.get(path)).text


async def test_a_picture_is_shown_in_the_page_under_a_policy_of_its_own(desk: Desk) -> None:
    path = await desk.request(read_letter(photo() + b"<script>alert(1)</script>"))
    answer = await desk.client.get(f"{path}/picture")
    assert (answer.content, answer.headers["content-type"]) == (photo(), "image/jpeg")
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"


async def test_an_approved_administrator_is_in_the_agencys_entry(desk: Desk) -> None:
    path = await desk.request(Attached(PDF, "application/pdf", "pdf"))
    done = await desk.send(f"{path}/approve", on=path)
    assert (done.status_code, done.headers["location"]) == (303, path)
    page = (await desk.client.get(path)).text
    assert "approved</strong>" in page
    assert f'action="{path}/approve"' not in page
    assert "Meera Iyer" in (await desk.client.get(desk.path)).text
    again = await desk.send(f"{path}/approve", on="/account")
    assert again.status_code == 409


async def test_an_approval_that_is_refused_says_why_and_leaves_the_request(desk: Desk) -> None:
    path = await desk.request(Attached(PDF, "application/pdf", "pdf"))
    await desk.change("delist", delist_delisted_on=desk.today, delist_reason="Over.")
    refused = await desk.send(f"{path}/approve", on=path)
    assert refused.status_code == 422
    assert "was delisted on" in refused.text
    assert "waits for a decision" in refused.text
    rejected = await desk.send(f"{path}/reject", on=path, reason="The agency is delisted.")
    assert rejected.status_code == 303


async def test_the_desks_requests_are_no_administrators(desk: Desk) -> None:
    path = await desk.request(Attached(PDF, "application/pdf", "pdf"))
    for role in (RoleKind.ADMINISTRATOR, RoleKind.OFFICER, RoleKind.EXPORTER, RoleKind.BROKER):
        await desk.world.enter(desk.client, role, desk.clock.now())
        for each in (path, f"{path}/letter", f"{path}/picture", desk.path, "/desk/agencies"):
            assert (await desk.client.get(each)).status_code == 403


# --- the register ---------------------------------------------------------------------------------


async def test_an_agency_is_added_with_its_first_listing(desk: Desk) -> None:
    code = f"N{uuid4().hex[:6].upper()}"
    told = {"code": code, "name": "A New Chamber", "appendix": "2E", "starts_on": desk.today, "notice": "Public Notice 1/2026"}
    for change, say in (
        ({"code": "bad"}, "The code of an agency"),
        ({"code": desk.code}, "has an agency"),
        ({"appendix": ""}, "listed under 2B, 2E or RA"),
        ({"starts_on": "21.11.2026"}, "Write the day"),
        ({"starts_on": "2026-02-30"}, "Write the day"),
        ({"name": "x\u202ey"}, "The name of an agency"),
    ):
        wrong = await desk.send("/desk/agencies/add", on="/desk/agencies/add", **{**told, **change})
        assert (wrong.status_code, say in wrong.text) == (422, True), change
        assert not await Agency.exists().where(Agency.code == code), "all of it or nothing"
    done = await desk.send("/desk/agencies/add", on="/desk/agencies/add", **told)
    assert done.status_code == 303
    assert "Public Notice 1/2026" in (await desk.client.get(done.headers["location"])).text


@pytest.mark.parametrize("words", ["%", "_", "100%", "' OR '1'='1", "<img src=x>"])
async def test_the_search_takes_every_sign_for_itself(desk: Desk, words: str) -> None:
    found = await desk.client.get("/desk/agencies", params={"q": words})
    assert (found.status_code, "0 agencies" in found.text) == (200, True)
    assert "<img src=x" not in found.text
    one = await desk.client.get("/desk/agencies", params={"q": f"chamber {desk.code.lower()}"})
    assert "1 agency" in one.text
    assert "<i>K" not in one.text


@pytest.mark.parametrize("at", ["0", "-3", "999999999", "2"])
async def test_a_page_that_is_not_there_is_empty(desk: Desk, at: str) -> None:
    assert (await desk.client.get("/desk/agencies", params={"at": at})).status_code == 200
    assert (await desk.client.get("/desk/requests", params={"at": at})).status_code == 200


async def test_entries_are_added_and_ended(desk: Desk) -> None:
    assert (await desk.change("listings", listing_appendix="2E", listing_starts_on=desk.today)).status_code == 303
    assert (
        await desk.change(
            "certifies", certifies_appendix="2E", certifies_scheme="NP", certifies_products="03, 09.02", certifies_starts_on=desk.today
        )
    ).status_code == 303
    assert (await desk.change("addresses", address_value="Chamber@gmail.com")).status_code == 303
    page = (await desk.client.get(desk.path)).text
    assert "03 0902" in page
    assert "chamber@gmail.com" in page
    listing = await AgencyListing.select().where(AgencyListing.agency == desk.agency, AgencyListing.appendix == "2E").first()
    [entry] = await Certifies.select().where(Certifies.agency == desk.agency)
    address = await OfficialAddress.select().where(OfficialAddress.agency == desk.agency, OfficialAddress.kind == "address").first()
    assert listing
    assert address
    for what in (f"listings/{listing['id']}", f"certifies/{entry['id']}", f"addresses/{address['id']}"):
        assert (await desk.change(f"{what}/end")).status_code == 303
        assert (await desk.change(f"{what}/end")).status_code in {404, 422}, "ended once"


@pytest.mark.parametrize(
    ("what", "fields", "say"),
    [
        ("addresses", {"address_value": "gmail.com"}, "Anybody can have a mailbox"),
        ("addresses", {"address_value": ""}, "An e-mail address has"),
        ("listings", {"listing_appendix": "2C", "listing_starts_on": "2026-11-21"}, "listed under 2B, 2E or RA"),
        ("listings", {"listing_appendix": "2B", "listing_starts_on": "2026-11-21"}, "in that time already"),
        ("certifies", {"certifies_appendix": "2B", "certifies_scheme": "NOPE", "certifies_starts_on": "2026-11-21"}, "No template here"),
        ("certifies", {"certifies_appendix": "2B", "certifies_products": "x", "certifies_starts_on": "2026-11-21"}, "An HS code"),
        ("name", {"agency_name": ""}, "The name of an agency"),
        ("delist", {"delist_delisted_on": "2026-11-20", "delist_reason": "Over."}, "from today on or later"),
        ("delist", {"delist_delisted_on": "2027-01-01", "delist_reason": ""}, "The reason must"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field(desk: Desk, what: str, fields: dict[str, str], say: str) -> None:
    answer = await desk.change(what, **fields)
    assert (answer.status_code, say in answer.text) == (422, True), answer.text
    wrong = [name for name in fields if f'id="{name}-wrong"' in answer.text]
    assert len(wrong) == 1


async def test_a_delisting_signs_the_agencys_people_out(desk: Desk) -> None:
    _, account, token = await desk.head()
    assert await desk.is_in(token)
    done = await desk.change("delist", delist_delisted_on=desk.today, delist_reason="Issued by hand.")
    assert done.status_code == 303
    assert not await desk.is_in(token)
    assert await roles_of(account, desk.clock.now()) == ()
    page = (await desk.client.get(desk.path)).text
    assert "not listed now" in page
    assert "Issued by hand." in page


async def test_changing_an_entry_asks_for_a_fresh_proof_and_looking_does_not(desk: Desk) -> None:
    desk.clock.forward(minutes=29)
    assert (await desk.client.get(desk.path)).status_code == 200
    for path in (f"{desk.path}/change", "/desk/agencies/add"):
        assert (await desk.client.get(path)).headers["location"].startswith("/account/prove")
    form = TOKEN.search((await desk.client.get("/account")).text)
    assert form
    for what in ("name", "listings", "certifies", "addresses", "delist"):
        answer = await desk.client.post(f"{desk.path}/{what}", data={"_csrf_token": form[1]}, headers={"origin": BASE})
        assert answer.headers["location"].startswith("/account/prove")


async def test_an_unknown_agency_or_entry_is_not_there(desk: Desk) -> None:
    assert (await desk.client.get(f"/desk/agencies/{uuid4()}")).status_code == 404
    for what in ("listings", "certifies", "addresses"):
        assert (await desk.change(f"{what}/{uuid4()}/end")).status_code == 404
    for what, fields in (
        ("name", {"agency_name": "X"}),
        ("listings", {"listing_appendix": "2B", "listing_starts_on": "2026-11-21"}),
        ("addresses", {"address_value": "x.example.in"}),
        ("certifies", {"certifies_appendix": "2B", "certifies_starts_on": "2026-11-21"}),
        ("delist", {"delist_delisted_on": "2026-11-21", "delist_reason": "Over."}),
    ):
        answer = await desk.send(f"/desk/agencies/{uuid4()}/{what}", on=f"{desk.path}/change", **fields)
        assert answer.status_code == 404, what


# --- a lost administrator -------------------------------------------------------------------------


async def test_a_lost_administrator_is_replaced_on_a_new_letter(desk: Desk) -> None:
    lost, _, token = await desk.head()
    path, email = f"/desk/administrators/{lost}/replace", f"new@{desk.domain}"
    told = {"name": "Kavya Nair", "email": email, "reason": "Left the agency."}
    for letter, changed, say in (
        (b"", {}, "Attach the letter"),
        (b"<html>", {}, "none of them"),
        (PDF, {"email": "new@gmail.com"}, "not an official"),
        (PDF, {"reason": ""}, "The reason must"),
    ):
        wrong = await desk.send(path, on=path, letter=letter, **{**told, **changed})
        assert (wrong.status_code, say in wrong.text) == (422, True), say
    assert await desk.is_in(token)
    done = await desk.send(path, on=path, letter=PDF, **told)
    assert (done.status_code, done.headers["location"]) == (303, desk.path)
    assert not await desk.is_in(token)
    page = (await desk.client.get(desk.path)).text
    assert "Kavya Nair" in page
    assert "A Lost One" not in page
    assert (await desk.client.get(path)).status_code == 404
    [kept] = await RegistrationRequest.select().where(RegistrationRequest.email == email)
    assert (kept["state"], kept["reason"]) == ("approved", "Left the agency.")
