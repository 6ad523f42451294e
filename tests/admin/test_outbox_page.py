"""The outbox of a demonstration as a page: it stands in for a mailbox, leads nowhere else, and no other site has it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from engine.mail import FileOutbox, Letter, Sender, outbox_of
from engine.mail.message import compose
from engine.site import Site

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
OURS = "http://127.0.0.1:8000"
ARTICLE = re.compile(r"<article.*?</article>", re.DOTALL)
HREF = re.compile(r'href="([^"]*)"')

Put = Callable[..., Awaitable[None]]


@pytest.fixture
def site(client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site under the client, with an empty outbox of this test's own."""
    found: Site = client.app.state["parts"].site  # type: ignore[attr-defined]
    monkeypatch.setattr(found, "config", replace(found.config, site=replace(found.config.site, folder=tmp_path)))
    return found


@pytest.fixture
def put(site: Site) -> Put:
    """Puts a letter into the outbox."""
    outbox = FileOutbox(outbox_of(site.config))
    sender = Sender("no-reply@localhost", "Certificates", "127.0.0.1")

    async def act(text: str, *, to: str = "asha@firm.example", subject: str = "A word", at: datetime = AT) -> None:
        await outbox.send(compose(Letter(to, subject, text), id=uuid4(), written_at=at, sender=sender))

    return act


async def links(client: httpx.AsyncClient) -> list[str]:
    """Where the letters on the page lead."""
    page = (await client.get("/dev/outbox")).text
    return [href for letter in ARTICLE.findall(page) for href in HREF.findall(letter)]


async def test_an_empty_outbox_says_so_and_what_it_is(client: httpx.AsyncClient, site: Site) -> None:
    answer = await client.get("/dev/outbox")
    assert answer.status_code == 200
    assert "No letter has been written yet" in answer.text
    assert "stands in for everybody's mailbox" in answer.text.replace("&#39;", "'")
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


async def test_the_newest_letter_comes_first_with_address_subject_time_and_text(client: httpx.AsyncClient, put: Put) -> None:
    await put("The older one", to="old@firm.example", subject="First")
    await put("The newer one", to="new@firm.example", subject="Second", at=AT + timedelta(hours=1))
    page = (await client.get("/dev/outbox")).text
    order = [
        page.index(word) for word in ("Second", "new@firm.example", "15:30 IST", "The newer one", "First", "old@firm.example", "14:30 IST")
    ]
    assert order == sorted(order)


async def test_a_link_to_our_own_host_can_be_followed(client: httpx.AsyncClient, put: Put) -> None:
    await put(f"Choose it here:\n{OURS}/password/abc-DEF_1.\n(or go to {OURS}, or {OURS}/verify?a=1&b=2)")
    assert await links(client) == [f"{OURS}/password/abc-DEF_1", OURS, f"{OURS}/verify?a=1&amp;b=2"]


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        f"{OURS}@evil.example/",
        f"{OURS}.evil.example/",
        f"{OURS}0/password",
        "http://127.0.0.1:8000\\@evil.example/",
        "http://127.0.0.1/password",
        "https://127.0.0.1:8000/",
        "http://localhost:8000/",
        "javascript:alert(1)",
        "//evil.example/",
        "data:text/html,x",
        f"https://evil.example/?{OURS}/",
    ],
)
async def test_no_other_address_leads_anywhere_else(address: str, client: httpx.AsyncClient, put: Put) -> None:
    await put(f"See {address} now")
    assert [href for href in await links(client) if not (href == OURS or href.startswith(f"{OURS}/"))] == []
    assert "evil.example" not in " ".join(await links(client))


async def test_nothing_in_a_letter_becomes_markup(client: httpx.AsyncClient, put: Put) -> None:
    await put(f'<script>alert(1)</script> {OURS}/x"onclick="alert(1)', subject="<img src=x onerror=alert(1)>", to="a&b@firm.example")
    page = (await client.get("/dev/outbox")).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert 'onclick="' not in page
    assert "&lt;script&gt;" in page
    assert "a&amp;b@firm.example" in page
    assert await links(client) == [f"{OURS}/x"]


async def test_only_the_newest_fifty_are_shown(client: httpx.AsyncClient, put: Put) -> None:
    for number in range(51):
        await put(f"text {number:02}", at=AT + timedelta(minutes=number))
    page = (await client.get("/dev/outbox")).text
    assert "text 50" in page
    assert "text 01" in page
    assert "text 00" not in page
    assert "Only the newest 50" in page


async def test_no_site_but_a_demonstration_has_it(client: httpx.AsyncClient, put: Put, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await put("the token")
    monkeypatch.setattr(site, "config", replace(site.config, site=replace(site.config.site, demo=False)))
    answer, nowhere = await client.get("/dev/outbox"), await client.get("/nowhere")
    assert answer.status_code == nowhere.status_code == 404
    assert "the token" not in answer.text
    strip = re.compile(r"[0-9a-f]{16}|/dev/outbox|/nowhere")
    assert strip.sub("", answer.text) == strip.sub("", nowhere.text)


async def test_where_a_mail_server_is_set_the_page_says_that_letters_go_there(
    client: httpx.AsyncClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "config", replace(site.config, mail=replace(site.config.mail, url="smtp://127.0.0.1:25")))
    assert "go to the mail server" in (await client.get("/dev/outbox")).text
