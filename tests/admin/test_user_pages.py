"""User Management and the administrators' page as a person uses them, and as somebody tries to abuse them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import add_agency, add_office, add_officer
from engine.people.access import Device, RoleKind, Stage, roles_of
from engine.people.access.sessions import begin
from engine.people.agencies.official import record_address
from engine.people.agencies.tables import AddressKind
from engine.people.changes.tables import ChangeRow
from engine.people.staff.roster import officer_seen
from engine.people.tables import Account, Administrator, Officer, OfficerOffice
from engine.scope import PLATFORM
from engine.site import Site
from engine.store import uow
from tests.admin.conftest import BASE, TOKEN
from tests.admin.world import World


@dataclass
class Desk:
    """The browser of a fresh agency's administrator."""

    client: httpx.AsyncClient
    site: Site
    clock: Any
    agency: UUID
    office: UUID
    first: UUID
    second: UUID

    async def enter(self, account: UUID, kind: RoleKind = RoleKind.ADMINISTRATOR) -> None:
        at = self.clock.now()
        role = next(each for each in await roles_of(account, at) if each.kind is kind)
        async with uow():
            token = await begin(account, Stage.WHOLE, device=Device("test"), limits=self.site.config.access, at=at, acting=role.key)
        self.client.cookies.clear()
        self.client.cookies.set("session", token)

    async def officer(self, name: str = "S. Officer") -> UUID:
        email = f"{uuid4().hex[:10]}@fresh.example.in"
        return await add_officer(self.agency, email=email, name=name, designation="Director", actor="test", at=self.clock.now())

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers={"accept": "text/html"})

    async def send(self, path: str, **fields: str) -> httpx.Response:
        token = TOKEN.search((await self.get("/password")).text)
        assert token
        data = {"_csrf_token": token[1], **fields}
        return await self.client.post(path, data=data, headers={"accept": "text/html", "origin": BASE})

    async def seen(self, officer: UUID) -> Any:
        return (await officer_seen(PLATFORM, officer, self.clock.now())).officer


@pytest.fixture
async def desk(house: Litestar, stranger: httpx.AsyncClient, world: World, clock: Any) -> Desk:
    clock.forward(minutes=1)
    at, accounts = clock.now(), []
    id = await add_agency(f"F{uuid4().hex[:8].upper()}", "Fresh Agency", actor="test", at=at)
    async with uow():
        for name in ("first", "second"):
            email = f"{name}-{uuid4().hex[:8]}@fresh.example.in"
            account = Account(email=email, name=f"{name.title()} Person", totp_sealed="x", totp_set_at=at, password_hash="x", made_at=at)
            await Account.insert(account)
            live_key = f"{account.id}:{id}"
            await Administrator.insert(Administrator(agency=id, account=account.id, live_key=live_key, made_by="test", made_at=at))
            accounts.append(UUID(str(account.id)))
    office = await add_office(id, "MUM", "Mumbai", "Mumbai", actor="test", at=at)
    made = Desk(stranger, house.state["parts"].site, clock, id, office, *accounts)
    await made.enter(made.first)
    return made


async def test_the_list_says_what_each_officer_lacks(desk: Desk) -> None:
    officer = await desk.officer("Meera <script>Iyer</script>")
    page = (await desk.get("/users")).text
    assert "Meera &lt;script&gt;Iyer" in page
    assert "<script>Iyer" not in page
    assert page.count(">none</strong>") == 3
    assert f'href="/users/{officer}"' in page
    assert "1 officer" in page
    for query in ("state=nonsense", "office=nonsense", "at=-1", "at=99999999999", "at=x", "text=%25", "text=" + "x" * 500):
        assert (await desk.get(f"/users?{query}")).status_code == 200
    assert "0 officers found" in (await desk.get("/users?state=deactivated")).text
    assert "1 officer found" in (await desk.get("/users?state=dsc&text=IYER")).text


async def test_the_list_turns_its_pages(desk: Desk) -> None:
    for number in range(52):
        await desk.officer(f"Officer {number:02}")
    first = (await desk.get("/users?text=officer")).text
    assert ("Officer 49" in first, "Officer 50" in first, "page 1 of 2" in first) == (True, False, True)
    assert 'href="/users?text=officer&amp;at=2"' in first
    second = (await desk.get("/users?text=officer&at=2")).text
    assert ("Officer 51" in second, "Officer 49" in second) == (True, False)


async def test_an_officer_is_mapped_unmapped_and_redesignated(desk: Desk) -> None:
    officer = await desk.officer()
    page = f"/users/{officer}"
    assert (await desk.send(f"{page}/offices", office=str(desk.office))).status_code == 303
    assert (await desk.seen(officer)).offices == ("MUM",)
    assert (await desk.send(f"{page}/offices", office=str(desk.office))).status_code == 422, "mapped already"
    assert (await desk.send(f"{page}/designation", designation="Joint Director")).status_code == 303
    wrong = await desk.send(f"{page}/designation", designation="\u202erotceriD")
    assert (wrong.status_code, "The designation must" in wrong.text) == (422, True)
    assert (await desk.send(f"{page}/offices/end", office=str(desk.office))).status_code == 303
    told = (await desk.get(page)).text
    assert "Joint Director" in told
    assert "until" in told
    assert "First Person mapped the officer S. Officer to an office" in told


async def test_an_office_of_another_agency_is_not_to_be_mapped(desk: Desk, world: World) -> None:
    officer = await desk.officer()
    for office in (world.pairs["office"].own, world.pairs["office"].foreign, str(uuid4()), "", "' OR 1=1"):
        assert (await desk.send(f"/users/{officer}/offices", office=office)).status_code == 422
        assert (await desk.send(f"/users/{officer}/offices/end", office=office)).status_code == 404
    assert not await OfficerOffice.exists().where(OfficerOffice.officer == officer)


async def test_an_officer_is_deactivated_at_once_and_comes_back_by_two(desk: Desk) -> None:
    officer = await desk.officer()
    page = f"/users/{officer}"
    empty = await desk.send(f"{page}/state", deed="off", reason="")
    assert (empty.status_code, "The reason must" in empty.text) == (422, True)
    assert (await desk.send(f"{page}/state", deed="off", reason="left <i>us</i>")).status_code == 303
    assert "left &lt;i&gt;us&lt;/i&gt;" in (await desk.get(page)).text
    assert not (await desk.seen(officer)).active
    asked = await desk.send(f"{page}/state", deed="again")
    change = asked.headers["location"]
    assert change.startswith("/changes/")
    assert not (await desk.seen(officer)).active
    assert "waits for a second person" in (await desk.get(page)).text
    assert (await desk.send(f"{change}/confirm")).status_code == 403, "not by who asked"
    await desk.enter(desk.second)
    assert (await desk.send(f"{change}/confirm")).status_code == 303
    assert (await desk.seen(officer)).active


async def test_a_form_that_was_open_too_long_deactivates_nobody(desk: Desk) -> None:
    officer = await desk.officer()
    desk.clock.forward(minutes=26)
    assert (await desk.get(f"/users/{officer}")).status_code == 200
    assert (await desk.get(f"/users/{officer}/state")).headers["location"] == f"/account/prove?next=/users/{officer}/state"
    assert (await desk.send(f"/users/{officer}/state", deed="off", reason="left")).headers["location"].startswith("/account/prove")
    assert (await desk.seen(officer)).active


async def test_unknown_fields_change_nothing(desk: Desk) -> None:
    officer = await desk.officer()
    await desk.send(f"/users/{officer}/designation", designation="Clerk", active="0", agency=str(uuid4()), name="Other", id=str(uuid4()))
    [row] = await Officer.select().where(Officer.id == officer)
    assert (row["designation"], row["active"], row["name"], row["agency"]) == ("Clerk", True, "S. Officer", desk.agency)


async def test_a_deactivated_officers_own_pages_are_shut(desk: Desk) -> None:
    officer = await desk.officer()
    [row] = await Officer.select(Officer.account).where(Officer.id == officer)
    async with uow():
        await Account.update({Account.totp_sealed: "x", Account.totp_set_at: desk.clock.now()}).where(Account.id == row["account"])
    await desk.enter(row["account"], RoleKind.OFFICER)
    theirs = dict(desk.client.cookies)
    assert (await desk.get("/dsc")).status_code == 200
    await desk.enter(desk.first)
    await desk.send(f"/users/{officer}/state", deed="off", reason="left")
    desk.client.cookies.clear()
    desk.client.cookies.set("session", theirs["session"])
    answer = await desk.get("/dsc")
    assert (answer.status_code, answer.headers["location"].startswith("/sign-in")) == (303, True)


# --- administrators -------------------------------------------------------------------------------


async def present(desk: Desk) -> int:
    return int(await Administrator.count().where(Administrator.agency == desk.agency, Administrator.ended_at.is_null()))


async def test_another_administrator_is_asked_for_and_confirmed_by_the_second(desk: Desk) -> None:
    domain, email = f"{uuid4().hex[:8]}.example.in", f"{uuid4().hex[:6]}"
    await record_address(desk.agency, AddressKind.DOMAIN, domain, actor="test", at=desk.clock.now())
    asked = await desk.send("/administrators/new", name="N. Person", email=f"{email}@{domain}")
    change = asked.headers["location"]
    page = (await desk.get("/administrators")).text
    assert ("Appoint another administrator: N. Person" in page, email in page) == (True, False)
    assert "Appoint another administrator: N. Person" in (await desk.get("/changes")).text
    assert f"{email}@{domain}" in (await desk.get(change)).text, "whoever confirms sees whom"
    assert (await desk.send(f"{change}/confirm")).status_code == 403
    assert await present(desk) == 2
    await desk.enter(desk.second)
    assert (await desk.send(f"{change}/confirm")).status_code == 303
    assert await present(desk) == 3
    assert "appointed by First Person" in (await desk.get("/administrators")).text
    rows = await LetterRow.select().where(LetterRow.about == change.removeprefix("/changes/"))
    box = desk.site.secrets
    told = {unsealed(row["id"], row["to_sealed"], row["content_sealed"], box).to for row in rows}
    assert "desk@world.example.in" in told


async def test_what_is_wrong_with_a_new_administrator_is_said_beside_the_field_and_what_was_typed_is_kept(desk: Desk) -> None:
    for fields, words in (
        ({"name": "", "email": "a@fresh.example.in"}, "The name must"),
        ({"name": "N. Person", "email": "a@fresh.example.in"}, "No official address is recorded"),
        ({"name": "N. Person", "email": "nobody"}, "e-mail address"),
        ({"name": "N. Person", "email": "a@b\r\nBcc: x@y.example"}, "e-mail address"),
    ):
        answer = await desk.send("/administrators/new", **fields)
        assert (answer.status_code, words in answer.text) == (422, True)
    assert 'value="N. Person"' in answer.text
    assert not await ChangeRow.exists().where(ChangeRow.agency == desk.agency)


async def test_who_leaves_is_out_when_it_is_confirmed_and_the_last_one_stays(desk: Desk) -> None:
    change = (await desk.send("/administrators/leave")).headers["location"]
    assert (await desk.send("/administrators/leave")).status_code == 409
    await desk.enter(desk.second)
    assert (await desk.send(f"{change}/confirm")).status_code == 303
    assert await present(desk) == 1
    answer = await desk.send("/administrators/leave")
    assert (answer.status_code, "no administrator left" in answer.text) == (422, True)
    assert "Leave</a>" not in (await desk.get("/administrators")).text


async def test_the_desks_own_people_are_not_an_agencys_to_change(desk: Desk, world: World) -> None:
    await world.enter(desk.client, RoleKind.PLATFORM, desk.clock.now())
    for path in ("/administrators", "/users", "/administrators/new"):
        assert (await desk.get(path)).status_code == 403
