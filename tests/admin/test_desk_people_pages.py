"""The persons of the platform's desk through pages: who they are, and ending another one's place."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from engine.config import AccessSection
from engine.people import appoint_to_desk
from engine.people.access import Device, RoleKind, Stage
from engine.people.access.sessions import begin, resume
from engine.people.tables import Account, PlatformUser
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.admin.conftest import BASE, TOKEN
from tests.admin.world import World


@dataclass
class Desk:
    """A person at the desk, and a colleague who has just come."""

    client: httpx.AsyncClient
    clock: Any
    world: World
    colleague: UUID
    place: UUID
    token: str

    async def send(self, path: str, **fields: str) -> httpx.Response:
        form = TOKEN.search((await self.client.get(f"/desk/people/{self.place}")).text)
        assert form
        return await self.client.post(path, data={"_csrf_token": form[1], **fields}, headers={"origin": BASE})

    async def is_in(self) -> bool:
        return await resume(self.token, limits=AccessSection(), at=self.clock.now()) is not None


@pytest.fixture
async def desk(client: httpx.AsyncClient, house: Litestar, clock: Any, world: World) -> AsyncIterator[Desk]:
    clock.forward(minutes=1)
    at, email = clock.now(), f"{uuid4().hex[:8]}@desk.example.in"
    colleague = await appoint_to_desk(email=email, name="Col <i>League</i>", actor="shell", at=at)
    async with uow():
        await Account.update({Account.totp_sealed: "x", Account.totp_set_at: at}).where(Account.id == colleague)
        token = await begin(colleague, Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=at)
    [row] = await PlatformUser.select(PlatformUser.id).where(PlatformUser.account == colleague)
    await world.enter(client, RoleKind.PLATFORM, at)
    yield Desk(client, clock, world, colleague, row["id"], token)
    client.cookies.clear()


async def test_the_list_says_who_is_at_the_desk_and_offers_nobody_their_own_end(desk: Desk) -> None:
    page = (await desk.client.get("/desk/people")).text
    assert "Col &lt;i&gt;League&lt;/i&gt;" in page
    assert "The operator, at a shell" in page
    assert f'href="/desk/people/{desk.place}"' in page
    [own] = await PlatformUser.select(PlatformUser.id).where(PlatformUser.account == desk.world.accounts[RoleKind.PLATFORM])
    assert f'href="/desk/people/{own["id"]}"' not in page
    assert "you cannot" in (await desk.client.get(f"/desk/people/{own['id']}")).text
    assert (await desk.send(f"/desk/people/{own['id']}/end", reason="x")).status_code == 403


async def test_a_place_is_ended_for_a_reason_and_the_person_is_out_at_once(desk: Desk) -> None:
    assert await desk.is_in()
    empty = await desk.send(f"/desk/people/{desk.place}/end", reason=" ")
    assert (empty.status_code, 'id="reason-wrong"' in empty.text, await desk.is_in()) == (422, True, True)
    ended = await desk.send(f"/desk/people/{desk.place}/end", reason="Left the Ministry.")
    assert (ended.status_code, ended.headers["location"], await desk.is_in()) == (303, "/desk/people", False)
    assert await AuditEntry.count().where(AuditEntry.act == "desk_ended", AuditEntry.subject == str(desk.colleague)) == 1
    page = (await desk.client.get("/desk/people")).text
    assert "Before" in page
    assert f'href="/desk/people/{desk.place}"' not in page
    assert (await desk.client.get(f"/desk/people/{desk.place}")).status_code == 404


async def test_without_a_fresh_proof_one_is_led_to_prove_oneself(desk: Desk) -> None:
    desk.clock.forward(minutes=11)
    path = f"/desk/people/{desk.place}"
    answer = await desk.client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/account/prove?next={path}")
