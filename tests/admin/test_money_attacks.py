"""Attacks on the doors of payments as a stranger or another firm would make them, against the whole application."""

import asyncio
import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from engine.money.ledger.tables import JournalRow
from engine.money.orders.tables import AttemptRow, OrderRow, RefundRow
from engine.people.access import RoleKind
from tests.admin.conftest import BASE, TOKEN
from tests.admin.test_who_may_enter import TABLE
from tests.admin.world import World


async def _half(app: Any, path: str, *, then: str) -> list[dict[str, Any]]:
    """What is sent to somebody who posts half a message: and hangs up, or says nothing more."""
    sent: list[dict[str, Any]] = []
    parts = iter([{"type": "http.request", "body": b"msg=EVENT", "more_body": True}, {"type": then}])

    async def receive() -> dict[str, Any]:
        part = next(parts, {"type": "silence"})
        if part["type"] == "silence":
            await asyncio.Event().wait()
        return part

    async def send(message: Any) -> None:
        sent.append(dict(message))

    headers = [(b"host", b"127.0.0.1:8000"), (b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"900")]
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "path": path}
    scope |= {"raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers}
    await app({**scope, "client": ("192.0.2.9", 4000), "server": ("127.0.0.1", 8000)}, receive, send)
    return sent


@pytest.fixture
def doors(world: World) -> list[str]:
    """Where gateways answer."""
    return [f"/cb/pay/sandbox/s/{world.pairs['office'].own}", "/cb/pay/sandbox/r/" + "x" * 32]


async def test_who_hangs_up_within_a_message_is_no_fault_of_ours(
    client: httpx.AsyncClient, doors: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    for door in doors:
        sent = await _half(client.app, door, then="http.disconnect")  # type: ignore[attr-defined]
        assert [each["status"] for each in sent if each["type"] == "http.response.start"] == [400], door
    assert [each.getMessage() for each in caplog.records if each.levelname == "ERROR"] == []


async def test_half_a_message_holds_no_place_for_long(client: httpx.AsyncClient, doors: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.callbacks._WHOLE_S", 0.01)
    for door in doors:
        sent = await _half(client.app, door, then="silence")  # type: ignore[attr-defined]
        assert [each["status"] for each in sent if each["type"] == "http.response.start"] == [408], door


_DEEDS = [
    (route, role)
    for route, who in TABLE.items()
    for role in who.split()[:1]
    if re.fullmatch(r"POST /(pay|payments|wallet)/.*|POST /offices/\{office\}/(terms|wallets|settlements|payment|fees).*", route)
]


@pytest.mark.parametrize(("route", "role"), _DEEDS)
async def test_a_page_elsewhere_makes_nobody_move_money(client: httpx.AsyncClient, world: World, clock: Any, route: str, role: str) -> None:
    clock.forward(minutes=1)
    path = re.sub(r"\{([a-z_]+)\}", lambda place: world.pairs[place[1]].own if place[1] in world.pairs else str(UUID(int=7)), route[5:])
    await world.enter(client, RoleKind.OFFICER, clock.now())
    foreign = TOKEN.search((await client.get("/account")).text)
    await world.enter(client, RoleKind(role), clock.now())
    own = TOKEN.search((await client.get("/account")).text)
    assert own
    assert foreign
    before = [await table.count() for table in (OrderRow, AttemptRow, RefundRow, JournalRow)]
    wanted = {"way": "wallet", "amount": "1", "act": "freeze", "reason": "x", "back_to": "by_hand", "again": "yes"}
    for fields, headers in (
        ({}, {"origin": BASE}),
        ({"_csrf_token": foreign[1]}, {"origin": BASE}),
        ({"_csrf_token": own[1]}, {"origin": "https://evil.example"}),
        ({"_csrf_token": own[1]}, {"origin": BASE, "sec-fetch-site": "cross-site"}),
    ):
        assert (await client.post(path, data={**wanted, **fields}, headers=headers)).status_code == 403
    assert (await client.get(f"{path}?_csrf_token={own[1]}&way=wallet")).status_code != 500
    assert [await table.count() for table in (OrderRow, AttemptRow, RefundRow, JournalRow)] == before
