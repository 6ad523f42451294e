"""The sandbox against its rehearsal server over real HTTP, and the command that serves it."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import uvicorn

from engine.cli.rehearsing_gateway import _port
from engine.clock import SystemClock
from engine.config import Secret, load
from engine.contracts.payment import ConnectionOutcome, GatewayContext
from engine.demo_payments import rehearsal_checksum
from engine.errors import ConfigError, Unavailable, Unresolved, Untrusted
from engine.money.gateways import HttpLine
from plugins.payment.sandbox.gateway import Sandbox
from plugins.payment.sandbox.server import Merchant, RehearsalGateway

MERCHANT, KEY = "COOMUM01", "k9XvQ2mNpR7sT4wZ"


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """A running rehearsal server's host:port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(RehearsalGateway([Merchant("sandbox", MERCHANT, {"checksum": KEY})]), log_config=None, lifespan="off")
    )  # type: ignore[arg-type]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


async def outcome(host: str, *, merchant: str = MERCHANT, key: str = KEY) -> tuple[ConnectionOutcome, str]:
    settings = {"url": f"http://{host}"}
    line = HttpLine(Sandbox().hosts(settings), rehearsal=True)
    ctx = GatewayContext(
        UUID(int=1), 1, settings, {"merchant_id": merchant}, {"checksum": Secret(key)}, line, SystemClock(), rehearsal=True
    )
    report = await Sandbox().test_connection(ctx)
    return report.outcome, report.code


async def test_the_pair_is_proved_over_real_http(host: str) -> None:
    assert await outcome(host) == (ConnectionOutcome.PASSED, "ok")
    assert await outcome(host, key=KEY.lower()) == (ConnectionOutcome.FAILED, "checksum_refused")
    assert await outcome(host, merchant="COOMUM02") == (ConnectionOutcome.FAILED, "unknown_merchant")


async def test_nobody_at_the_address_is_silence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Unavailable):
        await outcome(host)


async def test_the_server_answers_nothing_but_its_question(host: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{host}") as client:
        assert "REHEARSAL" in (await client.get("/")).text
        assert (await client.get("/sandbox/query")).status_code == 404
        for msg in ("", "QUERY", "QUERY|a|b|c|d", f"QUERY|{MERCHANT}|R|20260101000000", "\u0000|" * 4, "|" * 500):
            assert (await client.post("/sandbox/query", data={"msg": msg})).text.startswith("ERROR|")
        assert (await client.post("/sandbox/query", content=b"x" * 70_000)).status_code == 413
        assert KEY not in (await client.post("/sandbox/query", data={"msg": f"QUERY|{MERCHANT}|R|20260101000000|x"})).text


@pytest.mark.parametrize(
    ("url", "rehearsal"),
    [
        ("http://127.0.0.1:8002/query", False),
        ("http://10.1.2.3:8002/query", True),
        ("http://localhost.evil.example:8002/query", True),
        ("https://127.0.0.1:8003/query", True),
        ("http://user@127.0.0.1:8002/query", True),
        ("ftp://127.0.0.1:8002/query", True),
    ],
)
async def test_the_line_goes_nowhere_else(url: str, rehearsal: bool) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError("asked")

    line = HttpLine(["127.0.0.1:8002"], rehearsal=rehearsal, transport=httpx.MockTransport(never))
    with pytest.raises(Untrusted) as refused:
        await line.get(url)
    assert refused.value.code == "address"


async def test_the_line_gives_an_answer_that_drips_a_limit_as_a_whole() -> None:
    never = asyncio.Event()

    async def drip() -> AsyncIterator[bytes]:
        yield b"x"
        await never.wait()

    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=drip()))
    with pytest.raises(Unresolved):
        await HttpLine(["127.0.0.1:8002"], rehearsal=True, transport=transport, total_s=0.05).get("http://127.0.0.1:8002/")


def written(folder: Path, text: str) -> Path:
    (folder / "engine.toml").write_text(text)
    return folder / "engine.toml"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[site]\ndemo = true\n[gateways.sandbox]\nurl = "http://127.0.0.1:8002"\n', "site.rehearsal is not true"),
        ("[site]\ndemo = true\nrehearsal = true\n", r"set \[gateways.sandbox\] url"),
        ('[site]\ndemo = true\nrehearsal = true\n[gateways.sandbox]\nurl = "https://pay.example"\n', r"set \[gateways.sandbox\] url"),
    ],
)
def test_the_command_serves_rehearsals_alone(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        _port(load(written(tmp_path, text), {}))


def test_the_invented_merchants_key_is_made_once_and_is_nobody_elses_to_read(tmp_path: Path) -> None:
    config = load(written(tmp_path, "[site]\ndemo = true\nrehearsal = true\n"), {})
    first, again = rehearsal_checksum(config), rehearsal_checksum(config)
    assert first == again
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert (config.plugin_folder("gateways", "sandbox") / "checksum").stat().st_mode & 0o077 == 0
