"""Every route and who may enter it, in one table: a new route without a row fails, and so does one that lets others in.

Three questions for every route: does it let in those of its row and nobody else; does it answer to a foreign id exactly as
to an unknown one; does it open for the own one.
"""

import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from engine.people import appoint_to_desk
from engine.people.access import RoleKind, give_password
from tests.admin.conftest import BASE, TOKEN
from tests.admin.world import ROLES, World

ANYONE, HALF, PERSON, KEY = "anyone", "half signed in", "signed in", "key"
DESK, ADMINISTRATOR, OFFICER, EXPORTER, BROKER = (
    str(kind) for kind in (RoleKind.PLATFORM, RoleKind.ADMINISTRATOR, RoleKind.OFFICER, RoleKind.EXPORTER, RoleKind.BROKER)
)

ROUTES = {
    ANYONE: """
        GET / | GET /favicon.ico | GET /favicon.svg | GET /static/{name} | GET /health/live | GET /health/ready | GET /dev/outbox
        GET /verify | POST /verify | POST /verify/file | GET /V/{code} | GET /v/{code} | GET /verify/captcha/{kind}
        GET /sign-in | POST /sign-in | POST /sign-out | GET /password | POST /password | GET /password/{token} | POST /password/{token}
        GET /sign-in/registry | GET /sign-in/registry/return
        GET /register | GET /register/agency | POST /register/agency | GET /register/broker | POST /register/broker | GET /register/asked
        GET /register/prove/{token} | POST /register/prove/{token} | POST /register/prove/{token}/withdraw
        GET /api/v1/verify | POST /api/v1/verify | GET /api/openapi.json | GET /api | GET /api/{path}
        GET /cb/pay/{gateway}/r/{token} | POST /cb/pay/{gateway}/r/{token} | POST /cb/pay/{gateway}/s/{account}""",
    HALF: "GET /sign-in/code | POST /sign-in/code | GET /sign-in/factor | POST /sign-in/factor",
    PERSON: """
        GET /account | POST /account/role | POST /account/sessions/{session}/end | POST /account/password | GET /account/prove
        POST /account/prove | GET /dashboard""",
    f"{DESK} {ADMINISTRATOR} {OFFICER}": """
        GET /changes | GET /changes/{change} | POST /changes/{change}/confirm | POST /changes/{change}/refuse
        POST /changes/{change}/withdraw""",
    f"{ADMINISTRATOR} {EXPORTER} {BROKER}": "GET /keys | GET /keys/new | POST /keys/new | POST /keys/{key}/end",
    f"{OFFICER} {ADMINISTRATOR} {DESK}": "GET /audit | POST /audit/export | GET /audit/chain | POST /audit/chain",
    f"{ADMINISTRATOR} {OFFICER}": "GET /specimens | GET /specimens/sheet.pdf",
    EXPORTER: "GET /firm | POST /firm/sync | GET /firm/grants/new | POST /firm/grants/new | GET /firm/grants/{grant}/end | POST /firm/grants/{grant}/end",
    BROKER: """
        GET /brokerage | GET /brokerage/people/new | POST /brokerage/people/new | GET /brokerage/people/{member}
        POST /brokerage/people/{member} | GET /brokerage/people/{member}/end
        POST /brokerage/people/{member}/end""",
    DESK: """
        GET /desk | GET /desk/requests | GET /desk/requests/{registration} | GET /desk/requests/{registration}/letter
        GET /desk/requests/{registration}/picture | POST /desk/requests/{registration}/approve
        POST /desk/requests/{registration}/reject | GET /desk/agencies | GET /desk/agencies/add | POST /desk/agencies/add
        GET /desk/agencies/{agency} | GET /desk/agencies/{agency}/change | POST /desk/agencies/{agency}/name
        POST /desk/agencies/{agency}/listings | POST /desk/agencies/{agency}/listings/{listing}/end
        POST /desk/agencies/{agency}/certifies | POST /desk/agencies/{agency}/certifies/{entry}/end
        POST /desk/agencies/{agency}/addresses | POST /desk/agencies/{agency}/addresses/{address}/end
        GET /desk/brokers | GET /desk/brokers/{broker} | POST /desk/brokers/{broker}/close | POST /desk/brokers/{broker}/open
        GET /desk/accounts | GET /desk/accounts/{holder} | POST /desk/accounts/{holder}/close | POST /desk/accounts/{holder}/open
        GET /desk/people | GET /desk/people/{desk_user} | POST /desk/people/{desk_user}/end
        POST /desk/agencies/{agency}/delist | GET /desk/administrators/{lost}/replace | POST /desk/administrators/{lost}/replace""",
    f"{EXPORTER} {BROKER}": """
        GET /pay | GET /pay/fees | POST /pay/fees | POST /payments/{order}/gateway | POST /payments/{order}/wallet
        POST /payments/{order}/cancel | POST /payments/{order}/credit | GET /wallet | GET /wallet/{place}/{firm}
        POST /wallet/{place}/{firm}/top-up | GET /applications/{application}/withdraw | POST /applications/{application}/withdraw""",
    f"{EXPORTER} {BROKER} {ADMINISTRATOR}": "POST /payments/{order}/ask",
    f"{EXPORTER} {BROKER} {ADMINISTRATOR} {DESK}": """
        GET /payments | GET /payments/{order} | GET /payments/{order}/receipts/{receipt}
        GET /payments/{order}/receipts/{receipt}/receipt.pdf""",
    f"{ADMINISTRATOR}": """
        GET /payments/review | GET /payments/review/{attempt} | POST /payments/review/{attempt} | GET /payments/refunds
        GET /payments/{order}/refund | POST /payments/{order}/refund
        GET /payments/refunds/{refund} | POST /payments/refunds/{refund} | GET /offices/{office}/terms | POST /offices/{office}/terms
        GET /offices/{office}/books | GET /offices/{office}/books/export | GET /offices/{office}/settlements | POST /offices/{office}/settlements
        GET /offices/{office}/settlements/{settlement} | GET /offices/{office}/settlements/lines/{line}
        POST /offices/{office}/settlements/lines/{line} | GET /offices/{office}/wallets | GET /offices/{office}/wallets/{firm}
        POST /offices/{office}/wallets/{firm}
        GET /offices | GET /offices/add | POST /offices/add | GET /offices/{office} | GET /offices/{office}/change
        POST /offices/{office}/change | POST /offices/{office}/switch | POST /offices/{office}/holidays
        POST /offices/{office}/holidays/{holiday}/remove | GET /offices/{office}/readiness | GET /offices/{office}/fees
        POST /offices/{office}/fees | POST /offices/{office}/fees/{fee}/end | GET /offices/{office}/payment
        GET /offices/{office}/payment/{gateway} | POST /offices/{office}/payment/{gateway}
        POST /offices/{office}/payment/{parameters}/test | POST /offices/{office}/payment/{parameters}/use
        GET /offices/forms/{scheme} | POST /offices/forms/{scheme}
        GET /users/requests | GET /users/requests/{request_id} | POST /users/requests/{request_id}/approve
        POST /users/requests/{request_id}/reject
        GET /users | GET /users/{officer} | POST /users/{officer}/offices | POST /users/{officer}/offices/end
        POST /users/{officer}/designation | GET /users/{officer}/state | POST /users/{officer}/state
        GET /users/{officer}/certificates/{enrolment} | POST /users/{officer}/certificates/{enrolment}
        GET /users/{officer}/names/{presented} | POST /users/{officer}/names/{presented}
        GET /administrators | GET /administrators/new | POST /administrators/new | GET /administrators/hand-over
        POST /administrators/hand-over | GET /administrators/leave | POST /administrators/leave""",
    f"{OFFICER} {EXPORTER}": """
        GET /dsc | GET /dsc/new | POST /dsc/new | GET /dsc/{presented} | POST /dsc/{presented}/register | POST /dsc/{presented}/ask
        GET /dsc/registered/{enrolment} | POST /dsc/registered/{enrolment}""",
    KEY: """
        GET /api/v1/applications | POST /api/v1/applications | GET /api/v1/applications/{reference} | PUT /api/v1/applications/{reference}
        POST /api/v1/applications/check | POST /api/v1/applications/{reference}/check | POST /api/v1/applications/{reference}/file
        POST /api/v1/applications/{reference}/withdraw
        GET /api/v1/applications/{reference}/certificate | GET /api/v1/applications/{reference}/leaves
        GET /api/v1/applications/{reference}/leaves/{name} | GET /api/v1/schemes | POST /api/v1/origin | POST /api/v1/origin/cost-sheet
        GET /api/v1/cost-sheets | POST /api/v1/cost-sheets | POST /api/v1/cost-sheets/import | GET /api/v1/cost-sheets/{reference}
        PUT /api/v1/cost-sheets/{reference} | PUT /api/v1/cost-sheets/{reference}/import
        GET /api/v1/cost-sheets/{reference}/versions/{number} | GET /api/v1/cost-sheets/{reference}/compare
        GET /api/v1/cost-sheets/{reference}/export.xlsx | GET /api/v1/cost-sheets/{reference}/export.csv
        POST /api/v1/cost-sheets/{reference}/lodge | POST /api/v1/cost-sheets/{reference}/approve
        GET /api/v1/orders | POST /api/v1/orders | GET /api/v1/orders/{reference} | POST /api/v1/orders/{reference}/payments
        POST /api/v1/orders/{reference}/wallet | GET /api/v1/wallet | GET /api/v1/wallet/statement | GET /api/v1/receipts
        GET /api/v1/receipts/{receipt}/pdf | GET /api/v1/refunds | POST /api/v1/applications/{reference}/withdraw
        POST /api/v1/cost-sheets/{reference}/reject | POST /api/v1/cost-sheets/{reference}/withdraw
        GET /api/v1/cost-sheets/{reference}/grants | POST /api/v1/cost-sheets/{reference}/grants
        DELETE /api/v1/cost-sheets/{reference}/grants/{iec}""",
}
# The stamp studio is one page at four places.
STUDIOS = {
    "/offices/{office}/stamp": ADMINISTRATOR,
    "/users/{officer}/picture": ADMINISTRATOR,
    "/picture": OFFICER,
    "/firm/picture": EXPORTER,
}
SHOWN = ("/pictures/{picture}", "/form", "/form/page", "/form/pdf")
TABLE = {route.strip(): who for who, routes in ROUTES.items() for route in re.split(r"\||\n", routes) if route.strip()}
TABLE |= {f"GET {path}{shown}": who for path, who in STUDIOS.items() for shown in ("", *SHOWN)}
TABLE |= {f"POST {path}{act}": who for path, who in STUDIOS.items() for act in ("", "/adjust", "/use", "/drop")}
FOR_ROLES = [route for route, who in TABLE.items() if who not in {ANYONE, HALF, PERSON, KEY}]
FOR_PERSONS = [route for route, who in TABLE.items() if who == PERSON or route in FOR_ROLES]
# Routes where an own id may read as unknown too: what they show has to be made first, and tests of their area make it.
MADE_FIRST: frozenset[str] = frozenset(f"GET {path}{shown}" for path in STUDIOS for shown in SHOWN) | frozenset(
    {"GET /desk/requests/{registration}/letter", "GET /desk/requests/{registration}/picture"}  # a file has to be stored
)
PASSWORD = "seven lanterns over Devgad"
UNLIKE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{16,96}\b")


def test_every_route_has_its_row_and_every_row_its_route(house: Litestar) -> None:
    found = {
        f"{method} {route.path_format}"
        for route in house.routes
        for method in getattr(route, "methods", ())
        if method not in {"OPTIONS", "HEAD"}
    }
    assert found == set(TABLE)


def filled(route: str, pairs: dict[str, str] | None = None) -> tuple[str, str]:
    """A request for a route, with these ids, or unknown ones, in each place of its path."""
    method, path = route.split(" ")
    return method, re.sub(r"\{([a-z_]+)\}", lambda place: (pairs or {}).get(place[1], str(uuid4())), path.replace("{number}", "1"))


@pytest.fixture
async def half(stranger: httpx.AsyncClient, clock: Any) -> httpx.AsyncClient:
    """A browser whose person showed a password and no second factor."""
    clock.forward(minutes=1)
    stranger.cookies.clear()
    email = f"{uuid4()}@platform.example.in"
    await give_password(
        await appoint_to_desk(email=email, name="R. Das", actor="test", at=clock.now()), PASSWORD, actor="test", at=clock.now()
    )
    token = TOKEN.search((await stranger.get("/sign-in")).text)
    assert token
    form = {"_csrf_token": token[1], "email": email, "password": PASSWORD}
    entered = await stranger.post("/sign-in", data=form, headers={"origin": BASE})
    assert entered.headers["location"] == "/sign-in/factor"
    return stranger


async def send(client: httpx.AsyncClient, route: str, pairs: dict[str, str] | None = None, **headers: str) -> httpx.Response:
    """Sends the request as a form of our own, so that nothing but the person is missing."""
    method, path = filled(route, pairs)
    if method == "GET" or path.startswith("/api/"):
        return await client.request(method, path, headers={"accept": "text/html", **headers})
    token = TOKEN.search((await client.get("/password")).text)
    assert token
    return await client.request(method, path, data={"_csrf_token": token[1]}, headers={"accept": "text/html", "origin": BASE, **headers})


def turned_away(answer: httpx.Response) -> bool:
    """Whether the answer lets nobody in: to the sign-in page, or a refusal."""
    return answer.status_code in {401, 403} or (answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"))


@pytest.mark.parametrize("route", [route for route, who in TABLE.items() if who == HALF] + FOR_PERSONS)
async def test_pages_for_persons_lead_a_stranger_and_a_bare_key_to_sign_in(
    stranger: httpx.AsyncClient, story: Any, clock: Any, route: str
) -> None:
    clock.forward(minutes=1)
    stranger.cookies.clear()
    for headers in ({}, {"authorization": f"Bearer {story.keys['whole']}"}):
        answer = await send(stranger, route, **headers)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("route", FOR_PERSONS)
async def test_half_a_sign_in_opens_no_page_for_persons(half: httpx.AsyncClient, route: str) -> None:
    answer = await send(half, route)
    assert (answer.status_code, answer.headers["location"].startswith("/sign-in")) == (303, True)


@pytest.mark.parametrize("route", [route for route, who in TABLE.items() if who == KEY])
async def test_the_api_opens_to_keys_and_never_to_a_session(half: httpx.AsyncClient, route: str) -> None:
    assert half.cookies.get("session")
    assert (await send(half, route)).status_code == 401
    assert (await send(half, route, authorization="Bearer ecoo_not_a_key")).status_code == 401


@pytest.fixture
async def browser(stranger: httpx.AsyncClient, clock: Any) -> AsyncIterator[httpx.AsyncClient]:
    clock.forward(minutes=1)
    yield stranger
    stranger.cookies.clear()


@pytest.mark.parametrize("route", FOR_ROLES)
async def test_a_page_for_some_roles_opens_to_them_and_to_no_other(
    browser: httpx.AsyncClient, world: World, clock: Any, route: str
) -> None:
    allowed = TABLE[route].split()
    for role in ROLES:
        await world.enter(browser, role, clock.now())
        answer = await send(browser, route)
        if str(role) in allowed:
            assert not turned_away(answer), f"{role} is kept from {route}: {answer.status_code}"
            assert answer.status_code < 500
        else:
            assert answer.status_code == 403, f"{role} came in at {route}: {answer.status_code}"


@pytest.mark.parametrize("route", [route for route in FOR_ROLES if "{" in route])
async def test_a_foreign_id_answers_like_an_unknown_one(browser: httpx.AsyncClient, world: World, clock: Any, route: str) -> None:
    names = re.findall(r"\{([a-z_]+)\}", route)
    missing = [name for name in names if name not in world.pairs]
    assert not missing, f"add own and foreign {missing} to tests/admin/world.py"
    own = {name: world.pairs[name].own for name in names}
    for role in ROLES:
        if str(role) not in TABLE[route].split() or role is RoleKind.PLATFORM:  # the desk sees every agency
            continue
        for foreign in names:
            answers = []
            for id in (world.pairs[foreign].foreign, str(uuid4())):
                await world.enter(browser, role, clock.now())
                answer = await send(browser, route, {**own, foreign: id})
                answers.append((answer.status_code, UNLIKE.sub("…", answer.text)))
            assert answers[0] == answers[1], f"{role} learns of a foreign {foreign} at {route}"
            assert answers[0][0] == 404, f"{role} at {route} with a foreign {foreign}: {answers[0][0]}"


@pytest.mark.parametrize("route", [route for route in FOR_ROLES if "{" in route and route.startswith("GET ")])
async def test_the_own_id_opens(browser: httpx.AsyncClient, world: World, clock: Any, route: str) -> None:
    """Otherwise the test above would prove nothing."""
    if route in MADE_FIRST:
        return
    own = {name: world.pairs[name].own for name in re.findall(r"\{([a-z_]+)\}", route)}
    opened = []
    for role in ROLES:
        if str(role) in TABLE[route].split():
            await world.enter(browser, role, clock.now())
            opened.append((await send(browser, route, own)).status_code)
    assert 200 in opened, opened
