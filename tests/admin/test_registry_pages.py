"""Exporters come in with DGFT: the way there and back, over real HTTP against the rehearsal registry, and what attackers try on it."""

import itertools
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import httpx
import pyotp
import pytest
from litestar import Litestar

from admin.rehearsal.cast import Cast, Person
from admin.rehearsal.desk import Client, Desk
from admin.rehearsal.faults import AnswerFault, Endpoint, Faults, TokenFault
from admin.rehearsal.registry import create_registry
from engine.config import DgftSection, Secret
from engine.people import add_officer
from engine.people.access import give_password
from engine.people.access.tables import Session
from engine.people.tables import Account, Agency, Exporter, ExporterUser
from engine.store import uow
from engine.store.tables import AuditEntry
from tests.admin.conftest import BASE, TOKEN, Opening
from tests.sockets import Socket, listening

RETURN = f"{BASE}/sign-in/registry/return"
SECRET, BEARER = "the client's secret", "bearer-of-the-profile-service"
ALL = ["see", "prepare", "submit", "pay", "sign"]
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
_NEXT = itertools.count(1)


@dataclass
class Registry:
    """A rehearsal registry on a real socket, whose firms and persons a test makes up."""

    desk: Desk
    socket: Socket
    persons: dict[str, Person] = field(default_factory=dict)
    firms: dict[str, dict[str, Any]] = field(default_factory=dict)

    def person(self, email: str = "", *, verified: bool = True, name: str = "Vikram Rao") -> str:
        """Somebody new who can sign in; gives their subject."""
        subject = f"subject-{uuid4()}"
        self.persons[subject] = Person(subject, name, email or f"{subject}@firm.example", "", email_verified=verified)
        return self._told(subject)

    def firm(self, *users: str, rights: list[str] | None = None, status: str = "active", by_email: bool = False) -> str:
        """A firm that lists these persons; gives its IEC."""
        iec = f"ZZZCT{next(_NEXT):04d}Z"
        listed = [self.listed(subject, rights, by_email=by_email) for subject in users]
        told = {"iec": iec, "name": f"FIRM {iec}", "address": "1 Nowhere Street\nMumbai", "gstin": "", "status": status, "branches": []}
        self.firms[iec] = told | {"users": listed}
        return self._told(iec)

    def listed(self, subject: str, rights: list[str] | None = None, *, by_email: bool = False) -> dict[str, Any]:
        """A person as a profile lists them."""
        who = self.persons[subject]
        return {
            "subject": "" if by_email else subject,
            "email": who.email,
            "name": who.name,
            "rights": rights or ["see", "prepare", "submit"],
        }

    def change(self, iec: str, **told: Any) -> None:
        """What the registry says of a firm from now on."""
        self.firms[iec] = self.firms[iec] | told
        self._told(iec)

    def _told(self, key: str) -> str:
        self.desk.cast = Cast(tuple(self.persons.values()), tuple(self.firms.values()))
        return key


@pytest.fixture(scope="module")
def socket_of_registry() -> Iterator[Socket]:
    with listening() as served:
        yield served


@pytest.fixture(scope="module")
def desk(socket_of_registry: Socket, clock: Any) -> Desk:
    issuer = socket_of_registry.address
    made = Desk(issuer, (Client("coo-site", RETURN, SECRET),), profile_token=BEARER, clock=clock)
    socket_of_registry.app = create_registry(made)
    return made


@pytest.fixture
def registry(desk: Desk, socket_of_registry: Socket) -> Iterator[Registry]:
    yield Registry(desk, socket_of_registry)
    desk.faults, desk.cast = Faults(), Cast((), ())
    socket_of_registry.app = create_registry(desk)


@pytest.fixture(scope="module")
async def house(opening: Opening, desk: Desk) -> AsyncIterator[Litestar]:
    """The running application, with this registry."""
    section = DgftSection(
        issuer=desk.issuer,
        client_id="coo-site",
        client_secret=Secret(SECRET),
        profile_url=f"{desk.issuer}/profiles",
        profile_token=Secret(BEARER),
        help_url=f"{desk.issuer}/help",
    )
    async with opening(dgft=section) as first:
        yield first.app  # type: ignore[attr-defined]


@dataclass
class Browser:
    """One browser, at this site and at the registry."""

    client: httpx.AsyncClient
    registry: Registry

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.client.get(path, params=query, headers={"accept": "text/html"})

    async def send(self, path: str, on: str, **fields: str) -> httpx.Response:
        token = TOKEN.search((await self.get(on)).text)
        assert token
        data = {"_csrf_token": token[1], **fields}
        return await self.client.post(path, data=data, headers={"accept": "text/html", "origin": BASE})

    async def sent(self, **query: str) -> str:
        """Begins, and gives the address at the registry."""
        begun = await self.get("/sign-in/registry", **query)
        assert begun.status_code == 303, begun.text
        return begun.headers["location"]

    async def chosen(self, url: str, subject: str, act: str = "consent") -> dict[str, str]:
        """What the registry sends back after a person chose who they are."""
        async with httpx.AsyncClient(trust_env=False) as there:
            page = await there.get(url)
            hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
            answer = await there.post(f"{self.registry.desk.issuer}/authorize", data={**hidden, "person": subject, "act": act})
        assert answer.headers["location"].startswith(RETURN + "?"), answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    async def back(self, answer: dict[str, str]) -> httpx.Response:
        return await self.client.get(f"/sign-in/registry/return?{urlencode(answer)}", headers={"accept": "text/html"})

    async def sign_in(self, subject: str, **query: str) -> httpx.Response:
        """The whole way."""
        return await self.back(await self.chosen(await self.sent(**query), subject))

    async def is_in(self) -> bool:
        return (await self.get("/account")).status_code == 200


@pytest.fixture
async def browser(stranger: httpx.AsyncClient, registry: Registry, clock: Any) -> Browser:
    clock.forward(minutes=1)  # what other tests tried does not count in this minute
    stranger.cookies.clear()
    return Browser(stranger, registry)


@asynccontextmanager
async def another(browser: Browser) -> AsyncIterator[Browser]:
    """A second browser, with nothing of the first one's."""
    app = browser.client.app if hasattr(browser.client, "app") else browser.client._transport.app  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=BASE) as client:
        yield Browser(client, browser.registry)


def session_of(browser: Browser) -> str:
    return browser.client.cookies.get("session", "")


async def users_of(subject: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await ExporterUser.select(*ExporterUser.all_columns(), ExporterUser.exporter.iec.as_alias("iec")).where(
        ExporterUser.subject == subject
    )
    return found


async def told_why(answer: httpx.Response, status: int, words: str, browser: Browser) -> None:
    """A sentence for the person, and nobody is signed in."""
    assert answer.status_code == status, answer.text
    assert words in unescape(answer.text)
    assert not session_of(browser)
    assert not await browser.is_in()


# --- the way in -----------------------------------------------------------------------------------------


async def test_an_exporters_person_comes_in_and_sees_their_firm(browser: Browser, registry: Registry) -> None:
    subject = registry.person()
    iec = registry.firm(subject)
    answer = await browser.sign_in(subject)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
    firm = unescape((await browser.get("/firm")).text)
    assert f"FIRM {iec}" in firm
    assert "1 Nowhere Street" in firm
    assert "Modify your IEC at DGFT" in firm
    assert f"{registry.desk.issuer}/modify/{iec}" in firm
    assert f"{registry.desk.issuer}/help" in firm


async def test_the_sign_in_page_offers_dgft_as_a_link_and_keeps_where_one_wanted_to_go(browser: Browser) -> None:
    page = (await browser.get("/sign-in", next="/firm")).text
    assert 'href="/sign-in/registry?next=/firm"' in page
    assert "Exporters: sign in with DGFT" in page


async def test_a_person_with_the_right_to_sign_sets_up_a_second_factor_first(browser: Browser, registry: Registry) -> None:
    subject = registry.person()
    registry.firm(subject, rights=ALL)
    answer = await browser.sign_in(subject, next="/firm")
    assert answer.headers["location"] == "/sign-in/factor?next=/firm"
    assert not await browser.is_in()


async def test_where_a_factor_is_set_the_registry_alone_opens_nothing(browser: Browser, registry: Registry, house: Litestar) -> None:
    subject = registry.person()
    registry.firm(subject, rights=ALL)
    await browser.sign_in(subject)
    secret = await with_factor(house, subject)
    browser.client.cookies.clear()
    answer = await browser.sign_in(subject)
    assert answer.headers["location"] == "/sign-in/code?next=/dashboard"
    assert not await browser.is_in()
    clock = house.state["parts"].site.clock
    done = await browser.send("/sign-in/code", "/sign-in/code", code=pyotp.TOTP(secret).at(int(clock.now().timestamp())), next="")
    assert done.headers["location"] == "/dashboard"
    assert await browser.is_in()


async def with_factor(house: Litestar, subject: str) -> str:
    [row] = await users_of(subject)
    site = house.state["parts"].site
    secret = pyotp.random_base32()
    sealed = site.secrets.seal(secret, purpose=f"account:{row['account']}:totp")
    async with uow():
        change = {Account.totp_sealed: sealed, Account.totp_set_at: site.clock.now()}
        await Account.update(change).where(Account.id == row["account"])
    return secret


async def test_several_persons_share_one_iec_each_with_rights_of_their_own(browser: Browser, registry: Registry) -> None:
    one, two = registry.person(), registry.person(name="Meera Kulkarni")
    iec = registry.firm(one)
    registry.change(iec, users=[registry.listed(one), registry.listed(two, ["see"])])
    await browser.sign_in(two)
    page = (await browser.get("/firm")).text
    assert "Vikram Rao" in page, "a colleague who never signed in is listed"
    assert "never signed in here" in page
    assert "Let a broker act for you" not in page, "she may only see"
    assert [row["rights"] for row in await users_of(two)] == ["see"]


async def test_one_person_acts_for_two_firms(browser: Browser, registry: Registry) -> None:
    subject = registry.person()
    one, two = registry.firm(subject), registry.firm(subject, rights=["see"])
    await browser.sign_in(subject)
    page = (await browser.get("/account")).text
    assert f"FIRM {one}" in page
    assert f"FIRM {two}" in page


async def test_signing_in_again_makes_nothing_twice(browser: Browser, registry: Registry, house: Litestar) -> None:
    subject = registry.person()
    registry.firm(subject)
    await browser.sign_in(subject)
    before = await Account.count(), await ExporterUser.count(), await Exporter.count()
    first = session_of(browser)
    await browser.sign_in(subject)
    assert (await Account.count(), await ExporterUser.count(), await Exporter.count()) == before
    assert session_of(browser) != first, "each sign-in has a session of its own"
    browser.client.cookies.set("session", first)
    assert not await browser.is_in(), "the browser's old one ended"


async def test_a_person_without_an_iec_is_told_what_to_do(browser: Browser, registry: Registry) -> None:
    answer = await browser.sign_in(registry.person())
    await told_why(answer, 422, "linked to no IEC", browser)
    assert "Link your e-mail address to the IEC" in answer.text
    assert f"{registry.desk.issuer}/help" in answer.text


async def test_a_suspended_iec_is_seen_and_nothing_more(browser: Browser, registry: Registry, house: Litestar) -> None:
    subject = registry.person()
    iec = registry.firm(subject, rights=ALL, status="suspended")
    assert (await browser.sign_in(subject)).headers["location"] == "/dashboard"
    page = (await browser.get("/firm")).text
    assert "suspended at DGFT" in page
    assert "Let a broker act for you" not in page
    assert (await browser.get("/firm/grants/new")).status_code == 403
    registry.change(iec, status="active")


# --- attacks on the way ---------------------------------------------------------------------------------


async def test_an_answer_counts_once(browser: Browser, registry: Registry, house: Litestar) -> None:
    subject = registry.person()
    registry.firm(subject)
    url = await browser.sent()
    sealed = browser.client.cookies["registry"]
    answer = await browser.chosen(url, subject)
    assert (await browser.back(answer)).status_code == 303
    browser.client.cookies.clear()
    browser.client.cookies.set("registry", sealed)
    asked = len(registry.desk.asked)
    await told_why(await browser.back(answer), 422, "used before", browser)
    assert len(registry.desk.asked) == asked, "the registry is not even asked"


async def test_a_foreign_state_signs_nobody_in_and_uses_nothing_up(browser: Browser, registry: Registry) -> None:
    subject = registry.person()
    registry.firm(subject)
    answer = await browser.chosen(await browser.sent(), subject)
    for state in ("", "x" * 43, answer["state"] + "x", answer["state"].swapcase(), "\u0939"):
        await told_why(await browser.back(answer | {"state": state}), 400, "does not belong to a sign-in that this browser began", browser)
    assert (await browser.back(answer)).status_code == 303, "the right answer still counts"


async def test_another_browsers_answer_signs_nobody_in(browser: Browser, registry: Registry) -> None:
    mallory = registry.person()
    registry.firm(mallory)
    answer = await browser.chosen(await browser.sent(), mallory)
    async with another(browser) as victim:
        await told_why(await victim.back(answer), 422, "began no sign-in", victim)
        await victim.sent()
        await told_why(await victim.back(answer), 400, "does not belong", victim)


@pytest.mark.parametrize("spoilt", ["", "x", "x" * 5000, "gAAAAAB" + "x" * 200, "\u00e9"])
async def test_a_cookie_that_is_not_ours_is_no_sign_in(browser: Browser, registry: Registry, spoilt: str) -> None:
    subject = registry.person()
    registry.firm(subject)
    answer = await browser.chosen(await browser.sent(), subject)
    browser.client.cookies.clear()
    cookie = {"cookie": f"registry={spoilt}".encode("latin-1")}
    refused = await browser.client.get("/sign-in/registry/return", params=answer, headers={"accept": "text/html", **cookie})  # type: ignore[dict-item]
    await told_why(refused, 422, "began no sign-in", browser)


async def test_a_secret_sealed_for_another_purpose_is_no_sign_in(browser: Browser, registry: Registry, house: Litestar) -> None:
    answer = await browser.chosen(await browser.sent(), registry.person())
    sealed = house.state["parts"].site.secrets.seal('{"begun": {}}', purpose="captcha")
    browser.client.cookies.clear()
    browser.client.cookies.set("registry", sealed)
    await told_why(await browser.back(answer), 422, "began no sign-in", browser)


@pytest.mark.parametrize("iss", ["https://evil.example", "", None])
async def test_an_answer_of_another_registry_is_not_taken(browser: Browser, registry: Registry, iss: str | None) -> None:
    subject = registry.person()
    registry.firm(subject)
    answer = await browser.chosen(await browser.sent(), subject)
    changed = {**answer, "iss": iss} if iss is not None else {name: value for name, value in answer.items() if name != "iss"}
    await told_why(await browser.back(changed), 400, "not taken", browser)
    assert "POST /token" not in registry.desk.asked[-1:], "the code is not sent to anybody"


async def test_a_sign_in_that_took_too_long_is_begun_again(browser: Browser, registry: Registry, clock: Any) -> None:
    subject = registry.person()
    registry.firm(subject)
    answer = await browser.chosen(await browser.sent(), subject)
    clock.forward(minutes=10)
    await told_why(await browser.back(answer), 422, "longer than 10 minutes", browser)


async def test_breaking_off_at_the_registry_is_told_in_our_words(browser: Browser, registry: Registry) -> None:
    answer = await browser.chosen(await browser.sent(), registry.person(), act="decline")
    assert answer["error"] == "access_denied"
    hostile = answer | {"error_description": "<script>alert(1)</script>Call 1234"}
    refused = await browser.back(hostile)
    await told_why(refused, 422, "broken off", browser)
    assert "Call 1234" not in refused.text


async def test_an_error_with_a_foreign_state_is_not_believed(browser: Browser, registry: Registry) -> None:
    subject = registry.person()
    registry.firm(subject)
    answer = await browser.chosen(await browser.sent(), subject)
    await told_why(await browser.back({"error": "access_denied", "state": "x", "iss": answer["iss"]}), 400, "does not belong", browser)
    assert (await browser.back(answer)).status_code == 303


@pytest.mark.parametrize(
    "fault", [TokenFault.WRONG_NONCE, TokenFault.WRONG_AUD, TokenFault.ALG_NONE, TokenFault.FORGED, TokenFault.EXPIRED]
)
async def test_a_lying_token_signs_nobody_in(browser: Browser, registry: Registry, fault: TokenFault) -> None:
    subject = registry.person()
    registry.firm(subject)
    registry.desk.faults = Faults(token=fault)
    await told_why(await browser.sign_in(subject), 400, "Nobody was signed in", browser)
    assert await users_of(subject) == []


@pytest.mark.parametrize("endpoint", [Endpoint.TOKENS, Endpoint.PROFILE])
@pytest.mark.parametrize("fault", [AnswerFault.BROKEN, AnswerFault.GARBAGE, AnswerFault.REDIRECT, AnswerFault.OVERSIZED])
async def test_a_registry_out_of_order_changes_nothing(
    browser: Browser, registry: Registry, endpoint: Endpoint, fault: AnswerFault
) -> None:
    subject = registry.person()
    iec = registry.firm(subject)
    registry.desk.faults = Faults(answers={endpoint: fault})
    answer = await browser.sign_in(subject)
    await told_why(answer, 503 if fault is AnswerFault.BROKEN else 400, "You are not signed in", browser)
    assert not await Exporter.exists().where(Exporter.iec == iec)


async def test_a_registry_that_is_away_is_a_sentence(browser: Browser, registry: Registry, clock: Any) -> None:
    async def away(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    clock.forward(minutes=61)  # what was known of it is forgotten
    registry.socket.app = away
    await told_why(await browser.get("/sign-in/registry"), 503, "out of order", browser)


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nset-cookie: a=b", "/a/../b", "/é"])
async def test_nobody_is_led_to_another_site_after_signing_in(browser: Browser, registry: Registry, path: str) -> None:
    subject = registry.person()
    registry.firm(subject)
    answer = await browser.sign_in(subject, next=path)
    assert answer.headers["location"] == "/dashboard"


async def test_the_cookie_holds_nothing_that_can_be_read(browser: Browser) -> None:
    begun = await browser.get("/sign-in/registry")
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/sign-in/registry" in cookie
    state = dict(parse_qsl(urlsplit(begun.headers["location"]).query))["state"]
    assert state not in cookie


async def test_behind_tls_the_cookie_belongs_to_this_host_alone(opening: Opening, desk: Desk) -> None:
    from admin.pages.registry import _cookie

    class Parts:
        seal = type("Seal", (), {"tls": True})

    request = type("Request", (), {"app": type("App", (), {"state": {"parts": Parts}})})
    cookie = _cookie(request, "sealed")  # type: ignore[arg-type]
    assert (cookie.key, cookie.path, cookie.secure, cookie.domain) == ("__Host-registry", "/", True, None)


async def test_tries_are_limited(browser: Browser) -> None:
    answers = [(await browser.get("/sign-in/registry")).status_code for _ in range(21)]
    assert answers[0] == 303
    assert answers[-1] == 429


# --- whose account it is --------------------------------------------------------------------------------


async def officer(clock: Any) -> tuple[str, Any]:
    email = f"{uuid4()}@eia.example.in"
    [agency] = await Agency.select(Agency.id).where(Agency.code == "EIA")
    await add_officer(agency["id"], email=email, name="S. Officer", designation="Director", actor="test", at=clock.now())
    [row] = await Account.select(Account.id).where(Account.email == email)
    return email, row["id"]


@pytest.mark.parametrize("verified", [False, True])
async def test_nobody_gets_into_an_officers_account_by_an_address(browser: Browser, registry: Registry, clock: Any, verified: bool) -> None:
    email, id = await officer(clock)
    subject = registry.person(email, verified=verified)
    registry.firm(subject)
    await told_why(await browser.sign_in(subject), 422, "account of an agency" if verified else "has not verified", browser)
    [row] = await Account.select(Account.registry_key).where(Account.id == id)
    assert row["registry_key"] is None
    assert not await Session.exists().where(Session.account == id)


async def test_an_unverified_address_makes_no_account_that_another_could_be_given(browser: Browser, registry: Registry) -> None:
    subject = registry.person(f"{uuid4()}@eia.example.in", verified=False)
    registry.firm(subject)
    await told_why(await browser.sign_in(subject), 422, "has not verified", browser)
    assert not await Account.exists().where(Account.email == registry.persons[subject].email)


async def test_an_unverified_address_that_a_firm_lists_is_told_what_is_wrong_and_who_mends_it(browser: Browser, registry: Registry) -> None:
    """The registry is asked for nobody's firms by an address that it did not verify: that is no missing link to an IEC."""
    listed = registry.person("listed@firm.example")
    registry.firm(listed, by_email=True)
    subject = registry.person("listed@firm.example", verified=False)
    answer = await browser.sign_in(subject)
    await told_why(answer, 422, "You mend it yourself, in your DGFT profile", browser)
    assert "linked to no IEC" not in answer.text
    assert "Have DGFT verify it" in answer.text


async def test_an_address_of_another_registry_persons_account_is_not_theirs(browser: Browser, registry: Registry) -> None:
    first = registry.person("shared@firm.example")
    registry.firm(first)
    await browser.sign_in(first)
    browser.client.cookies.clear()
    second = registry.person("shared@firm.example", name="Somebody Else")
    registry.firm(second)
    await told_why(await browser.sign_in(second), 422, "another DGFT user", browser)


async def test_a_proved_address_of_an_exporters_account_is_the_same_person(browser: Browser, registry: Registry, clock: Any) -> None:
    from engine.people import add_exporter_user, register_exporter

    subject = registry.person()
    email = registry.persons[subject].email
    iec = registry.firm(subject)
    exporter = await register_exporter(iec, "A FIRM", "", actor="test", at=clock.now())
    user = await add_exporter_user(exporter.id, email=email, name="V. Rao", rights="see", actor="test", at=clock.now())
    await browser.sign_in(subject)
    [row] = await users_of(subject)
    assert row["id"] == user, "the row, and what hangs on it, stays"
    assert await browser.is_in()


async def test_who_was_signed_in_by_password_is_linked_and_stays_in(browser: Browser, registry: Registry, clock: Any) -> None:
    from engine.people import account_of, add_exporter_user, register_exporter

    subject = registry.person()
    email = registry.persons[subject].email
    exporter = await register_exporter(registry.firm(subject), "A FIRM", "", actor="test", at=clock.now())
    await add_exporter_user(exporter.id, email=email, name="V. Rao", rights="see", actor="test", at=clock.now())
    account = await account_of(email)
    assert account
    await give_password(account, "seven lanterns over Devgad", actor="test", at=clock.now())
    await browser.send("/sign-in", "/sign-in", email=email, password="seven lanterns over Devgad", next="")
    old = session_of(browser)
    assert (await browser.sign_in(subject)).status_code == 303
    assert await browser.is_in()
    browser.client.cookies.set("session", old)
    assert not await browser.is_in(), "whoever else held the password is out"


async def test_who_is_listed_by_address_alone_is_known_by_their_subject_from_then_on(
    browser: Browser, registry: Registry, clock: Any
) -> None:
    first = registry.person("desk@firm.example")
    iec = registry.firm(first, by_email=True)
    await browser.sign_in(first)
    [row] = await users_of(first)
    browser.client.cookies.clear()
    # The mailbox, and the DGFT account of it, go to somebody else.
    del registry.persons[first]
    second = registry.person("desk@firm.example", name="A Successor")
    registry.change(iec, users=[registry.listed(second, by_email=True)])
    await told_why(await browser.sign_in(second), 422, "another DGFT user", browser)
    [row_now] = await ExporterUser.select().where(ExporterUser.id == row["id"])
    assert row_now["account"] == row["account"], "a row never changes its person"


async def test_a_profile_that_names_somebody_else_signs_nobody_in(browser: Browser, registry: Registry, desk: Desk) -> None:
    subject, other = registry.person(), registry.person()
    registry.firm(other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Desk, "firms_of", lambda self, subject, email: [self.firm(each["iec"]) for each in self.cast.firms])
        await told_why(await browser.sign_in(subject), 400, "cannot be used", browser)
    assert await users_of(subject) == []


async def test_an_account_that_was_closed_stays_closed(browser: Browser, registry: Registry) -> None:
    subject = registry.person()
    registry.firm(subject)
    await browser.sign_in(subject)
    [row] = await users_of(subject)
    async with uow():
        closed = {Account.active: False, Account.off_at: datetime.now(UTC), Account.off_why: "test"}
        await Account.update(closed).where(Account.id == row["account"])
    browser.client.cookies.clear()
    await told_why(await browser.sign_in(subject), 422, "is closed", browser)


# --- what the registry takes away -----------------------------------------------------------------------


async def test_a_person_who_is_removed_loses_the_role_while_signed_in(browser: Browser, registry: Registry, clock: Any) -> None:
    subject, colleague = registry.person(), registry.person(name="Meera Kulkarni")
    iec = registry.firm(subject)
    registry.change(iec, users=[registry.listed(subject), registry.listed(colleague)])
    await browser.sign_in(subject)
    assert (await browser.get("/firm")).status_code == 200
    registry.change(iec, users=[registry.listed(colleague)])
    clock.forward(minutes=2)
    async with another(browser) as other:
        await other.sign_in(colleague)
    assert (await browser.get("/firm")).status_code == 403
    assert (await browser.get("/account")).status_code == 200, "they are signed in, and may do nothing"


async def test_who_is_linked_to_no_iec_any_more_loses_all_at_the_next_sign_in(browser: Browser, registry: Registry, clock: Any) -> None:
    subject, colleague = registry.person(), registry.person()
    iec = registry.firm(subject)
    await browser.sign_in(subject)
    old = session_of(browser)
    registry.change(iec, users=[registry.listed(colleague)])
    clock.forward(minutes=2)
    async with another(browser) as other:
        answer = await other.sign_in(subject)
        assert "linked to no IEC" in answer.text
    browser.client.cookies.set("session", old)
    assert (await browser.get("/firm")).status_code == 403
    [row] = await users_of(subject)
    assert row["ended_at"] is not None


async def test_an_iec_that_is_suspended_blocks_filing_at_the_next_sync(browser: Browser, registry: Registry, clock: Any) -> None:
    subject = registry.person()
    iec = registry.firm(subject)
    await browser.sign_in(subject)
    registry.change(iec, status="suspended")
    clock.forward(minutes=2)
    done = await browser.send("/firm/sync", "/firm")
    assert done.headers["location"] == "/firm?synced=1"
    assert "suspended at DGFT" in (await browser.get("/firm")).text
    [row] = await Exporter.select(Exporter.status).where(Exporter.iec == iec)
    assert row["status"] == "suspended"


# --- sync now -------------------------------------------------------------------------------------------


async def test_what_changed_at_dgft_comes_by_the_button(browser: Browser, registry: Registry, clock: Any) -> None:
    subject = registry.person()
    iec = registry.firm(subject)
    await browser.sign_in(subject)
    registry.change(iec, address="2 Another Street\nPune", branches=[{"code": "7", "address": "3 Shed\nPune", "gstin": ""}])
    clock.forward(minutes=2)
    await browser.send("/firm/sync", "/firm")
    page = (await browser.get("/firm", synced="1")).text
    assert "2 Another Street" in page
    assert "3 Shed" in page
    assert "Synced with DGFT" in page


async def test_syncing_is_limited_and_a_silent_registry_is_a_sentence(browser: Browser, registry: Registry, clock: Any) -> None:
    subject = registry.person()
    registry.firm(subject)
    await browser.sign_in(subject)
    early = await browser.send("/firm/sync", "/firm")
    assert (early.status_code, "less than a minute ago" in early.text) == (429, True)
    clock.forward(minutes=2)
    registry.desk.faults = Faults(answers={Endpoint.PROFILE: AnswerFault.BROKEN})
    broken = await browser.send("/firm/sync", "/firm")
    assert (broken.status_code, "Not synced" in broken.text) == (503, True)


async def test_what_is_of_the_registry_cannot_be_sent_from_here(browser: Browser, registry: Registry) -> None:
    subject = registry.person()
    registry.firm(subject)
    await browser.sign_in(subject)
    page = (await browser.get("/firm")).text
    assert "changed at DGFT alone" in page
    assert not re.search(r'<(input|textarea|select)(?![^>]*type="hidden")', page), "there is no field to change anything in"
    assert (await browser.send("/firm", "/firm", address="x", gstin="y")).status_code == 405


# --- proving oneself ------------------------------------------------------------------------------------


async def test_who_has_no_password_proves_themselves_at_the_registry(browser: Browser, registry: Registry, clock: Any) -> None:
    subject = registry.person()
    registry.firm(subject)
    await browser.sign_in(subject)
    clock.forward(minutes=11)
    asked = await browser.get("/firm/grants/new")
    assert asked.headers["location"] == "/account/prove?next=/firm/grants/new"
    prove = (await browser.get("/account/prove", next="/firm/grants/new")).text
    assert 'href="/sign-in/registry?prove=1&amp;next=/firm/grants/new"' in prove
    assert 'name="password"' not in prove
    url = await browser.sent(prove="1", next="/firm/grants/new")
    wish = dict(parse_qsl(urlsplit(url).query))
    assert (wish["prompt"], wish["max_age"]) == ("login", "0")
    first = session_of(browser)
    answer = await browser.back(await browser.chosen(url, subject))
    assert answer.headers["location"] == "/firm/grants/new"
    assert session_of(browser) != first
    assert (await browser.get("/firm/grants/new")).status_code == 200


async def test_another_persons_sign_in_proves_nothing(browser: Browser, registry: Registry, clock: Any) -> None:
    subject, colleague = registry.person(), registry.person()
    iec = registry.firm(subject)
    registry.change(iec, users=[registry.listed(subject), registry.listed(colleague)])
    await browser.sign_in(subject)
    clock.forward(minutes=11)
    refused = await browser.back(await browser.chosen(await browser.sent(prove="1"), colleague))
    assert (refused.status_code, "Another person signed in" in refused.text) == (403, True)
    assert (await browser.get("/firm/grants/new")).status_code == 303


async def test_a_stale_sign_in_proves_nothing(browser: Browser, registry: Registry, clock: Any) -> None:
    subject = registry.person()
    registry.firm(subject)
    await browser.sign_in(subject)
    clock.forward(minutes=11)
    registry.desk.faults = Faults(token=TokenFault.STALE)
    refused = await browser.back(await browser.chosen(await browser.sent(prove="1"), subject))
    assert (refused.status_code, "not asked to sign in again" in refused.text) == (400, True)
    assert (await browser.get("/firm/grants/new")).status_code == 303


async def test_a_proof_of_a_session_that_ended_is_worth_nothing(browser: Browser, registry: Registry) -> None:
    subject = registry.person()
    registry.firm(subject)
    await browser.sign_in(subject)
    answer = await browser.chosen(await browser.sent(prove="1"), subject)
    browser.client.cookies.delete("session")
    refused = await browser.back(answer)
    assert (refused.status_code, "ended meanwhile" in refused.text) == (403, True)


async def test_with_a_second_factor_the_registry_is_half_a_proof(browser: Browser, registry: Registry, house: Litestar, clock: Any) -> None:
    subject = registry.person()
    registry.firm(subject)
    await browser.sign_in(subject)
    await with_factor(house, subject)
    answer = await browser.back(await browser.chosen(await browser.sent(prove="1", next="/firm"), subject))
    assert answer.headers["location"] == "/sign-in/code?next=/firm"
    assert not await browser.is_in()


async def test_a_stranger_cannot_prove_anything(browser: Browser) -> None:
    assert (await browser.get("/sign-in/registry", prove="1")).headers["location"] == "/sign-in"


# --- what is written ------------------------------------------------------------------------------------


async def test_no_name_and_no_secret_stands_in_the_audit(browser: Browser, registry: Registry) -> None:
    subject = registry.person(name="Unlikely Personname")
    registry.firm(subject)
    await browser.sign_in(subject)
    [row] = await users_of(subject)
    entries = await AuditEntry.select().order_by(AuditEntry.at, ascending=False).limit(200)
    mine = [entry for entry in entries if str(row["id"]) == entry["subject"] or str(row["account"]) in entry["actor"]]
    assert {"exporter_user_listed", "exporter_user_linked", "signed_in"} <= {entry["act"] for entry in mine}
    assert "Unlikely" not in str(entries)
    assert subject not in str(entries)


async def test_a_password_of_an_exporters_person_still_works_beside_the_registry(browser: Browser, registry: Registry, clock: Any) -> None:
    subject = registry.person()
    registry.firm(subject)
    await browser.sign_in(subject)
    [row] = await users_of(subject)
    await give_password(row["account"], "seven lanterns over Devgad", actor="test", at=clock.now())
    browser.client.cookies.clear()
    entered = await browser.send(
        "/sign-in", "/sign-in", email=registry.persons[subject].email, password="seven lanterns over Devgad", next=""
    )
    assert entered.headers["location"] == "/dashboard"
    assert "Continue with DGFT" not in (await browser.get("/account/prove")).text
