"""The applications of a firm on its dashboard: its own alone, a page at a time, and what an IEC that is not active means."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from engine.clock import ist_day
from engine.config import AccessSection
from engine.filing import open_draft, read
from engine.people import add_exporter_user, exporter_by_iec, register_exporter
from engine.people.access import Device, RoleKind, Stage
from engine.people.access.sessions import begin
from engine.people.tables import Account, BrokerGrant, BrokerUser, Exporter
from engine.scope import PLATFORM
from engine.store import uow
from tests.admin.conftest import START, Story
from tests.admin.world import World


@pytest.fixture
async def browser(stranger: httpx.AsyncClient, clock: Any) -> AsyncIterator[httpx.AsyncClient]:
    clock.forward(minutes=1)
    yield stranger
    stranger.cookies.clear()


async def enter(browser: httpx.AsyncClient, clock: Any, exporter: UUID, rights: str = "see") -> None:
    email = f"{uuid4()}@firm.example.in"
    await add_exporter_user(exporter, email=email, name="A Clerk", rights=rights, actor="test", at=clock.now())
    [row] = await Account.select(Account.id).where(Account.email == email)
    async with uow():
        token = await begin(row["id"], Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=clock.now())
    browser.cookies.clear()
    browser.cookies.set("session", token)


async def storys_exporter(example: dict[str, Any]) -> UUID:
    found = await exporter_by_iec(PLATFORM, example["exporter"]["iec"])
    assert found is not None
    return found.id


def rows_of(page: str) -> list[list[str]]:
    """The cells of every row of the list, without markup."""
    body = "".join(re.findall(r"<tbody>(.*?)</tbody>", page, re.DOTALL))
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    return [
        [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


async def whole_list(browser: httpx.AsyncClient) -> str:
    """Every page of the list, one behind the other: other tests file for the same firm."""
    pages = [(await browser.get("/dashboard")).text]
    while f'href="/dashboard?at={len(pages) + 1}"' in pages[-1]:
        pages.append((await browser.get(f"/dashboard?at={len(pages) + 1}")).text)
    return "".join(pages)


async def test_a_firm_sees_its_applications_and_their_certificates(
    browser: httpx.AsyncClient, story: Story, example: dict[str, Any], clock: Any
) -> None:
    await enter(browser, clock, await storys_exporter(example))
    page = await whole_list(browser)
    found = {row[0]: row[1:] for row in rows_of(page)}
    day = f"{ist_day(START).day} November 2026"
    assert found[story.references["draft"]] == ["AIFTA", "EIA Mumbai", "draft", f"saved {day}", "none", "none yet"]
    assert found[story.references["issued"]][-1] == story.numbers["issued"]
    assert found[story.references["superseded"]][-1] == f"{story.numbers['superseded']} superseded"
    assert found[story.references["numbered"]][-1] == "none yet", "a number that is not out of the house yet is told to nobody"
    assert f'href="/v/{story.codes["issued"]}"' in page
    assert (await browser.get(f"/v/{story.codes['issued']}")).status_code == 200
    assert "filed by the API, not on these pages" in page
    assert 'href="/api/openapi.json"' in page


async def test_another_firm_sees_nothing_of_it(browser: httpx.AsyncClient, story: Story, clock: Any) -> None:
    firm = await register_exporter(f"AAZCE{uuid4().int % 9000 + 1000}K", "ANOTHER FIRM", "", actor="test", at=clock.now())
    await enter(browser, clock, firm.id)
    page = (await browser.get("/dashboard")).text
    assert "There is none yet." in page
    assert not any(reference in page for reference in story.references.values())


async def test_a_person_who_may_not_see_gets_no_list(browser: httpx.AsyncClient, example: dict[str, Any], clock: Any) -> None:
    await enter(browser, clock, await storys_exporter(example), rights="pay")
    assert "APP-" not in (await browser.get("/dashboard")).text


@pytest.mark.parametrize("role", [RoleKind.PLATFORM, RoleKind.ADMINISTRATOR, RoleKind.OFFICER])
async def test_who_files_nothing_gets_no_list(browser: httpx.AsyncClient, world: World, clock: Any, role: RoleKind) -> None:
    await world.enter(browser, role, clock.now())
    page = (await browser.get("/dashboard")).text
    assert "APP-" not in page
    assert "filed by the API" not in page


async def test_a_broker_sees_those_of_the_firms_that_let_it(
    browser: httpx.AsyncClient, world: World, story: Story, example: dict[str, Any], clock: Any
) -> None:
    await world.enter(browser, RoleKind.BROKER, clock.now())
    assert story.references["issued"] not in await whole_list(browser)
    [own] = await BrokerUser.select(BrokerUser.broker).where(BrokerUser.account == world.accounts[RoleKind.BROKER])
    exporter = await storys_exporter(example)
    live = f"{own['broker']}:{exporter}"
    grant = BrokerGrant(broker=own["broker"], exporter=exporter, rights="see", live_key=live, made_at=clock.now())
    async with uow():
        await BrokerGrant.insert(grant)
    found = {row[0]: row[1:] for row in rows_of(await whole_list(browser))}
    assert found[story.references["issued"]][0] == example["exporter"]["name"]
    async with uow():
        await BrokerGrant.update({BrokerGrant.ended_at: clock.now(), BrokerGrant.live_key: str(grant.id)}).where(BrokerGrant.id == grant.id)
    assert story.references["issued"] not in await whole_list(browser)


async def test_a_long_list_comes_a_page_at_a_time(browser: httpx.AsyncClient, example: dict[str, Any], clock: Any) -> None:
    iec = f"AAZCF{uuid4().int % 9000 + 1000}K"
    file = json.loads(json.dumps(example))
    firm = await register_exporter(iec, file["exporter"]["name"], "", actor="test", at=clock.now())
    file["exporter"]["iec"] = iec
    application = read(json.dumps(file).encode())
    made = []
    for _ in range(21):
        clock.forward(seconds=1)
        made.append((await open_draft(PLATFORM, application, actor="test", at=clock.now())).reference)
    await enter(browser, clock, firm.id)
    first = (await browser.get("/dashboard")).text
    assert [row[0] for row in rows_of(first)] == made[:0:-1]
    assert 'href="/dashboard?at=2"' in first
    second = (await browser.get("/dashboard?at=2")).text
    assert [row[0] for row in rows_of(second)] == made[:1]
    for at in ("0", "-1", "x", "\u0662", "9" * 40):
        assert [row[0] for row in rows_of((await browser.get("/dashboard", params={"at": at})).text)] == made[:0:-1], at
    assert "nothing on this page" in (await browser.get("/dashboard?at=999999")).text


@pytest.mark.parametrize("path", ["/dashboard", "/keys"])
async def test_an_iec_that_is_not_active_is_said_in_plain_words(browser: httpx.AsyncClient, clock: Any, path: str) -> None:
    iec = f"AAZCG{uuid4().int % 9000 + 1000}K"
    firm = await register_exporter(iec, "STOPPED FOODS", "", actor="test", at=clock.now())
    await enter(browser, clock, firm.id, rights="see,prepare,submit")
    assert "at DGFT.</strong>" not in (await browser.get(path)).text
    async with uow():
        await Exporter.update({Exporter.status: "suspended"}).where(Exporter.id == firm.id)
    page = (await browser.get(path)).text
    assert f"The IEC {iec} of STOPPED FOODS is suspended at DGFT." in page
    assert "file, pay and sign nothing" in page
