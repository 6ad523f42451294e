"""Signing in through pages: cookies, steps, what is kept and what is not, and what a stranger gets."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pyotp
import pytest
from litestar import Litestar

from engine.mail.letter import unsealed
from engine.mail.tables import LetterRow
from engine.people import add_exporter_user, add_officer, appoint_administrator, register_exporter
from engine.people.access import give_password
from engine.people.tables import Account, Agency, Officer
from engine.store import uow
from tests.admin.conftest import BASE, TOKEN

PASSWORD = "seven lanterns over Devgad"
SECRET = re.compile(r'Key: <strong class="mono">([A-Z2-7 ]+)</strong>')
SEALED = re.compile(r'name="sealed" value="([^"]+)"')
Letters = Callable[[str], Awaitable[list[str]]]
CODES = re.compile(r'<li class="mono">([A-Z0-9-]+)</li>')


@dataclass
class Browser:
    """One browser: it keeps cookies and sends back the form that it got."""

    client: httpx.AsyncClient
    clock: Any

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path, headers={"accept": "text/html"})

    async def send(self, path: str, on: str | None = None, **fields: str) -> httpx.Response:
        """Opens the page with the form and sends it; `on` is the page if it is not the form's own address."""
        form = await self.get(on or path)
        token = TOKEN.search(form.text)
        assert token, form.text[:400]
        sealed = SEALED.search(form.text)
        hidden = {"sealed": sealed[1]} if sealed else {}
        data = {"_csrf_token": token[1], **hidden, **fields}
        return await self.client.post(path, data=data, headers={"accept": "text/html", "origin": BASE})

    async def password(self, email: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        return await self.send("/sign-in", email=email, password=password, **more)

    async def set_up(self) -> tuple[str, list[str]]:
        """The second factor, set up: its secret and the recovery codes."""
        form = await self.get("/sign-in/factor")
        secret = SECRET.search(form.text)
        sealed, token = SEALED.search(form.text), TOKEN.search(form.text)
        assert secret
        assert sealed
        assert token
        key = secret[1].replace(" ", "")
        data = {"_csrf_token": token[1], "sealed": sealed[1], "code": self.code(key)}
        done = await self.client.post("/sign-in/factor", data=data, headers={"accept": "text/html", "origin": BASE})
        assert done.status_code == 200, done.text
        return key, CODES.findall(done.text)

    def code(self, secret: str, steps: int = 0) -> str:
        return pyotp.TOTP(secret).at(int(self.clock.now().timestamp()) + 30 * steps)


@pytest.fixture
async def browser(stranger: httpx.AsyncClient, clock: Any) -> Browser:
    clock.forward(minutes=1)  # what other tests tried does not count in this minute
    stranger.cookies.clear()
    return Browser(stranger, clock)


@pytest.fixture
def letters(house: Litestar) -> Letters:
    """Opens what was written and not sent yet: to whom, and the text."""
    box = house.state["parts"].site.secrets

    async def waiting(to: str) -> list[str]:
        rows = await LetterRow.select().where(LetterRow.sent_at.is_null(), LetterRow.given_up_at.is_null())
        opened = [unsealed(row["id"], row["to_sealed"], row["content_sealed"], box) for row in rows]
        return [letter.text for letter in opened if letter.to == to]

    return waiting


_COUNT = iter(range(10_000))


@pytest.fixture
async def administrator(house: Litestar, clock: Any) -> str:
    """The address of a fresh administrator of EIA with a password."""
    email = f"administrator{next(_COUNT)}@eia.example.in"
    [agency] = await Agency.select(Agency.id).where(Agency.code == "EIA")
    account = await appoint_administrator(agency["id"], email=email, name="M. Iyer", actor="test", at=clock.now())
    await give_password(account, PASSWORD, actor="test", at=clock.now())
    return email


async def test_an_administrator_sets_a_factor_up_and_comes_back_with_it(browser: Browser, administrator: str) -> None:
    entered = await browser.password(administrator)
    assert (entered.status_code, entered.headers["location"]) == (303, "/sign-in/factor")
    first = browser.client.cookies["session"]
    assert (await browser.get("/account")).headers["location"].startswith("/sign-in"), "half a sign-in opens nothing"
    secret, codes = await browser.set_up()
    assert len(codes) == 10
    assert browser.client.cookies["session"] != first, "each step has a token of its own"
    account = await browser.get("/account")
    assert "Administrator, Export Inspection Agency Mumbai" in account.text
    assert "10 recovery codes left" in account.text
    left = await browser.send("/sign-out", on="/account")
    assert left.status_code == 303
    assert (await browser.get("/account")).status_code == 303
    entered = await browser.password(administrator)
    assert entered.headers["location"] == "/sign-in/code"
    wrong = await browser.send("/sign-in/code", code="000000")
    assert (wrong.status_code, "not right" in wrong.text) == (422, True)
    done = await browser.send("/sign-in/code", code=browser.code(secret, 1))
    assert (done.status_code, done.headers["location"]) == (303, "/dashboard")
    assert (await browser.get("/account")).status_code == 200


async def test_the_cookie_of_a_session_is_for_this_site_alone(browser: Browser, administrator: str) -> None:
    entered = await browser.password(administrator)
    cookie = next(value for value in entered.headers.get_list("set-cookie") if value.startswith("session="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert entered.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("planted", ["planted", "a" * 43, "x" * 5000])
async def test_a_planted_cookie_is_never_a_session(browser: Browser, administrator: str, planted: str) -> None:
    browser.client.cookies.set("session", planted)
    assert (await browser.get("/account")).status_code == 303
    await browser.password(administrator)
    assert browser.client.cookies.get("session", domain="127.0.0.1") != planted or len(list(browser.client.cookies.jar)) > 1
    browser.client.cookies.clear()
    browser.client.cookies.set("session", planted)
    assert (await browser.get("/account")).status_code == 303


async def test_what_was_typed_is_kept_but_no_password(browser: Browser, administrator: str) -> None:
    wrong = await browser.password(administrator, "not the password at all")
    assert wrong.status_code == 422
    assert f'value="{administrator}"' in wrong.text
    assert "not the password at all" not in wrong.text
    unknown = await browser.password("nobody@eia.example.in", "not the password at all")
    assert unknown.status_code == wrong.status_code
    said = re.compile(r'<div class="alert".*?</div>', re.DOTALL)
    assert said.findall(wrong.text) == said.findall(unknown.text)


@pytest.mark.parametrize(
    "fields", [{}, {"email": "", "password": ""}, {"email": "<script>x</script>"}, {"email": "a" * 5000, "password": "b" * 5000}]
)
async def test_whatever_is_typed_is_answered_in_words(browser: Browser, fields: dict[str, str]) -> None:
    answer = await browser.send("/sign-in", **fields)
    assert answer.status_code == 422
    assert "<script>x" not in answer.text


@pytest.mark.parametrize(
    ("next", "leads"),
    [
        ("/account/prove", "/account/prove"),
        ("//evil.example", "/dashboard"),
        ("https://evil.example", "/dashboard"),
        ("/\\evil.example", "/dashboard"),
        ("/a\r\nSet-Cookie: x=1", "/dashboard"),
        ("javascript:alert(1)", "/dashboard"),
        ("/" + "a" * 300, "/dashboard"),
    ],
)
async def test_after_signing_in_only_pages_of_ours_are_led_to(browser: Browser, administrator: str, next: str, leads: str) -> None:
    await browser.password(administrator)
    secret, _ = await browser.set_up()
    browser.client.cookies.clear()
    await browser.password(administrator)
    done = await browser.send("/sign-in/code", code=browser.code(secret, 1), next=next)
    assert (done.status_code, done.headers["location"]) == (303, leads)


async def test_a_page_for_persons_leads_to_sign_in_and_back(browser: Browser, administrator: str) -> None:
    asked = await browser.get("/account/prove")
    assert asked.headers["location"] == "/sign-in?next=/account/prove"
    form = await browser.get(asked.headers["location"])
    assert 'name="next" value="/account/prove"' in form.text


async def test_every_step_is_a_form_of_our_own(browser: Browser, administrator: str) -> None:
    for path in (
        "/sign-in",
        "/sign-in/code",
        "/sign-in/factor",
        "/sign-out",
        "/password",
        "/password/x",
        "/account/role",
        "/account/password",
        "/account/prove",
    ):
        for headers in ({"origin": BASE}, {"origin": "https://evil.example"}):
            answer = await browser.client.post(path, data={"email": administrator, "password": PASSWORD}, headers=headers)
            assert answer.status_code == 403, (path, headers)
        assert (await browser.client.post(path, json={"email": "x"})).status_code == 403


async def test_a_forgotten_password_is_chosen_anew_by_a_link_that_works_once(
    browser: Browser, administrator: str, letters: Letters
) -> None:
    answers = [await browser.send("/password", email=email) for email in (administrator, "nobody@eia.example.in", "not an address", "")]
    said = [re.sub(r'name="_csrf_token" value="[0-9a-f]+"', "", answer.text) for answer in answers]
    assert len(set(said)) == 1, "nobody learns whether the address is known"
    assert {answer.status_code for answer in answers} == {200}
    [letter] = await letters(administrator)
    link = re.search(r"/password/[A-Za-z0-9_-]+", letter)
    assert link
    assert (await browser.get(link[0])).status_code == 200
    short = await browser.send(link[0], password="short", again="short")
    assert (short.status_code, "Choose another password" in short.text) == (422, True)
    other = await browser.send(link[0], password="four new words for me", again="four new words for you")
    assert (other.status_code, "not the same" in other.text) == (422, True)
    done = await browser.send(link[0], password="four new words for me", again="four new words for me")
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in?chosen=1")
    assert (await browser.get(link[0])).status_code == 404
    assert (await browser.password(administrator)).status_code == 422
    assert (await browser.password(administrator, "four new words for me")).status_code == 303


async def test_no_more_than_three_letters_an_hour_go_to_one_address(browser: Browser, administrator: str, letters: Letters) -> None:
    for _ in range(5):
        await browser.send("/password", email=administrator)
    assert len(await letters(administrator)) == 3


async def test_a_link_is_no_more_good_after_half_an_hour(browser: Browser, administrator: str, letters: Letters, clock: Any) -> None:
    await browser.send("/password", email=administrator)
    [letter] = await letters(administrator)
    link = re.search(r"/password/[A-Za-z0-9_-]+", letter)
    assert link
    clock.forward(minutes=31)
    assert (await browser.get(link[0])).status_code == 404


async def test_a_person_ends_a_session_from_another_browser(browser: Browser, administrator: str) -> None:
    await browser.password(administrator)
    secret, _ = await browser.set_up()
    kept = browser.client.cookies["session"]
    browser.client.cookies.clear()
    await browser.password(administrator)
    await browser.send("/sign-in/code", code=browser.code(secret, 1))
    page = await browser.get("/account")
    ends = re.findall(r'action="(/account/sessions/[0-9a-f-]+/end)">\s*<input[^>]+>\s*<button class="quiet small">End', page.text)
    assert len(ends) == 1
    assert (await browser.send(ends[0], on="/account")).status_code == 303
    browser.client.cookies.clear()
    browser.client.cookies.set("session", kept)
    assert (await browser.get("/account")).status_code == 303


async def test_a_recovery_code_leads_to_another_authenticator(browser: Browser, administrator: str) -> None:
    await browser.password(administrator)
    _, codes = await browser.set_up()
    await browser.send("/sign-out", on="/account")
    await browser.password(administrator)
    done = await browser.send("/sign-in/code", code=codes[0], next="/offices")
    assert (done.status_code, done.headers["location"]) == (303, "/account?recovered=1&next=/offices")
    page = (await browser.get(done.headers["location"])).text
    assert "Set up another authenticator" in page
    assert "<strong>9 recovery codes</strong>" in page
    assert 'href="/offices">Go on without' in page
    assert "Set up another authenticator" not in (await browser.get("/account")).text
    foreign = await browser.get("/account?recovered=1&next=//evil.example")
    assert "evil.example" not in foreign.text


async def test_a_sign_in_that_was_left_half_way_is_gone_on_with(browser: Browser, administrator: str) -> None:
    assert "did not finish" not in (await browser.get("/sign-in")).text
    await browser.password(administrator)
    first = SECRET.search((await browser.get("/sign-in/factor")).text)
    assert 'href="/sign-in/factor">Go on where you left off' in (await browser.get("/sign-in")).text
    again = await browser.get("/sign-in/factor")
    second = SECRET.search(again.text)
    assert first is not None
    assert second is not None
    assert first[1] != second[1]
    assert "when you come back another key is shown" in again.text
    await browser.set_up()


async def test_the_second_factor_is_asked_of_an_officer_and_open_to_an_exporter(browser: Browser, administrator: str, clock: Any) -> None:
    await browser.password(administrator)
    page = (await browser.get("/sign-in/factor")).text
    assert "In your role you must have one" in page
    assert re.search(r'href="otpauth://totp/[^"]+secret=[A-Z2-7]{32}&amp;issuer=[^"]+">', page), "for an app on the same device"
    email = f"clerk{next(_COUNT)}@firm.example.in"
    firm = await register_exporter(f"AAZCD{next(_COUNT) + 1000}K", "A FIRM", "", actor="test", at=clock.now())
    await add_exporter_user(firm.id, email=email, name="A Clerk", rights="see,prepare", actor="test", at=clock.now())
    [account] = await Account.select(Account.id).where(Account.email == email)
    await give_password(account["id"], PASSWORD, actor="test", at=clock.now())
    browser.client.cookies.clear()
    assert (await browser.password(email)).headers["location"] == "/dashboard"
    page = (await browser.get("/sign-in/factor")).text
    assert "Your role does not ask for one; you may have one all the same." in page
    assert "must have" not in page


async def test_the_first_factor_is_told_as_set_up_and_the_next_as_changed(browser: Browser, administrator: str, letters: Letters) -> None:
    await browser.password(administrator)
    await browser.set_up()
    await browser.set_up()
    said = await letters(administrator)
    assert sum("a second factor was set up for your account" in text for text in said) == 1
    assert sum("the second factor of your account was changed" in text for text in said) == 1


@pytest.mark.parametrize(
    "path", ["/", "/verify", "/dashboard", "/account", "/offices", "/changes", "/audit", "/offices/00000000-0000-4000-8000-000000000000"]
)
async def test_signing_out_is_on_every_page(browser: Browser, administrator: str, path: str) -> None:
    assert 'action="/sign-out"' not in (await browser.get(path)).text
    await browser.password(administrator)
    await browser.set_up()
    assert (await browser.get(path)).text.count('action="/sign-out"') == 1
    left = await browser.send("/sign-out", on=path)
    assert (left.status_code, left.headers["location"]) == (303, "/")
    assert (await browser.get("/account")).status_code == 303


async def test_another_role_is_offered_beside_the_name_of_the_present_one(browser: Browser, administrator: str) -> None:
    await browser.password(administrator)
    await browser.set_up()
    assert "Act in another role" not in (await browser.get("/dashboard")).text
    [agency] = await Agency.select(Agency.id).where(Agency.code == "EIA")
    [account] = await Account.select(Account.id).where(Account.email == administrator)
    async with uow():
        await Officer.insert(Officer(agency=agency["id"], account=account["id"], name="M. Iyer", designation="Director"))
    assert re.search(r'class="lead acting">[^<]+ <a [^>]+href="/account#roles">Act in another role', (await browser.get("/dashboard")).text)


async def test_acting_in_another_role_and_in_one_of_somebody_else(browser: Browser, administrator: str, clock: Any) -> None:
    [agency] = await Agency.select(Agency.id).where(Agency.code == "EIA")
    [account] = await Account.select(Account.id).where(Account.email == administrator)
    officer = Officer(agency=agency["id"], account=account["id"], name="M. Iyer", designation="Director")
    async with uow():
        await Officer.insert(officer)
    stranger_officer = await add_officer(agency["id"], email=f"x{administrator}", name="X", designation="x", actor="test", at=clock.now())
    await browser.password(administrator)
    await browser.set_up()
    before = browser.client.cookies["session"]
    done = await browser.send("/account/role", on="/account", role=f"officer:{officer.id}")
    assert done.status_code == 303
    assert browser.client.cookies["session"] != before
    page = await browser.get("/account")
    assert re.search(r"Officer, Export Inspection Agency Mumbai</span>\s*<strong class=\"tag\">now", page.text)
    foreign = await browser.send("/account/role", on="/account", role=f"officer:{UUID(str(stranger_officer))}")
    assert foreign.status_code == 403


async def test_a_new_factor_needs_a_fresh_proof(browser: Browser, administrator: str, clock: Any) -> None:
    await browser.password(administrator)
    secret, _ = await browser.set_up()
    clock.forward(minutes=15)
    prove = "/account/prove?next=/sign-in/factor"
    assert (await browser.get("/sign-in/factor")).headers["location"] == prove
    assert (await browser.send("/sign-in/factor", on="/account", code="000000", sealed="x")).headers["location"] == prove
    wrong = await browser.send("/account/prove", password="wrong", code=browser.code(secret))
    assert wrong.status_code == 422
    proved = await browser.send("/account/prove", password=PASSWORD, code=browser.code(secret), next="/sign-in/factor")
    assert proved.headers["location"] == "/sign-in/factor"
    await browser.set_up()


@pytest.mark.parametrize("path", ["/sign-in", "/password", "/verify"])
async def test_what_no_browser_sends_is_refused_in_words(browser: Browser, path: str) -> None:
    torn = await browser.client.post(path, data={"email": "x"}, headers={"origin": "http://["})
    assert torn.status_code == 403
    for part in (b"\xff", b"x\r\nContent-Type: text/plain; charset=no-such"):
        body = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\n' + part + b"\r\n--x--\r\n"
        answer = await browser.client.post(path, content=body, headers={"content-type": "multipart/form-data; boundary=x", "origin": BASE})
        assert answer.status_code in {400, 403}, answer.text


async def test_the_app_shows_our_host_and_not_one_that_a_browser_claims(browser: Browser, administrator: str) -> None:
    await browser.password(administrator)
    shown = await browser.client.get("/sign-in/factor", headers={"host": "evil.example" * 200, "accept": "text/html"})
    assert "evil.example" not in shown.text
    assert shown.status_code in {200, 400}


async def test_a_second_sign_in_in_one_browser_ends_the_first(browser: Browser, administrator: str) -> None:
    await browser.password(administrator)
    await browser.set_up()
    first = browser.client.cookies["session"]
    form = TOKEN.search((await browser.get("/account")).text)
    assert form
    data = {"_csrf_token": form[1], "email": administrator, "password": PASSWORD}
    again = await browser.client.post("/sign-in", data=data, headers={"origin": BASE})
    assert again.headers["location"] == "/sign-in/code"
    browser.client.cookies.set("session", first)
    assert (await browser.get("/account")).status_code == 303
