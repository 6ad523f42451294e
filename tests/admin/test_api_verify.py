"""Verification by machine: strangers by code, link and file, holders of a key by number, everybody within limits."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

PATH = "/api/v1/verify"


@pytest.mark.parametrize(
    ("state", "verdict"), [("issued", "genuine"), ("superseded", "superseded"), ("cancelled", "cancelled"), ("void", "unknown")]
)
async def test_a_stranger_asks_by_code_and_by_link(stranger: httpx.AsyncClient, story: Any, state: str, verdict: str) -> None:
    by_code = (await stranger.get(PATH, params={"code": story.codes[state]})).json()
    by_link = (await stranger.get(PATH, params={"link": f"HTTP://127.0.0.1:8000/V/{story.codes[state]}"})).json()
    assert by_code == by_link
    assert by_code["verdict"] == verdict
    assert set(by_code) == {"verdict", "reasons", "certificate", "say"}
    assert by_code["say"]
    assert (by_code["certificate"] is None) is (verdict == "unknown")


async def test_a_demonstration_knows_its_links_whatever_port_it_is_served_on(stranger: httpx.AsyncClient, story: Any) -> None:
    for host, verdict in (
        ("127.0.0.1:9123", "genuine"),
        ("127.0.0.1", "genuine"),
        ("10.0.0.1:8000", "unknown"),
        ("127.0.0.1:8000.evil", "unknown"),
        ("127.0.0.1:99999", "unknown"),
    ):
        answer = await stranger.get(PATH, params={"link": f"http://{host}/v/{story.codes['issued']}"})
        assert answer.json()["verdict"] == verdict, host
    other = await stranger.get(PATH, params={"link": f"ftp://127.0.0.1:8000/v/{story.codes['issued']}"})
    assert other.json()["reasons"] == ["foreign_host"]


async def test_a_number_needs_a_key(stranger: httpx.AsyncClient, story: Any) -> None:
    number = {"number": story.numbers["issued"]}
    assert (await stranger.get(PATH, params=number)).status_code == 401
    key = {"authorization": f"Bearer {story.keys['see']}"}
    answer = await stranger.get(PATH, params=number, headers=key)
    assert answer.json()["verdict"] == "genuine"
    assert (await stranger.get(PATH, params=number, headers={"authorization": "Bearer nonsense"})).status_code == 401


async def test_void_unissued_and_unknown_numbers_answer_alike(program: httpx.AsyncClient, story: Any) -> None:
    numbers = [
        story.numbers["void"],
        story.numbers["numbered"],
        "NOBODY/0000",
        "x'; DROP TABLE certificate; --",
        "\x00\x07 number",
        "%",
        "٣" * 300,
    ]
    answers = [await program.get(PATH, params={"number": number}) for number in numbers]
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert answers[0].json()["verdict"] == "unknown"


@pytest.mark.parametrize(
    "query",
    [{}, {"code": "A", "link": "http://x"}, {"number": "1", "code": "A"}, {"code": "x" * 501}, {"code": ["A", "B"]}, {"Code": "A"}],
)
async def test_exactly_one_question_is_answered(program: httpx.AsyncClient, query: dict[str, Any]) -> None:
    assert (await program.get(PATH, params=query)).status_code == 422


async def test_a_foreign_link_is_unknown_and_not_fetched(stranger: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(*_: Any, **__: Any) -> None:
        raise AssertionError("something was fetched")

    monkeypatch.setattr("socket.getaddrinfo", fetched)
    for link in ("https://evil.example/v/" + "A" * 27, "http://127.0.0.1:8000@evil.example/v/A", "http://[::", "file:///etc/passwd"):
        answer = (await stranger.get(PATH, params={"link": link})).json()
        assert (answer["verdict"], answer["reasons"]) == ("unknown", ["foreign_host"])


async def test_a_file_is_taken_bare_or_in_a_form(stranger: httpx.AsyncClient, story: Any, paper: Callable[[str], bytes]) -> None:
    forged = paper(f"http://127.0.0.1:8000/v/{story.codes['issued'].lower()}")
    bare = await stranger.post(PATH, content=forged, headers={"content-type": "application/pdf"})
    form = await stranger.post(PATH, files={"file": ("c.pdf", forged, "application/pdf")})
    assert bare.json() == form.json()
    assert (bare.json()["verdict"], bare.json()["reasons"]) == ("altered", ["other_bytes"])


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/pdf"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"x", "multipart/form-data"),
        (b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\ntext\r\n--x--", "multipart/form-data; boundary=x"),
        (b"\xff" * 200, "multipart/form-data; boundary=y"),
        (b"%PDF-1.4", "application/pdf"),
        (b"{}", "application/json"),
        (b"x" * 900, ""),
    ],
)
async def test_no_body_breaks_the_server(stranger: httpx.AsyncClient, body: bytes, kind: str) -> None:
    answer = await stranger.post(PATH, content=body, headers={"content-type": kind})
    assert answer.status_code in {200, 400, 422}
    if answer.status_code == 200:
        assert answer.json()["verdict"] == "unknown"


async def test_an_address_that_asks_too_often_is_told_when_to_come_back(opening: Callable[..., Any], story: Any, clock: Any) -> None:
    async with opening(per_minute=5) as stranger:
        statuses = [(await stranger.get(PATH, params={"code": "A"})).status_code for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        refused = await stranger.post(PATH, content=b"x")
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert (await stranger.get(f"/v/{story.codes['issued']}")).status_code == 200
        clock.forward(minutes=1)
        assert (await stranger.get(PATH, params={"code": "A"})).status_code == 200


async def test_one_key_has_a_limit_wherever_it_is_used_from(opening: Callable[..., Any], story: Any) -> None:
    asked, key = {"number": story.numbers["issued"]}, {"authorization": f"Bearer {story.keys['see']}"}
    async with opening(per_minute=3) as stranger:
        app, statuses = stranger._transport.app, []
        for last in range(4):
            there = httpx.ASGITransport(app, client=(f"10.0.0.{last}", 1))
            async with httpx.AsyncClient(transport=there, base_url=stranger.base_url, headers=key) as elsewhere:
                statuses.append((await elsewhere.get(PATH, params=asked)).status_code)
        assert statuses == [200] * 3 + [429]
        other = {"authorization": f"Bearer {story.keys['whole']}"}
        assert (await stranger.get(PATH, params=asked, headers=other)).status_code == 200


async def test_all_addresses_together_have_a_limit_too(opening: Callable[..., Any]) -> None:
    async with opening(per_minute=100, global_per_minute=3) as stranger:
        statuses = [(await stranger.get(PATH, params={"code": "A"})).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]


async def test_files_have_a_smaller_limit_shared_by_page_and_program(opening: Callable[..., Any], story: Any) -> None:
    async with opening(files_per_minute=2) as stranger:
        statuses = [(await stranger.post(PATH, content=b"no certificate")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert (await stranger.get(PATH, params={"code": story.codes["issued"]})).status_code == 200


async def test_when_too_many_files_wait_the_next_one_is_told_to_come_back(opening: Callable[..., Any]) -> None:
    async with opening(files_per_minute=1000) as stranger:
        answers = await asyncio.gather(*(stranger.post(PATH, content=b"no certificate %d" % n) for n in range(60)))
        statuses = Counter(answer.status_code for answer in answers)
        assert set(statuses) == {200, 503}
        assert statuses[200] >= 18
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.json()["code"] == "busy"
        assert int(refused.headers["retry-after"]) > 0
        assert (await stranger.post(PATH, content=b"no certificate")).status_code == 200
