"""My firm as pages: read-only, and what it lets brokers do."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from engine.clock import ist_day
from engine.config import AccessSection
from engine.people import add_exporter_user, register_exporter
from engine.people.access import Device, Stage
from engine.people.access.sessions import begin
from engine.people.firms import Opened, open_broker
from engine.people.tables import Account, BrokerGrant, Exporter, ExporterUser
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.admin.conftest import BASE, TOKEN

ALL = "see,prepare,submit,pay,sign"


@pytest.fixture
async def browser(client: httpx.AsyncClient, clock: Any) -> AsyncIterator[httpx.AsyncClient]:
    clock.forward(minutes=1)
    yield client
    client.cookies.clear()


async def enter(browser: httpx.AsyncClient, clock: Any, rights: str = ALL, exporter: UUID | None = None, factor: bool = True) -> UUID:
    """Signs in somebody of a firm; gives the firm."""
    at = clock.now()
    firm = exporter or (await register_exporter(f"AAZCD{uuid4().int % 9000 + 1000}K", "DEVGAD <b>FOODS</b>", "", actor="test", at=at)).id
    email = f"{uuid4()}@firm.example.in"
    await add_exporter_user(firm, email=email, name="V. Rao", rights=rights, actor="test", at=at)
    [row] = await Account.select(Account.id).where(Account.email == email)
    async with uow():
        change = {Account.totp_sealed: "x", Account.totp_set_at: at} if factor else {Account.name: "V. Rao"}
        await Account.update(change).where(Account.id == row["id"])
        token = await begin(row["id"], Stage.WHOLE, device=Device("test"), limits=AccessSection(), at=at)
    browser.cookies.clear()
    browser.cookies.set("session", token)
    return firm


async def sent(browser: httpx.AsyncClient, path: str, on: str, **fields: str) -> httpx.Response:
    token = TOKEN.search((await browser.get(on)).text)
    assert token
    return await browser.post(path, data={"_csrf_token": token[1], **fields}, headers={"origin": BASE})


async def granted(browser: httpx.AsyncClient, **fields: str) -> httpx.Response:
    told = {"code": "", "per_day": "", "until": "", "right_see": "on"} | fields
    return await sent(browser, "/firm/grants/new", "/firm/grants/new", **told)


@pytest.fixture
async def broker(house: Litestar, clock: Any) -> Opened:
    site = house.state["parts"].site
    number = uuid4().hex[:8]
    return await open_broker(
        name=f"Konkan Clearing {number}",
        licence=f"CHA {number}",
        email=f"desk@{number}.example.in",
        person="F. Contractor",
        actor="test",
        box=site.secrets,
        base=BASE,
        at=clock.now(),
    )


async def test_the_firm_is_shown_and_nothing_of_it_can_be_changed(browser: httpx.AsyncClient, clock: Any) -> None:
    await enter(browser, clock)
    page = (await browser.get("/firm")).text
    assert "DEVGAD &lt;b&gt;FOODS" in page
    assert "changed at DGFT alone" in page
    assert not re.search(r'<(input|textarea|select)(?![^>]*type="hidden")', page)


async def test_a_grant_is_given_shown_and_ended(browser: httpx.AsyncClient, clock: Any, broker: Opened) -> None:
    firm = await enter(browser, clock)
    until = ist_day(clock.now()).replace(month=12, day=31).isoformat()
    code = f"{broker.code[:4].lower()} {broker.code[4:]}"
    done = await granted(browser, code=code, per_day="5", until=until, right_prepare="on", right_submit="on")
    assert (done.status_code, done.headers["location"]) == (303, "/firm#brokers")
    page = (await browser.get("/firm")).text
    assert "Konkan Clearing" in page
    assert "may see, prepare, submit" in page
    assert "at most 5 a day, 0 today" in page
    assert "until 31 December" in page
    [row] = await BrokerGrant.select(BrokerGrant.id).where(BrokerGrant.broker == broker.broker_id)
    asked = (await browser.get(f"/firm/grants/{row['id']}/end")).text
    assert "DEVGAD &lt;b&gt;FOODS&lt;/b&gt; (IEC" in asked
    assert "may from this moment on do nothing any more for DEVGAD &lt;b&gt;FOODS&lt;/b&gt;" in asked
    assert await BrokerGrant.exists().where(BrokerGrant.id == row["id"], BrokerGrant.ended_at.is_null()), "asking ends nothing"
    ended = await sent(browser, f"/firm/grants/{row['id']}/end", f"/firm/grants/{row['id']}/end")
    assert ended.headers["location"] == "/firm#brokers"
    about = (AuditEntry.act == "grant_ended", AuditEntry.subject == str(row["id"]))
    [entry] = await AuditEntry.select(AuditEntry.detail).where(*about)
    assert json.loads(entry["detail"]) == {"broker": str(broker.broker_id), "exporter": str(firm)}, "from whom to whom"
    assert "No broker acts for you." in (await browser.get("/firm")).text
    assert (await sent(browser, f"/firm/grants/{row['id']}/end", "/firm")).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "box"),
    [
        ({"code": "AAAAAAAA"}, "code"),
        ({"code": ""}, "code"),
        ({"per_day": "many"}, "per_day"),
        ({"per_day": "0"}, "per_day"),
        ({"per_day": "-3"}, "per_day"),
        ({"per_day": "\u0663"}, "per_day"),
        ({"until": "soon"}, "until"),
        ({"until": "2020-01-01"}, "until"),
        ({"until": "9999-12-31"}, "until"),
        ({"right_see": ""}, "rights"),
    ],
)
async def test_what_is_wrong_is_told_beside_its_field_and_what_was_typed_stays(
    browser: httpx.AsyncClient, clock: Any, broker: Opened, wrong: dict[str, str], box: str
) -> None:
    await enter(browser, clock)
    answer = await granted(browser, **({"code": broker.code, "per_day": "7"} | wrong))
    assert answer.status_code == 422
    assert f'href="#{box}"' in answer.text
    assert f'id="{box}"' in answer.text
    if "code" not in wrong:
        assert broker.code in answer.text
    assert not await BrokerGrant.exists().where(BrokerGrant.broker == broker.broker_id)


async def test_more_rights_than_ones_own_are_neither_offered_nor_taken(browser: httpx.AsyncClient, clock: Any, broker: Opened) -> None:
    await enter(browser, clock, rights="see,submit")
    page = (await browser.get("/firm/grants/new")).text
    assert 'name="right_submit"' in page
    assert 'name="right_pay"' not in page
    assert 'name="right_sign"' not in page
    answer = await granted(browser, code=broker.code, right_pay="on")
    assert (answer.status_code, "may not pay" in answer.text) == (422, True)
    sneaked = await granted(browser, code=broker.code, right_sign="on", right_see="")
    assert sneaked.status_code == 422
    assert not await BrokerGrant.exists().where(BrokerGrant.broker == broker.broker_id)


async def test_who_may_not_submit_decides_on_no_broker(browser: httpx.AsyncClient, clock: Any, broker: Opened) -> None:
    firm = await enter(browser, clock)
    await granted(browser, code=broker.code)
    [row] = await BrokerGrant.select(BrokerGrant.id).where(BrokerGrant.broker == broker.broker_id)
    await enter(browser, clock, rights="see,prepare", exporter=firm)
    page = (await browser.get("/firm")).text
    assert "Konkan Clearing" in page
    assert "End now" not in page
    assert (await browser.get("/firm/grants/new")).status_code == 403
    token = TOKEN.search(page)
    assert token
    for path in ("/firm/grants/new", f"/firm/grants/{row['id']}/end"):
        answer = await browser.post(path, data={"_csrf_token": token[1], "code": broker.code, "right_see": "on"}, headers={"origin": BASE})
        assert answer.status_code == 403
    assert await BrokerGrant.exists().where(BrokerGrant.id == row["id"], BrokerGrant.ended_at.is_null())


async def test_granting_asks_for_a_fresh_proof_and_ending_does_not(browser: httpx.AsyncClient, clock: Any, broker: Opened) -> None:
    await enter(browser, clock)
    await granted(browser, code=broker.code)
    [row] = await BrokerGrant.select(BrokerGrant.id).where(BrokerGrant.broker == broker.broker_id)
    clock.forward(minutes=25)
    asked = await browser.get("/firm/grants/new")
    assert asked.headers["location"] == "/account/prove?next=/firm/grants/new"
    token = TOKEN.search((await browser.get("/firm")).text)
    assert token
    clock.forward(minutes=25)  # typing takes its time, and not for ever
    late = await browser.post("/firm/grants/new", data={"_csrf_token": token[1], "code": broker.code}, headers={"origin": BASE})
    assert late.headers["location"].startswith("/account/prove")
    assert (await sent(browser, f"/firm/grants/{row['id']}/end", "/firm")).status_code == 303


async def test_codes_are_not_to_be_found_by_trying(browser: httpx.AsyncClient, clock: Any) -> None:
    await enter(browser, clock)
    answers = [(await granted(browser, code=f"AAAAAA{number:02d}")).status_code for number in range(21)]
    assert answers[0] == 422
    assert answers[-1] == 429


async def test_an_iec_that_is_not_active_grants_nothing(browser: httpx.AsyncClient, clock: Any, broker: Opened) -> None:
    firm = await enter(browser, clock)
    form = TOKEN.search((await browser.get("/firm/grants/new")).text)
    assert form
    async with uow():
        await Exporter.update({Exporter.status: "suspended"}).where(Exporter.id == firm)
    late = await browser.post(
        "/firm/grants/new", data={"_csrf_token": form[1], "code": broker.code, "right_see": "on"}, headers={"origin": BASE}
    )
    assert late.status_code == 403
    page = (await browser.get("/firm")).text
    assert "suspended at DGFT" in page
    assert "Nothing can be filed under this IEC" in page


async def test_under_an_iec_that_is_not_active_a_grant_is_ended_from_the_page(
    browser: httpx.AsyncClient, clock: Any, broker: Opened
) -> None:
    firm = await enter(browser, clock)
    await granted(browser, code=broker.code, right_see="on")
    async with uow():
        await Exporter.update({Exporter.status: "suspended"}).where(Exporter.id == firm)
    link = re.search(r"/firm/grants/[0-9a-f-]{36}/end", (await browser.get("/firm")).text)
    assert link
    assert (await sent(browser, link[0], link[0])).status_code == 303
    page = (await browser.get("/firm")).text
    assert "No broker acts for you" in page
    assert 'href="/firm/grants/new"' not in page


async def test_a_person_who_was_ended_sees_the_firm_no_longer(browser: httpx.AsyncClient, clock: Any) -> None:
    firm = await enter(browser, clock)
    async with uow():
        for row in await ExporterUser.select(ExporterUser.id).where(ExporterUser.exporter == firm):
            ended = {ExporterUser.ended_at: clock.now(), ExporterUser.live_key: str(row["id"])}
            await ExporterUser.update(ended).where(ExporterUser.id == row["id"])
    assert (await browser.get("/firm")).status_code == 403


async def test_a_site_without_dgft_syncs_with_nothing_and_offers_no_way_in(browser: httpx.AsyncClient, clock: Any) -> None:
    await enter(browser, clock)
    assert "Sync now" not in (await browser.get("/firm")).text
    assert (await sent(browser, "/firm/sync", "/firm")).status_code == 422
    browser.cookies.clear()
    assert "sign in with DGFT" not in (await browser.get("/sign-in")).text
    assert (await browser.get("/sign-in/registry")).status_code == 404
    assert (await browser.get("/sign-in/registry/return?code=x&state=y")).status_code == 404
