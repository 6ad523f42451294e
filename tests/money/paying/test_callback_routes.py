"""The callback routes of a whole site, against the sandbox's rehearsal server over real HTTP: no input is answered with a fault."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from admin.app import create_app
from engine.application import Application
from engine.config import Config
from engine.contracts.signing import FormPost
from engine.demo_payments import MERCHANT, rehearsal_checksum
from engine.filing import open_draft
from engine.money import file
from engine.money.orders import Attempt, Order, OrderState, attempts_of, order_by_id
from engine.money.orders.tables import InboxRow
from engine.money.paying import ask_due, open_fee_order, start_payment
from engine.people.tables import Exporter
from engine.scope import PLATFORM
from engine.site import Site
from tests.rehearsal import Rehearsal, rehearsing, sandboxes


@dataclass
class Counter:
    """A served site, a browser without cookies, and the gateway's other half."""

    site: Site
    client: httpx.AsyncClient
    rehearsal: Rehearsal
    application: Application

    async def order(self) -> Order:
        at = self.site.clock.now()
        draft = await open_draft(PLATFORM, self.application, actor="test", at=at)
        await file(PLATFORM, draft.reference, registry=self.site.registry, actor="test", at=at)
        return await open_fee_order(PLATFORM, [draft.reference], actor="test", at=at)

    async def start(self, order: Order) -> Attempt:
        started = await start_payment(
            PLATFORM, order.reference, cashier=self.site.cashier(), again=True, actor="test", at=self.site.clock.now()
        )
        assert isinstance(started.handover, FormPost)
        return next(each for each in await attempts_of(order) if each.gateway_order_id == started.gateway_order_id)

    async def post(self, message: Any) -> httpx.Response:
        """What the rehearsal server made, handed to the route that it names."""
        path = message["url"] if isinstance(message, dict) else message.url
        body = message["body"] if isinstance(message, dict) else message.body
        kind = message["headers"]["content-type"] if isinstance(message, dict) else message.media_type
        content = body.encode() if isinstance(body, str) else body
        return await self.client.post(path, content=content, headers={"content-type": kind})

    async def state(self, order: Order) -> OrderState:
        return (await order_by_id(PLATFORM, order.id)).state


@pytest.fixture(scope="module")
def served() -> Iterator[Rehearsal]:
    with rehearsing(()) as rehearsal:
        yield rehearsal


@pytest.fixture
async def counter(site_config: Config, served: Rehearsal, application: Application) -> AsyncIterator[Counter]:
    """A fresh demonstration site on each database, with its own merchant at the gateway."""
    merchants = sandboxes({MERCHANT: rehearsal_checksum(site_config)})
    served.gateway.__init__(merchants, now=served.clock.now, deliver=served.gateway.outbox._deliver)  # type: ignore[misc]
    served.posted.clear()
    config = replace(site_config, gateways={"sandbox": {"url": served.address}})
    app = create_app(config, work=False)
    base = config.site.public_url
    async with _running(app), httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as client:
        yield Counter(app.state["parts"].site, client, served, application)


@asynccontextmanager
async def _running(app: Any) -> AsyncIterator[None]:
    """The application between start and stop, in one task of its own: a fixture begins and ends in two."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await stop.wait()

    task = asyncio.create_task(live())
    task.add_done_callback(lambda _: started.set())
    await started.wait()
    try:
        if not task.done():
            yield
    finally:
        stop.set()
        await task


async def test_a_payment_goes_out_and_comes_back(counter: Counter) -> None:
    order = await counter.order()
    attempt = await counter.start(order)
    done = counter.rehearsal.pay(attempt.reference, "success")
    counter.rehearsal.advance()
    [notice] = counter.rehearsal.posted
    told = await counter.post(notice)
    assert told.status_code == 200
    assert await counter.state(order) is OrderState.PAID
    back = await counter.post(done["return"])
    assert (back.status_code, back.headers["location"]) == (303, f"/payments/{order.reference}")
    firm = (await Exporter.select(Exporter.name))[0]["name"]
    assert firm not in back.text  # P22: whoever opens it learns nothing here
    assert "set-cookie" not in back.headers
    assert await InboxRow.count() == 1  # one statement, however often it came


async def test_a_browser_that_comes_back_with_nothing_lets_the_gateway_be_asked(counter: Counter) -> None:  # P23, P1
    order = await counter.order()
    attempt = await counter.start(order)
    done = counter.rehearsal.pay(attempt.reference, "no_return")
    path = _path(counter, attempt, done)
    gone = await counter.client.get(path)
    assert (gone.status_code, gone.headers["location"]) == (303, f"/payments/{order.reference}")
    assert await counter.state(order) is OrderState.OPEN
    assert await ask_due(counter.site.cashier(), counter.site.clock.now() + timedelta(seconds=1)) == 1
    assert await counter.state(order) is OrderState.PAID


def _path(counter: Counter, attempt: Attempt, done: dict[str, Any]) -> str:
    payment = next(each for each in counter.rehearsal.gateway.till.payments if each.reference == attempt.reference)
    return str(payment.return_url).removeprefix(str(counter.client.base_url).rstrip("/"))


SPOILT = ("tampered_checksum", "lowercase_checksum", "missing_field")


@pytest.mark.parametrize("scenario", SPOILT)
async def test_what_is_not_signed_is_refused_and_nothing_moves(counter: Counter, scenario: str) -> None:  # P8
    order = await counter.order()
    attempt = await counter.start(order)
    done = counter.rehearsal.pay(attempt.reference, scenario)
    counter.rehearsal.advance()
    for message in [*counter.rehearsal.posted, *([done["return"]] if done.get("return") else [])]:
        assert (await counter.post(message)).status_code == 400
    assert await counter.state(order) is OrderState.OPEN
    assert {row["verdict"] for row in await InboxRow.select()} == {"refused"}


async def test_addresses_that_lead_nowhere_are_not_found(counter: Counter) -> None:
    for method, path, status in (
        ("GET", "/cb/pay/sandbox/r/" + "x" * 32, 404),
        ("POST", "/cb/pay/sandbox/r/short", 404),
        ("POST", "/cb/pay/nobody/s/00000000-0000-0000-0000-000000000000", 404),
        ("POST", "/cb/pay/sandbox/s/not-an-id", 404),
        ("PUT", "/cb/pay/sandbox/s/not-an-id", 405),
        ("GET", "/cb/pay/sandbox/s/not-an-id", 405),
    ):
        assert (await counter.client.request(method, path, content=b"x" if method != "GET" else None)).status_code == status, path


async def test_any_bytes_under_any_name_are_refused_and_never_a_fault(counter: Counter) -> None:
    order = await counter.order()
    attempt = await counter.start(order)
    done = counter.rehearsal.pay(attempt.reference, "success")
    token_path = _path(counter, attempt, done)
    office = f"/cb/pay/sandbox/s/{attempt.office_id}"
    dice = random.Random(8)
    kinds = (
        "application/json",
        "text/plain; charset=nonsense",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
        "\xff/\xff",
        "",
    )
    genuine = done["return"]["body"].encode()
    for number in range(30):
        body = dice.choice(
            [
                bytes(dice.randrange(256) for _ in range(dice.randrange(300))),
                bytes([dice.randrange(256)]) + genuine,
                genuine[: dice.randrange(len(genuine))],
                b"msg=" + b"%ff%00|" * dice.randrange(40),
                b"\x00" * 2000,
            ]
        )
        query = dice.choice(["", "?%ff=%00", "?" + "a=1&" * 500, "?msg=\u202e", "?msg"])
        headers = {"content-type": dice.choice(kinds).encode("latin-1"), "cookie": "session=stolen"}
        for path in (token_path, office):
            answer = await counter.client.post(path + query, content=body, headers=headers)
            assert answer.status_code in {303, 400}, (number, path, answer.status_code, answer.text)
    assert await counter.state(order) is OrderState.OPEN


async def test_a_body_that_is_too_long_is_not_read(counter: Counter) -> None:
    attempt = await counter.start(await counter.order())
    answer = await counter.client.post(f"/cb/pay/sandbox/s/{attempt.office_id}", content=b"x" * (64 * 1024 + 1))
    assert answer.status_code == 413
    assert await InboxRow.count() == 0


async def test_one_address_cannot_come_back_without_end(counter: Counter) -> None:
    seen = [(await counter.client.get("/cb/pay/sandbox/r/" + "x" * 32)).status_code for _ in range(70)]
    assert set(seen) == {404, 429}
    assert seen.index(429) == 60
