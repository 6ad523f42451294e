"""Every route and who may enter it, in one table: a new route without a row fails, and so does one that lets others in."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from engine.people import appoint_to_desk
from engine.people.access import give_password
from tests.admin.conftest import BASE, TOKEN

ANYONE, HALF, PERSON, KEY = "anyone", "half signed in", "signed in", "key"

ROUTES = {
    ANYONE: """
        GET / | GET /favicon.ico | GET /favicon.svg | GET /static/{name} | GET /health/live | GET /health/ready | GET /dev/outbox
        GET /verify | POST /verify | POST /verify/file | GET /V/{code} | GET /v/{code} | GET /verify/captcha/{kind}
        GET /sign-in | POST /sign-in | POST /sign-out | GET /password | POST /password | GET /password/{token} | POST /password/{token}
        GET /api/v1/verify | POST /api/v1/verify | GET /api/openapi.json | GET /api | GET /api/{path}""",
    HALF: "GET /sign-in/code | POST /sign-in/code | GET /sign-in/factor | POST /sign-in/factor",
    PERSON: """
        GET /account | POST /account/role | POST /account/sessions/{session}/end | POST /account/password | GET /account/prove
        POST /account/prove""",
    KEY: """
        GET /api/v1/applications | POST /api/v1/applications | GET /api/v1/applications/{reference} | PUT /api/v1/applications/{reference}
        POST /api/v1/applications/check | POST /api/v1/applications/{reference}/check | POST /api/v1/applications/{reference}/file
        GET /api/v1/applications/{reference}/certificate | GET /api/v1/applications/{reference}/leaves
        GET /api/v1/applications/{reference}/leaves/{name} | GET /api/v1/schemes | POST /api/v1/origin | POST /api/v1/origin/cost-sheet
        GET /api/v1/cost-sheets | POST /api/v1/cost-sheets | POST /api/v1/cost-sheets/import | GET /api/v1/cost-sheets/{reference}
        PUT /api/v1/cost-sheets/{reference} | PUT /api/v1/cost-sheets/{reference}/import
        GET /api/v1/cost-sheets/{reference}/versions/{number} | GET /api/v1/cost-sheets/{reference}/compare
        GET /api/v1/cost-sheets/{reference}/export.xlsx | GET /api/v1/cost-sheets/{reference}/export.csv
        POST /api/v1/cost-sheets/{reference}/lodge | POST /api/v1/cost-sheets/{reference}/approve
        POST /api/v1/cost-sheets/{reference}/reject | POST /api/v1/cost-sheets/{reference}/withdraw
        GET /api/v1/cost-sheets/{reference}/grants | POST /api/v1/cost-sheets/{reference}/grants
        DELETE /api/v1/cost-sheets/{reference}/grants/{iec}""",
}
TABLE = {route.strip(): who for who, routes in ROUTES.items() for route in re.split(r"\||\n", routes) if route.strip()}
PASSWORD = "seven lanterns over Devgad"


def test_every_route_has_its_row_and_every_row_its_route(house: Litestar) -> None:
    found = {
        f"{method} {route.path_format}"
        for route in house.routes
        for method in getattr(route, "methods", ())
        if method not in {"OPTIONS", "HEAD"}
    }
    assert found == set(TABLE)


def asked(route: str) -> tuple[str, str]:
    """A request for a route, with something in each place of its path."""
    method, path = route.split(" ")
    return method, re.sub(r"\{[a-z]+\}", str(uuid4()), path.replace("{number}", "1"))


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


async def send(client: httpx.AsyncClient, route: str, **headers: str) -> httpx.Response:
    """Sends the request as a form of our own, so that nothing but the person is missing."""
    method, path = asked(route)
    if method == "GET" or path.startswith("/api/"):
        return await client.request(method, path, headers={"accept": "text/html", **headers})
    token = TOKEN.search((await client.get("/password")).text)
    assert token
    return await client.request(method, path, data={"_csrf_token": token[1]}, headers={"accept": "text/html", "origin": BASE, **headers})


@pytest.mark.parametrize("route", [route for route, who in TABLE.items() if who in {PERSON, HALF}])
async def test_pages_for_persons_lead_a_stranger_and_a_bare_key_to_sign_in(
    stranger: httpx.AsyncClient, story: Any, clock: Any, route: str
) -> None:
    clock.forward(minutes=1)
    stranger.cookies.clear()
    for headers in ({}, {"authorization": f"Bearer {story.keys['whole']}"}):
        answer = await send(stranger, route, **headers)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("route", [route for route, who in TABLE.items() if who == PERSON])
async def test_half_a_sign_in_opens_no_page_for_persons(half: httpx.AsyncClient, route: str) -> None:
    answer = await send(half, route)
    assert (answer.status_code, answer.headers["location"].startswith("/sign-in")) == (303, True)


@pytest.mark.parametrize("route", [route for route, who in TABLE.items() if who == KEY])
async def test_the_api_opens_to_keys_and_never_to_a_session(half: httpx.AsyncClient, route: str) -> None:
    assert half.cookies.get("session")
    assert (await send(half, route)).status_code == 401
    assert (await send(half, route, authorization="Bearer ecoo_not_a_key")).status_code == 401
