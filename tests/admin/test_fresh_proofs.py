"""What is dangerous asks for password and code once more, and leads back to where the person was, to a page of ours alone."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from engine.config import AccessSection
from engine.money.fees.tables import FeeRow
from engine.people.access import Device, RoleKind, Stage, roles_of
from engine.people.access.sessions import begin
from engine.people.tables import Office
from engine.store import uow
from tests.admin.conftest import BASE, TOKEN
from tests.admin.world import World

STALE = timedelta(minutes=11)
LATER = timedelta(minutes=26)


@pytest.fixture
async def browser(stranger: httpx.AsyncClient, world: World, clock: Any) -> httpx.AsyncClient:
    """An administrator who signed in just now."""
    stranger.cookies.clear()
    stranger.headers["accept"] = "text/html"
    return await world.enter(stranger, RoleKind.ADMINISTRATOR, clock.now())


async def age(browser: httpx.AsyncClient, world: World, clock: Any, span: timedelta, role: RoleKind = RoleKind.ADMINISTRATOR) -> None:
    """As if the sign-in were so old: the site's own clock goes on for every other test."""
    account = world.accounts[role]
    acting = next(each.key for each in await roles_of(account, clock.now()) if each.kind is role)
    async with uow():
        at = clock.now() - span
        token = await begin(account, Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=at, acting=acting)
    browser.cookies.set("session", token)


async def post(browser: httpx.AsyncClient, path: str, referer: str) -> httpx.Response:
    token = TOKEN.search((await browser.get("/password")).text)
    assert token
    return await browser.post(path, data={"_csrf_token": token[1]}, headers={"origin": BASE, "referer": referer})


async def test_a_page_that_leads_to_something_dangerous_asks_first_and_leads_back(
    browser: httpx.AsyncClient, world: World, clock: Any
) -> None:
    assert (await browser.get("/keys/new")).status_code == 200
    await age(browser, world, clock, STALE)
    asked = await browser.get("/keys/new")
    assert (asked.status_code, asked.headers["location"]) == (303, "/account/prove?next=/keys/new")


async def test_a_form_has_some_minutes_more_than_its_page(browser: httpx.AsyncClient, world: World, clock: Any) -> None:
    path = f"/users/{world.pairs['officer'].own}/designation"
    await age(browser, world, clock, STALE)
    assert (await post(browser, path, f"{BASE}/users")).status_code == 422
    await age(browser, world, clock, LATER)
    assert (await post(browser, path, f"{BASE}/users")).headers["location"] == "/account/prove?next=/users"


MONEY = ("fees", "change", "payment", "terms")


@pytest.mark.parametrize("page", [*(f"/offices/{{office}}/{each}" for each in MONEY), "/offices/add"])
async def test_what_an_office_charges_and_is_asks_first(browser: httpx.AsyncClient, world: World, clock: Any, page: str) -> None:
    path = page.format(office=world.pairs["office"].own)
    assert (await browser.get(path)).status_code == 200
    await age(browser, world, clock, STALE)
    asked = await browser.get(path)
    assert (asked.status_code, asked.headers["location"]) == (303, f"/account/prove?next={path}")


@pytest.mark.parametrize("deed", ["fees", "fees/{fee}/end", "change", "switch"])
async def test_no_deed_on_an_office_is_done_by_who_merely_holds_a_session(
    browser: httpx.AsyncClient, world: World, clock: Any, deed: str
) -> None:
    office = f"/offices/{world.pairs['office'].own}"
    path = f"{office}/{deed.format(fee=world.pairs['fee'].own)}"
    await age(browser, world, clock, LATER)
    before = await FeeRow.select(), await Office.select()
    assert (await post(browser, path, f"{BASE}{office}")).headers["location"] == f"/account/prove?next={office}"
    assert (await post(browser, "/offices/add", f"{BASE}/offices/add")).headers["location"] == "/account/prove?next=/offices/add"
    assert (await FeeRow.select(), await Office.select()) == before


@pytest.mark.parametrize("deed", ["close", "open"])
async def test_no_account_is_closed_or_opened_by_who_merely_holds_a_session(
    browser: httpx.AsyncClient, world: World, clock: Any, deed: str
) -> None:
    path = f"/desk/accounts/{world.pairs['holder'].own}"
    await world.enter(browser, RoleKind.PLATFORM, clock.now())
    await age(browser, world, clock, LATER, RoleKind.PLATFORM)
    assert (await browser.get(path)).headers["location"] == f"/account/prove?next={path}"
    assert (await post(browser, f"{path}/{deed}", f"{BASE}{path}")).headers["location"] == f"/account/prove?next={path}"


@pytest.mark.parametrize(
    "referer", ["", "https://evil.example//evil.example/x", "javascript:alert(1)", "//evil.example", "x" * 9000, "\\\\evil.example"]
)
async def test_it_leads_back_to_no_other_site(browser: httpx.AsyncClient, world: World, clock: Any, referer: str) -> None:
    await age(browser, world, clock, LATER)
    answer = await post(browser, f"/users/{world.pairs['officer'].own}/designation", referer)
    assert answer.headers["location"] == "/account/prove"
