"""Payments by machine: a key with the right pays for its own firm, once for each key of a request, and an agency's pays nothing."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from engine.config import DgftSection
from engine.money.orders.tables import AttemptRow, OrderRow
from engine.people import make_key
from engine.site import Site
from tests.admin.purse import filed_at_office, fund
from tests.admin.till_of_site import GATEWAY_URL, cashier_of, take_payments
from tests.admin.world import World, build

ORDERS, WALLET = "/api/v1/orders", "/api/v1/wallet?agency=EIA&office=MUM"


@dataclass
class Program:
    """A program at a site where the world's own office takes payments."""

    client: httpx.AsyncClient
    world: World
    clock: Any
    keys: dict[str, str]

    @property
    def office(self) -> UUID:
        return UUID(self.world.pairs["office"].own)

    @property
    def firm(self) -> UUID:
        return UUID(self.world.pairs["firm"].own)

    async def ask(self, method: str, path: str, *, key: str = "own", **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.keys[key]}", **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def filed(self) -> str:
        return (await filed_at_office(self.office, self.firm, self.clock.now())).reference

    async def ordered(self) -> dict[str, Any]:
        answer = await self.ask("POST", ORDERS, json={"applications": [await self.filed()]})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


@pytest.fixture(scope="module")
async def opened(opening: Any, worlds: list[World], clock: Any) -> AsyncIterator[tuple[httpx.AsyncClient, World, dict[str, str]]]:
    async with opening(dgft=DgftSection()) as client:
        at = clock.now()
        if not worlds:
            worlds.append(await build(at))
        [world] = worlds
        await take_payments(client.app.state["parts"].site, UUID(world.pairs["office"].own))
        owners: dict[str, dict[str, Any]] = {
            "own": {"exporter": UUID(world.pairs["firm"].own)},
            "foreign": {"exporter": UUID(world.pairs["firm"].foreign)},
            "agency": {
                "agency": (await OrderRow.select(OrderRow.agency).where(OrderRow.reference == world.pairs["order"].own))[0]["agency"]
            },
            "reader": {"exporter": UUID(world.pairs["firm"].own)},
        }
        rights = {name: frozenset({"see"} if name == "reader" else {"see", "pay"}) for name in owners}
        days = timedelta(days=30)
        keys = {
            name: await make_key(name, rights=rights[name], valid_for=days, actor="test", at=at, **owner) for name, owner in owners.items()
        }
        yield client, world, keys


@pytest.fixture
def program(opened: tuple[httpx.AsyncClient, World, dict[str, str]], clock: Any, monkeypatch: pytest.MonkeyPatch) -> Program:
    client, world, keys = opened
    clock.forward(minutes=2)
    monkeypatch.setattr(Site, "cashier", cashier_of())
    return Program(client, world, clock, keys)


async def test_an_order_is_opened_once_for_a_key_of_a_request_and_looked_up(program: Program) -> None:
    body, key = {"applications": [await program.filed()]}, {"idempotency-key": uuid4().hex}
    first, again = [await program.ask("POST", ORDERS, json=body, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()) == (201, again.json())
    made = first.json()
    assert [line["amount_paise"] for line in made["lines"]] == [made["order"]["amount_paise"]]
    assert sum(part["amount_paise"] for part in made["lines"][0]["parts"]) == made["order"]["amount_paise"]
    assert made["refund_rule"].startswith("If the application is rejected")
    assert (made["order"]["agency"], made["order"]["office"], made["order"]["state"]) == ("EIA", "MUM", "open")
    reference = made["order"]["reference"]
    assert (await program.ask("GET", f"{ORDERS}/{reference}")).json() == made
    assert reference in [each["reference"] for each in (await program.ask("GET", f"{ORDERS}?state=open")).json()["orders"]]
    other = await program.ask("POST", ORDERS, json={"applications": [await program.filed()]}, headers=key)
    assert (other.status_code, other.headers["content-type"]) == (409, "application/problem+json")


async def test_a_foreign_order_reads_like_none(program: Program) -> None:
    reference = (await program.ordered())["order"]["reference"]
    for method, path in (
        ("GET", f"{ORDERS}/{reference}"),
        ("POST", f"{ORDERS}/{reference}/payments"),
        ("POST", f"{ORDERS}/{reference}/wallet"),
        ("GET", f"/api/v1/receipts?order={reference}"),
        ("GET", f"/api/v1/receipts/{program.world.pairs['receipt'].own}/pdf"),
    ):
        answer = await program.ask(method, path, key="foreign")
        assert answer.status_code == 404, path
    assert reference not in (await program.ask("GET", ORDERS, key="foreign")).text


async def test_starting_a_payment_gives_the_hand_over_and_a_second_one_is_a_conflict(program: Program) -> None:
    reference = (await program.ordered())["order"]["reference"]
    started = await program.ask("POST", f"{ORDERS}/{reference}/payments")
    assert started.status_code == 201, started.text
    told = started.json()
    assert (told["method"], told["order"]) == ("POST", reference)
    assert told["url"].startswith(f"{GATEWAY_URL}/")
    assert told["fields"]
    again = await program.ask("POST", f"{ORDERS}/{reference}/payments")
    assert (again.status_code, again.json()["code"], again.json()["reference"]) == (409, "payment_under_way", reference)
    assert (await program.ask("POST", f"{ORDERS}/{reference}/payments", json={"again": True})).status_code == 201
    assert len((await program.ask("GET", f"{ORDERS}/{reference}")).json()["attempts"]) == 2


async def test_keys_without_the_right_and_agencies_pay_nothing(program: Program) -> None:
    reference = (await program.ordered())["order"]["reference"]
    before = await OrderRow.count(), await AttemptRow.count()
    body = {"applications": [await program.filed()]}
    for key in ("reader", "agency"):
        for path, sent in ((ORDERS, body), (f"{ORDERS}/{reference}/payments", {}), (f"{ORDERS}/{reference}/wallet", {})):
            answer = await program.ask("POST", path, key=key, json=sent)
            assert (answer.status_code, answer.json()["code"]) == (403, "key_right")
    assert (await OrderRow.count(), await AttemptRow.count()) == before


async def test_a_wallet_pays_and_its_statement_its_receipt_and_their_pdf_follow(program: Program) -> None:
    made = await program.ordered()
    reference, amount = made["order"]["reference"], made["order"]["amount_paise"]
    [order] = await OrderRow.select(OrderRow.agency).where(OrderRow.reference == reference)
    await fund(order["agency"], program.office, program.firm, 1_000_00, program.clock.now())
    before = (await program.ask("GET", WALLET)).json()
    paid = await program.ask("POST", f"{ORDERS}/{reference}/wallet")
    assert (paid.status_code, paid.json()["order"]["paid_by"]) == (200, "wallet")
    assert (await program.ask("POST", f"{ORDERS}/{reference}/wallet")).json()["order"] == paid.json()["order"]
    after = (await program.ask("GET", WALLET)).json()
    assert before["available_paise"] - after["available_paise"] == amount
    assert after["as_of"].endswith("Z")
    lines = (await program.ask("GET", f"{WALLET.replace('wallet?', 'wallet/statement?')}&limit=2")).json()
    assert (lines["lines"][0]["subject"], len(lines["lines"])) == (reference, 2)
    older = (await program.ask("GET", f"{WALLET.replace('wallet?', 'wallet/statement?')}&before={lines['next_before']}")).json()
    assert {line["seq"] for line in lines["lines"]}.isdisjoint({line["seq"] for line in older["lines"]})
    [receipt] = (await program.ask("GET", f"/api/v1/receipts?order={reference}")).json()["receipts"]
    assert receipt["amount_paise"] == amount
    pdf = await program.ask("GET", f"/api/v1/receipts/{receipt['id']}/pdf")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")


async def test_a_wallet_that_is_short_says_so(program: Program) -> None:
    left = (await program.ask("GET", WALLET)).json()["available_paise"]
    top = {"agency": "EIA", "office": "MUM", "amount_paise": left + 1_00}
    made = await program.ask("POST", ORDERS, json={"top_up": top})
    assert (made.status_code, made.json()["refund_rule"], made.json()["lines"]) == (201, "", [])
    answer = await program.ask("POST", f"{ORDERS}/{made.json()['order']['reference']}/wallet")
    assert answer.status_code == 422


async def test_an_agency_reads_the_wallets_of_its_own_offices_and_learns_of_no_other_firm(program: Program) -> None:
    shown = await program.ask("GET", f"{WALLET}&iec=0399000001", key="agency")
    assert (shown.status_code, shown.json()["iec"]) == (200, "0399000001")
    answers = [await program.ask("GET", f"{WALLET}&iec={iec}", key="agency") for iec in ("0399000002", "0399999999")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["say"] == answers[1].json()["say"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"applications":[]}', b'{"applications":["APP-AAAAAAAAAA"],"top_up":null,"x":1}', b'{"top_up":{"agency":"EIA"}}',
     b'{"top_up":{"agency":"EIA","office":"MUM","amount_paise":-5}}', b'{"top_up":{"agency":"EIA","office":"MUM","amount_paise":1.5}}'],
)  # fmt: skip
async def test_what_is_no_order_is_refused_and_breaks_nothing(program: Program, body: bytes) -> None:
    before = await OrderRow.count()
    answer = await program.ask("POST", ORDERS, content=body)
    assert (answer.status_code, await OrderRow.count()) == (422, before)


async def test_refunds_and_receipts_are_listed_and_paged(program: Program) -> None:
    refunds = (await program.ask("GET", "/api/v1/refunds?limit=1")).json()
    assert refunds["refunds"][0]["state"]
    assert refunds["next_before"]
    page = (await program.ask("GET", "/api/v1/receipts?limit=1")).json()
    more = (await program.ask("GET", f"/api/v1/receipts?limit=1&before={page['next_before']}")).json()
    assert more["receipts"] != page["receipts"]
    assert (await program.ask("GET", "/api/v1/receipts?before=x")).status_code == 404
    assert (await program.ask("GET", "/api/v1/refunds?before=x")).status_code == 422


async def test_the_description_names_every_operation_and_its_body(program: Program) -> None:
    told = (await program.client.get("/api/openapi.json")).json()
    assert told["paths"][ORDERS]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("PaymentOrdering")
    assert {"PaymentOrdering", "PaymentPaying", "PaymentOrdering.TopUp"} <= set(told["components"]["schemas"])
    paying = told["paths"]["/api/v1/orders/{reference}/payments"]["post"]
    assert {"201", "202", "409", "503"} <= set(paying["responses"])
