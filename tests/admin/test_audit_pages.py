"""The audit as pages: who sees what, the search, the files, and the chain."""

import csv
import hashlib
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from litestar import Litestar

from admin.acts import Group
from engine.people.access import RoleKind
from engine.people.tables import Account, Agency
from engine.store import audit, uow
from engine.store.audit import GENESIS, check_chain, seal
from engine.store.tables import AuditEntry
from tests.admin.conftest import BASE, TOKEN
from tests.admin.world import World

ROLES = (RoleKind.PLATFORM, RoleKind.ADMINISTRATOR, RoleKind.OFFICER)


@pytest.fixture
async def browser(client: httpx.AsyncClient, clock: Any) -> AsyncIterator[httpx.AsyncClient]:
    clock.forward(minutes=1)
    yield client
    client.cookies.clear()


@pytest.fixture
async def agencies(house: Litestar) -> tuple[str, str]:
    """The ids of our agency and of the other one."""
    ids = {row["code"]: str(row["id"]) for row in await Agency.select(Agency.code, Agency.id)}
    return ids["EIA"], ids["TXC"]


async def act(world: World, clock: Any, agency: str, subject: str, actor: str = "", **more: Any) -> None:
    actor = actor or f"account:{world.accounts[RoleKind.ADMINISTRATOR]}"
    await audit("approved", room="test", subject=subject, actor=actor, at=clock.now(), agency=agency, **more)


async def sent(browser: httpx.AsyncClient, path: str, on: str = "/audit", **fields: str) -> httpx.Response:
    token = TOKEN.search((await browser.get(on)).text)
    assert token
    return await browser.post(path, data={"_csrf_token": token[1], **fields}, headers={"origin": BASE})


async def test_each_role_sees_its_own_and_no_more(browser: httpx.AsyncClient, world: World, clock: Any, agencies: Any) -> None:
    ours, theirs = agencies
    officer = f"account:{world.accounts[RoleKind.OFFICER]}"
    await act(world, clock, ours, "APP-OURS")
    await act(world, clock, theirs, "APP-THEIRS")
    await act(world, clock, ours, "APP-OFFICERS", actor=officer)
    await act(world, clock, "", "APP-NOBODYS")
    seen = {}
    for role in ROLES:
        await world.enter(browser, role, clock.now())
        page = await browser.get("/audit")
        assert page.status_code == 200
        seen[role] = set(re.findall(r"APP-(?:OURS|THEIRS|OFFICERS|NOBODYS)", page.text))
    assert seen[RoleKind.PLATFORM] >= {"APP-OURS", "APP-THEIRS", "APP-OFFICERS", "APP-NOBODYS"}
    assert seen[RoleKind.ADMINISTRATOR] == {"APP-OURS", "APP-OFFICERS"}
    assert seen[RoleKind.OFFICER] == {"APP-OFFICERS"}


@pytest.mark.parametrize("tried", ["agency={theirs}", "subject=APP-HIDDEN", "about=app-hidden", "person=theirs", "person={actor}"])
async def test_no_filter_reaches_beyond_the_scope(browser: httpx.AsyncClient, world: World, clock: Any, agencies: Any, tried: str) -> None:
    _, theirs = agencies
    account = Account(email=f"{uuid4()}@theirs.example.in", name="Theirs Alone", made_at=clock.now())
    async with uow():
        await Account.insert(account)
    await act(world, clock, theirs, "APP-HIDDEN", actor=f"account:{account.id}")
    query = tried.format(theirs=theirs, actor=f"account:{account.id}")
    for role in (RoleKind.ADMINISTRATOR, RoleKind.OFFICER):
        await world.enter(browser, role, clock.now())
        page = await browser.get(f"/audit?{query}")
        assert page.status_code == 200
        assert "Theirs Alone" not in page.text
        assert "APP-HIDDEN" not in page.text.replace('value="APP-HIDDEN"', "")
        assert (await sent(browser, "/audit/export", kind="jsonl", **dict([query.split("=", 1)]))).text == ""


async def test_an_entry_is_a_sentence_with_the_name_of_today(browser: httpx.AsyncClient, world: World, clock: Any, agencies: Any) -> None:
    account = world.accounts[RoleKind.ADMINISTRATOR]
    await act(world, clock, agencies[0], "APP-SENTENCE", before="1" * 64, after="2" * 64, detail={"how_many": 3, "why": "<b>"})
    await world.enter(browser, RoleKind.ADMINISTRATOR, clock.now())
    page = (await browser.get("/audit?subject=APP-SENTENCE")).text
    text = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "A Person approved the application APP-SENTENCE" in text
    assert "How many3" in text.replace(" ", "").replace("Howmany", "How many")
    assert "111111111111…" in text
    assert "&lt;b&gt;" in page
    assert "waits" in text
    async with uow():
        await Account.update({Account.name: "Meera Iyer"}).where(Account.id == account)
    try:
        assert "Meera Iyer</strong> approved" in (await browser.get("/audit?subject=APP-SENTENCE")).text
    finally:
        async with uow():
            await Account.update({Account.name: "A Person"}).where(Account.id == account)
    rows = str(await AuditEntry.select())
    assert "A Person" not in rows, "no name is in the chain"


async def test_the_search_narrows_by_day_group_person_and_part_of_a_reference(
    browser: httpx.AsyncClient, world: World, clock: Any, agencies: Any
) -> None:
    ours = agencies[0]
    account = Account(email=f"{uuid4()}@eia.example.in", name="100%_Sure Person", made_at=clock.now())
    async with uow():
        await Account.insert(account)
    await act(world, clock, ours, "APP-FIRSTDAY", actor=f"account:{account.id}")
    first = clock.now().astimezone().date()
    clock.forward(days=3)
    await act(world, clock, ours, "APP-LATER_")
    await world.enter(browser, RoleKind.ADMINISTRATOR, clock.now())

    async def found(query: str) -> set[str]:
        page = await browser.get(f"/audit?{query}")
        assert page.status_code == 200, page.text[:500]
        return set(re.findall(r">(APP-(?:FIRSTDAY|LATER_))<", page.text))

    day, early = clock.now().date(), first - timedelta(days=1)
    assert await found(f"since={day - timedelta(days=1)}&until={day + timedelta(days=1)}") == {"APP-LATER_"}
    assert await found(f"since={early}&until={first + timedelta(days=1)}") == {"APP-FIRSTDAY"}
    assert await found("person=100%25_sure") == {"APP-FIRSTDAY"}
    assert await found(f"person={account.email}") == {"APP-FIRSTDAY"}
    assert await found("person=100x_sure") == set(), "a % is a %"
    assert await found("person=nobody+at+all") == set()
    assert await found("about=-firstd") == {"APP-FIRSTDAY"}
    assert await found("about=LATER_") == {"APP-LATER_"}
    assert await found("about=LATE__") == set(), "an underscore is an underscore"
    assert await found("group=applications&about=APP-") == {"APP-FIRSTDAY", "APP-LATER_"}
    assert await found("group=keys&about=APP-") == set()
    assert await found("office=" + world.pairs["office"].own) == set()


@pytest.mark.parametrize("query", ["since=yesterday", "since=2026-02-30", "since=2026-11-25&until=2026-11-24"])
async def test_a_day_that_is_none_is_said_beside_the_field(browser: httpx.AsyncClient, world: World, clock: Any, query: str) -> None:
    await world.enter(browser, RoleKind.ADMINISTRATOR, clock.now())
    page = await browser.get(f"/audit?{query}")
    assert (page.status_code, 'aria-invalid="true"' in page.text) == (422, True)


@pytest.mark.parametrize(
    "query", ["about=%00%1b", "person=%00", "before=x", "before=2026-11-24T00:00:00~", "group=%ff", "agency=x&office=y"]
)
async def test_nonsense_is_no_accident(browser: httpx.AsyncClient, world: World, clock: Any, query: str) -> None:
    await world.enter(browser, RoleKind.PLATFORM, clock.now())
    assert (await browser.get(f"/audit?{query}")).status_code in {200, 422}


async def test_pages_follow_each_other_without_a_gap(browser: httpx.AsyncClient, world: World, clock: Any, agencies: Any) -> None:
    names = [f"APP-P{number:04d}" for number in range(120)]
    async with uow():
        for name in names:
            await act(world, clock, agencies[0], name)
    await world.enter(browser, RoleKind.ADMINISTRATOR, clock.now())
    seen, path = list[str](), "/audit?group=applications"
    for _ in range(10):
        page = await browser.get(path)
        seen += re.findall(r">(APP-P\d{4})</span>", page.text)
        following = re.search(r'href="([^"]+)">Earlier entries', page.text)
        if not following or len(seen) >= len(names):
            break
        path = following[1].replace("&amp;", "&")
    assert sorted(seen) == names


# --- files -----------------------------------------------------------------------------------------


async def test_an_export_is_what_the_search_finds_and_is_itself_in_the_audit(
    browser: httpx.AsyncClient, world: World, clock: Any, agencies: Any
) -> None:
    await act(world, clock, agencies[0], "APP-EXPORT")
    clock.forward(seconds=1)
    await world.enter(browser, RoleKind.ADMINISTRATOR, clock.now())
    answer = await sent(browser, "/audit/export", kind="csv", subject="APP-EXPORT")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["subject"] for row in rows] == ["APP-EXPORT"]
    assert rows[0]["did"] == "approved the application APP-EXPORT"
    [entry] = await AuditEntry.select().where(AuditEntry.act == "audit_exported").order_by(AuditEntry.at, ascending=False).limit(1)
    assert (entry["actor"], entry["agency"], entry["subject"]) == (
        f"account:{world.accounts[RoleKind.ADMINISTRATOR]}",
        agencies[0],
        "csv",
    )
    assert "APP-EXPORT" not in entry["detail"]


async def test_no_cell_of_an_export_is_calculated(browser: httpx.AsyncClient, world: World, clock: Any, agencies: Any) -> None:
    for wrong in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", 'plain, "quoted"'):
        await act(world, clock, agencies[0], wrong, detail={"x": wrong})
    clock.forward(seconds=1)
    await world.enter(browser, RoleKind.ADMINISTRATOR, clock.now())
    rows = list(csv.reader(io.StringIO((await sent(browser, "/audit/export", kind="csv")).text)))
    cells = [cell for row in rows for cell in row]
    assert "'=1+1" in cells
    assert 'plain, "quoted"' in cells
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


async def test_whoever_holds_the_lines_can_compute_the_chain_again(
    browser: httpx.AsyncClient, world: World, clock: Any, agencies: Any
) -> None:
    await act(world, clock, agencies[0], "APP-CHAIN", detail={"ü": "é", "n": 1})
    while await seal(clock.now()):
        pass
    clock.forward(seconds=1)
    await world.enter(browser, RoleKind.PLATFORM, clock.now())
    lines = [json.loads(line) for line in (await sent(browser, "/audit/export", kind="jsonl")).text.splitlines()]
    linked = sorted((line for line in lines if line["chain"]), key=lambda line: int(line["chain"]["number"]))
    assert len(linked) > 10
    covered = ("at", "zone", "actor", "act", "room", "subject", "agency", "office", "before_sha256", "after_sha256", "detail")
    previous = GENESIS
    for number, line in enumerate(linked, 1):
        assert (line["chain"]["number"], line["chain"]["previous"]) == (number, previous)
        said = msgspec.json.encode([previous, line["id"], *(line[name] for name in covered)])
        assert line["chain"]["hash"] == hashlib.sha256(said).hexdigest()
        previous = line["chain"]["hash"]


@pytest.mark.parametrize("kind", ["", "xlsx", "../csv"])
async def test_another_kind_of_file_is_refused_and_nothing_is_written_down(
    browser: httpx.AsyncClient, world: World, clock: Any, kind: str
) -> None:
    await world.enter(browser, RoleKind.ADMINISTRATOR, clock.now())
    before = await AuditEntry.count().where(AuditEntry.act == "audit_exported")
    assert (await sent(browser, "/audit/export", kind=kind)).status_code == 422
    assert await AuditEntry.count().where(AuditEntry.act == "audit_exported") == before


# --- the chain -------------------------------------------------------------------------------------


async def test_the_chain_is_checked_from_the_page_in_stretches(
    browser: httpx.AsyncClient, world: World, clock: Any, agencies: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        await act(world, clock, agencies[0], f"APP-{number}")
    while await seal(clock.now()):
        pass
    monkeypatch.setattr(check_chain, "__kwdefaults__", {"most": 40})
    await world.enter(browser, RoleKind.ADMINISTRATOR, clock.now())
    assert "Chained up to" in (await browser.get("/audit/chain")).text
    page = await sent(browser, "/audit/chain", on="/audit/chain")
    for _ in range(20):
        mark, links = re.search(r'name="mark" value="([^"]+)"', page.text), re.search(r'name="links" value="(\d+)"', page.text)
        if mark is None:
            break
        assert links
        assert "Whole so far" in page.text
        page = await sent(browser, "/audit/chain", on="/audit/chain", mark=mark[1], links=links[1], broken="0")
    assert "The chain holds" in page.text


async def test_a_mark_that_no_page_gave_is_refused(browser: httpx.AsyncClient, world: World, clock: Any) -> None:
    await world.enter(browser, RoleKind.PLATFORM, clock.now())
    for mark in ("link x", "entry '; DROP TABLE", "link 99999999999999999999", "x"):
        assert (await sent(browser, "/audit/chain", on="/audit/chain", mark=mark)).status_code == 422


async def test_every_group_can_be_chosen(browser: httpx.AsyncClient, world: World, clock: Any) -> None:
    await world.enter(browser, RoleKind.PLATFORM, clock.now())
    page = (await browser.get("/audit?group=dsc")).text
    for group in Group:
        assert f'<option value="{group.name.lower()}"' in page
    assert '<option value="dsc" selected>' in page


@pytest.mark.parametrize("role", [RoleKind.ADMINISTRATOR, RoleKind.OFFICER])
async def test_an_export_tells_nobody_who_has_an_account(browser: httpx.AsyncClient, world: World, clock: Any, role: RoleKind) -> None:
    """The entry of an export is its maker's to read: what they looked for stands in it by no id."""
    clock.forward(seconds=1)
    await world.enter(browser, role, clock.now())
    foreign = world.pairs["office"].foreign
    answer = await sent(browser, "/audit/export", kind="jsonl", person="desk@world.example.in", office=foreign)
    assert answer.status_code == 200
    [entry] = await AuditEntry.select().where(AuditEntry.act == "audit_exported").order_by(AuditEntry.at, ascending=False).limit(1)
    desk = str(world.accounts[RoleKind.PLATFORM])
    assert desk not in f"{entry['detail']}{entry['subject']}{entry['office']}"
    assert foreign not in f"{entry['detail']}{entry['subject']}{entry['office']}"


@pytest.mark.parametrize(
    "query", ["until=9999-12-31", "since=0001-01-01", "before=0001-01-01T00:00:00%2B00:00~" + "0" * 8, "until=10000-01-01"]
)
async def test_a_day_that_nobody_means_is_no_error_of_ours(browser: httpx.AsyncClient, world: World, clock: Any, query: str) -> None:
    await world.enter(browser, RoleKind.ADMINISTRATOR, clock.now())
    assert (await browser.get(f"/audit?{query}", headers={"accept": "text/html"})).status_code == 422
    for edge in ("0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00"):
        place = f"{edge}~00000000-0000-0000-0000-000000000000"
        answer = await browser.get("/audit", params={"before": place}, headers={"accept": "text/html"})
        assert answer.status_code == 422
