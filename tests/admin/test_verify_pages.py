"""Verify Certificate for people: the captcha answers once, what was typed is kept, and strangers learn nothing they should not."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from admin.pages.rendering import environment

FormOf = Callable[[str], Any]


async def ask(client: httpx.AsyncClient, form: Any, number: str, answer: str, **more: str) -> httpx.Response:
    sent = {"_csrf_token": form.token, "captcha": form.captcha, "number": number, "answer": answer, "act": "verify", **more}
    return await client.post("/verify", data=sent)


async def opened(client: httpx.AsyncClient, form_of: FormOf) -> Any:
    return form_of((await client.get("/verify")).text)


def word(html: str) -> str:
    found = re.search(r'<h1 id="verdict-word">(\w+)</h1>', html)
    assert found, html
    return found.group(1)


def bare(html: str) -> str:
    """A page without what differs between any two askings: what was typed, and the time."""
    html = re.sub(r'<p class="number">.*?</p>', "", html, flags=re.DOTALL)
    return re.sub(r'<p class="asked-at">.*?</p>', "", html, flags=re.DOTALL)


@pytest.mark.parametrize(("state", "verdict"), [("issued", "Genuine"), ("superseded", "Superseded"), ("cancelled", "Cancelled")])
async def test_a_number_and_the_characters_give_the_verdict(
    client: httpx.AsyncClient, story: Any, form_of: FormOf, state: str, verdict: str
) -> None:
    form = await opened(client, form_of)
    answer = await ask(client, form, story.numbers[state], form.characters(client).lower())
    assert answer.status_code == 200
    assert word(answer.text) == verdict
    assert story.numbers[state] in answer.text
    assert "DEVGAD LANTERN FOODS" in answer.text
    assert "21 November 2026, 12:00 IST" in answer.text


async def test_a_certificate_of_a_demonstration_says_so(client: httpx.AsyncClient, story: Any) -> None:
    assert "This certificate was issued by a demonstration site" in (await client.get(f"/v/{story.codes['issued']}")).text


async def test_a_legacy_number_is_sent_to_the_older_platform(client: httpx.AsyncClient, form_of: FormOf) -> None:
    form = await opened(client, form_of)
    answer = await ask(client, form, "EIC/2023/001/0001234A/00012345", form.characters(client))
    assert word(answer.text) == "Legacy"
    assert "coo.dgft.gov.in" in answer.text


async def test_the_code_of_the_qr_needs_no_captcha_in_either_spelling(client: httpx.AsyncClient, story: Any) -> None:
    code = story.codes["issued"]
    for path in (f"/v/{code.lower()}", f"/V/{code}", f"/v/{code}"):
        assert word((await client.get(path)).text) == "Genuine"


async def test_void_unissued_and_unknown_read_the_same_by_code(client: httpx.AsyncClient, story: Any) -> None:
    codes = [story.codes["void"], story.codes["numbered"], "A" + "B" * 26, "short", "A" * 400]
    answers = [await client.get(f"/v/{code}") for code in codes]
    assert {answer.status_code for answer in answers} == {200}
    assert {word(answer.text) for answer in answers} == {"Unknown"}
    assert len({bare(answer.text.replace(code, "")) for code, answer in zip(codes, answers, strict=True)}) == 1


async def test_void_unissued_and_unknown_read_the_same_by_number(client: httpx.AsyncClient, story: Any, form_of: FormOf) -> None:
    pages = []
    for number in (story.numbers["void"], story.numbers["numbered"], "XYZ/2026/DEL/not-there"):
        form = await opened(client, form_of)
        answer = await ask(client, form, number, form.characters(client))
        assert answer.status_code == 200
        pages.append(bare(answer.text))
    assert len(set(pages)) == 1


async def test_strangers_see_no_download_and_nobody_of_the_inside(client: httpx.AsyncClient, story: Any) -> None:
    page = (await client.get(f"/v/{story.codes['issued']}")).text
    for hidden in ("AAZCD4417K", "27AAZCD4417K1Z0", "APP-", story.pdf_sha256, ".pdf", "download"):
        assert hidden not in page


async def test_a_wrong_answer_keeps_the_number_and_brings_new_characters(client: httpx.AsyncClient, story: Any, form_of: FormOf) -> None:
    form = await opened(client, form_of)
    answer = await ask(client, form, story.numbers["issued"], "00000")
    assert answer.status_code == 422
    assert f'value="{story.numbers["issued"]}"' in answer.text
    assert 'role="alert"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert form_of(answer.text).captcha != form.captcha


async def test_a_wrong_answer_uses_the_question_up(client: httpx.AsyncClient, story: Any, form_of: FormOf) -> None:
    form = await opened(client, form_of)
    await ask(client, form, story.numbers["issued"], "00000")
    assert (await ask(client, form, story.numbers["issued"], form.characters(client))).status_code == 422


async def test_a_right_answer_counts_once(client: httpx.AsyncClient, story: Any, form_of: FormOf) -> None:
    form = await opened(client, form_of)
    assert (await ask(client, form, story.numbers["issued"], form.characters(client))).status_code == 200
    assert (await ask(client, form, story.numbers["issued"], form.characters(client))).status_code == 422


async def test_of_ten_answers_at_once_one_counts(client: httpx.AsyncClient, story: Any, form_of: FormOf) -> None:
    form = await opened(client, form_of)
    answers = await asyncio.gather(*[ask(client, form, story.numbers["issued"], form.characters(client)) for _ in range(10)])
    assert sorted(answer.status_code for answer in answers) == [200, *[422] * 9]


async def test_a_late_answer_is_refused(client: httpx.AsyncClient, story: Any, form_of: FormOf, clock: Any) -> None:
    form = await opened(client, form_of)
    clock.forward(minutes=5, seconds=1)
    assert (await ask(client, form, story.numbers["issued"], form.characters(client))).status_code == 422


@pytest.mark.parametrize("captcha", ["", "no-uuid", "00000000-0000-0000-0000-000000000000", "ä" * 40])
async def test_an_invented_question_is_refused(client: httpx.AsyncClient, story: Any, form_of: FormOf, captcha: str) -> None:
    form = await opened(client, form_of)
    assert (await ask(client, form, story.numbers["issued"], form.characters(client), captcha=captcha)).status_code == 422


async def test_another_question_does_not_answer_this_one(client: httpx.AsyncClient, story: Any, form_of: FormOf) -> None:
    first, second = await opened(client, form_of), await opened(client, form_of)
    assert (await ask(client, first, story.numbers["issued"], second.characters(client))).status_code == 422


async def test_new_characters_keep_what_was_typed(client: httpx.AsyncClient, form_of: FormOf) -> None:
    form = await opened(client, form_of)
    answer = await ask(client, form, "EIA/2026/<b>", "", act="renew")
    assert answer.status_code == 200
    assert 'value="EIA/2026/&lt;b&gt;"' in answer.text
    assert form_of(answer.text).captcha != form.captcha


async def test_a_missing_number_does_not_use_the_question_up(client: httpx.AsyncClient, story: Any, form_of: FormOf) -> None:
    form = await opened(client, form_of)
    assert (await ask(client, form, "  ", form.characters(client))).status_code == 422
    assert (await ask(client, form, story.numbers["issued"], form.characters(client))).status_code == 200


async def test_the_question_can_be_seen_and_heard(client: httpx.AsyncClient, form_of: FormOf) -> None:
    form = await opened(client, form_of)
    picture = await client.get("/verify/captcha/image", params={"t": form.ticket})
    sound = await client.get("/verify/captcha/audio", params={"t": form.ticket})
    assert (picture.headers["content-type"], picture.content[:4]) == ("image/png", b"\x89PNG")
    assert (sound.headers["content-type"], sound.content[:4]) == ("audio/wav", b"RIFF")


@pytest.mark.parametrize(
    ("kind", "ticket", "status"), [("image", "x", 400), ("image", "", 400), ("image", "ä\x00", 400), ("video", "x", 404)]
)
async def test_a_made_up_ticket_shows_nothing(client: httpx.AsyncClient, kind: str, ticket: str, status: int) -> None:
    assert (await client.get(f"/verify/captcha/{kind}", params={"t": ticket})).status_code == status


async def test_the_page_never_carries_the_characters(client: httpx.AsyncClient, form_of: FormOf) -> None:
    page = await client.get("/verify")
    assert form_of(page.text).characters(client) not in re.sub(r"[A-Za-z0-9_=-]{40,}", "", page.text)


async def test_a_foreign_link_is_named_and_never_opened(
    client: httpx.AsyncClient, form_of: FormOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(*_: Any, **__: Any) -> None:
        raise AssertionError("something was fetched")

    form = await opened(client, form_of)
    monkeypatch.setattr("socket.getaddrinfo", fetched)
    answer = await ask(client, form, f"https://coo.example.net/v/{'A' * 27}", form.characters(client))
    assert word(answer.text) == "Unknown"
    assert "another host" in answer.text


async def test_too_many_posts_are_told_when_to_come_back(opening: Callable[..., Any], form_of: FormOf, clock: Any) -> None:
    async with opening(per_minute=3) as client:
        client.headers["accept"] = "text/html"
        form = await opened(client, form_of)
        statuses = [(await ask(client, form, "EIA/1", "x", act="renew")).status_code for _ in range(3)]
        refused = await ask(client, form, "EIA/1", "x", act="renew")
        assert statuses == [200] * 3
        assert refused.status_code == 429
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert "Too often" in refused.text
        clock.forward(minutes=1)
        assert (await ask(client, form, "EIA/1", "x", act="renew")).status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"%PDF-1.7",
        b"%PDF-1.7\n" + b"[" * 100_000,
        b"\x00" * 5000,
        b"%PDF-1.7\n1 0 obj<</Length 99999999999>>stream\n",
        b"PK\x03\x04zip",
    ],
    ids=["empty", "letter", "head", "brackets", "zeros", "stream", "zip"],
)
async def test_a_hostile_file_is_unknown_and_no_error(client: httpx.AsyncClient, form_of: FormOf, data: bytes) -> None:
    form = await opened(client, form_of)
    answer = await client.post("/verify/file", data={"_csrf_token": form.token}, files={"file": ("../../x.pdf", data, "application/pdf")})
    assert answer.status_code == (200 if data else 422)
    if data:
        assert word(answer.text) == "Unknown"


async def test_a_file_that_names_our_certificate_is_altered(
    client: httpx.AsyncClient, story: Any, form_of: FormOf, paper: Callable[[str], bytes]
) -> None:
    form = await opened(client, form_of)
    forged = paper(f"http://127.0.0.1:8000/v/{story.codes['issued'].lower()}")
    answer = await client.post("/verify/file", data={"_csrf_token": form.token}, files={"file": ("c.pdf", forged, "application/pdf")})
    assert word(answer.text) == "Altered"
    assert story.numbers["issued"] in answer.text


def test_a_number_that_may_break_is_still_escaped() -> None:
    made = environment().from_string("{{ value|breakable }}").render(value='<b onclick="x">/A&B/1')
    assert made == "&lt;b onclick=&#34;x&#34;&gt;/<wbr>A&amp;B/<wbr>1"


async def test_an_unknown_code_tells_to_scan_again_and_an_unknown_number_to_read_again(client: httpx.AsyncClient) -> None:
    assert "Scan the QR code once more" in (await client.get("/v/" + "A" * 27)).text
