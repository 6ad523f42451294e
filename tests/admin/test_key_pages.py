"""API keys as pages: made, shown once, listed, ended; and what another party sees of them."""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from engine.people import add_exporter_user, register_exporter
from engine.people.access import RoleKind
from engine.people.tables import Account, ApiKey
from tests.admin.conftest import BASE, TOKEN
from tests.admin.world import World

KEY = re.compile(r"ecoo_[A-Za-z0-9_-]{43}")
FORM = re.compile(r'name="form" value="([0-9a-f-]{36})"')
PARTIES = (RoleKind.ADMINISTRATOR, RoleKind.EXPORTER, RoleKind.BROKER)


@pytest.fixture
async def browser(client: httpx.AsyncClient, clock: Any) -> AsyncIterator[httpx.AsyncClient]:
    clock.forward(minutes=1)
    yield client
    client.cookies.clear()


async def sent(browser: httpx.AsyncClient, path: str, on: str = "/keys/new", **fields: str) -> httpx.Response:
    """Opens the page with the form and sends it, as a browser would."""
    form = await browser.get(on)
    token, once = TOKEN.search(form.text), FORM.search(form.text)
    assert token, (form.status_code, form.text[:300])
    hidden = {"_csrf_token": token[1]} | ({"form": once[1]} if once else {})
    return await browser.post(path, data=hidden | fields, headers={"origin": BASE})


async def made(browser: httpx.AsyncClient, **changed: str) -> str:
    answer = await sent(browser, "/keys/new", **{"name": "Warehouse", "see": "yes", "days": "90", **changed})
    assert answer.status_code == 200, answer.text
    [key] = set(KEY.findall(answer.text))
    return str(key)


def program(browser: httpx.AsyncClient, key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "accept": "application/json"}


@pytest.mark.parametrize("role", PARTIES)
async def test_a_key_is_shown_once_works_and_ends_at_once(browser: httpx.AsyncClient, world: World, clock: Any, role: RoleKind) -> None:
    await world.enter(browser, role, clock.now())
    answer = await sent(browser, "/keys/new", name=f"Machine of {role}", see="yes", days="30")
    assert answer.headers["cache-control"] == "no-store"
    [key] = set(KEY.findall(answer.text))
    assert (await browser.get("/api/v1/applications", headers=program(browser, key))).status_code == 200
    listed = await browser.get("/keys")
    assert f"Machine of {role}" in listed.text
    assert key[:12] in listed.text
    assert not KEY.search(listed.text), "it is never shown again"
    [row] = await ApiKey.select(ApiKey.id).where(ApiKey.prefix == key[:12])
    ended = await sent(browser, f"/keys/{row['id']}/end", on="/keys")
    assert (ended.status_code, ended.headers["location"]) == (303, "/keys?ended=1")
    assert (await browser.get("/api/v1/applications", headers=program(browser, key))).status_code == 401
    assert "The key has ended" in (await browser.get("/keys?ended=1")).text


async def test_sending_the_page_again_shows_no_key_and_makes_none(browser: httpx.AsyncClient, world: World, clock: Any) -> None:
    await world.enter(browser, RoleKind.EXPORTER, clock.now())
    form = await browser.get("/keys/new")
    token, once = TOKEN.search(form.text), FORM.search(form.text)
    assert token
    assert once
    data = {"_csrf_token": token[1], "form": once[1], "name": "Twice", "see": "yes", "days": "90"}
    first = await browser.post("/keys/new", data=data, headers={"origin": BASE})
    second = await browser.post("/keys/new", data=data, headers={"origin": BASE})
    assert (first.status_code, second.status_code) == (200, 303)
    assert second.headers["location"] == "/keys?made=1"
    assert await ApiKey.count().where(ApiKey.name == "Twice") == 1
    assert "shown once" in (await browser.get("/keys?made=1")).text


async def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_is_kept(
    browser: httpx.AsyncClient, world: World, clock: Any
) -> None:
    await world.enter(browser, RoleKind.EXPORTER, clock.now())
    answer = await sent(browser, "/keys/new", name='Ware"><b>', prepare="yes", days="9999")
    assert answer.status_code == 422
    assert "1 to 365 days" in answer.text
    assert "Ware&#34;&gt;&lt;b&gt;" in answer.text
    assert re.search(r'name="prepare" value="yes" checked', answer.text)
    nothing = await sent(browser, "/keys/new", name="", days="x")
    for box in ("name", "rights", "days"):
        assert f'href="#{box}"' in nothing.text
        assert f'id="{box}"' in nothing.text


@pytest.mark.parametrize(
    ("role", "right"), [(RoleKind.ADMINISTRATOR, "submit"), (RoleKind.EXPORTER, "approve"), (RoleKind.BROKER, "approve")]
)
async def test_nobody_gives_a_key_what_is_not_theirs(
    browser: httpx.AsyncClient, world: World, clock: Any, role: RoleKind, right: str
) -> None:
    await world.enter(browser, role, clock.now())
    form = await browser.get("/keys/new")
    assert f'name="{right}"' not in form.text
    answer = await sent(browser, "/keys/new", name="More", days="90", **{right: "yes"})
    assert answer.status_code == 422
    assert await ApiKey.count().where(ApiKey.name == "More") == 0


@pytest.mark.parametrize("role", PARTIES)
async def test_a_key_needs_a_fresh_proof_of_who_has_a_second_factor(
    browser: httpx.AsyncClient, world: World, clock: Any, role: RoleKind
) -> None:
    await world.enter(browser, role, clock.now())
    form = await browser.get("/keys/new")
    token = TOKEN.search(form.text)
    assert token
    for _ in range(2):
        clock.forward(minutes=25)
        asked = await browser.get("/keys/new")
    assert (asked.status_code, asked.headers["location"]) == (303, "/account/prove?next=/keys/new")
    data = {"_csrf_token": token[1], "form": str(uuid4()), "name": "Stale", "see": "yes", "days": "90"}
    answer = await browser.post("/keys/new", data=data, headers={"origin": BASE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/prove")
    assert await ApiKey.count().where(ApiKey.name == "Stale") == 0
    assert (await browser.get("/keys")).status_code == 200, "looking needs none, and ending a key needs none"


async def test_who_has_no_second_factor_has_none_to_show(browser: httpx.AsyncClient, world: World, clock: Any) -> None:
    firm, email = await register_exporter("0399000077", "NARROW LLP", "", actor="test", at=clock.now()), "narrow@firm.example.in"
    await add_exporter_user(firm.id, email=email, name="N. Narrow", rights="see", actor="test", at=clock.now())
    [row] = await Account.select(Account.id).where(Account.email == email)
    plain = World(accounts={RoleKind.EXPORTER: row["id"]})
    await plain.enter(browser, RoleKind.EXPORTER, clock.now())
    clock.forward(minutes=29)
    form = await browser.get("/keys/new")
    assert form.status_code == 200
    assert 'name="see"' in form.text
    assert 'name="submit"' not in form.text


async def test_a_foreign_key_cannot_be_ended(browser: httpx.AsyncClient, world: World, clock: Any) -> None:
    await world.enter(browser, RoleKind.ADMINISTRATOR, clock.now())
    key = await made(browser, name="Of the agency")
    [row] = await ApiKey.select(ApiKey.id).where(ApiKey.prefix == key[:12])
    for role in (RoleKind.EXPORTER, RoleKind.BROKER):
        await world.enter(browser, role, clock.now())
        assert "Of the agency" not in (await browser.get("/keys")).text
        assert (await sent(browser, f"/keys/{row['id']}/end")).status_code == 404
    assert (await browser.get("/api/v1/applications", headers=program(browser, key))).status_code == 200


async def test_using_a_key_writes_its_day_after_the_request_and_once(
    browser: httpx.AsyncClient, world: World, house: Litestar, clock: Any
) -> None:
    await world.enter(browser, RoleKind.EXPORTER, clock.now())
    key = await made(browser, name="Used")
    assert "never" in (await browser.get("/keys")).text

    async def day() -> Any:
        [row] = await ApiKey.select(ApiKey.used_on).where(ApiKey.prefix == key[:12])
        return row["used_on"]

    for _ in range(2):
        assert (await browser.get("/api/v1/applications", headers=program(browser, key))).status_code == 200
        assert await day() is None
    await house.state["parts"].uses.write()
    assert await day() is not None


async def test_a_key_that_ends_soon_says_so(browser: httpx.AsyncClient, world: World, clock: Any) -> None:
    await world.enter(browser, RoleKind.EXPORTER, clock.now())
    await made(browser, name="Short", days="7")
    assert re.search(r"Short.*?7 days left", (await browser.get("/keys")).text, re.DOTALL)


async def test_a_key_is_in_no_log(browser: httpx.AsyncClient, world: World, clock: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    await world.enter(browser, RoleKind.EXPORTER, clock.now())
    key = await made(browser)
    await browser.get("/api/v1/applications", headers=program(browser, key))
    assert key[12:] not in caplog.text
