"""Pages take their own forms and nothing else: every way round the seal is refused, and none of them breaks the server."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

FormOf = Callable[[str], Any]
FORMS = ["/verify", "/verify/file"]


@pytest.fixture
async def form(client: httpx.AsyncClient, form_of: FormOf) -> Any:
    return form_of((await client.get("/verify")).text)


def flipped(token: str) -> str:
    return token[:-1] + ("0" if token[-1] != "0" else "1")


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_without_its_token_is_refused(client: httpx.AsyncClient, form: Any, path: str) -> None:
    for body in (
        {"number": "x"},
        {"_csrf_token": ""},
        {"_csrf_token": "ä" * 96},
        {"_csrf_token": "0" * 96},
        {"_csrf_token": flipped(form.token)},
    ):
        answer = await client.post(path, data=body)
        assert answer.status_code == 403
        assert "form" in answer.text


@pytest.mark.parametrize("path", FORMS)
async def test_a_token_of_another_browser_is_refused(client: httpx.AsyncClient, form: Any, path: str) -> None:
    client.cookies.clear()
    assert (await client.post(path, data={"_csrf_token": form.token})).status_code == 403
    await client.get("/verify")
    assert (await client.post(path, data={"_csrf_token": form.token})).status_code == 403


async def test_a_cookie_that_is_not_ours_is_replaced(client: httpx.AsyncClient) -> None:
    client.cookies.set("form", "planted" * 14)
    answer = await client.get("/verify")
    assert "set-cookie" in answer.headers
    assert "planted" not in answer.text


@pytest.mark.parametrize("path", FORMS)
async def test_a_token_sent_as_a_file_or_twice_breaks_nothing(client: httpx.AsyncClient, form: Any, path: str) -> None:
    as_file = await client.post(path, files={"_csrf_token": ("t", form.token.encode())})
    assert as_file.status_code == 403
    twice = await client.post(
        path, content=f"_csrf_token=x&_csrf_token={form.token}", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert twice.status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8001", "https://127.0.0.1:8000.evil.example"])
async def test_a_foreign_origin_is_refused_even_with_the_token(client: httpx.AsyncClient, form: Any, origin: str) -> None:
    answer = await client.post("/verify", data={"_csrf_token": form.token, "act": "renew"}, headers={"origin": origin})
    assert answer.status_code == 403


async def test_our_own_origin_is_taken(client: httpx.AsyncClient, form: Any) -> None:
    sent = {"_csrf_token": form.token, "act": "renew"}
    answer = await client.post("/verify", data=sent, headers={"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"})
    assert answer.status_code == 200
    crossed = await client.post("/verify", data=sent, headers={"sec-fetch-site": "cross-site"})
    assert crossed.status_code == 403


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json", "multipart/form-data", "multipart/form-data; boundary=x", "", "x" * 300]
)
async def test_other_kinds_of_body_are_refused_without_an_error(client: httpx.AsyncClient, form: Any, kind: str) -> None:
    for path in FORMS:
        answer = await client.post(path, content=f"_csrf_token={form.token}".encode(), headers={"content-type": kind})
        assert 400 <= answer.status_code < 500


async def test_no_cookie_opens_the_api_and_no_key_opens_a_form(client: httpx.AsyncClient, form: Any, story: Any) -> None:
    assert (await client.get("/api/v1/applications")).status_code == 401
    client.cookies.clear()
    answer = await client.post("/verify", data={"number": "x"}, headers={"authorization": f"Bearer {story.keys['whole']}"})
    assert answer.status_code == 403
