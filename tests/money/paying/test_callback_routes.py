"""The callback routes of a whole site, against the sandbox's rehearsal server over real HTTP: no input is answered with a fault."""

import random
from collections.abc import AsyncIterator, Iterator
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
from engine.money.orders import Attempt, AttemptState, Order, OrderState, attempts_of, order_by_id
from engine.money.orders.tables import InboxRow
from engine.money.paying import ask_due, failing_callbacks, open_fee_order, start_payment
from engine.people.tables import Exporter
from engine.scope import PLATFORM
from engine.site import Site
from tests.rehearsal import Rehearsal, rehearsing, sandboxes
from tests.sockets import running


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
    async with running(app), httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as client:
        yield Counter(app.state["parts"].site, client, served, application)


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


@pytest.mark.parametrize(
    "body",
    [
        b"error%5Bcode%5D=BAD_REQUEST_ERROR&error%5Bdescription%5D=failed&error%5Bmetadata%5D=%7B%7D",  # Razorpay, of a failure
        b"orderid=X&terminal_state=111&transaction_response=",  # BillDesk, of a payer who gave up
        b"status=success&txnid=X&mihpayid=1&amount=236.00",  # a stranger, who would like it to be paid
        b"{}",
        b"\x00\xff",
    ],
    ids=["failed", "given up", "claimed", "json", "bytes"],
)
async def test_a_return_that_nobody_signed_leads_to_the_order_and_is_asked_about(counter: Counter, body: bytes) -> None:
    order = await counter.order()
    attempt = await counter.start(order)
    done = counter.rehearsal.pay(attempt.reference, "failure")
    gone = await counter.client.post(_path(counter, attempt, done), content=body)
    assert (gone.status_code, gone.headers["location"]) == (303, f"/payments/{order.reference}")
    assert await counter.state(order) is OrderState.OPEN
    [kept] = await InboxRow.select()
    assert (kept["verdict"], kept["because"], kept["outcome"]) == ("refused", "it claims no proof of who sent it", "")
    now = counter.site.clock.now()
    assert await failing_callbacks(PLATFORM, attempt.office_id, at=now) == 0  # no key is at fault
    assert await ask_due(counter.site.cashier(), now + timedelta(seconds=1)) == 1
    [asked] = await attempts_of(order)
    assert asked.state is AttemptState.FAILED


async def test_a_forged_return_leads_to_the_order_too_and_is_counted(counter: Counter) -> None:
    order = await counter.order()
    attempt = await counter.start(order)
    done = counter.rehearsal.pay(attempt.reference, "tampered_checksum")
    assert (await counter.post(done["return"])).headers["location"] == f"/payments/{order.reference}"
    assert await failing_callbacks(PLATFORM, attempt.office_id, at=counter.site.clock.now()) == 1


SPOILT = ("tampered_checksum", "lowercase_checksum", "missing_field")


@pytest.mark.parametrize("scenario", SPOILT)
async def test_what_is_not_signed_is_refused_and_nothing_moves(counter: Counter, scenario: str) -> None:  # P8
    order = await counter.order()
    attempt = await counter.start(order)
    done = counter.rehearsal.pay(attempt.reference, scenario)
    counter.rehearsal.advance()
    for message in counter.rehearsal.posted:
        assert (await counter.post(message)).status_code == 400
    back = await counter.post(done["return"])
    assert (back.status_code, back.headers["location"]) == (303, f"/payments/{order.reference}")
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
            wanted = 303 if path is token_path else 400
            assert answer.status_code == wanted, (number, path, answer.status_code, answer.text)
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
