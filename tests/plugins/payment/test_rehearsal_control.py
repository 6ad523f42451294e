"""The rehearsal gateway's scenarios, its control API, and what it refuses to strangers: over real HTTP, without waiting for anything."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine.money.gateways.entering import judge_parameters
from engine.registry import load
from plugins.payment.sandbox.rehearsal.http import Request
from plugins.payment.sandbox.rehearsal.offices import demo_offices, what_to_enter
from plugins.payment.sandbox.rehearsal.scripts import SCENARIOS, SUFFIXES, Part, Script, plan_of
from plugins.payment.sandbox.rehearsal.sending import is_here, post_here
from plugins.payment.sandbox.rehearsal.till import Payment
from plugins.payment.sandbox.rehearsal.wires.asked import Post
from plugins.payment.sandbox.server import RehearsalGateway
from tests.rehearsal import MERCHANTS, SANDBOX, Rehearsal, rehearsing

# domain/payments.md, section 10
WANTED = [
    "success",
    "failure",
    "user_cancel",
    "pending_then_success",
    "pending_then_failure",
    "pending_forever",
    "failed_then_late_success",
    "no_return",
    "return_only",
    "s2s_before_return",
    "duplicate",
    "concurrent",
    "out_of_order",
    "tampered_checksum",
    "tampered_amount_valid_signature",
    "wrong_merchant_valid_signature",
    "unknown_reference",
    "missing_field",
    "lowercase_checksum",
    "start_refused",
    "start_unreachable",
    "start_timeout_no_effect",
    "start_timeout_with_effect",
    "http_500",
    "slow_drip",
    "garbage_body",
    "query_not_found_then_found",
    "double_charge",
    "refund_ok",
    "refund_pending_then_ok",
    "refund_failed",
    "refund_timeout_with_effect",
    "settlement",
]
REFERENCE = "ABCDEFGHJKLMNPQRST23"


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    with rehearsing() as served:
        yield served


def begun(rehearsal: Rehearsal, reference: str = REFERENCE, amount_paise: int = 236_00) -> Payment:
    """A payment that the site began, as far as the till knows."""
    till = rehearsal.gateway.till
    merchant = till.merchant("sandbox", SANDBOX.id)
    assert merchant is not None
    urls = {"return_url": "http://127.0.0.1:9/r", "notice_url": "http://127.0.0.1:9/s"}
    return till.begin(merchant, reference, amount_paise, "INR", **urls)


def states(rehearsal: Rehearsal) -> list[str]:
    """What the notices say, in the order in which they were sent."""
    return [sent.fields["msg"].split("|")[7] for sent in rehearsal.posted]


def test_every_scenario_of_the_catalogue_is_there() -> None:
    assert sorted(SCENARIOS) == sorted(WANTED)
    for name, part in SCENARIOS.items():
        if part is Part.PAYMENT:
            assert plan_of(Script(name)).turns


def test_paise_choose_for_people_who_use_the_page(rehearsal: Rehearsal) -> None:
    payment = begun(rehearsal, amount_paise=236_01)
    assert rehearsal.gateway.usual(payment) == SUFFIXES[1] == "failure"
    assert rehearsal.pay(REFERENCE)["status"] == "failed"
    assert set(SUFFIXES.values()) <= set(SCENARIOS)


def test_a_script_goes_before_the_office_and_the_office_before_the_paise(rehearsal: Rehearsal) -> None:
    payment = begun(rehearsal, amount_paise=236_01)
    rehearsal.control("scripts", merchant=SANDBOX.id, scenario="no_return")
    assert rehearsal.gateway.usual(payment) == "no_return"
    rehearsal.script(REFERENCE, "duplicate", n=4)
    assert rehearsal.gateway.usual(payment) == "duplicate"
    rehearsal.pay(REFERENCE)
    rehearsal.advance()
    assert states(rehearsal) == ["PAID"] * 4


@pytest.mark.parametrize(
    ("scenario", "told", "returns", "notices"),
    [
        ("success", {}, True, ["PAID"]),
        ("no_return", {}, False, ["PAID"]),
        ("return_only", {}, True, []),
        ("s2s_before_return", {}, True, ["PAID"]),
        ("duplicate", {"n": 5}, True, ["PAID"] * 5),
        ("concurrent", {"n": 7}, True, ["PAID"] * 7),
        ("out_of_order", {}, True, ["PAID", "PENDING", "FAILED"]),
        ("double_charge", {}, True, ["PAID", "PAID"]),
        ("user_cancel", {}, True, ["CANCELLED"]),
        ("pending_then_failure", {"after": 60}, True, ["PENDING", "FAILED"]),
    ],
)
def test_a_scenario_sends_what_it_says(
    rehearsal: Rehearsal, scenario: str, told: dict[str, Any], returns: bool, notices: list[str]
) -> None:
    begun(rehearsal)
    rehearsal.script(REFERENCE, scenario, **told)
    assert (rehearsal.pay(REFERENCE)["return"] is not None) == returns
    rehearsal.advance(60)
    assert states(rehearsal) == notices


def test_a_notice_may_come_before_the_browser(rehearsal: Rehearsal) -> None:
    begun(rehearsal)
    rehearsal.gateway.outbox._due.clear()
    assert rehearsal.pay(REFERENCE, "s2s_before_return")["return"]
    assert states(rehearsal) == ["PAID"]


async def test_concurrent_notices_are_on_the_way_at_the_same_time() -> None:
    under_way, together = 0, 0
    all_there = asyncio.Event()

    async def deliver(post: Post) -> int:
        nonlocal under_way, together
        under_way += 1
        together = max(together, under_way)
        if under_way == 5:
            all_there.set()
        await all_there.wait()
        under_way -= 1
        return 200

    gateway = RehearsalGateway(MERCHANTS, deliver=deliver)
    merchant = gateway.till.merchant("sandbox", SANDBOX.id)
    assert merchant is not None
    payment = gateway.till.begin(merchant, REFERENCE, 236_00, "INR", notice_url="http://127.0.0.1:9/s")
    gateway.till.follow(REFERENCE, Script("concurrent", n=5))
    await gateway.control.pay(payment, "")
    assert [each.status for each in await gateway.outbox.pump()] == [200] * 5
    assert together == 5


def test_emit_says_anything_now_and_what_it_says_is_true_from_then_on(rehearsal: Rehearsal) -> None:
    begun(rehearsal)
    rehearsal.pay(REFERENCE, "failure")
    rehearsal.advance()
    [message] = rehearsal.emit(REFERENCE, way="return", status="paid", deliver=False)
    assert message["fields"]["msg"].split("|")[7] == "PAID"
    assert len(rehearsal.posted) == 1
    rehearsal.emit(REFERENCE, copies=3)
    assert states(rehearsal) == ["FAILED", "PAID", "PAID", "PAID"]
    answer = httpx.post(f"{rehearsal.address}/control/emit", json={"reference": "NOBODY"})
    assert (answer.status_code, "no such payment" in answer.json()["say"]) == (422, True)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"scenario": "nothing", "reference": "A"},
        {"scenario": "success"},
        {"scenario": "duplicate", "reference": "A", "n": "3"},
        {"scenario": "duplicate", "reference": "A", "n": 1000},
        {"scenario": "http_500", "reference": "A", "on": "sunday"},
        {"scenario": "settlement", "reference": "A", "how": "nicely"},
        {"scenario": "duplicate", "reference": "A", "after": -1},
    ],
)
def test_a_script_that_cannot_be_followed_is_refused(rehearsal: Rehearsal, told: dict[str, Any]) -> None:
    answer = httpx.post(f"{rehearsal.address}/control/scripts", json=told)
    assert answer.status_code == 422
    assert answer.json()["say"]


async def test_what_drips_is_let_go_by_the_control_api(rehearsal: Rehearsal) -> None:
    rehearsal.control("scripts", merchant=SANDBOX.id, scenario="slow_drip", times=0)
    async with httpx.AsyncClient() as client, client.stream("POST", f"{rehearsal.address}/sandbox/query", data=_question()) as answer:
        parts = answer.aiter_raw()
        assert await anext(parts) == b"|"
        await client.post(f"{rehearsal.address}/control/release", json={})
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(parts)


def _question() -> dict[str, str]:
    from plugins.payment.sandbox.messages import signed

    return {"msg": signed(SANDBOX.secrets["checksum"], "QUERY", SANDBOX.id, REFERENCE, "20260401120000")}


def test_calls_tell_what_was_asked_and_no_secret(rehearsal: Rehearsal) -> None:
    httpx.post(f"{rehearsal.address}/sandbox/query", data=_question())
    httpx.post(f"{rehearsal.address}/sandbox/query", data={"msg": "QUERY|x|y|z|w"})
    first, second = rehearsal.calls
    assert (first["operation"], first["merchant"], first["reference"], first["status"]) == ("query", SANDBOX.id, REFERENCE, 200)
    assert (second["operation"], second["status"]) == ("refused", 400)
    assert not re.search(r"[0-9A-F]{64}", str(rehearsal.calls))
    assert SANDBOX.secrets["checksum"] not in str(rehearsal.calls)


# --- strangers -----------------------------------------------------------------------------------


def test_a_page_of_another_site_moves_nothing(rehearsal: Rehearsal) -> None:
    order = begun(rehearsal).order
    form = {"order": order, "scenario": "success"}
    evil = httpx.post(f"{rehearsal.address}/rehearsal/outcome", data=form, headers={"origin": "https://evil.example"})
    assert evil.status_code == 400
    assert httpx.post(f"{rehearsal.address}/control/pay", data={"reference": REFERENCE}).status_code == 415
    assert httpx.get(f"{rehearsal.address}/", headers={"host": "evil.example"}).status_code == 421
    assert rehearsal.control("pay", reference=REFERENCE)["status"] == "paid"


def test_a_browser_tells_its_origin_to_the_page_it_posts_to(rehearsal: Rehearsal) -> None:
    order = begun(rehearsal).order
    page = httpx.get(f"{rehearsal.address}/")
    assert page.headers["referrer-policy"] == "same-origin"  # with no-referrer a browser says Origin: null, and its own form is refused
    assert "'none'" in page.headers["content-security-policy"]
    own = httpx.post(
        f"{rehearsal.address}/rehearsal/outcome", data={"order": order, "scenario": "success"}, headers={"origin": rehearsal.address}
    )
    assert own.status_code == 200
    again = httpx.post(f"{rehearsal.address}/rehearsal/again", data={"order": order, "act": "paid"}, headers={"origin": rehearsal.address})
    assert again.status_code == 303


@pytest.mark.parametrize(
    "url", ["https://pay.example/s", "http://10.0.0.1/s", "file:///etc/passwd", "http://127.0.0.1.evil.example/", "http://[x", ""]
)
async def test_nothing_is_ever_sent_beyond_this_machine(rehearsal: Rehearsal, url: str) -> None:
    assert not is_here(url)
    assert await post_here(Post(url, {"a": "b"})) == 0
    if url:
        assert (
            httpx.post(f"{rehearsal.address}/control/merchants", json={"wire": "payu", "merchant": "COOMUM", "notices": url}).status_code
            == 422
        )


async def test_hostile_requests_are_answered_and_never_break_it() -> None:
    gateway = RehearsalGateway(MERCHANTS)
    paths = ["/", *(f"/control/{name}" for name in ("pay", "scripts", "emit", "advance", "x")), "/rehearsal/outcome", "/rehearsal/clock"]
    paths += ["/rehearsal/settlement", "/sandbox/start", "/sandbox/pay", "/sandbox/refund", "/pgidsk/PGIMerchantPayment", "/_payment"]
    paths += ["/pgidsk/PGIQueryController", "/pgidsk/PGIRefundController", "/payments/ve1_2/orders/create", "/web/v1_2/embeddedsdk"]
    paths += ["/merchant/postservice.php", "/v1/orders", "/v1/checkout/embedded", "/v1/payments/x/refund", "/v1/settlements/recon/combined"]
    bodies = [b"", b"\xff\xfe", b"msg=%ff%fe", b"msg=" + b"|" * 50, b"[]", b"null", b'{"reference": []}', b"a.b.c", b"&" * 300, b"{" * 5000]
    for path in paths:
        for method in ("GET", "POST", "PUT"):
            for body in bodies:
                headers = {"content-type": "application/json", "authorization": "Basic !!!", "content-length": str(len(body))}
                query = "form=2&year=x&month=\u0663&merchant=%00"
                reply = await gateway.reply(Request(method, path, query, headers, body, "http://127.0.0.1"))
                assert reply.status < 500, (path, method, body)


def test_the_demonstrations_office_is_told_with_what_to_enter() -> None:
    offices = demo_offices("0123456789abcdef0123456789abcdef", "COODEMO01")
    assert len({secret for each in offices for secret in each.secrets.values()}) == 8
    for each in offices:
        entered = what_to_enter(each)
        assert next(iter(entered.values())) == each.id
        assert set(each.secrets.values()) <= set(entered.values())


def test_what_is_to_be_entered_is_right_in_the_gateways_form() -> None:
    """By the labels that a person sees there, with nothing but the office's own address and telephone added."""
    contact = {"contact_email": "office@chamber.example", "contact_phone": "9999999999"}
    for each in demo_offices("0123456789abcdef0123456789abcdef", "COODEMO01"):
        gateway = load().gateway(each.wire.removesuffix("_jose"))
        entered = what_to_enter(each)
        assert set(entered) <= {field.label for field in gateway.fields}, each.wire
        told = {field.name: entered.get(field.label, contact.get(field.name, "")) for field in gateway.fields}
        assert judge_parameters(gateway, told) == [], each.wire


def test_no_rehearsal_shares_code_with_the_plugins() -> None:
    """The wires import nothing of any plugin's codec; `playing` and nothing else knows the engine's contract."""
    home = Path(RehearsalGateway.__module__.replace(".", "/")).parent / "rehearsal"
    root = Path(__file__).parents[3]
    for path in (root / home).rglob("*.py"):
        text = path.read_text()
        found = set(re.findall(r"^\s*from (plugins\.[\w.]+|engine[\w.]*) import", text, re.MULTILINE))
        allowed = {
            each for each in found if each.startswith("plugins.payment.sandbox.rehearsal") or each == "plugins.payment.sandbox.server"
        }
        assert found - allowed <= ({"engine.api"} if path.name == "playing.py" else set()), path
