"""The rehearsal registry: plainly nobody real, strict with those who ask, and out of the reach of browsers where it lies."""

import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest
import uvicorn

from admin.rehearsal.cast import CAST, Cast
from admin.rehearsal.desk import Client, Desk
from admin.rehearsal.registry import HEADING, create_registry
from engine.cli.app import run
from engine.config import load
from engine.people.dgft import ProfileService, Provider, settings_of

ISSUER = "http://127.0.0.1:8001"
RETURN = "http://127.0.0.1:8000/sign-in/registry/return"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
WISH = {
    "client_id": "coo",
    "redirect_uri": RETURN,
    "response_type": "code",
    "scope": "openid email",
    "state": 'st"ate<b>',
    "nonce": "nonce",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@dataclass
class Clock:
    at: datetime = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def desk() -> Desk:
    clients = (Client("coo", RETURN, "secret"), Client("other", "http://127.0.0.1:9/r", "other-secret"))
    return Desk(ISSUER, clients, profile_token="bearer", clock=Clock())


@pytest.fixture
async def browser(desk: Desk) -> Any:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_registry(desk)), base_url=ISSUER) as client:
        yield client


def basic(pair: str = "coo:secret") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


async def code(browser: httpx.AsyncClient, person: str = "rehearsal-1001") -> str:
    sent = await browser.post("/authorize", data={**WISH, "person": person, "act": "consent"})
    return dict(parse_qsl(urlsplit(sent.headers["location"]).query))["code"]


async def redeem(browser: httpx.AsyncClient, code: str, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
    sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": RETURN, "code_verifier": VERIFIER} | form
    return await browser.post("/token", data=sent, headers=basic() if headers is None else headers)


# --- pages ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/authorize", "/modify/AAZCD4417K"])
async def test_every_page_says_that_nobody_here_is_real(browser: httpx.AsyncClient, path: str) -> None:
    page = await browser.get(path, params=WISH if path == "/authorize" else {})
    assert page.status_code == 200
    assert f"<h1>{HEADING}</h1>" in page.text
    assert "script" not in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


async def test_everybody_can_be_chosen_by_name_and_part(browser: httpx.AsyncClient) -> None:
    page = unescape((await browser.get("/authorize", params=WISH)).text)
    for person in CAST.persons:
        assert f'value="{person.subject}"' in page
        assert person.name in page
        assert person.part in page
    assert page.count('<label class="choice"><input type="radio"') == len(CAST.persons), "the mark stands beside its words, also on a phone"
    assert "Consent and go on" in page
    assert "Break off" in page


async def test_the_form_may_lead_back_to_the_site_that_asked_and_nowhere_else(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/authorize", params=WISH)
    assert "form-action 'self' http://127.0.0.1:8000;" in page.headers["content-security-policy"]


async def test_what_the_browser_brings_is_escaped(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/authorize", params=WISH)
    assert WISH["state"] not in page.text
    assert WISH["state"] in unescape(page.text)


def test_the_cast_is_what_rehearsals_need() -> None:
    linked = {user["subject"] for firm in CAST.firms for user in firm["users"]} | {
        user["email"] for firm in CAST.firms for user in firm["users"]
    }
    active = [firm for firm in CAST.firms if firm["status"] == "active"]
    assert len(active) >= 4
    assert any(firm["status"] == "suspended" for firm in CAST.firms)
    assert len({tuple(user["rights"]) for firm in CAST.firms for user in firm["users"]}) >= 4
    assert any(len(firm["users"]) > 1 for firm in active)
    unlinked = [person for person in CAST.persons if person.email not in linked]
    assert any("broker" in person.part for person in unlinked)
    assert any("no IEC" in person.part for person in unlinked)
    assert all(person.email.endswith(".example") for person in CAST.persons)
    assert len({person.subject for person in CAST.persons}) == len(CAST.persons)


# --- who is sent back, and where ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": "nobody"},
        {"client_id": ""},
        {"client_id": "other"},
        *(
            {"redirect_uri": uri}
            for uri in ("", RETURN + "/", RETURN + "?x=1", RETURN.upper(), "https://evil.example/", RETURN[:-1], RETURN + "#")
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_is_sent_back_to_an_address_that_is_not_registered(
    browser: httpx.AsyncClient, method: str, change: dict[str, str]
) -> None:
    wish = WISH | change
    sent = {"params": wish} if method == "GET" else {"data": wish | {"person": "rehearsal-1001", "act": "consent"}}
    answer = await browser.request(method, "/authorize", **sent)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "not registered here" in answer.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
    ],
)
async def test_a_wish_that_is_not_safe_is_sent_back_as_an_error(browser: httpx.AsyncClient, change: dict[str, str], error: str) -> None:
    for answer in (
        await browser.get("/authorize", params=WISH | change),
        await browser.post("/authorize", data=WISH | change | {"person": "rehearsal-1001", "act": "consent"}),
    ):
        assert answer.status_code == 303
        said = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        assert (said["error"], said["iss"]) == (error, ISSUER)
        assert "code" not in said


async def test_breaking_off_and_choosing_nobody_give_no_code(browser: httpx.AsyncClient) -> None:
    for form in ({"person": "rehearsal-1001", "act": "decline"}, {"act": "consent"}, {"person": "rehearsal-9999", "act": "consent"}):
        answer = await browser.post("/authorize", data=WISH | form)
        assert "error=access_denied" in answer.headers["location"]
        assert "code=" not in answer.headers["location"]


async def test_the_answer_carries_state_and_issuer(browser: httpx.AsyncClient) -> None:
    sent = await browser.post("/authorize", data=WISH | {"person": "rehearsal-1001", "act": "consent"})
    said = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    assert (said["state"], said["iss"]) == (WISH["state"], ISSUER)
    assert sent.headers["location"].startswith(RETURN + "?")


# --- tokens ---------------------------------------------------------------------------------------------


async def test_a_code_becomes_a_token_once(browser: httpx.AsyncClient) -> None:
    given = await code(browser)
    first, second = await redeem(browser, given), await redeem(browser, given)
    assert first.status_code == 200
    assert first.json()["token_type"] == "Bearer"
    assert (second.status_code, second.json()) == (400, {"error": "invalid_grant"})


async def test_a_code_is_good_for_a_minute(browser: httpx.AsyncClient, desk: Desk) -> None:
    clock: Any = desk._clock
    early, late = await code(browser), await code(browser)
    clock.at += timedelta(seconds=59)
    assert (await redeem(browser, early)).status_code == 200
    clock.at += timedelta(seconds=1)
    assert (await redeem(browser, late)).status_code == 400


@pytest.mark.parametrize(
    "form", [{"code_verifier": "w" * 43}, {"code_verifier": ""}, {"redirect_uri": RETURN + "/"}, {"grant_type": "refresh_token"}]
)
async def test_a_code_is_bound_to_verifier_and_return_address(browser: httpx.AsyncClient, form: dict[str, str]) -> None:
    assert (await redeem(browser, await code(browser), **form)).json() == {"error": "invalid_grant"}


async def test_a_wrong_try_uses_the_code_up(browser: httpx.AsyncClient) -> None:
    given = await code(browser)
    await redeem(browser, given, code_verifier="w" * 43)
    assert (await redeem(browser, given)).status_code == 400


@pytest.mark.parametrize(
    "headers", [{}, basic("coo:wrong"), basic("nobody:secret"), {"authorization": "Basic !!!"}, {"authorization": "Bearer secret"}]
)
async def test_only_the_client_itself_redeems(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    given = await code(browser)
    assert (await redeem(browser, given, headers)).json() == {"error": "invalid_client"}
    assert (await redeem(browser, given)).status_code == 200


async def test_a_code_of_one_client_is_worth_nothing_to_another(browser: httpx.AsyncClient) -> None:
    assert (await redeem(browser, await code(browser), basic("other:other-secret"))).json() == {"error": "invalid_grant"}


# --- faults, profiles -----------------------------------------------------------------------------------


async def test_a_browser_turns_no_knob(browser: httpx.AsyncClient, desk: Desk) -> None:
    knobs = {"fault": "alg_none", "faults": "alg_none", "token": "alg_none", "metadata": "slow", "answers": "redirect"}
    honest = (await browser.get("/.well-known/openid-configuration")).json()
    assert (await browser.get("/.well-known/openid-configuration", params=knobs)).json() == honest
    sent = await browser.post("/authorize", data=WISH | knobs | {"person": "rehearsal-1001", "act": "consent"}, params=knobs)
    said = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    token = (await redeem(browser, said["code"], **knobs)).json()["id_token"]
    header = base64.urlsafe_b64decode(token.split(".")[0] + "==")
    assert b'"ES256"' in header
    assert (desk.faults.token, desk.faults.answers) == (None, {})


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "bearer"}, basic()])
async def test_profiles_are_told_to_the_bearer_alone(browser: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for answer in (
        await browser.get("/profiles/of-iec/AAZCD4417K", headers=headers),
        await browser.post("/profiles/of-person", json={"subject": "rehearsal-1001", "email": None}, headers=headers),
    ):
        assert answer.status_code == 401
        assert "DEVGAD" not in answer.text


async def test_a_question_that_is_none_is_refused(browser: httpx.AsyncClient) -> None:
    for body in (b"", b"[]", b"\xff", b"{"):
        answer = await browser.post("/profiles/of-person", content=body, headers={"authorization": "Bearer bearer"})
        assert answer.status_code == 400


async def test_an_unknown_iec_is_not_found(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/profiles/of-iec/ZZZCQ0999Z", headers={"authorization": "Bearer bearer"})).status_code == 404
    assert (await browser.get(f"/modify/{quote('<b>')}")).status_code == 404


async def test_hostile_names_of_a_cast_are_escaped_on_its_pages(desk: Desk, browser: httpx.AsyncClient) -> None:
    desk.cast = Cast((replace(CAST.persons[0], name="<img src=x onerror=alert(1)>"),), ({**CAST.firms[0], "name": "<b>X</b>"},))
    for path in ("/", "/authorize", "/modify/AAZCD4417K"):
        page = (await browser.get(path, params=WISH if path == "/authorize" else {})).text
        assert "<img" not in page
        assert "<b>X" not in page


# --- apart from the site --------------------------------------------------------------------------------


def test_the_registry_knows_nothing_of_the_rooms_that_ask_it() -> None:
    look = (
        "import sys, admin.rehearsal.registry;"
        "print(*(name for name in sys.modules if name.startswith(('engine.people', 'engine.store', 'joserfc', 'piccolo'))))"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


SITE = """
[site]
rehearsal = {rehearsal}
[dgft]
issuer = "{issuer}"
client_id = "coo"
client_secret = {{ file = "secret" }}
profile_url = "{issuer}/profiles"
profile_token = {{ file = "token" }}
"""


def site(folder: Path, *, rehearsal: bool = True, issuer: str = "http://127.0.0.1:8001") -> Path:
    (folder / "secret").write_text("se:cr%et")
    (folder / "token").write_text("bearer")
    path = folder / "engine.toml"
    path.write_text(SITE.format(rehearsal=str(rehearsal).lower(), issuer=issuer))
    return path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[uvicorn.Config]]:
    """What would be served, instead of serving it."""
    configs: list[uvicorn.Config] = []

    def serve(server: uvicorn.Server, sockets: object = None) -> None:
        configs.append(server.config)
        server.started = True

    monkeypatch.setattr(uvicorn.Server, "run", serve)
    monkeypatch.setattr("engine.cli.rehearsing.listening", lambda *told: nullcontext())
    return configs


def test_the_command_is_refused_unless_the_site_rehearses(tmp_path: Path, served: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    path = site(tmp_path, rehearsal=False, issuer="https://registry.example")
    assert run(["rehearsal", "registry", "--config", str(path)]) == 5
    assert "site.rehearsal is not true" in capsys.readouterr().err
    assert served == []


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:8002", "https://127.0.0.1:8001", "https://registry.example"])
def test_the_command_says_what_to_set(tmp_path: Path, served: list[Any], capsys: pytest.CaptureFixture[str], issuer: str) -> None:
    assert run(["rehearsal", "registry", "--port", "8001", "--config", str(site(tmp_path, issuer=issuer))]) == 5
    said = re.sub(r"\s+", " ", capsys.readouterr().err)
    assert 'issuer = "http://127.0.0.1:8001"' in said
    assert "se:cr" not in said
    assert served == []


def test_the_registry_does_not_take_the_sites_own_port(tmp_path: Path, served: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    path = site(tmp_path, issuer="http://127.0.0.1:8000")
    assert run(["rehearsal", "registry", "--port", "8000", "--config", str(path)]) == 5
    assert "the site's own" in re.sub(r"\s+", " ", capsys.readouterr().err)
    assert served == []


async def test_a_site_signs_in_at_what_the_command_serves(tmp_path: Path, served: list[uvicorn.Config]) -> None:
    path = site(tmp_path)
    assert run(["rehearsal", "registry", "--config", str(path)]) == 0
    (config,) = served
    assert (config.host, config.port) == ("127.0.0.1", 8001)
    settings = settings_of(load(path, {}))
    assert settings is not None
    line = httpx.ASGITransport(config.app)  # type: ignore[arg-type]
    provider = Provider(settings, transport=line)
    begun = await provider.begin("/")
    async with httpx.AsyncClient(transport=line) as browser:
        wish = dict(parse_qsl(urlsplit(begun.url).query))
        sent = await browser.post(f"{settings.issuer}/authorize", data={**wish, "person": "rehearsal-1004", "act": "consent"})
    said = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    identity = await provider.finish(begun, said["code"], said["state"], said["iss"])
    (profile,) = await ProfileService(settings, transport=line).profiles_of(identity)
    assert (profile.iec, profile.user_of(identity).rights) == ("ZZZCQ0001Z", ("see", "sign"))  # type: ignore[union-attr]
