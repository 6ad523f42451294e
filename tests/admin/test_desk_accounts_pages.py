"""Accounts through the desk's pages: found, closed for a reason, opened again; and what the person sees of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from engine.config import AccessSection
from engine.people import make_key, who_calls
from engine.people.access import Device, RoleKind, Stage, give_password
from engine.people.access.sessions import begin, resume
from engine.people.tables import Account, Exporter
from engine.store import uow
from tests.admin.conftest import BASE, TOKEN
from tests.admin.world import World

PASSWORD = "seven lanterns over Devgad"


@dataclass
class Desk:
    """A person at the desk, and somebody with an account, a session and a key."""

    client: httpx.AsyncClient
    clock: Any
    world: World
    id: UUID
    email: str
    token: str

    @property
    def path(self) -> str:
        return f"/desk/accounts/{self.id}"

    async def send(self, deed: str, **fields: str) -> httpx.Response:
        form = TOKEN.search((await self.client.get("/password")).text)
        assert form
        return await self.client.post(f"{self.path}/{deed}", data={"_csrf_token": form[1], **fields}, headers={"origin": BASE})

    async def is_in(self) -> bool:
        return await resume(self.token, limits=AccessSection(), at=self.clock.now()) is not None


@pytest.fixture
async def desk(client: httpx.AsyncClient, house: Litestar, clock: Any, world: World) -> AsyncIterator[Desk]:
    clock.forward(minutes=1)
    at, email = clock.now(), f"{uuid4().hex[:8]}@firm.example.in"
    account = Account(email=email, name="Un <i>Likely</i>", made_at=at)
    async with uow():
        await Account.insert(account)
    await give_password(account.id, PASSWORD, actor="test", at=at)
    async with uow():
        token = await begin(account.id, Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=at)
    await world.enter(client, RoleKind.PLATFORM, at)
    yield Desk(client, clock, world, account.id, email, token)
    client.cookies.clear()


async def test_anybody_is_found_by_name_and_address_and_shown_as_text(desk: Desk) -> None:
    for words in (desk.email, "likely", f"LIKELY {desk.email[:8]}"):
        page = (await desk.client.get("/desk/accounts", params={"q": words})).text
        assert f'href="{desk.path}"' in page
        assert "Un &lt;i&gt;Likely" in page
    empty = (await desk.client.get("/desk/accounts", params={"q": "nobody%"})).text
    assert "No account is found" in empty


async def test_an_account_is_closed_for_a_reason_and_opened_again(desk: Desk) -> None:
    [firm] = await Exporter.select(Exporter.id).where(Exporter.status == "active").limit(1)
    at, made = desk.clock.now(), f"account:{desk.id}"
    key = await make_key("K", rights=frozenset({"see"}), exporter=firm["id"], valid_for=timedelta(days=9), actor=made, at=at)
    assert "1 that they made is good" in (await desk.client.get(desk.path)).text
    empty = await desk.send("close", reason=" ")
    assert (empty.status_code, 'id="reason-wrong"' in empty.text, await desk.is_in()) == (422, True, True)
    closed = await desk.send("close", reason="Stolen <phone>.")
    assert (closed.status_code, closed.headers["location"], await desk.is_in()) == (303, desk.path, False)
    assert await who_calls(key, desk.clock.now()) is None
    page = (await desk.client.get(desk.path)).text
    assert "Stolen &lt;phone&gt;." in page
    assert "Open the account again" in page
    assert (await desk.send("close", reason="Again.")).status_code == 409
    assert (await desk.send("open")).status_code == 303
    assert (await desk.send("open")).status_code == 409
    assert "Close the account" in (await desk.client.get(desk.path)).text


async def test_a_person_who_was_closed_is_told_at_sign_in_what_strangers_are(desk: Desk) -> None:
    await desk.send("close", reason="Stolen.")
    says = []
    for email, password in ((desk.email, PASSWORD), (desk.email, "wrong"), (f"{uuid4().hex[:8]}@firm.example.in", PASSWORD)):
        desk.client.cookies.clear()
        form = TOKEN.search((await desk.client.get("/sign-in")).text)
        assert form
        answer = await desk.client.post(
            "/sign-in", data={"_csrf_token": form[1], "email": email, "password": password}, headers={"origin": BASE}
        )
        says.append((answer.status_code, TOKEN.sub("", answer.text).replace(email, "")))
    assert says[0] == says[1] == says[2]
    assert says[0][0] == 422
    desk.client.cookies.set("session", desk.token)
    led = await desk.client.get("/account")
    assert (led.status_code, led.headers["location"].startswith("/sign-in")) == (303, True)


async def test_nobody_is_offered_their_own_end_and_nobody_elses_desk_page_opens_it(desk: Desk) -> None:
    own = desk.world.accounts[RoleKind.PLATFORM]
    page = (await desk.client.get(f"/desk/accounts/{own}")).text
    assert "you cannot" in page
    assert "Close the account" not in page
    form = TOKEN.search((await desk.client.get("/password")).text)
    assert form
    refused = await desk.client.post(f"/desk/accounts/{own}/close", data={"_csrf_token": form[1], "reason": "x"}, headers={"origin": BASE})
    assert refused.status_code == 403


async def test_the_list_of_the_desk_says_whose_account_is_closed(desk: Desk) -> None:
    colleague = UUID(desk.world.pairs["holder"].own)
    other = Desk(desk.client, desk.clock, desk.world, colleague, "", "")
    await other.send("close", reason="Stolen.")
    try:
        assert "account closed" in (await desk.client.get("/desk/people")).text
        place = desk.world.pairs["desk_user"].own
        assert f'href="{other.path}"' in (await desk.client.get(f"/desk/people/{place}")).text
    finally:
        await other.send("open")
    assert "account closed" not in (await desk.client.get("/desk/people")).text
