"""Pages answer in the notices' words, with the headers that keep a browser honest, and say nothing of the inside."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import admin
from engine.store import FileStore
from engine.store.engines import translated

TEMPLATES = Path(admin.__file__).parent / "templates"
HTML = {"accept": "text/html"}


async def test_the_home_page_leads_to_verification(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.status_code == 200
    for words in ("Get Certificate of Origin", "Verify Certificate", "Home"):
        assert words in answer.text


def everything(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    """Every route of the application as method and a path that reaches it."""
    app: Any = client.app  # type: ignore[attr-defined]
    found = []
    for route in app.routes:
        path = re.sub(r"\{code:str\}", "A" * 27, route.path_format if hasattr(route, "path_format") else route.path)
        path = re.sub(r"\{[^}]*\}", "x", path)
        found += [(method, path) for method in getattr(route, "methods", ["GET"]) if method != "OPTIONS"]
    assert len(found) > 20
    return found


async def test_every_route_answers_with_the_security_headers_and_an_id(client: httpx.AsyncClient) -> None:
    asked = [*everything(client), ("GET", "/nowhere"), ("GET", "/api/nowhere"), ("GET", "/static/app.css"), ("DELETE", "/verify")]
    for method, path in asked:
        answer = await client.request(method, path)
        where = f"{method} {path} {answer.status_code}"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, where
        assert "frame-ancestors 'none'" in policy, where
        assert "unsafe" not in policy, where
        assert answer.headers["x-content-type-options"] == "nosniff", where
        assert answer.headers["cross-origin-resource-policy"] == "same-origin", where
        if path.startswith("/api/"):
            assert "'self'" not in policy, where
        else:
            assert answer.headers["referrer-policy"] == "same-origin", where
            assert answer.headers["cross-origin-opener-policy"] == "same-origin", where
            assert answer.headers["x-frame-options"] == "DENY", where
        assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"]), where
        assert answer.status_code < 500, where
        if not path.startswith(("/static", "/favicon")):
            assert answer.headers["cache-control"] == "no-store", where


async def test_pages_without_a_form_set_no_cookie(client: httpx.AsyncClient) -> None:
    for path in ("/", "/health/live", "/v/" + "A" * 27, "/static/app.css", "/nowhere"):
        assert "set-cookie" not in (await client.get(path)).headers


async def test_the_cookie_of_a_form_is_closed_to_scripts_and_to_other_sites(client: httpx.AsyncClient) -> None:
    cookie = (await client.get("/verify")).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie


async def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(client: httpx.AsyncClient) -> None:
    page = await client.get("/nowhere", headers=HTML)
    assert page.status_code == 404
    assert "Nothing here" in page.text
    problem = await client.get("/nowhere", headers={"accept": "application/json"})
    assert problem.headers["content-type"] == "application/problem+json"
    below_api = await client.get("/api/nowhere", headers=HTML)
    assert below_api.headers["content-type"] == "application/problem+json"


async def test_a_wrong_method_names_the_right_ones(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/verify")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= {each.strip() for each in answer.headers["allow"].split(",")}


async def test_live_answers_without_touching_anything(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.pages.health.lookup", _broken)
    assert (await client.get("/health/live")).json() == {"status": "live"}


async def test_ready_names_each_part(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": dict.fromkeys(("database", "schema", "files", "keys"), "ok"), "signers": {}}


async def test_ready_is_503_while_the_file_store_takes_nothing(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FileStore, "probe", _broken)
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["checks"]["files"] == "failed"
    assert "disk" not in answer.text


async def _broken(*_: Any) -> Any:
    with translated():
        raise ConnectionError("the disk is gone")


async def test_what_nobody_foresaw_says_nothing_but_the_id(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("secret-of-the-inside")

    monkeypatch.setattr("admin.pages.home.page", explode)
    for accept in ("text/html", "application/json"):
        answer = await client.get("/", headers={"accept": accept})
        assert answer.status_code == 500
        assert answer.headers["x-request-id"] in answer.text
        for word in ("secret-of-the-inside", "ZeroDivision", "Traceback", "home.py"):
            assert word not in answer.text


def test_templates_have_no_inline_script_style_or_handler_and_trust_no_text() -> None:
    sources = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir()}
    assert len(sources) >= 7
    for name, source in sources.items():
        assert not re.search(r"<script(?![^>]*\bsrc=)", source), name
        assert not re.search(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|\{%\s*autoescape", source, re.IGNORECASE), name
        assert not re.search(r"\|\s*safe\b|Markup", source), name
        assert not re.search(r"(src|href|action)\s*=\s*[\"']https?:", source), name


async def test_static_files_do_not_leave_their_folder(client: httpx.AsyncClient) -> None:
    for path in (
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "/static/",
        "/static",
        "/static/%00",
        "/static/app.css/x",
        f"/static/{'a' * 300}",
    ):
        answer = await client.get(path)
        assert answer.status_code in {400, 404, 405}, path
        assert "create_app" not in answer.text


async def test_a_page_for_tls_is_never_asked_without_it(opening: Callable[..., Any]) -> None:
    async with opening(public_url="https://coo.example.in") as client:
        answer = await client.get("/verify")
        assert "max-age" in answer.headers["strict-transport-security"]
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-form=")
        assert "Secure" in cookie
