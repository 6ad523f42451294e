"""The sandbox pays, refunds and settles against its rehearsal server over real HTTP, whose codec is not the plugin's."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from engine.api import (
    Conflict,
    FormPost,
    GatewayContext,
    PaymentOutcome,
    Pays,
    RefundOutcome,
    Refunds,
    RefundWanted,
    Refused,
    SettlementKind,
    Settles,
    StartPayment,
    Unavailable,
    Unresolved,
    Untrusted,
)
from plugins.payment.sandbox.gateway import Sandbox
from tests.rehearsal import SANDBOX, START, Rehearsal, callback, context, rehearsing

REFERENCE = "ABCDEFGHJKLMNPQRST23"
SETTLE = RefundWanted("REFUNDREFUNDREFUND22", 100_00, REFERENCE, "", "", 236_00, START)


@pytest.fixture(scope="module")
def served() -> Iterator[Rehearsal]:
    with rehearsing() as rehearsal:
        yield rehearsal


@pytest.fixture
def rehearsal(served: Rehearsal) -> Rehearsal:
    """The server as if it had just started."""
    served.gateway.__init__(tuple(served.gateway.till.merchants), now=served.clock.now, deliver=served.gateway.outbox._deliver)  # type: ignore[misc]
    served.posted.clear()
    return served


def office(rehearsal: Rehearsal, *, merchant: str = SANDBOX.id, key: str = SANDBOX.secrets["checksum"], **more: Any) -> GatewayContext:
    return context(rehearsal, {"url": rehearsal.address}, {"merchant_id": merchant}, {"checksum": key}, **more)


def wish(**changed: Any) -> StartPayment:
    wanted = StartPayment(REFERENCE, 236_00, "http://127.0.0.1:9/cb/pay/sandbox/r/t0ken", "http://127.0.0.1:9/cb/pay/sandbox/s/acc")
    return replace(wanted, **changed)


async def paid(rehearsal: Rehearsal, scenario: str = "success", **changed: Any) -> tuple[GatewayContext, Any]:
    """A payment that began, and whose payer pressed the button."""
    ctx = office(rehearsal)
    started = await Sandbox().start(ctx, wish(**changed))
    assert isinstance(started.handover, FormPost)
    return ctx, rehearsal.pay(changed.get("reference", REFERENCE), scenario)


# --- paying ------------------------------------------------------------------------------------


def test_the_sandbox_has_all_three_abilities() -> None:
    assert isinstance(Sandbox(), Pays)
    assert isinstance(Sandbox(), Refunds)
    assert isinstance(Sandbox(), Settles)


async def test_return_notice_and_answer_say_the_same_with_the_same_key(rehearsal: Rehearsal) -> None:
    ctx, done = await paid(rehearsal)
    rehearsal.advance()
    back = Sandbox().verify(ctx, callback(done["return"]))
    notice = Sandbox().verify(ctx, callback(rehearsal.posted[0]))
    asked = await Sandbox().query(ctx, REFERENCE)
    assert back == notice == asked
    assert (back.outcome, back.reference, back.merchant) == (PaymentOutcome.SUCCEEDED, REFERENCE, "COOMUM01")
    assert (back.amount_paise, back.currency, back.gateway_txn_id, back.occurred_at) == (236_00, "INR", done["txn"], START)


async def test_the_browser_is_led_to_a_page_and_back_by_forms_alone(rehearsal: Rehearsal) -> None:
    started = await Sandbox().start(office(rehearsal), wish())
    assert isinstance(started.handover, FormPost)
    page = httpx.post(started.handover.url, data=dict(started.handover.fields))
    assert page.status_code == 200
    assert "REHEARSAL" in page.text
    assert "INR 236.00" in page.text
    back = httpx.post(f"{rehearsal.address}/rehearsal/outcome", data={"order": started.gateway_order_id, "scenario": "success"})
    assert 'action="http://127.0.0.1:9/cb/pay/sandbox/r/t0ken"' in back.text
    assert "form-action 'self' http://127.0.0.1:9;" in back.headers["content-security-policy"]
    again = httpx.post(f"{rehearsal.address}/rehearsal/outcome", data={"order": started.gateway_order_id, "scenario": "failure"})
    assert again.status_code == 400


@pytest.mark.parametrize(
    ("scenario", "outcomes"),
    [
        ("failure", ["failed"]),
        ("user_cancel", ["failed"]),
        ("pending_forever", ["pending"]),
        ("pending_then_success", ["pending", "succeeded"]),
        ("pending_then_failure", ["pending", "failed"]),
        ("failed_then_late_success", ["failed", "succeeded"]),
    ],
)
async def test_what_comes_later_comes_when_the_clock_is_moved(rehearsal: Rehearsal, scenario: str, outcomes: list[str]) -> None:
    ctx, done = await paid(rehearsal, scenario)
    assert Sandbox().verify(ctx, callback(done["return"])).outcome == outcomes[0]
    assert (await Sandbox().query(ctx, REFERENCE)).outcome == outcomes[0]
    rehearsal.advance(700)
    assert [Sandbox().verify(ctx, callback(each)).outcome for each in rehearsal.posted] == outcomes
    assert (await Sandbox().query(ctx, REFERENCE)).outcome == outcomes[-1]


async def test_an_order_that_nobody_paid_and_one_that_nobody_made_are_not_found(rehearsal: Rehearsal) -> None:
    ctx = office(rehearsal)
    assert (await Sandbox().query(ctx, REFERENCE)).outcome is PaymentOutcome.NOT_FOUND
    await Sandbox().start(ctx, wish())
    assert (await Sandbox().query(ctx, REFERENCE)).outcome is PaymentOutcome.NOT_FOUND


@pytest.mark.parametrize("scenario", ["tampered_checksum", "lowercase_checksum", "missing_field"])
async def test_what_is_not_signed_as_it_must_be_is_not_believed(rehearsal: Rehearsal, scenario: str) -> None:
    ctx, done = await paid(rehearsal, scenario)
    rehearsal.advance()
    for message in (done["return"], *rehearsal.posted):
        with pytest.raises(Untrusted) as refused:
            Sandbox().verify(ctx, callback(message))
        assert SANDBOX.secrets["checksum"] not in refused.value.say


async def test_a_good_signature_brings_what_it_signed_for_the_engine_to_compare(rehearsal: Rehearsal) -> None:
    wrong = {
        "tampered_amount_valid_signature": "amount_paise",
        "wrong_merchant_valid_signature": "merchant",
        "unknown_reference": "reference",
    }
    for count, (scenario, name) in enumerate(wrong.items()):
        ctx, done = await paid(rehearsal, scenario, reference=f"{REFERENCE[:-1]}{count + 4}")
        event = Sandbox().verify(ctx, callback(done["return"]))
        assert event.outcome is PaymentOutcome.SUCCEEDED
        right = {"amount_paise": 236_00, "merchant": "COOMUM01", "reference": f"{REFERENCE[:-1]}{count + 4}"}
        assert {key for key, value in right.items() if getattr(event, key) != value} == {name}


async def test_another_offices_key_believes_nothing(rehearsal: Rehearsal) -> None:
    _, done = await paid(rehearsal)
    with pytest.raises(Untrusted):
        Sandbox().verify(office(rehearsal, key="Zz8yXw7vUt6sRq5p"), callback(done["return"]))


async def test_a_second_charge_has_another_transaction_and_another_key(rehearsal: Rehearsal) -> None:
    ctx, _ = await paid(rehearsal, "double_charge")
    rehearsal.advance()
    first, second = (Sandbox().verify(ctx, callback(each)) for each in rehearsal.posted)
    assert first.gateway_txn_id != second.gateway_txn_id
    assert first.key != second.key


async def test_a_message_names_its_reference_before_it_is_believed(rehearsal: Rehearsal) -> None:
    _, done = await paid(rehearsal, "tampered_checksum")
    assert Sandbox().locate(callback(done["return"])) == REFERENCE
    for body in (b"", b"msg=", b"\xff", b"msg=EVENT%7Ca", b"x" * 70_000, b"msg=a&msg=b"):
        assert Sandbox().locate(callback(done["return"], body=body)) is None


# --- what may go wrong on the line -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "error", "known"),
    [
        ("start_refused", Refused, False),
        ("start_timeout_no_effect", Unresolved, False),
        ("start_timeout_with_effect", Unresolved, True),
        ("http_500", Unresolved, False),
        ("garbage_body", Unresolved, False),
    ],
)
async def test_a_start_that_goes_wrong_says_what_may_have_happened(
    rehearsal: Rehearsal, scenario: str, error: type[Exception], known: bool
) -> None:
    rehearsal.script(REFERENCE, scenario)
    with pytest.raises(error):
        await Sandbox().start(office(rehearsal), wish())
    assert (rehearsal.gateway.till.payment("sandbox", REFERENCE) is not None) == known


class Unplugged(httpx.AsyncBaseTransport):
    """Nobody is there."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")


async def test_nobody_reached_is_nothing_sent(rehearsal: Rehearsal) -> None:
    rehearsal.script(REFERENCE, "start_unreachable")
    assert rehearsal.gateway.unplugged(REFERENCE)
    with pytest.raises(Unavailable):
        await Sandbox().start(office(rehearsal, transport=Unplugged()), wish())


async def test_a_drip_ends_with_the_askers_patience_or_when_it_is_let_go(rehearsal: Rehearsal) -> None:
    ctx, _ = await paid(rehearsal)
    rehearsal.script(REFERENCE, "slow_drip", on="query")
    ctx.line._total_s = 0.2  # type: ignore[attr-defined]
    with pytest.raises(Unresolved):
        await Sandbox().query(ctx, REFERENCE)
    assert (await Sandbox().query(ctx, REFERENCE)).outcome is PaymentOutcome.SUCCEEDED


async def test_a_question_may_find_a_payment_only_later(rehearsal: Rehearsal) -> None:
    rehearsal.script(REFERENCE, "query_not_found_then_found", times=2)
    ctx, _ = await paid(rehearsal)
    found = [(await Sandbox().query(ctx, REFERENCE)).outcome for _ in range(3)]
    assert found == [PaymentOutcome.NOT_FOUND, PaymentOutcome.NOT_FOUND, PaymentOutcome.SUCCEEDED]


async def test_a_reference_is_taken_once(rehearsal: Rehearsal) -> None:
    await Sandbox().start(office(rehearsal), wish())
    with pytest.raises(Conflict):
        await Sandbox().start(office(rehearsal), wish(amount_paise=1_00))


async def test_wrong_credentials_are_a_refusal_that_names_no_key(rehearsal: Rehearsal) -> None:
    for merchant, key in (("COOMUM01", "WrongWrongWrong1"), ("NOBODY01", "k9XvQ2mNpR7sT4wZ")):
        with pytest.raises(Refused) as refused:
            await Sandbox().start(office(rehearsal, merchant=merchant, key=key), wish())
        assert refused.value.code == "credentials"
        assert key not in refused.value.say


async def test_on_a_site_that_rehearses_nothing_no_genuine_message_is_believed_and_nothing_is_asked(rehearsal: Rehearsal) -> None:
    ctx, done = await paid(rehearsal)
    data = httpx.get(f"{rehearsal.address}/rehearsal/settlement?merchant=COOMUM01").content
    live, asked = replace(ctx, rehearsal=False), len(rehearsal.calls)
    with pytest.raises(Untrusted) as untrusted:
        Sandbox().verify(live, callback(done["return"]))
    assert untrusted.value.code == "rehearsal_only"
    for deed in (Sandbox().query(live, REFERENCE), Sandbox().refund(live, SETTLE), Sandbox().query_refund(live, SETTLE)):
        with pytest.raises(Refused, match="rehearsals"):
            await deed
    with pytest.raises(Refused, match="rehearsals"):
        list(Sandbox().read_settlement(live, "s.csv", data))
    assert len(rehearsal.calls) == asked


async def test_nothing_is_sent_outside_a_rehearsal_nor_with_a_bar_in_it(rehearsal: Rehearsal) -> None:
    with pytest.raises(Refused):
        await Sandbox().start(replace(office(rehearsal), rehearsal=False), wish())
    with pytest.raises(Refused):
        await Sandbox().start(office(rehearsal), wish(tags=("A|B",)))
    assert rehearsal.calls == []


# --- refunds and settlement ----------------------------------------------------------------------


async def test_a_refund_is_made_once_however_often_it_is_asked(rehearsal: Rehearsal) -> None:
    ctx, done = await paid(rehearsal)
    wanted = replace(SETTLE, gateway_txn_id=done["txn"])
    first, again = await Sandbox().refund(ctx, wanted), await Sandbox().refund(ctx, wanted)
    assert first == again == await Sandbox().query_refund(ctx, wanted)
    assert (first.outcome, first.amount_paise) == (RefundOutcome.DONE, 100_00)
    with pytest.raises(Conflict):
        await Sandbox().refund(ctx, replace(wanted, amount_paise=1_00))
    with pytest.raises(Refused):
        await Sandbox().refund(ctx, replace(wanted, reference="REFUNDREFUNDREFUND23", amount_paise=136_01))


async def test_refunds_pend_fail_and_time_out_as_scripted(rehearsal: Rehearsal) -> None:
    ctx, done = await paid(rehearsal)
    wanted = replace(SETTLE, gateway_txn_id=done["txn"], amount_paise=1_00)
    rehearsal.script("R1", "refund_pending_then_ok", after=60)
    one = replace(wanted, reference="R1")
    assert (await Sandbox().refund(ctx, one)).outcome is RefundOutcome.PENDING
    rehearsal.advance(60)
    assert (await Sandbox().query_refund(ctx, one)).outcome is RefundOutcome.DONE
    rehearsal.script("R2", "refund_failed")
    assert (await Sandbox().refund(ctx, replace(wanted, reference="R2"))).outcome is RefundOutcome.FAILED
    rehearsal.script("R3", "refund_timeout_with_effect")
    with pytest.raises(Unresolved):
        await Sandbox().refund(ctx, replace(wanted, reference="R3"))
    assert (await Sandbox().query_refund(ctx, replace(wanted, reference="R3"))).outcome is RefundOutcome.DONE
    assert (await Sandbox().query_refund(ctx, replace(wanted, reference="R4"))).outcome is RefundOutcome.NOT_FOUND


async def test_the_settlement_counts_to_the_paisa(rehearsal: Rehearsal) -> None:
    ctx, done = await paid(rehearsal)
    await Sandbox().refund(ctx, replace(SETTLE, gateway_txn_id=done["txn"]))
    data = httpx.get(f"{rehearsal.address}/rehearsal/settlement?merchant=COOMUM01").content
    payment, refund = Sandbox().read_settlement(ctx, "settlement.csv", data)
    assert (payment.kind, payment.reference, payment.gateway_txn_id) == (SettlementKind.PAYMENT, REFERENCE, done["txn"])
    assert (payment.gross_paise, payment.fee_paise, payment.tax_paise, payment.net_paise) == (236_00, 2_36, 42, 233_22)
    assert (refund.kind, refund.reference, refund.net_paise) == (SettlementKind.REFUND, SETTLE.reference, 100_00)


async def test_the_settlement_of_a_server_that_is_started_for_real_is_read(rehearsal: Rehearsal) -> None:
    """Its ids begin with the time of its start, and are longer than those of a test."""
    ctx, _ = await paid(rehearsal)
    rehearsal.script(REFERENCE, "settlement", how="duplicate")
    data = httpx.get(f"{rehearsal.address}/rehearsal/settlement?merchant=COOMUM01").content
    longer = data.replace(b"SBTRE", f"SBT{int(time.time()):X}".encode())
    assert longer != data
    assert len(list(Sandbox().read_settlement(ctx, "settlement.csv", longer))) == 2


@pytest.mark.parametrize(("how", "lines"), [("match", 1), ("amount_diff", 1), ("missing_here", 2), ("missing_there", 0), ("duplicate", 2)])
async def test_a_settlement_is_wrong_as_scripted(rehearsal: Rehearsal, how: str, lines: int) -> None:
    ctx, _ = await paid(rehearsal)
    rehearsal.script(REFERENCE, "settlement", how=how)
    data = httpx.get(f"{rehearsal.address}/rehearsal/settlement?merchant=COOMUM01").content
    found = list(Sandbox().read_settlement(ctx, "settlement.csv", data))
    assert len(found) == lines
    assert len({each.key for each in found}) == lines
    assert [each for each in found if each.reference == REFERENCE and each.gross_paise != 236_00] == (found if how == "amount_diff" else [])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"COOMUM01", b"COODEL01", "line 1"),
        (b"line,kind", b"kind,line", "line 2"),
        (b"PAYMENT", b"CHARGE", "line 3, column kind"),
        (b"236.00", b"236.0", "line 3, column gross"),
        (b"236.00", b"237.00", "line 3, column net"),
        (b"2026-04-02", b"02-04-2026", "line 3, column settled_on"),
        (b"END,1", b"END,2", "line 4"),
        (b"END,1,233.22\n", b"", "line"),
        (b"UTR2026", b"UTR\xe2\x80\x8b2026", "line 3"),
    ],
)
async def test_a_settlement_that_is_not_whole_or_not_ours_is_refused_by_its_place(
    rehearsal: Rehearsal, old: bytes, new: bytes, words: str
) -> None:
    ctx, _ = await paid(rehearsal)
    data = httpx.get(f"{rehearsal.address}/rehearsal/settlement?merchant=COOMUM01").content
    assert old in data
    with pytest.raises(Refused) as refused:
        list(Sandbox().read_settlement(ctx, "settlement.csv", data.replace(old, new)))
    assert words in refused.value.say.lower()


def test_the_secret_is_in_no_repr(rehearsal: Rehearsal) -> None:
    key = SANDBOX.secrets["checksum"]
    assert key not in repr(SANDBOX)
    assert key not in repr(office(rehearsal))
